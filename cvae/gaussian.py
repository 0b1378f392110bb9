"""The diagonal Gaussian, as posterior and as prior; and the point that an autoencoder has instead of a posterior.

The three protocols say what a model asks of any distribution of z: these here, and those that a flow makes (flow.py).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


class Distribution(Protocol):
    """A density over z (..., D), given as a map from standard normal noise u, its base coordinates."""

    def mode(self) -> Tensor:
        """Return its centre, (..., D): where u = 0 goes."""

    def from_base(self, u: Tensor) -> Tensor:
        """Map standard normal noise u (..., D) to z, same shape."""

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw one z, (..., D), through which gradients pass."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density of z (..., D) in nats, (...)."""


class Prior(Distribution, Protocol):
    """p(z | c), whose base coordinates can be read off too."""

    def to_base(self, z: Tensor) -> Tensor:
        """Inverse of `from_base`."""


class Posterior(Distribution, Protocol):
    """q(z | x, c), which knows how far it is from a prior."""

    def kl(self, prior: Prior, z: Tensor | None = None) -> Tensor:
        """KL(self || prior) in nats, (...): exact where it can be, else estimated at the sample z (..., D)."""


@dataclass(frozen=True)
class DiagonalGaussian:
    """N(mu, diag(exp(logvar))) over the last axis; mu and logvar are (..., D), float."""

    mu: Tensor
    logvar: Tensor

    @classmethod
    def from_parameters(cls, parameters: Tensor) -> "DiagonalGaussian":
        """Split (..., 2 D) into mean and log-variance, the latter kept in [-14, 6] so that exp stays finite."""
        mu, logvar = parameters.chunk(2, dim=-1)
        return cls(mu, logvar.clamp(-14.0, 6.0))

    @classmethod
    def standard(cls, dim: int, like: Tensor) -> "DiagonalGaussian":
        """Return N(0, I) with shape (D,), on the device and dtype of `like`."""
        zeros = torch.zeros(dim, device=like.device, dtype=like.dtype)
        return cls(zeros, zeros)

    @property
    def std(self) -> Tensor:
        """Standard deviation, (..., D)."""
        return (0.5 * self.logvar).exp()

    def mode(self) -> Tensor:
        """Return the most probable point, (..., D)."""
        return self.mu

    def from_base(self, u: Tensor) -> Tensor:
        """Map standard normal noise u (..., D) to z = mu + std * u, the reparameterisation of Kingma and Welling."""
        return self.mu + self.std * u

    def to_base(self, z: Tensor) -> Tensor:
        """Inverse of `from_base`: (z - mu) / std."""
        return (z - self.mu) / self.std

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw one reparameterised sample, (..., D); the same generator state gives the same sample."""
        noise = torch.randn(self.mu.shape, generator=generator, device=self.mu.device, dtype=self.mu.dtype)
        return self.from_base(noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density of z (..., D) in nats, summed over D: (...)."""
        return -0.5 * (self.logvar + LOG_2PI + (z - self.mu) ** 2 * (-self.logvar).exp()).sum(-1)

    def entropy(self) -> Tensor:
        """Differential entropy in nats, (...)."""
        return 0.5 * (self.logvar + LOG_2PI + 1).sum(-1)

    def kl_per_dim(self, prior: "DiagonalGaussian") -> Tensor:
        """KL(self || prior) in nats for each dimension, (..., D); exact for two diagonal Gaussians."""
        log_ratio = self.logvar - prior.logvar
        return 0.5 * (log_ratio.expm1() - log_ratio + (self.mu - prior.mu) ** 2 * (-prior.logvar).exp())

    def kl(
        self, prior: Prior | None = None, z: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """KL(self || prior) in nats, (...); Kingma and Welling (2014), appendix B.

        Exact where the prior is a DiagonalGaussian (None: the standard normal). For any other prior with a
        `log_prob`, the unbiased estimate -entropy - log p(z) at the given sample z (..., D), or at a fresh one.
        """
        if prior is None:
            prior = DiagonalGaussian.standard(self.mu.shape[-1], self.mu)
        if isinstance(prior, DiagonalGaussian):
            return self.kl_per_dim(prior).sum(-1)
        return -self.entropy() - prior.log_prob(self.sample(generator) if z is None else z)


@dataclass(frozen=True)
class Point:
    """All mass at mu (..., D): the code of a plain autoencoder, with those methods of a posterior that make sense."""

    mu: Tensor

    def mode(self) -> Tensor:
        """Return the code, (..., D)."""
        return self.mu

    def from_base(self, u: Tensor) -> Tensor:
        """Return the code, whatever the noise u, in the shape that u (..., D) broadcasts to."""
        return self.mu.expand(torch.broadcast_shapes(self.mu.shape, u.shape))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Return the code, (..., D); there is nothing to draw."""
        return self.mu

    def kl(self, prior: Prior | None = None, z: Tensor | None = None) -> Tensor:
        """Return zeros (...): an autoencoder pays nothing for its code."""
        return self.mu.new_zeros(self.mu.shape[:-1])

    def log_prob(self, z: Tensor) -> Tensor:
        """Raise ValueError: a point has no density, so there is no bound of log p(x) either."""
        lacks = "a plain autoencoder has no posterior density and no likelihood"
        raise ValueError(f"{lacks}; measure its squared error instead.")
