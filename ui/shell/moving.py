"""The way through the points of a shelf as moving pictures."""

import io
import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from cvae import tasks
from ui.shell import images, resources, shelf

if TYPE_CHECKING:
    from cvae.models import LatentModel

SECONDS = 4
FRAMES = 48  # of a GIF, about
SIDE = 512  # pixels of its width
HEAVIEST = 3 * 10**6  # bytes
STRIDES = (1, 4 / 3, 2, 4)  # from one frame to the next, tried in turn until a GIF is light enough
ROW, EVERY = 5, 20  # labels side by side where all are shown, and how many that is at most
ALONE = "a run needs two points or more; keep another one."


def points(held: shelf.Shelf, n_classes: int) -> tuple[Tensor, Tensor | None]:
    """Return the points (N, D) of the frames of a run, and the mixtures of labels (N, n_classes); None without labels.

    A run has about FRAMES of them, each way between two points as many as the others. ValueError for a single point.
    """
    kept, loops = held.kept, held.end == "loop"
    if len(kept) < 2:
        raise ValueError(ALONE)
    stops = [*kept, kept[0]] if loops else list(kept)
    each = max(1, FRAMES // (len(stops) - 1) // (2 if held.end == "back" else 1))
    legs = list(itertools.pairwise(stops))
    u = torch.cat([tasks.path(a.u, b.u, each + 1, held.spherical)[:-1] for a, b in legs] + [stops[-1].u[None]])
    labels = torch.tensor([-1 if stop.label is None else stop.label for stop in stops])
    order = torch.arange(len(u))
    order = torch.cat([order, order[1:-1].flip(0)]) if held.end == "back" else order[:-1] if loops else order
    if labels[0] < 0:
        return u[order], None
    rows, t = functional.one_hot(labels, n_classes).float(), torch.arange(each)[:, None] / each
    mixed = torch.cat([(1 - t) * a + t * b for a, b in itertools.pairwise(rows)] + [rows[-1:]])
    return u[order], mixed[order]


def frames(model: "LatentModel", held: shelf.Shelf) -> np.ndarray:
    """Return the frames of a run, (N, H, W, C) uint8; where each shows all labels, side by side in rows of ROW."""
    u, c = points(held, model.config.n_classes)
    if c is not None or not model.config.n_classes:
        return images.to_uint8(tasks.decode(model, u, c))
    count = min(model.config.n_classes, EVERY)
    x = tasks.decode(model, u.repeat_interleave(count, 0), torch.arange(count).repeat(len(u)))
    tiles = images.to_uint8(x).reshape(len(u), count, *x.shape[2:], x.shape[1])
    rows = math.ceil(count / ROW)
    columns = min(count, ROW)
    tiles = np.pad(tiles, ((0, 0), (0, rows * columns - count), (0, 0), (0, 0), (0, 0)))
    n, _, height, width, channels = tiles.shape
    tiles = tiles.reshape(n, rows, columns, height, width, channels).swapaxes(2, 3)
    return tiles.reshape(n, rows * height, columns * width, channels)


def gif(pixels: np.ndarray, repeats: bool = True, seconds: float = SECONDS) -> bytes:
    """Return frames (N, H, W, C) uint8 as a GIF of SIDE pixels of width that takes some seconds.

    Grey ones are enlarged in squares, coloured ones smoothly, in the 256 colours that suit them best; where that would
    be heavy some are left out, and those before them stay longer.
    """
    n, height, width, channels = pixels.shape
    size = SIDE, round(SIDE * height / width)
    if channels == 1:
        pictures = [Image.fromarray(each[..., 0]).resize(size, Image.Resampling.NEAREST) for each in pixels]
    else:
        palette = Image.fromarray(np.concatenate(list(pixels))).quantize(256, Image.Quantize.MEDIANCUT)
        large = (Image.fromarray(each).resize(size, Image.Resampling.BICUBIC) for each in pixels)
        pictures = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in large]
    for stride in STRIDES:
        chosen = [int(i) for i in np.arange(0, n, stride)]
        begins = [round(100 * seconds * i / n) for i in [*chosen, n]]  # hundredths of a second, the unit of a GIF
        lasts = [10 * (after - now) for now, after in itertools.pairwise(begins)]
        made = _saved([pictures[i] for i in chosen], lasts, repeats)
        if len(made) <= HEAVIEST:
            break
    return made


def _saved(pictures: list[Image.Image], milliseconds: list[int], repeats: bool) -> bytes:
    out, loop = io.BytesIO(), {"loop": 0} if repeats else {}
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, **loop)
    return out.getvalue()


def answer_all(name: str, queries: list[Mapping[str, str]]) -> list[bytes | ValueError]:
    """Return the GIF of the run that each query asks of a model, or what is wrong with it."""
    return [_answer(name, query) for query in queries]


def _answer(name: str, query: Mapping[str, str]) -> bytes | ValueError:
    try:
        model = resources.model(name)
        text = query.get(shelf.PARAMETER, "")
        held = shelf.read(text, model, every="~." in text)
        return gif(frames(model, held), repeats=held.end != "once")
    except ValueError as error:
        return error
