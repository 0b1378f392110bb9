"""What is measured and kept of the averaged weights after an epoch."""

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from cvae import batches, objectives, progress, schedule, steps
from cvae.config import Preset
from cvae.data import ImageSet
from cvae.objectives import Learner

BATCH = 500


@torch.no_grad()
def settle(average: nn.Module, preset: Preset, train: ImageSet, fabric: Fabric) -> None:
    """Measure BatchNorm's statistics anew with the averaged weights: averages of old statistics are not theirs."""
    norms = [m for m in average.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.affine]
    usual = [norm.momentum for norm in norms]
    average.eval()  # no other statistics move, also where a resumed run begins with this
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    learner = Learner(average, objectives.OBJECTIVES[preset.model.kind.objective])
    size = preset.train.batch_size
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(preset.train.seed))
    # as in an epoch: a rest of one picture has no spread
    order = order[: schedule.steps(len(train), preset.train) * size]
    for i, rows in enumerate(order.split(size)[: preset.train.settle]):
        learner(*batches.draw(train[rows], preset, -1_000_000 - i, fabric), 1.0)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
        norm.eval()


@torch.no_grad()
def measure(learner: Learner, preset: Preset, validation: ImageSet, fabric: Fabric) -> dict[str, float | None]:
    """Return val_nll and val_kl of the averaged weights, the same noise and binary draw every epoch."""
    learner.eval()
    still = replace(preset.data, mirror=False, shift=0, turn=0.0, zoom=0.0, blur=0.0, augment=False, movement=0.0)
    preset = replace(preset, data=still)
    sums = torch.zeros(3, device=fabric.device)
    for i, rows in enumerate(torch.arange(len(validation)).split(BATCH)):
        _, nll, kl = learner(*batches.draw(validation[rows], preset, -1 - i, fabric), 1.0)
        sums += steps.sums_of(nll, kl)
    return means("val", sums, fabric)


def means(part: str, sums: Tensor, fabric: Fabric) -> dict[str, float | None]:
    """Return nll and kl of a part of the history, from the sums (3,) of each process; None where there is no nll."""
    totals = fabric.all_reduce(sums, reduce_op="sum")
    assert isinstance(totals, Tensor)  # as what was given
    nll, kl, n = totals.tolist()
    return {f"{part}_nll": None if math.isnan(nll) else nll / n, f"{part}_kl": kl / n}


@torch.inference_mode()
def pictures(average: nn.Module, preset: Preset, validation: ImageSet) -> dict[str, np.ndarray]:
    """Return what the model makes of the first validation pictures and, where it samples, of as many points.

    For each of progress.KINDS (N, H, W, C) uint8, always of the same pictures and points.
    """
    generator = torch.Generator().manual_seed(preset.train.seed)
    batch = validation[: progress.MOST]
    device = next(average.parameters()).device
    x = batch.pixels()
    c = batches.given(preset, x, batch.labels, generator).to(device)
    model: Any = copy.deepcopy(average).eval()
    if preset.model.kind.cleans:
        made = {"reconstructions": model(c).sigmoid()}
    else:
        u = torch.randn(len(x), preset.model.latent_dim, generator=generator).to(device)
        c = model.condition(c, u)
        again = model.pixel_means(model.encode(x.to(device), c).mode(), c)
        made = {"reconstructions": again, "samples": model.pixel_means(model.prior(c).from_base(u), c)}
    return {kind: (x * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy() for kind, x in made.items()}
