"""What the Draw and Inpaint pages show while the pen moves, from the parameters of an address.

The canvas asks for it with every move by GET /api/sketch; without that route the page asks here directly.
Pictures travel as text: `bits` (a bitmap of the pad) and `digit` (grey pixels of a square), both base64url. They are
resized to the side S of the model's pictures, and answers are of that size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cvae import metrics, preprocess, tasks
from cvae.data import corruptions
from cvae.families import FAMILIES, those
from ui.shell import codecs, images, resources

if TYPE_CHECKING:
    from cvae.models import LatentModel

INK = 80  # the drawing pad sends 80x80 bits, four for each pixel of the 20x20 box that the digit will fill
SMALLEST, LARGEST = 8, 256  # side of a picture
QUICK = 1  # importance samples while the pen moves
COMPLETIONS = 8
PAINTERS = those(lambda family: family.latent and not family.labelled)  # that complete a picture without its label
SEEDS = 2**31
DAMAGED = "the picture in the address is damaged; draw or upload it anew."
INCOMPLETE = "the picture in the address is incomplete; draw or upload it anew."


@dataclass(frozen=True)
class Answer:
    """Pictures (N, S, S, 3) uint8, a few words below each, and log p(x | y) for every label where it was asked for."""

    pictures: np.ndarray
    notes: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def about(self) -> dict:
        """Return what goes beside the pixels, ready for JSON."""
        return {"notes": self.notes, "scores": self.scores}


def answer(query: Mapping[str, str]) -> Answer:
    """Return what `task` (see, reconstruct, denoise, inpaint) makes of the picture; ValueError for bad input."""
    does = {"see": _see, "reconstruct": _reconstruct, "denoise": _denoise, "inpaint": _inpaint}
    if query.get("task") not in does:
        raise ValueError(f"task must be one of {', '.join(does)}.")
    return does[query["task"]](picture(query), query)


def answer_all(queries: list[Mapping[str, str]]) -> list[Answer | ValueError]:
    """Return what `answer` returns or raises for each of these, which name one task and one model.

    Reconstructions are made together, in less time than one by one.
    """
    tried = [_tried(picture if query.get("task") == "reconstruct" else answer, query) for query in queries]
    pictures = [x for x in tried if isinstance(x, Tensor)]
    together = iter(_reconstructions(pictures, queries[0].get("model", "")))
    return [next(together) if isinstance(x, Tensor) else x for x in tried]


def _tried(make: Callable, query: Mapping[str, str]) -> Answer | Tensor | ValueError:
    try:
        return make(query)
    except ValueError as error:
        return error


def picture(query: Mapping[str, str]) -> Tensor:
    """Return the picture of the query: a drawing (1, 1, 28, 28) as `bits` of the pad, or `digit` (1, 1, S, S)."""
    if "bits" in query:
        return preprocess.ink_to_digit(unpack_bits(query["bits"], INK).astype(np.float32))
    return unpack_digit(query.get("digit", ""))


def fitted(x: Tensor, model: "LatentModel") -> Tensor:
    """Return a grey picture (N, 1, S, S) at the side of a model's; ValueError if these are in colour or oblong."""
    if not resources.is_grey(model):
        shape = "x".join(map(str, model.config.image_shape))
        raise ValueError(f"{model.preset.name} has pictures of {shape}; this needs a model of grey squares.")
    size = model.config.image_shape[1:]
    if x.shape[2:] == size:
        return x
    return torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True).clamp(0, 1)


def _see(x: Tensor, query: Mapping[str, str]) -> Answer:
    name = query.get("model", "")
    return Answer(images.grey(fitted(x, resources.model(name, tuple(FAMILIES))) if name else x))


def _reconstruct(x: Tensor, query: Mapping[str, str]) -> Answer:
    x_hat = _reconstructions([x], query.get("model", ""))[0]
    if isinstance(x_hat, ValueError):
        raise x_hat
    return x_hat


