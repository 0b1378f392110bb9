"""What all sessions share, loaded once and again when its files change: models and the files beside their weights."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cvae import checkpoints, faces, maps, runs, sliders
from cvae import progress as kept_progress
from cvae.families import belongs, those
from cvae.neighbours import ExactIndex
from ui.shell import fetch, images, points
from ui.shell.caching import remembered

if TYPE_CHECKING:
    from cvae.config import ModelConfig, Preset
    from cvae.models import AnyModel


@dataclass(frozen=True)
class Listed:
    """A model as its folder describes it, before it is loaded: enough to choose one among hundreds."""

    preset: "Preset"

    @property
    def config(self) -> "ModelConfig":
        return self.preset.model


@dataclass(frozen=True)
class Encoded:
    """Test digits in latent space: base coordinates u (N, D) float32 and labels (N,) int64."""

    u: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Progress:
    """What a model made during its training: one PNG of each kind of picture, or a JPEG in colour, a row per epoch."""

    epochs: list[int]
    sheets: dict[str, bytes]
    tiles: int


SHOWN = 10  # faces of the gallery at a time
FACES = "lfw"  # the data set, as cvae/data/sets.py has it, which the app need not load
MAPPED = those(lambda family: family.has_likelihood)  # of which there are maps
GENERATIVE = those(lambda family: family.decodes)
COMPLETING = those(lambda family: family.completes)
PAINTING = (*COMPLETING, *GENERATIVE)  # the latter by encoding and decoding in turn


def available(families: tuple[str, ...] = GENERATIVE) -> tuple[dict[str, Listed], list[str]]:
    """Return what there is of these families by name, unloaded, and one line for every folder that cannot be used."""
    told = {name: _listed(*_stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS)) for name in checkpoints.list_runs()}
    problems = checkpoints.unnamed() + [result for result in told.values() if isinstance(result, str)]
    fitting = {name: m for name, m in told.items() if not isinstance(m, str) and belongs(m.config, families)}
    return fitting, problems


def model(name: str, families: tuple[str, ...] = GENERATIVE) -> "AnyModel":
    """Return one model of these families; ValueError says in one line why there is none of this name."""
    if not checkpoints.is_run(name):
        raise ValueError(f"unknown model {name[:40]!r}; there are: {', '.join(available(families)[0]) or 'none yet'}.")
    loaded = _load(*_stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS))
    if isinstance(loaded, str):
        raise ValueError(loaded)
    if not belongs(loaded.config, families):
        raise ValueError(f"{name} is of the {loaded.config.family} family; this needs one of: {', '.join(families)}.")
    return loaded


def is_digit(model: "AnyModel | Listed") -> bool:
    """Tell whether a model's pictures are grey and 28x28, as those that the visitor draws."""
    return tuple(model.config.image_shape) == (1, 28, 28)


def is_grey(model: "AnyModel") -> bool:
    """Tell whether a model's pictures are grey squares, so that a drawing can be made to fit them."""
    channels, height, width = model.config.image_shape
    return channels == 1 and height == width


def is_alike(model: "AnyModel", other: "AnyModel") -> bool:
    """Tell whether two models have pictures of the same classes, size and number of channels."""
    same_classes = tuple(model.preset.classes) == tuple(other.preset.classes)
    return same_classes and tuple(model.config.image_shape) == tuple(other.config.image_shape)


def is_picture(model: "AnyModel") -> bool:
    """Tell whether a model belongs where pictures of any kind do: all but faces, which have a page of their own."""
    return not _of_faces(model) and not is_face(model)


def is_told_face(model: "AnyModel") -> bool:
    """Tell whether a model draws faces and is told a label of them."""
    return _of_faces(model) and model.config.kind.decodes and model.config.n_classes > 0


def is_generated(model: "AnyModel") -> bool:
    """Tell whether new pictures of a model have no page of their own: all but faces without labels."""
    return is_picture(model) or is_told_face(model)


def twin(model: "AnyModel") -> str:
    """Return the name of a model that shows faces as this one does, told a label if this is not; empty without."""
    wanted = is_face if is_told_face(model) else is_told_face
    shows = lambda of: (tuple(of.config.image_shape), of.preset.data.crop)  # noqa: E731
    return next((name for name, other in available()[0].items() if wanted(other) and shows(other) == shows(model)), "")


