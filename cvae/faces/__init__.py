"""Faces as codes: the ways of attributes, mixtures to draw from, where a face is in a picture, and figures of merit."""

from cvae.faces.codes import code, crop, told
from cvae.faces.finder import SURE, Face
from cvae.faces.space import FILE, STRANGE, WAYS, Space, load, locate, measure, save, search, strangeness

__all__ = [
    "FILE",
    "STRANGE",
    "SURE",
    "WAYS",
    "Face",
    "Space",
    "code",
    "crop",
    "load",
    "locate",
    "measure",
    "save",
    "search",
    "strangeness",
    "told",
]
