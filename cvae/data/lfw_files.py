"""Labeled Faces in the Wild (Huang et al. 2007) from its folder of pictures, with NumPy and Pillow alone."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

FOLDERS = (
    *("lfw/lfw-deepfunneled", "lfw/lfw_funneled", "lfw_home/lfw_funneled"),
    *("lfw-deepfunneled", "lfw_funneled", "lfw", "."),
)
ATTRIBUTES = "lfw_attributes.txt"
SIDE = 250  # pixels of a picture of the set; others are scaled to it
CROP = 80  # the face with little around it, as in the classical autoencoder exercise on this set
PARTS = {"test": 0.1, "validation": 0.15, "train": 1.0}  # up to which number in [0, 1) a person belongs to a part


@dataclass(frozen=True)
class Faces:
    """Pictures (N, 3, S, S) uint8, whose they are, their number within the person, and attribute scores (N, K).

    A positive score means that the attribute is present; NaN where the file says nothing. `note` tells how the
    attribute file was read.
    """

    images: np.ndarray
    people: tuple[str, ...]
    numbers: tuple[int, ...]
    columns: tuple[str, ...] = ()
    scores: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    note: str = ""

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: np.ndarray) -> "Faces":
        rows = np.arange(len(self))[index]
        who, which = (tuple(values[i] for i in rows) for values in (self.people, self.numbers))
        return replace(self, images=self.images[rows], people=who, numbers=which, scores=self.scores[rows])

    def labels(self, column: str) -> np.ndarray:
        """Return 1.0, 0.0 or NaN (N,): whether the attribute is present; ValueError if the file has no such column."""
        if column not in self.columns:
            raise ValueError(f"there is no attribute {column!r}; the file has: {', '.join(self.columns) or 'none'}.")
        scores = self.scores[:, self.columns.index(column)]
        return np.where(np.isnan(scores), np.nan, scores > 0)


def find(data_dir: Path) -> Path | None:
    """Return the folder under `data_dir` that holds NAME/NAME_0001.jpg, or None."""
    return next((data_dir / name for name in FOLDERS if next(_listing(data_dir / name), None)), None)


def read(data_dir: Path, side: int = 64, crop: int = CROP, part: str = "all") -> Faces | None:
    """Return the faces of one part of the people, or None where the pictures are not there.

    The middle crop x crop pixels of each 250x250 picture, resized to side x side. Read once, then kept in `cache_dir`.
    ValueError names a damaged picture, an unknown part or an attribute file with a header that is none.
    """
    if part not in (*PARTS, "all"):
        raise ValueError(f"part must be one of {', '.join(PARTS)} or all; got {part!r}.")
    folder = find(data_dir)
    if folder is None:
        return None
    files = sorted(_listing(folder))
    images = _cached(files, side, crop)
    people, numbers = tuple(f.parent.name for f in files), tuple(int(f.stem[-4:]) for f in files)
    columns, scores, note = _scores(folder, people, numbers)
    everyone = Faces(images, people, numbers, columns, scores, note)
    return everyone if part == "all" else everyone[np.array([part_of(name) == part for name in people])]


def part_of(person: str) -> str:
    """Return train, validation or test: the name alone decides, so nobody is in two parts, whoever else is there."""
    place = int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") / 2**32
    return next(part for part, end in PARTS.items() if place < end)


def cache_dir() -> Path:
    """Return where prepared pictures are kept: CVAE_CACHE_DIR, else cvae in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CVAE_CACHE_DIR") or Path(home) / "cvae")


def box(size: tuple[int, int], crop: int = CROP) -> tuple[float, float, float, float]:
    """Return the box of the face in an aligned picture of this size: left, upper, right, lower."""
    width, height = size
    x, y = crop / SIDE * width / 2, crop / SIDE * height / 2
    return width / 2 - x, height / 2 - y, width / 2 + x, height / 2 + y


