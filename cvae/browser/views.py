"""Where the elements of a tensor lie within a value: an index array that NumPy reshapes, slices and permutes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """Elements of a value by their places, int (shape of the tensor); with `rows` the batch comes before that shape."""

    value: int
    index: np.ndarray
    rows: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape for one example."""
        return self.index.shape

    @property
    def size(self) -> int:
        """Number of elements for one example."""
        return self.index.size

    @property
    def start(self) -> int:
        """Place of the first element."""
        return int(self.index.reshape(-1)[0]) if self.size else 0

    @property
    def solid(self) -> bool:
        """Whether the elements lie side by side and in order."""
        return bool((np.diff(self.index.reshape(-1)) == 1).all())

    def as_row(self) -> "View":
        """Return it as the same for every example, where its shape has one row for all or no axis for them."""
        if self.rows:
            return self
        index = self.index[0] if self.index.ndim and self.index.shape[0] == 1 else self.index
        return View(self.value, index, rows=True)

    def expanded(self, shape: tuple[int, ...]) -> "View":
        """Return it repeated to a larger shape, as torch's expand."""
        return View(self.value, np.broadcast_to(self.index, shape), self.rows)


def repeated(flat: np.ndarray) -> tuple[int, int, int] | None:
    """Return (start, every, of) where flat[i] = start + i // every % of; None where there are no such numbers."""
    start, steps = int(flat[0]), np.flatnonzero(np.diff(flat))
    every = int(steps[0]) + 1 if steps.size else len(flat)
    of = int(flat.max()) - start + 1
    fits = (flat == start + np.arange(len(flat)) // every % of).all()
    return (start, every, of) if fits else None


def affine(*places: np.ndarray) -> tuple:
    """Return (sides, (start, strides), ...): nested loops of these sides that walk index arrays (n,), all in order.

    ValueError where one of them is no such walk.
    """
    sides: list[int] = []  # innermost first
    strides: list[list[int]] = [[] for _ in places]
    rest = [p.astype(np.int64) for p in places]
    while len(rest[0]) > 1:
        steps = [int(p[1] - p[0]) for p in rest]
        even = np.all([np.diff(p) == s for p, s in zip(rest, steps, strict=True)], axis=0)
        side = len(even) + 1 if even.all() else int(even.argmin()) + 1
        if len(rest[0]) % side or side < 2:
            raise ValueError("the browser's runtime has no step for elements in such an order.")
        blocks = [p.reshape(-1, side) for p in rest]
        if any((np.diff(b, axis=1) != s).any() for b, s in zip(blocks, steps, strict=True)):
            raise ValueError("the browser's runtime has no step for elements in such an order.")
        sides.append(side)
        for known, step in zip(strides, steps, strict=True):
            known.append(step)
        rest = [b[:, 0] for b in blocks]
    walks = ((int(p[0]), [*reversed(known)]) for p, known in zip(rest, strides, strict=True))
    return ([*reversed(sides)], *walks)
