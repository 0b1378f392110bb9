"""From any picture - photo, scan, sketch, canvas - to what MNIST would have made of it.

MNIST's digits were cropped to their bounding box, scaled into 20x20 with antialiasing and centred by mass in 28x28. A
picture from elsewhere is first searched for its ink: on bright or dark ground, under uneven light, drawn with any pen.
Pictures between these steps are float32 (H, W) in [0, 1]; in an ink map 1 is ink. SciPy is imported where it is needed,
as it takes half a second.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvae.data import pictures
from cvae.data.pictures import NO_INK

SHOWN_SIDE = 160

GROUND_SIDE = 96  # light is smooth: a small copy tells the ground
RING_WEIGHT = 0.1  # of the picture's border, beside its whole area, in the vote on the ground
EVEN, EVEN_SHARE = 0.04, 0.45  # light is even where this share of the border has one brightness within EVEN
BLACK, BLACK_BOARD = 0.06, 0.25  # keep ratios to the ground's brightness from blowing up noise where the ground is dark
MIN_CONTRAST = 0.15  # creases and remains of shadows stay below, a hard pencil above
MIN_SEPARATION = 3.0  # of ink from ground, in standard deviations of the ground
MIN_STEEPNESS = 6.0  # an edge of ink takes at most a sixth of the picture's side; that of a lamp's light takes a third

BOX, SIDE = 20, 28
OUTLINE = 0.4  # coverage from which a pixel counts for the bounding box: gives 20 on MNIST, and on MNIST enlarged
CENTRE = 14  # pixel index: MNIST's centres of mass all lie within half a pixel of it, in rows and in columns
# what lies between two pixels goes to the upper and the left one, whatever the sums of floats were rounded to
TIE = 1e-4
# stroke width in pixels of the box; a tenth of MNIST's training digits is thinner, a hundredth thicker
THIN, THICK = 1.8, 5.0
MOST_ERODED = 0.6  # strokes keep this much of their width, so that the thin parts of a bold digit survive
FINE_SIDES = 80, 240  # lowest and highest size at which strokes are measured and changed


def to_digit(image: Image.Image) -> Tensor:
    """Return what MNIST would have made of a picture of a digit: (1, 1, 28, 28) float32 in [0, 1], ink bright.

    `image` has any mode and size, and any light. ValueError where there is no ink.
    """
    return _tensor(_stages(image)[-1][1])


def steps(image: Image.Image) -> list[tuple[str, np.ndarray]]:
    """Return the way that `to_digit` takes as named pictures, uint8 (H, W) of at most 160 pixels a side.

    The last is the digit itself. ValueError where there is no ink.
    """
    return [(name, _bytes(_fitted(picture, SHOWN_SIDE))) for name, picture in _stages(image)]


def ink_to_digit(ink: np.ndarray) -> Tensor:
    """Return the digit drawn on a canvas, cropped, scaled and centred as MNIST does: (1, 1, 28, 28) float32 in [0, 1].

    `ink` (H, W) is how far each pixel is covered: bool, uint8 (255 = wholly) or float in [0, 1]. No ink: ValueError.
    """
    full = 255 if ink.dtype == np.uint8 else 1
    return _tensor(_normalised(ink.astype(np.float32) / full)[-1][1])


def _stages(image: Image.Image) -> list[tuple[str, np.ndarray]]:
    grey = pictures.grey(pictures.prepared(image))
    even = _evened(grey)
    ink = _ink(even)
    shown = (even / np.percentile(even[ink > 0.5], 90)).clip(0, 1)
    return [("Grey", grey), ("Light evened out", shown), ("Ink", ink), *_normalised(ink)]


# From grey to ink


def _evened(grey: np.ndarray) -> np.ndarray:
    """Return how far each pixel departs from the ground towards ink, relative to the ground's brightness."""
    small = _fitted(grey, GROUND_SIDE)
    if _ground_is_bright(small):
        ground = _resized(_ground(small), grey.shape)
        return (ground - grey) / (ground + BLACK)
    ground = 1 - _resized(_ground(1 - small), grey.shape)
    return (grey - ground) / (ground + BLACK_BOARD)


def _ground_is_bright(grey: np.ndarray) -> bool:
    """Let each pixel vote by whether it is bright for its surroundings: ink is the minority, most of all at the rim."""
    from scipy import ndimage

    window = _window(grey)
    highest = ndimage.maximum_filter(grey, window, mode="nearest")
    lowest = ndimage.minimum_filter(grey, window, mode="nearest")
    votes = np.sign(2 * grey - highest - lowest) * (highest - lowest) ** 2
    return votes.mean() + RING_WEIGHT * _ring(votes).mean() >= 0


def _ground(grey: np.ndarray) -> np.ndarray:
    """Return a bright ground without the dark ink on it: one level under even light, else a closing."""
    ring = _ring(grey)
    level = np.percentile(ring, 75)
    share = (abs(ring - level) < EVEN).mean()
    inked = level - ring.min() > 0.5  # more than a shadow makes: ink runs into the border
    is_ground = level + EVEN > np.percentile(grey, 90)  # not a table around the paper
    if is_ground and (share > 0.9 or share > EVEN_SHARE and inked):
        return np.full_like(grey, level)
    return _closing(grey)


def _closing(grey: np.ndarray) -> np.ndarray:
    """Fill what is dark and narrower than half the picture, but not slopes of light that run out of the picture."""
    from scipy import ndimage

    window = _window(grey)
    margin = window // 2
    highest = ndimage.maximum_filter(np.pad(grey, margin), window, mode="constant")  # 0 outside is never the highest
    lowest = ndimage.minimum_filter(highest, window, mode="nearest")
    # no halo where paper ends or a shadow begins
    closed = ndimage.minimum_filter(lowest[margin:-margin, margin:-margin], 3)
    return ndimage.gaussian_filter(closed, 0.5)


