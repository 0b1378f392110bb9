"""Samples as the Generate page asks for them."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cvae import tasks
from ui.shell import classes

if TYPE_CHECKING:
    from cvae.models import AnyModel, LatentModel

USUAL, WIDEST = 10, 20  # pictures in a row, and the most
MANY = 100  # pictures of which rows are twice as long


def sample(model: "LatentModel", digits: list[int], count: int, temperature: float, seed: int) -> Tensor:
    """Return `count` pictures (count, C, H, W) with these labels in turn; `digits` is empty for one without labels."""
    labels = torch.tensor(digits).repeat(-(-count // len(digits)))[:count] if digits else None
    return tasks.generate(model, labels, temperature, torch.Generator().manual_seed(seed), n=count)


def columns(digits: list[int], count: int = 0) -> int:
    """Return how many of `count` pictures make a row, so that every column shows one class, unless more than fit."""
    if count > MANY:
        return 2 * columns(digits)
    if not digits or len(digits) > WIDEST:
        return USUAL
    return max(1, USUAL // len(digits)) * len(digits)


def every(model: "AnyModel") -> str:
    """Return what the view of one point decoded for all labels is called."""
    return "One style, ten digits" if classes.are_digits(model) else "One style, all classes"


def every_label(model: "LatentModel") -> Tensor:
    """Return all labels of a conditional model, (n_classes,)."""
    return torch.arange(model.config.n_classes)
