"""Samples as the Generate page asks for them."""

import torch
from torch import Tensor

from cvae import tasks

WIDEST = 10  # pictures in a row


def sample(model, digits: list[int], count: int, temperature: float, seed: int) -> Tensor:
    """Return `count` pictures (count, C, H, W) with the digits in turn; digits is empty for a model without labels."""
    labels = torch.tensor(digits).repeat(-(-count // len(digits)))[:count] if digits else None
    return tasks.generate(model, labels, temperature, torch.Generator().manual_seed(seed), n=count)


def columns(digits: list[int]) -> int:
    """Return how many pictures make a row, so that every column shows one digit."""
    return WIDEST // len(digits) * len(digits) if digits else WIDEST


def every_label(model) -> Tensor:
    """Return all labels of a conditional model, (n_classes,)."""
    return torch.arange(model.config.n_classes)
