"""A picture of one's own on the Faces page: a file or the camera, and the square of it that holds the face."""

import hashlib
import io
import math
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from cvae import faces
from cvae.data import lfw_files as lfw
from cvae.data import pictures
from cvae.faces import Space
from ui.shell import codecs, keeping, words
from ui.widgets.canvas import crop

if TYPE_CHECKING:
    from cvae.models import LatentModel

UPLOAD, CAMERA = "Upload", "Camera"
USUAL = 0.35  # edge of a face's square, in shorter sides of the picture, where no face is seen
AROUND = (128, 128, 128)  # the colour beside a turned picture
FACE, HEAD = "go from the eyebrows to the lower lip, upright", "hold the whole head, from the hair to the chin, upright"
UNSURE = "This may be no face, or the box may be wrong: look at it, and turn the picture or move the box."
NO_FACE = "No face was recognised: turn the picture and move the box onto the face."
Box: TypeAlias = tuple[float, float, float, float]  # left, upper, right, lower
LONGEST = 16_000  # characters of a photo in the address: a 96x96 JPEG has some 6,000


def take(kind: str, name: str, model: "LatentModel", space: Space) -> str:
    """Take a picture; return the part in its crop box as text, or what was kept of one before; empty without either."""
    renewed = partial(_renewed, kind)
    if kind == CAMERA and (why := keeping.no_camera()):
        st.warning(words.markdown(why))
        return keeping.kept("photo", kind)
    if kind == UPLOAD:
        file = st.file_uploader("A picture with a face", pictures.SUFFIXES, key="face_upload", on_change=renewed)
    else:
        file = st.camera_input("Look into the camera", key="face_camera", on_change=renewed)
    st.caption(words.markdown(keeping.privacy()))
    if file is not None:
        keeping.keep("photo", _cropped(file.getvalue(), name, model, space), kind)
    return keeping.kept("photo", kind)


def _renewed(kind: str) -> None:
    """Forget the picture before, also where a file went and none came."""
    keeping.renew("photo")
    keeping.keep("photo", "", kind)


def _cropped(content: bytes, name: str, model: "LatentModel", space: Space) -> str:
    """Return the part of a picture in its crop box as text; empty, with a line on the page, if it cannot be read."""
    try:
        picture = pictures.open_picture(content).convert("RGB")
    except ValueError as error:
        st.error(words.markdown(str(error)))
        return ""
    digest = hashlib.sha256(content).hexdigest()[:12]
    of = digest, faces.crop(model)
    if st.session_state.get("searched") != of:  # once, not in every run
        st.session_state["searched"], st.session_state["faces_seen"] = of, faces.search(model, space, picture)
        st.session_state.pop("turns", None)
    picture, box = _crop_box(picture, digest, st.session_state["faces_seen"], model)
    return packed(lfw.fitted(picture, model.config.image_shape[1], box))


def best(model: "LatentModel") -> str:
    """Return what a crop box should do, so that the model sees a face as it has seen others."""
    return HEAD if faces.crop(model) > lfw.CROP else FACE


def _crop_box(picture: Image.Image, key: str, seen: list[faces.Face], model: "LatentModel") -> tuple[Image.Image, Box]:
    """Let the visitor turn a picture and drag a square over it, at first where the face is.

    Returns the turned picture and left, upper, right, lower in it.
    """
    left, right = st.columns([2, 3], vertical_alignment="center")
    with right:
        face, key = _chosen(seen, key)
        sure = face is not None and face.score >= faces.SURE
        if not sure:
            st.markdown(f":orange-background[{UNSURE if face else NO_FACE}]")
        lies = "The box lies where a face is. " if sure else ""
        st.caption(f"{lies}It should {best(model)}: so the model has seen faces.")
        level = 0 if face is None else round(-math.degrees(face.turn))
        turn = _turn(f"turn_{key}", level)
    turned, box = _turned(picture, turn, face)
    shown = faces.crop(model)
    if box and shown > lfw.CROP:
        turned, box = _widened(turned, box)
    first = _shares(turned.size, box or _middle(turned.size, USUAL * shown / lfw.CROP))
    key = f"crop_{key}_{shown}_{turn}"
    with left:
        crop.crop(turned, key, "The face that is read", first, square=True)
    return turned, _pixels(turned.size, crop.box(key, first))


