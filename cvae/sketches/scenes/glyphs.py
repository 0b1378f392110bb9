"""Digits as distance maps, which a transform can place, tilt and thicken at any size."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

FINE = 3  # map pixels to a pixel of MNIST
PAD = 4  # pixels of MNIST around its 28
SIDE = (28 + 2 * PAD) * FINE
FAR = 2.0 * PAD * FINE
INSIDE = 110  # of 255, from which a pixel lies inside the outline


@dataclass(frozen=True)
class Glyph:
    """Distances in map pixels, float32 (SIDE, SIDE): from the middle line of the strokes, and from their outline."""

    middle: np.ndarray
    outline: np.ndarray  # negative inside
    box: tuple[float, float, float, float]  # left, top, right, bottom of the ink


def of_picture(picture: np.ndarray) -> Glyph:
    """Return the glyph of a digit of MNIST, uint8 (28, 28) with bright ink; ValueError where it has none."""
    from scipy import ndimage

    large = Image.fromarray(np.pad(picture, PAD)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    inside = np.asarray(large) > INSIDE
    if not inside.any():
        raise ValueError("a digit without ink has no outline.")
    within, without = (ndimage.distance_transform_edt(a).astype(np.float32) for a in (inside, ~inside))
    line = thinned(inside)
    middle = ndimage.gaussian_filter(ndimage.distance_transform_edt(~line).astype(np.float32), 0.7)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return Glyph(middle - middle[line].mean(), without - within, box)


def of_lines(lines: list[np.ndarray], height: float = 20.0) -> Glyph:
    """Return the glyph of strokes, each (K, 2) of x and y in shares of the digit's height, with MNIST's usual width."""
    from scipy import ndimage

    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    scale, points = height * FINE, np.concatenate(lines)
    shift = SIDE / 2 - scale * (points.min(0) + points.max(0)) / 2
    away = np.full((SIDE, SIDE), 1e3, np.float32)
    for line in lines:
        at = scale * line + shift
        for a, b in zip(at, at[1:], strict=False):
            away = np.minimum(away, to_segment(x, y, a, b))
    away = ndimage.gaussian_filter(away, 0.7)
    (left, top), (right, bottom) = scale * points.min(0) + shift, scale * points.max(0) + shift
    return Glyph(away, away - 1.4 * FINE, (left - 4, top - 4, right + 4, bottom + 4))


def to_segment(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the distance of each point from the segment from a to b."""
    along = np.asarray(b, np.float32) - np.asarray(a, np.float32)
    length = float(along @ along) or 1e-6
    t = (((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length).clip(0, 1)
    return np.hypot(x - a[0] - t * along[0], y - a[1] - t * along[1])


def thinned(inside: np.ndarray) -> np.ndarray:
    """Return the middle line, one pixel wide, of what is inside, by Zhang and Suen (1984)."""
    a = np.pad(inside, 1).astype(np.uint8)
    while True:
        before = a.sum()
        for table in _removable():
            a[1:-1, 1:-1] &= ~table[_ring(a)]
        if a.sum() == before:
            return a[1:-1, 1:-1] > 0


def _ring(a: np.ndarray) -> np.ndarray:
    """Return of each inner pixel which of its eight neighbours are inside, a bit for each, from north clockwise."""
    n, s, m = slice(None, -2), slice(2, None), slice(1, -1)
    code = np.zeros_like(a[1:-1, 1:-1])
    for i, (rows, columns) in enumerate([(n, m), (n, s), (m, s), (s, s), (s, m), (s, n), (m, n), (n, n)]):
        code |= a[rows, columns] << i
    return code


@cache
def _removable() -> tuple[np.ndarray, np.ndarray]:
    """Return for each ring of neighbours whether the first and the second half of a round take the pixel away."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1  # (256, 8)
    count, turns = bits.sum(1), ((bits == 0) & (np.roll(bits, -1, 1) == 1)).sum(1)
    n, e, s, w = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    edge = (count >= 2) & (count <= 6) & (turns == 1)
    first, second = edge & (n * e * s == 0) & (e * s * w == 0), edge & (n * e * w == 0) & (n * s * w == 0)
    return first.astype(np.uint8), second.astype(np.uint8)


def placed(distance: np.ndarray, size: tuple[int, int], centre: tuple[float, float], matrix: np.ndarray) -> np.ndarray:
    """Return a map moved into a picture of this (height, width): its middle to `centre` (x, y), by a 2x2 `matrix`.

    Distances stay in map pixels.
    """
    inverse = np.linalg.inv(matrix)
    offset = SIDE / 2 - inverse @ np.asarray(centre)
    data = (inverse[0, 0], inverse[0, 1], offset[0], inverse[1, 0], inverse[1, 1], offset[1])
    picture = Image.fromarray(distance)
    moved = picture.transform(size[::-1], Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=FAR)
    return np.asarray(moved)
