"""Autoencoders on small images: models, objectives, training and the tasks that a picture can be put to."""
