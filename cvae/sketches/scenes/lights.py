"""Light and camera: shadows with soft and hard edges, lamps, noise, blur, the artefacts of a JPEG."""

import io

import numpy as np
from PIL import Image, ImageFilter

from cvae.sketches.scenes.page import Page, box, cloud


def shine(page: Page) -> None:
    """Put the page into one or two kinds of light."""
    rng = page.rng
    for _ in range(rng.choice([0, 1, 2], p=[0.3, 0.5, 0.2])):
        kinds = (slope, lamp, edge, edge, phone, phone, hand)
        page.rgb *= kinds[rng.integers(len(kinds))](page)[..., None]
    if rng.random() < 0.06:  # glare
        page.rgb += (lamp(page)[..., None] ** 3 * rng.uniform(0, 0.5)).clip(0, 1)
    page.rgb *= (1 + rng.normal(0, 0.05, 3)).astype(np.float32) * np.float32(rng.uniform(0.6, 1.1))


def slope(page: Page) -> np.ndarray:
    """Light from one side."""
    x, _ = page.turned((page.side / 2, page.side / 2), page.rng.uniform(-3, 3))
    return 1 - page.rng.uniform(0, 0.6) * (x / page.side + 0.5).clip(0, 1)


def lamp(page: Page) -> np.ndarray:
    """A bright spot that fades, or dark corners."""
    rng, s = page.rng, page.side
    x, y = page.turned((rng.uniform(0, s), rng.uniform(0, s)))
    return 1 - rng.uniform(0, 0.6) * (1 - np.exp(-(x**2 + y**2) / (2 * (rng.uniform(0.3, 1) * s) ** 2)))


def _dimmed(page: Page, inside: np.ndarray) -> np.ndarray:
    """Return the light where a shadow lies inside an outline, its edge hard or soft."""
    soft = np.exp(page.rng.uniform(np.log(0.7), np.log(0.15 * page.side)))
    return 1 - page.rng.uniform(0.1, 0.65) * (inside / soft + 0.5).clip(0, 1)


def edge(page: Page) -> np.ndarray:
    """The shadow of something large."""
    rng = page.rng
    x, y = page.turned(
        (rng.uniform(0, 1) * page.ink.shape[1], rng.uniform(0, 1) * page.ink.shape[0]), rng.uniform(-3, 3)
    )
    return _dimmed(page, x + rng.uniform(0, 0.3) * np.abs(y) * (rng.random() < 0.2))


def phone(page: Page) -> np.ndarray:
    """The shadow of the phone that takes the picture."""
    rng, s = page.rng, page.side
    x, y = page.turned(
        (rng.uniform(0.1, 0.9) * page.ink.shape[1], rng.uniform(0.3, 1.1) * page.ink.shape[0]), rng.normal(0, 0.3)
    )
    return _dimmed(page, -box(x, y, rng.uniform(0.1, 0.4) * s, rng.uniform(0.2, 0.7) * s, 0.05 * s))


def hand(page: Page) -> np.ndarray:
    """The shadow of a hand or a head: a blob with fingers."""
    rng, s = page.rng, page.side
    x, y = page.turned((rng.uniform(0, 1) * page.ink.shape[1], rng.uniform(0, 1) * page.ink.shape[0]))
    inside = (
        rng.uniform(0.15, 0.5) * s
        - np.hypot(x, y)
        + rng.uniform(0, 0.12) * s * cloud(rng, page.ink.shape, int(rng.integers(3, 7)))
    )
    return _dimmed(page, inside)


def photographed(page: Page) -> np.ndarray:
    """Return the page as uint8 (H, W, 3), as a camera and a file keep it."""
    rng = page.rng
    rgb = page.rgb
    if rng.random() < 0.7:
        most = 0.03 if rng.random() < 0.88 else 0.14
        grain = rng.normal(0, rng.uniform(0, most), page.ink.shape if rng.random() < 0.5 else rgb.shape)
        rgb = rgb + (grain[..., None] if grain.ndim == 2 else grain).astype(np.float32)
    if rng.random() < 0.08:
        rgb = rgb @ np.full((3, 3), 1 / 3, np.float32)
    if rng.random() < 0.05:
        rgb = 1 - rgb
    picture = Image.fromarray((255 * rgb.clip(0, 1)).astype(np.uint8))
    if rng.random() < 0.3:
        picture = picture.filter(
            ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6) if rng.random() < 0.85 else rng.uniform(1.6, 4))
        )
    if rng.random() < 0.4:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(8, 95)))
        picture = Image.open(file).convert("RGB")
    return np.asarray(picture)
