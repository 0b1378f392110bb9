"""Points of the latent space on the plane: layouts, where a new point belongs, and how well neighbours are kept."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cvae.neighbours import Index, nearest

TSNE_STEPS = (250, 500)  # with early exaggeration, and after
TSNE_REPORTS = 10  # steps between two reports of progress
TSNE_FEWEST = 4  # different points: the perplexity is then 1
FEW = 1000  # points up to which a tree gives the forces of t-SNE sooner than a grid
PLACED_BY = 10  # neighbours that say where a new point belongs


def tsne(z: Tensor, seed: int = 0, progress: Callable[[int], None] | None = None) -> Tensor:
    """Return the t-SNE of z (N, D) as (N, 2), the same for the same seed; `progress` gets the steps done so far.

    Van der Maaten and Hinton (2008), with the interpolation of Linderman et al. (2019), perplexity 30 or less.
    ValueError unless z holds numbers alone and at least TSNE_FEWEST different rows.
    """
    from openTSNE import TSNE  # late: only who makes a map needs it

    z = _scaled(z)
    first, second = TSNE_STEPS
    model = TSNE(
        perplexity=min(30, (len(z) - 1) // 3),
        early_exaggeration_iter=first,
        n_iter=second,
        neighbors="exact",  # also the faster one for ten thousand
        negative_gradient_method="fft" if len(z) > FEW else "bh",
        ints_in_interval=2,  # a grid half as fine as usual takes a third of the time and keeps as many neighbours
        random_state=seed,
        n_jobs=-1,
        **_watched(progress),
    )
    return torch.from_numpy(np.array(model.fit(z.numpy()), np.float32))


def _watched(progress: Callable[[int], None] | None) -> dict[str, Any]:
    """Return the options by which openTSNE tells `progress` the steps that are done."""
    if progress is None:
        return {}
    done = itertools.count(TSNE_REPORTS, TSNE_REPORTS)
    return {"callbacks": lambda *_: progress(next(done)), "callbacks_every_iters": TSNE_REPORTS}


def _scaled(z: Tensor) -> Tensor:
    """Return z (N, D) as float64, of mean 0 and largest coordinate 1, in two columns or more; ValueError as of `tsne`.

    No distance is too large for openTSNE then, nor the spread by which it divides its first layout zero: either makes
    its interpolation read outside its grid, which ends the process.
    """
    if not z.isfinite().all():
        raise ValueError(
            "a layout needs points whose coordinates are numbers; some of these are infinite or no number."
        )
    if (n := len(z.unique(dim=0))) < TSNE_FEWEST:
        places = f"these {len(z)} have {n} different places"
        raise ValueError(f"a layout needs at least {TSNE_FEWEST} different points; {places}.")
    z = z.double() / z.double().abs().max()  # first, so that not even a sum of them is infinite
    z = z - z.mean(0)
    return torch.nn.functional.pad(z / z.abs().max(), (0, max(0, 2 - z.shape[1])))


def pca(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first two principal coordinates (N, 2) of z (N, D), and the share of the variance of each, (2,)."""
    centred = z - z.mean(0)
    _, lengths, axes = torch.linalg.svd(centred, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes = axes * largest.sign()  # an axis has no direction of its own
    return centred @ axes[:2].T, lengths[:2] ** 2 / (lengths**2).sum()


def place(z: Tensor, index: Index | Tensor, xy: Tensor, k: int = PLACED_BY) -> Tensor:
    """Return where z (Q, D) belong on a map with entries at xy (N, 2): the median of their k neighbours', (Q, 2)."""
    return xy[nearest(index, z, k)[1]].median(dim=1).values  # a mean may lie between two clusters, in neither


def place_linearly(z: Tensor, vectors: Tensor, xy: Tensor) -> Tensor:
    """Return where z (Q, D) lie on a map that is an affine function, which takes vectors (N, D) to xy (N, 2)."""
    ones = vectors.new_ones(len(vectors), 1)
    coefficients = torch.linalg.lstsq(torch.cat([vectors, ones], dim=1), xy).solution
    return torch.cat([z, z.new_ones(len(z), 1)], dim=1) @ coefficients


def knn_accuracy(z: Tensor, labels: Tensor, k: int = 5) -> float:
    """Return the share of z (N, D) whose label (N,) most of the k nearest others have; ties go to the least label."""
    rows = nearest(z, z, k + 1)[1]
    itself = rows == torch.arange(len(z))[:, None]
    itself[~itself.any(1), -1] = True  # more than k equal to it
    votes = torch.nn.functional.one_hot(labels[rows[~itself].view(len(z), k)]).sum(1)
    return float((votes.argmax(1) == labels).float().mean())


def trustworthiness(z: Tensor, xy: Tensor, k: int = 12) -> float:
    """Return how far the k neighbours on a map xy (N, 2) are neighbours in z (N, D) too, 1 at best.

    Venna and Kaski (2001).
    """
    from sklearn.manifold import trustworthiness as measure

    return float(measure(z.numpy(), xy.numpy(), n_neighbors=k))
