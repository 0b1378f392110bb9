"""What a step of the training does, as functions of its number: stages, learning rate, movement, averages."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cvae.config import TrainConfig

AVERAGED = 8  # steps between two looks of the average: each reads all weights, and what lies between hardly differs
STILL = 0.8  # share of the training after which pictures are no longer moved


@dataclass(frozen=True)
class Stage:
    """A run of epochs with one optimizer and one cycle of the learning rate."""

    first: int  # epochs before it
    last: int  # epochs after it
    lr: float
    prior_only: bool = False
    bends: bool = True  # whether the posterior's flow learns
    refines: bool = False  # whether codes are refined before they are decoded; BatchNorm then keeps its statistics
    weighted: bool = False  # whether the importance-weighted bound is what is maximised


def stages(config: TrainConfig) -> list[Stage]:
    """Return the cycles of the whole model, each followed by epochs of the prior alone where the configuration asks.

    While encoder and prior learn together, the prior trails the posteriors it should cover. Fitted once more to
    posteriors that no longer move, it catches up: the second stage of Dai and Wipf (2019), with a flow in the
    place of their second VAE. A posterior that may bend only once the rest has settled learns from a good start.
    The bound of several weighted samples forgives an encoder's misses; it comes after, since its steps cost more.
    A decoder that has only seen an encoder's guesses is not the best for codes that are refined, so it learns from these
    last.
    """
    joint = (config.epochs, config.lr, not config.bend_epochs)
    bent = [(config.bend_epochs, config.bend_lr / 2**i, True) for i in range(config.bend_cycles)]
    cycles, end = [], 0
    for epochs, lr, bends in (joint, *bent):
        if epochs:
            cycles.append(Stage(end, end + epochs, lr, bends=bends))
            end += epochs
        if epochs and config.prior_epochs:
            cycles.append(Stage(end, end + config.prior_epochs, config.prior_lr, prior_only=True))
            end += config.prior_epochs
    if config.weighted_epochs:
        cycles.append(Stage(end, end + config.weighted_epochs, config.weighted_lr, weighted=True))
        end += config.weighted_epochs
    for _ in range(config.refine_cycles if config.refine_epochs else 0):
        cycles.append(Stage(end, end + config.refine_epochs, config.refine_lr, refines=True))
        end += config.refine_epochs
    return cycles


def samples(config: TrainConfig, stage: Stage) -> int:
    """Return how many samples of each posterior a step of the stage takes."""
    return config.prior_samples if stage.prior_only else config.weighted_samples if stage.weighted else 1


def steps(n: int, config: TrainConfig) -> int:
    """Return how many steps an epoch of n pictures has; what is left over waits for another epoch."""
    return max(1, n // config.batch_size)


def batches(n: int, epoch: int, config: TrainConfig) -> tuple[Tensor, ...]:
    """Return the rows of each batch of an epoch of n pictures, (B,) int64, on the CPU: the same on every device."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(config.seed + epoch))
    return order[: steps(n, config) * config.batch_size].split(config.batch_size)


def rate(stage: Stage, warmup: float, epochs: float) -> float:
    """Return the learning rate after so many epochs in all: a rise over a share `warmup` of the stage, then a cosine to zero."""
    progress = (epochs - stage.first) / (stage.last - stage.first)
    if progress < warmup:
        factor = progress / warmup
    else:
        factor = 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
    return stage.lr * max(factor, 1e-3)


def beta(config: TrainConfig, step: int, steps: int) -> float:
    """Return the weight of the KL at a step of `steps` an epoch."""
    return config.beta * min(1.0, step / max(1.0, config.kl_warmup * config.epochs * steps))


def movement(config: TrainConfig, stage: Stage, epochs: float) -> float:
    """Return how far pictures are moved after so many epochs in all, as a share of the most: ever less, at last not."""
    if stage.prior_only or stage.refines:
        return 0.0
    return max(0.0, 1 - epochs / (STILL * (config.epochs + config.weighted_epochs)))


def forgetting(config: TrainConfig, step: int, i: int, steps: int) -> float:
    """Return how much of the average the weights after step i of `steps` in this epoch replace, 0 where none is due."""
    if (i + 1) % AVERAGED and i + 1 < steps:
        return 0.0
    return 1 - min(config.ema_decay, (1 + step) / (10 + step)) ** (i % AVERAGED + 1)
