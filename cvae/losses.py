"""Negative log-likelihoods and the two terms of the ELBO, per example and in nats: summed over pixels, never averaged.

c is the condition of N pictures, as a tensor or as a Condition: see conditions.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvae.conditions import Condition
from cvae.gaussian import DiagonalGaussian
from cvae.models import LatentModel

GAUSSIAN_STD = 0.1  # fixed observation noise of the gaussian likelihood, in units of the [0, 1] pixel range
SCALES = (1, 2, 4)  # pixels to which a picture is averaged before its neighbours are compared
EMPTY = 20.0  # pixels: how much ink a picture without any may seem to have


def bernoulli_nll(logits: Tensor, x: Tensor, counted: Tensor | None = None) -> Tensor:
    """-log p(x) under independent Bernoulli pixels; logits and x (N, ...), x in [0, 1]; returns (N,).

    For grey x this is the expected value over binary draws x ~ Bernoulli(grey), not a density of grey pixels.
    `counted`, if given, weighs the pixels, broadcast to x.
    """
    return _total(F.binary_cross_entropy_with_logits(logits, x, reduction="none"), counted)


def gaussian_nll(mean: Tensor, x: Tensor, counted: Tensor | None = None) -> Tensor:
    """-log N(x; mean, GAUSSIAN_STD^2) over all pixels, or those `counted`; mean and x (N, ...); returns (N,)."""
    constant = math.log(GAUSSIAN_STD) + 0.5 * math.log(2 * math.pi)
    return _total(0.5 * ((x - mean) / GAUSSIAN_STD) ** 2 + constant, counted)


def _total(per_pixel: Tensor, counted: Tensor | None) -> Tensor:
    return (per_pixel if counted is None else per_pixel * counted).flatten(1).sum(1)


NLL = {"bernoulli": bernoulli_nll, "gaussian": gaussian_nll}


def masked_nll(model: LatentModel, out: Tensor, x: Tensor, c: Tensor | Condition | None) -> Tensor:
    """-log p(x | z, c) for what `model.decode` gave out, (N,); given visible pixels the hidden ones alone count."""
    visible = model.condition(c, x).visible
    return NLL[model.config.likelihood](out, x, None if visible is None else ~visible)


def nll_and_kl(model: LatentModel, x: Tensor, c: Tensor | Condition | None, noise: Tensor) -> tuple[Tensor, Tensor]:
    """One-sample estimate of both terms of -elbo, each (N,), for x (N, C, H, W) and standard normal noise (N, D).

    elbo = -(nll + kl), Kingma and Welling (2014), eq. 3. The KL is exact where the prior is Gaussian.
    """
    c = model.condition(c, x)  # once, because all three networks need it
    posterior = model.encode(x, c)
    z = posterior.from_base(noise)
    return masked_nll(model, model.decode(z, c), x, c), posterior.kl(model.prior(c), z)


def detail_nll(mean: Tensor, x: Tensor) -> Tensor:
    """-log N of the differences between neighbours, less its constant, at SCALES of the size; (N, C, H, W) -> (N,).

    The squared error of pixels is mostly one of large parts. Edges are a small share of it, and here they are all.
    """
    total = x.new_zeros(len(x))
    for scale in SCALES:
        error = F.avg_pool2d(mean - x, scale)
        for dim in (2, 3):
            total = total + 0.5 * scale**2 * (error.diff(dim=dim) / GAUSSIAN_STD).square().flatten(1).sum(1)
    return total / len(SCALES)


def dependence(codes: Tensor, rows: Tensor) -> Tensor:
    """Squared length of the covariance of codes (N, D) and conditions (N, K), without bias but for the means; a scalar.

    It is the Hilbert-Schmidt independence criterion of linear kernels, Gretton et al. (2005), less each row's product
    with itself. It is 0 where the mean code is the same under every label, and may be less by chance.
    """
    n = len(codes)
    if n < 2:
        return codes.new_zeros(())
    z, y = codes - codes.mean(0), rows - rows.mean(0)
    products = (z @ z.T) * (y @ y.T)
    return (products.sum() - products.diagonal().sum()) / (n * (n - 1))


def clean_nll(model: nn.Module, x: Tensor, spoiled: Tensor) -> Tensor:
    """-log p(x | spoiled), (N,), of a denoising autoencoder given a spoiled copy of x."""
    return bernoulli_nll(model(spoiled), x)


def ink_terms(model: nn.Module, ink: Tensor, photographs: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is minimised of photographs (N, 3, H, W) with their ink (N, 1, H, W), and -log p(ink), both (N,).

    The first weighs the few pixels of ink twice and adds the Dice loss of Milletari, Navab and Ahmadi (2016), which
    counts a small digit as much as a large one.
    """
    logits = model(photographs)
    p, weighed = logits.sigmoid(), F.binary_cross_entropy_with_logits(logits, ink, 1 + ink, reduction="none")
    shared, total = (p * ink).flatten(1).sum(1), (p + ink).flatten(1).sum(1)
    dice = 1 - (2 * shared + EMPTY) / (total + EMPTY)
    return 4 * weighed.flatten(1).mean(1) + dice, bernoulli_nll(logits, ink)