def _reconstructions(pictures: list[Tensor], name: str) -> Sequence[Answer | ValueError]:
    """Return the answer for each picture (1, 1, S, S), the same as if it were the only one."""
    try:
        model = resources.model(name)
        x = torch.cat([fitted(picture, model) for picture in pictures]) if pictures else torch.empty(0)
    except ValueError as error:
        return [error] * len(pictures)
    if not pictures:
        return []
    scores = label_scores(model, x, QUICK) if model.config.n_classes else None
    x_hat = tasks.reconstruct(model, x, None if scores is None else scores.argmax(1))
    shown = np.stack([images.grey(x), images.grey(x_hat), images.signed(x_hat - x)], 1)  # (N, 3, S, S, 3)
    said = [["", f"MSE {error:.4f}", ""] for error in metrics.mse(x, x_hat).tolist()]
    return list(map(Answer, shown, said, [[]] * len(x) if scores is None else scores.tolist()))


def _denoise(x: Tensor, query: Mapping[str, str]) -> Answer:
    kind = query.get("kind", "")
    strength = _number(query, "strength", corruptions.LARGEST.get(kind, 1.0))
    model = resources.model(query.get("model", ""))
    x = fitted(x, model)
    noisy = corruptions.corrupt(x, kind, strength, torch.Generator().manual_seed(_seed(query)))
    labels = label_scores(model, noisy, QUICK).argmax(1) if model.config.n_classes else None
    cleaned = [tasks.denoise(denoiser, fitted(noisy, denoiser)) for denoiser in denoisers(query)]
    cleaned.append(tasks.reconstruct(model, noisy, labels))
    notes = ["", *(f"PSNR {float(metrics.psnr(metrics.mse(x, y)).clamp(max=99)):.1f} dB" for y in (noisy, *cleaned))]
    return Answer(images.grey(torch.cat([x, noisy, *cleaned])), notes)


def denoisers(query: Mapping[str, str]) -> list:
    """Return the denoising autoencoder of the query, or none where it names none."""
    name = query.get("denoiser", "")
    return [resources.model(name, ("denoising",))] if name else []


def _inpaint(x: Tensor, query: Mapping[str, str]) -> Answer:
    completed = completions(x, query)[0]  # (8, 1, S, S)
    pictures = [
        images.grey(completed),
        images.grey(completed.mean(0, keepdim=True)),
        images.heat(completed.std(0, keepdim=True)),
    ]
    return Answer(np.concatenate(pictures))


def completions(x: Tensor, query: Mapping[str, str]) -> Tensor:
    """Return completions (1, 8, 1, S, S) of x with its `hole` hidden, by the `painter` or, with a `label`, the `model`.

    ValueError unless the hole hides a part of it.
    """
    label = query.get("label", "")
    model = resources.model(query.get("model", "")) if label else resources.model(query.get("painter", ""), PAINTERS)
    if label and codecs.whole(label, model.config.n_classes) is None:
        raise ValueError(f"label must be a whole number from 0 to {model.config.n_classes - 1}.")
    x = fitted(x, model)
    hidden = torch.from_numpy(unpack_bits(query.get("hole", ""), x.shape[-1]))
    if not hidden.any():
        raise ValueError("Nothing is hidden yet: paint over a part of the picture or choose a preset.")
    if hidden.all():
        remedy = "leave a part of the picture visible, so that there is something to complete."
        raise ValueError(f"Everything is hidden: {remedy}")
    generator = torch.Generator().manual_seed(_seed(query))
    return tasks.inpaint(model, x, ~hidden, COMPLETIONS, generator, torch.tensor([int(label)]) if label else None)


def here(query: Mapping[str, str], side: int) -> dict | None:
    """Return what a page of pictures of this side needs to answer a query by itself, as the pen or the brush moves.

    These are `models` with their versions, the `noise` that `answer` draws, how the picture is spoiled (both float32),
    and the `colours` of the last picture. Where the server has to answer it is a `note` that says why, and None where
    nothing moves or is understood.
    """
    task, paints = query.get("task"), query.get("task") == "inpaint"
    moves = paints or (task in ("see", "reconstruct", "denoise") and "digit" not in query)
    name = query.get("model" if query.get("label") or not paints else "painter", "")
    if not moves or not name:
        return None
    names = [name, *filter(None, [query.get("denoiser") if task == "denoise" else ""])]
    models = [resources.model(each, tuple(FAMILIES)) for each in names]
    if not all(model.config.kind.draws and model.config.image_shape == (1, side, side) for model in models):
        return None
    if paints and not models[0].config.kind.completes:
        rounds = f"in {tasks.GIBBS_STEPS} rounds of encoding and decoding"
        return {"note": f"{name} completes {rounds}; the server does that, so it follows the brush less closely."}
    return {
        "models": [[each, resources.version(each)] for each in names],
        "noise": _noise(models[0], query),
        "colours": images.HEAT if paints else images.DIFFERENCE,
        "spoils": _recipe(query, side) if task == "denoise" else None,
    }


