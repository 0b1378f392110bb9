"""What one does with a trained model. Images are (N, C, H, W) float in [0, 1], labels (N,) int64.

Coordinates u (N, D) are those of the prior's base: standard normal under the model, whatever its prior. For a plain
standard normal prior u is z itself; for a learned prior z = prior(c).from_base(u).
"""

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor

from cvae import losses
from cvae.conditions import Condition
from cvae.models import AnyModel, LatentModel

LARGEST_PART, SMALLEST_PART = 256, 16  # pictures decoded at a time: bounded memory, and enough work for a thread
ON_A_CARD = 1 << 15  # pictures decoded at a time on a device that is no CPU
REFINEMENTS, REFINEMENT_RATE = 20, 0.1  # steps and first step size of `refine`
GIBBS_STEPS = 20  # of `inpaint` by a model that was not trained for it
_this_thread = threading.local()


def use_one_core() -> None:
    """Share none of this thread's work out from now on, because the other cores have work of their own."""
    _this_thread.alone = True


@torch.inference_mode()
def encode(model: LatentModel, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the base coordinates u (N, D) of the posterior means; a CVAE without labels infers them."""
    labels = _labels(model, x, labels)
    return model.prior(labels).to_base(model.encode(x, labels).mode())


@torch.inference_mode()
def decode(model: LatentModel, u: Tensor, labels: Tensor | Condition | None = None) -> Tensor:
    """Return the pixel means at base coordinates u (N, D); ValueError if a conditional model gets no labels."""
    c = model.condition(labels, u)  # once, because prior and decoder both need it
    return _shared_out(partial(_decode_part, model), u, c)


def refine(model: LatentModel, x: Tensor, u: Tensor, steps: int = REFINEMENTS) -> Tensor:
    """Return base coordinates (N, D) that decode to x (N, C, H, W) better than u (N, D), by a model without labels.

    An encoder has to guess the code of a picture it has never seen at once. A few steps of Adam on -log p(x, u) from
    its guess come nearer to the best code that the decoder knows: Kim et al. (2018), "Semi-Amortized Variational
    Autoencoders".
    """
    with torch.inference_mode(False), torch.enable_grad():
        x, start = x.clone(), u.clone()
        best = start.requires_grad_()
        optimizer = torch.optim.Adam([best], lr=REFINEMENT_RATE, betas=(0.8, 0.95))
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = REFINEMENT_RATE * (1 - step / steps)
            prior = model.prior()
            nll = losses.masked_nll(model, model.decode(prior.from_base(best)), x, None)
            loss = (nll + 0.5 * (best**2).sum(1)).sum()
            (best.grad,) = torch.autograd.grad(loss, best)  # and none for the weights, which may be learning
            optimizer.step()
    return best.detach()


def _decode_part(model: LatentModel, u: Tensor, c: Condition) -> Tensor:
    return model.pixel_means(model.prior(c).from_base(u), c)


def _shared_out(work: Callable[..., Tensor], first: Tensor, *others: Tensor | Condition, pictures: int = 1) -> Tensor:
    """Return work(first, *others), done for parts of the rows (N, ...) on all cores.

    `pictures` is how many one row decodes.
    """
    on_cpu = first.device.type == "cpu"
    free = (os.cpu_count() or 1) // torch.get_num_threads()  # cores that torch leaves
    workers = max(1, free) if on_cpu and not hasattr(_this_thread, "alone") else 1
    limits = (SMALLEST_PART, LARGEST_PART) if on_cpu else (ON_A_CARD, ON_A_CARD)
    least, most = (max(1, limit // pictures) for limit in limits)
    size = min(most, max(least, math.ceil(len(first) / workers)))
    if len(first) <= size:
        return work(first, *others)
    parts = [rows.split(size) for rows in (first, *others)]
    with ThreadPoolExecutor(workers) as pool:
        return torch.cat(list(pool.map(torch.inference_mode()(work), *parts)))  # again, because it holds for one thread


@torch.inference_mode()
def reconstruct(model: LatentModel, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the pixel means at the posterior mean of x, same shape; a CVAE without labels infers them."""
    labels = _labels(model, x, labels)
    return model.pixel_means(model.encode(x, labels).mode(), labels)


@torch.inference_mode()
def posterior_samples(
    model: LatentModel,
    x: Tensor,
    n_samples: int,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the pixel means at n_samples samples of q(z | x) for one picture x (1, C, H, W): (n_samples, C, H, W)."""
    labels = _labels(model, x, labels)
    c = model.condition(labels, x).repeat(n_samples)
    posterior = model.encode(x, labels)
    noise = normal(model, n_samples, generator=generator)
    return model.pixel_means(posterior.from_base(noise), c)


@torch.inference_mode()
def generate(
    model: LatentModel,
    labels: Tensor | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    n: int | None = None,
) -> Tensor:
    """Return pixel means of samples from the prior: one per label, or n of them for a model without labels.

    `temperature` scales the base noise: 0 is the prior's centre, 1 the prior itself.
    """
    count = n if labels is None else len(labels)
    if count is None:
        raise ValueError("say how many to generate: labels for a conditional model, n= for one without.")
    noise = normal(model, count, generator=generator)
    return decode(model, temperature * noise, labels)


@torch.inference_mode()
def classify(model: LatentModel, x: Tensor, n_importance: int = 16, generator: torch.Generator | None = None) -> Tensor:
    """Return log p(y | x), (N, n_classes), of a CVAE used as a generative classifier with equally likely labels.

    By Bayes' rule from `label_log_likelihoods`. ValueError for a model without labels.
    """
    return label_log_likelihoods(model, x, n_importance, generator).log_softmax(1)


@torch.inference_mode()
def label_log_likelihoods(
    model: LatentModel, x: Tensor, n_importance: int = 16, generator: torch.Generator | None = None
) -> Tensor:
    """Return log p(x | y) in nats for every label y of a conditional model, (N, n_classes).

    Each is the importance-weighted bound with n_importance samples, drawn with the same noise for all labels. With
    equally likely labels log p(x) is their log-mean-exp. ValueError for a model without labels.
    """
    return label_bounds(model, x, normal(model, len(x), n_importance, generator=generator))


@torch.inference_mode()
def label_bounds(model: LatentModel, x: Tensor, noise: Tensor) -> Tensor:
    """Return `label_log_likelihoods` (N, n_classes) with this standard normal noise (N, K, D); ValueError likewise."""
    n_classes, n_importance = model.config.n_classes, noise.shape[1]
    if not n_classes:
        wanted = "only a model conditional on a label can say which label a picture has"
        raise ValueError(f"{wanted}; got one without labels.")
    each_x, each_noise = (rows.repeat_interleave(n_classes, 0) for rows in (x, noise))
    labels = torch.arange(n_classes, device=x.device).repeat(len(x))

    def bound(x: Tensor, noise: Tensor, labels: Tensor) -> Tensor:
        return losses.log_mean_exp(losses.log_importance_weights(model, x, labels, noise.transpose(0, 1)))

    return _shared_out(bound, each_x, each_noise, labels, pictures=n_importance).view(-1, n_classes)


@torch.inference_mode()
def denoise(model: AnyModel, x: Tensor) -> Tensor:
    """Return the clean pictures for noisy x (N, C, H, W), same shape.

    A denoising autoencoder answers directly; a VAE or CVAE by its reconstruction, which cannot hold the noise.
    """
    if model.config.kind.cleans:
        return _shared_out(lambda rows: model(rows).sigmoid(), x)
    return reconstruct(model, x)


@torch.inference_mode()
def inpaint(
    model: LatentModel,
    x: Tensor,
    visible: Tensor,
    n_samples: int = 1,
    generator: torch.Generator | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """Return n_samples completions of each picture, (N, n_samples, C, H, W), visible pixels as they are.

    x is (N, C, H, W) in [0, 1]; visible is bool, True = keep, (N, 1, H, W) or anything that broadcasts to it. An
    inpainting model samples its prior given the visible pixels. A VAE, or a CVAE with labels (N,), draws the hidden
    pixels in GIBBS_STEPS rounds of encoding and decoding (Rezende, Mohamed and Wierstra 2014, appendix F).
    ValueError if visible is not bool or does not fit x.
    """
    visible = _mask(visible, x)
    rows = x.repeat_interleave(n_samples, 0)
    u = normal(model, len(rows), generator=generator)
    if model.config.kind.completes:
        seen = model.condition(torch.cat([x * visible, visible.to(x.dtype)], dim=1), x)
        return decode(model, u, seen.repeat_interleave(n_samples)).unflatten(0, (len(x), n_samples))
    known = visible.repeat_interleave(n_samples, 0)
    c = None if labels is None else labels.repeat_interleave(n_samples, 0)
    noise = normal(model, GIBBS_STEPS, len(rows), generator=generator)
    filled = torch.where(known, rows, decode(model, u, c))
    for step in noise:
        z = model.encode(filled, c).from_base(step)
        filled = torch.where(known, rows, model.pixel_means(z, c))
    return filled.unflatten(0, (len(x), n_samples))


def _mask(visible: Tensor, x: Tensor) -> Tensor:
    """Return the mask as bool (N, 1, H, W) for x (N, C, H, W); ValueError where it does not fit."""
    wanted = (len(x), 1, *x.shape[2:])
    try:
        fitted = visible.expand(wanted)
    except RuntimeError:
        fitted = None
    if fitted is None or visible.dtype != torch.bool:
        got = f"{visible.dtype} {tuple(visible.shape)}"
        raise ValueError(f"visible must be bool, True = keep, and fit {wanted}; got {got}.")
    return fitted


@torch.inference_mode()
def interpolate(
    model: LatentModel, start: Tensor, end: Tensor, steps: int, labels: Tensor | None = None, spherical: bool = True
) -> Tensor:
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
def traverse(model: LatentModel, u: Tensor, dims: list[int], values: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the pictures (len(dims), len(values), C, H, W) seen when each of these coordinates of u (D,) moves alone.

    `values` are those that the coordinate takes in turn; `labels` is (1,) or None.
    """
    points = u.repeat(len(dims), len(values), 1)  # (dims, values, D)
    for row, dim in zip(points, dims, strict=True):
        row[:, dim] = values
    pictures = decode(model, points.flatten(0, 1), None if labels is None else labels.expand(len(dims) * len(values)))
    return pictures.unflatten(0, (len(dims), len(values)))


@torch.inference_mode()
def decode_grid(model: LatentModel, side: int, labels: Tensor | None = None) -> Tensor:
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


def normal(model: LatentModel, *shape: int, generator: torch.Generator | None = None) -> Tensor:
    """Return standard normal numbers (*shape, D) on the model's device, drawn on the CPU: the same on every device."""
    return torch.randn(*shape, model.config.latent_dim, generator=generator).to(next(model.parameters()).device)


def _labels(model: LatentModel, x: Tensor, labels: Tensor | None) -> Tensor | None:
    if labels is None and model.config.n_classes:
        return classify(model, x, generator=torch.Generator().manual_seed(0)).argmax(1)
    return labels
