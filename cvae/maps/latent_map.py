"""The map of a model: the test images in its latent space and on the plane, kept beside its weights in map.npz."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvae import archives, checkpoints, documents, latent, limits, metrics, tasks
from cvae.archives import REAL, TEXT, WHOLE, Form
from cvae.config import ModelConfig, Preset
from cvae.maps import embeddings
from cvae.models import LatentModel

if TYPE_CHECKING:  # the app reads maps, and never loads a data set
    from cvae.data import ImageSet

EMBEDDINGS = {"plane": "The latent plane", "tsne": "t-SNE", "pca": "PCA"}  # array -> its name on the page, in order
HALVES = ("u", "mu", "nll", "kl")  # stored as float16 where that holds them
FORMS = {  # of the arrays in the file
    **{name: Form(REAL, axes) for name, axes in {"u": 2, "mu": 2, "nll": 1, "kl": 1, "plane": 2, "tsne": 2}.items()},
    **{name: Form(WHOLE, 1) for name in ("labels", "sprite")},
    "about": Form(TEXT, 0),
}
COLUMNS = 100  # of the sprite
TILE = 28  # pixels of a picture's side
FEWEST, MOST_CLASSES = 30, 256  # images that have neighbours to tell of; classes that fit a byte


@dataclass(frozen=True)
class LatentMap:
    """What map.npz holds of N images; no picture of the data set itself.

    u and mu are the posterior means (N, D) in base coordinates and as z; labels (N,) int64; nll and kl (N,) in nats;
    embeddings are xy (N, 2) by their name in EMBEDDINGS. `sprite` is a PNG of all
    reconstructions, COLUMNS in a row, in 16 greys. `figures` say how well each embedding keeps neighbours.
    """

    u: Tensor
    mu: Tensor
    labels: Tensor
    nll: Tensor
    kl: Tensor
    embeddings: dict[str, Tensor]
    sprite: bytes
    figures: dict

    def __len__(self) -> int:
        return len(self.labels)


def obstacle(preset: Preset, images: int | None = None, classes: int = 0) -> str:
    """Return in a sentence why there can be no map of a model, empty text where there can.

    `images` and `classes` are the numbers of test pictures and of classes, where they are known.
    """
    config = preset.model
    if not config.kind.has_likelihood or config.image_shape[0] != 1 or config.latent_dim < 2:
        kind = f"a {config.family} model of {config.latent_dim} latents, {config.image_shape[0]} channels"
        return f"A map needs a vae or cvae of grey pictures and at least two latents; {preset.name} is {kind}."
    if classes > MOST_CLASSES:
        return f"A map shows at most {MOST_CLASSES} classes; {preset.data.dataset} has {classes}."
    if images is not None and images < FEWEST:
        remedy = "Add pictures to it, in its test folder where it has one, and train the model anew."
        return f"A map needs at least {FEWEST} test pictures; {preset.data.dataset} has {images}. {remedy}"
    return ""


def make_map(
    model: LatentModel, images: "ImageSet", seed: int = 0, progress: Callable[[int], None] | None = None
) -> LatentMap:
    """Encode grey images (N, 1, H, W) and lay them out; `progress` gets the steps of t-SNE done so far.

    ValueError where the model gives too few of them a code of their own.
    """
    from cvae.data import binarize

    u = latent.encode_dataset(model, images)
    _tell_apart(model, u)
    generator = torch.Generator().manual_seed(seed)
    x, labels = images.pixels(), images.labels if model.config.n_classes else None
    nll, kl = metrics.nll_and_kl(model, binarize(x, generator) if model.preset.data.binarize else x, labels, generator)
    mu = _means(model, x, labels)
    layouts, figures = _embed(u, images.labels, seed, progress)
    figures["mu"] = {"knn_accuracy": embeddings.knn_accuracy(mu, images.labels)}
    x_hat = tasks.decode(model, u, labels)
    tiles = torch.nn.functional.interpolate(x_hat, (TILE, TILE), mode="bilinear", antialias=True)
    sprite = make_sprite((tiles[:, 0] * 255).round().clamp(0, 255).byte().numpy())
    return LatentMap(u, mu, images.labels, nll, kl, layouts, sprite, figures)


def _tell_apart(model: LatentModel, u: Tensor) -> None:
    """Raise ValueError unless enough of the codes u (N, D) differ, in the precision in which they are stored."""
    name = model.preset.name
    if not u.isfinite().all():
        raise ValueError(f"{name} gives codes that are no numbers: its training diverged. Train it anew.")
    if (n := len(u.half().unique(dim=0))) < FEWEST:
        codes = "the same code" if n == 1 else f"only {n} different codes"
        raise ValueError(
            f"a map needs at least {FEWEST} different codes; {name} gives the {len(u)} test pictures {codes}. "
            "If they differ, its posterior has collapsed: train it anew with a lower --lr or --beta."
        )


@torch.inference_mode()
def _means(model: LatentModel, x: Tensor, labels: Tensor | None) -> Tensor:
    chunks = torch.arange(len(x)).split(latent.BATCH)
    return torch.cat([model.encode(x[rows], None if labels is None else labels[rows]).mode() for rows in chunks])


def _embed(
    u: Tensor, labels: Tensor, seed: int, progress: Callable[[int], None] | None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the embeddings, and figures for "u" and each of them."""
    coordinates, shares = embeddings.pca(u)
    layouts = {"tsne": embeddings.tsne(u, seed, progress), "pca": coordinates}
    layouts |= {"plane": u} if u.shape[1] == 2 else {}
    figures: dict[str, dict[str, Any]] = {"u": {"knn_accuracy": embeddings.knn_accuracy(u, labels)}}
    for name, xy in layouts.items():
        figures[name] = {
            "knn_accuracy": embeddings.knn_accuracy(xy, labels),
            "trustworthiness": embeddings.trustworthiness(u, xy),
        }
    figures["pca"]["variance"] = shares.tolist()
    return layouts, figures


