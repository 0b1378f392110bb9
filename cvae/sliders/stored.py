"""The file of the sliders of a model: safetensors, with the names of the measures as JSON in its header."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from cvae import checkpoints, headers
from cvae.config import ModelConfig
from cvae.morphology import KEYS
from cvae.sliders.curves import READ, K, Sliders, guide

FILE = "sliders.safetensors"
TABLES = ("spread", "least", "most", "explained")


def save(folder: Path, sliders: Sliders, figures: dict[str, dict] | None = None) -> None:
    """Write sliders.safetensors into the folder of a run, with the hash of its weights and what was measured."""
    tensors = {f"guide.{key}": value.half() for key, value in sliders.guide.state_dict().items()}
    tensors |= {name: getattr(sliders, name).half() for name in TABLES}
    about: dict[str, Any] = {"measures": KEYS, "kept": sliders.kept, "weights": checkpoints.weights_hash(folder)}
    about |= {"figures": figures or {}}
    checkpoints.write_tensors(folder / FILE, tensors, {"sliders": json.dumps(about)})


def load(folder: Path) -> Sliders:
    """Read what `save` wrote; FileNotFoundError without one, ValueError where it is damaged or of other weights."""
    path = folder / FILE
    remedy = f"python evaluate.py --sliders {folder.name}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; make it with: {remedy}")
    try:
        about, config = headers.document(path, "sliders"), checkpoints.load_preset(folder).model
        if headers.difference(told := headers.shapes(path), _shapes(config, *told["guide.0.bias"])):
            raise ValueError("other shapes")
        tensors = {key: value.float() for key, value in load_file(path).items()}
        sliders = _built(tensors, about, config)
    except (SafetensorError, OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged or of another model; make it anew with: {remedy}") from error
    if about.get("weights") != checkpoints.weights_hash(folder):
        raise ValueError(f"{path} was made of other weights than those beside it; make it anew with: {remedy}")
    return sliders


def figures(folder: Path) -> dict[str, dict]:
    """Return the figures that were stored with the sliders of a run; none where there are no sliders that fit it."""
    try:
        load(folder)
        return dict(headers.document(folder / FILE, "sliders")["figures"])
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _shapes(config: ModelConfig, width: int) -> headers.Shapes:
    """Return the shape of each tensor that the sliders of a model have, with a guide of this width."""
    with torch.device("meta"):
        net = guide(config.latent_dim, config.n_classes, width).state_dict()
    tables = {"spread": (K,), "least": (READ, K), "most": (READ, K), "explained": (config.latent_dim, K)}
    return {f"guide.{key}": tuple(value.shape) for key, value in net.items()} | tables


def _built(tensors: dict[str, Tensor], about: dict, config: ModelConfig) -> Sliders:
    """Return the sliders of these tensors; an error of any kind where they do not fit the measures or the model."""
    kept = tuple(about["kept"])
    if tuple(about["measures"]) != KEYS or not set(kept) <= set(KEYS):
        raise ValueError("other measures")
    if not all(bool(values.isfinite().all()) for values in tensors.values()):
        raise ValueError("numbers that are none")
    net = guide(config.latent_dim, config.n_classes, len(tensors["guide.0.bias"]))
    net.load_state_dict({key[6:]: value for key, value in tensors.items() if key.startswith("guide.")}, strict=True)
    if not (tensors["spread"] > 0).all():
        raise ValueError("spreads that are none")
    tables = {name: tensors[name] for name in TABLES}
    return Sliders(guide=net.requires_grad_(False).eval(), kept=kept, **tables)