def _of_faces(model: "AnyModel") -> bool:
    """Tell whether a model learned from the faces that evaluate.py measures, perhaps to tell whether they smile."""
    return model.preset.data.dataset.split(":")[0] == FACES


def encoded(name: str) -> Encoded | None:
    """Return the encoded test digits of a model, or None where evaluate.py has not written them."""
    return _encoded(*_stamped(name, checkpoints.CONFIG, checkpoints.MAP))


def is_face(model: "AnyModel") -> bool:
    """Tell whether a model's pictures are faces: square, in colour, and the data or codes beside it are of faces.

    One that is told a label has no such codes.
    """
    channels, height, width = model.config.image_shape
    alike = channels == 3 and height == width and not model.config.n_classes
    return alike and (_of_faces(model) or has_space(model.preset.name))


def has_points(name: str) -> bool:
    """Tell whether encoded test pictures lie beside a model; whether they are sound is another question."""
    return (checkpoints.ROOT / name / checkpoints.MAP).is_file()


def has_progress(name: str) -> bool:
    """Tell whether pictures of its training lie beside a model; whether they are sound is another question."""
    return (checkpoints.ROOT / name / checkpoints.PROGRESS).is_file()


def has_space(name: str) -> bool:
    """Tell whether the codes of faces lie beside a model; whether they are sound is another question."""
    return (checkpoints.ROOT / name / faces.FILE).is_file()


def space(name: str) -> faces.Space:
    """Return the faces in the latent space of a model; ValueError in one line where they are missing or damaged."""
    loaded = _space(*_stamped(name, checkpoints.CONFIG, faces.FILE))
    if isinstance(loaded, str):
        raise ValueError(loaded)
    return loaded


def code(name: str, photo: str, x: Tensor) -> Tensor:
    """Return the code (D,) of a picture x (1, C, H, W), which the text `photo` stands for; made only once."""
    return _code(name, photo, _stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS), x)


def sliders_of(name: str) -> sliders.Sliders | None:
    """Return the sliders with names of a model, None without any; ValueError in one line for damaged ones."""
    loaded = _sliders(*_stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS, sliders.FILE))
    if isinstance(loaded, str):
        raise ValueError(loaded)
    return loaded


def figures(name: str) -> dict:
    """Return what evaluate.py has measured of a model, empty where it has not or where its file is damaged."""
    return run(name).metrics


def run(name: str) -> runs.Run:
    """Return what the text files of a run tell of its training and its figures."""
    return _run(*_stamped(name, runs.METRICS, runs.HISTORY))


def latent_map(name: str) -> maps.LatentMap:
    """Return the map of a model; ValueError in one line, with the remedy, where it is missing, stale or damaged."""
    model(name, MAPPED)
    loaded = _latent_map(*_stamped(name, checkpoints.WEIGHTS, checkpoints.MAP))
    if isinstance(loaded, str):
        raise ValueError(loaded)
    return loaded


def map_figures(name: str) -> dict[str, dict] | None:
    """Return the figures of the map of a model, which is not laid out for it; None where there is no map to show."""
    return _map_figures(*_stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS, checkpoints.MAP))


def version(name: str, *files: str) -> str:
    """Return text that changes with the weights of a model, and with these files beside them."""
    return "-".join(f"{stamp:x}" for stamp in _stamped(name, checkpoints.WEIGHTS, *files)[1])


def map_version(name: str) -> str:
    """Return text that changes with the map of a model and with its weights."""
    return version(name, checkpoints.MAP)


def map_points(name: str) -> tuple[bytes, dict]:
    """Return points.pack of a model's map, made once; ValueError as of `latent_map`."""
    latent_map(name)
    return _map_points(*_stamped(name, checkpoints.WEIGHTS, checkpoints.MAP))


def thumbnail_map(name: str) -> bytes:
    """Return the t-SNE of a model's map as a transparent PNG, coloured by digit; ValueError as of `latent_map`."""
    latent_map(name)
    return _thumbnail_map(*_stamped(name, checkpoints.WEIGHTS, checkpoints.MAP))


def neighbours(name: str, space: str) -> ExactIndex:
    """Return the index of a map's digits: latent, reconstructions, or originals where MNIST is on this machine."""
    return _neighbours(*_stamped(name, checkpoints.WEIGHTS, checkpoints.MAP), space)


