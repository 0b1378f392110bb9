"""Where the digits' ink is in a photograph, as the network `ink` of the zoo sees it."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from cvae import checkpoints
from cvae.families import PHOTOGRAPH

NAME = "ink"
MOST = 1024  # pixels of a side that the network sees at most


def model() -> Any:
    """Return the network; None where its checkpoint is not there, not whole or another, so that rules alone decide."""
    return _loaded(checkpoints.ROOT)


@cache
def _loaded(root: Path) -> Any:
    try:
        network = checkpoints.load_run(root / NAME)
    except (FileNotFoundError, ValueError):
        return None
    return network if network.config.kind.given == PHOTOGRAPH else None


def ink(rgb: Image.Image, side: int) -> np.ndarray:
    """Return how probably each pixel is ink of a digit, float32 (h, w) in [0, 1].

    Of the whole picture, at the size where its area is about side x side.
    """
    network = model()
    width, height = rgb.size
    scale = min(side / (width * height) ** 0.5, MOST / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resampling = Image.Resampling.BOX if size[0] < width else Image.Resampling.BICUBIC
    small = np.asarray(rgb.resize(size, resampling), np.float32) / 255
    step = network.step
    padded = np.pad(small, ((0, -size[1] % step), (0, -size[0] % step), (0, 0)), mode="edge")
    x = torch.from_numpy(padded).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        p = network(x).sigmoid()[0, 0]
    return p[: size[1], : size[0]].numpy()
