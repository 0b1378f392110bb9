"""Which parts of an ink map are marks and no digits, by their form: frames, rings, lines, pens, spots."""

import numpy as np

from cvae.sketches.parts import LEAST_SIDE, Part, widened

DIRECTIONS, AROUND = 16, 14  # what meets so many rays from the middle of another part lies around it
ENCLOSED = 0.15  # of what lies around it, the least side of a digit
SPECK = 0.02  # of the ink around it: less, and thinner, is a speck in a loop
THIN = 0.13  # width to length of a line
LONG = 1.3  # times the side of another part: a line that is longer is none of its strokes
FLAT, UPRIGHT = 0.35, 0.8  # radians of slope below which a line lies, above which it may be a one
TALL = 1.8  # times the side of another part: ones beside other digits are less tall
PEN = 0.65  # of the picture's shorter side: digits among others are less tall
THINNER = 0.4  # of the width of strokes: a line that is thinner is none of them
ROUND = 0.68, 0.92  # of its box that a disc fills, in pixels
OPEN = 0.15  # of a part's side, from it to a stroke that was meant to meet it
STICKS_OUT, MARK_DEPTH = 0.1, 0.05  # of a digit's side; of a mark's, half the width of its lines


def surrounds(part: Part, other: Part) -> bool:
    """Tell whether a part is a frame, a ring or a cell around another."""
    if part.side <= other.side or other.side < ENCLOSED * min(part.side, 4 * other.side, 10 * LEAST_SIDE):
        return False
    if other.mask.sum() < SPECK * part.mask.sum() and _depth(other) < THINNER * _depth(part):
        return False
    y, x = other.middle
    reach = np.arange(1, int(1.5 * part.side))
    met = 0
    for turn in np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False):
        rows, columns = (y + reach * np.sin(turn)).astype(int), (x + reach * np.cos(turn)).astype(int)
        inside = (rows >= 0) & (rows < part.mask.shape[0]) & (columns >= 0) & (columns < part.mask.shape[1])
        met += part.mask[rows[inside], columns[inside]].any() or (part.edges > 0 and part.side > 3 * other.side)
    return bool(met >= AROUND)


def is_line_beside(part: Part, every: list[Part]) -> bool:
    """Tell whether a part is a straight line, and another part is none: an underline, a rule, a pen that lies there."""
    length, width, lean = _extent(part)
    if width > THIN * length:
        return False
    others = [other for other in every if other is not part and other.side >= LEAST_SIDE]
    others = [other for other in others if not is_blot_beside(other, [part])]
    lines = [other for other in others if _is_line(other)]
    others = [other for other in others if not _is_line(other)]
    most = max((other.side for other in others), default=0)
    if not others:
        return _is_pen(part, length, max((other.side for other in lines if _is_upright(other)), default=0))
    if most < 0.12 * length or part.edges > 0:
        return most >= 0.12 * length
    if abs(lean) < FLAT:
        below = all(part.middle[0] > other.middle[0] for other in others) and length > 0.5 * most
        return length > LONG * most or (below and not _between(part, others))
    is_tall = length > TALL * most or _is_pen(part, length, most)
    return length > LONG * most and is_tall and not any(_is_stroke_of(part, other) for other in others)


def _is_line(part: Part) -> bool:
    length, width, _ = _extent(part)
    return width <= THIN * length


def _is_upright(part: Part) -> bool:
    return abs(_extent(part)[2]) > UPRIGHT


def _is_pen(part: Part, length: float, most: float) -> bool:
    """Tell whether a line is longer than digits are in a picture, with a digit of this side beside it."""
    return length > PEN * min(part.mask.shape) and 0.2 * length < most < length / LONG


def _is_stroke_of(part: Part, other: Part) -> bool:
    """Tell whether a line is a stroke of a digit that was left open: close to another part, and not far longer."""
    from scipy import ndimage

    if part.side > 3 * other.side or part.side > PEN * min(part.mask.shape):
        return False
    return bool(ndimage.distance_transform_edt(~other.mask)[part.mask].min() < OPEN * other.side)


def _between(part: Part, others: list[Part]) -> bool:
    """Tell whether a lying line is a stroke of a broken digit: as bold, and no wider, as what stands close to it."""
    for other in others:
        gap = max(part.box[0], other.box[0]) - min(part.box[2], other.box[2])
        wide = other.box[3] - other.box[1]
        is_close = gap < 0.06 * other.side and part.box[3] - part.box[1] < 1.1 * wide
        if is_close and _depth(part) > THINNER * _depth(other):
            return True
    return False


def _depth(part: Part) -> float:
    """Return half the width of a part where it is broadest."""
    from scipy import ndimage

    top, left, bottom, right = part.box
    return float(ndimage.distance_transform_edt(np.pad(part.mask[top:bottom, left:right], 1)).max())


def _extent(part: Part) -> tuple[float, float, float]:
    """Return length, width and slope angle of a part, by the moments of its pixels."""
    y, x = np.nonzero(part.mask)
    covariance = np.cov(np.stack([x, y])) if len(x) > 2 else np.eye(2)
    values, vectors = np.linalg.eigh(covariance)
    along = vectors[:, 1]
    angle = np.arctan2(along[1], along[0])
    angle = (angle + np.pi / 2) % np.pi - np.pi / 2
    narrow, wide = np.sqrt(12 * values.clip(0)) + 1e-6  # of an even bar
    return float(wide), float(narrow), float(angle)


def is_blot_beside(part: Part, every: list[Part]) -> bool:
    """Tell whether a part is a filled spot, such as a full stop or a punched hole, and a larger one is there."""
    height, width = part.box[2] - part.box[0], part.box[3] - part.box[1]
    filled = part.filled > 0.62 and 0.7 < width / height < 1.4
    return bool(filled and any(other.side > 1.6 * part.side for other in every))


def holes(every: list[Part]) -> list[Part]:
    """Return the round spots of one size that stand in a row: punched holes, with something larger or of three."""
    spots = [part for part in every if ROUND[0] < part.filled < ROUND[1] and part.slim > 0.8]
    largest = max((part.side for part in every), default=0)
    rows = [(spot, sum(_is_row(spot, other) for other in spots)) for spot in spots]  # itself among them
    return [spot for spot, n in rows if n > 2 or (n > 1 and largest > 1.6 * spot.side)]


def _is_row(spot: Part, other: Part) -> bool:
    apart = [abs(a - b) for a, b in zip(spot.middle, other.middle, strict=True)]
    is_alike = abs(spot.side - other.side) <= 0.25 * max(spot.side, other.side)
    return is_alike and min(apart) < 0.5 * spot.side


def sticks_out(part: Part, digit: Part) -> bool:
    """Tell whether a part reaches beyond a digit on opposite sides by thin lines, as a mark joined to it does."""
    from scipy import ndimage

    rest = part.mask & ~widened(digit.mask)
    if ndimage.distance_transform_edt(np.pad(rest, 1)).max() > MARK_DEPTH * part.side:
        return False
    gap = STICKS_OUT * digit.side
    before = [low < own - gap for low, own in zip(part.box[:2], digit.box[:2], strict=True)]
    behind = [high > own + gap for high, own in zip(part.box[2:], digit.box[2:], strict=True)]
    return any(a and b for a, b in zip(before, behind, strict=True))