def originals() -> np.ndarray | None:
    """Return the real test digits (N, 28, 28) uint8, None where MNIST is not on this machine or is damaged."""
    test = fetch.read_test()
    return test[0] if isinstance(test, tuple) else None


def originals_sprite() -> bytes:
    """Return the real test digits in one PNG, made once; ValueError without MNIST on this machine."""
    if originals() is None:
        raise ValueError("MNIST's test digits are not on this machine.")
    return _originals_sprite(fetch.stamp())


def pictures(name: str) -> np.ndarray:
    """Return the reconstructions of a map's digits, (N, 28, 28) uint8 in 16 greys."""
    return _pictures(*_stamped(name, checkpoints.WEIGHTS, checkpoints.MAP))


def map_png(name: str) -> bytes | None:
    """Return the class map of a two-dimensional model as a transparent PNG, or None without encoded digits."""
    return _map_png(*_stamped(name, checkpoints.CONFIG, checkpoints.MAP))


def landmarks(name: str) -> list[tuple[float, float, int]]:
    """Return x, y, class for each class of a two-dimensional model: where its name stands on the map."""
    return _landmarks(*_stamped(name, checkpoints.CONFIG, checkpoints.MAP))


def kl_per_dim(name: str) -> list[float] | None:
    """Return the mean KL of every latent dimension in nats, or None where evaluate.py has not measured it."""
    return run(name).kl_per_dim(model(name).config.latent_dim)


def spread(name: str) -> tuple[np.ndarray, int] | None:
    """Return the quantiles of log p(x) over the test digits, from the least to the largest, and the samples it took.

    None where evaluate.py has not measured them.
    """
    try:
        measured = figures(name)["classification"]
        quantiles = np.array(measured["log_likelihood_quantiles"], dtype=float)
        fits = quantiles.ndim == 1 and len(quantiles) > 1 and bool(np.isfinite(quantiles).all())
        return (quantiles, int(measured["n_importance"])) if fits else None
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def history(name: str) -> dict[str, np.ndarray]:
    """Return the columns of a run's history.csv, NaN where one is empty; no columns where it is missing or damaged."""
    return {column: np.array(values) for column, values in run(name).history.items()}


def progress(name: str) -> Progress | None:
    """Return what a run of any family made at chosen epochs; None if no such pictures are stored, or damaged ones."""
    return _progress(*_stamped(name, checkpoints.CONFIG, checkpoints.PROGRESS))


def kept(name: str, about: tuple, make: Callable[[], Tensor]) -> Tensor:
    """Return make(), made once for all who open a page as it is linked; `about` tells it from all else of a model."""
    return _kept(*_stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS, checkpoints.MAP, faces.FILE), about, make)


def exported(name: str) -> tuple[Path, tuple[int, ...]]:
    """Return the folder of a model with the times of what its HTML file is made from."""
    return _stamped(name, checkpoints.CONFIG, checkpoints.WEIGHTS, checkpoints.METRICS, checkpoints.MAP)


def _stamped(name: str, *files: str) -> tuple[Path, tuple[int, ...]]:
    """Return the folder with the times of its files, so that a cached value is read anew when they change."""
    folder = checkpoints.ROOT / name
    return folder, tuple(_time(os.path.join(folder, file)) for file in files)


def _time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


@remembered
def _listed(folder: Path, stamp: tuple[int, ...]) -> Listed | str:
    """Return what a folder describes, called as that, or one line that says what is wrong."""
    try:
        # config.json of a copied folder has the name of the original
        return Listed(replace(checkpoints.describe(folder), name=folder.name))
    except (ValueError, OSError) as error:
        return _left_out(folder, error)


@remembered
def _load(folder: Path, stamp: tuple[int, ...]) -> "AnyModel | str":
    """Return the model in a folder, called as that, or one line that says what is wrong."""
    try:
        loaded: AnyModel = checkpoints.load_run(folder)
        loaded.preset = replace(loaded.preset, name=folder.name)
        return loaded
    except (ValueError, OSError) as error:
        return _left_out(folder, error)


def _left_out(folder: Path, error: Exception) -> str:
    return f"{folder.name} is left out: {' '.join(str(error).split())}"


@remembered
def _code(name: str, photo: str, stamp: tuple, _x: Tensor) -> Tensor:
    return faces.code(model(name), _x)[0]


