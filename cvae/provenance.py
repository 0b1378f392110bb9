"""What a run was trained on, where that was an image folder: a fingerprint of it, and a sheet of its pictures."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cvae import checkpoints, data, documents
from cvae.data import folders, looking

FILE, SHEET = "data.json", "look.png"


@contextmanager
def kept(folder: Path, dataset: str, images: data.ImageSet, resumed: bool) -> Iterator[None]:
    """Write both files of an image folder into that of a run before it is trained; a resumed one keeps what it has.

    Where nothing came of the training, they are as they were.
    """
    if not data.is_folder(dataset) or (resumed and (folder / FILE).is_file()):
        yield
        return
    before = {name: _content(folder / name) for name in (FILE, SHEET)}
    new, weights = not folder.exists(), _written(folder)
    listing = folders.read(Path(dataset))
    about = {"dataset": dataset, "read": listing.summary, "fingerprint": listing.fingerprint()}
    checkpoints.write_text(folder / FILE, json.dumps(about, indent=2) + "\n")
    with (folder / SHEET).open("wb") as file:
        looking.sheet(images).save(file, "PNG")
    try:
        yield
    finally:
        if _written(folder) == weights:
            for name, content in before.items():
                _restore(folder / name, content)
            if new:
                with suppress(OSError):  # something else was put there
                    folder.rmdir()


def _written(folder: Path) -> list[int]:
    """Return when the files of a model were written, 0 for those that are missing."""
    paths = (folder / checkpoints.CONFIG, folder / checkpoints.WEIGHTS)
    return [path.stat().st_mtime_ns if path.is_file() else 0 for path in paths]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def changed(folder: Path, dataset: str) -> str:
    """Return one sentence where an image folder is not what a run was trained on, or cannot be known to be; else ""."""
    if not data.is_folder(dataset):
        return ""
    listing = folders.read(Path(dataset))
    try:
        about = documents.parsed(documents.text(folder / FILE))
        then, read = str(about["fingerprint"]), str(about["read"])
    except (OSError, ValueError, TypeError, KeyError):
        if "test" in listing.own:
            return f"nothing tells whether {dataset} is still what {folder.name} was trained on."
        seen = "pictures that are for tests now may have been trained on"
        return f"{folder.name} was trained when {dataset} was split otherwise, so {seen}; train it anew to be sure."
    if listing.fingerprint() == then:
        return ""
    now = "has as many pictures, of which some differ" if listing.summary == read else f"is now {listing.summary}"
    return f"{dataset} has changed since {folder.name} was trained: it was {read}; it {now}."
