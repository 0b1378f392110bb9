"""What a picture weighs on its way to the browser, and what is left of it there."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from ui.models import comparing
from ui.shell import images

N, SIDE = 7, 80


def photographs() -> torch.Tensor:
    """Return pictures (N, 3, SIDE, SIDE) with soft shades, an edge of saturated colours, and grain, as photographs."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.linspace(0, 1, SIDE), torch.linspace(0, 1, SIDE), indexing="ij")
    shades = torch.stack([torch.stack([x * i / N, y, 1 - x * y]) for i in range(N)])
    shades[:, :, SIDE // 3 : SIDE // 2, SIDE // 4 : SIDE // 2] = torch.tensor([0.9, 0.1, 0.2])[:, None, None]
    return (shades + 0.01 * torch.randn(shades.shape, generator=generator)).clamp(0, 1)


def carried(html: str) -> tuple[str, Image.Image]:
    """Return the kind of the picture in HTML, and the picture."""
    kind, text = html.partition("data:image/")[2].partition('"')[0].split(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(text)))


def middles(picture: Image.Image, rows: int, columns: int, side: int, gap: int) -> np.ndarray:
    """Return the tiles of a grid (N, S, S, 3) as float without their corners, where they are transparent."""
    pixels = np.asarray(picture.convert("RGB"), float)
    at = [(r * (side + gap), c * (side + gap)) for r in range(rows) for c in range(columns)]
    return np.stack([pixels[y : y + side, x : x + side] for y, x in at])[:, 8:-8, 8:-8]


def enlarged(x: torch.Tensor, scale: int) -> np.ndarray:
    return images.to_uint8(x).repeat(scale, 1).repeat(scale, 2).repeat(3 // x.shape[1], 3).astype(float)[:, 8:-8, 8:-8]


def test_a_strip_of_photographs_is_light_and_looks_as_they_do():
    x = photographs()
    html = images.strips_html([("", x)], "Faces")
    kind, strip = carried(html)
    assert kind == "webp" and len(html) < 0.4 * x.numel()  # about half of it as PNG without enlarging
    scale, gap = images.ENLARGED[3], 3
    difference = np.abs(middles(strip, 1, N, scale * SIDE, gap) - enlarged(x, scale))
    assert difference.mean() < 3.5 and np.quantile(difference, 0.99) < 32  # of 255, grain and edges included
    assert np.asarray(strip)[:, scale * SIDE + 1, 3].max() == 0  # the gap shows the page's ground


def test_a_strip_of_digits_is_exact():
    x = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    kind, strip = carried(images.strips_html([("", x)], "Digits", columns=5))
    assert kind == "png"
    assert np.array_equal(middles(strip, 1, 5, 4 * 28, 6), enlarged(x, 4))


@pytest.mark.parametrize("channels, kind", [(1, "png"), (3, "webp")])
def test_pictures_side_by_side_are_as_light(channels, kind):
    x = photographs()[:6, :channels]
    html = comparing._grid(x, 3, "Six")
    is_kind, grid = carried(html)
    scale = images.ENLARGED[channels] if channels == 3 else 1
    assert is_kind == kind and grid.size == (3 * scale * (SIDE + 1) - scale, 2 * scale * (SIDE + 1) - scale)
    assert len(html) < x.numel()
    assert np.abs(middles(grid, 2, 3, scale * SIDE, scale) - enlarged(x, scale)).mean() < 3.5
