"""One made picture: a ground, digits, marks beside them, light, and a camera."""

from dataclasses import dataclass

import numpy as np

from cvae.sketches.scenes import colours, glyphs, grounds, lights, marks
from cvae.sketches.scenes.glyphs import FINE, Glyph
from cvae.sketches.scenes.page import Page, cloud

NONE = 0.07  # of the pictures show no digit
SEVERAL = 0.14  # show two or more


@dataclass(frozen=True)
class Pen:
    """How digits of one picture are written: by middle line or outline, how wide (map pixels), what it leaves."""

    thin: bool
    width: float
    colour: np.ndarray
    mixes: bool  # a highlighter darkens what it covers
    strength: float
    dry: float  # how much is left out, as by chalk or a pencil


def draw(size: tuple[int, int], digits: list[Glyph], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture, uint8 (H, W, 3), and what of it is ink of its digits, float32 (H, W) in [0, 1].

    `digits` are those it may show, from the first on.
    """
    page, area, ground = _ground(size, rng)
    own = colours.ink(rng, ground)
    pen = _pen(rng, own)
    boxes = _places(area, rng)
    around = _around(boxes)
    extra = rng.choice([0, 1, 2, 3], p=[0.2, 0.45, 0.25, 0.1])
    chosen = [rng.random() < 0.35 for _ in range(extra)]
    for under in chosen:
        if under:
            _mark(page, marks.UNDER, around, own, ground)
    if rng.random() >= NONE:
        for glyph, box in zip(digits, boxes, strict=False):
            _write(page, glyph, box, pen)
    for under in chosen:
        if not under:
            one = boxes[rng.integers(len(boxes))] if rng.random() < 0.2 else around
            _mark(page, marks.OVER, one if len(boxes) == 1 else around, own, ground)
    lights.shine(page)
    return lights.photographed(page), page.ink


def _mark(page: Page, kinds: tuple, box: marks.Box, own: np.ndarray, ground: np.ndarray) -> None:
    """Paint a mark, in the ink's colour or another; ink of digits that it covers stays ink, unless a thing hides it."""
    mark = kinds[page.rng.integers(len(kinds))]
    colour = own if page.rng.random() < 0.6 else colours.ink(page.rng, ground)
    before = page.rgb.copy() if mark in (marks.bar, marks.patch, marks.band) else None
    mark(page, box, colour)
    if before is not None:
        page.ink *= np.abs(page.rgb - before).max(2) < 0.05


def _ground(size: tuple[int, int], rng: np.random.Generator) -> tuple[Page, tuple, np.ndarray]:
    """Return a page, the area (left, top, right, bottom) that may be written on, and its colour."""
    height, width = size
    if rng.random() < 0.55:
        colour = colours.ground(rng)
        page = grounds.plain(height, width, rng, colour)
        page.turn = rng.normal(0, 0.06) if rng.random() < 0.5 else 0.0
        grounds.textured(page)
        return page, (0, 0, width, height), colour
    page = grounds.table(height, width, rng)
    page.turn = rng.normal(0, 0.15) if rng.random() < 0.8 else 0.0
    for _ in range(3):
        colour = colours.pick(rng, colours.PAPERS, colours.PAPERS, colours.COLOURED, colours.BOARDS)
        if colours.apart(colour, page.rgb.mean((0, 1))) > 0.12:
            break
    w, h = rng.uniform(0.35, 1.05) * width, rng.uniform(0.35, 1.05) * height
    centre = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.7))
    if rng.random() < 0.2:  # another sheet lies there too
        other = (width * rng.uniform(0, 1), height * rng.uniform(0, 1))
        grounds.sheet(page, colours.pick(rng, colours.PAPERS, colours.COLOURED), other, (w * rng.uniform(0.5, 1.2), h))
    cover = grounds.sheet(page, colour, centre, (w, h))
    grounds.textured(page, cover)
    keep = 0.82 - 0.5 * abs(page.turn)
    area = (centre[0] - keep * w / 2, centre[1] - keep * h / 2, centre[0] + keep * w / 2, centre[1] + keep * h / 2)
    return page, (max(0, area[0]), max(0, area[1]), min(width, area[2]), min(height, area[3])), colour


def _pen(rng: np.random.Generator, colour: np.ndarray) -> Pen:
    thin = rng.random() < 0.5
    width = np.exp(rng.uniform(np.log(0.25), np.log(4.5))) * FINE if thin else rng.uniform(-0.6, 1.6) * FINE
    mixes, bright = rng.random() < 0.15, colour.max() > 0.7
    dry = rng.uniform(0, 0.8) if rng.random() < 0.15 else 0.0
    return Pen(thin, width, colour, bool(mixes and bright), rng.uniform(0.75, 1), dry)


def _places(area: tuple, rng: np.random.Generator) -> list[marks.Box]:
    """Return the boxes of one or several digits inside an area."""
    w, h = area[2] - area[0], area[3] - area[1]
    n = rng.integers(2, 5) if rng.random() < SEVERAL else 1
    most = min(h, 1.4 * w / (0.9 * n + 0.1))
    tall = most * np.exp(rng.uniform(np.log(0.16 if n == 1 else 0.3), np.log(0.97)))
    wide = 0.75 * tall
    step = wide * rng.uniform(1.1, 1.6)
    while (n - 1) * step + wide > w and n > 1:
        n -= 1
    left = area[0] + rng.uniform(0, 1) * max(0, w - (n - 1) * step - wide)
    top = area[1] + rng.uniform(0, 1) * max(0, h - tall)
    shake = 0.08 * tall * rng.normal(0, 1, n) if n > 1 else [0.0]
    return [(left + i * step, top + s, left + i * step + wide, top + s + tall) for i, s in enumerate(shake)]


def _around(boxes: list[marks.Box]) -> marks.Box:
    lows, highs = np.min(boxes, axis=0), np.max(boxes, axis=0)
    return (lows[0], lows[1], highs[2], highs[3])


def _write(page: Page, glyph: Glyph, box: marks.Box, pen: Pen) -> None:
    """Write a digit so that its ink fills the height of a box, tilted and leaning a little."""
    rng = page.rng
    scale = (box[3] - box[1]) / max(glyph.box[3] - glyph.box[1], 0.8 * (glyph.box[2] - glyph.box[0]))
    turn = page.turn + rng.normal(0, 0.12)
    c, s = np.cos(turn), np.sin(turn)
    lean, wide = rng.normal(0, 0.12), np.exp(rng.normal(0, 0.12))
    matrix = scale * np.array([[c, -s], [s, c]]) @ np.array([[wide, lean], [0, 1]])
    middle = np.array([(glyph.box[0] + glyph.box[2]), (glyph.box[1] + glyph.box[3])]) / 2 - glyphs.SIDE / 2
    centre = np.array(marks.middle(box)) - matrix @ middle
    shape = page.ink.shape
    away = glyphs.placed(glyph.middle if pen.thin else glyph.outline, shape, tuple(centre), matrix)
    inside = scale * ((pen.width / 2 if pen.thin else pen.width) - away)
    inside = np.where(away >= glyphs.FAR - 1, -9, inside)
    thick = scale * (pen.width if pen.thin else 9)
    cover = (inside + 0.5).clip(0, 1) * min(1.0, max(thick, 0.35))
    page.ink = np.maximum(page.ink, (inside + 0.75).clip(0, 1) if thick < 1.2 else cover)
    if pen.dry:
        cover = cover * (1 - pen.dry * (cloud(rng, shape, shape[0] // 2) > 0.4))
    page.paint(cover * pen.strength, pen.colour, pen.mixes)
