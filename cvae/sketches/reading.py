"""From any picture - photo, scan, sketch, canvas - to the digits in it, each as MNIST would have it.

Two readers look at a picture. Rules (light.py) find what stands out from the ground in brightness, sharply, and know
nothing of digits. A network (network.py) knows which ink is a digit's, by its form and its colour, but sees less
sharply. Where both see the same digit, the rules' ink is taken, else the network's.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from cvae.data import pictures
from cvae.data.pictures import NO_INK
from cvae.sketches import digits, light, network, parts, sizes

Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom
Steps: TypeAlias = list[tuple[str, np.ndarray]]

SHOWN_SIDE = 160
FIRST_SIDE, SECOND_SIDE = 256, 192  # of what the network sees: the picture, then each digit and what is around it
AROUND = 0.35  # of a digit's longer side, on each side of it, in the second look
AGREED = 0.8  # share of either reader's ink that must be near the other's
# shares of the rules' ink, of its probability and of the network's ink from which one part is the digit as it is
ALONE, SUPPORTED, INSIDE = 0.95, 0.6, 0.7
PIECES = 1.35  # width to height up to which several parts can be pieces of one digit
NOTHING = 0.1  # mean probability of what the network takes for no ink
FAINTER = 0.8  # coverage of a mark, as a share of a digit's
STICKS_OUT, MARK_DEPTH = 0.1, 0.05  # of a digit's side; of a mark's, half the width of its lines
STRONG, SHADED = 0.7, 0.1  # coverage of what is surely ink; share of what is fainter that may be a shadow
THINNER = 0.5  # of the depth of strokes: what is no deeper is a line
# width of strokes in a picture that a digit fills, in its shorter sides: more than that of marks, less than of sheets;
BOLD, SHEET = (0.1, 0.4), 0.75  # where it is more, it is less than this share of its own shorter side
SURELY = 0.8  # mean probability of ink that the network is sure of
FILLED, SLIM = 0.6, 0.4  # of its box: more than strokes fill; shorter to longer side of a one, which fills it too
DIFFERS = 0.09  # mean difference of pixels from which two readings are two guesses
MOST = 12  # digits of one picture
FAINT = 0.2  # probability of what may be ink where its colour says so
COVERED = 0.6  # of what has the colour of ink and hangs together with it, what may be ink
# of ink from its surroundings in colour, in standard deviations of these: where the rules see none, and to sharpen it
SEPARATE, CLEAR = 2.2, 3.0
WEAK = 0.65  # mean probability below which ink is no digit where the rules see none


class Digit(NamedTuple):
    """A digit in a picture: what MNIST would have made of it, and its box in the upright picture's pixels."""

    digit: Tensor  # (1, 1, 28, 28) float32 in [0, 1], ink bright
    box: Box


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


def to_digit(image: Image.Image, box: Box | None = None) -> Tensor:
    """Return what MNIST would have made of a picture's largest digit: (1, 1, 28, 28) float32 in [0, 1], ink bright.

    `image` has any mode and size, and any light; with a `box` (left, top, right, bottom), in pixels of the upright
    picture, only what lies inside it counts. ValueError where there is no ink.
    """
    return readings(image, box)[0].digit


def to_digits(image: Image.Image) -> list[Digit]:
    """Return all digits in a picture with their boxes, the largest first; ValueError where there is none."""
    made = readings(image)
    height, width = made[0].steps[0][1].shape  # of the upright picture, perhaps smaller
    long, short = max(image.size), min(image.size)
    size = (long, short) if width > height else (short, long)
    whole = np.array((*size, *size))
    return [Digit(one.digit, tuple((whole * one.box).tolist())) for one in made]


def steps(image: Image.Image) -> Steps:
    """Return the way that `to_digit` takes as named pictures, uint8 (H, W) of at most 160 pixels a side.

    The last is the digit itself. ValueError where there is no ink.
    """
    return shown(readings(image)[0])


def shown(reading: Reading) -> Steps:
    """Return the way to a digit as pictures to show, uint8 (H, W) of at most 160 pixels a side."""
    return [(name, digits.as_bytes(sizes.fitted(picture, SHOWN_SIDE))) for name, picture in reading.steps]


