"""Which vectors are near one another: for the pictures on a map and for faces alike."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

BATCH = 500


class Index(Protocol):
    """A gallery of vectors that can be searched; those of FAISS fit, exact or approximate."""

    def search(self, queries: np.ndarray, k: int) -> tuple:
        """Return squared distances (Q, k) and rows (Q, k), nearest first, for queries (Q, D) float32."""


class ExactIndex:
    """The index that compares a query with every one of its vectors (N, D)."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors.float()
        self.squares = (self.vectors**2).sum(1)

    def search(self, queries: np.ndarray | Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return squared distances (Q, k) and rows (Q, k), nearest first; at most N of them."""
        answers = [self._search(part, min(k, len(self.vectors))) for part in torch.as_tensor(queries).split(BATCH)]
        squares, rows = zip(*answers, strict=True)
        return torch.cat(squares), torch.cat(rows)

    def _search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        relative = torch.addmm(self.squares, queries, self.vectors.T, alpha=-2)  # less |query|^2, the same for all
        near = relative.topk(min(2 * k + 8, len(self.vectors)), largest=False).indices  # some more: it loses digits
        distances = ((self.vectors[near] - queries[:, None]) ** 2).sum(-1)
        order = distances.sort(dim=1, stable=True).indices[:, :k]
        return distances.gather(1, order), near.gather(1, order)


def nearest(index: Index | Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return Euclidean distances and rows (Q, k) of the k entries of `index` nearest to each of queries (Q, D).

    `index` is vectors (N, D), which are compared with every query, or anything that can be searched.
    """
    index = ExactIndex(index) if isinstance(index, Tensor) else index
    squares, rows = index.search(queries.numpy(), k)
    return torch.as_tensor(squares).clamp(min=0).sqrt(), torch.as_tensor(rows)  # rounding may leave less than 0
