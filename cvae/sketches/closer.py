"""A closer look at one digit: its ink, sharp and without what is joined to it, and what MNIST would have made of it."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from torch import Tensor

from cvae.sketches import digits, marks, network, parts, sizes
from cvae.sketches.view import View

Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom
Steps: TypeAlias = list[tuple[str, np.ndarray]]

SECOND_SIDE = 192  # of a digit and what is around it, that the network sees
AROUND = 0.35  # of a digit's longer side, on each side of it, in the second look
THINNER = 0.5  # of the depth of strokes: what is no deeper is a line
STRONG, SHADED = 0.7, 0.1  # coverage of what is surely ink; share of what is fainter that may be a shadow
COVERED = 0.6  # of what has the colour of ink and hangs together with it, what may be ink
# of ink from its surroundings in colour, in standard deviations of these: where the rules see none, and to sharpen it
SEPARATE, CLEAR = 2.2, 3.0
WEAK = 0.65  # mean probability below which ink is no digit where the rules see none


@dataclass(frozen=True)
class Reading:
    """A digit as it was found: the way to it as named pictures, its box in shares of the picture, how sure it is."""

    steps: Steps
    box: Box
    sure: float

    @property
    def digit(self) -> Tensor:
        """(1, 1, 28, 28) float32 in [0, 1], ink bright."""
        return digits.as_tensor(self.steps[-1][1])


def reading(view: View, part: parts.Part, is_ruled: bool) -> Reading | None:
    """Return what is read of one digit; None where a closer look sees no ink."""
    if is_ruled:
        return ruled_reading(view, part)
    left, top, right, bottom = area = _area(part, view.seen.shape, view.grey.shape)
    crop = view.colours.crop(area)
    near = sizes.resized(network.ink(crop, SECOND_SIDE), (bottom - top, right - left))
    ink = _kept(near, _own(part.mask, area, view.seen.shape, view.grey.shape))
    inked = ink > parts.SURE
    if not inked.any():
        return None
    sure = float(ink[inked].mean())
    rgb = np.asarray(crop, np.float32) / 255
    step, noise = _contrast(rgb, inked, inked)
    if view.ruled is None and (sure < WEAK or step @ step < (SEPARATE * noise) ** 2):
        return None
    step, noise = _contrast(rgb, inked, near > parts.FAINT)
    if step @ step > (CLEAR * noise) ** 2:
        ink = _sharpened(rgb, near, inked, step)
    return _finished(view, ink, area, ("What may be ink", view.seen), sure)


def _contrast(rgb: np.ndarray, inked: np.ndarray, possible: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the step (3,) in colour to ink from what is around it and cannot be ink, and the deviation of that."""
    from scipy import ndimage

    around = ndimage.maximum_filter(inked, max(5, max(inked.shape) // 12)) & ~ndimage.maximum_filter(possible, 3)
    if not around.any():
        return np.zeros(3, np.float32), 1.0
    return rgb[inked].mean(0) - rgb[around].mean(0), float(rgb[around].std(0).max())


def _sharpened(rgb: np.ndarray, near: np.ndarray, inked: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return how far each pixel is on the way from its ground's colour to the ink's, where the network sees any ink."""
    from scipy import ndimage

    reach = max(3, max(inked.shape) // 12)
    weights = (~ndimage.maximum_filter(near > parts.FAINT, 5)).astype(np.float32)
    along = rgb @ (step / (step @ step))
    share = ndimage.uniform_filter(weights, 2 * reach + 1)
    level = ndimage.uniform_filter(weights * along, 2 * reach + 1) / np.maximum(share, 1e-3)
    level = np.where(share > 0.02, level, np.median(along[weights > 0]) if weights.any() else along.min())
    sharp = ((along - level - 0.15) / 0.7).clip(0, 1)
    return sharp * ndimage.maximum_filter(
        parts.touched(near > parts.FAINT, inked) | _whole(sharp > 0.5, near, inked), 3
    )


def _whole(coloured: np.ndarray, near: np.ndarray, inked: np.ndarray) -> np.ndarray:
    """Return what has the ink's colour and hangs together with it, unless that is a mark joined to the digit."""
    whole = parts.touched(coloured, inked & coloured)
    if not whole.any() or (near[whole] > parts.FAINT).mean() < COVERED:
        return np.zeros_like(whole)
    part, digit = (parts.Part(mask, parts.box_of(mask)) for mask in (whole, inked))
    return whole & (not marks.sticks_out(part, digit))


def ruled_reading(view: View, part: parts.Part) -> Reading | None:
    assert view.ruled is not None
    stretched = (view.even / np.percentile(view.even[view.ruled > 0.5], 90)).clip(0, 1)
    area = left, top, right, bottom = _area(part, part.mask.shape, view.grey.shape)
    own = _own(parts.widened(part.mask), area, part.mask.shape, view.grey.shape)
    ink = _without_lines(_without_shade(view, view.ruled[top:bottom, left:right] * own, area))
    return _finished(view, ink, area, ("Light evened out", stretched), part.sure)


def _without_shade(view: View, ink: np.ndarray, area: tuple) -> np.ndarray:
    """Return ink without what is fainter beside it and what the network takes for no ink, as a shadow is."""
    from scipy import ndimage

    near = ndimage.maximum_filter(ink > STRONG, 5)
    shade = (ink > parts.FAINT) & ~near
    if network.model() is None or not near.any() or shade.sum() < SHADED * near.sum():
        return ink
    seen = _own(view.seen, area, view.seen.shape, view.grey.shape)
    knows = seen[ink > STRONG].mean() > parts.SURE  # or the network has not learned the like of this ink
    return ink * near if knows and seen[shade].mean() < parts.FAINT else ink


def _without_lines(ink: np.ndarray) -> np.ndarray:
    """Return ink without lines that are far thinner than its strokes and run beyond them on opposite sides."""
    from scipy import ndimage

    inked = ink > digits.OUTLINE
    if not inked.any():
        return ink
    depth = ndimage.distance_transform_edt(np.pad(inked, 1))[1:-1, 1:-1]
    least = THINNER * np.percentile(depth[inked], 95)  # where strokes meet it is more
    bold = inked & (ndimage.distance_transform_edt(depth <= least) <= least + 1)
    whole, strokes = (parts.Part(mask, parts.box_of(mask)) for mask in (inked, bold))
    return ink * bold if marks.sticks_out(whole, strokes) else ink


def _finished(view: View, ink: np.ndarray, area: tuple, step: tuple[str, np.ndarray], sure: float) -> Reading | None:
    """Return a digit by its ink inside an area (left, top, right, bottom) of the picture; None where that is faint."""
    rows, columns = (np.flatnonzero((ink > digits.OUTLINE).any(axis)) for axis in (1, 0))
    if not rows.size:
        return None
    height, width = (side - 2 * view.margin for side in view.grey.shape)
    across, down = (
        ((first + line[[0, -1]] + (0, 1) - view.margin) / side).clip(0, 1)
        for first, line, side in zip(area[:2], (columns, rows), (width, height), strict=True)
    )
    way = [("Grey", view.grey), step, ("Ink", ink), *digits.normalised(ink)]
    return Reading(way, (across[0], down[0], across[1], down[1]), sure)


def _area(part: parts.Part, seen: tuple[int, int], whole: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the digit and what is around it, (left, top, right, bottom) in pixels of the picture."""
    scale = whole[0] / seen[0], whole[1] / seen[1]
    gap = AROUND * part.side + 2
    top, left = (max(0, int((low - gap) * s)) for low, s in zip(part.box[:2], scale, strict=True))
    bottom, right = (
        min(side, int(np.ceil((high + gap) * s))) for high, s, side in zip(part.box[2:], scale, whole, strict=True)
    )
    return left, top, right, bottom


def _own(mask: np.ndarray, area: tuple, seen: tuple[int, int], whole: tuple[int, int]) -> np.ndarray:
    """Return a part's mask of the first look, or what the network saw in it, inside an area of the picture, (h, w)."""
    left, top, right, bottom = area
    rows = ((np.arange(top, bottom) + 0.5) * seen[0] / whole[0]).astype(int).clip(0, seen[0] - 1)
    columns = ((np.arange(left, right) + 0.5) * seen[1] / whole[1]).astype(int).clip(0, seen[1] - 1)
    return mask[rows][:, columns]


def _kept(ink: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return of the ink map what hangs together with a digit's own ink of the first look."""
    from scipy import ndimage

    labels, n = ndimage.label(ink > parts.SURE, np.ones((3, 3)))
    near = ndimage.binary_dilation(own, iterations=max(1, max(own.shape) // 60))
    mine = np.bincount(labels[near], minlength=n + 1)
    sizes_ = np.bincount(labels.ravel(), minlength=n + 1)
    kept = mine > 0.3 * sizes_
    kept[0] = False
    region = ndimage.maximum_filter(kept[labels], 3)
    return ink * region
