"""Negative log-likelihoods and the two terms of the ELBO, per example and in nats: summed over pixels, never averaged."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

GAUSSIAN_STD = 0.1  # fixed observation noise of the gaussian likelihood, in units of the [0, 1] pixel range


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x) under independent Bernoulli pixels; logits and x (N, ...), x in [0, 1]; returns (N,).

    For grey x this is the expected value over binary draws x ~ Bernoulli(grey), not a density of grey pixels.
    """
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def gaussian_nll(mean: Tensor, x: Tensor) -> Tensor:
    """-log N(x; mean, GAUSSIAN_STD^2) over all pixels; mean and x (N, ...); returns (N,)."""
    constant = math.log(GAUSSIAN_STD) + 0.5 * math.log(2 * math.pi)
    return (0.5 * ((x - mean) / GAUSSIAN_STD) ** 2 + constant).flatten(1).sum(1)


NLL = {"bernoulli": bernoulli_nll, "gaussian": gaussian_nll}


def nll_and_kl(model, x: Tensor, c: Tensor | None, noise: Tensor) -> tuple[Tensor, Tensor]:
    """One-sample estimate of both terms of -elbo, each (N,), for x (N, C, H, W) and standard normal noise (N, D).

    elbo = -(nll + kl), Kingma and Welling (2014), eq. 3. The KL is exact where the prior is Gaussian.
    """
    posterior = model.encode(x, c)
    z = posterior.from_base(noise)
    nll = NLL[model.config.likelihood](model.decode(z, c), x)
    return nll, posterior.kl(model.prior(c), z)


def kl_of_frozen_posterior(model, x: Tensor, c: Tensor | None, noise: Tensor) -> Tensor:
    """KL(q(z | x, c) || p(z | c)) estimated with noise (K, N, D), (N,); gradients reach the prior alone."""
    k, n = noise.shape[:2]
    with torch.no_grad():
        posterior = model.encode(x, c)
        z = posterior.from_base(noise).flatten(0, 1)  # (K N, D)
    log_prior = model.prior(_repeat(c, k)).log_prob(z).view(k, n)
    return -posterior.entropy() - log_prior.mean(0)


def log_importance_weights(model, x: Tensor, c: Tensor | None, noise: Tensor) -> Tensor:
    """log p(x, z | c) - log q(z | x, c) for z drawn from q with noise (K, N, D); returns (K, N).

    Their log-mean-exp over K is the bound of Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders".
    """
    k, n = noise.shape[:2]
    posterior = model.encode(x, c)
    z = posterior.from_base(noise)  # (K, N, D)
    rows = _repeat(c, k)
    logits = model.decode(z.flatten(0, 1), rows)  # (K N, C, H, W)
    nll = NLL[model.config.likelihood](logits, x.repeat(k, 1, 1, 1)).view(k, n)
    log_prior = model.prior(rows).log_prob(z.flatten(0, 1)).view(k, n)
    return log_prior - nll - posterior.log_prob(z)


def log_mean_exp(log_weights: Tensor) -> Tensor:
    """Log of the mean of exp over the first axis: (K, N) -> (N,)."""
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def _repeat(c: Tensor | None, k: int) -> Tensor | None:
    """Repeat the rows of c (N, ...) for k samples each, in the order of a flattened (K, N, ...): (K N, ...)."""
    return None if c is None else c.repeat(k, *[1] * (c.dim() - 1))
