"""The canvas: a pad to draw on or to paint a hole over a digit, and the pictures that ui/shell/sketch.py makes."""

from collections.abc import Sequence

import streamlit as st
from torch import Tensor

from ui.shell import address, images, link, sketch
from ui.widgets.bridge import component, encoded, sent

HTML = """<div class="frame"><div class="sketch"><div class="board"></div>
<div class="seen"><p class="reads" role="status" hidden></p><div class="pictures"></div>
<div class="bars" hidden></div><p class="status" role="status"></p></div>
</div></div>"""
_draw = component(__file__, HTML)
MODES = ("ink", "hole")  # those with a pad
EMPTY = "Draw a digit with the mouse, a pen or a finger. Everything here follows while you draw."


def canvas(
    key: str, query: dict[str, str], captions: list[str], mode: str = "ink", label: str = "Drawing pad", bits: str = "",
    digit: Tensor | None = None, columns: int = 3, labels: Sequence[str] = (), scores: list[float] | None = None,
    side: int = 28, empty: str = EMPTY, sample: bool = False,
) -> None:
    """Draw the canvas with the pictures that sketch.answer(query) returns, one below each of `captions`.

    `mode` is ink (a drawing), hole (a mask over `digit`, (1, 1, S, S)) or view (no pad). `bits` is the bitmap it
    starts from, as in sketch.pack_bits. A finished stroke writes the new one into the address under the mode's name.
    The browser remembers the strokes for its tab: they come back wherever they make the bitmap that is asked for, and
    on a pad that opens where the address names none.
    `labels` name the bars of log p(x | y), and `scores` are more careful values of them than those of a moving pen.
    The first stroke replaces a drawing that is a `sample`, shown before there is one.
    `side` is that of all pictures, S. `empty` stands there while nothing is drawn.
    """
    data = {
        "mode": mode,
        "label": label,
        "base": link.seen_path(),
        "query": query,
        "here": sketch.here(query, side),
        "captions": captions,
        "columns": columns,
        "labels": list(labels),
        "side": side,
        "empty": empty,
        "scores": scores,
        "bits": bits,
        "named": mode in st.query_params,
        "sample": sample,
        "background": None if digit is None else encoded(images.to_uint8(digit)),
    }
    if (sent(key, "drawn") or {}).get("ask"):  # the browser found no /api/sketch
        data |= _answer(query | ({"bits" if mode == "ink" else "hole": bits} if mode in MODES else {}))
    _draw(key, data, drawn=lambda drawing: put(mode, drawing.get("short", "")))  # where the browser has already put it


def _answer(query: dict[str, str]) -> dict:
    try:
        answer = sketch.answer(query)
    except ValueError as error:
        return {"problem": str(error)}
    return {"pixels": encoded(answer.pictures), "about": answer.about()}


def put(mode: str, short: str) -> None:
    """Write a bitmap, as in sketch.shorten, into the address; empty text stands for nothing drawn."""
    st.session_state[f"{mode}_touched"] = True
    link.set_text(mode, short)


def untouched(mode: str) -> bool:
    """Tell whether the visitor has drawn and cleared nothing of this mode as yet, nor came by a link with a drawing."""
    return mode not in st.query_params and not st.session_state.get(f"{mode}_touched")


def drawn(mode: str, default: str = "", side: int = sketch.INK) -> str:
    """Return the bitmap of this mode and side in the address, as in sketch.pack_bits; empty text once it was cleared.

    `default` is what the visitor finds before he has drawn or cleared anything, and in the place of one that does not
    fit.
    """
    if untouched(mode):
        return default
    try:
        bits = sketch.lengthen(st.query_params[mode], side) if mode in st.query_params else ""
    except ValueError:
        address.judge(mode, False)
        return default
    address.judge(mode, True)
    return bits