def readings(image: Image.Image, box: Box | None = None) -> list[Reading]:
    """Return all digits in a picture, or in a `box` of it, the largest first; ValueError where there is none."""
    return _readings(_viewed(image, box))


def guesses(image: Image.Image, box: Box | None = None) -> tuple[list[Reading], Reading | None]:
    """Return all digits in a picture, and where there is one and the readers differ on it, what the other one sees.

    ValueError where there is none.
    """
    view = _viewed(image, box)
    made = _readings(view)
    if len(made) > 1:
        return made, None
    others = [_reading(view, part, False) for part in view.seen_parts[:1]]
    if view.ruled is not None:
        others += [_ruled_reading(view, part) for part in (*view.ruled_parts[:1], _everything(view))]
    differing = (one for one in others if one and float((one.digit - made[0].digit).abs().mean()) > DIFFERS)
    return made, next(differing, None)


def _readings(view: "View") -> list[Reading]:
    made = [reading for part, is_ruled in _chosen(view)[:MOST] if (reading := _reading(view, part, is_ruled))]
    if not made and view.ruled is not None and (every := _ruled_reading(view, _everything(view))):
        made = [every]
    if not made:
        raise ValueError(NO_INK)
    return made


@dataclass(frozen=True)
class View:
    """A picture as both readers see it; `ruled` is None where the rules see no ink."""

    colours: Image.Image
    grey: np.ndarray
    even: np.ndarray
    ruled: np.ndarray | None
    ruled_parts: list[parts.Part]
    seen: np.ndarray  # how probably each pixel is ink, at the network's size
    seen_parts: list[parts.Part]


def _viewed(image: Image.Image, box: Box | None) -> View:
    if box is not None:
        left, top, right, bottom = (round(side) for side in box)
        image = ImageOps.exif_transpose(image).crop((left, top, right, bottom))
    picture = pictures.prepared(image)
    grey = pictures.grey(picture)
    colours, even = picture.convert("RGB"), light.evened(grey)
    try:
        ruled = light.ink(even)
    except ValueError:
        ruled = None
    if network.model() is None:
        return View(colours, grey, even, ruled, [], grey, [])
    seen = network.ink(colours, FIRST_SIDE)
    marked = [] if ruled is None else parts.digits((2 * sizes.resized(ruled, seen.shape)).clip(0, 1))
    return View(colours, grey, even, ruled, marked, seen, parts.digits(seen))


def _chosen(view: View) -> list[tuple[parts.Part, bool]]:
    """Return the digits, the largest first, each with whether the rules' ink of it is taken."""
    ruled, seen = view.ruled_parts, view.seen_parts
    if len(ruled) == 1 and _is_alone(view, ruled[0]):
        return [(_everything(view), True)]
    if not seen:
        return [(part, True) for part in ruled]
    sure = [part for part in ruled if view.seen[part.mask].mean() >= SURELY]
    seen = [part for part in seen if not sure or not _is_mark(view, part)] or seen
    same = [_same(part, ruled, sure) for part in seen]
    return [(part, False) if other is None else (other, True) for part, other in zip(seen, same, strict=True)]


def _sticks_out(part: parts.Part, digit: parts.Part) -> bool:
    """Tell whether a part reaches beyond a digit on opposite sides by thin lines, as a mark joined to it does."""
    from scipy import ndimage

    rest = part.mask & ~_widened(digit.mask)
    if ndimage.distance_transform_edt(np.pad(rest, 1)).max() > MARK_DEPTH * part.side:
        return False
    gap = STICKS_OUT * digit.side
    before = [low < own - gap for low, own in zip(part.box[:2], digit.box[:2], strict=True)]
    behind = [high > own + gap for high, own in zip(part.box[2:], digit.box[2:], strict=True)]
    return any(a and b for a, b in zip(before, behind, strict=True))


def _is_mark(view: View, part: parts.Part) -> bool:
    """Tell whether a part is ink that the rules see too, and take for a mark beside the digits."""
    assert view.ruled is not None
    marks = sizes.resized(view.ruled, view.seen.shape) > 0.25
    for other in view.ruled_parts:
        marks &= ~_widened(other.mask)
    return bool((part.mask & _widened(marks)).sum() > AGREED * part.mask.sum())


