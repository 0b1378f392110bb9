"""What a step of the training does, as functions of its number: stages, learning rate, movement, averages."""

import math
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from cvae import objectives
from cvae.config import Preset, Stage, TrainConfig

AVERAGED = 8  # steps between two looks of the average: each reads all weights, and what lies between hardly differs
STILL = 0.8  # share of the training after which pictures are no longer moved
WARMUP = 0.1  # share of a stage over which its learning rate rises


@dataclass(frozen=True)
class Span:
    """A stage at its place in the whole training."""

    first: int  # epochs before it
    last: int  # epochs after it
    stage: Stage


def spans(config: TrainConfig) -> list[Span]:
    """Return the stages with their places, in order."""
    ends = accumulate(stage.epochs for stage in config.stages)
    return [Span(end - stage.epochs, end, stage) for end, stage in zip(ends, config.stages, strict=True)]


def total(config: TrainConfig) -> int:
    """Return how many epochs all stages have together."""
    return sum(stage.epochs for stage in config.stages)


def steps(n: int, config: TrainConfig) -> int:
    """Return how many steps an epoch of n pictures has; what is left over waits for another epoch."""
    return max(1, n // config.batch_size)


def batches(n: int, epoch: int, config: TrainConfig) -> tuple[Tensor, ...]:
    """Return the rows of each batch of an epoch of n pictures, (B,) int64, on the CPU: the same on every device."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(config.seed + epoch))
    return order[: steps(n, config) * config.batch_size].split(config.batch_size)


def seed(config: TrainConfig, number: int) -> int:
    """Return the seed of what is drawn at a step, or in an epoch, of this number."""
    return (config.seed * 1_000_003 + number) % 2**63


def rate(span: Span, epochs: float) -> float:
    """Return the learning rate after so many epochs in all: over a share WARMUP of the stage a rise, then a cosine."""
    progress = (epochs - span.first) / (span.last - span.first)
    if progress < WARMUP:
        factor = progress / WARMUP
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP)))
    return span.stage.lr * max(factor, 1e-3)


def beta(config: TrainConfig, step: int, steps: int) -> float:
    """Return the weight of the KL at a step of `steps` an epoch."""
    return config.beta * min(1.0, step / max(1.0, config.kl_warmup * config.epochs * steps))


def movement(preset: Preset, stage: Stage, epochs: float) -> float:
    """Return how far pictures are moved after so many epochs in all, as a share of the most: ever less, at last not."""
    moving = [s for s in preset.train.stages if not objectives.of(s, preset.model).still]
    if stage not in moving:
        return 0.0
    return max(0.0, 1 - epochs / (STILL * sum(s.epochs for s in moving)))


def forgetting(config: TrainConfig, step: int, i: int, steps: int) -> float:
    """Return how much of the average the weights after step i of `steps` in this epoch replace, 0 where none is due."""
    if (i + 1) % AVERAGED and i + 1 < steps:
        return 0.0
    return 1 - min(config.ema_decay, (1 + step) / (10 + step)) ** (i % AVERAGED + 1)
