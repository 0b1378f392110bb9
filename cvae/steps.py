"""The steps of an epoch, one by one, and the average of the weights that follows them."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from cvae import batches, objectives, schedule
from cvae.config import Preset
from cvae.data import ImageSet
from cvae.objectives import Objective
from cvae.schedule import Span


@dataclass(frozen=True)
class Work:
    """A stage under way: all that its steps need. Learner and optimizer are as Fabric has set them up."""

    preset: Preset
    span: Span
    train: ImageSet
    fabric: Fabric
    learner: Any  # an objectives.Learner
    optimizer: Any  # a torch.optim.Optimizer
    average: nn.Module

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return schedule.steps(len(self.train), self.preset.train)

    @property
    def objective(self) -> Objective:
        """What is minimised."""
        return objectives.of(self.span.stage, self.preset.model)


def epoch(work: Work, number: int, bar: tqdm) -> Tensor:
    """Take the steps of the epoch of this number, from 0; returns the sums of nll, KL and pictures, (3,).

    RuntimeError where a gradient is no number.
    """
    torch.manual_seed(schedule.seed(work.preset.train, number) + work.fabric.global_rank)  # of what dropout draws
    parameters = [p for p in work.learner.parameters() if p.requires_grad]
    sums = torch.zeros(3, device=work.fabric.device)
    for i, rows in enumerate(schedule.batches(len(work.train), number, work.preset.train)):
        sums += _step(work, work.train[rows], number * work.steps + i, parameters)
        if share := schedule.forgetting(work.preset.train, number * work.steps + i, i, work.steps):
            update_average(work.average, work.learner.module.model, share)
        bar.update()
    return sums


def _step(work: Work, batch: ImageSet, step: int, parameters: list[nn.Parameter]) -> Tensor:
    """Take the step of this number; returns the sums of nll, KL and pictures, (3,)."""
    preset, stage, epochs = work.preset, work.span.stage, step / work.steps
    for group in work.optimizer.param_groups:
        group["lr"] = schedule.rate(work.span, epochs) * group.get("times", 1.0)
    moved = schedule.movement(preset, stage, epochs)
    given = batches.draw(batch, preset, step, work.fabric, stage.samples, moved)
    loss, nll, kl = work.learner(*given, schedule.beta(preset.train, step, work.steps))
    work.optimizer.zero_grad()
    work.fabric.backward(loss)
    clip(work, parameters)
    work.optimizer.step()
    return sums_of(nll, kl)


def clip(work: Work, parameters: list[nn.Parameter]) -> None:
    """Scale the gradients down to the configured norm where theirs is larger; RuntimeError where it is no number.

    One that fits is left as it is, since scaling by 1 takes as long.
    """
    most = limit(work.preset)
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not nn.utils.get_total_norm(gradients) <= most:
        work.fabric.clip_gradients(work.learner, work.optimizer, max_norm=most, error_if_nonfinite=True)


def limit(preset: Preset) -> float:
    """Return the largest norm of a gradient."""
    return preset.train.clip or torch.finfo(torch.float32).max


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, share: float) -> None:
    """Move the averaged weights by a share of their way to those of the model; whole numbers are copied."""
    for mean, value in zip(tensors(average), tensors(model), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)


def tensors(model: nn.Module) -> chain[Tensor]:
    """Return the weights and buffers of a model."""
    return chain(model.parameters(), model.buffers())


def sums_of(nll: Tensor, kl: Tensor) -> Tensor:
    """Return the sums of nll and kl, both (N,), and N."""
    return torch.stack([nll, kl, torch.ones_like(kl)]).detach().sum(1)
