"""What a step of the training is given: pictures, what the model is told about them, and noise."""

import torch
from lightning_fabric import Fabric
from torch import Tensor

from cvae import data, schedule
from cvae.config import Preset
from cvae.data import ImageSet, corruptions
from cvae.families import PHOTOGRAPH, PIXELS, SPOILED
from cvae.sketches import scenes


def draw(
    batch: ImageSet, preset: Preset, step: int, fabric: Fabric, k: int = 1, movement: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return this process's share of the global batch: x (n, C, H, W), what is given about it, and noise (k, n, D).

    Where that is a photograph, x is its ink.

    Every process draws for the whole batch and keeps each world_size-th row, so the numbers do not depend on how
    many processes there are.
    """
    generator = torch.Generator().manual_seed(schedule.seed(preset.train, step))
    x = data.varied(batch.pixels(), preset.data, movement, generator)
    if preset.model.kind.given == PHOTOGRAPH:
        x, c = scenes.photographs(x, generator)
    else:
        c = given(preset, x, batch.labels, generator)
    noise = torch.randn(k, len(x), preset.model.latent_dim, generator=generator)
    mine = slice(fabric.global_rank, None, fabric.world_size)
    return x[mine].to(fabric.device), c[mine].to(fabric.device), noise[:, mine].to(fabric.device)


def given(preset: Preset, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return what a model of the preset is given about x (N, C, H, W): labels, visible pixels or a spoiled copy."""
    if preset.model.kind.given == SPOILED:
        return corruptions.random_corruption(x, generator)
    if preset.model.kind.given == PIXELS:
        size = x.shape[2], x.shape[3]
        visible = corruptions.training_holes(preset.data.hole, len(x), size, generator, x.device).to(x.dtype)
        return torch.cat([x * visible, visible], dim=1)
    return labels
