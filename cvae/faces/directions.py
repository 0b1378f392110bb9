"""Which way an attribute lies among codes, how long a step is in pictures, and which differences tell people apart."""

import torch
from torch import Tensor

from cvae.models import LatentModel
from cvae.tasks import decode

NEWTON_STEPS = 12  # of a logistic regression: it converges in about six
RIDGE = 1e-2  # of that regression, for each example
STEADY = 0.02  # of the mean variance within a person, added to each: few people have many pictures
PROBED = 250  # codes whose pictures tell how long a standard deviation is


def attribute_direction(u: Tensor, present: Tensor, others: Tensor | None = None, classifier: bool = False) -> Tensor:
    """Return the way (D,) in which an attribute lies, as long as one standard deviation of u (N, D) along it.

    present (N,) holds 1, 0 or NaN (unknown). The difference of the means of those with and without it (Larsen et al.
    2016); or, with `classifier`, the normal of a logistic regression, what lies along the normals of `others` (N, K)
    projected out (Shen et al. 2020), of at most D / 4 of them, those that go with the attribute most. ValueError unless
    there are pictures with and without the attribute.
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
    """Return a way (D,) made as long as one standard deviation of the pictures of u (N, D) along what it changes there.

    How long a standard deviation of the codes is depends on how a model scales its codes; that of pictures does not.
    About PROBED of u are decoded.
    """
    u = u[:: max(1, len(u) // PROBED)]
    pictures = decode(model, u).flatten(1)
    change = (decode(model, u + way).flatten(1) - pictures).mean(0)  # (C H W,)
    return way * (pictures @ change).std() / (change @ change)


def _entangled(present: Tensor, others: Tensor, most: int) -> list[Tensor]:
    """Return the columns (N,) of others (N, K) whose labels correlate most with present (N,), `most` at most."""
    correlated = []
    for column in others.T:
        known = ~(present.isnan() | column.isnan())
        pair = torch.stack([present[known], column[known]])
        if known.sum() > 1 and (pair.std(1) > 0).all():
            correlated.append((float(pair.corrcoef()[0, 1].abs()), column))
    return [column for _, column in sorted(correlated, key=lambda item: -item[0])[:most]]


def _normal(u: Tensor, present: Tensor) -> Tensor:
    """Return the weights (D,) of a ridge logistic regression of present (N,) on u (N, D), both classes alike."""
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
    """Return A (D, D) such that directions of u @ A tell people apart; person (N,) int64.

    What varies between pictures of one person is whitened, as in linear discriminant analysis. Each axis then counts by
    the share of what varies along it that lies between people, as in Ioffe (2006), "Probabilistic Linear Discriminant
    Analysis". Learned from people with two pictures or more; without any, A changes nothing.
    """
    several = torch.bincount(person)[person] > 1
    if not several.any():
        return torch.eye(u.shape[1])
    known, person = u[several], person[several].unique(return_inverse=True)[1]
    n = int(person.max()) + 1
    mean = u.new_zeros(n, u.shape[1]).index_add(0, person, known) / torch.bincount(person)[:, None]
    rest = known - mean[person]
    within = rest.T @ rest / (len(rest) - n)
    within = within + STEADY * within.diagonal().mean() * torch.eye(len(within))
    values, vectors = torch.linalg.eigh(within)
    whitened = vectors * values.rsqrt()
    between, axes = torch.linalg.eigh(whitened.T @ known.T.cov(correction=0) @ whitened - torch.eye(len(within)))
    share = between.clamp(min=0) / (1 + between.clamp(min=0))
    return whitened @ axes * share.sqrt()
