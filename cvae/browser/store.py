"""The program beside a model's weights: whether it is there, sound, and of this model; read without torch.export."""

import hashlib
import json
import math
from dataclasses import fields
from pathlib import Path

from cvae import checkpoints, documents, export, headers
from cvae.browser.reading import Reading
from cvae.config import ModelConfig
from cvae.families import LABEL

FORMAT = 1  # raised whenever an older runtime would read a program wrongly
PROGRAM = "program.json"


def parts(config: ModelConfig) -> dict[str, tuple[type[export.Part], tuple[str, ...], tuple[str, ...]]]:
    """Return for each part of a program its module, the names of its inputs and of its outputs.

    They are those of `export.parts`, with c in the place of a label, and for a model with labels its reading.
    """
    named = {"label": "c"}
    reading = {"reading": (Reading, ("x", "c", "noise"), ("score",))} if config.kind.given == LABEL else {}
    return reading | {
        name: (kind, tuple(named.get(take, take) for take in takes), gives)
        for name, (kind, takes, gives) in export.parts(config).items()
    }


def digest(config: ModelConfig) -> str:
    """Return what tells a model's configuration from another: a hash of the fields that are not as by default."""
    told = {f.name: getattr(config, f.name) for f in fields(config) if getattr(config, f.name) != f.default}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def stored(name_or_path: str | Path) -> str | None:
    """Return the text of the program beside a run's weights; None without one, or for a damaged or another model's one.

    It is this model's if it was made from this configuration and if the weights have all its tensors, of its sizes.
    """
    folder = checkpoints.run_dir(name_or_path)
    try:
        text = documents.text(folder / PROGRAM)
        made = documents.parsed(text)
        told = made["format"], made["config"], set(made["parts"])
        pairs = [zip(part["tensors"], part["sizes"], strict=False) for part in made["parts"].values()]
        named = {name: size for part in pairs for name, size in part}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    config = checkpoints.load_preset(folder).model
    if told != (FORMAT, digest(config), set(parts(config))):
        return None
    sizes = _sizes(folder / checkpoints.WEIGHTS)
    return text if all(sizes.get(tensor) == size for tensor, size in named.items()) else None


def _sizes(weights: Path) -> dict[str, int]:
    """Return how many numbers each tensor of a safetensors file has; none where it cannot be read."""
    try:
        return {name: math.prod(shape) for name, shape in headers.shapes(weights).items()}
    except (OSError, ValueError):
        return {}
