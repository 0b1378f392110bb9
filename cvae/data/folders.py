"""A folder of pictures as people have them: which files are read, as which class, in which part."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from cvae.data import pictures

TEST_SHARE = 0.15  # of a folder that has no test pictures of its own
SEED = 24  # of that choice
SUFFIXES = {*pictures.SUFFIXES, *("jpe", "jfif", "tif", "tiff", "ppm", "pgm", "pbm", "pnm")}
LITTER = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "__pycache__", "$recycle.bin"}
LITTER |= {"system volume information", "lost+found"}
PARTS = {
    "train": "train|training|trn",
    "validation": "val|valid|validation|validate|validating|dev",
    "test": "test|tests|testing|tst",
}
BESIDE = "(?:data|dataset|set|split|images?|imgs?|pictures|photos|seg|files)?"  # as in train_set, seg_train
SHOWN = 20  # paths in a sentence
LAYOUT = "must hold one subfolder of pictures per class, such as"


Files: TypeAlias = tuple[tuple[Path, int], ...]  # each with the number of its class


@dataclass(frozen=True)
class Folder:
    """Pictures by part, each a path and the number of its class; what is worth a word, and what must be mended first.

    `own` are the parts that have folders of their own.
    """

    root: Path
    classes: tuple[str, ...]
    train: Files
    validation: Files
    test: Files
    own: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What was read, in one line."""
        classes = "1 class" if len(self.classes) == 1 else f"{len(self.classes)} classes"
        validation = f", validation: {len(self.validation):,}" if self.validation else ""
        return f"train: {_count(len(self.train), 'picture')} of {classes}{validation}, test: {len(self.test):,}"

    @property
    def files(self) -> Files:
        """All pictures, of whatever part."""
        return (*self.train, *self.validation, *self.test)

    def fingerprint(self) -> str:
        """Return a digest of all pictures, their names, classes and parts."""
        digest = hashlib.sha256()
        for part in ("train", "validation", "test"):
            for path, label in getattr(self, part):
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
                told = f"{part}\n{self.classes[label]}\n{_name(path, self.root)}\n{content}\n"
                digest.update(told.encode("utf-8", "surrogateescape"))  # a name need not be UTF-8
        return digest.hexdigest()


def read(folder: Path) -> Folder:
    """Return what a folder holds: CLASS/picture, or the same under train, validation and test, or wrapped once more.

    Names of parts may be spelled in many ways; hidden files and what systems leave behind are skipped. ValueError where
    the layout is none of these.
    """
    root = _unwrapped(folder)
    parts = _parts(root)
    unread: list[Path] = []
    classes: dict[str, dict[str, list[Path]]] = {}
    for part, inside in (parts or {"train": root}).items():
        classes[part] = {f.name: _pictures(f, unread) for f in _folders(inside)}
        unread += _files(inside)  # beside the classes
    if not any(classes["train"].values()):
        where = parts.get("train", root)
        useless = several(unread, root, "is of no use there", "files are of no use there")
        raise ValueError(f"{where} {LAYOUT} {where}/cat/1.png{useless and '; ' + useless}.")
    names = tuple(sorted(classes["train"]))
    notes = [several(unread, root, "is not read", "files are not read, or lie in no class")]
    notes += [f"{folder} has a single class, {names[0]}"] if len(names) == 1 else []
    if {*parts} == {"train", "validation"}:
        notes.append(f"the test pictures are those of {parts['validation'].name}")
    divided = _divided({part: _labelled(content, names) for part, content in classes.items()}, root)
    return Folder(root, names, *divided, frozenset(parts), tuple(filter(None, notes)), tuple(_faults(classes, root)))


def _divided(labelled: dict[str, Files], root: Path) -> tuple[Files, Files, Files]:
    """Return the pictures to train on, to watch the training with, and for figures, whichever parts there are."""
    train, held, test = (labelled.get(part, ()) for part in PARTS)
    if "test" in labelled:
        return train, held, test
    if held:
        return train, (), held
    for_test = {path for path, _ in train if place(path, root) < TEST_SHARE}
    return tuple(f for f in train if f[0] not in for_test), (), tuple(f for f in train if f[0] in for_test)


def place(path: Path, root: Path) -> float:
    """Return a number in [0, 1) that the name of a picture alone decides: below TEST_SHARE it is for tests."""
    digest = hashlib.sha256(f"{SEED}/{_name(path, root)}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _name(path: Path, root: Path) -> str:
    """Return the path within the folder; a Mac writes accents otherwise."""
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())


