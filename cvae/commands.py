"""What the command lines share: whatever goes wrong is told in one line, with an exit status of its kind."""

import argparse
import errno
import sys
from collections.abc import Callable
from typing import NoReturn

from cvae.interrupts import Terminated, leads, raised

WRONG_CALL, FAILED, INTERRUPTED, TERMINATED = 2, 1, 130, 143  # exit statuses, those of signals as a shell counts
REMEDIES = {
    errno.ENOSPC: "free some space, or name a folder on another disk",
    errno.EDQUOT: "free some space, or name a folder on another disk",
    errno.EFBIG: "a file may not be larger here (ulimit -f)",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "ask for access, or name another folder",
    errno.EPERM: "ask for access, or name another folder",
    errno.EEXIST: "a folder is expected there, and not a file",
    errno.ENOTDIR: "a folder is expected there, and not a file",
    errno.EISDIR: "a file is expected there, and not a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class Failed(Exception):
    """Work that could not be done although the call was right; its text is for the person who called."""


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_CALL, f"{self.prog}: {message}\n")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a type of option: a whole number from `least` to `most`."""

    def number(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text[:20]) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most:,}; got {text!r}")
        return int(text)

    return number


def run(program: str, work: Callable[[], None]) -> int:
    """Do `work` and return the exit status.

    What went wrong is printed by the first process of a run, the notes of the error behind it.
    """
    try:
        with raised():
            work()
    except KeyboardInterrupt as error:
        return _say(program, "interrupted.", error, INTERRUPTED)
    except Terminated as error:
        return _say(program, "terminated.", error, TERMINATED)
    except OSError as error:
        wrong = isinstance(error, (FileNotFoundError, FileExistsError))
        return _say(program, _of_the_system(error), error, WRONG_CALL if wrong else FAILED)
    except ValueError as error:
        return _say(program, str(error), error, WRONG_CALL)
    except Failed as error:
        return _say(program, str(error), error, FAILED)
    return 0


def _say(program: str, text: str, error: BaseException, status: int) -> int:
    if leads():
        print(f"{program}: {' '.join(' '.join([text, *getattr(error, '__notes__', [])]).split())}", file=sys.stderr)
    return status


def _of_the_system(error: OSError) -> str:
    """Return one sentence on what the operating system refused; an error of our own is one already."""
    if error.errno is None:
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    remedy = REMEDIES.get(error.errno)
    return f"{where}{error.strerror}" + (f"; {remedy}." if remedy else ".")
