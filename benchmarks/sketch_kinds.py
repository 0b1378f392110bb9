"""Made photographs of digits, by kind: what they are written with, on what, among what, in what light.

They share with the training pictures of the network that finds ink only how a digit's outline is moved and thickened;
the digits are MNIST's test digits. A kind is a function of a random generator and a supply of digits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cvae.sketches.scenes import glyphs

PAPER, WHITE, DARK, BLUE = (236, 235, 229), (250, 250, 248), (40, 40, 46), (35, 48, 130)


@dataclass(frozen=True)
class Made:
    """A picture and its digits, the largest first; `more` tells that others stand in it too."""

    image: Image.Image
    labels: tuple[int, ...]


class Sheet:
    """A picture under way, (H, W, 3) float32 from 0 to 255, and the digits written on it."""

    def __init__(self, rng: np.random.Generator, digits: "Digits", size: tuple[int, int], colour: tuple) -> None:
        self.rng, self.digits, self.size = rng, digits, size
        self.rgb = np.empty((size[1], size[0], 3), np.float32)
        self.rgb[:] = np.array(colour) + rng.normal(0, 4, 3)
        self.labels: list[int] = []
        self.y, self.x = (a.astype(np.float32) for a in np.mgrid[0 : size[1], 0 : size[0]])

    def cover(self, paint: Callable[[ImageDraw.ImageDraw], None]) -> np.ndarray:
        """Return what is drawn on a canvas of twice the size, averaged down, (H, W) in [0, 1]."""
        large = Image.new("L", (2 * self.size[0], 2 * self.size[1]))
        paint(ImageDraw.Draw(large))
        return np.asarray(large.resize(self.size, Image.Resampling.BOX), np.float32) / 255

    def paint(self, cover: np.ndarray, colour: tuple, strength: float = 1.0) -> None:
        """Lay a colour over what is there."""
        self.rgb += (strength * cover)[..., None] * (np.array(colour, np.float32) - self.rgb)

    def line(self, points: list[tuple[float, float]], colour: tuple, width: float, strength: float = 1.0) -> None:
        """Draw a line through points (x, y)."""
        self.lines([points], colour, width, strength)

    def lines(self, lines: list[list[tuple]], colour: tuple, width: float, strength: float = 1.0) -> None:
        """Draw several lines of one colour, each through its points (x, y)."""

        def paint(canvas: ImageDraw.ImageDraw) -> None:
            for points in lines:
                canvas.line([(2 * x, 2 * y) for x, y in points], fill=255, width=max(1, round(2 * width)))

        self.paint(self.cover(paint), colour, strength)

    def says(self, text: str, at: tuple[float, float], height: float, colour: tuple, strength: float = 1.0) -> None:
        """Print a text, its middle at (x, y)."""
        font = ImageFont.load_default(2 * height)
        place = (2 * at[0], 2 * at[1])
        self.paint(self.cover(lambda d: d.text(place, text, fill=255, font=font, anchor="mm")), colour, strength)

    def write(
        self,
        at: tuple[float, float],
        height: float,
        colour: tuple = DARK,
        width: float | None = None,
        turn: float = 0.0,
    ) -> np.ndarray:
        """Write a digit of this height around (x, y), with strokes of `width` pixels or as broad as MNIST's.

        Returns its cover.
        """
        label, glyph = self.digits.draw(self.rng)
        cover = placed(glyph, self.size, at, height, width, turn)
        self.labels.append(label)
        self.paint(cover, colour)
        return cover

    def done(self, noise: float = 2.5, quality: int = 88) -> Made:
        """Return the picture with the grain of a camera and the artefacts of a JPEG."""
        rgb = self.rgb + self.rng.normal(0, noise, self.rgb.shape).astype(np.float32)
        return Made(Image.fromarray(rgb.clip(0, 255).astype(np.uint8)), tuple(self.labels))


class Digits:
    """A supply of digits with their outlines, made once."""

    def __init__(self, pictures: np.ndarray, labels: np.ndarray) -> None:
        self.made: dict[int, glyphs.Glyph] = {}
        self.pictures, self.labels = pictures, labels

    def draw(self, rng: np.random.Generator) -> tuple[int, glyphs.Glyph]:
        """Return a digit and its outline."""
        i = int(rng.integers(len(self.labels)))
        if i not in self.made:
            self.made[i] = glyphs.of_picture(self.pictures[i])
        return int(self.labels[i]), self.made[i]


def placed(glyph: glyphs.Glyph, size: tuple, at: tuple, height: float, width: float | None, turn: float) -> np.ndarray:
    """Return the cover (H, W) of a glyph of this height around (x, y)."""
    left, top, right, bottom = glyph.box
    scale = height / max(bottom - top, 0.8 * (right - left))
    c, s = np.cos(turn), np.sin(turn)
    matrix = scale * np.array([[c, -s], [s, c]])
    centre = np.array(at) - matrix @ (np.array([left + right, top + bottom]) / 2 - glyphs.SIDE / 2)
    away = glyphs.placed(glyph.outline if width is None else glyph.middle, size[::-1], tuple(centre), matrix)
    inside = scale * -away if width is None else width / 2 - scale * away
    return np.where(away >= glyphs.FAR - 1, 0, (inside + 0.5).clip(0, 1)).astype(np.float32)


def place(rng: np.random.Generator, size: tuple[int, int], low: float = 0.28, high: float = 0.5) -> tuple[tuple, float]:
    """Return where a digit stands and how high it is, well inside the picture."""
    height = rng.uniform(low, high) * min(size)
    at = tuple(rng.uniform(0.5 * height + 0.06 * s, s - 0.5 * height - 0.06 * s) for s in size)
    return at, height


def soft(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Return smooth noise of mean 0."""
    small = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
    return np.asarray(small.resize(shape[::-1], Image.Resampling.BICUBIC))


def pen_of(rng: np.random.Generator) -> tuple[tuple, float | None]:
    """Return an ink and a width: mostly broad, else of a pen."""
    colour = (DARK, DARK, BLUE, (20, 20, 22), (120, 30, 40))[rng.integers(5)]
    return colour, None if rng.random() < 0.6 else rng.uniform(3.5, 9)


def plain(
    rng: np.random.Generator,
    digits: Digits,
    ground: tuple = PAPER,
    ink: tuple | None = None,
    width: float | None | str = "any",
    low: float = 0.3,
    high: float = 0.55,
    size: tuple[int, int] = (700, 700),
    before: Callable[["Sheet"], None] | None = None,
    after: Callable[["Sheet", tuple, float], None] | None = None,
    turn: float = 0.12,
    noise: float = 2.5,
) -> Made:
    """One digit on an even ground; `before` paints under it, `after` over it, given its place and height."""
    sheet = Sheet(rng, digits, size, ground)
    if before:
        before(sheet)
    at, height = place(rng, size, low, high)
    colour, usual = pen_of(rng)
    sheet.write(at, height, ink or colour, usual if width == "any" else width, rng.normal(0, turn))
    sheet.ink = ink or colour
    if after:
        after(sheet, at, height)
    return sheet.done(noise)


Kind = Callable[[np.random.Generator, Digits], Made]