def named(paths: list[Path], root: Path) -> str:
    """Return the paths within the folder, the first SHOWN of them."""
    rest = f" and {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
    return ", ".join(_name(path, root) for path in paths[:SHOWN]) + rest


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def several(paths: list[Path], root: Path, one: str, many: str) -> str:
    """Return a clause on one path or on many, empty for none."""
    if not paths:
        return ""
    return f"{named(paths, root)} {one}" if len(paths) == 1 else f"{len(paths):,} {many}: {named(paths, root)}"


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in LITTER


def _entries(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    return sorted(p for p in folder.iterdir() if wanted(p) and not _is_litter(p.name))


_folders = partial(_entries, wanted=Path.is_dir)
_files = partial(_entries, wanted=Path.is_file)


def _unwrapped(folder: Path) -> Path:
    """Return the folder that holds classes or parts: this one, or a single one in it, as archives unfold."""
    for _ in range(4):
        inner = _folders(folder)
        if len(inner) != 1 or not _folders(inner[0]) or any(map(_is_picture, _files(folder))):
            break
        if _part(inner[0].name) not in (None, "train", _part(folder.name)):
            break  # a test part alone is not for training
        folder = inner[0]
    return folder


def _part(name: str) -> str | None:
    """Return which part of a set a folder of this name holds, None for a class."""
    plain = re.sub(r"[\W_\d]+", "", name.casefold())
    fits = (part for part, spelled in PARTS.items() if re.fullmatch(f"{BESIDE}(?:{spelled}){BESIDE}", plain))
    return next(fits, None)


def _parts(root: Path) -> dict[str, Path]:
    """Return the folders of the parts, none where all folders are classes; ValueError where that cannot be told."""
    inner = _folders(root)
    parts = [(part, f) for f in inner if (part := _part(f.name)) and _folders(f)]
    if not parts:
        return {}
    others = [f.name for f in inner if f not in [f for _, f in parts]]
    if twice := [f.name for part, f in parts if [p for p, _ in parts].count(part) > 1]:
        raise ValueError(f"{root} has {' and '.join(twice)}, which mean the same part; keep one of them.")
    if others:
        both = f"{', '.join(f.name for _, f in parts)}, which are parts of a set, beside {', '.join(others[:SHOWN])}"
        raise ValueError(f"{root} has {both}; move either elsewhere.")
    if "train" not in dict(parts):
        raise ValueError(f"{root} has {', '.join(f.name for _, f in parts)} but no train; name the training part so.")
    return {part: _unwrapped(f) for part, f in parts}


def _pictures(folder: Path, unread: list[Path]) -> list[Path]:
    """Return the pictures in a folder and below; other files are added to `unread`."""
    files = list(_below(folder, set()))
    unread += [path for path in files if not _is_picture(path)]
    return [path for path in files if _is_picture(path)]


def _below(folder: Path, seen: set[str]) -> Iterator[Path]:
    """Yield all files in a folder and below, once where links lead in circles."""
    if (real := os.path.realpath(folder)) in seen:
        return
    seen.add(real)
    yield from _files(folder)
    for inner in _folders(folder):
        yield from _below(inner, seen)


def _is_picture(path: Path) -> bool:
    suffix = path.suffix[1:].casefold()
    return suffix in SUFFIXES or (not suffix.isalpha() and pictures.is_picture(path))


def _labelled(content: dict[str, list[Path]], names: tuple[str, ...]) -> Files:
    return tuple((path, names.index(name)) for name in sorted(content) if name in names for path in content[name])


def _faults(classes: dict[str, dict[str, list[Path]]], root: Path) -> list[str]:
    """Return what must be mended: classes without a picture, and classes of one part alone."""
    empty = [root / part / name for part in classes for name, files in classes[part].items() if not files]
    empty = [root / path.name for path in empty] if len(classes) == 1 else empty
    faults = [several(empty, root, "is a class without a picture", "classes are without a picture")] if empty else []
    for part in ("validation", "test"):
        if part in classes and (differing := sorted({*classes["train"]} ^ {*classes[part]})):
            which = f"only one of them has {', '.join(map(repr, differing[:SHOWN]))}"
            faults.append(f"train and {part} of {root} must have the same classes; {which}")
    return faults
