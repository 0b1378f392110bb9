"""How SIGINT and SIGTERM end a command: in one line, at once where nothing is at stake, else as an exception.

This module imports next to nothing, since a signal that comes before `guard` gets Python's own traceback.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}  # as a shell counts
WORDS = {signal.SIGINT: "interrupted.", signal.SIGTERM: "terminated."}
PATIENCE = 10.0  # seconds in which what a signal ended may clean up; a further one is heard after that
RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")  # set by Fabric, torchrun and SLURM

_last = -PATIENCE  # when a signal was last raised


class Terminated(BaseException):
    """SIGTERM came. Like KeyboardInterrupt no Exception, so that nothing takes it for an error and goes on."""


def leads() -> bool:
    """Tell whether this process is the first, or the only one, of those that share one run."""
    return all(os.environ.get(rank, "0") == "0" for rank in RANKS)


def command(name: str, main: Callable[[], int]) -> None:
    """End this process with the status of `main`; no signal after the first adds a line or changes the status."""
    guard(name)
    end(main())


def guard(name: str) -> None:
    """From here on let a signal end this process at once: one line that begins with `name`, and its status.

    For as long as nothing can be lost, as while modules are loaded: an exception in the midst of an import may be
    swallowed there, or be taken for another error.
    """
    for number in STATUS:
        signal.signal(number, lambda number, _: _leave(name, number))


def end(status: int) -> None:
    """End this process; signals that come while the interpreter shuts down are ignored."""
    for number in STATUS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def _leave(name: str, number: int) -> None:
    if time.monotonic() - _last < PATIENCE:
        return  # the work of the process was ended by one before, and says so
    for other in STATUS:
        signal.signal(other, signal.SIG_IGN)
    with suppress(OSError, ValueError, RuntimeError):  # closed, or in the midst of a write
        sys.stdout.flush()
    with suppress(OSError):
        if leads():
            os.write(2, f"{name}: {WORDS[signal.Signals(number)]}\n".encode())
    os._exit(STATUS[signal.Signals(number)])


@contextmanager
def loading(name: str) -> Iterator[None]:
    """While work that has nothing to clean up yet loads modules, let a signal act as after `guard`."""
    with _handled(lambda number, _: _leave(name, number)):
        yield


@contextmanager
def raised() -> Iterator[None]:
    """Raise KeyboardInterrupt or Terminated where a signal comes; what cleans up after it is not interrupted again.

    One that a library caught is raised at the end, in the place of the error, if any, that the library made of it.
    """
    global _last
    _last = -PATIENCE
    came: list[BaseException] = []
    with _handled(lambda number, _: _raise(number, came)):
        try:
            yield
        except (KeyboardInterrupt, Terminated):
            raise
        except BaseException as error:
            if came:
                raise came[-1] from error
            raise
        if came:
            raise came[-1]


def _raise(number: int, came: list[BaseException]) -> None:
    global _last
    now = time.monotonic()
    if now - _last >= PATIENCE:
        _last = now
        came.append(Terminated() if number == signal.SIGTERM else KeyboardInterrupt())
        raise came[-1]


@contextmanager
def _handled(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Let `handler` answer signals for a time; only the main thread may ask for that, others leave them as they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in STATUS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
