"""Colours that stand for something are told from their ground by everyone, in either theme."""

import tomllib
from itertools import pairwise

import numpy as np
import pytest

from tests.conftest import ROOT
from ui.shell import images
from ui.widgets.map import plot

LEAST = 3  # the contrast that WCAG 2.2 asks of graphics, 1.4.11
CHANNELS = np.array([0.2126, 0.7152, 0.0722])
THEME = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
STAGE = "#1b1e26"  # the ground of the map in the presentation view
GROUNDS = [THEME[kind][f"{ground}ackgroundColor"] for kind in ("light", "dark") for ground in ("b", "secondaryB")]


def rgb(colour: str) -> np.ndarray:
    """Return a colour as three numbers from 0 to 1."""
    return np.array(list(bytes.fromhex(colour[1:]))) / 255


def contrast(colour: np.ndarray, ground: np.ndarray) -> float:
    """Return the contrast of two colours as WCAG has it, from 1 to 21."""
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ CHANNELS for c in (colour, ground)]
    return (max(linear) + 0.05) / (min(linear) + 0.05)


def ramp() -> list[np.ndarray]:
    """Return the colours of the scale and those that the map mixes between them."""
    ends = pairwise(map(rgb, plot.RAMP))
    return [low + share * (high - low) for low, high in ends for share in np.linspace(0, 1, 9)]


@pytest.mark.parametrize("ground", [*GROUNDS, STAGE])
def test_every_colour_of_the_map_stands_out_from_its_ground(ground):
    colours = [*map(rgb, (*images.PALETTE, *plot.GROUP_COLOURS.values())), *ramp()]
    assert min(contrast(colour, rgb(ground)) for colour in colours) >= LEAST


def test_no_two_colours_of_the_palette_are_alike():
    colours = np.stack([*map(rgb, images.PALETTE)])
    apart = np.abs(colours[:, None] - colours).sum(axis=2) + 9 * np.eye(len(colours))
    assert apart.min() > 0.15
