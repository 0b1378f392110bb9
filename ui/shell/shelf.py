"""The shelf of kept points in the address: how the way through them goes, then each with its label and its name.

Its text is SETTINGS~LABEL.POINT.NAME~...: three digits say the path, what happens at the end and the speed, in the
order of cvae/browser/morph.js. A label is a number, or nothing where a model takes none or all are shown; a point is as
in ui/shell/link.py, coarser where it has many coordinates; a name is base64url of UTF-8, and may be missing.
ui/widgets/shelf/text.js writes it.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ui.shell import codecs, link

if TYPE_CHECKING:
    from cvae.models import LatentModel

PARAMETER = "shelf"
MOST = 12  # points
LONGEST_NAME = 24  # characters
LONGEST = 3_000  # characters of the text
FINE = 64  # coordinates up to which a point is half precision; those of more are whole sixteenths, in a byte each
PLAIN = "001"  # spherical, in a loop, at the normal speed
CHOICES = (2, 3, 3)  # how many paths, ends and speeds there are
KEPT = re.compile(r"(\d{0,9})\.([\w-]+)\.([\w-]*)", re.ASCII)


@dataclass(frozen=True)
class Kept:
    """One kept point u (D,) with its label, None without one, and the name that the visitor gave it."""

    u: Tensor
    label: int | None
    name: str


@dataclass(frozen=True)
class Shelf:
    """Kept points in their order, and the three digits that say how the way through them goes."""

    kept: tuple[Kept, ...] = ()
    settings: str = PLAIN

    @property
    def spherical(self) -> bool:
        """Whether the path between two points is a great circle, not a straight line."""
        return self.settings[0] == "0"

    @property
    def end(self) -> str:
        """What happens at the last point: "loop" back to the first, "back" along the same way, or "once"."""
        return ("loop", "back", "once")[int(self.settings[1])]


def read(text: str, model: "LatentModel", every: bool) -> Shelf:
    """Return the shelf that a text of the address says, for this model; ValueError for any other text.

    With `every` its points stand for all labels of a conditional model, else each has one.
    """
    settings, *parts = text.split("~")
    if len(text) > LONGEST or len(parts) > MOST:
        raise ValueError(f"a shelf holds up to {MOST} points, in up to {LONGEST:,} characters.")
    known = len(settings) == len(CHOICES) and all(
        codecs.whole(digit, n) is not None for digit, n in zip(settings, CHOICES, strict=True)
    )
    labelled = model.config.n_classes if not every else 0
    if not known or not parts:
        raise ValueError("the shelf must begin with three digits and go on with points.")
    return Shelf(tuple(_kept(part, model.config.latent_dim, labelled) for part in parts), settings)


def _kept(text: str, dims: int, n_labels: int) -> Kept:
    match = KEPT.fullmatch(text)
    if match is None:
        raise ValueError("a point of the shelf must be a label, a point and a name with full stops between.")
    label = codecs.whole(match[1], n_labels)
    u, name = _point(match[2], dims), codecs.from_text(match[3]).decode()  # a UnicodeDecodeError is a ValueError
    if u is None or (label is None) == bool(n_labels) or bool(match[1]) != bool(n_labels):
        raise ValueError("a point of the shelf does not fit the model.")
    if len(name) > LONGEST_NAME or any(ord(letter) < 32 for letter in name):
        raise ValueError(f"a name has up to {LONGEST_NAME} characters.")
    return Kept(u, label, name)


def _point(text: str, dims: int) -> Tensor | None:
    if dims <= FINE:
        return link.unpack(text, dims)
    raw = np.frombuffer(codecs.from_text(text), np.int8)
    return torch.from_numpy(raw / np.float32(16)) if len(raw) == dims else None
