"""What one does with a trained model. Images are (N, C, H, W) float in [0, 1], labels (N,) int64.

Coordinates u (N, D) are those of the prior's base: standard normal under the model, whatever its prior. For a plain
standard normal prior u is z itself; for a learned prior z = prior(c).from_base(u).
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor

from cvae import losses

LARGEST_PART, SMALLEST_PART = 256, 16  # pictures decoded at a time: bounded memory, and enough work for a thread


@torch.inference_mode()
def encode(model, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the base coordinates u (N, D) of the posterior means; a CVAE without labels infers them."""
    labels = _labels(model, x, labels)
    return model.prior(labels).to_base(model.encode(x, labels).mode())


@torch.inference_mode()
def decode(model, u: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the pixel means at base coordinates u (N, D); ValueError if a conditional model gets no labels."""
    conditions = model.condition(labels, u)  # once, because prior and decoder both need them
    workers = max(1, (os.cpu_count() or 1) // torch.get_num_threads())  # more than one where torch leaves cores free
    size = min(LARGEST_PART, max(SMALLEST_PART, math.ceil(len(u) / workers)))
    if len(u) <= size:
        return _decode_part(model, u, conditions)
    with ThreadPoolExecutor(workers) as pool:
        return torch.cat(list(pool.map(partial(_decode_part, model), u.split(size), conditions.split(size))))


@torch.inference_mode()  # again, because it holds for one thread
def _decode_part(model, u: Tensor, c: Tensor) -> Tensor:
    return model.pixel_means(model.prior(c).from_base(u), c)


@torch.inference_mode()
def reconstruct(model, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the pixel means at the posterior mean of x, same shape; a CVAE without labels infers them."""
    labels = _labels(model, x, labels)
    return model.pixel_means(model.encode(x, labels).mode(), labels)


@torch.inference_mode()
def generate(
    model, labels: Tensor | None = None, temperature: float = 1.0, generator: torch.Generator | None = None, n: int | None = None
) -> Tensor:
    """Return pixel means of samples from the prior: one per label, or n of them for a model without labels.

    `temperature` scales the base noise: 0 is the prior's centre, 1 the prior itself.
    """
    count = n if labels is None else len(labels)
    if count is None:
        raise ValueError("say how many to generate: labels for a conditional model, n= for one without.")
    noise = torch.randn(count, model.config.latent_dim, generator=generator)
    return decode(model, temperature * noise, labels)


@torch.inference_mode()
def classify(model, x: Tensor, n_importance: int = 16, generator: torch.Generator | None = None) -> Tensor:
    """Return log p(y | x), (N, n_classes), of a CVAE used as a generative classifier with equally likely labels.

    By Bayes' rule from log p(x | y), each estimated by the importance-weighted bound with n_importance samples.
    """
    n_classes = model.config.n_classes
    noise = torch.randn(n_importance, len(x), model.config.latent_dim, generator=generator)
    per_label = []
    for label in range(n_classes):
        c = torch.full((len(x),), label)
        per_label.append(losses.log_mean_exp(losses.log_importance_weights(model, x, c, noise)))  # the same noise for all
    return torch.stack(per_label, dim=1).log_softmax(1)


@torch.inference_mode()
def interpolate(model, start: Tensor, end: Tensor, steps: int, labels: Tensor | None = None, spherical: bool = True) -> Tensor:
    """Return `steps` pictures (steps, C, H, W) on the way between base coordinates start and end, both (D,).

    Spherical (Shoemake 1985) keeps to the shell where the prior's mass lies; straight is the plain average.
    `labels` is (1,) or None.
    """
    return decode(model, path(start, end, steps, spherical), None if labels is None else labels.expand(steps))


def path(start: Tensor, end: Tensor, steps: int, spherical: bool = True) -> Tensor:
    """Return the points (steps, D) from start to end, both (D,), along a great circle or a straight line."""
    t = torch.linspace(0, 1, steps)[:, None]
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if not spherical or angle.sin() < 1e-4:  # parallel or opposite: no unique great circle
        return (1 - t) * start + t * end
    return (((1 - t) * angle).sin() * start + (t * angle).sin() * end) / angle.sin()


@torch.inference_mode()
def traverse(model, u: Tensor, dims: list[int], values: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the pictures (len(dims), len(values), C, H, W) seen when each of these coordinates of u (D,) moves alone.

    `values` are those that the coordinate takes in turn; `labels` is (1,) or None.
    """
    points = u.repeat(len(dims), len(values), 1)  # (dims, values, D)
    for row, dim in zip(points, dims):
        row[:, dim] = values
    pictures = decode(model, points.flatten(0, 1), None if labels is None else labels.expand(len(dims) * len(values)))
    return pictures.unflatten(0, (len(dims), len(values)))


@torch.inference_mode()
def decode_grid(model, side: int, labels: Tensor | None = None) -> Tensor:
    """Return the manifold of a two-dimensional model, (side * side, C, H, W), row by row from the top left.

    Coordinates are quantiles of the standard normal, so that each picture stands for the same share of the prior
    (Kingma and Welling 2014, appendix A). ValueError for other latent sizes.
    """
    if model.config.latent_dim != 2:
        raise ValueError(f"the manifold grid needs two latent dimensions; this model has {model.config.latent_dim}.")
    q = quantiles(side)
    points = torch.stack([q.repeat(side), q.flip(0).repeat_interleave(side)], dim=1)  # y grows upward
    return decode(model, points, None if labels is None else labels.expand(side * side))


def quantiles(n: int) -> Tensor:
    """Return the n midpoints of equal shares of the standard normal, (n,)."""
    return torch.special.ndtri((torch.arange(n) + 0.5) / n)


def _labels(model, x: Tensor, labels: Tensor | None) -> Tensor | None:
    if labels is None and model.config.n_classes:
        return classify(model, x, generator=torch.Generator().manual_seed(0)).argmax(1)
    return labels
