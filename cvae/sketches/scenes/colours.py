"""Colours of grounds and of inks, and inks that one can tell from their ground."""

import colorsys

import numpy as np

PAPERS = [(0.93, 0.93, 0.9), (0.98, 0.98, 0.98), (0.88, 0.87, 0.84), (0.95, 0.92, 0.82), (0.8, 0.8, 0.8)]
COLOURED = [
    (0.76, 0.6, 0.42),
    (0.66, 0.5, 0.33),
    (1, 0.93, 0.45),
    (0.98, 0.75, 0.8),
    (0.7, 0.85, 0.95),
    (0.7, 0.75, 0.62),
]
BOARDS = [(0.07, 0.07, 0.08), (0.12, 0.25, 0.18), (0.1, 0.14, 0.25), (0.2, 0.2, 0.2), (0.0, 0.0, 0.0)]
PENS = [(0.08, 0.08, 0.1), (0.17, 0.17, 0.19), (0.1, 0.15, 0.5), (0.05, 0.1, 0.35), (0.3, 0.3, 0.32)]
BRIGHT = [(0.8, 0.15, 0.15), (0.1, 0.5, 0.2), (0.95, 0.45, 0.1), (0.3, 0.6, 0.9), (0.9, 0.3, 0.6), (0.45, 0.2, 0.6)]
LIGHTERS = [(1, 0.93, 0.2), (0.75, 0.97, 0.3), (1, 0.6, 0.75), (0.5, 0.9, 1), (1, 0.75, 0.3)]
CHALKS = [(0.95, 0.95, 0.95), (0.8, 0.8, 0.78), (0.98, 0.9, 0.5), (0.95, 0.65, 0.65), (0.6, 0.8, 0.95)]
LUMA = np.array((0.299, 0.587, 0.114), np.float32)


def pick(rng: np.random.Generator, *lists: list[tuple]) -> np.ndarray:
    """Return a colour of one of these lists, shaken a little."""
    colours = lists[rng.integers(len(lists))]
    base = np.array(colours[rng.integers(len(colours))], np.float32)
    return (base + rng.normal(0, 0.03, 3)).clip(0, 1).astype(np.float32)


def ground(rng: np.random.Generator) -> np.ndarray:
    """Return the colour of what one writes on."""
    kind = rng.random()
    if kind < 0.58:
        return pick(rng, PAPERS)
    if kind < 0.74:
        return pick(rng, COLOURED)
    return pick(rng, BOARDS) if kind < 0.87 else hue(rng, rng.uniform(0.05, 0.9), rng.uniform(0.2, 0.95))


def hue(rng: np.random.Generator, saturation: float, value: float) -> np.ndarray:
    """Return a colour of a random hue."""
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, value), np.float32)


def ink(rng: np.random.Generator, ground: np.ndarray) -> np.ndarray:
    """Return an ink that stands out from its ground, if only by its colour or faintly."""
    for _ in range(30):
        kind = rng.random()
        if kind < 0.12:
            colour = faint(rng, ground)
        elif kind < 0.2:
            colour = equally_bright(rng, ground)
        elif ground @ LUMA < 0.35:
            colour = pick(rng, CHALKS, CHALKS, LIGHTERS, BRIGHT)
        else:
            colour = pick(rng, PENS, PENS, PENS, BRIGHT, BRIGHT, LIGHTERS)
        if apart(colour, ground) > 0.1:
            return colour
    return np.full(3, float(ground @ LUMA < 0.5), np.float32)


def faint(rng: np.random.Generator, ground: np.ndarray) -> np.ndarray:
    """Return a pencil's grey: the ground, by 8 to 30 % darker, or lighter on a dark ground."""
    share = rng.uniform(0.08, 0.3)
    return ground * (1 - share) if ground @ LUMA > 0.35 else ground + share * (1 - ground)


def equally_bright(rng: np.random.Generator, ground: np.ndarray) -> np.ndarray:
    """Return a colour that a grey picture would not tell from the ground."""
    colour = hue(rng, rng.uniform(0.5, 1), rng.uniform(0.4, 1))
    return (colour + (ground - colour) @ LUMA + rng.normal(0, 0.02)).clip(0, 1).astype(np.float32)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Return how far apart two colours are; a plain grey step counts as much as it is high."""
    d = a - b
    bright = d @ LUMA
    return float(np.sqrt(bright**2 + 0.25 * ((d - bright) ** 2).sum()))
