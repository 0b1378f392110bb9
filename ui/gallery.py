"""Faces to choose from, as buttons."""

import base64
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from torch import Tensor

from ui import images

HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "gallery",
    html='<div class="gallery" role="group"></div>',
    css=(HERE / "gallery.css").read_text(),
    js=(HERE / "gallery.js").read_text(),
)


def gallery(
    x: Tensor, captions: list[str], key: str, picked: Callable[[int], None], chosen: list[int] = (), marks: list[str] = ()
) -> None:
    """Draw pictures x (N, 3, H, W) as buttons; a press calls picked(its place). `marks`, if any, are written below them."""
    data = {
        "sheet": base64.b64encode(images.strip_jpeg(x)).decode(),
        "captions": captions,
        "chosen": list(chosen),
        "marks": list(marks) or [""] * len(captions),
    }

    def pressed() -> None:
        place = (st.session_state[key] or {}).get("pick")
        if isinstance(place, int) and 0 <= place < len(captions):
            picked(place)

    _mount(key=key, data=data, on_pick_change=pressed)