def make_sprite(pictures: np.ndarray) -> bytes:
    """Return grey pictures (N, 28, 28) uint8 as one PNG in 16 greys, COLUMNS in a row."""
    rows = -(-len(pictures) // COLUMNS)
    tiles = np.zeros((rows * COLUMNS, TILE, TILE), np.uint8)
    tiles[: len(pictures)] = (pictures.astype(np.uint16) * 15 + 127) // 255
    sheet = tiles.reshape(rows, COLUMNS, TILE, TILE).swapaxes(1, 2).reshape(rows * TILE, COLUMNS * TILE)
    picture = Image.fromarray(sheet, "P")
    picture.putpalette([17 * level for level in range(16) for _ in range(3)])
    out = io.BytesIO()
    picture.save(out, "PNG", bits=4, optimize=True)
    return out.getvalue()


def cut_sprite(sprite: bytes, n: int) -> np.ndarray:
    """Return the n pictures (n, 28, 28) uint8 of a sprite that `make_sprite` wrote."""
    sheet = np.asarray(Image.open(io.BytesIO(sprite)).convert("L"))
    rows = len(sheet) // TILE
    return sheet.reshape(rows, TILE, COLUMNS, TILE).swapaxes(1, 2).reshape(-1, TILE, TILE)[:n]


def save_map(folder: Path, layout: LatentMap) -> None:
    """Replace the map.npz in a run's folder, marked with the weights that lie there."""
    arrays: dict[str, Any] = {name: _halved(getattr(layout, name)) for name in HALVES}
    if np.array_equal(arrays["mu"], arrays["u"]):  # so it is without a learned prior
        del arrays["mu"]
    arrays |= {name: xy.numpy() for name, xy in layout.embeddings.items() if name != "pca"}  # made of u in no time
    about = {"weights": checkpoints.weights_hash(folder), "figures": layout.figures}
    out = io.BytesIO()
    np.savez_compressed(
        out,
        **arrays,
        labels=layout.labels.byte().numpy(),
        sprite=np.frombuffer(layout.sprite, np.uint8),
        about=np.array(json.dumps(about)),
    )
    checkpoints.write_bytes(folder / checkpoints.MAP, out.getvalue())


def _halved(values: Tensor) -> np.ndarray:
    half = values.half()
    return (half if half.isfinite().all() else values).numpy()  # the nats of a large picture may leave its range


def load_map(name_or_path: str | Path) -> LatentMap:
    """Return the map of a run; FileNotFoundError or ValueError, in one line with the command that makes a new one.

    ValueError if the file is damaged, was made from other weights, or holds no embedding. Where there can be no map of
    the model at all it says why instead.
    """
    folder = checkpoints.run_dir(name_or_path)
    remedy = f"Make a new one with: python evaluate.py --map {folder.name}"
    path = folder / checkpoints.MAP
    if not path.is_file():
        if reason := obstacle(checkpoints.load_preset(folder)):
            raise ValueError(reason)
        raise FileNotFoundError(f"{folder.name} has no map yet, which needs at least {FEWEST} test pictures. {remedy}")
    damaged = f"The map of {folder.name} is damaged. {remedy}"
    preset = checkpoints.load_preset(folder)
    try:
        arrays = archives.read(path, FORMS)
    except ValueError as error:
        raise ValueError(damaged) from error
    if "about" not in arrays:
        if reason := obstacle(preset, len(arrays.get("labels", ())), len(preset.classes)):
            raise ValueError(reason)
        raise ValueError(f"The map of {folder.name} holds encoded digits, but no t-SNE of them. {remedy}")
    try:
        about = documents.parsed(str(arrays["about"]))
        layout = _unpack(arrays, about["figures"], preset.model)
        weights = about["weights"]
    except (KeyError, TypeError, ValueError, OSError, SyntaxError) as error:  # Pillow has a SyntaxError for a bad PNG
        raise ValueError(damaged) from error
    if weights != checkpoints.weights_hash(folder):
        raise ValueError(f"The map of {folder.name} was made from other weights. {remedy}")
    return layout


def load_figures(folder: Path) -> dict:
    """Return the figures of the map of a run alone, in a fraction of the time; ValueError or OSError without a map."""
    arrays = archives.read(folder / checkpoints.MAP, {"about": FORMS["about"]})
    try:
        about = documents.parsed(str(arrays["about"]))
        figures, weights = _checked_figures(about["figures"]), about["weights"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"the map of {folder.name} is damaged") from error
    if weights != checkpoints.weights_hash(folder):
        raise ValueError(f"the map of {folder.name} was made from other weights")
    return figures


def load_points(folder: Path, config: ModelConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the encoded test pictures of a model: base coordinates u (N, D) float32 and labels (N,) int64.

    FileNotFoundError where there are none, ValueError where they are damaged or of another model.
    """
    arrays = archives.read(folder / checkpoints.MAP, {name: FORMS[name] for name in ("u", "labels")})
    if len(arrays) < 2 or not len(arrays["labels"]):
        raise ValueError(f"the map of {folder.name} holds no encoded pictures.")
    u, labels = _points(arrays, config)
    return u.numpy(), labels.numpy()


def _points(arrays: dict[str, np.ndarray], config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Return u (N, D) and labels (N,) of these arrays; KeyError or ValueError where they are not of such a model."""
    u, labels = _real(arrays["u"]), torch.from_numpy(arrays["labels"].astype(np.int64))
    if u.shape != (len(labels), config.latent_dim) or len(labels) > limits.POINTS:
        raise ValueError("the codes are not of this model")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < (config.n_classes or limits.CLASSES):
        raise ValueError("there are labels that the model does not have")
    return u, labels


def _real(array: np.ndarray) -> Tensor:
    """Return an array as float32; ValueError where it holds what is no number, or hardly one."""
    values = torch.from_numpy(array).float()
    if not bool((values.abs() < limits.VALUE).all()):
        raise ValueError("there are numbers that are none")
    return values


def _unpack(arrays: dict[str, np.ndarray], figures: dict, config: ModelConfig) -> LatentMap:
    """Return the map in these arrays; KeyError or ValueError where something is missing or does not fit."""
    u, labels = _points(arrays, config)
    n = len(labels)
    mu, nll, kl = (_real(arrays[name]) for name in ("mu" if "mu" in arrays else "u", "nll", "kl"))
    layouts = {name: _real(arrays[name]) for name in EMBEDDINGS if name in arrays}
    fits = mu.shape == u.shape and nll.shape == kl.shape == (n,) and n > 0 and int(labels.max()) < MOST_CLASSES
    if not (fits and "tsne" in layouts and all(xy.shape == (n, 2) for xy in layouts.values())):
        raise ValueError("the arrays do not belong together")
    layouts["pca"] = embeddings.pca(u)[0]
    if any(bool((xy == xy[0]).all()) for xy in layouts.values()):
        raise ValueError("all points are in one place")
    sprite = arrays["sprite"].astype(np.uint8).tobytes()
    _check_sprite(sprite, n)
    return LatentMap(u, mu, labels, nll, kl, layouts, sprite, _checked_figures(figures))


def _check_sprite(sprite: bytes, n: int) -> None:
    """Raise ValueError or OSError unless this is a whole PNG of n pictures, in the size in which they stand there."""
    picture = Image.open(io.BytesIO(sprite), formats=["PNG"])
    if picture.size != (COLUMNS * TILE, -(-n // COLUMNS) * TILE):
        raise ValueError("the sprite does not fit")
    picture.load()


def _checked_figures(figures: Any) -> dict:
    """Return what is said of how well neighbours are kept; KeyError, TypeError or ValueError where it is not that."""
    if not (isinstance(figures, dict) and "tsne" in figures and all(isinstance(v, dict) for v in figures.values())):
        raise ValueError("figures must be told for t-SNE")
    for space, told in figures.items():
        shares = [told["knn_accuracy"], *told.get("variance", [])]
        shares += [told["trustworthiness"]] if space in EMBEDDINGS else []
        if any(type(share) not in (int, float) or not 0 <= share <= 1 for share in shares):
            raise ValueError("figures must be shares")
    return figures


def landmarks(u: np.ndarray, labels: np.ndarray, span: float) -> list[tuple[float, float, int]]:
    """Return x, y, class for each class: the cell of a coarse grid that holds most of it and least of the others.

    u is (N, 2), labels (N,); the grid reaches from -span to span.
    """
    if not len(u):
        return []
    edges, classes = np.linspace(-span, span, 25), np.unique(labels)
    counts = np.stack([np.histogramdd(u[labels == c], bins=[edges, edges])[0] for c in classes])
    cells = (counts**2 / counts.sum(0).clip(1)).reshape(len(classes), -1).argmax(1)
    middle = (edges[1:] + edges[:-1]) / 2
    return [(float(middle[i // 24]), float(middle[i % 24]), int(c)) for i, c in zip(cells, classes, strict=True)]
