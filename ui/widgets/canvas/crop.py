"""A picture with a box that a visitor drags, to say which part of it counts."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from cvae.data import pictures
from ui.shell import images
from ui.widgets.bridge import component, sent

Shares = tuple[float, float, float, float]  # left, top, right, bottom, in shares of the picture

HTML = '<div class="crop"></div><p class="status" role="status"></p>'
WHOLE: Shares = (0.0, 0.0, 1.0, 1.0)
SHOWN = 640  # pixels of the longer side of the picture in the page
LEAST = 0.02  # of a side of the picture, that the box has
LEFT, MOST = "crop_left", 64  # boxes that a visit keeps, also of pictures that are not drawn at the time
_draw = component(__file__, HTML)


def crop(
    picture: Image.Image,
    key: str,
    label: str,
    first: Shares = WHOLE,
    square: bool = False,
    marks: Sequence[tuple[str, Shares]] = (),
) -> None:
    """Draw a picture with its box, and dashed ones around what was seen in it, each with its name.

    `label` says in words what the box is; `key` belongs to this picture, at whose opening the box is `first`.
    """
    small = picture.convert("RGB")
    if max(small.size) > SHOWN:
        small = small.resize(pictures.fitting(small.size, SHOWN))
    data = {
        "picture": base64.b64encode(images.jpeg(np.asarray(small))).decode(),
        "size": picture.size,
        "label": label,
        "box": box(key, first),
        "first": first,
        "square": square,
        "least": LEAST,
        "marks": [{"name": name, "box": shares} for name, shares in marks],
    }
    _draw(key, data, box=lambda message: None)


def box(key: str, first: Shares = WHOLE) -> Shares:
    """Return the box that the visitor last left, `first` before that and for anything that is no box."""
    message, left = sent(key, "box"), st.session_state.setdefault(LEFT, {})
    if isinstance(message, dict) and (shares := _shares(message.get("box"))):
        left.pop(key, None)
        left[key] = shares
        if len(left) > MOST:
            del left[next(iter(left))]
    return left.get(key, first)


def _shares(numbers: Any) -> Shares | None:
    """Return four numbers as a box; None where they are none."""
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(isinstance(v, int | float) for v in numbers):
        return None
    left, top, right, bottom = numbers
    if not (0 <= left < right <= 1.001 and 0 <= top < bottom <= 1.001):  # nor is what is no number
        return None
    return float(left), float(top), min(1.0, right), min(1.0, bottom)
