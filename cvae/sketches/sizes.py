"""Pictures between two steps, float32 (H, W), at other sizes."""

import numpy as np
from PIL import Image

from cvae.data import pictures


def fitted(a: np.ndarray, longest: int) -> np.ndarray:
    """Return `a` with its longer side at most `longest`."""
    return scaled(a, longest) if max(a.shape) > longest else a


def scaled(a: np.ndarray, longest: int) -> np.ndarray:
    """Return `a` with its longer side `longest`."""
    return resized(a, pictures.fitting(a.shape, longest)) if max(a.shape) != longest else a


def resized(a: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return `a` at another size: areas averaged when it shrinks, interpolated within its own range when it grows."""
    resampling = Image.Resampling.BOX if shape[0] < a.shape[0] else Image.Resampling.BICUBIC
    picture = Image.fromarray(np.ascontiguousarray(a, dtype=np.float32))
    return np.asarray(picture.resize(shape[::-1], resampling)).clip(a.min(), a.max())
