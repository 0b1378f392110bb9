"""Data sets, what is done to a batch before a model sees it, and pictures from anywhere."""

from cvae.data.sets import DATASETS, FACES, ImageSet, is_folder, lfw, load, mnist, some, torchvision, training_split
from cvae.data.variations import augment, binarize, mirror, move, shift, turn, varied

__all__ = [
    "DATASETS",
    "FACES",
    "ImageSet",
    "augment",
    "binarize",
    "is_folder",
    "lfw",
    "load",
    "mirror",
    "mnist",
    "move",
    "shift",
    "some",
    "torchvision",
    "training_split",
    "turn",
    "varied",
]
