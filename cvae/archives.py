"""NumPy archives (.npz) of strangers: judged by what their directory and the heads of their arrays say, then read."""

import math
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from cvae import limits

END, END64 = b"PK\x05\x06", b"PK\x06\x07"  # what ends a zip file, and what stands before it in one beyond 4 GB
END_SIZE, LOCATOR_SIZE, COMMENT = 22, 20, 2**16
HEADS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
WHOLE, REAL, TEXT = "iu", "f", "U"  # kinds of NumPy's types


@dataclass(frozen=True)
class Form:
    """What an array must be: of one of these kinds of types, with so many axes."""

    kinds: str
    axes: int


def read(path: Path, forms: dict[str, Form]) -> dict[str, np.ndarray]:
    """Return those of the arrays in `forms` that are there; others are left unread.

    FileNotFoundError where there is no file. ValueError where it is damaged, where an array is not of its form, or
    where all of them unpack to more than limits.UNPACKED bytes.
    """
    try:
        with path.open("rb") as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                wanted = _wanted(archive, forms)
                sizes = [_size(archive, info, forms[name]) for name, info in wanted.items()]
                if sum(sizes) > limits.UNPACKED:
                    raise ValueError(f"its arrays unpack to {sum(sizes):,} bytes")
                return {name: _array(archive, info) for name, info in wanted.items()}
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged zip raises nearly anything
        raise ValueError(f"{path} is no archive of such arrays: {error}") from error


def _check_directory(file: IO[bytes]) -> None:
    """Raise ValueError where the directory is so long that to list it would take seconds."""
    length = file.seek(0, 2)
    file.seek(max(0, length - COMMENT - END_SIZE - LOCATOR_SIZE))
    tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) < at + END_SIZE or tail[max(0, at - LOCATOR_SIZE) :].startswith(END64):
        raise ValueError("its end is not that of a zip file")
    (size,) = struct.unpack_from("<L", tail, at + 12)
    if size > limits.DIRECTORY:
        raise ValueError(f"its directory has {size:,} bytes")


def _wanted(archive: zipfile.ZipFile, forms: dict[str, Form]) -> dict[str, zipfile.ZipInfo]:
    entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    return {name: entries[name] for name in forms if name in entries}


def _size(archive: zipfile.ZipFile, info: zipfile.ZipInfo, form: Form) -> int:
    """Return to how many bytes an array unpacks; ValueError where it is not of its form."""
    if info.file_size > limits.UNPACKED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename} unpacks to {info.file_size:,} bytes")
    with archive.open(info) as stream:
        shape, _, dtype = HEADS[np.lib.format.read_magic(stream)](stream)
        rest = info.file_size - stream.tell()
    if dtype.kind not in form.kinds or len(shape) != form.axes or (dtype.kind != TEXT and dtype.itemsize > 8):
        raise ValueError(f"{info.filename} is of type {dtype} with {len(shape)} axes")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != rest:
        raise ValueError(f"{info.filename} has {rest} bytes for an array of {shape}")
    return info.file_size


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    """Return an array in the machine's own order of bytes."""
    with archive.open(info) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
