"""Text files and JSON of strangers, read within limits; torch is not needed for it."""

import json
from pathlib import Path
from typing import Any

from cvae import limits


def text(path: Path) -> str:
    """Return the text of a file; ValueError where it is no UTF-8 or longer than limits.TEXT, else OSError."""
    with path.open("rb") as file:
        content = file.read(limits.TEXT + 1)
    if len(content) > limits.TEXT:
        raise ValueError(f"it is longer than {limits.TEXT / 2**20:.0f} MB")
    return content.decode("utf-8")


def parsed(written: str) -> Any:
    """Return what JSON says; ValueError where it is none, too deep, or has a number or a text that none can be."""
    try:
        content = json.loads(written, parse_int=_whole)
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {limits.DEPTH} levels") from error
    level, depth = [content], 0
    while level := [child for part in level if isinstance(part, dict | list) for child in _children(part)]:
        if (depth := depth + 1) > limits.DEPTH:
            raise ValueError(f"it is nested deeper than {limits.DEPTH} levels")
    if "\\ud" in written.lower():  # half of a surrogate pair is no character, and nothing can write it down
        json.dumps(content, ensure_ascii=False).encode()
    return content


def _children(part: dict | list) -> list:
    return list(part.values()) if isinstance(part, dict) else part


def _whole(digits: str) -> int:
    if len(digits) > limits.DIGITS:
        raise ValueError(f"it holds a whole number of {len(digits)} digits")
    return int(digits)
