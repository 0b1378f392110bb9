"""Figures of merit on held-out images; likelihoods in nats per image."""

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from cvae import losses, tasks

BATCH = 500


@torch.inference_mode()
def nll_and_kl(model, x: Tensor, c: Tensor | None = None, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Return nll (N,) and kl (N,) of x (N, C, H, W) given c (N, ...), one posterior sample per image; elbo = -(nll + kl).

    c holds the labels of a CVAE, or what an inpainting model is told; then nll counts the hidden pixels.
    """
    parts = []
    for i in range(0, len(x), BATCH):
        rows, told = x[i : i + BATCH], None if c is None else c[i : i + BATCH]
        noise = torch.randn(len(rows), model.config.latent_dim, generator=generator)
        parts.append(losses.nll_and_kl(model, rows, told, noise))
    return torch.cat([nll for nll, _ in parts]), torch.cat([kl for _, kl in parts])


@torch.inference_mode()
def log_likelihood(
    model,
    x: Tensor,
    labels: Tensor | None = None,
    n_importance: int = 100,
    generator: torch.Generator | None = None,
    from_prior: bool = False,
) -> Tensor:
    """Return the importance-weighted bound (N,) of log p(x), or of log p(x | c) with labels or another condition, in nats.

    Burda, Grosse and Salakhutdinov (2016), eq. 8. A lower bound that grows with n_importance. `from_prior` draws from
    the prior instead of the posterior; then it is the plain Monte Carlo estimate.
    """
    log_weights = losses.log_prior_weights if from_prior else losses.log_importance_weights
    out = []
    for i in range(len(x)):  # one image at a time, all its samples in batches
        c = None if labels is None else labels[i : i + 1]
        weights = []
        for k in torch.arange(n_importance).split(BATCH):
            noise = torch.randn(len(k), 1, model.config.latent_dim, generator=generator)
            weights.append(log_weights(model, x[i : i + 1], c, noise))
        out.append(losses.log_mean_exp(torch.cat(weights)))
    return torch.cat(out)


def mse(x: Tensor, x_hat: Tensor) -> Tensor:
    """Return the mean squared error per image, (N,), averaged over pixels in [0, 1]."""
    return ((x - x_hat) ** 2).flatten(1).mean(1)


def psnr(mse: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio in dB of a mean squared error of pixels in [0, 1], same shape."""
    return -10 * mse.log10()


def hole_mse(model, x: Tensor, visible: Tensor, n_samples: int = 32, generator: torch.Generator | None = None) -> float:
    """Return the mean squared error, over the hidden pixels of all images, of the mean of n_samples completions.

    x is (N, C, H, W); visible is one bool mask (1, H, W) for all.
    """
    error = 0.0
    for rows in x.split(BATCH // 5):
        completed = tasks.inpaint(model, rows, visible, n_samples, generator).mean(1)
        error += float((((completed - rows) ** 2) * ~visible).sum())
    return error / (len(x) * x.shape[1] * float((~visible).sum()))


@torch.inference_mode()
def accuracy(judge, x: Tensor, labels: Tensor) -> float:
    """Return the share of images (N, C, H, W) that the classifier `judge` reads as `labels` (N,)."""
    right = [(judge(rows).argmax(1) == y).sum() for rows, y in zip(x.split(BATCH), labels.split(BATCH))]
    return float(sum(right)) / len(x)


def judge_accuracy(judge, model, n_per_class: int = 1000, generator: torch.Generator | None = None) -> float:
    """Return the share of generated images, temperature 1, that `judge` reads as the class asked for."""
    labels = torch.arange(model.config.n_classes).repeat_interleave(n_per_class)
    return accuracy(judge, tasks.generate(model, labels, generator=generator), labels)


def decoder_mflop(model) -> float:
    """Return the work of decoding one picture from base coordinates, in 10^6 operations (2 x multiply-adds)."""
    labels = torch.zeros(1, dtype=torch.int64) if model.config.n_classes else None
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        prior = model.prior(labels)
        model.decode(prior.from_base(torch.zeros(1, model.config.latent_dim)), labels)
    return counter.get_total_flops() / 1e6
