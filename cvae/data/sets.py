"""Data sets as tensors in memory, their splits, and the little that is done to a batch before a model sees it."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from cvae.config import DataConfig
from cvae.data import folders, mnist_files, reading
from cvae.data import lfw_files as faces
from cvae.data.mnist_files import default_data_dir

DATASETS = {  # name -> torchvision class, its extra arguments
    "mnist": ("MNIST", {}),
    "fashion_mnist": ("FashionMNIST", {}),
    "kmnist": ("KMNIST", {}),
    "emnist_digits": ("EMNIST", {"split": "digits"}),
}
IDX = ("MNIST", "FashionMNIST", "KMNIST")  # of which files that torchvision does not know by name are read too
FACES = "lfw"  # the set of faces; "lfw:Smiling" has the labels of that attribute


@dataclass(frozen=True)
class ImageSet:
    """Images (N, C, H, W) uint8 with labels (N,) int64 and the class names in label order."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "ImageSet":
        if isinstance(index, Tensor) and index.dtype == torch.int64:  # much sooner there than by brackets
            return ImageSet(self.images.index_select(0, index), self.labels.index_select(0, index), self.classes)
        return ImageSet(self.images[index], self.labels[index], self.classes)

    def pixels(self) -> Tensor:
        """Return the images as float32 in [0, 1]."""
        return self.images.float().div_(255)


def mnist(data_dir: Path | None = None, train: bool = True, download: bool = False) -> ImageSet:
    """Return MNIST's 60,000 training or 10,000 test digits, 1x28x28; FileNotFoundError if they are not there."""
    return load("mnist", train, data_dir, download=download)


def lfw(
    data_dir: Path | None = None, part: str = "train", side: int = 64, crop: int = faces.CROP, download: bool = False
) -> faces.Faces:
    """Return the faces of LFW, side x side in colour, of one part of the people: train, validation, test or all.

    Nobody is in two parts. FileNotFoundError names the folder expected where they are not there; with `download`
    scikit-learn fetches them into `data_dir` first.
    """
    data_dir = data_dir or default_data_dir()
    read = faces.read(data_dir, side, crop, part)
    if read is None and download:
        _fetch_faces(data_dir)
        read = faces.read(data_dir, side, crop, part)
    if read is None:
        expected = data_dir / faces.FOLDERS[0] / "NAME" / "NAME_0001.jpg"
        raise FileNotFoundError(f"the faces are not in {data_dir}: expected {expected}.")
    return read


def load(
    dataset: str,
    train: bool,
    data_dir: Path | None = None,
    image_shape: tuple[int, int, int] = (1, 28, 28),
    download: bool = False,
    crop: int = faces.CROP,
) -> ImageSet:
    """Return the training or test part of a named data set, or of a folder with one subfolder of images per class.

    Pictures of another size or number of channels are converted to `image_shape`; of faces the middle `crop` pixels of
    250 are taken. With `download`, a missing named
    set is fetched with a progress bar. ValueError for an unknown name; FileNotFoundError where there is no data.
    """
    data_dir = data_dir or default_data_dir()
    if dataset in DATASETS:
        loaded = _load_named(dataset, train, data_dir, download)
    elif dataset.split(":")[0] == FACES:
        return _face_set(dataset, "train" if train else "test", data_dir, image_shape, download, crop)
    elif is_folder(dataset):
        return _folder_set(Path(dataset), "train" if train else "test", image_shape)
    else:
        wanted = f"one of {', '.join((*DATASETS, FACES))}, or an image folder with one subfolder per class"
        raise ValueError(f"dataset must be {wanted}; got {dataset!r}.")
    if tuple(loaded.images.shape[1:]) != tuple(image_shape):
        got, takes = ("x".join(map(str, shape)) for shape in (loaded.images.shape[1:], image_shape))
        fault = f"{dataset} has images of {got}, this model takes {takes}"
        raise ValueError(f"{fault}; only those of an image folder are resized.")
    return loaded


def some(images: ImageSet) -> ImageSet:
    """Return all images, or as many drawn at random as fit into the memory as floats, always the same."""
    size = 4 * images.images[:1].nbytes
    most = max(1, reading.memory() // reading.SHARE // max(1, size))
    if len(images) <= most:
        return images
    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:most]
    return images[rows.sort().values]


def is_folder(dataset: str) -> bool:
    """Tell whether a data set is an image folder of the visitor's own."""
    return dataset not in DATASETS and dataset.split(":")[0] != FACES and Path(dataset).is_dir()


def training_split(
    config: DataConfig, image_shape: tuple, data_dir: Path | None, download: bool = False
) -> tuple[ImageSet, ImageSet]:
    """Return training and validation images: a fixed shuffle by `split_seed`, the last `n_validation` held out.

    An image folder is split by the names of its files, faces by person; of two classes of faces the rarer is repeated
    until both weigh the same.
    """
    if config.dataset.split(":")[0] == FACES:
        parts = ("train", "validation")
        train, held = (_face_set(config.dataset, part, data_dir, image_shape, download, config.crop) for part in parts)
        if not (len(train) and len(held)):
            got = f"{len(train)} for training and {len(held)} for validation, by person"
            raise ValueError(f"{config.dataset} has {got}; both need at least one: more people are needed.")
        return _even(train), held
    if is_folder(config.dataset):
        return _folder_split(config, image_shape)
    everything = load(config.dataset, True, data_dir, image_shape, download)
    held_out = _held_out(config, len(everything))
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(config.split_seed))
    rest = order[:-held_out]
    return everything[rest[: config.n_training or None]], everything[order[-held_out:]]


