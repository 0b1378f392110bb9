"""Which ink of a picture is a digit, and whose of it is taken: that of the rules, who are sharp, or the network's."""

import numpy as np

from cvae.sketches import marks, parts, sizes
from cvae.sketches.view import View, everything

AGREED = 0.8  # share of either reader's ink that must be near the other's
SHARED = 0.5  # share of a digit that is ink to both, though wider to one of them
# shares of the rules' ink, of its probability and of the network's ink from which one part is the digit as it is
ALONE, SUPPORTED, INSIDE = 0.95, 0.6, 0.7
OPPOSED = 0.3  # mean probability below which a part is no digit where the network is sure of another ink
BARRED = 1.4  # sides of a digit without its bar, if the network does not see that: less than the whole digit has
PIECES = 1.35  # width to height up to which several parts can be pieces of one digit
NOTHING = 0.1  # mean probability of what the network takes for no ink
FAINTER = 0.8  # coverage of a mark, as a share of a digit's
# width of strokes in a picture that a digit fills, in its shorter sides: more than that of marks, less than of sheets;
BOLD, SHEET = (0.1, 0.4), (0.75, 0.92)  # where it is more, it is less than this share of its own shorter side, or,
# where it goes from edge to edge, this one
SURELY, DOUBTFUL = 0.8, 0.85  # mean probability of ink that the network is sure of; below which bold ink overrules it
FILLED, SLIM = 0.6, 0.4  # of its box: more than strokes fill; shorter to longer side of a one, which fills it too


def chosen(view: View) -> list[tuple[parts.Part, bool]]:
    """Return the digits, the largest first, each with whether the rules' ink of it is taken."""
    ruled, seen = view.ruled_parts, view.seen_parts
    if len(ruled) == 1 and _is_alone(view, ruled[0]):
        return [(_all_but_marks(view, ruled[0]), True)]
    if not seen:
        return [(part, True) for part in ruled]
    sure = [part for part in ruled if view.seen[part.mask].mean() >= SURELY]
    seen = _pieced([part for part in seen if not sure or _is_likely(view, part)], ruled)
    same = [_same(part, ruled, sure) for part in seen]
    missed = [(part, True) for part in sure if not any(parts.overlap(part, other) for other in seen)]
    both = [(part, False) if other is None else (other, True) for part, other in zip(seen, same, strict=True)]
    return sorted(both + missed, key=lambda one: (not sure or _share_ruled(view, one[0]) < SHARED, -one[0].side))


def _is_likely(view: View, part: parts.Part) -> bool:
    """Tell whether what the network sees may be a digit where both readers are sure of another one."""
    return not _is_mark(view, part) and (part.sure >= SURELY or _share_ruled(view, part) >= 1 - AGREED)


def _share_ruled(view: View, part: parts.Part) -> float:
    """Return the share of a part that is ink to the rules too."""
    assert view.ruled is not None
    return float((sizes.resized(view.ruled, view.seen.shape) > 0.25)[part.mask].mean())


def _all_but_marks(view: View, digit: parts.Part) -> parts.Part:
    """Return all that the rules see as one digit, but not spots and lines beside it."""
    assert view.ruled is not None
    every = parts.connected((2 * sizes.resized(view.ruled, view.seen.shape)).clip(0, 1))
    beside = [part for part in every if not (part.mask & digit.mask).any()]
    is_mark = (marks.is_blot_beside(part, [digit]) or marks.is_line_beside(part, [digit]) for part in beside)
    masks = [part.mask for part, mark in zip(beside, is_mark, strict=True) if mark]
    if not masks:
        return everything(view)
    mask = ~parts.widened(np.logical_or.reduce(masks))
    return parts.Part(mask, (0, 0, *mask.shape))


def _is_mark(view: View, part: parts.Part) -> bool:
    """Tell whether a part is ink that the rules see too, and take for a mark beside the digits."""
    assert view.ruled is not None
    beside = sizes.resized(view.ruled, view.seen.shape) > 0.25
    for other in view.ruled_parts:
        beside &= ~parts.widened(other.mask)
    return bool((part.mask & parts.widened(beside)).sum() > AGREED * part.mask.sum())


