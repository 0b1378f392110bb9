"""Where the face of the Faces page comes from: the gallery, a file or the camera; and the address that keeps it."""

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from cvae import lfw, pictures, tasks
from cvae.faces import Space
from cvae.mnist import default_data_dir
from ui import controls, gallery, link, resources

GALLERY, UPLOAD, CAMERA = "Gallery", "Upload", "Camera"
TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "avif"]
GALLERY_SEED = 5  # of the shuffle in which faces are offered
SHOWN = 10  # faces of the gallery at a time
LONGEST = 8000  # characters of a photo in the address: a 64x64 JPEG has some 3,500


@dataclass(frozen=True)
class Held:
    """The face that the page works on: its code u (D,), whose it is, and the picture x (1, 3, S, S) where there is one."""

    u: Tensor
    name: str
    x: Tensor | None = None
    row: int | None = None  # in the space, for a face of the gallery


def pick_kind() -> str:
    """Let the visitor choose where the face comes from."""
    return controls.choose("Face", [GALLERY, UPLOAD, CAMERA], "face")


def pick(kind: str, name: str, model, space: Space) -> Held | None:
    """Let the visitor choose a face of this kind; None while there is none."""
    if kind == GALLERY:
        row = whole("who", len(space.people), default=offered(space, 0, "")[0])
        choose(model, space, "who", [row])
        return Held(space.u[row], person(space, row), original(space, row, model.config.image_shape[1]), row)
    _photo(kind, model.config.image_shape[1])
    x = _unpacked(st.query_params.get("photo", ""), model.config.image_shape[1])
    return None if x is None else Held(resources.code(name, st.query_params["photo"], x), "your picture", x)


def choose(model, space: Space, parameter: str, chosen: list[int], picked=None) -> None:
    """Draw a page of the gallery; a press writes the row into the address, or calls picked(row)."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    wanted = left.text_input("Find a person", key=f"{parameter}_find", placeholder="Find a person, such as Serena Williams", label_visibility="collapsed")
    page = whole(f"{parameter}_page", 10_000)
    right.button("More faces", key=f"{parameter}_more", on_click=_put, args=(f"{parameter}_page", page + 1), width="stretch")
    rows = offered(space, page, wanted)
    if not rows:
        st.info("Nobody in the set has this name.")
        return
    on = [i for i, row in enumerate(rows) if row in chosen]
    press = picked or (lambda row: link.set_text(parameter, str(row)))
    faces = tasks.decode(model, space.u[rows])
    gallery.gallery(faces, [person(space, row) for row in rows], f"{parameter}_gallery", lambda i: press(rows[i]), on)


def offered(space: Space, page: int, wanted: str) -> list[int]:
    """Return the rows of this page of the gallery: of people whose name holds `wanted`, else of anyone in a fixed shuffle."""
    if wanted.strip():
        text = wanted.strip().lower().replace(" ", "_")
        found = [i for i, name in enumerate(space.people) if text in name.lower()]
    else:
        found = np.random.default_rng(GALLERY_SEED).permutation(len(space.people)).tolist()
    start = page * SHOWN % max(len(found), 1)
    return found[start : start + SHOWN]


def person(space: Space, row: int) -> str:
    """Return the name of the person in this row."""
    return space.people[row].replace("_", " ")


def original(space: Space, row: int, side: int) -> Tensor | None:
    """Return the picture itself, (1, 3, S, S), where the set is on this machine."""
    folder = lfw.find(default_data_dir())
    name = space.people[row]
    path = folder and folder / name / f"{name}_{space.numbers[row]:04d}.jpg"
    if not path or not path.is_file():
        return None
    try:
        with Image.open(path) as picture:
            return _tensor(lfw.fitted(picture, side, lfw.box(picture.size)))
    except (OSError, SyntaxError):
        return None


def whole(parameter: str, count: int, default: int = 0) -> int:
    """Return the whole number below count in the address, or the default where there is none."""
    text = st.query_params.get(parameter, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 and int(text) < count else default


def _put(parameter: str, value: int) -> None:
    link.set_text(parameter, str(value))


def _photo(kind: str, side: int) -> None:
    """Take a picture and put the part in its crop box into the address."""
    if kind == UPLOAD:
        file = st.file_uploader("A picture with one face", TYPES, key="face_upload", help="It stays on this machine.")
    else:
        file = st.camera_input("Look into the camera", key="face_camera")
    if file is None:
        return
    content = file.getvalue()
    try:
        picture = pictures.open_picture(content)
    except ValueError as error:
        st.error(str(error))
        return
    picture = _on_white(picture)
    box = _crop_box(picture, hashlib.sha256(content).hexdigest()[:12])
    link.set_text("photo", _packed(lfw.fitted(picture, side, box)))


def _crop_box(picture: Image.Image, key: str) -> tuple[float, float, float, float]:
    """Let the visitor move a square over the picture; return left, upper, right, lower."""
    width, height = picture.size
    left, right = st.columns([2, 3], vertical_alignment="center")
    with right:
        size = st.slider("Size of the box, %", 10, 100, 60, key=f"size_{key}") / 100
        across = st.slider("Left to right, %", 0, 100, 50, key=f"x_{key}") / 100
        down = st.slider("Up and down, %", 0, 100, 45, key=f"y_{key}") / 100
        st.caption("Eyes a little above the middle, chin and forehead just inside: so the models have seen faces.")
    edge = max(1.0, size * min(width, height))
    x, y = across * (width - edge), down * (height - edge)
    box = (x, y, x + edge, y + edge)
    shown = picture.copy()
    shown.thumbnail((480, 480))
    scale = shown.width / width
    ImageDraw.Draw(shown).rectangle([round(v * scale) for v in box], outline="#ff7a1a", width=4)
    left.image(shown, alt="The picture with the crop box", width="stretch")
    return box


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _packed(pixels: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(out, "JPEG", quality=90)
    return base64.urlsafe_b64encode(out.getvalue()).decode().rstrip("=")


def _unpacked(text: str, side: int) -> Tensor | None:
    """Return the photo (1, 3, S, S) in the address; None, with a word on the page, for what `_packed` did not write."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if len(text) > LONGEST:
            raise ValueError
        picture = Image.open(io.BytesIO(raw), formats=["JPEG"])
        if picture.size != (side, side):
            raise ValueError
        return _tensor(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))
    except (ValueError, OSError, SyntaxError, binascii.Error):
        st.warning("The picture in the address is damaged; upload it anew.")
        return None


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pixels))[None].float() / 255
