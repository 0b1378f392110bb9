"""What the latent space holds: where images lie in it, and how much each dimension carries."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvae.gaussian import DiagonalGaussian
from cvae.models import LatentModel
from cvae.tasks import encode, normal

if TYPE_CHECKING:  # the app never loads a data set
    from cvae.data import ImageSet

BATCH = 500
ACTIVE = 0.01  # nats; the usual threshold below which a dimension carries nothing


def encode_dataset(model: LatentModel, images: "ImageSet") -> Tensor:
    """Return base coordinates u (N, D) of the posterior means of all images, with their own labels."""
    chunks = (images[i : i + BATCH] for i in range(0, len(images), BATCH))
    return torch.cat([encode(model, chunk.pixels(), chunk.labels) for chunk in chunks])


@torch.inference_mode()
def kl_per_dim(
    model: LatentModel, x: Tensor, labels: Tensor | None = None, generator: torch.Generator | None = None
) -> Tensor:
    """Return the mean KL of each base coordinate from the standard normal in nats, (D,), over images x (N, C, H, W).

    Exact for a Gaussian prior. A learned prior bends the posterior: there it is the KL of the Gaussian with the mean
    and variance of 32 posterior samples mapped to the base.
    """
    posterior = model.encode(x, labels)
    prior = model.prior(labels)
    if isinstance(prior, DiagonalGaussian) and isinstance(posterior, DiagonalGaussian):
        return posterior.kl_per_dim(prior).mean(0)
    noise = (normal(model, len(x), generator=generator) for _ in range(32))
    u = torch.stack([prior.to_base(posterior.from_base(n)) for n in noise])  # (32, N, D)
    bent = DiagonalGaussian(u.mean(0), u.var(0).log())
    return bent.kl_per_dim(DiagonalGaussian.standard(u.shape[-1], u)).mean(0)


def active_units(kl: Tensor) -> int:
    """Return how many dimensions of kl (D,) carry at least ACTIVE nats."""
    return int((kl >= ACTIVE).sum())