def torchvision() -> ModuleType:
    """Import torchvision, also where its CUDA build stands beside a CPU build of torch."""
    try:
        import torchvision
    except RuntimeError:
        # Its import registers fake kernels for two operators that only its compiled library defines; that library does
        # not load without CUDA. Defining their schemas is enough: nothing here calls them. Where it loads they are
        # defined already, and may not be twice.
        for name, schema in (
            ("nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"),
            ("qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"),
        ):
            torch.library.define(f"torchvision::{name}", schema)
        import torchvision
    return torchvision


def _load_named(dataset: str, train: bool, data_dir: Path, download: bool) -> ImageSet:
    class_name, extra = DATASETS[dataset]
    kind = getattr(torchvision().datasets, class_name)
    try:
        loaded = kind(str(data_dir), train=train, download=False, **extra)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - damaged files raise nearly anything
        if "not found" not in str(error):
            folder = data_dir / class_name
            raise ValueError(f"{dataset} in {folder} is damaged; remove it and fetch it again.") from error
        if class_name in IDX and (stored := mnist_files.read(data_dir, "train" if train else "t10k", class_name)):
            x, y = (torch.from_numpy(part.copy()) for part in stored)
            return ImageSet(x[:, None], y, _class_names(dataset, kind.classes))
        hint = f"name the folder that holds {class_name}/raw with --data-dir (or CVAE_DATA_DIR)"
        if not download:
            raise FileNotFoundError(f"{dataset} is not in {data_dir}: {hint}.") from error
        try:
            loaded = kind(str(data_dir), train=train, download=True, **extra)
        except (OSError, RuntimeError) as failure:
            raise FileNotFoundError(f"{dataset} is not in {data_dir} and could not be downloaded: {hint}.") from failure
    images = loaded.data.transpose(1, 2) if dataset == "emnist_digits" else loaded.data  # EMNIST stores columns first
    return ImageSet(images[:, None].contiguous(), loaded.targets.long(), _class_names(dataset, loaded.classes))


def _class_names(dataset: str, names: list[str]) -> tuple[str, ...]:
    part = -1 if dataset == "fashion_mnist" else 0
    return tuple(name.split(" - ")[part] for name in names)


def _face_set(
    dataset: str, part: str, data_dir: Path | None, image_shape: tuple, download: bool, crop: int
) -> ImageSet:
    """Return faces without labels, or for "lfw:ATTRIBUTE" those with a known attribute, label 1 where it is present."""
    channels, height, width = image_shape
    if channels != 3 or height != width:
        raise ValueError(f"faces are square and in colour, 3 x S x S; this preset is made for {tuple(image_shape)}.")
    pictures = lfw(data_dir, part, height, crop, download)
    column = dataset.partition(":")[2]
    if not column:
        return ImageSet(torch.from_numpy(pictures.images), torch.zeros(len(pictures), dtype=torch.int64), ())
    labels = pictures.labels(column)
    known = ~np.isnan(labels)
    classes = (f"not {column}", column)
    return ImageSet(torch.from_numpy(pictures.images[known]), torch.from_numpy(labels[known]).long(), classes)


def _even(images: ImageSet) -> ImageSet:
    """Repeat the pictures of the rarer of two classes."""
    groups = [(images.labels == k).nonzero()[:, 0] for k in range(len(images.classes))]
    most = max(map(len, groups), default=0)
    rows = [group.repeat(-(-most // max(1, len(group))))[:most] for group in groups]
    return images[torch.cat(rows)] if rows else images


def _fetch_faces(data_dir: Path) -> None:
    from sklearn.datasets import fetch_lfw_people

    try:
        # the archive; its pictures are read here
        fetch_lfw_people(data_home=str(data_dir), min_faces_per_person=400, resize=0.1)
    except OSError as error:
        expected = data_dir / faces.FOLDERS[0] / "NAME" / "NAME_0001.jpg"
        fault = f"the faces could not be downloaded into {data_dir}"
        raise FileNotFoundError(f"{fault}; expected there: {expected}.") from error


def _folder_set(folder: Path, part: str, image_shape: tuple[int, int, int]) -> ImageSet:
    """Return the pictures of one part of an image folder, train or test."""
    listing = folders.read(folder)
    files = getattr(listing, part)
    if not files:
        few = f"{len(listing.train)} pictures give no test picture by their names"
        raise ValueError(f"{folder} has no {part} pictures: {few}; add more, or a folder {folder}/{part} of their own.")
    (images,) = reading.read(listing, (files,), image_shape)
    return ImageSet(images, torch.tensor([label for _, label in files]), listing.classes)


def _folder_split(config: DataConfig, image_shape: tuple[int, int, int]) -> tuple[ImageSet, ImageSet]:
    """Return training and validation pictures of an image folder.

    Without a validation part of its own, those whose names come first in the order of `folders.place` are held out.
    """
    listing = folders.read(Path(config.dataset))
    train, held = listing.train, listing.validation
    if not held:
        count = _held_out(config, len(train))
        kept = {path for path, _ in sorted(train, key=lambda f: folders.place(f[0], listing.root))[:count]}
        train, held = (tuple(f for f in train if (f[0] in kept) is of) for of in (False, True))
    made = reading.read(listing, (train, held), image_shape)
    labels = (torch.tensor([label for _, label in files], dtype=torch.int64) for files in (train, held))
    first, second = (ImageSet(x, y, listing.classes) for x, y in zip(made, labels, strict=True))
    return first, second


def _held_out(config: DataConfig, n: int) -> int:
    """Return how many of n training pictures are held out; ValueError where that were none."""
    count = min(config.n_validation, n // 5)
    if count == 0:
        raise ValueError(f"{config.dataset} has {n} training pictures; at least 5 are needed.")
    return count
