"""What is measured: a model, the test pictures, and where and how both are used."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from tqdm import tqdm

from cvae import data
from cvae.config import Preset
from cvae.evaluation.options import Options

JUDGE, SMILE_JUDGE = "judge", "smile-judge"  # the checkpoints that read the digits and the smiles of other models


@dataclass(frozen=True)
class Subject:
    """A model by the name of its folder, test pictures of its kind, and the generator that its figures use in turn."""

    name: str
    model: Any  # which of cvae.models its configuration says
    images: data.ImageSet
    options: Options
    generator: torch.Generator

    @property
    def preset(self) -> Preset:
        return self.model.preset

    @property
    def x(self) -> torch.Tensor:
        """The pictures (N, C, H, W) as floats in [0, 1]."""
        return self.images.pixels()

    def on_device(self) -> "Subject":
        """Return a copy of model and pictures on the device that was asked for."""
        device = device_of(self.options)
        model = copy.deepcopy(self.model).to(device)
        images = replace(self.images, images=self.images.images.to(device), labels=self.images.labels.to(device))
        return replace(self, model=model, images=images)

    def seeded(self, further: int = 0) -> torch.Generator:
        """Return a generator of its own for figures that must not depend on what was measured before."""
        return torch.Generator().manual_seed(self.options.seed + further)


def device_of(options: Options) -> str:
    """Return where to compute, cpu or cuda; ValueError where there is no such device."""
    available = torch.cuda.is_available()
    if options.device == "cuda" and not available:
        raise ValueError("--device cuda needs a GPU that this installation of torch can use; use auto or cpu.")
    return ("cuda" if available else "cpu") if options.device == "auto" else options.device


def bar(rows: Sequence, what: str, unit: str = "batch") -> tqdm:
    """Return an iteration over rows that shows its progress and the time left, if it takes over two seconds."""
    return tqdm(rows, desc=what, unit=unit, delay=2)


def reads(preset: Preset) -> tuple:
    """Return what two models must have in common for one to judge the other: classes and shape of their pictures."""
    return tuple(preset.classes), tuple(preset.model.image_shape)