def _noise(model: "LatentModel", query: Mapping[str, str]) -> str:
    """Return the standard normal numbers that `answer` draws for a model."""
    count, seed = (COMPLETIONS, _seed(query)) if query.get("task") == "inpaint" else (QUICK, 0)
    if query.get("task") == "see":
        return ""
    return _as_text(tasks.normal(model, count, generator=torch.Generator().manual_seed(seed)))


def _recipe(query: Mapping[str, str], side: int) -> dict[str, str]:
    kind, strength = query.get("kind", ""), float(query.get("strength", ""))
    generator = torch.Generator().manual_seed(_seed(query))
    made = corruptions.recipe(kind, strength, (side, side), generator)
    return {name: _as_text(numbers) for name, numbers in made.items()}


def _as_text(numbers: Tensor) -> str:
    return codecs.to_text(numbers.numpy().astype(np.float32).tobytes())


def label_scores(model: "LatentModel", x: Tensor, n_importance: int) -> Tensor:
    """Return log p(x | y) (N, n_classes), the same for the same picture whatever stands beside it."""
    noise = tasks.normal(model, 1, n_importance, generator=torch.Generator().manual_seed(0))
    return tasks.label_bounds(model, x, noise.expand(len(x), -1, -1))


def pack_bits(bits: np.ndarray) -> str:
    """Return a bitmap (side, side) as base64url text."""
    return codecs.to_text(np.packbits(bits.astype(bool)).tobytes())


def unpack_bits(text: str, side: int) -> np.ndarray:
    """Return the bitmap (side, side) bool that `pack_bits` wrote; ValueError for anything else."""
    raw = codecs.from_text(text)
    if len(raw) != math.ceil(side * side / 8):
        raise ValueError(f"expected {side} x {side} bits as base64url text; got {len(raw)} bytes.")
    return np.unpackbits(np.frombuffer(raw, np.uint8), count=side * side).reshape(side, side).astype(bool)


def pack_digit(x: Tensor) -> str:
    """Return a picture (1, 1, S, S) in [0, 1] as base64url text of its bytes, zlib-compressed."""
    return codecs.deflate(images.to_uint8(x).tobytes())


def unpack_digit(text: str) -> Tensor:
    """Return the picture (1, 1, S, S) that `pack_digit` wrote; ValueError for anything else."""
    try:
        raw = codecs.inflate(text, LARGEST**2)
    except ValueError as error:
        raise ValueError(DAMAGED) from error
    side = math.isqrt(len(raw))
    if side < SMALLEST or side * side != len(raw):
        raise ValueError(INCOMPLETE)
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(1, 1, side, side) / 255


def shorten(bits_text: str) -> str:
    """Return `pack_bits` text compressed, for an address, as ui/widgets/codecs.js does."""
    return codecs.deflate(codecs.from_text(bits_text))


def lengthen(text: str, side: int) -> str:
    """Return the inverse of `shorten` for a bitmap of this side; ValueError for anything else."""
    return codecs.to_text(inflated(text, math.ceil(side * side / 8)))


def inflated(text: str, size: int) -> bytes:
    """Return exactly `size` bytes that were compressed; never more are made of them, whatever the text claims."""
    raw = codecs.inflate(text, size)
    if len(raw) != size:
        raise ValueError(INCOMPLETE)
    return raw


def _number(query: Mapping[str, str], name: str, most: float) -> float:
    value = codecs.number(query.get(name, ""), 0, most)
    if value is None:
        raise ValueError(f"{name} must be a number from 0 to {most:g}.")
    return value


def _seed(query: Mapping[str, str]) -> int:
    return int(_number(query, "seed", SEEDS - 1))
