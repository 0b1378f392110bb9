"""What is measured of which family of models on test pictures, and the tables and sentences that tell it."""
