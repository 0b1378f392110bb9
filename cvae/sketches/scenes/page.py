"""A picture under way: its colours, which pixels are ink of a digit, and how things are painted on it."""

from dataclasses import dataclass, field

import numpy as np

from cvae.sketches.scenes.glyphs import to_segment


@dataclass
class Page:
    """The colours so far (H, W, 3), the digits' ink (H, W), and where each pixel is."""

    rgb: np.ndarray
    ink: np.ndarray
    rng: np.random.Generator
    x: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)
    turn: float = 0.0  # of the paper, in radians: what is printed on it turns along

    def __post_init__(self) -> None:
        height, width = self.ink.shape
        self.y, self.x = (a.astype(np.float32) for a in np.mgrid[0:height, 0:width])

    @property
    def side(self) -> float:
        """The shorter side."""
        return float(min(self.ink.shape))

    def paint(self, cover: np.ndarray, colour: np.ndarray, mixes: bool = False) -> None:
        """Lay a colour (3,) or picture (H, W, 3) over what is there; where it `mixes`, as a filter darkens white."""
        rows, columns = (np.flatnonzero(cover.any(axis)) for axis in (1, 0))
        if not rows.size:
            return
        there = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        rgb, colour = self.rgb[there], colour[there] if colour.ndim == 3 else colour
        rgb += cover[there][..., None] * ((rgb * colour if mixes else colour) - rgb)

    def segment(self, a: tuple[float, float], b: tuple[float, float], width: float) -> np.ndarray:
        """Return the cover of a straight line."""
        return smooth_step(width / 2 - to_segment(self.x, self.y, np.array(a), np.array(b)), width)

    def turned(self, centre: tuple[float, float], turn: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return coordinates around a centre, turned by the paper's angle or another."""
        turn = self.turn if turn is None else turn
        dx, dy = self.x - centre[0], self.y - centre[1]
        c, s = np.cos(turn, dtype=np.float32), np.sin(turn, dtype=np.float32)
        return c * dx + s * dy, c * dy - s * dx


def smooth_step(inside: np.ndarray, width: float = 1.0) -> np.ndarray:
    """Return the cover of what lies this far inside an outline; lines thinner than a pixel are pale."""
    return (inside + 0.5).clip(0, min(1.0, max(width, 0.05)))


def box(x: np.ndarray, y: np.ndarray, half_width: float, half_height: float, radius: float = 0.0) -> np.ndarray:
    """Return how far each point lies outside a rectangle around the origin, with rounded corners; negative inside."""
    dx, dy = np.abs(x) - half_width + radius, np.abs(y) - half_height + radius
    return np.hypot(dx.clip(0), dy.clip(0)) + np.minimum(np.maximum(dx, dy), 0) - radius


def cloud(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Return smooth noise of mean 0 and deviation about 1, with so many cells along a side."""
    from PIL import Image

    small = Image.fromarray(rng.normal(0, 1, (cells + 1, cells + 1)).astype(np.float32))
    return np.asarray(small.resize(shape[::-1], Image.Resampling.BICUBIC))