def _same(part: parts.Part, ruled: list[parts.Part], sure: list[parts.Part]) -> parts.Part | None:
    """Return the part that the rules make of the same ink, or of the digit in it where marks are joined to it."""
    same = next((other for other in ruled if _agree(part.mask, other.mask)), None)
    inside = (other for other in sure if (other.mask & _widened(part.mask)).sum() >= AGREED * other.mask.sum())
    return same or next((other for other in inside if 0.3 * part.side < other.side < part.side), None)


def _everything(view: View) -> parts.Part:
    """Return all that the rules see as one digit."""
    return parts.Part(np.ones_like(view.grey, bool), (0, 0, *view.grey.shape))


def _is_alone(view: View, part: parts.Part) -> bool:
    """Tell whether the rules see one thing, and the network nothing against it."""
    assert view.ruled is not None
    every = sizes.resized(view.ruled, view.seen.shape) > 0.25
    sure = [other for other in view.seen_parts if other.sure >= SURELY]
    if not sure and part.mask.sum() >= ALONE * every.sum() and _is_bold(part):
        return True
    if len(sure) == len(view.seen_parts) == 1 and _has_mark(view, part, sure[0]):
        return False
    is_stroke = part.filled < FILLED or part.slim < SLIM  # not a sheet, nor a shadow
    is_marked = any(_sticks_out(part, other) for other in _seen_in(part, sure))
    is_digit = is_stroke and (part.edges < 2 or not sure) and not is_marked
    if part.mask.sum() < ALONE * every.sum() or not is_digit and view.seen[part.mask].mean() < SUPPORTED:
        return False
    inked = view.seen > parts.SURE
    return bool((inked & _widened(part.mask)).sum() >= INSIDE * inked.sum())


def _seen_in(part: parts.Part, sure: list[parts.Part]) -> list[parts.Part]:
    """Return what the network is sure of in a part: its digits, or all together where they are pieces of one."""
    height, width = part.box[2] - part.box[0], part.box[3] - part.box[1]
    if len(sure) < 2 or width > PIECES * height:
        return sure
    mask = np.logical_or.reduce([other.mask for other in sure])
    return [parts.Part(mask, parts.box_of(mask))]


def _has_mark(view: View, part: parts.Part, digit: parts.Part) -> bool:
    """Tell whether much of a part is fainter than the one digit that the network sees in it, and no ink to it."""
    assert view.ruled is not None
    rest, ruled = part.mask & ~_widened(digit.mask), sizes.resized(view.ruled, view.seen.shape)
    if rest.sum() < (1 - AGREED) * part.mask.sum() or view.seen[rest].mean() > NOTHING:
        return False
    return bool(ruled[rest].mean() < FAINTER * ruled[digit.mask & part.mask].mean())


def _is_bold(part: parts.Part) -> bool:
    """Tell whether a part is a digit in strokes so bold, for its picture, that the network has not learned the like."""
    from scipy import ndimage

    width = 2 * ndimage.distance_transform_edt(np.pad(part.mask, 1)).max()
    share = width / min(part.mask.shape)
    return bool(part.edges < 4 and BOLD[0] < share and (share < BOLD[1] or width < SHEET * part.slim * part.side))


