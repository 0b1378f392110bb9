"""Checkpoints as folders: config.json and model.safetensors, loaded strictly; nothing is ever unpickled."""

import hashlib
import json
import os
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from cvae import documents, headers
from cvae.config import ModelConfig, Preset, preset_from_dict
from cvae.flow import ORDERS, is_shuffled
from cvae.models import AnyModel, blueprint
from cvae.runs import HISTORY, METRICS  # noqa: F401 - the names of two more files of the same folder

_CLONE = Path(__file__).resolve().parent.parent / "checkpoints"
ROOT = Path(os.environ.get("CVAE_CHECKPOINTS") or (_CLONE if _CLONE.is_dir() else "checkpoints"))
CONFIG, WEIGHTS, MAP = "config.json", "model.safetensors", "map.npz"
PROGRESS = "progress.npz"  # pictures made during training
HUB_NAME = re.compile(r"([A-Za-z0-9][\w.-]*)/[A-Za-z0-9][\w.-]*")  # user/repo


def list_runs() -> list[str]:
    """Return the names of the folders under checkpoints/ that hold a config.json, in alphabetical order.

    That is CVAE_CHECKPOINTS, else checkpoints/ of the clone that the package lies in, else of the current folder.
    Hidden folders are skipped, such as .ipynb_checkpoints, and those of `unnamed`.
    """
    return [name for name in _folders() if _is_text(name)]


def is_run(name: str) -> bool:
    """Tell whether `list_runs` has this name, without a look at the other folders."""
    plain = name == os.path.basename(name) and not name.startswith(".")
    return bool(name) and plain and _is_text(name) and os.path.isfile(os.path.join(ROOT, name, CONFIG))


def unnamed() -> list[str]:
    """Return one line for each folder that would be a run if its name were UTF-8: no page and no address can say it."""
    shown = (os.fsencode(name).decode("utf-8", "replace") for name in _folders() if not _is_text(name))
    return [f"{name} is left out: the name of its folder is not UTF-8; rename it." for name in shown]


def _folders() -> list[str]:
    """Return the names of all folders with a config.json, in order; hundreds of them in some milliseconds."""
    try:
        with os.scandir(ROOT) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted(name for name in names if os.path.isfile(os.path.join(ROOT, name, CONFIG)))


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:  # it has bytes that Python keeps as halves of a surrogate pair
        return False


def nowhere() -> str:
    """Return one sentence where the folder that CVAE_CHECKPOINTS names is none; else ""."""
    if not os.environ.get("CVAE_CHECKPOINTS") or ROOT.is_dir():
        return ""
    return f"CVAE_CHECKPOINTS names {ROOT}, and there is no such folder; set it to one that holds models."


def run_dir(name_or_path: str | Path) -> Path:
    """Return the folder of a run: a name under checkpoints/, or a path; FileNotFoundError lists what there is."""
    for folder in (ROOT / name_or_path, Path(name_or_path)):
        if folder.is_dir():
            return folder
    there = nowhere() or f"there are: {', '.join(list_runs()) or 'none yet'}."
    raise FileNotFoundError(f"no checkpoint {str(name_or_path)!r}; {there}")


def load_preset(name_or_path: str | Path) -> Preset:
    """Return the configuration stored with a run; ValueError or FileNotFoundError names the file that is at fault."""
    path = run_dir(name_or_path) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the folder is not a checkpoint of this project.")
    try:
        return preset_from_dict(documents.parsed(documents.text(path)))
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise ValueError(f"{path} is not a configuration of this project: {error}") from error


