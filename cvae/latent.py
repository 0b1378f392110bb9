"""What the latent space holds: where images lie in it, how much each dimension carries, which way an attribute lies."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvae.gaussian import DiagonalGaussian
from cvae.tasks import encode

if TYPE_CHECKING:  # the app uses directions and neighbours, and never loads a data set
    from cvae.data import ImageSet

BATCH = 500
NEWTON_STEPS = 12  # of a logistic regression: it converges in about six
RIDGE = 1e-2  # of that regression, for each example
ACTIVE = 0.01  # nats; the usual threshold below which a dimension carries nothing


def encode_dataset(model, images: "ImageSet") -> Tensor:
    """Return base coordinates u (N, D) of the posterior means of all images, with their own labels."""
    chunks = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    return torch.cat([encode(model, chunk.pixels(), chunk.labels) for chunk in chunks])


@torch.inference_mode()
def kl_per_dim(model, x: Tensor, labels: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
    """Return the mean KL of each base coordinate from the standard normal in nats, (D,), over images x (N, C, H, W).

    Exact for a Gaussian prior. A learned prior bends the posterior: there it is the KL of the Gaussian with the mean
    and variance of 32 posterior samples mapped to the base.
    """
    posterior = model.encode(x, labels)
    prior = model.prior(labels)
    if isinstance(prior, DiagonalGaussian):
        return posterior.kl_per_dim(prior).mean(0)
    u = torch.stack([prior.to_base(posterior.sample(generator)) for _ in range(32)])  # (32, N, D)
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


def nearest(index: Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return Euclidean distances and rows (Q, k) of the k rows of index (N, D) nearest to each of queries (Q, D)."""
    found = torch.cdist(queries, index).topk(min(k, len(index)), largest=False)
    return found.values, found.indices
