"""What the Draw and Inpaint pages show while the pen moves, from the parameters of an address.

The canvas asks for it with every move by GET /api/sketch; without that route the page asks here directly.
Pictures travel as text: `bits` (a bitmap of the pad) and `digit` (28x28 grey pixels), both base64url.
"""

import base64
import binascii
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from cvae import corruptions, metrics, preprocess, tasks
from ui import images, resources

INK = 80  # the drawing pad sends 80x80 bits, four for each pixel of the 20x20 box that the digit will fill
HOLE = 28  # the inpainting pad sends one bit for each pixel of the digit
QUICK = 1  # importance samples while the pen moves
COMPLETIONS = 8
SEEDS = 2**31


@dataclass(frozen=True)
class Answer:
    """Pictures (N, 28, 28, 3) uint8, a few words below each, and log p(x | y) for every label where it was asked for."""

    pictures: np.ndarray
    notes: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def about(self) -> dict:
        """Return what goes beside the pixels, ready for JSON."""
        return {"notes": self.notes, "scores": self.scores}


def answer(query: Mapping[str, str]) -> Answer:
    """Return what `task` (see, reconstruct, denoise, inpaint) makes of the picture; ValueError in one line for bad input."""
    does = {"see": _see, "reconstruct": _reconstruct, "denoise": _denoise, "inpaint": _inpaint}
    if query.get("task") not in does:
        raise ValueError(f"task must be one of {', '.join(does)}.")
    return does[query["task"]](picture(query), query)


def picture(query: Mapping[str, str]) -> Tensor:
    """Return the digit (1, 1, 28, 28) that the query holds as `bits` of the drawing pad or as `digit`."""
    if "bits" in query:
        return preprocess.ink_to_digit(unpack_bits(query["bits"], INK).astype(np.float32))
    return unpack_digit(query.get("digit", ""))


def _see(x: Tensor, query: Mapping[str, str]) -> Answer:
    return Answer(images.grey(x))


def _reconstruct(x: Tensor, query: Mapping[str, str]) -> Answer:
    model = resources.model(query.get("model", ""))
    scores = label_scores(model, x, QUICK) if model.config.n_classes else None
    x_hat = tasks.reconstruct(model, x, None if scores is None else scores.argmax(1))
    return Answer(
        np.concatenate([images.grey(x), images.grey(x_hat), images.signed(x_hat - x)]),
        ["", f"MSE {float(metrics.mse(x, x_hat)):.4f}", ""],
        [] if scores is None else scores[0].tolist(),
    )


def _denoise(x: Tensor, query: Mapping[str, str]) -> Answer:
    kind, strength = query.get("kind", ""), _number(query, "strength", corruptions.LARGEST.get(query.get("kind", ""), 1.0))
    noisy = corruptions.corrupt(x, kind, strength, torch.Generator().manual_seed(_seed(query)))
    model = resources.model(query.get("model", ""))
    labels = label_scores(model, noisy, QUICK).argmax(1) if model.config.n_classes else None
    cleaned = [tasks.denoise(found, noisy) for found in denoisers(query)] + [tasks.reconstruct(model, noisy, labels)]
    notes = ["", *(f"PSNR {float(metrics.psnr(metrics.mse(x, y)).clamp(max=99)):.1f} dB" for y in (noisy, *cleaned))]
    return Answer(images.grey(torch.cat([x, noisy, *cleaned])), notes)


def denoisers(query: Mapping[str, str]) -> list:
    """Return the denoising autoencoder of the query, or none where it names none."""
    name = query.get("denoiser", "")
    return [resources.model(name, ("denoising",))] if name else []


def _inpaint(x: Tensor, query: Mapping[str, str]) -> Answer:
    completed = completions(x, query)[0]  # (8, 1, 28, 28)
    pictures = [images.grey(completed), images.grey(completed.mean(0, keepdim=True)), images.heat(completed.std(0, keepdim=True))]
    return Answer(np.concatenate(pictures))


