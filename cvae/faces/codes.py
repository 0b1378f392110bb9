"""The code of a face that no training has seen, and how much of a picture a model of faces shows."""

from torch import Tensor

from cvae import objectives, tasks
from cvae.models import LatentModel


def crop(model: LatentModel) -> int:
    """Return how many pixels of the middle of LFW's 250 a model shows."""
    return model.preset.data.crop


def code(model: LatentModel, x: Tensor) -> Tensor:
    """Return the base coordinates (N, D) of pictures x (N, C, H, W): the encoder's, refined.

    What was trained with a critic keeps the encoder's: a lower squared error would take away what the critic asked for.
    """
    preset, u = model.preset, tasks.encode(model, x)
    criticised = any(objectives.of(stage, preset.model).critic for stage in preset.train.stages)
    return u if criticised else tasks.refine(model, x, u)
