"""A contact sheet: what a model will see of a set of pictures, a row for each class."""

import unicodedata

import torch
from PIL import Image, ImageDraw

from cvae.data.sets import ImageSet

ROWS, COLUMNS = 24, 12  # of classes, of pictures of one
CELL, GAP, MARGIN = 64, 4, 16  # pixels: of a picture at least, between two, of a line of text


def sheet(images: ImageSet) -> Image.Image:
    """Return pictures drawn at random from each class, always the same, enlarged where they are small.

    Nothing is smoothed: each pixel is one that the model gets.
    """
    _, _, height, width = images.images.shape
    scale = max(1, CELL // max(height, width))
    across, down = scale * width + GAP, scale * height + GAP + MARGIN
    groups = [(images.labels == k).nonzero()[:, 0] for k in range(max(1, len(images.classes)))][:ROWS]
    page = Image.new("RGB", (COLUMNS * across + GAP, len(groups) * down + GAP), (128, 128, 128))
    pen = ImageDraw.Draw(page)
    for k, rows in enumerate(groups):
        name = _in_ascii(images.classes[k], k) if images.classes else "pictures"
        pen.text((GAP, k * down + 2), f"{name}: {len(rows):,}", fill="white", font_size=11)
        chosen = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(k))[:COLUMNS]]
        for i, x in enumerate(images[chosen].images):
            picture = Image.fromarray(x.permute(1, 2, 0).numpy().squeeze())
            large = picture.resize((scale * width, scale * height), Image.Resampling.NEAREST)
            page.paste(large, (GAP + i * across, k * down + MARGIN))
    return page


def _in_ascii(name: str, k: int) -> str:
    """Return the name of class k in the letters that Pillow's own font has, without accents; else its number."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return plain if plain.isascii() else f"class {k + 1}"
