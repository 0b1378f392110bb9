"""What the digit is written on, and where that lies: sheets, tables, boards, notes."""

import numpy as np

from cvae.sketches.scenes import colours
from cvae.sketches.scenes.page import Page, box, cloud, smooth_step


def plain(height: int, width: int, rng: np.random.Generator, colour: np.ndarray) -> Page:
    """Return an empty page of one ground that reaches beyond the picture."""
    rgb = np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    return Page(rgb.copy(), np.zeros((height, width), np.float32), rng)


def textured(page: Page, cover: np.ndarray | float = 1.0) -> None:
    """Give the ground grain, creases or a haze."""
    rng, shape = page.rng, page.ink.shape
    change = rng.uniform(0, 0.04) * cloud(rng, shape, int(rng.integers(2, 12)))
    if rng.random() < 0.3:
        change = change + rng.uniform(0, 0.03) * cloud(rng, shape, shape[0] // 2)
    if rng.random() < 0.12:  # crumpled
        change = change + rng.uniform(0.02, 0.08) * np.abs(cloud(rng, shape, int(rng.integers(3, 8))))
    page.rgb *= 1 + (cover * change)[..., None]


def wood(page: Page, colour: np.ndarray) -> None:
    """Fill the page with boards of a table."""
    rng = page.rng
    along, across = page.turned((page.side / 2, page.side / 2), rng.uniform(-1.6, 1.6))
    grain = np.sin(across * rng.uniform(0.1, 0.8) + 2 * cloud(rng, page.ink.shape, 4) + along * 0.02)
    page.rgb[:] = colour * (1 + rng.uniform(0.02, 0.15) * grain[..., None])
    if rng.random() < 0.3:  # joints
        step = rng.uniform(0.2, 0.5) * page.side
        page.paint(smooth_step(1 - np.abs(across % step - step / 2)) * 0.6, colour * 0.5)


def cloth(page: Page, colour: np.ndarray) -> None:
    """Fill the page with checks or dots."""
    rng, step = page.rng, page.rng.uniform(0.04, 0.2) * page.side
    x, y = page.turned((0, 0), rng.uniform(-0.5, 0.5))
    bars = ((x % step < step / 2).astype(np.float32) + (y % step < step / 2)) / 2
    page.rgb[:] = colour + bars[..., None] * (colours.ground(rng) - colour) * rng.uniform(0.1, 0.7)


def table(height: int, width: int, rng: np.random.Generator) -> Page:
    """Return a page that shows a table."""
    kind, dark = rng.random(), rng.uniform(0.05, 0.6)
    colour = colours.hue(rng, rng.uniform(0, 0.6), dark) if kind < 0.6 else colours.ground(rng)
    page = plain(height, width, rng, colour)
    if rng.random() < 0.5:
        wood(page, colour)
    elif rng.random() < 0.25:
        cloth(page, colour)
    textured(page)
    return page


def sheet(page: Page, colour: np.ndarray, centre: tuple, size: tuple[float, float], shadow: bool = True) -> np.ndarray:
    """Lay a sheet of (width, height) on the page, turned as `page.turn` says; returns its cover."""
    rng = page.rng
    x, y = page.turned(centre)
    keystone = rng.normal(0, 0.08) / max(size)
    x = x * (1 + keystone * y)
    inside = -box(x, y, size[0] / 2, size[1] / 2, rng.choice([0, 0, 0.03]) * min(size))
    if shadow:
        reach = rng.uniform(0.01, 0.06) * page.side
        page.rgb *= 1 - rng.uniform(0, 0.5) * ((inside + reach) / reach).clip(0, 1)[..., None]
    cover = smooth_step(inside)
    page.paint(cover, colour)
    return cover
