"""The ground around a digit that was cut out so close that hardly any is left: laid around it again.

Both readers tell ink by what is around it, and take for ground what there is most of.
"""

import numpy as np
from PIL import Image, ImageOps

from cvae.data import pictures

CLOSE = 0.05  # of the picture's longer side: ink that comes so near to all four edges was cut out
APART, DEPARTS = 0.1, 0.2  # brightness within which the rim is one ground, and from which a pixel is ink on it
BETWEEN = 0.1  # share of the picture that may be neither: light that fades has more
MOSTLY = 0.6  # share of the rim that is ground
BOLD = 0.3, 0.85  # share of the picture that is ink: more than lines and grids have, less than a sheet on a table
AROUND = 0.4  # of the longer side, on each side
MOST = round(pictures.WORK_SIDE / (1 + 2 * AROUND))  # pixels of a side, before


def surrounded(picture: Image.Image) -> tuple[Image.Image, int]:
    """Return a picture, L or RGB, and how many pixels of ground were laid around it on each side.

    They are 0, and the picture as it was, unless it is bold ink that was cut out close.
    """
    grey = pictures.grey(picture)
    level = _ground(grey)
    if level is None:
        return picture, 0
    colour = np.median(_rim(np.asarray(picture))[np.abs(_rim(grey) - level) < APART], 0).astype(int)
    if max(picture.size) > MOST:
        picture = picture.resize(pictures.fitting(picture.size, MOST), Image.Resampling.BOX)
    margin = round(AROUND * max(picture.size))
    return ImageOps.expand(picture, margin, tuple(colour.tolist()) if colour.ndim else int(colour)), margin


def _ground(grey: np.ndarray) -> float | None:
    """Return the ground's brightness where bold ink comes near to all edges of a picture; None for any other."""
    level = float(np.median(_rim(grey)))
    away = np.abs(grey - level)
    ink, is_ground = away > DEPARTS, away < APART
    if _rim(is_ground).mean() < MOSTLY or not BOLD[0] < ink.mean() < BOLD[1] or (~ink & ~is_ground).mean() > BETWEEN:
        return None
    lines = (ink.any(1), ink.any(0))
    gaps = (end for line in lines for end in (np.argmax(line), np.argmax(np.flip(line))))
    return level if max(gaps) < CLOSE * max(grey.shape) else None


def _rim(a: np.ndarray) -> np.ndarray:
    """Return the pixels along the edges of a picture (H, W) or (H, W, C)."""
    return np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]])
