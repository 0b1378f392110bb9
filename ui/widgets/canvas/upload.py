"""The digits of an uploaded picture: which one is read, how it was made, and which part of the picture counts."""

import hashlib

import streamlit as st
from PIL import Image

from cvae import preprocess
from cvae.data import pictures
from ui.shell import images, keeping, sketch, words
from ui.widgets.canvas import crop

BOX = "The part of the picture that is read"


def show(content: bytes) -> None:
    """Read a file once, let the visitor choose among the digits in it, and keep the chosen one."""
    digest = hashlib.sha256(content).hexdigest()
    if st.session_state.get("upload_digest") != digest:
        st.session_state["upload_picture"] = None
        st.session_state["upload_digest"] = digest
        _open(content)
    picture: Image.Image | None = st.session_state["upload_picture"]
    if picture is None:
        st.error(words.markdown(st.session_state["upload_problem"]))
        return
    part = crop.box(_key())
    if st.session_state["upload_part"] != part:
        _read(picture, part)
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="center")
    with right:
        if st.session_state["upload_problem"]:
            st.error(words.markdown(st.session_state["upload_problem"]))
        else:
            _choose(st.session_state["upload_readings"])
    with left:
        crop.crop(picture, _key(), BOX, marks=st.session_state["upload_marks"])


def _key() -> str:
    return f"crop_{st.session_state['upload_digest'][:12]}"


def _open(content: bytes) -> None:
    try:
        st.session_state["upload_picture"] = pictures.open_picture(content)
    except ValueError as error:
        st.session_state["upload_problem"] = str(error)  # the digit that was there before stays
    st.session_state["upload_part"] = None  # nothing of it has been read


def _read(picture: Image.Image, part: crop.Shares) -> None:
    """Read the part of the picture that counts."""
    st.session_state["upload_part"], st.session_state["upload_marks"] = part, []
    st.session_state["upload_count"] = st.session_state.get("upload_count", 0) + 1
    try:
        readings, other = preprocess.guesses(picture, _pixels(picture, part))
    except ValueError as error:
        st.session_state["upload_problem"] = str(error)
        return
    st.session_state["upload_problem"] = ""
    every = [*readings, *([] if other is None else [other])]
    st.session_state["upload_readings"] = [(one.digit, preprocess.shown(one)) for one in every]
    st.session_state["upload_guesses"] = other is not None
    st.session_state["upload_marks"] = [(str(i + 1), _within(one.box, part)) for i, one in enumerate(every)]


def _choose(readings: list) -> None:
    """Keep the chosen digit, at first the largest, and show how it was made; of several, each has its button."""
    which = 0
    if len(readings) > 1:
        if st.session_state["upload_guesses"]:
            st.caption("It is not certain which ink is the digit. These are the two best guesses; choose one.")
            names = ["First guess", "Second guess"]
        else:
            st.caption(f"There are {len(readings)} digits in the picture, of which the largest is read first.")
            names = ["1, the largest", *map(str, range(2, len(readings) + 1))]
        which = st.segmented_control(
            "Digit in the picture",
            range(len(readings)),
            default=0,
            required=True,
            format_func=names.__getitem__,
            key=f"upload_which_{st.session_state['upload_count']}",  # another reading, another choice
        )
    digit, steps = readings[which or 0]
    keeping.keep("digit", sketch.pack_digit(digit))
    st.html(images.steps_html(steps))


def _pixels(picture: Image.Image, part: crop.Shares) -> tuple[int, int, int, int]:
    """Return a part of the picture as (left, top, right, bottom) in pixels; it has one at least."""
    left, top, right, bottom = (round(share * side) for share, side in zip(part, 2 * picture.size, strict=True))
    left, top = min(left, picture.width - 1), min(top, picture.height - 1)
    return left, top, max(left + 1, right), max(top + 1, bottom)


def _within(box: crop.Shares, part: crop.Shares) -> crop.Shares:
    """Return a box in shares of a part of the picture in shares of the whole."""
    x, y, width, height = part[0], part[1], part[2] - part[0], part[3] - part[1]
    left, top, right, bottom = map(float, box)  # of numpy, which JSON does not know
    return x + left * width, y + top * height, x + right * width, y + bottom * height