def fitted(picture: Image.Image, side: int, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return what lies in the box as (3, side, side) uint8."""
    small = picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small).transpose(2, 0, 1)


def photograph(data_dir: Path, person: str, number: int, side: int, crop: int = CROP) -> np.ndarray | None:
    """Return one picture (3, side, side) uint8 of a person of the set; None where it is missing or damaged."""
    root = find(data_dir)
    path = root and root / person / f"{person}_{number:04d}.jpg"
    if not path or Path(person).name != person or person == "..":  # no way of a stranger
        return None
    try:
        return _read(path, side, crop)
    except (OSError, ValueError):  # also of a name that no file can have
        return None


def _listing(folder: Path) -> Iterator[Path]:
    """Yield the pictures NAME/NAME_0001.jpg in a folder."""
    if not folder.is_dir():
        return
    for person in os.scandir(folder):
        if person.is_dir():
            for name in os.listdir(person.path):
                if name.startswith(person.name + "_") and name.endswith(".jpg") and name[-8:-4].isdecimal():
                    yield Path(person.path) / name


def _cached(files: list[Path], side: int, crop: int) -> np.ndarray:
    """Return the prepared pictures (N, 3, side, side), from the cache if they were read before."""
    listing = hashlib.sha256("\n".join(map(str, files)).encode()).hexdigest()[:16]
    path = cache_dir() / f"lfw-{crop}-{side}-{listing}.npy"
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        images = np.stack([_read(file, side, crop) for file in files])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with open(temporary, "wb") as out:
            np.save(out, images)
        os.replace(temporary, path)
    except OSError:  # a cache that cannot be written only makes the next start slow
        pass
    return images


def _read(file: Path, side: int, crop: int) -> np.ndarray:
    try:
        with Image.open(file) as picture:
            return fitted(picture, side, box(picture.size, crop))
    except Exception as error:  # damaged files raise nearly everything
        raise ValueError(f"{file} is damaged; remove it or fetch the set again.") from error


def _scores(folder: Path, people: tuple[str, ...], numbers: tuple[int, ...]) -> tuple[tuple[str, ...], np.ndarray, str]:
    """Return columns, scores (N, K) and a sentence on them, from the attribute file in the folder or beside it."""
    path = next((p for p in (folder / ATTRIBUTES, folder.parent / ATTRIBUTES) if p.is_file()), None)
    if path is None:
        return (), np.empty((len(people), 0), np.float32), f"No attributes: there is no {folder.parent / ATTRIBUTES}."
    columns, rows, skipped = read_attributes(path)
    missing = np.full(len(columns), np.nan, np.float32)
    keys = list(zip(people, numbers, strict=True))
    scores = np.stack([rows.get(key, missing) for key in keys]) if keys else np.empty((0, len(columns)), np.float32)
    used = sum(key in rows for key in keys)
    note = f"{len(columns)} attributes for {used:,} of {len(keys):,} pictures"
    return columns, scores, f"{note}; {skipped:,} rows do not fit and are left out." if skipped else f"{note}."


def read_attributes(path: Path) -> tuple[tuple[str, ...], dict[tuple[str, int], np.ndarray], int]:
    """Return the columns, the scores (K,) by (person, number), and how many rows were left out because they do not fit.

    The format of the published file: tab-separated; lines before the header are comments; the header holds person,
    imagenum and one name per attribute. ValueError where there is no such header.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows_of_names = ([part.strip() for part in line.lstrip("#").strip().split("\t")] for line in lines)
    first = ["person", "imagenum"]
    headers = ((i, names) for i, names in enumerate(rows_of_names) if [n.lower() for n in names[:2]] == first)
    at, header = next(headers, (0, []))
    if len(header) < 3:
        wanted = "person, imagenum and one name per attribute, with tabs between them"
        raise ValueError(f"{path} needs a header line: {wanted}.")
    rows, skipped = {}, 0
    for line in lines[at + 1 :]:
        person, _, rest = line.partition("\t")
        try:
            number, *values = rest.split("\t")
            key, scores = (person.strip().replace(" ", "_"), int(number)), np.array(values, dtype=np.float32)
        except ValueError:
            scores = np.empty(0, np.float32)
        if len(scores) == len(header) - 2 and np.isfinite(scores).all():
            rows[key] = scores
        else:
            skipped += bool(line.strip())
    return tuple(header[2:]), rows, skipped
