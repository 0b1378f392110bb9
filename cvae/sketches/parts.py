"""Which ink belongs to one digit: parts of an ink map, joined where a stroke was broken, without marks among them."""

from dataclasses import dataclass

import numpy as np

SURE = 0.5  # probability from which a pixel counts as ink
LEAST_SIDE = 5  # pixels; a smaller part is no digit
LEAST_SHARE = 0.45  # of the largest digit's side: smaller parts are no digits beside it
NEAR, FRAGMENT = 0.12, 0.4  # parts this close, in sides of the larger, are one digit if one is a fragment of the other
OVERLAP, WIDE = 0.3, 1.2  # parts above each other share so much of the narrower one's width; width to height of a digit
DIRECTIONS, AROUND = 16, 14  # what meets so many rays from the middle of another part lies around it
ENCLOSED = 0.15  # of what lies around it, the least side of a digit
THIN = 0.13  # width to length of a line
LONG = 1.3  # times the side of another part: a line that is longer is none of its strokes


@dataclass(frozen=True)
class Part:
    """The ink of one digit in a map: a mask of its size, the box (top, left, bottom, right), and how sure it is."""

    mask: np.ndarray
    box: tuple[int, int, int, int]
    sure: float = 1.0

    @property
    def side(self) -> int:
        """The longer side of the box."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the box, (down, across)."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def filled(self) -> float:
        """The share of the box that is ink."""
        return float(self.mask.sum()) / ((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))

    @property
    def slim(self) -> float:
        """The shorter side of the box as a share of the longer."""
        height, width = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return min(height, width) / max(height, width)

    @property
    def edges(self) -> int:
        """How many of the map's four edges it touches."""
        height, width = self.mask.shape
        return sum((self.box[0] == 0, self.box[1] == 0, self.box[2] == height, self.box[3] == width))


def digits(ink: np.ndarray) -> list[Part]:
    """Return the digits in an ink map (H, W) of probabilities, the largest first."""
    every = _connected(ink)
    most = max((part.side for part in every), default=0)
    every = [part for part in every if part.side >= max(LEAST_SIDE - 2, 0.02 * most)]
    every = [part for part in every if not any(_surrounds(part, other) for other in every if other is not part)]
    every = [part for part in every if not _is_line_beside(part, every)]
    joined = [part for part in _joined(every, ink) if part.side >= LEAST_SIDE]
    joined = [part for part in joined if not _is_blot_beside(part, joined)]
    joined.sort(key=lambda part: -part.side)
    return [part for part in joined if part.side >= LEAST_SHARE * joined[0].side]


def _connected(ink: np.ndarray) -> list[Part]:
    from scipy import ndimage

    labels, _ = ndimage.label(ink > SURE, np.ones((3, 3)))
    boxes = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)]
    sizes = np.bincount(labels.ravel())[1:]
    largest = np.argsort(-sizes)[:60]  # what is left out are specks
    return [Part(labels == i + 1, boxes[i]) for i in largest]


def _surrounds(part: Part, other: Part) -> bool:
    """Tell whether a part is a frame, a ring or a cell around another."""
    if part.side <= other.side or other.side < ENCLOSED * min(part.side, 4 * other.side, 10 * LEAST_SIDE):
        return False
    y, x = other.middle
    reach = np.arange(1, int(1.5 * part.side))
    met = 0
    for turn in np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False):
        rows, columns = (y + reach * np.sin(turn)).astype(int), (x + reach * np.cos(turn)).astype(int)
        inside = (rows >= 0) & (rows < part.mask.shape[0]) & (columns >= 0) & (columns < part.mask.shape[1])
        met += part.mask[rows[inside], columns[inside]].any() or (part.edges > 0 and part.side > 3 * other.side)
    return bool(met >= AROUND)


def _is_line_beside(part: Part, every: list[Part]) -> bool:
    """Tell whether a part is a straight line, and another part is none: an underline, a rule, a pen that lies there."""
    length, width, lean = _extent(part)
    if width > THIN * length:
        return False
    others = [other for other in every if other is not part and other.side >= LEAST_SIDE]
    others = [other for other in others if (lambda e: e[1] > THIN * e[0])(_extent(other))]
    most = max((other.side for other in others), default=0)
    if not most or most < 0.12 * length:
        return False
    below = abs(lean) < 0.35 and all(part.middle[0] > other.middle[0] for other in others)
    return length > LONG * most or (below and length > 0.5 * most and not _between(part, others)) or part.edges > 0


def _between(part: Part, others: list[Part]) -> bool:
    """Tell whether a lying line is a stroke of a broken digit: no wider than what stands close above or below it."""
    for other in others:
        gap = max(part.box[0], other.box[0]) - min(part.box[2], other.box[2])
        wide = other.box[3] - other.box[1]
        if gap < 0.06 * other.side and part.box[3] - part.box[1] < 1.1 * wide:
            return True
    return False


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


def _is_blot_beside(part: Part, every: list[Part]) -> bool:
    """Tell whether a part is a filled spot, such as a full stop or a punched hole, and a larger one is there."""
    height, width = part.box[2] - part.box[0], part.box[3] - part.box[1]
    filled = part.filled > 0.62 and 0.7 < width / height < 1.4
    return bool(filled and any(other.side > 1.6 * part.side for other in every))


def _joined(every: list[Part], ink: np.ndarray) -> list[Part]:
    """Join parts until no two belong together."""
    every = list(every)
    while True:
        pairs = ((a, b) for i, a in enumerate(every) for b in every[i + 1 :])
        pair = next(((a, b) for a, b in pairs if _belong(a.box, b.box)), None)
        if pair is None:
            return [Part(part.mask, part.box, float(ink[part.mask].mean())) for part in every]
        every = [part for part in every if part is not pair[0] and part is not pair[1]]
        every.append(Part(pair[0].mask | pair[1].mask, _hull(pair[0].box, pair[1].box)))


def _belong(a: tuple, b: tuple) -> bool:
    """Tell whether two boxes (top, left, bottom, right) hold parts of one digit."""
    sides = [max(box[2] - box[0], box[3] - box[1]) for box in (a, b)]
    down = max(a[0], b[0]) - min(a[2], b[2])  # gaps; negative where they overlap
    across = max(a[1], b[1]) - min(a[3], b[3])
    hull = _hull(a, b)
    if hull[3] - hull[1] > WIDE * max(hull[2] - hull[0], *sides):
        return False  # wider than a digit is
    close = max(down, across) < NEAR * max(sides)
    stacked = -across > OVERLAP * min(a[3] - a[1], b[3] - b[1]) and down < 2 * NEAR * max(sides)
    return (min(sides) < FRAGMENT * max(sides) and close) or stacked or max(down, across) < 0.03 * max(sides)


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box (top, left, bottom, right) of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _hull(a: tuple, b: tuple) -> tuple[int, int, int, int]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