def _pieced(seen: list[parts.Part], ruled: list[parts.Part]) -> list[parts.Part]:
    """Return what the network sees, joined where it sees pieces of what hangs together to the rules as one digit."""
    for whole in ruled:
        pieces = [part for part in seen if _is_inside(part, whole)]
        if len(pieces) > 1 and _is_as_wide_as_one(whole) and not _is_marked(whole, pieces):
            rest = [part for part in seen if not any(part is piece for piece in pieces)]
            seen = [parts.Part(whole.mask, whole.box, max(part.sure for part in pieces)), *rest]
    return sorted(seen, key=lambda part: -part.side)


def _is_inside(part: parts.Part, whole: parts.Part) -> bool:
    return bool((part.mask & parts.widened(whole.mask)).sum() >= AGREED * part.mask.sum())


def _is_as_wide_as_one(part: parts.Part) -> bool:
    return part.box[3] - part.box[1] <= PIECES * (part.box[2] - part.box[0])


def _same(part: parts.Part, ruled: list[parts.Part], sure: list[parts.Part]) -> parts.Part | None:
    """Return the part that the rules make of the same ink, or of the digit in it where marks are joined to it."""
    alike = [other for other in ruled if other.side < BARRED * part.side]
    touched = ((other, parts.touched(other.mask, part.mask & other.mask)) for other in alike)  # not a bar beside it
    same = next((other for other, mask in touched if mask.any() and parts.agree(part.mask, mask, AGREED)), None)
    inside = (other for other in sure if _is_inside(other, part))
    return same or next((other for other in inside if 0.3 * part.side < other.side < part.side), None)


def _is_alone(view: View, part: parts.Part) -> bool:
    """Tell whether the rules see one thing, and the network nothing against it."""
    assert view.ruled is not None
    every = sizes.resized(view.ruled, view.seen.shape) > 0.25
    sure = [other for other in view.seen_parts if other.sure >= SURELY]
    is_unlike_all = all(other.sure < DOUBTFUL for other in view.seen_parts) and _is_bold(part)
    return part.mask.sum() >= ALONE * every.sum() and (is_unlike_all or _is_unopposed(view, part, sure))


def _is_unopposed(view: View, part: parts.Part, sure: list[parts.Part]) -> bool:
    """Tell whether a part has the form of a digit, or the network's word for it, and holds most of its ink."""
    is_stroke = part.filled < FILLED or part.slim < SLIM  # not a sheet, nor a shadow
    is_digit = is_stroke and (part.edges < 2 or not sure) and not _is_marked(part, sure)
    inked = view.seen > parts.SURE
    is_complete = (inked & parts.widened(part.mask)).sum() >= INSIDE * inked.sum()
    support = view.seen[part.mask].mean()
    has_mark = len(sure) == len(view.seen_parts) == 1 and _has_mark(view, part, sure[0])
    is_opposed = sure and support < OPPOSED and (part.edges > 0 or not _is_bold(part))
    return bool(is_complete and (is_digit and not is_opposed or support >= SUPPORTED) and not has_mark)


def _is_marked(part: parts.Part, sure: list[parts.Part]) -> bool:
    """Tell whether a part reaches beyond what the network is sure of in it, as a mark joined to a digit does."""
    return any(marks.sticks_out(part, other) for other in _seen_in(part, sure))


def _seen_in(part: parts.Part, sure: list[parts.Part]) -> list[parts.Part]:
    """Return what the network is sure of in a part: its digits, or all together where they are pieces of one."""
    if len(sure) < 2 or not _is_as_wide_as_one(part):
        return sure
    mask = np.logical_or.reduce([other.mask for other in sure])
    return [parts.Part(mask, parts.box_of(mask))]


def _has_mark(view: View, part: parts.Part, digit: parts.Part) -> bool:
    """Tell whether much of a part is fainter than the one digit that the network sees in it, and no ink to it."""
    assert view.ruled is not None
    rest, ruled = part.mask & ~parts.widened(digit.mask), sizes.resized(view.ruled, view.seen.shape)
    both = digit.mask & part.mask
    if not both.any() or rest.sum() < (1 - AGREED) * part.mask.sum() or view.seen[rest].mean() > NOTHING:
        return False
    return bool(ruled[rest].mean() < FAINTER * ruled[both].mean())


def _is_bold(part: parts.Part) -> bool:
    """Tell whether a part is a digit in strokes so bold, for its picture, that the network has not learned the like."""
    from scipy import ndimage

    width = 2 * ndimage.distance_transform_edt(np.pad(part.mask, 1)).max()
    share = width / min(part.mask.shape)
    most = SHEET[part.edges > 1] * part.slim * part.side
    return bool(part.edges < 4 and BOLD[0] < share and (share < BOLD[1] or width < most))