def describe(name_or_path: str | Path) -> Preset:
    """Return the configuration of a run whose weights are those that it describes, without reading these.

    Raises FileNotFoundError or ValueError with the file's name if anything is missing, damaged or does not fit.
    """
    folder = run_dir(name_or_path)
    preset = load_preset(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; train it with: python train.py {preset.name}")
    try:
        wanted = _shapes(preset.model)
        reason = headers.difference(headers.shapes(path), wanted) or _disorder(path, wanted)
    except (ValueError, SafetensorError) as error:
        reason = str(error)
    if reason:
        raise _unfit(path, reason)
    return preset


def _disorder(path: Path, wanted: headers.Shapes) -> str:
    """Return which layers of a flow do not have every coordinate once, by the orders in a file; empty for none."""
    names = [name for name in wanted if name.rpartition(".")[2] == ORDERS]
    with safe_open(path, "pt") as file:
        wrong = [name for name in names if not is_shuffled(file.get_tensor(name))]
    return f"{wrong[0]} does not have every coordinate once" if wrong else ""


@lru_cache(maxsize=256)
def _shapes(config: ModelConfig) -> headers.Shapes:
    """Return the shape of each tensor that a model of this configuration has."""
    return {name: tuple(tensor.shape) for name, tensor in blueprint(config).state_dict().items()}


@lru_cache(maxsize=256)
def count_parameters(config: ModelConfig) -> int:
    """Return how many numbers a model of this configuration learns; nothing is loaded for it."""
    return sum(p.numel() for p in blueprint(config).parameters())


def _unfit(path: Path, reason: str) -> ValueError:
    return ValueError(f"{path} does not hold the weights that config.json describes: {reason}")


def load_run(name_or_path: str | Path) -> AnyModel:
    """Return the model of a run in eval mode on the CPU, without gradients; `model.preset` tells what it is.

    Its class is one of cvae.models: of a family with a z a LatentModel.

    A name user/repo of which there is no folder is fetched from the Hugging Face hub, whose folders hold the same two
    files. Nothing is built before the weights file is known to hold all its numbers and no others.
    Raises FileNotFoundError or ValueError with the file's name if anything is missing, damaged or does not fit.
    """
    folder = _fetched(str(name_or_path)) if _is_of_the_hub(name_or_path) else run_dir(name_or_path)
    preset, path = describe(folder), folder / WEIGHTS
    model = blueprint(preset.model)
    try:
        model.load_state_dict(_read(path, model.state_dict()), strict=True, assign=True)
    except (SafetensorError, RuntimeError, KeyError) as error:  # KeyError: replaced since it was judged
        raise _unfit(path, str(error).splitlines()[-1].strip()) from error
    model.preset = preset
    return model.eval().requires_grad_(False)


def _read(path: Path, like: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a file with the types of those in `like`, in the layout that build_model gives a model."""
    layout = {4: torch.channels_last}
    return {
        key: value.to(like[key].dtype, copy=True, memory_format=layout.get(value.dim(), torch.preserve_format))
        for key, value in load_file(path).items()
    }


def _is_of_the_hub(name: str | Path) -> bool:
    """Tell whether a name is user/repo and means no folder, nor something in a folder, of this machine."""
    if not (isinstance(name, str) and (match := HUB_NAME.fullmatch(name))):
        return False
    return not any((root / part).is_dir() for root in (ROOT, Path()) for part in (name, match[1]))


def _fetched(name: str) -> Path:
    """Return the folder of a repository of the hub, fetched unless it was before; FileNotFoundError in one sentence."""
    try:
        from huggingface_hub import snapshot_download  # late: seldom wanted, and not among the requirements of the app
    except ImportError as error:
        reason = "install huggingface_hub to fetch it from the hub: pip install -r requirements-extra.txt"
        raise FileNotFoundError(f"no checkpoint {name!r} on this machine; {reason}") from error
    try:
        return Path(snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS]))
    except Exception as error:  # noqa: BLE001 - a connection fails in more ways than the hub's own errors name
        reason = "could not be fetched from the Hugging Face hub; check the name and the connection"
        raise FileNotFoundError(f"no checkpoint {name!r} on this machine, and it {reason}.") from error


def weights_hash(name_or_path: str | Path) -> str:
    """Return the SHA-256 of a run's weights, by which files made from them tell whether they are stale."""
    return hashlib.sha256((run_dir(name_or_path) / WEIGHTS).read_bytes()).hexdigest()


def save_run(folder: Path, preset: Preset, weights: dict[str, torch.Tensor]) -> None:
    """Write config.json and model.safetensors into `folder`, each replaced in one step."""
    write_text(folder / CONFIG, json.dumps(preset.to_dict(), indent=2) + "\n")
    write_tensors(folder / WEIGHTS, weights)


def write_text(path: Path, text: str) -> None:
    """Replace `path` atomically by text."""
    write_bytes(path, text.encode())


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Replace `path` atomically by a safetensors file."""
    write_bytes(path, save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, metadata))


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` atomically by content, its folder made where it is missing.

    An OSError names the file and leaves the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + ".tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)  # a killed process leaves the old file or the new one, never half of one
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()  # or it would keep a full disk full
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk does not say which file
        raise
