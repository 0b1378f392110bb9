"""Faces as codes: the ways of attributes, mixtures to draw from, where a face is in a picture, and figures of merit."""

from cvae.faces.space import FILE, STRANGE, WAYS, Space, load, locate, measure, save, strangeness

__all__ = ["FILE", "STRANGE", "WAYS", "Space", "load", "locate", "measure", "save", "strangeness"]
