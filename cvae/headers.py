"""What a safetensors file says of its tensors, judged before any of them is read."""

import math
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from cvae import documents, limits

KINDS = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL")  # that torch casts into one another
Shapes = dict[str, tuple[int, ...]]


def shapes(path: Path) -> Shapes:
    """Return the shape of each tensor by its name; ValueError where the file is damaged, too large or missing."""
    _check_header(path)
    try:
        with safe_open(path, "pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
            told = {name: tuple(part.get_shape()) for name, part in slices.items()}
            others = {kind for part in slices.values() if (kind := part.get_dtype()) not in KINDS}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"it is damaged ({' '.join(str(error).split())[:200]})") from error
    if others:
        raise ValueError(f"it holds numbers of the type {min(others)[:20]}")
    if (numbers := sum(map(math.prod, told.values()))) > limits.NUMBERS:
        raise ValueError(f"it holds {numbers:,} numbers, more than {limits.NUMBERS:,}")
    return told


def document(path: Path, key: str) -> Any:
    """Return the JSON of this key of a file's metadata; KeyError without it, ValueError where the file is damaged."""
    _check_header(path)
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"it is damaged ({' '.join(str(error).split())[:200]})") from error
    return documents.parsed(metadata[key])


def difference(told: Shapes, wanted: Shapes) -> str:
    """Return in what the tensors of a file first differ from those that are wanted; empty text where in nothing."""
    for name in wanted:
        if name not in told:
            return f"{name} is missing"
        if told[name] != wanted[name]:
            return f"{name} is {_by(told[name])} and should be {_by(wanted[name])}"
    return next((f"{name[:80]!r} is none of the model's" for name in told if name not in wanted), "")


def _check_header(path: Path) -> None:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    with file:
        length = int.from_bytes(file.read(8), "little")
    if length > limits.HEADER:
        raise ValueError(f"it is damaged (its header is said to have {length:,} bytes)")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
