"""Figures of merit on held-out images; likelihoods in nats per image."""

import statistics
import time
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cvae import losses, tasks
from cvae.models import LatentModel

BATCH = 500
AT_ONCE = {"cpu": BATCH, "cuda": 1 << 16}  # pictures decoded at a time: what fits a cache, and what fills a card
FEW, NEAR = 16, 15.0  # samples that tell which labels of a picture matter; nats below the best label that these may be


@torch.inference_mode()
def nll_and_kl(
    model: LatentModel, x: Tensor, c: Tensor | None = None, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Return nll (N,) and kl (N,) of x (N, C, H, W) given c (N, ...), from one posterior sample per image.

    elbo = -(nll + kl). c holds labels, or cat(x * visible, visible) for an inpainting model; then nll counts the
    hidden pixels.
    """
    parts = []
    for i in range(0, len(x), BATCH):
        rows, given = x[i : i + BATCH], None if c is None else c[i : i + BATCH]
        noise = tasks.normal(model, len(rows), generator=generator)
        parts.append(losses.nll_and_kl(model, rows, given, noise))
    return torch.cat([nll for nll, _ in parts]), torch.cat([kl for _, kl in parts])


@torch.inference_mode()
def log_likelihood(
    model: LatentModel,
    x: Tensor,
    labels: Tensor | None = None,
    n_importance: int = 100,
    generator: torch.Generator | None = None,
    from_prior: bool = False,
) -> Tensor:
    """Return the importance-weighted bound (N,) of log p(x), or of log p(x | c) given labels or another condition.

    Burda, Grosse and Salakhutdinov (2016), eq. 8: a lower bound in nats that grows with n_importance. `from_prior`
    draws from the prior instead of the posterior; then it is the plain Monte Carlo estimate.
    """
    log_weights = losses.log_prior_weights if from_prior else losses.log_importance_weights
    most, images, out = AT_ONCE.get(x.device.type, BATCH), at_once(x, n_importance), []
    for i in range(0, len(x), images):  # a few images at a time, all their samples in batches
        rows, c = x[i : i + images], None if labels is None else labels[i : i + images]
        weights = []
        for k in torch.arange(n_importance).split(most):
            noise = tasks.normal(model, len(k), len(rows), generator=generator)
            weights.append(log_weights(model, rows, c, noise))
        out.append(losses.log_mean_exp(torch.cat(weights)))
    return torch.cat(out)


def at_once(x: Tensor, n_importance: int) -> int:
    """Return how many pictures `log_likelihood` takes at a time where x lies, all their samples together."""
    return max(1, AT_ONCE.get(x.device.type, BATCH) // n_importance)


@torch.inference_mode()
def marginal_log_likelihood(
    model: LatentModel,
    x: Tensor,
    labels: Tensor,
    log_p: Tensor,
    n_importance: int = 100,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return a bound (N,) of log p(x) in nats, labels being equally likely: the log of the mean of p(x | y) over all y.

    log_p (N,) is what `log_likelihood` says of log p(x | y) for the pictures' own labels (N,). The other labels get FEW
    samples each, those within NEAR nats of the best n_importance. What the rest could add is lost in rounding.
    """
    scores = tasks.label_log_likelihoods(model, x, min(FEW, n_importance), generator)  # (N, n_classes)
    scores.scatter_(1, labels[:, None], log_p[:, None])
    near = scores > scores.amax(1, keepdim=True) - NEAR
    rows, others = near.scatter(1, labels[:, None], False).nonzero(as_tuple=True)
    if len(rows):
        scores[rows, others] = log_likelihood(model, x[rows], others, n_importance, generator)
    return losses.log_mean_exp(scores.T)


def mse(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return the mean squared error per image, (N,), averaged over pixels in [0, 1]."""
    return ((x - x_hat) ** 2).flatten(1).mean(1)


def psnr(mse: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB of a mean squared error of pixels in [0, 1], same shape."""
    return -10 * mse.log10()


def ssim(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return the structural similarity per image, (N,): Wang et al. (2004), Gaussian window of 11, mean of channels."""
    t = torch.arange(11) - 5.0
    line = (-(t**2) / (2 * 1.5**2)).exp()
    channels = x.shape[1]
    window = (line[:, None] * line / line.sum() ** 2).expand(channels, 1, 11, 11)
    mean = partial(torch.nn.functional.conv2d, weight=window, groups=channels)
    mu, mu_hat = mean(x), mean(x_hat)
    var, var_hat, cov = mean(x * x) - mu**2, mean(x_hat * x_hat) - mu_hat**2, mean(x * x_hat) - mu * mu_hat
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mu * mu_hat + c1) * (2 * cov + c2)
    denominator = (mu**2 + mu_hat**2 + c1) * (var + var_hat + c2)
    return (numerator / denominator).flatten(1).mean(1)


def hole_mse(
    model: LatentModel, x: Tensor, visible: Tensor, n_samples: int = 32, generator: torch.Generator | None = None
) -> float:
    """Return the mean squared error, over the hidden pixels of all images, of the mean of n_samples completions.

    x is (N, C, H, W); visible is one bool mask (1, H, W) for all.
    """
    error = 0.0
    for rows in x.split(BATCH // 5):
        completed = tasks.inpaint(model, rows, visible, n_samples, generator).mean(1)
        error += float((((completed - rows) ** 2) * ~visible).sum())
    return error / (len(x) * x.shape[1] * float((~visible).sum()))


@torch.inference_mode()
def accuracy(judge: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Return the share of images (N, C, H, W) that the classifier `judge` reads as `labels` (N,)."""
    right = [(judge(rows).argmax(1) == y).sum() for rows, y in zip(x.split(BATCH), labels.split(BATCH), strict=True)]
    return float(sum(right)) / len(x)


def judge_accuracy(
    judge: nn.Module, model: LatentModel, n_per_class: int = 1000, generator: torch.Generator | None = None
) -> float:
    """Return the share of generated images, temperature 1, that `judge` reads as the class asked for."""
    device = next(model.parameters()).device
    labels = torch.arange(model.config.n_classes, device=device).repeat_interleave(n_per_class)
    return accuracy(judge, tasks.generate(model, labels, generator=generator), labels)


def spread_of(x: Tensor) -> float:
    """Return the mean Euclidean distance between two different pictures of x (N, C, H, W)."""
    return float(torch.pdist(x.flatten(1)).mean())


def diversity(model: LatentModel, x: Tensor, labels: Tensor, generator: torch.Generator | None = None) -> float:
    """Return how far apart samples of the prior lie, as a share of how far apart the real pictures x (N, C, H, W) lie.

    As many samples as pictures, with their labels (N,) where the model takes labels. 1 is as diverse as the data.
    """
    samples = tasks.generate(model, labels if model.config.n_classes else None, generator=generator, n=len(x))
    return spread_of(samples) / spread_of(x)


def decode_ms(model: LatentModel, repeats: int = 50) -> float:
    """Return the median time in milliseconds to decode one picture from base coordinates, on this machine."""
    labels = torch.zeros(1, dtype=torch.int64) if model.config.n_classes else None
    u, times = torch.zeros(1, model.config.latent_dim), []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        tasks.decode(model, u, labels)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[3:])


def decoder_mflop(model: LatentModel) -> float:
    """Return the work of decoding one picture from base coordinates, in 10^6 operations (2 x multiply-adds)."""
    labels = torch.zeros(1, dtype=torch.int64) if model.config.n_classes else None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        prior = model.prior(labels)
        model.decode(prior.from_base(torch.zeros(1, model.config.latent_dim)), labels)
    return counter.get_total_flops() / 1e6