@remembered
def _kept(folder: Path, stamp: tuple[int, ...], about: tuple, _make: Callable[[], Tensor]) -> Tensor:
    return _make()


@remembered
def _space(folder: Path, stamp: tuple[int, ...]) -> faces.Space | str:
    try:
        codes, dims = faces.load(folder), checkpoints.load_preset(folder).model.latent_dim
    except (ValueError, OSError) as error:
        return str(error)
    if (held := codes.u.shape[1]) != dims:  # the model was trained anew, or the file copied
        remedy = f"make it anew with: python evaluate.py {folder.name}"
        return f"{folder / faces.FILE} holds codes of {held} numbers, and this model has {dims}; {remedy}"
    return codes


@remembered
def _sliders(folder: Path, stamp: tuple[int, ...]) -> sliders.Sliders | str | None:
    try:
        return sliders.load(folder)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        return str(error)


@remembered
def _encoded(folder: Path, stamp: tuple[int, ...]) -> Encoded | None:
    config = model(folder.name).config
    try:
        return Encoded(*maps.load_points(folder, config))
    except (OSError, ValueError):  # the page then says how to make it anew
        return None


@remembered
def _map_png(folder: Path, stamp: tuple[int, ...]) -> bytes | None:
    digits = encoded(folder.name)
    if digits is None or digits.u.shape[1] != 2:
        return None
    return images.scatter_png(digits.u, digits.labels, images.SPAN)


@remembered
def _landmarks(folder: Path, stamp: tuple[int, ...]) -> list[tuple[float, float, int]]:
    digits = encoded(folder.name)
    if digits is None or digits.u.shape[1] != 2:
        return []
    return maps.landmarks(digits.u, digits.labels, images.SPAN)


@remembered
def _run(folder: Path, stamp: tuple[int, ...]) -> runs.Run:
    return runs.read(folder)


@remembered
def _progress(folder: Path, stamp: tuple[int, ...]) -> Progress | None:
    try:
        epochs, sheets = kept_progress.load(folder, checkpoints.load_preset(folder).model.image_shape)
    except (OSError, ValueError):
        return None
    per_epoch = next(iter(sheets.values())).shape[1]
    return Progress(epochs, {kind: _sheet(pictures) for kind, pictures in sheets.items()}, per_epoch)


def _sheet(pictures: np.ndarray) -> bytes:
    """Return pictures (E, N, H, W, C) uint8 as one picture with a row for each epoch."""
    epochs, columns, height, width, channels = pictures.shape
    sheet = pictures.swapaxes(1, 2).reshape(epochs * height, columns * width, channels)
    return images.png(sheet[..., 0]) if channels == 1 else images.jpeg(sheet)


@remembered
def _latent_map(folder: Path, stamp: tuple[int, ...]) -> maps.LatentMap | str:
    try:
        return maps.load_map(folder)
    except (ValueError, OSError) as error:
        return str(error)


@remembered
def _map_figures(folder: Path, stamp: tuple[int, ...]) -> dict[str, dict] | None:
    try:
        return maps.load_figures(folder)
    except (ValueError, OSError):
        return None


@remembered
def _map_points(folder: Path, stamp: tuple[int, ...]) -> tuple[bytes, dict]:
    return points.pack(latent_map(folder.name))


@remembered
def _thumbnail_map(folder: Path, stamp: tuple[int, ...]) -> bytes:
    held = latent_map(folder.name)
    xy = held.embeddings["tsne"]
    return images.scatter_png(points.normalised(xy, xy).numpy() - 0.5, held.labels.numpy(), 0.52)


@remembered
def _neighbours(folder: Path, stamp: tuple[int, ...], space: str) -> ExactIndex:
    if space == "latent":
        return ExactIndex(latent_map(folder.name).u)
    rows = pictures(folder.name) if space == "reconstructions" else originals()
    assert rows is not None  # nobody asks for neighbours among originals that are not there
    return ExactIndex(torch.from_numpy(rows.reshape(len(rows), -1) / np.float32(255)))


@remembered
def _originals_sprite(stamp: tuple) -> bytes:
    rows = originals()
    assert rows is not None  # else there is no address of their pictures
    return maps.make_sprite(rows)


@remembered
def _pictures(folder: Path, stamp: tuple[int, ...]) -> np.ndarray:
    held = latent_map(folder.name)
    return maps.cut_sprite(held.sprite, len(held))
