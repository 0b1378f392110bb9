"""A mixture of Gaussians over codes: what to sample an autoencoder's decoder from, once its codes are known."""

from dataclasses import dataclass

import torch
from torch import Tensor

RIDGE = 1e-2  # added to each variance of a fit: some components have fewer codes than dimensions


@dataclass(frozen=True)
class Mixture:
    """Weights (M,), means (M, D) and the lower Cholesky factors of the covariances (M, D, D)."""

    weights: Tensor
    means: Tensor
    factors: Tensor

    def sample(self, n: int, temperature: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """Return n draws (n, D); temperature scales the noise around a component's mean."""
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator)
        return self.means[chosen] + temperature * torch.einsum("nij,nj->ni", self.factors[chosen], noise)

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density of u (N, D) in nats, (N,)."""
        parts = torch.distributions.MultivariateNormal(self.means, scale_tril=self.factors)
        return (self.weights.log() + parts.log_prob(u[:, None])).logsumexp(1)


def fit(u: Tensor, components: int) -> Mixture:
    """Fit a mixture of full covariances to u (N, D) by expectation maximisation; of one component a Gaussian."""
    from sklearn.mixture import GaussianMixture  # late: the app samples and never fits

    fitted = GaussianMixture(components, reg_covar=RIDGE, random_state=0, init_params="k-means++")
    fitted.fit(u.double().numpy())
    arrays = fitted.weights_, fitted.means_, fitted.covariances_
    weights, means, covariances = (torch.from_numpy(array).float() for array in arrays)
    return Mixture(weights, means, torch.linalg.cholesky(covariances))
