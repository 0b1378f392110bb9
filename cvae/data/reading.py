"""The pictures of a folder as pixels: in memory, or beside it on the disk where they are many."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import torch
from PIL import ImageOps
from torch import Tensor

from cvae.data import folders, pictures
from cvae.data.lfw_files import cache_dir

SHARE = 4  # what is larger than one part in so many of the memory is kept on the disk
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container
FAULTS = {  # how a message of the door begins -> what is said of one file, of several
    pictures.UNREAD: ("is not a picture that can be read", "files are not pictures that can be read"),
    "The file is empty": ("is empty", "files are empty"),
    "The picture is damaged": ("is damaged or incomplete", "pictures are damaged or incomplete"),
    "The picture is transparent": ("is transparent all over", "pictures are transparent all over"),
    "The picture has": ("has more pixels than are read", "pictures have more pixels than are read"),
    "": ("cannot be read", "pictures cannot be read"),
}


def read(folder: folders.Folder, parts: tuple[folders.Files, ...], image_shape: tuple[int, int, int]) -> list[Tensor]:
    """Return the pictures of each part, uint8 (N, C, H, W): the middle of each, at this size, grey or in colour.

    ValueError names all files of the folder that cannot be read, of other parts too, and what else must be mended.
    """
    from tqdm import tqdm  # late: the package alone does not need it

    total = sum(map(len, parts))
    room = _on_disk if total * int(np.prod(image_shape)) > memory() // SHARE else torch.empty
    wrong: dict[Path, str] = {}
    made = []
    with tqdm(total=total, desc="reading pictures", unit="picture", delay=2) as bar:
        for files in parts:
            images = room((len(files), *image_shape), dtype=torch.uint8)
            for row, (path, _) in zip(images, files, strict=True):
                with _judged(path, wrong):
                    row.copy_(_pixels(path, image_shape))
                bar.update()
            made.append(images)
    read_now = {path for files in parts for path, _ in files}
    for path, _ in folder.files:
        if path not in read_now:
            with _judged(path, wrong):
                pictures.open_file(path)
    _refuse(folder, wrong)
    return made


def memory() -> int:
    """Return the bytes of memory of this machine, or of the container that the process runs in."""
    sizes = [2**33]
    if hasattr(os, "sysconf"):
        sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in map(Path, LIMITS):
        if path.is_file() and (text := path.read_text(encoding="utf-8").strip()).isdecimal():
            sizes.append(int(text))
    return min(sizes)


def _on_disk(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return a tensor of uint8 in a file without a name, which ends with the process; OSError where it has no room."""
    size = int(np.prod(shape))
    if size == 0:
        return torch.empty(shape, dtype=dtype)
    cache_dir().mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=cache_dir()) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)  # or a full disk would end the process later
        else:
            file.truncate(size)
        return torch.from_numpy(np.memmap(file, np.uint8, "r+", shape=shape))


def _pixels(path: Path, image_shape: tuple[int, int, int]) -> Tensor:
    channels, height, width = image_shape
    picture = pictures.open_file(path).convert("L" if channels == 1 else "RGB")
    fitted = ImageOps.fit(picture, (width, height))
    return torch.from_numpy(np.array(fitted).reshape(height, width, channels)).permute(2, 0, 1)


@contextmanager
def _judged(path: Path, wrong: dict[Path, str]) -> Iterator[None]:
    """Note why a picture is refused, where it is, and go on."""
    try:
        yield
    except ValueError as error:
        wrong[path] = next(start for start in FAULTS if str(error).startswith(start))
    except OSError:
        wrong[path] = ""


def _refuse(folder: folders.Folder, wrong: dict[Path, str]) -> None:
    """Raise ValueError with all that is wrong in a folder, if anything is."""
    faults = list(folder.faults)
    for start, words in FAULTS.items():
        faults.append(folders.several([path for path, why in wrong.items() if why == start], folder.root, *words))
    if faults := [fault for fault in faults if fault]:
        remedy = "; remove them from the folder, or save them again" if wrong else ""
        raise ValueError(f"{'; '.join(faults)}{remedy}.")
