"""Take this with you: a page's model as one HTML file, made when a visitor presses for it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import streamlit as st
from torch import Tensor

from ui.shell import keeping, link, resources

if TYPE_CHECKING:
    from cvae.browser.page import Contents

KEPT = 3  # models whose weights are held ready, some 2 MB each; the rest of a file is made for every press
ALL = -1  # in the place of a label: one style across all of them
SAYS = "One file with this model, opened where you are now: it runs in any browser, without a network or this app."
_one_at_a_time = threading.Lock()  # many may press at once, and each weighs some MB while it is made


def button(name: str, at: Callable[[], tuple[Tensor | None, int | None]], sheet: bool | None = None) -> None:
    """Draw the button, and the sentence on what it gives: the same as python -m cvae.export NAME --html.

    `at` is asked once the button is pressed: for the point u (D,) and the label that the file opens with, None for its
    own, ALL for all labels. With `sheet` the file holds the encoder too.
    """
    home = _home(st.context.url)

    def make() -> bytes:
        return file(name, _start(*at()), sheet, home)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Take this with you",
            make,
            f"{name}.html",
            "text/html",
            on_click="ignore",
            icon=":material/download:",
            key="take",
        )
        st.caption(SAYS)


def _start(u: Tensor | None, label: int | None) -> str:
    told = {} if u is None else {"z": link.pack(link.snap(u))}
    if label is not None:
        told |= {"all": "1"} if label == ALL else {"label": str(label)}
    return f"?{urlencode(told)}"


def file(name: str, start: str, sheet: bool | None, home: str) -> bytes:
    """Return the HTML file of a model; ValueError where there is none."""
    from cvae.browser import page  # late: no page needs it before somebody presses

    with _one_at_a_time:
        held = _contents(*resources.exported(name), sheet)
        return page.filled(held, title=name, start=start, home=home).encode()


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _contents(folder: Path, stamp: tuple[int, ...], sheet: bool | None) -> "Contents":
    from cvae.browser import page

    return page.contents(folder, sheet)


def _home(address: str | None) -> str:
    """Return the address of the app that a file links back to, empty where only this machine knows it."""
    parts = urlsplit(address or "")
    return (
        f"{parts.scheme}://{parts.netloc}{link.seen_path()}/"
        if parts.hostname and not keeping.is_this_machine(parts.hostname)
        else ""
    )
