"""Which parts of an ink map are digits: parts joined where a stroke was broken, without marks among them."""

import numpy as np

from cvae.sketches import marks
from cvae.sketches.parts import LEAST_SIDE, Part, connected

LEAST_SHARE = 0.45  # of the largest digit's side: smaller parts are no digits beside it
NEAR, FRAGMENT = 0.12, 0.4  # parts this close, in sides of the larger, are one digit if one is a fragment of the other
OVERLAP, WIDE = 0.3, 1.2  # parts above each other share so much of the narrower one's width; width to height of a digit
GAPS = 2  # times as wide as usual where ink is faint
FLAGGED, BAR = 1.6, 0.85  # width to height of a five whose bar reaches far; side of the bar as a share of what is below


def digits(ink: np.ndarray, is_faint: bool = False) -> list[Part]:
    """Return the digits in an ink map (H, W) of probabilities, the largest first.

    Where ink is faint, strokes have gaps, and a line is rather one of them than a mark.
    """
    every = connected(ink)
    most = max((part.side for part in every), default=0)
    every = [part for part in every if part.side >= max(LEAST_SIDE - 2, 0.02 * most)]
    every = [part for part in every if not any(marks.surrounds(part, other) for other in every if other is not part)]
    holes = marks.holes(every)
    every = [part for part in every if not any(part is hole for hole in holes)]
    if not is_faint:
        every = [part for part in every if not marks.is_line_beside(part, every)]
    joined = [part for part in _joined(every, ink, GAPS if is_faint else 1) if part.side >= LEAST_SIDE]
    joined = [part for part in joined if not marks.is_blot_beside(part, joined)]
    if not is_faint:
        joined = [part for part in joined if not marks.is_line_beside(part, joined)]  # that was in pieces
    joined.sort(key=lambda part: -part.side)
    return [part for part in joined if part.side >= LEAST_SHARE * joined[0].side]


def _joined(every: list[Part], ink: np.ndarray, gaps: float) -> list[Part]:
    """Join parts until no two belong together; gaps are so many times as wide as usual."""
    every = list(every)
    while True:
        pairs = ((a, b) for i, a in enumerate(every) for b in every[i + 1 :])
        pair = next(((a, b) for a, b in pairs if _belong(a.box, b.box, gaps)), None)
        if pair is None:
            return [Part(part.mask, part.box, float(ink[part.mask].mean())) for part in every]
        every = [part for part in every if part is not pair[0] and part is not pair[1]]
        every.append(Part(pair[0].mask | pair[1].mask, _hull(pair[0].box, pair[1].box)))


def _belong(a: tuple, b: tuple, gaps: float) -> bool:
    """Tell whether two boxes (top, left, bottom, right) hold parts of one digit."""
    sides = [max(box[2] - box[0], box[3] - box[1]) for box in (a, b)]
    down = max(a[0], b[0]) - min(a[2], b[2])  # gaps; negative where they overlap
    across = max(a[1], b[1]) - min(a[3], b[3])
    hull = _hull(a, b)
    width = (hull[3] - hull[1]) / max(hull[2] - hull[0], *sides)
    close = max(down, across) < gaps * NEAR * max(sides)
    overlap = -across / min(a[3] - a[1], b[3] - b[1])
    stacked = overlap > OVERLAP and down < 2 * gaps * NEAR * max(sides)
    if width > (FLAGGED if stacked and min(sides) < BAR * max(sides) else WIDE):
        return False  # wider than a digit is
    is_fragment = min(sides) < FRAGMENT * max(sides) or gaps > 1
    return (is_fragment and close) or stacked or max(down, across) < 0.03 * max(sides)


def _hull(a: tuple, b: tuple) -> tuple[int, int, int, int]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
