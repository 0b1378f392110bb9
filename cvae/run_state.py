"""What a run has come to: the state that a resumed run goes on from, what it publishes, and what both say."""

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from cvae import checkpoints, critic, headers, runs, schedule
from cvae.config import Preset, preset_from_dict

STATE = "training.safetensors"  # everything that a resumed run needs, in one file so that it is never half old
COLUMNS = ("epoch", "train_nll", "train_kl", "val_nll", "val_kl", "beta", "seconds")
Row: TypeAlias = dict[str, Any]  # of the history: a number or None for each of COLUMNS


class OtherSettings(ValueError):
    """A state that was made with other settings than those that are asked for."""


@dataclass
class RunState:
    """A training between two epochs."""

    model: nn.Module
    average: nn.Module  # its averaged weights, which are published
    history: list[Row] = field(default_factory=list)
    moments: dict[int, dict[str, Tensor]] = field(default_factory=dict)  # of the optimizer, by number of the weight
    critic: nn.Module | None = None  # that the model learns from, while it does


def save(folder: Path, preset: Preset, state: RunState, optimizer: Any) -> None:
    """Replace the state of `folder` in one step; the moments are those of `optimizer`."""
    parts = {"model": state.model.state_dict(), "average": state.average.state_dict()}
    if state.critic is not None:
        parts["critic"] = state.critic.state_dict()
    tensors = {f"{part}.{key}": value for part, weights in parts.items() for key, value in weights.items()}
    for i, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{key}": value for key, value in moments.items()}
    metadata = {"preset": json.dumps(preset.to_dict()), "history": json.dumps(state.history)}
    checkpoints.write_tensors(folder / STATE, tensors, metadata)


def load(folder: Path, preset: Preset, state: RunState) -> None:
    """Fill `state` from the file in `folder`, of this version or an earlier one.

    FileNotFoundError where there is none, OtherSettings where it is of another preset, ValueError where it is damaged.
    """
    path = folder / STATE
    if not path.is_file():
        remedy = "there is no unfinished training to resume; start it without --resume"
        raise FileNotFoundError(f"{path} is missing: {remedy}.")
    try:
        stored, history, parts = _read(path)
        if stored != preset:
            remedy = "resume with the settings it was started with"
            raise OtherSettings(f"{path} was made with other settings; {remedy}.")
        state.model.load_state_dict(parts["model"])
        state.average.load_state_dict(parts["average"])
        if parts["critic"]:
            state.critic = critic.make(preset.model, preset.train.seed)
            state.critic.load_state_dict(parts["critic"])
        state.history = [_row(row) for row in history]
        for name, value in parts["optimizer"].items():
            i, key = name.split(".")
            state.moments.setdefault(int(i), {})[key] = value
    except OtherSettings:
        raise
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise damaged(path) from error


def _read(path: Path) -> tuple[Preset, list[Row], dict[str, dict[str, Tensor]]]:
    """Return the settings, the history and the tensors of a state, by part and name."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}, "critic": {}}
    settings, history = (headers.document(path, key) for key in ("preset", "history"))
    with safe_open(path, "pt") as file:
        for key in file.keys():  # noqa: SIM118 - an open file of tensors is no dictionary
            part, name = key.split(".", 1)
            parts[part][name] = file.get_tensor(key)
    return preset_from_dict(settings), history, parts


def _row(row: Any) -> Row:
    """Return a row of a stored history; KeyError, TypeError or ValueError where it is none."""
    if any(type(row[key]) not in (int, float, type(None)) for key in COLUMNS) or row["seconds"] is None:
        raise ValueError("a history holds numbers")
    return {key: row[key] for key in COLUMNS}


def give_moments(optimizer: Any, moments: dict[int, dict[str, Tensor]], folder: Path) -> None:
    """Give the optimizer the moments of the state in `folder`; ValueError unless they are those of its weights."""
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    for weight, state in optimizer.state.items():
        shape = getattr(weight, "shape", None)  # None: a number too many has no weight
        wanted = {"step": torch.Size(), "exp_avg": shape, "exp_avg_sq": shape}
        if {key: value.shape for key, value in state.items()} != wanted:
            raise damaged(folder / STATE)
    for weight, state in optimizer.state.items():  # a fused step takes it that they lie in memory as the weights do
        like = {key: value for key, value in state.items() if value.shape == weight.shape}
        state |= {key: torch.empty_like(weight).copy_(value) for key, value in like.items()}


def damaged(path: Path) -> ValueError:
    """Return what says that a state is no state to go on from, and what to do."""
    remedy = f"start anew with --overwrite, which keeps {checkpoints.WEIGHTS} until its first epoch is done"
    return ValueError(f"{path} is damaged, so the training cannot go on from it: {remedy}.")


def publish(folder: Path, preset: Preset, state: RunState) -> None:
    """Write what others read: config.json, the averaged weights in half precision, and the history."""
    weights = {key: halved(value) for key, value in state.average.state_dict().items()}
    checkpoints.save_run(folder, preset, weights)
    checkpoints.write_text(folder / checkpoints.HISTORY, history_csv(state.history))


def halved(value: Tensor) -> Tensor:
    """Return a weight in half precision, as exact as training is noisy; as it is where its range does not allow it."""
    fits = value.is_floating_point() and float(value.abs().max()) < torch.finfo(torch.float16).max
    return value.half() if fits else value


def history_csv(history: list[Row]) -> str:
    """Return the history as CSV with a header line; train_nll is empty where the prior alone is fitted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()


def seconds_an_epoch(folder: Path) -> float | None:
    """Return the mean time of an epoch by history.csv, None where there is none to read."""
    seconds = runs.read(folder).history.get("seconds")
    return sum(seconds) / len(seconds) if seconds else None


def epochs_done(folder: Path, preset: Preset) -> int:
    """Return after how many epochs the training of `preset` into `folder` was left; 0 where it has no state there."""
    try:
        settings, history = (headers.document(folder / STATE, key) for key in ("preset", "history"))
        return len(history) if _chosen(preset_from_dict(settings)) == _chosen(preset) else 0
    except (OSError, TypeError, KeyError, ValueError):
        return 0


def _chosen(preset: Preset) -> dict[str, Any]:
    """Return what was chosen of a preset, without what the data set fills in."""
    content = preset.to_dict()
    del content["classes"], content["model"]["n_classes"]
    return content


def kept(folder: Path, preset: Preset, goes_on: bool = True) -> str:
    """Return one sentence on what a training that was broken off has left in `folder`, and how to go on from it."""
    done, total = epochs_done(folder, preset), schedule.total(preset.train)
    if done:
        following = "; --resume goes on from there" if goes_on else ""
        return f"{folder} keeps what was learned until epoch {done} of {total}{following}."
    return f"What {folder} held before is as it was." if folder.exists() else "Nothing was saved."
