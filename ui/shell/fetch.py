"""Real test digits, and a button that fetches them: a page asks `test_digits` and, if that is None, `offer_mnist`."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import streamlit as st

from cvae.data import mnist_files as mnist
from ui.shell import words


@dataclass
class Download:
    """A download in a thread of its own: how far it is, how it ended, and the event that cancels it."""

    done: int = 0
    total: int = 1
    finished: bool = False
    error: str = ""  # one sentence; empty unless it failed
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Tell whether it still goes on; a cancelled one counts as ended, though its thread may wait for bytes."""
        return not self.finished and not self.cancel.is_set()

    @property
    def succeeded(self) -> bool:
        """Tell whether it came to its end without an error."""
        return self.finished and not self.error and not self.cancel.is_set()

    def run(self, data_dir: Path) -> None:
        """Fetch the digits, in whatever thread this is called."""
        try:
            mnist.fetch_test(data_dir, self._progress, self.cancel.is_set)
        except OSError as error:
            self.error = str(error)
        finally:
            self.finished = True

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total


@dataclass
class Shared:
    """The latest download, which all sessions see."""

    latest: Download | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def test_digits() -> tuple[np.ndarray, np.ndarray] | None:
    """Return the real test images (N, 28, 28) uint8 and labels (N,) int64, read-only and shared by all sessions.

    None if MNIST is not in the data folder, or is damaged there; then one line on the page names the file.
    """
    digits = read_test()
    if isinstance(digits, str):
        st.warning(words.markdown(f"{digits} Remove it, or fetch it again."))
        return None
    return digits


def read_test() -> tuple[np.ndarray, np.ndarray] | str | None:
    """Return the arrays of `test_digits`, None without files, or one line that says what is wrong with them."""
    return _read(*stamp())


def stamp() -> tuple[Path, tuple]:
    """Return the data folder with MNIST's test files and their times, which change when they do."""
    return _stamped(mnist.default_data_dir())


def offer_mnist(key: str) -> None:
    """Draw the button that fetches the test digits, or the progress of the download, or why it failed; `key` is unique.

    The whole page reruns when a download ends.
    """
    shared = _shared()
    latest = shared.latest
    if latest and latest.running:
        _watch(key, latest)
    elif latest and latest.succeeded:
        shared.latest = None  # lest a page that has no files all the same reruns for ever
        st.rerun(scope="app")  # it came to its end after the page had looked for the files
    else:
        _offer(key, latest.error if latest else "")


@st.fragment(run_every=0.3)
def _watch(key: str, download: Download) -> None:
    if not download.running:
        st.rerun(scope="app")
    share = min(download.done / download.total, 1.0)
    st.progress(share, text=f"Fetching MNIST's test digits: {share:.0%}")
    st.button("Cancel", key=f"{key}_cancel", on_click=download.cancel.set)


def _offer(key: str, error: str) -> None:
    if error:
        st.info(words.markdown(f"{error} Everything else here works without them."))
    label = "Try again" if error else "Fetch MNIST's test digits (1.6 MB)"
    st.button(label, key=f"{key}_fetch", on_click=_start)
    hosts = " or ".join(mnist.hosts())
    st.caption(words.markdown(f"Nothing else in this app uses the internet: this button loads from {hosts}."))


def _start() -> None:
    """Start a download, unless one runs already or the files have come since the button was drawn."""
    shared, data_dir = _shared(), mnist.default_data_dir()
    with shared.lock:
        if (shared.latest and shared.latest.running) or isinstance(_read(*_stamped(data_dir)), tuple):
            return
        shared.latest = Download()
        threading.Thread(target=shared.latest.run, args=(data_dir,), daemon=True).start()


def _stamped(data_dir: Path) -> tuple[Path, tuple]:
    """Return the folder with its files and their times, so that they are read anew when they change."""
    files = mnist.find_test(data_dir) or ()
    return data_dir, tuple((str(path), path.stat().st_mtime_ns) for path in files)


@st.cache_resource(show_spinner=False)
def _shared() -> Shared:
    return Shared()


@st.cache_resource(show_spinner=False, max_entries=2)
def _read(data_dir: Path, stamp: tuple) -> tuple[np.ndarray, np.ndarray] | str | None:
    """Return the arrays, None without files, or one line that says what is wrong with them."""
    try:
        return mnist.read_test(data_dir)
    except ValueError as error:
        return str(error)
