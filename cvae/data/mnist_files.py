"""MNIST's test digits without torchvision, which the app never loads: read them, or fetch them from its mirrors."""

import gzip
import hashlib
import io
import math
import os
import struct
import tempfile
import urllib.request
import zlib
from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

import numpy as np

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")  # as in torchvision
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
PUBLISHED = {  # name -> MD5 and bytes of its .gz
    IMAGES: ("9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    LABELS: ("ec29112dd5afa0611ce80d1b7f02629c", 4_542),
}
TIMEOUT = 10  # seconds without an answer until the next mirror is tried
CHUNK = 1 << 15  # bytes between two looks at `cancelled`
LARGEST = 1 << 26  # bytes that a .gz may unfold to: eight times the test set


def default_data_dir() -> Path:
    """Return the folder of data sets: the environment's CVAE_DATA_DIR, else data/ where the command runs."""
    return Path(os.environ.get("CVAE_DATA_DIR", "data"))


def find_test(data_dir: Path) -> tuple[Path, Path] | None:
    """Return the files of the test images and labels under `data_dir`; None unless both are there."""
    return find(data_dir, "t10k")


def find(data_dir: Path, part: str, name: str = "MNIST") -> tuple[Path, Path] | None:
    """Return the files of images and labels of a part, train or t10k, of a set in the form of MNIST.

    Each is plain or else .gz, under the name that torchvision uses or that of the original site, in NAME/raw, NAME or,
    for MNIST itself, raw or `data_dir`. None unless both are there.
    """
    places = [data_dir / name / "raw", data_dir / name, data_dir / name.lower()]
    for folder in places + ([data_dir / "raw", data_dir] if name == "MNIST" else []):
        images, labels = (_plain_or_packed(folder / f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        if images and labels:
            return images, labels
    return None


def read_test(data_dir: Path) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the test images (N, 28, 28) uint8 and labels (N,) int64, both read-only; N is 10,000 for MNIST itself.

    None if they are not under `data_dir`; ValueError names the file that is damaged.
    """
    return read(data_dir, "t10k")


def read(data_dir: Path, part: str, name: str = "MNIST") -> tuple[np.ndarray, np.ndarray] | None:
    """Return the images and labels of a part, train or t10k, as `read_test` does."""
    files = find(data_dir, part, name)
    if files is None:
        return None
    images, labels = _read_idx(files[0], (None, 28, 28)), _read_idx(files[1], (None,)).astype(np.int64)
    if len(images) != len(labels):
        raise ValueError(f"{files[0]} holds {len(images)} images, but {files[1].name} holds {len(labels)} labels.")
    if labels.max() > 9:
        raise ValueError(f"{files[1]} is damaged: it holds the label {labels.max()}; digits are 0 to 9.")
    labels.flags.writeable = False
    return images, labels


def fetch_test(data_dir: Path, progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> bool:
    """Download the test images and labels to where torchvision looks for them; False if `cancelled` before the end.

    `progress` gets the bytes received and the bytes in all. Nothing is written until both files are complete and their
    MD5 is right. ConnectionError if no mirror gave that, OSError if the folder cannot be written: one sentence each.
    """
    total = sum(size for _, size in PUBLISHED.values())
    contents, before = {}, 0
    for name, (_, size) in PUBLISHED.items():
        packed = _from_a_mirror(name, partial(_advance, progress, before, total), cancelled)
        if packed is None:
            return False
        contents[name] = _unpack(packed)
        before += size
    if cancelled():
        return False
    _write(data_dir / "MNIST" / "raw", contents)
    return True


def hosts() -> list[str]:
    """Return the host names of the mirrors, in the order in which they are asked."""
    return [urlsplit(mirror).hostname or "" for mirror in MIRRORS]


def _plain_or_packed(path: Path) -> Path | None:
    """Return the file of this name, or as the original site names it, also packed, or in a folder of its own name."""
    names = path.name, path.name.replace("-idx", ".idx")
    files = [path.with_name(name + suffix) for suffix in ("", ".gz") for name in names]
    files += [path.with_name(name) / name for name in names]
    return next((file for file in files if file.is_file()), None)


def _read_idx(path: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return the uint8 array of an IDX file; `shape` has None where any length from 1 will do."""
    try:
        content = path.read_bytes()
        content = _unpack(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error
    start = 4 * (1 + len(shape))
    magic, *sizes = struct.unpack(f">{1 + len(shape)}I", content[:start].ljust(start, b"\0"))
    if magic != 0x800 + len(shape):  # 8 stands for uint8
        wanted = 0x800 + len(shape)
        raise ValueError(f"{path} is damaged: it begins with {magic}, an IDX file of this kind with {wanted}.")
    if 0 in sizes or any(wanted not in (None, n) for wanted, n in zip(shape, sizes, strict=True)):
        raise ValueError(f"{path} is damaged: its shape is {tuple(sizes)}; expected {str(shape).replace('None', 'N')}.")
    if len(content) - start != math.prod(sizes):
        raise ValueError(f"{path} is damaged: {len(content) - start} bytes follow its header, not {math.prod(sizes)}.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _unpack(packed: bytes) -> bytes:
    with gzip.open(io.BytesIO(packed)) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it unfolds to more than {LARGEST} bytes")
    return content


def _advance(progress: Callable[[int, int], None], before: int, total: int, received: int) -> None:
    progress(before + received, total)


def _from_a_mirror(name: str, advance: Callable[[int], None], cancelled: Callable[[], bool]) -> bytes | None:
    """Return a .gz with the right MD5 from the first mirror that has it; None if cancelled."""
    failures = []
    for mirror, host in zip(MIRRORS, hosts(), strict=True):
        try:
            return _download(f"{mirror}{name}.gz", *PUBLISHED[name], advance, cancelled)
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"{host} {_reason(error)}")
    if cancelled():
        return None
    raise ConnectionError(f"MNIST's test digits could not be fetched: {', '.join(failures)}.")


def _download(
    url: str, md5: str, size: int, advance: Callable[[int], None], cancelled: Callable[[], bool]
) -> bytes | None:
    received = bytearray()
    if cancelled():
        return None
    with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
        while chunk := response.read1(CHUNK):  # read1 gives what has come, so that a slow mirror can be cancelled
            if cancelled():
                return None
            received += chunk
            if len(received) > size:
                break
            advance(len(received))
    if len(received) < size:
        raise ValueError(f"broke off after {len(received)} of {size} bytes")
    if hashlib.md5(received, usedforsecurity=False).hexdigest() != md5:
        raise ValueError("sent something else than the published file")
    return bytes(received)


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"answered with status {error.code}"
    if isinstance(error, URLError):
        return "could not be reached"
    return str(error) if isinstance(error, ValueError) else "broke off"


def _write(raw: Path, contents: dict[str, bytes]) -> None:
    """Replace the files in `raw`, each in one step, once all of them are on the disk."""
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=raw, prefix="fetched-") as temporary:
            for name, content in contents.items():
                (Path(temporary) / name).write_bytes(content)
            for name in contents:
                os.replace(Path(temporary) / name, raw / name)
    except OSError as error:
        raise OSError(f"{raw} cannot be written: {error.strerror or error}.") from error