def class_nll(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """-log p(y | x), (N,), of a classifier for labels y (N,)."""
    return F.cross_entropy(model(x), y, reduction="none")


def kl_of_frozen_posterior(model: LatentModel, x: Tensor, c: Tensor | Condition | None, noise: Tensor) -> Tensor:
    """KL(q(z | x, c) || p(z | c)) estimated with noise (K, N, D), (N,); gradients reach the prior alone."""
    k, n = noise.shape[:2]
    with torch.no_grad():
        c = model.condition(c, x)
        posterior = model.encode(x, c)
        z = posterior.from_base(noise)  # (K, N, D)
        log_posterior = posterior.log_prob(z)
    log_prior = model.prior(c.repeat(k)).log_prob(z.flatten(0, 1)).view(k, n)
    return (log_posterior - log_prior).mean(0)


def weighted_terms(
    model: LatentModel, x: Tensor, c: Tensor | Condition | None, noise: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the importance-weighted bound of log p(x | c), and the means of nll and KL over the samples, each (N,).

    For a Gaussian posterior and noise (K, N, D). Gradients are those of Tucker et al. (2019), "Doubly Reparameterized
    Gradient Estimators": the plain ones of an encoder drown in noise as K grows.
    """
    k, n = noise.shape[:2]
    c = model.condition(c, x)
    posterior = model.encode(x, c)
    z = posterior.from_base(noise)  # (K, N, D)
    rows, points = c.repeat(k), z.flatten(0, 1)
    nll = masked_nll(model, model.decode(points, rows), x.repeat(k, 1, 1, 1), rows).view(k, n)
    assert isinstance(posterior, DiagonalGaussian)  # a flow's parameters cannot be held still
    still = DiagonalGaussian(posterior.mu.detach(), posterior.logvar.detach())
    kl = still.log_prob(z) - model.prior(rows).log_prob(points).view(k, n)
    log_weights = -(nll + kl)
    if z.requires_grad:
        shares = log_weights.detach().softmax(0)[..., None]
        z.register_hook(lambda gradient: gradient * shares.to(gradient.dtype))
    return log_mean_exp(log_weights), nll.mean(0), kl.mean(0)


def log_importance_weights(model: LatentModel, x: Tensor, c: Tensor | Condition | None, noise: Tensor) -> Tensor:
    """log p(x, z | c) - log q(z | x, c) for z drawn from q with noise (K, N, D); returns (K, N).

    Their log-mean-exp over K is the bound of Burda, Grosse and Salakhutdinov (2016), "Importance Weighted
    Autoencoders".
    """
    k, n = noise.shape[:2]
    c = model.condition(c, x)
    posterior = model.encode(x, c)
    z = posterior.from_base(noise)  # (K, N, D)
    rows = c.repeat(k)  # in the order of a flattened (K, N, ...)
    logits = model.decode(z.flatten(0, 1), rows)  # (K N, C, H, W)
    nll = masked_nll(model, logits, x.repeat(k, 1, 1, 1), rows).view(k, n)
    log_prior = model.prior(rows).log_prob(z.flatten(0, 1)).view(k, n)
    return log_prior - nll - posterior.log_prob(z)


def log_prior_weights(model: LatentModel, x: Tensor, c: Tensor | Condition | None, noise: Tensor) -> Tensor:
    """log p(x | z, c) for z drawn from the prior with noise (K, N, D); returns (K, N).

    Their log-mean-exp over K is the Monte Carlo estimate of Sohn, Lee and Yan (2015), eq. 6.
    """
    k, n = noise.shape[:2]
    rows = model.condition(c, x).repeat(k)
    out = model.decode(model.prior(rows).from_base(noise.flatten(0, 1)), rows)
    return -masked_nll(model, out, x.repeat(k, 1, 1, 1), rows).view(k, n)


def log_mean_exp(log_weights: Tensor) -> Tensor:
    """Log of the mean of exp over the first axis: (K, N) -> (N,)."""
    return log_weights.logsumexp(0) - math.log(len(log_weights))
