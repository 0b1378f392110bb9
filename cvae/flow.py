"""A small normalizing flow: as a learned prior p(z | c) its mass lies where posteriors are, as a posterior it can bend.

Affine coupling layers after Dinh, Sohl-Dickstein and Bengio (2017), "Density estimation using Real NVP". As the
prior of a VAE: Chen et al. (2017), "Variational Lossy Autoencoder". As its posterior: Rezende and Mohamed (2015),
"Variational Inference with Normalizing Flows".
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cvae.gaussian import DiagonalGaussian, Prior

ORDERS = "shuffles"  # the buffer that a checkpoint holds of each flow


def is_shuffled(orders: Tensor) -> bool:
    """Tell whether each row of orders (n_layers, D) has every coordinate once: of a file that was read, ask it."""
    return bool((orders.sort(1).values == torch.arange(orders.shape[1])).all())


class CouplingFlow(nn.Module):
    """An invertible map between z and base coordinates u, both (N, D), conditional on c (N, C) or (1, C); C may be 0.

    Every layer shuffles the coordinates, keeps the first half and scales and shifts the rest by a network of the
    first half and c. It starts as a mere shuffle, which leaves the standard normal as it is.
    """

    shuffles: Tensor  # (n_layers, D)

    def __init__(self, dim: int, n_conditions: int, n_layers: int, width: int) -> None:
        super().__init__()
        self.kept = dim // 2
        self.changed = dim - self.kept
        self.nets = nn.ModuleList(self._coupling_net(n_conditions, width) for _ in range(n_layers))
        order = torch.Generator().manual_seed(dim)
        with torch.device("cpu"):  # for a model without numbers too, where torch takes a second to do it
            shuffles = torch.stack([torch.randperm(dim, generator=order) for _ in range(n_layers)])
        self.register_buffer(ORDERS, shuffles)

    def _coupling_net(self, n_conditions: int, width: int) -> nn.Sequential:
        last = nn.Linear(width, 2 * self.changed)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        first = nn.Linear(self.kept + n_conditions, width)
        return nn.Sequential(first, nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last)

    def _scale_and_shift(self, net: nn.Module, kept: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(kept.device.type, enabled=False):  # densities to a hundredth of a nat need every digit
            inputs = torch.cat([kept, c.expand(kept.shape[0], -1)], dim=1)
            first = net[0]  # type: ignore[index]  # a ModuleList does not tell what it holds
            raw, shift = net(inputs.to(first.weight.dtype)).chunk(2, dim=1)
        return 2 * torch.tanh(raw / 2), shift  # log-scale within (-2, 2): no layer can explode

    def to_base(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return u (N, D) and log |du/dz| (N,)."""
        logdet = z.new_zeros(z.shape[0])
        for net, shuffle in zip(self.nets, self.shuffles, strict=True):
            kept, changed = z.index_select(1, shuffle).split([self.kept, self.changed], dim=1)
            log_scale, shift = self._scale_and_shift(net, kept, c)
            z = torch.cat([kept, (changed - shift) * (-log_scale).exp()], dim=1)
            logdet = logdet - log_scale.sum(1)
        return z, logdet

    def from_base(self, u: Tensor, c: Tensor) -> Tensor:
        """Return z (N, D), the inverse of `to_base`."""
        for net, shuffle in zip(reversed(self.nets), reversed(self.shuffles), strict=True):
            kept, changed = u.split([self.kept, self.changed], dim=1)
            log_scale, shift = self._scale_and_shift(net, kept, c)
            shuffled = torch.cat([kept, torch.addcmul(shift, changed, log_scale.exp())], dim=1)
            u = torch.empty_like(shuffled).index_copy(1, shuffle, shuffled)
        return u


@dataclass(frozen=True)
class FlowPrior:
    """p(z | c): the flow applied to N(0, I), for one row of c (N, C) per example. Same verbs as DiagonalGaussian."""

    flow: CouplingFlow
    c: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density of z (N, D) in nats, (N,)."""
        u, logdet = self.flow.to_base(z, self.c)
        return DiagonalGaussian.standard(u.shape[-1], u).log_prob(u) + logdet

    def from_base(self, u: Tensor) -> Tensor:
        """Map base coordinates u (N, D), standard normal under the prior, to z (N, D)."""
        return self.flow.from_base(u, self.c)

    def to_base(self, z: Tensor) -> Tensor:
        """Inverse of `from_base`."""
        return self.flow.to_base(z, self.c)[0]

    def mode(self) -> Tensor:
        """Return the image of the base's mode, (N, D): the centre of the prior, not exactly its densest point."""
        return self.from_base(self.c.new_zeros(len(self.c), self.flow.kept + self.flow.changed))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw one z for each row of c, (N, D)."""
        dim = self.flow.kept + self.flow.changed
        return self.from_base(torch.randn(len(self.c), dim, generator=generator, device=self.c.device))


@dataclass(frozen=True)
class FlowPosterior:
    """q(z | x): the flow applied to the Gaussian `base` (N, D), conditional on its mean and log-variance."""

    flow: CouplingFlow
    base: DiagonalGaussian

    def _condition(self, z: Tensor) -> Tensor:
        return torch.cat([self.base.mu, self.base.logvar], dim=-1).expand(*z.shape[:-1], -1).flatten(0, -2)

    def from_base(self, u: Tensor) -> Tensor:
        """Map standard normal noise u (..., N, D) to z, same shape."""
        u = self.base.from_base(u)
        return self.flow.from_base(u.flatten(0, -2), self._condition(u)).view(u.shape)

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density of z (..., N, D) in nats, (..., N)."""
        u, logdet = self.flow.to_base(z.flatten(0, -2), self._condition(z))
        return self.base.log_prob(u.view(z.shape)) + logdet.view(z.shape[:-1])

    def mode(self) -> Tensor:
        """Return the image of the base's mean, (N, D): the centre of the posterior, not exactly its densest point."""
        return self.flow.from_base(self.base.mu, self._condition(self.base.mu))

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw one reparameterised sample, (N, D)."""
        return self.flow.from_base(self.base.sample(generator), self._condition(self.base.mu))

    def kl(self, prior: Prior, z: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """KL(self || prior) in nats, (N,): the unbiased estimate log q(z) - log p(z) at a sample z (N, D).

        Without a z a fresh one is drawn.
        """
        z = self.sample(generator) if z is None else z
        return self.log_prob(z) - prior.log_prob(z)
