"""The parts of an ink map: masks that hang together, with their boxes and forms."""

from dataclasses import dataclass

import numpy as np

SURE, FAINT = 0.5, 0.2  # probability from which a pixel counts as ink, and from which it may be ink beside such
LEAST_SIDE = 5  # pixels; a smaller part is no digit
MOST = 60  # parts of a map; what is left out are specks


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


def connected(ink: np.ndarray) -> list[Part]:
    """Return what hangs together in an ink map (H, W), the largest first."""
    from scipy import ndimage

    labels, _ = ndimage.label(ink > SURE, np.ones((3, 3)))
    boxes = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)]
    sizes = np.bincount(labels.ravel())[1:]
    largest = np.argsort(-sizes)[:MOST]
    return [Part(labels == i + 1, boxes[i]) for i in largest]


def touched(possible: np.ndarray, inked: np.ndarray) -> np.ndarray:
    """Return the connected parts of what is possible that hold ink."""
    from scipy import ndimage

    labels, n = ndimage.label(possible, np.ones((3, 3)))
    mine = np.bincount(labels[inked], minlength=n + 1) > 0
    mine[0] = False
    return mine[labels]


def widened(mask: np.ndarray) -> np.ndarray:
    """Return a mask with the two pixels around it."""
    from scipy import ndimage

    return ndimage.maximum_filter(mask, 5)


def agree(mask: np.ndarray, other: np.ndarray, share: float) -> bool:
    """Tell whether so large a share of each of two masks is near the other: they are of the same ink."""
    precise = (other & widened(mask)).sum() / other.sum()
    complete = (mask & widened(other)).sum() / mask.sum()
    return bool(min(precise, complete) >= share)


def overlap(part: Part, other: Part) -> bool:
    """Tell whether two parts have ink in common."""
    return bool((part.mask & other.mask).any())


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box (top, left, bottom, right) of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
