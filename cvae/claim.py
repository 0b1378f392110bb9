"""One process at a time writes into the folder of a checkpoint: a lock beside it names who does."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCKED_BYTE = 1 << 30  # far behind the text, which stays readable: Windows locks bytes and not files


@contextmanager
def claim(folder: Path, doing: str) -> Iterator[None]:
    """Keep `folder` for this process, which is `doing` something there; ValueError says who has it.

    The system lets go of the lock when its process ends, however it ends: the file `.NAME.lock` that a killed one
    leaves is free to take. On a file system without locks the folder is not kept. OSError where nothing can be written
    in the folder or beside it.
    """
    path = folder.parent / f".{folder.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _locked(path)
    try:
        if folder.is_dir():
            TemporaryFile(dir=folder).close()  # better now than after an epoch
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "doing": doing}))
        file.flush()
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; what stays is free to take
            path.unlink()
        file.close()


def _locked(path: Path) -> TextIO:
    """Return the lock file, open and locked; ValueError where another process has it."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 - it stays open, and with it locked
        try:
            _lock(file)
        except BlockingIOError as error:
            with file:
                folder = path.parent / path.name.removeprefix(".").removesuffix(".lock")
                raise ValueError(f"{_owner(file)} {folder}; wait until it is done, or stop it.") from error
        with suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()  # its owner removed it between the opening and the locking


def _lock(file: TextIO) -> None:
    try:
        if sys.platform == "win32":
            file.seek(LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except PermissionError as error:  # so Windows says that it is taken
        raise BlockingIOError from error
    except OSError:  # a file system without locks
        pass


def _owner(file: TextIO) -> str:
    """Return who holds a lock and what it does, as the beginning of a sentence."""
    file.seek(0)
    try:
        owner = json.loads(file.read())
        return f"process {owner['pid']} on {owner['host']} is {owner['doing']}"
    except (OSError, ValueError, KeyError, TypeError):  # between the locking and the writing
        return "another process is working in"