def _agree(mask: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two masks are of the same ink."""
    precise = (other & _widened(mask)).sum() / other.sum()
    complete = (mask & _widened(other)).sum() / mask.sum()
    return bool(min(precise, complete) >= AGREED)


def _widened(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return ndimage.maximum_filter(mask, 5)


def _reading(view: View, part: parts.Part, is_ruled: bool) -> Reading | None:
    """Return what is read of one digit; None where a closer look sees no ink."""
    if is_ruled:
        return _ruled_reading(view, part)
    left, top, right, bottom = area = _area(part, view.seen.shape, view.grey.shape)
    crop = view.colours.crop(area)
    near = sizes.resized(network.ink(crop, SECOND_SIDE), (bottom - top, right - left))
    ink = _kept(near, _own(part.mask, area, view.seen.shape, view.grey.shape))
    inked = ink > parts.SURE
    if not inked.any():
        return None
    sure = float(ink[inked].mean())
    rgb = np.asarray(crop, np.float32) / 255
    step, noise = _contrast(rgb, inked)
    if view.ruled is None and (sure < WEAK or step @ step < (SEPARATE * noise) ** 2):
        return None
    if step @ step > (CLEAR * noise) ** 2:
        ink = _sharpened(rgb, near, inked, step)
    return _finished(view, ink, area, ("What may be ink", view.seen), sure)


def _contrast(rgb: np.ndarray, inked: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the step (3,) in colour from what is around ink to the ink, and the deviation of what is around it."""
    from scipy import ndimage

    around = ndimage.maximum_filter(inked, max(5, max(inked.shape) // 12)) & ~ndimage.maximum_filter(inked, 3)
    if not around.any():
        return np.zeros(3, np.float32), 1.0
    return rgb[inked].mean(0) - rgb[around].mean(0), float(rgb[around].std(0).max())


def _sharpened(rgb: np.ndarray, near: np.ndarray, inked: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return how far each pixel is on the way from its ground's colour to the ink's, where the network sees any ink."""
    from scipy import ndimage

    reach = max(3, max(inked.shape) // 12)
    weights = (~ndimage.maximum_filter(near > FAINT, 5)).astype(np.float32)
    along = rgb @ (step / (step @ step))
    share = ndimage.uniform_filter(weights, 2 * reach + 1)
    level = ndimage.uniform_filter(weights * along, 2 * reach + 1) / np.maximum(share, 1e-3)
    level = np.where(share > 0.02, level, np.median(along[weights > 0]) if weights.any() else along.min())
    sharp = ((along - level - 0.15) / 0.7).clip(0, 1)
    return sharp * ndimage.maximum_filter(_touched(near > FAINT, inked) | _whole(sharp > 0.5, near, inked), 3)


def _touched(possible: np.ndarray, inked: np.ndarray) -> np.ndarray:
    """Return the connected parts of what is possible that hold ink."""
    from scipy import ndimage

    labels, n = ndimage.label(possible, np.ones((3, 3)))
    mine = np.bincount(labels[inked], minlength=n + 1) > 0
    mine[0] = False
    return mine[labels]


def _whole(coloured: np.ndarray, near: np.ndarray, inked: np.ndarray) -> np.ndarray:
    """Return what has the ink's colour and hangs together with it, unless that is a mark joined to the digit."""
    whole = _touched(coloured, inked & coloured)
    if not whole.any() or (near[whole] > FAINT).mean() < COVERED:
        return np.zeros_like(whole)
    part, digit = (parts.Part(mask, parts.box_of(mask)) for mask in (whole, inked))
    return whole & (not _sticks_out(part, digit))


def _ruled_reading(view: View, part: parts.Part) -> Reading | None:
    assert view.ruled is not None
    stretched = (view.even / np.percentile(view.even[view.ruled > 0.5], 90)).clip(0, 1)
    area = left, top, right, bottom = _area(part, part.mask.shape, view.grey.shape)
    own = _own(_widened(part.mask), area, part.mask.shape, view.grey.shape)
    ink = _without_lines(_without_shade(view, view.ruled[top:bottom, left:right] * own, area))
    return _finished(view, ink, area, ("Light evened out", stretched), part.sure)


def _without_shade(view: View, ink: np.ndarray, area: tuple) -> np.ndarray:
    """Return ink without what is fainter beside it and what the network takes for no ink, as a shadow is."""
    from scipy import ndimage

    near = ndimage.maximum_filter(ink > STRONG, 5)
    shade = (ink > FAINT) & ~near
    if network.model() is None or shade.sum() < SHADED * near.sum():
        return ink
    seen = _own(view.seen, area, view.seen.shape, view.grey.shape)
    return ink * near if seen[shade].mean() < FAINT else ink


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
    return ink * bold if _sticks_out(whole, strokes) else ink


def _finished(view: View, ink: np.ndarray, area: tuple, step: tuple[str, np.ndarray], sure: float) -> Reading | None:
    """Return a digit by its ink inside an area (left, top, right, bottom) of the picture; None where that is faint."""
    rows, columns = (np.flatnonzero((ink > digits.OUTLINE).any(axis)) for axis in (1, 0))
    if not rows.size:
        return None
    height, width = view.grey.shape
    across, down = (area[0] + columns[[0, -1]] + (0, 1)) / width, (area[1] + rows[[0, -1]] + (0, 1)) / height
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
