"""Data sets, what is done to a batch before a model sees it, and pictures from anywhere."""

from cvae.data.sets import (
    DATASETS,
    FACES,
    ImageSet,
    augment,
    binarize,
    lfw,
    load,
    mirror,
    mnist,
    shift,
    torchvision,
    training_split,
    turn,
)

__all__ = [
    "DATASETS",
    "FACES",
    "ImageSet",
    "augment",
    "binarize",
    "lfw",
    "load",
    "mirror",
    "mnist",
    "shift",
    "torchvision",
    "training_split",
    "turn",
]
