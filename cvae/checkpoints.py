"""Checkpoints as folders: config.json and model.safetensors, loaded strictly; nothing is ever unpickled."""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from cvae.config import Preset, preset_from_dict
from cvae.models import build_model

ROOT = Path(os.environ.get("CVAE_CHECKPOINTS") or Path(__file__).resolve().parent.parent / "checkpoints")
CONFIG, WEIGHTS, METRICS, HISTORY, MAP = "config.json", "model.safetensors", "metrics.json", "history.csv", "map.npz"


def list_runs() -> list[str]:
    """Return the names of the folders under checkpoints/ (or CVAE_CHECKPOINTS), in alphabetical order."""
    return sorted(p.name for p in ROOT.glob("*") if p.is_dir())


def run_dir(name_or_path: str | Path) -> Path:
    """Return the folder of a run: a name under checkpoints/, or a path; FileNotFoundError lists what there is."""
    for folder in (ROOT / name_or_path, Path(name_or_path)):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no checkpoint {str(name_or_path)!r}; there are: {', '.join(list_runs()) or 'none yet'}.")


def load_preset(name_or_path: str | Path) -> Preset:
    """Return the configuration stored with a run; ValueError or FileNotFoundError names the file that is at fault."""
    path = run_dir(name_or_path) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the folder is not a checkpoint of this project.")
    try:
        return preset_from_dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise ValueError(f"{path} is not a configuration of this project: {error}") from error


def load_run(name_or_path: str | Path):
    """Return the model of a run in eval mode on the CPU, without gradients; `model.preset` tells what it is.

    Raises FileNotFoundError or ValueError with the file's name if anything is missing, damaged or does not fit.
    """
    preset = load_preset(name_or_path)
    path = run_dir(name_or_path) / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; train it with: python train.py {preset.name}")
    model = build_model(preset.model)
    try:
        weights = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
        model.load_state_dict(weights, strict=True)
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{path} does not hold the weights that config.json describes: {reason}") from error
    model.preset = preset
    return model.eval().requires_grad_(False)


def weights_hash(name_or_path: str | Path) -> str:
    """Return the SHA-256 of a run's weights, by which files made from them tell whether they are stale."""
    return hashlib.sha256((run_dir(name_or_path) / WEIGHTS).read_bytes()).hexdigest()


def save_run(folder: Path, preset: Preset, weights: dict[str, torch.Tensor]) -> None:
    """Write config.json and model.safetensors into `folder`, each replaced in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CONFIG, json.dumps(preset.to_dict(), indent=2) + "\n")
    write_tensors(folder / WEIGHTS, weights)


def write_text(path: Path, text: str) -> None:
    """Replace `path` atomically by text."""
    write_bytes(path, text.encode())


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Replace `path` atomically by a safetensors file."""
    write_bytes(path, save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata))


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` atomically by bytes."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)  # a killed process leaves the old file or the new one, never half of one
