"""From ink to what MNIST would have made of it.

MNIST's digits were cropped to their bounding box, scaled into 20x20 with antialiasing and centred by mass in 28x28.
An ink map is float32 (H, W) in [0, 1], 1 where there is ink. SciPy is imported where it is needed, as it takes half a
second.
"""

import numpy as np
import torch
from torch import Tensor

from cvae.data.pictures import NO_INK
from cvae.sketches import sizes

BOX, SIDE = 20, 28
OUTLINE = 0.4  # coverage from which a pixel counts for the bounding box: gives 20 on MNIST, and on MNIST enlarged
CENTRE = 14  # pixel index: MNIST's centres of mass all lie within half a pixel of it, in rows and in columns
# what lies between two pixels goes to the upper and the left one, whatever the sums of floats were rounded to
TIE = 1e-4
# stroke width in pixels of the box; a tenth of MNIST's training digits is thinner, a hundredth thicker
THIN, THICK = 1.8, 5.0
MOST_ERODED = 0.6  # strokes keep this much of their width, so that the thin parts of a bold digit survive
FINE_SIDES = 80, 240  # lowest and highest size at which strokes are measured and changed


def ink_to_digit(ink: np.ndarray) -> Tensor:
    """Return the digit drawn on a canvas, cropped, scaled and centred as MNIST does: (1, 1, 28, 28) float32 in [0, 1].

    `ink` (H, W) is how far each pixel is covered: bool, uint8 (255 = wholly) or float in [0, 1]. No ink: ValueError.
    """
    full = 255 if ink.dtype == np.uint8 else 1
    return as_tensor(normalised(ink.astype(np.float32) / full)[-1][1])


def normalised(ink: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Crop, scale and centre an ink map as MNIST does; ValueError where it is empty."""
    cropped = _cropped(ink)
    box = sizes.scaled(_with_usual_strokes(cropped), BOX)
    return [("Cropped", cropped), ("20 x 20 box", box), ("28 x 28 by mass", _centred(box))]


def _cropped(ink: np.ndarray) -> np.ndarray:
    covered = ink > OUTLINE
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    if not rows.size:
        raise ValueError(NO_INK)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _with_usual_strokes(ink: np.ndarray) -> np.ndarray:
    """Thicken or thin the strokes of a cropped ink map to a width that MNIST has; most, and the faintest, stay."""
    inside = sizes.scaled(ink, int(np.clip(max(ink.shape), *FINE_SIDES))) > 0.5
    unit = max(inside.shape) / BOX  # fine pixels to a pixel of the box
    width = _stroke_width(inside) / unit
    target = max(min(max(width, THIN), THICK), MOST_ERODED * width)
    if width in (0, target):  # 0: half-inked throughout, so that nothing can be measured
        return ink
    grow = unit * (target - width) / 2 / (1 - target / BOX)  # the box grows with the strokes and is scaled back
    inside = np.pad(inside, int(max(grow, 0)) + 2)
    return _cropped((_depth(inside) - _depth(~inside) + grow + 0.5).clip(0, 1))


def _stroke_width(inside: np.ndarray) -> float:
    """Return the width of the strokes in pixels: in a long bar the mean depth is a quarter of it."""
    depth = _depth(np.pad(inside, 1))
    return 4 * float(depth.sum()) / max(1, inside.sum())


def _depth(inside: np.ndarray) -> np.ndarray:
    """Return the distance of each inner pixel's centre from the outline, and 0 outside."""
    from scipy import ndimage

    to_centre = ndimage.distance_transform_edt(inside).astype(np.float32)  # of the nearest pixel outside
    return (to_centre - 0.5).clip(0)


def _centred(box: np.ndarray) -> np.ndarray:
    digit = np.zeros((SIDE, SIDE), np.float32)
    height, width = box.shape
    top, left = (_offset(box.sum(axis)) for axis in (1, 0))
    digit[top : top + height, left : left + width] = box
    return digit


def _offset(profile: np.ndarray) -> int:
    centre = (profile * np.arange(len(profile))).sum() / profile.sum()
    return int(np.clip(round(CENTRE - centre - TIE), 0, SIDE - len(profile)))


def as_bytes(a: np.ndarray) -> np.ndarray:
    """Return [0, 1] as uint8."""
    return (a * 255 + 0.5).astype(np.uint8)


def as_tensor(digit: np.ndarray) -> Tensor:
    """Return a digit (28, 28) as (1, 1, 28, 28), its pixels as a file of eight bits keeps them."""
    return torch.from_numpy(as_bytes(digit).astype(np.float32) / 255)[None, None]
