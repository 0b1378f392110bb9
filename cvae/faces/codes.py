"""The code of a face that no training has seen, and how much of a picture a model of faces shows."""

import torch
from torch import Tensor

from cvae import objectives, tasks
from cvae.models import LatentModel

GUESSES = 2  # samples from which a label is guessed: the noise, the same for all labels, hides little of a face


def crop(model: LatentModel) -> int:
    """Return how many pixels of the middle of LFW's 250 a model shows."""
    return model.preset.data.crop


def told(model: LatentModel, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes (N, D) of faces x (N, C, H, W) by a model that takes labels, and the labels (N,) that it guesses."""
    labels = tasks.classify(model, x, GUESSES, torch.Generator().manual_seed(0)).argmax(1)
    return tasks.encode(model, x, labels), labels


def code(model: LatentModel, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the base coordinates (N, D) of pictures x (N, C, H, W): the encoder's, refined.

    labels (N,) are for a model that takes them, whose codes stay the encoder's too.

    What was trained with a critic keeps the encoder's: a lower squared error would take away what the critic asked for.
    """
    preset, u = model.preset, tasks.encode(model, x, labels)
    criticised = any(objectives.of(stage, preset.model).critic for stage in preset.train.stages)
    return u if criticised or model.config.n_classes else tasks.refine(model, x, u)
