"""A second network that learns to tell photographs from reconstructions, patch by patch, while a decoder is trained.

It lives beside the training alone: a run's state holds it, a published checkpoint never does.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from cvae.config import ModelConfig

WIDTHS = (24, 48, 96)  # channels at 1/2, 1/4, 1/8 of the size
TIMES = 4.0  # the decoder's learning rate: Heusel et al. (2017), "GANs Trained by a Two Time-Scale Update Rule"
COARSE = 8  # pixels of a side over which is averaged what it does not see
FINE = 4.0  # brings what it sees, a few percent of full scale, near 1
SLOPE = 0.2  # of its units below zero


class Critic(nn.Module):
    """A patch discriminator: each of its outputs has seen 38x38 pixels. Isola et al. (2017), "Image-to-Image
    Translation with Conditional Adversarial Networks".

    It sees what is finer than COARSE pixels. Of colours and large parts the squared error is the better teacher, and
    without them a decoder has no way to please by leaving it.

    Every layer changes by no more than what it is given, so that the slopes which a decoder learns from stay small:
    Miyato et al. (2018), "Spectral Normalization for Generative Adversarial Networks".
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sizes = pairwise((config.image_shape[0], *WIDTHS))
        self.downs = nn.ModuleList(spectral_norm(nn.Conv2d(n_in, n, 4, stride=2, padding=1)) for n_in, n in sizes)
        self.head = spectral_norm(nn.Conv2d(WIDTHS[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the feature maps of pictures x (N, C, H, W), and last (N, 1, H/8, W/8), above 0 for a photograph."""
        coarse = nn.functional.avg_pool2d(x, COARSE, ceil_mode=True)
        h = FINE * (x - nn.functional.interpolate(coarse, x.shape[2:], mode="bilinear"))
        maps = []
        for down in self.downs:
            h = nn.functional.leaky_relu(down(h), SLOPE)
            maps.append(h)
        return [*maps, self.head(h)]

    def fixed(self, x: Tensor) -> list[Tensor]:
        """Return the same for pictures that learn from it, while its own weights get no gradient of that."""
        weights = {name: weight.detach() for name, weight in self.named_parameters()}
        return functional_call(self, weights, (x,))


def make(config: ModelConfig, seed: int) -> Critic:
    """Build the critic of pictures of a model, its first weights by the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Critic = Critic(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """Return what the critic minimises of its outputs for photographs and for reconstructions: Lim and Ye (2017)."""
    return 0.5 * ((1 - real).relu().mean() + (1 + fake).relu().mean())


def apart(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Return how far feature maps of a picture and of its reconstruction are apart, on average over the maps.

    Larsen et al. (2016), "Autoencoding beyond pixels using a learned similarity metric".
    """
    return torch.stack([(a.detach() - b).abs().mean() for a, b in zip(real, fake, strict=True)]).mean()
