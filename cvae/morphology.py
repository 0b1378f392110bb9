"""What one can measure of a written digit: its slant, the thickness of its strokes, its width, and more.

After Castro et al. (2019), "Morpho-MNIST: Quantitative Assessment and Diagnostics for Representation Learning".
Pictures are (N, 1, H, W) float in [0, 1], ink bright; lengths are in their pixels. Each measure changes little where a
pixel changes little, so that a slider can follow it.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

ENLARGED = 3  # times the size at which outlines are looked at
TRIMMED = 0.01  # of the ink at either end does not count for an extent: a speck is no stroke
BLUR = 2.0  # pixels, standard deviation: wide enough that what turns is the stroke and not the steps of its pixels
LEAST = 1e-6
BOWED = 10.0  # pixels from the middle at which a bow is told: half of a digit of MNIST
SMALL_LOOP = 1.0  # square pixels; a smaller hole is none


@dataclass(frozen=True)
class Measure:
    """One measure: what a visitor calls it, its unit, how fine one may ask for it, and what it is."""

    key: str
    name: str
    unit: str
    step: float
    about: str


MEASURES = (
    Measure("slant", "Slant", "\u00b0", 0.5, "how far the digit leans to the right"),
    Measure("thickness", "Thickness", "px", 0.05, "the width of its strokes"),
    Measure("width", "Width", "px", 0.1, "from its left edge to its right one, the slant undone"),
    Measure("loop", "Loop size", "px", 0.1, "the diameter of a circle as large as the ground that it encloses"),
    Measure("turn", "Curvature", "\u00b0", 5, "how far its outline turns, both ways added; 360 for a straight stroke"),
    Measure("top", "Top weight", "%", 0.5, "the share of the ink in its upper half"),
    Measure("bow", "Bow", "px", 0.1, "how far its middle bulges to the right of its ends"),
)
KEYS = tuple(measure.key for measure in MEASURES)


def measure(x: Tensor) -> Tensor:
    """Return all MEASURES of pictures x (N, 1, H, W) in [0, 1], (N, len(MEASURES)); NaN where there is no ink."""
    parts = [_measured(part) for part in x.float().cpu().split(100)]  # larger ones leave the cache
    return torch.cat(parts) if parts else torch.empty(0, len(MEASURES))


def _measured(x: Tensor) -> Tensor:
    large = F.interpolate(x, scale_factor=ENLARGED, mode="bicubic", align_corners=False)[:, 0]  # (N, 3H, 3W)
    ink = x.sum((1, 2, 3))
    thickness = _thickness(large.numpy() > 0.5)
    slope, bow = _middle_line(x[:, 0])
    known = {
        "slant": slope.atan().rad2deg(),
        "thickness": thickness,
        "width": _width(x[:, 0], slope),
        "loop": _loop(x),
        "turn": turn(x),
        "top": _top(x[:, 0]),
        "bow": bow,
    }
    values = torch.stack([known[key] for key in KEYS], dim=1)
    return torch.where((ink > 0)[:, None] & (thickness > 0)[:, None], values, torch.nan)


def _thickness(inside: np.ndarray) -> Tensor:
    """Return the thickness (N,), in pixels of the picture, of enlarged pictures (N, H, W) bool."""
    from scipy import ndimage  # late: it takes half a second

    means = []
    for picture in inside:
        (box,) = ndimage.find_objects(picture.astype(np.uint8)) or [()]  # the ground beyond it is never the nearest
        depth = ndimage.distance_transform_edt(np.pad(picture[box], 1)) - 0.5  # it measures to the outer pixel's centre
        means.append(depth.clip(0).sum() / max(1, picture.sum()))
    return 4 * torch.tensor(means, dtype=torch.float32) / ENLARGED  # in a long bar the mean depth is a quarter of it


def enclosed(x: Tensor) -> Tensor:
    """Return the area (N,), in pixels, that the ink of pictures x (N, 1, H, W) encloses, mean over its levels of grey.

    Holes are filled up to the lowest ink that closes them, by morphological reconstruction (Vincent, 1993): from all
    ink, erode to the darkest of four neighbours, never below x, until nothing changes. What that adds is the mean.
    """
    filled = F.pad(torch.ones_like(x), (1, 1, 1, 1))
    inside = filled[..., 1:-1, 1:-1]
    while True:
        above, below = filled[..., :-2, 1:-1], filled[..., 2:, 1:-1]
        lower = torch.minimum(above, below).minimum(filled[..., 1:-1, :-2]).minimum(filled[..., 1:-1, 2:])
        lower = lower.minimum(inside).maximum(x)
        if not (lower < inside).any():  # what is no number never falls
            return (lower - x).sum((1, 2, 3))
        inside.copy_(lower)


def _loop(x: Tensor) -> Tensor:
    """Return the diameter (N,) of a circle as large as what pictures x (N, 1, H, W) enclose, 0 for a small hole."""
    area = enclosed(x)
    return torch.where(area < SMALL_LOOP, 0, 2 * (area / math.pi).sqrt())


def _grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return across (W,) and up (H, 1), in pixels, of pictures x (N, H, W)."""
    return torch.arange(x.shape[2], dtype=x.dtype), -torch.arange(x.shape[1], dtype=x.dtype)[:, None]


