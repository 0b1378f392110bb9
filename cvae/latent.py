"""What the latent space holds: where images lie in it, how much each dimension carries, which way an attribute lies,
which images are near one another, and maps of them all."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from cvae.gaussian import DiagonalGaussian
from cvae.models import LatentModel
from cvae.tasks import decode, encode, normal

if TYPE_CHECKING:  # the app uses directions and neighbours, and never loads a data set
    from cvae.data import ImageSet

BATCH = 500
NEWTON_STEPS = 12  # of a logistic regression: it converges in about six
RIDGE = 1e-2  # of that regression, for each example
PROBED = 250  # codes whose pictures tell how long a standard deviation is
ACTIVE = 0.01  # nats; the usual threshold below which a dimension carries nothing
TSNE_STEPS = (250, 500)  # with early exaggeration, and after
TSNE_REPORTS = 10  # steps between two reports of progress
TSNE_FEWEST = 4  # different points: the perplexity is then 1
FEW = 1000  # points up to which a tree gives the forces of t-SNE sooner than a grid
PLACED_BY = 10  # neighbours that say where a new point belongs


def encode_dataset(model: LatentModel, images: "ImageSet") -> Tensor:
    """Return base coordinates u (N, D) of the posterior means of all images, with their own labels."""
    chunks = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    return torch.cat([encode(model, chunk.pixels(), chunk.labels) for chunk in chunks])


@torch.inference_mode()
def kl_per_dim(
    model: LatentModel, x: Tensor, labels: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """Return the mean KL of each base coordinate from the standard normal in nats, (D,), over images x (N, C, H, W).

    Exact for a Gaussian prior. A learned prior bends the posterior: there it is the KL of the Gaussian with the mean
    and variance of 32 posterior samples mapped to the base.
    """
    posterior = model.encode(x, labels)
    prior = model.prior(labels)
    if isinstance(prior, DiagonalGaussian):
        return posterior.kl_per_dim(prior).mean(0)
    noise = (normal(model, len(x), generator=generator) for _ in range(32))
    u = torch.stack([prior.to_base(posterior.from_base(n)) for n in noise])  # (32, N, D)
    bent = DiagonalGaussian(u.mean(0), u.var(0).log())
    return bent.kl_per_dim(DiagonalGaussian.standard(u.shape[-1], u)).mean(0)


def active_units(kl: Tensor) -> int:
    """Return how many dimensions of kl (D,) carry at least ACTIVE nats."""
    return int((kl >= ACTIVE).sum())


def attribute_direction(u: Tensor, present: Tensor, others: Tensor | None = None, classifier: bool = False) -> Tensor:
    """Return the way (D,) in which an attribute lies, as long as one standard deviation of u (N, D) along it.

    present (N,) holds 1, 0 or NaN (unknown). The difference of the means of those with and without it (Larsen et al.
    2016); or, with `classifier`, the normal of a logistic regression, what lies along the normals of `others` (N, K)
    projected out (Shen et al. 2020), of at most D / 4 of them, those that go with the attribute most. ValueError unless there are pictures with and without the attribute.
    """
    if not ((present == 1).any() and (present == 0).any()):
        raise ValueError("a direction needs at least one picture with the attribute and one without it.")
    if not classifier:
        way = u[present == 1].mean(0) - u[present == 0].mean(0)
    else:
        way = _normal(u, present)
        entangled = [] if others is None else _entangled(present, others, u.shape[1] // 4)
        if entangled:
            basis = torch.linalg.qr(torch.stack([_normal(u, column) for column in entangled], dim=1)).Q  # (D, K)
            way = way - basis @ (basis.T @ way)
    if way.norm() < 1e-6:
        raise ValueError("the two groups have the same mean, so there is no direction between them.")
    way = way / way.norm()
    return way * (u @ way).std() if len(u) > 1 else way


@torch.inference_mode()
def in_pictures(model: LatentModel, u: Tensor, way: Tensor) -> Tensor:
    """Return a way (D,) made as long as one standard deviation of the pictures of u (N, D) along what it changes in them.

    How long a standard deviation of the codes is depends on how a model scales its codes; that of pictures does not. About
    PROBED of u are decoded.
    """
    u = u[:: max(1, len(u) // PROBED)]
    pictures = decode(model, u).flatten(1)
    change = (decode(model, u + way).flatten(1) - pictures).mean(0)  # (C H W,)
    return way * (pictures @ change).std() / (change @ change)


def _entangled(present: Tensor, others: Tensor, most: int) -> list[Tensor]:
    """Return the columns (N,) of others (N, K) whose labels correlate most with present (N,), at most `most` of them."""
    found = []
    for column in others.T:
        known = ~(present.isnan() | column.isnan())
        pair = torch.stack([present[known], column[known]])
        if known.sum() > 1 and (pair.std(1) > 0).all():
            found.append((float(pair.corrcoef()[0, 1].abs()), column))
    return [column for _, column in sorted(found, key=lambda item: -item[0])[:most]]


def _normal(u: Tensor, present: Tensor) -> Tensor:
    """Return the weights (D,) of a ridge logistic regression of present (N,) on u (N, D), both classes weighing the same."""
    known = ~present.isnan()
    x, y = torch.cat([u[known], u.new_ones(int(known.sum()), 1)], dim=1).double(), present[known].double()
    share = y.mean().clamp(1e-6, 1 - 1e-6)
    weight = torch.where(y > 0, 0.5 / share, 0.5 / (1 - share))
    w = x.new_zeros(x.shape[1])
    ridge = RIDGE * len(x) * torch.eye(len(w), dtype=x.dtype)
    for _ in range(NEWTON_STEPS):
        p = (x @ w).sigmoid()
        slope = x.T @ (weight * (p - y)) + ridge @ w
        w = w - torch.linalg.solve(x.T @ ((weight * p * (1 - p))[:, None] * x) + ridge, slope)
    return w[:-1].to(u.dtype)


def within_person(u: Tensor, person: Tensor) -> Tensor:
    """Return A (D, D) such that distances between u @ A count least what varies between pictures of one person.

    The whitening of the within-person covariance, as in linear discriminant analysis; person (N,) int64.
    """
    n = int(person.max()) + 1
    count = torch.bincount(person, minlength=n).to(u.dtype)
    mean = u.new_zeros(n, u.shape[1]).index_add(0, person, u) / count.clamp(min=1)[:, None]
    rest = (u - mean[person])[count[person] > 1]
    cov = rest.T @ rest / len(rest)
    values, vectors = torch.linalg.eigh(cov + 1e-3 * cov.diagonal().mean() * torch.eye(len(cov)))
    return vectors * values.rsqrt()


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
        found = [self._search(part, min(k, len(self.vectors))) for part in torch.as_tensor(queries).split(BATCH)]
        return tuple(torch.cat(parts) for parts in zip(*found))

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


def tsne(z: Tensor, seed: int = 0, progress: Callable[[int], None] | None = None) -> Tensor:
    """Return the t-SNE of z (N, D) as (N, 2), the same for the same seed; `progress` gets the steps done so far.

    Van der Maaten and Hinton (2008), with the interpolation of Linderman et al. (2019); perplexity 30 or less for few rows.
    ValueError unless z holds numbers alone and at least TSNE_FEWEST different rows.
    """
    from openTSNE import TSNE  # late: only who makes a map needs it

    z = _scaled(z)
    done = 0

    def advance(*_) -> None:
        nonlocal done
        done += TSNE_REPORTS
        progress(done)

    watch = {"callbacks": advance, "callbacks_every_iters": TSNE_REPORTS} if progress else {}
    first, second = TSNE_STEPS
    model = TSNE(
        perplexity=min(30, (len(z) - 1) // 3),
        early_exaggeration_iter=first,
        n_iter=second,
        neighbors="exact",  # also the faster one for ten thousand
        negative_gradient_method="fft" if len(z) > FEW else "bh",
        ints_in_interval=2,  # a grid half as fine as usual takes a third of the time, and as many neighbours stay neighbours
        random_state=seed,
        n_jobs=-1,
        **watch,
    )
    return torch.from_numpy(np.array(model.fit(z.numpy()), np.float32))


def _scaled(z: Tensor) -> Tensor:
    """Return z (N, D) as float64, its mean 0 and its largest coordinate 1, at least two columns of it; ValueError as `tsne` says.

    No distance is too large for openTSNE then, nor the spread by which it divides its first layout zero: either makes its
    interpolation read outside its grid, which ends the process.
    """
    if not z.isfinite().all():
        raise ValueError("a layout needs points whose coordinates are numbers; some of these are infinite or not a number.")
    if (n := len(z.unique(dim=0))) < TSNE_FEWEST:
        raise ValueError(f"a layout needs at least {TSNE_FEWEST} different points; these {len(z)} have {n} different places.")
    z = z.double() / z.double().abs().max()  # first, so that not even a sum of them is infinite
    z = z - z.mean(0)
    return torch.nn.functional.pad(z / z.abs().max(), (0, max(0, 2 - z.shape[1])))


def pca(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first two principal coordinates (N, 2) of z (N, D), and the share of the variance that each holds, (2,)."""
    centred = z - z.mean(0)
    _, lengths, axes = torch.linalg.svd(centred, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    axes = axes * largest.sign()  # an axis has no direction of its own
    return centred @ axes[:2].T, lengths[:2] ** 2 / (lengths**2).sum()


def place(z: Tensor, index: Index | Tensor, xy: Tensor, k: int = PLACED_BY) -> Tensor:
    """Return where new z (Q, D) belong on a map whose entries lie at xy (N, 2): the median of their k neighbours', (Q, 2)."""
    return xy[nearest(index, z, k)[1]].median(dim=1).values  # a mean may lie between two clusters, in neither


def place_linearly(z: Tensor, vectors: Tensor, xy: Tensor) -> Tensor:
    """Return where z (Q, D) lie on a map that is an affine function of the latents, told by vectors (N, D) at xy (N, 2)."""
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
    """Return how far the k neighbours on a map xy (N, 2) are neighbours in z (N, D) too, 1 at best: Venna and Kaski (2001)."""
    from sklearn.manifold import trustworthiness as measure

    return float(measure(z.numpy(), xy.numpy(), n_neighbors=k))
