"""What a model made while it learned: the same pictures at chosen epochs, kept beside its weights in progress.npz."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cvae import archives, checkpoints, limits
from cvae.archives import WHOLE, Form

KINDS = ("reconstructions", "samples")
MOST = 20  # pictures of a kind that are kept of each epoch
# of pictures in colour, which would take more than ten times the space without loss; grey ones lose nothing
QUALITY = 70


def add(folder: Path, epoch: int, pictures: dict[str, np.ndarray]) -> None:
    """Keep what a model makes after `epoch`: for each of KINDS pictures (N, H, W, C) uint8, side by side in one WebP.

    Epochs from this one on, left by a run that was killed, are replaced, and so is a damaged file.
    """
    path, content = folder / checkpoints.PROGRESS, io.BytesIO()
    epochs, earlier = _before(path, epoch) if path.is_file() else ([], {})
    rows: dict[str, Any] = earlier | {f"{kind}_{epoch}": _row(x) for kind, x in pictures.items()}
    np.savez(content, epochs=np.array([*epochs, epoch]), **rows)
    checkpoints.write_bytes(path, content.getvalue())


def _before(path: Path, epoch: int) -> tuple[list[int], dict[str, np.ndarray]]:
    """Return the epochs before this one and their rows of pictures; none where the file is damaged."""
    try:
        epochs = [e for e in _epochs(path) if e < epoch]
        return epochs, _rows(path, epochs)
    except ValueError:  # no training should end for its pictures
        return [], {}


def load(folder: Path, image_shape: tuple[int, int, int]) -> tuple[list[int], dict[str, np.ndarray]]:
    """Return the epochs, and for each kind that is there pictures (E, N, H, W, C) uint8 of image_shape (C, H, W).

    FileNotFoundError where nothing is kept, ValueError where it is damaged or of other pictures.
    """
    path = folder / checkpoints.PROGRESS
    try:
        rows = _rows(path, epochs := _epochs(path))
        kinds = [kind for kind in KINDS if any(name.startswith(kind) for name in rows)]
        _check_size(rows, image_shape)
        kept = {kind: [_pictures(rows[f"{kind}_{epoch}"], image_shape) for epoch in epochs] for kind in kinds}
        sheets = {kind: np.stack(pictures) for kind, pictures in kept.items()}
        fits = len({pictures.shape for pictures in sheets.values()}) == 1
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged picture raises nearly anything
        raise ValueError(f"{checkpoints.PROGRESS} of {folder.name} is damaged; train.py makes it anew.") from error
    if not fits:
        wanted = "as many pictures of each kind, and ascending epochs"
        raise ValueError(f"{checkpoints.PROGRESS} of {folder.name} must hold {wanted}.")
    return epochs, sheets


def _epochs(path: Path) -> list[int]:
    """Return the epochs whose pictures are kept; ValueError unless they ascend."""
    epochs = archives.read(path, {"epochs": Form(WHOLE, 1)}).get("epochs", np.zeros(0)).tolist()
    if epochs != sorted(set(epochs)) or not 1 <= len(epochs) <= limits.EPOCHS:
        raise ValueError("the epochs must ascend")
    return epochs


def _rows(path: Path, epochs: list[int]) -> dict[str, np.ndarray]:
    """Return what is kept of these epochs, by kind and epoch: the bytes of a picture each."""
    return archives.read(path, {f"{kind}_{epoch}": Form("u", 1) for kind in KINDS for epoch in epochs})


def _check_size(rows: dict[str, np.ndarray], image_shape: tuple[int, int, int]) -> None:
    """Raise ValueError where so many pictures would not fit into limits.PIXELS."""
    if (pixels := len(rows) * MOST * math.prod(image_shape)) > limits.PIXELS:
        raise ValueError(f"so many pictures may have {pixels:,} values")


def _row(pictures: np.ndarray) -> np.ndarray:
    n, height, width, channels = pictures.shape
    row = pictures.swapaxes(0, 1).reshape(height, n * width, channels)
    out = io.BytesIO()
    image = Image.fromarray(row.squeeze(2) if channels == 1 else row)
    image.save(out, "WEBP", lossless=channels == 1, quality=QUALITY, method=6)
    return np.frombuffer(out.getvalue(), np.uint8)


def _pictures(content: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    channels, height, width = image_shape
    picture = Image.open(io.BytesIO(content.tobytes()), formats=["WEBP"])
    n, rest = divmod(picture.width, width)
    if picture.height != height or rest or not 1 <= n <= MOST:
        got = f"{picture.width} x {picture.height} in all"
        raise ValueError(f"expected at most {MOST} pictures of {width} x {height}; got {got}.")
    row = np.asarray(picture.convert("L" if channels == 1 else "RGB")).reshape(height, n, width, channels)
    return row.swapaxes(0, 1)