def _middle_line(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return of pictures x (N, H, W) the slope of the ink's middle line and its bow in pixels, both (N,).

    The slope, pixels across for each pixel up, is that of the regression of across on up, mu11 / mu02.
    The bow is the square term beside it.
    """
    across, up = _grid(x)
    total = x.sum((1, 2)).clamp(min=LEAST)

    def mean(values: Tensor) -> Tensor:
        return ((x * values).sum((1, 2)) / total)[:, None, None]

    a, u = across - mean(across.expand(x.shape[1:])), up - mean(up.expand(x.shape[1:]))
    variance = mean(u**2)
    slope = mean(a * u) / variance.clamp(min=LEAST)
    bent = u**2 - variance - mean(u**3) / variance.clamp(min=LEAST) * u  # what of u^2 is neither constant nor straight
    bow = mean(a * bent) / mean(bent**2).clamp(min=LEAST)
    return slope[:, 0, 0], -bow[:, 0, 0] * BOWED**2


def _width(x: Tensor, slope: Tensor) -> Tensor:
    """Return the width (N,) in pixels of pictures x (N, H, W) whose slant is undone."""
    fine = 6  # steps to a pixel
    large = x.repeat_interleave(ENLARGED, 1).repeat_interleave(ENLARGED, 2)
    across, up = (axis / ENLARGED for axis in _grid(large))
    at = across - slope[:, None, None] * (up - up.mean())  # (N, H, W)
    steps = 2 * fine * x.shape[2]
    place = (fine * (at + x.shape[2] / 2)).nan_to_num().clamp(0, steps - 2)
    low = place.long()
    share = place - low
    profile = x.new_zeros(len(x), steps)
    for side, part in ((low, 1 - share), (low + 1, share)):
        profile.scatter_add_(1, side.flatten(1), (large * part).flatten(1))
    first, last = extent(profile)
    return (last - first) / fine


def extent(profile: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the ink of profiles (N, L) begins and ends, (N,) each, in their steps.

    TRIMMED of it is left out at either end, and what that takes from an even bar added again.
    """
    first, last = (_quantile(profile, q) for q in (TRIMMED, 1 - TRIMMED))
    trimmed = (last - first) * TRIMMED / (1 - 2 * TRIMMED)
    return first - trimmed, last + trimmed


def _quantile(profile: Tensor, q: float) -> Tensor:
    """Return the place (N,) below which the share q of each profile (N, L) lies; a step's ink lies evenly on it."""
    sums = F.pad(profile.cumsum(1), (1, 0))
    wanted = q * sums[:, -1:]
    step = torch.searchsorted(sums[:, 1:].contiguous(), wanted).clamp(max=profile.shape[1] - 1)
    before, inside = sums.gather(1, step), profile.gather(1, step)
    return (step + (wanted - before) / inside.clamp(min=LEAST))[:, 0]


def _top(x: Tensor) -> Tensor:
    """Return the share of the ink in the upper half of its own height, in percent, (N,), of pictures x (N, H, W)."""
    profile = x.sum(2)
    first, last = extent(profile)
    middle = ((first + last) / 2)[:, None]
    rows = torch.arange(profile.shape[1], dtype=x.dtype)
    above = (middle - rows).clamp(0, 1)
    return 100 * (profile * above).sum(1) / profile.sum(1).clamp(min=LEAST)


def turn(x: Tensor) -> Tensor:
    """Return how far the outlines of pictures x (N, 1, H, W) turn, in degrees, (N,), mean over their levels of grey.

    By the coarea formula: the integral, over the picture, of the level sets' absolute curvature times the steepness.
    """
    t = torch.arange(-8, 9, dtype=x.dtype)
    g = (-(t**2) / (2 * BLUR**2)).exp()
    g = g / g.sum()
    g1, g2 = -t / BLUR**2 * g, (t**2 / BLUR**4 - 1 / BLUR**2) * g

    def filtered(down: Tensor, along: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(x, down.view(1, 1, -1, 1), padding=(8, 0)), along.view(1, 1, 1, -1), padding=(0, 8))

    ix, iy, ixx, iyy, ixy = filtered(g, g1), filtered(g1, g), filtered(g, g2), filtered(g2, g), filtered(g1, g1)
    steep = ix**2 + iy**2
    bending = (ixx * iy**2 - 2 * ix * iy * ixy + iyy * ix**2).abs() / (steep + 1e-4)
    return bending.sum((1, 2, 3)).rad2deg() / filtered(g, g).amax((1, 2, 3)).clamp(min=LEAST)