def completions(x: Tensor, query: Mapping[str, str]) -> Tensor:
    """Return completions (1, 8, 1, 28, 28) of x with its `hole` hidden; ValueError unless the hole hides a part of it."""
    hidden = torch.from_numpy(unpack_bits(query.get("hole", ""), HOLE))
    if not hidden.any():
        raise ValueError("Nothing is hidden yet: paint over a part of the digit or choose a preset.")
    if hidden.all():
        raise ValueError("Everything is hidden: leave a part of the digit visible, so that there is something to complete.")
    generator = torch.Generator().manual_seed(_seed(query))
    label = query.get("label", "")
    if not label:
        model = resources.model(query.get("painter", ""), ("inpainting",))
        return tasks.inpaint(model, x, ~hidden, COMPLETIONS, generator)
    model = resources.model(query.get("model", ""))
    if not (label.isascii() and label.isdigit() and len(label) < 5 and int(label) < model.config.n_classes):
        raise ValueError(f"label must be a whole number from 0 to {model.config.n_classes - 1}.")
    return tasks.inpaint(model, x, ~hidden, COMPLETIONS, generator, torch.tensor([int(label)]))


def label_scores(model, x: Tensor, n_importance: int) -> Tensor:
    """Return log p(x | y) (1, n_classes), the same for the same picture."""
    return tasks.label_log_likelihoods(model, x, n_importance, torch.Generator().manual_seed(0))


def pack_bits(bits: np.ndarray) -> str:
    """Return a bitmap (side, side) as base64url text."""
    return _text(np.packbits(bits.astype(bool)).tobytes())


def unpack_bits(text: str, side: int) -> np.ndarray:
    """Return the bitmap (side, side) bool that `pack_bits` wrote; ValueError for anything else."""
    raw = _bytes(text)
    if len(raw) != math.ceil(side * side / 8):
        raise ValueError(f"expected {side} x {side} bits as base64url text; got {len(raw)} bytes.")
    return np.unpackbits(np.frombuffer(raw, np.uint8), count=side * side).reshape(side, side).astype(bool)


def pack_digit(x: Tensor) -> str:
    """Return a digit (1, 1, 28, 28) in [0, 1] as base64url text of its 784 bytes, zlib-compressed."""
    return _text(zlib.compress(images.to_uint8(x).tobytes(), 9))


def unpack_digit(text: str) -> Tensor:
    """Return the digit (1, 1, 28, 28) that `pack_digit` wrote; ValueError for anything else."""
    return torch.frombuffer(bytearray(inflated(text, 784)), dtype=torch.uint8).view(1, 1, 28, 28) / 255


def shorten(bits_text: str) -> str:
    """Return `pack_bits` text compressed, for an address, as ui/canvas.js does."""
    return _text(zlib.compress(_bytes(bits_text), 9))


def lengthen(text: str, side: int) -> str:
    """Return the inverse of `shorten` for a bitmap of this side; ValueError for anything else."""
    return _text(inflated(text, math.ceil(side * side / 8)))


def inflated(text: str, size: int) -> bytes:
    """Return exactly `size` bytes of zlib content; never more are made of it, whatever it claims."""
    try:
        raw = zlib.decompressobj().decompress(_bytes(text), size + 1)
    except zlib.error as error:
        raise ValueError("the picture in the address is damaged; draw or upload it anew.") from error
    if len(raw) != size:
        raise ValueError("the picture in the address is incomplete; draw or upload it anew.")
    return raw


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise ValueError("the picture must be base64url text; this is something else.") from error


def _number(query: Mapping[str, str], name: str, most: float) -> float:
    try:
        value = float(query.get(name, ""))
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be a number from 0 to {most:g}.")
    return value


def _seed(query: Mapping[str, str]) -> int:
    return int(_number(query, "seed", SEEDS - 1))
