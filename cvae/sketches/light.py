"""From a grey picture to its ink, by rules: what is darker than its surroundings, or brighter, whatever the light.

Pictures between these steps are float32 (H, W) in [0, 1]; in an ink map 1 is ink.
"""

import numpy as np

from cvae.data import pictures
from cvae.data.pictures import NO_INK
from cvae.sketches import sizes

GROUND_SIDE = 96  # light is smooth: a small copy tells the ground
RING_WEIGHT = 0.1  # of the picture's border, beside its whole area, in the vote on the ground
EVEN, EVEN_SHARE = 0.04, 0.45  # light is even where this share of the border has one brightness within EVEN
BLACK, BLACK_BOARD = 0.06, 0.25  # keep ratios to the ground's brightness from blowing up noise where the ground is dark
MIN_CONTRAST = 0.15  # creases and remains of shadows stay below, a hard pencil above
MIN_SEPARATION = 3.0  # of ink from ground, in standard deviations of the ground
MIN_STEEPNESS = 6.0  # an edge of ink takes at most a sixth of the picture's side; that of a lamp's light takes a third


def evened(grey: np.ndarray) -> np.ndarray:
    """Return how far each pixel departs from the ground towards ink, relative to the ground's brightness."""
    small = sizes.fitted(grey, GROUND_SIDE)
    if _ground_is_bright(small):
        ground = sizes.resized(_ground(small), grey.shape)
        return (ground - grey) / (ground + BLACK)
    ground = 1 - sizes.resized(_ground(1 - small), grey.shape)
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


def ink(even: np.ndarray) -> np.ndarray:
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

    small = sizes.fitted(even, GROUND_SIDE)
    small = ndimage.gaussian_filter(small, max(small.shape) / GROUND_SIDE)
    steepest = max(abs(np.diff(small, axis=axis)).max(initial=0) for axis in (0, 1)) / level * max(small.shape)
    ground = even[~near]
    median, upper = np.percentile(ground, [50, 75]) if ground.size else (0, 0)
    deviation = (upper - median) / 0.67
    if steepest < MIN_STEEPNESS or level - median < MIN_SEPARATION * deviation:
        raise ValueError(NO_INK)