def _turn(key: str, level: int) -> int:
    """Let the visitor turn a picture, by `level` degrees at first; what each face was turned by is kept."""
    turns = st.session_state.setdefault("turns", {})
    if key not in st.session_state:  # Streamlit forgets a control that was not drawn
        st.session_state[key] = turns.get(key, level)
    turns[key] = st.slider("Turn, degrees", -180, 180, key=key)
    return turns[key]


def _chosen(seen: list[faces.Face], key: str) -> tuple[faces.Face | None, str]:
    """Let the visitor choose among several faces, numbered from left to right; return one and a key of its own."""
    sure = [face for face in seen if face.score >= faces.SURE]
    if len(sure) < 2:
        return (seen[0] if seen else None), key
    across = sorted(sure, key=lambda face: face.x)
    number = st.segmented_control(
        f"{len(sure)} faces, from left to right",
        range(1, len(across) + 1),
        default=across.index(sure[0]) + 1,
        key=f"which_{key}",
        required=True,
    )
    return across[number - 1], f"{key}_{number}"


def _turned(picture: Image.Image, degrees: int, face: faces.Face | None) -> tuple[Image.Image, Box | None]:
    """Return a picture turned clockwise by some degrees, and the upright box of a face in it."""
    turned = picture.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=AROUND) if degrees else picture
    if face is None:
        return turned, None
    angle, half = math.radians(degrees), face.edge / 2
    x, y = face.x - picture.width / 2, face.y - picture.height / 2
    x, y = math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y
    x, y = x + turned.width / 2, y + turned.height / 2
    return turned, (x - half, y - half, x + half, y + half)


def _widened(picture: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    """Return a picture with as much of it mirrored beyond its edges as a box takes up there, and the box in it.

    A head may be cut off where its face is not.
    """
    left, upper, right, lower = box
    x, y = max(0, math.ceil(-left)), max(0, math.ceil(-upper))
    beyond = (y, max(0, math.ceil(lower - picture.height))), (x, max(0, math.ceil(right - picture.width))), (0, 0)
    wide = Image.fromarray(np.pad(np.asarray(picture), beyond, mode="symmetric"))
    return wide, (left + x, upper + y, right + x, lower + y)


def _middle(size: tuple[int, int], share: float) -> Box:
    """Return a square in the middle of a picture, its edge a share of the shorter side."""
    half = share * min(size) / 2
    x, y = size[0] / 2, size[1] / 2
    return x - half, y - half, x + half, y + half


def _shares(size: tuple[int, int], box: Box) -> crop.Shares:
    """Return a box in shares of a picture, moved and made smaller where it would lie beyond the edges."""
    edge = min(box[2] - box[0], *size)
    x, y = (min(max(0.0, at), side - edge) for at, side in zip(box[:2], size, strict=True))
    return x / size[0], y / size[1], (x + edge) / size[0], (y + edge) / size[1]


def _pixels(size: tuple[int, int], shares: crop.Shares) -> Box:
    """Return the square in pixels that a visitor has left, which the shape of the picture's pixels may have bent."""
    edge = max(1.0, min((shares[2] - shares[0]) * size[0], (shares[3] - shares[1]) * size[1]))
    left, upper = (max(0.0, min(share * side, side - edge)) for share, side in zip(shares[:2], size, strict=True))
    return left, upper, min(left + edge, size[0]), min(upper + edge, size[1])


def packed(pixels: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(out, "JPEG", quality=90)
    return codecs.to_text(out.getvalue())


def unpacked(text: str, side: int) -> Tensor | None:
    """Return the photo (1, 3, S, S) in the address; None, with a word on the page, for what `_packed` did not write."""
    if not text:
        return None
    try:
        raw = codecs.from_text(text)
        if len(text) > LONGEST:
            raise ValueError
        picture = Image.open(io.BytesIO(raw), formats=["JPEG"])
        if picture.size != (side, side):
            raise ValueError
        return tensor(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))
    except (ValueError, OSError, SyntaxError):
        st.warning("The picture in the address is damaged; upload it anew.")
        return None


def tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pixels))[None].float() / 255
