"""A run as its text files tell it: the figures of metrics.json and the losses of history.csv, read in one place.

Torch is not needed for that, so the help of a command may do it.
"""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cvae import documents, limits

METRICS, HISTORY = "metrics.json", "history.csv"
COLUMNS = ("epoch", "train_nll", "train_kl", "val_nll", "val_kl", "seconds")  # that a history must have
REMEDIES = {METRICS: "remove it and measure the model again", HISTORY: "remove it, or train the model anew"}


@dataclass(frozen=True)
class Run:
    """What was measured of a model and how its training went; both empty where the file is missing or damaged.

    `metrics` is metrics.json; `history` has a value for each epoch in each of COLUMNS, NaN where one is empty; `faults`
    say in one sentence what is wrong with a file of either name.
    """

    folder: Path
    metrics: dict[str, Any] = field(default_factory=dict)
    history: dict[str, tuple[float, ...]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def demand(self, file: str) -> None:
        """Raise ValueError where METRICS or HISTORY is damaged."""
        if file in self.faults:
            raise ValueError(self.faults[file])

    def figure(self, key: str) -> float | None:
        """Return a figure of metrics.json, None where it is missing or no finite number."""
        return number(self.metrics, key)

    def kl_per_dim(self, dims: int) -> list[float] | None:
        """Return the mean KL of each of `dims` latent dimensions in nats; None where they were not all measured."""
        values = self.metrics.get("kl_per_dim")
        if not isinstance(values, list) or len(values) != dims:
            return None
        kl = [value for value in map(_finite, values) if value is not None]
        return kl if len(kl) == dims else None

    def seconds(self) -> float | None:
        """Return how long the training took, in seconds; None where no history tells."""
        return sum(self.history["seconds"]) if self.history else None


def number(figures: dict[str, Any], key: str) -> float | None:
    """Return one of the figures, None where it is missing or no finite number."""
    return _finite(figures.get(key))


def _finite(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


def read(folder: Path) -> Run:
    """Return what metrics.json and history.csv of a folder tell."""
    faults: dict[str, str] = {}
    metrics = _read(folder / METRICS, _figures, faults)
    return Run(folder, metrics, _read(folder / HISTORY, _columns, faults), faults)


def _read(path: Path, parse: Callable[[str], dict[str, Any]], faults: dict[str, str]) -> dict[str, Any]:
    try:
        return parse(documents.text(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        faults[path.name] = f"{path} is damaged; {REMEDIES[path.name]}."
        return {}


def _figures(text: str) -> dict[str, Any]:
    figures = documents.parsed(text)
    if not isinstance(figures, dict):
        raise ValueError("metrics.json must hold an object")
    return figures


def _columns(text: str) -> dict[str, tuple[float, ...]]:
    if text.count("\n") > limits.ROWS:
        raise ValueError("history.csv must hold a row for each epoch")
    rows = list(csv.DictReader(text.splitlines()))
    columns = {column: tuple(float(row[column] or "nan") for row in rows) for column in COLUMNS} if rows else {}
    if not all(math.isfinite(value) for column in ("epoch", "seconds") for value in columns.get(column, ())):
        raise ValueError("history.csv must number its epochs and time them")
    return columns