def _window(a: np.ndarray) -> int:
    return max(3, max(a.shape) // 2 | 1)  # odd, and wider than any stroke


def _ring(a: np.ndarray) -> np.ndarray:
    return np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]])


def _ink(even: np.ndarray) -> np.ndarray:
    """Return the ink map of an evened picture; ValueError where nothing stands out from the ground."""
    from scipy import ndimage

    even = ndimage.gaussian_filter(even, max(even.shape) / pictures.WORK_SIDE) if max(even.shape) > 200 else even
    low, middle = np.percentile(even, [10, 25])  # of the ground, even where half the picture is ink
    noise = (middle - low) / 0.61  # in standard deviations: between these quantiles of a normal distribution
    base = middle + 0.67 * noise
    level = _level(even, max(base + 4 * noise, MIN_CONTRAST / 2))
    if level < max(MIN_CONTRAST, base + 6 * noise):
        raise ValueError(NO_INK)
    strong = even > base + 0.6 * (level - base)
    kept = _digit_parts(even > base + max(4 * noise, 0.4 * (level - base)), strong)
    near = ndimage.maximum_filter(kept, 3)  # with the antialiased edge
    _check_contrast(even, near, level)
    start = base + 2 * noise
    return near * ((even - start) / (np.median(even[kept & strong]) - start)).clip(0, 1)


def _level(even: np.ndarray, floor: float) -> float:
    """Return the mean of the upper class when the values above `floor` are parted by Otsu's rule; 0 without any."""
    values = np.sort(even[even > floor])
    if len(values) < 2:
        return float(values.sum())
    n = np.arange(1, len(values))  # in the lower class
    below = np.cumsum(values, dtype=np.float64)
    between = (below[-1] * n / len(values) - below[:-1]) ** 2 / (n * (len(values) - n))
    return float(values[between.argmax() + 1 :].mean())


def _digit_parts(mask: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """Return the connected parts of `mask` that make the digit: no specks, and no table edge beside real ink."""
    from scipy import ndimage

    labels, n = ndimage.label(mask, np.ones((3, 3)))
    if n == 0:
        raise ValueError(NO_INK)
    areas = np.bincount(labels[strong], minlength=n + 1)[1:]
    boxes = ndimage.find_objects(labels)
    lengths = np.array([max(s.stop - s.start for s in box) for box in boxes])
    height, width = mask.shape
    touches = np.array([y.start == 0 or y.stop == height or x.start == 0 or x.stop == width for y, x in boxes])
    kept = (areas >= 2e-4 * mask.size) & (lengths >= 0.04 * max(mask.shape))
    if (lengths * (kept & ~touches)).max() >= min(mask.shape) / 4:
        kept &= ~touches
    if not kept.any():
        raise ValueError(NO_INK)
    kept &= areas >= 0.02 * areas[kept].max()
    return np.concatenate([[False], kept])[labels]


def _check_contrast(even: np.ndarray, near: np.ndarray, level: float) -> None:
    """Raise ValueError where what was found is the noise of a blank sheet, or a smooth change of light."""
    from scipy import ndimage

    small = _fitted(even, GROUND_SIDE)
    small = ndimage.gaussian_filter(small, max(small.shape) / GROUND_SIDE)
    steepest = max(abs(np.diff(small, axis=axis)).max(initial=0) for axis in (0, 1)) / level * max(small.shape)
    ground = even[~near]
    median, upper = np.percentile(ground, [50, 75]) if ground.size else (0, 0)
    deviation = (upper - median) / 0.67
    if steepest < MIN_STEEPNESS or level - median < MIN_SEPARATION * deviation:
        raise ValueError(NO_INK)


# From ink to digit


def _normalised(ink: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Crop, scale and centre an ink map as MNIST does; ValueError where it is empty."""
    cropped = _cropped(ink)
    box = _scaled(_with_usual_strokes(cropped), BOX)
    return [("Cropped", cropped), ("20 x 20 box", box), ("28 x 28 by mass", _centred(box))]


def _cropped(ink: np.ndarray) -> np.ndarray:
    covered = ink > OUTLINE
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    if not rows.size:
        raise ValueError(NO_INK)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _with_usual_strokes(ink: np.ndarray) -> np.ndarray:
    """Thicken or thin the strokes of a cropped ink map to a width that MNIST has; most, and the faintest, stay."""
    inside = _scaled(ink, int(np.clip(max(ink.shape), *FINE_SIDES))) > 0.5
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


# Sizes and types


def _fitted(a: np.ndarray, longest: int) -> np.ndarray:
    return _scaled(a, longest) if max(a.shape) > longest else a


def _scaled(a: np.ndarray, longest: int) -> np.ndarray:
    return _resized(a, pictures.fitting(a.shape, longest)) if max(a.shape) != longest else a


def _resized(a: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return `a` at another size: areas averaged when it shrinks, interpolated within its own range when it grows."""
    resampling = Image.Resampling.BOX if shape[0] < a.shape[0] else Image.Resampling.BICUBIC
    picture = Image.fromarray(np.ascontiguousarray(a, dtype=np.float32))
    return np.asarray(picture.resize(shape[::-1], resampling)).clip(a.min(), a.max())


def _bytes(a: np.ndarray) -> np.ndarray:
    return (a * 255 + 0.5).astype(np.uint8)


def _tensor(digit: np.ndarray) -> Tensor:
    return torch.from_numpy(_bytes(digit).astype(np.float32) / 255)[None, None]
