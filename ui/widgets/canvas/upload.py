"""The digits of an uploaded picture: which one is read, how it was made, and which part of the picture counts."""

import hashlib

import streamlit as st
from PIL import Image

from cvae import preprocess
from cvae.data import pictures
from ui.shell import images, keeping, sketch, words

WHOLE = (0, 100)


def show(content: bytes) -> None:
    """Read a file once, let the visitor choose among the digits in it, and keep the chosen one."""
    digest = hashlib.sha256(content).hexdigest()
    if st.session_state.get("upload_digest") != digest:
        for key in ("upload_across", "upload_down", "upload_which"):
            st.session_state.pop(key, None)
        st.session_state["upload_picture"] = None
        st.session_state["upload_digest"] = digest
        _read(content)
    if st.session_state["upload_problem"]:
        st.error(words.markdown(st.session_state["upload_problem"]))
    else:
        _choose(st.session_state["upload_readings"])
    if st.session_state["upload_picture"] is not None:
        _crop(st.session_state["upload_picture"])


def _read(content: bytes) -> None:
    try:
        st.session_state["upload_picture"] = pictures.open_picture(content)
    except ValueError as error:
        st.session_state["upload_problem"] = str(error)  # the digit that was there before stays
        return
    _reread()


def _reread() -> None:
    """Read the part of the picture that counts; keep its largest digit."""
    picture: Image.Image = st.session_state["upload_picture"]
    st.session_state.pop("upload_which", None)
    try:
        readings, other = preprocess.guesses(picture, _part(picture))
    except ValueError as error:
        st.session_state["upload_problem"] = str(error)
        return
    st.session_state["upload_problem"] = ""
    every = [*readings, *([] if other is None else [other])]
    st.session_state["upload_readings"] = [(one.digit, preprocess.shown(one)) for one in every]
    st.session_state["upload_guesses"] = other is not None
    _keep(0)


def _keep(number: int) -> None:
    keeping.keep("digit", sketch.pack_digit(st.session_state["upload_readings"][number][0]))


def _chosen() -> None:
    _keep(st.session_state["upload_which"] or 0)


def _choose(readings: list) -> None:
    """Show how the chosen digit was made; where there are several, a button for each."""
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
            key="upload_which",
            on_change=_chosen,
        )
    st.html(images.steps_html(readings[which or 0][1]))


def _crop(picture: Image.Image) -> None:
    """Let the visitor say which part of the picture counts."""
    with st.expander("Read only a part of the picture"):
        left, right = st.columns([3, 2], gap="large")
        left.slider("From left to right, in percent", 0, 100, WHOLE, key="upload_across", on_change=_reread)
        left.slider("From top to bottom, in percent", 0, 100, WHOLE, key="upload_down", on_change=_reread)
        part = picture.crop(_part(picture))
        part.thumbnail((200, 400))  # each side keeps a pixel, which Streamlit's own way does not see to
        right.image(part, width=200)


def _part(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the part of the picture that counts, (left, top, right, bottom) in pixels; it has one at least."""
    (left, right), (top, bottom) = (st.session_state.get(f"upload_{key}", WHOLE) for key in ("across", "down"))
    w, h = picture.size
    left, top = min(left * w // 100, w - 1), min(top * h // 100, h - 1)
    return left, top, max(left + 1, right * w // 100), max(top + 1, bottom * h // 100)
