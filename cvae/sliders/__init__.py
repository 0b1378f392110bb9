"""Sliders with names for digits: curves along which one measure changes and the others hardly do."""

from cvae.sliders.curves import Curve, Sliders, meet, through, words
from cvae.sliders.stored import FILE, load, save

__all__ = ["FILE", "Curve", "Sliders", "load", "meet", "save", "through", "words"]
