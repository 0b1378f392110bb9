"""Where the face of the Faces page comes from: the gallery, a file or the camera."""

import base64
import hashlib
import io
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import streamlit as st
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from cvae import faces, tasks
from cvae.data import lfw_files as lfw
from cvae.data import pictures
from cvae.data.mnist_files import default_data_dir
from cvae.faces import Space
from ui.shell import address, codecs, controls, images, keeping, resources, words
from ui.widgets.gallery import gallery

if TYPE_CHECKING:
    from cvae.models import LatentModel

GALLERY, UPLOAD, CAMERA = "Gallery", "Upload", "Camera"
GALLERY_SEED = 5  # of the shuffle in which faces are offered
PREVIEW = 480  # pixels of the longer side of an upload beside its crop box
USUAL = 0.35  # edge of a face's square, in shorter sides of the picture, where no face is found
SMALLEST_BOX = 3  # percent of the shorter side
AROUND = (128, 128, 128)  # the colour beside a turned picture
FACE, HEAD = "go from the eyebrows to the lower lip, upright", "hold the whole head, from the hair to the chin, upright"
UNSURE = "This may be no face, or the box may be wrong: look at it, and turn the picture or move the box."
NO_FACE = "No face was recognised: turn the picture and move the box onto the face."
Box: TypeAlias = tuple[float, float, float, float]  # left, upper, right, lower
LONGEST = 16_000  # characters of a photo in the address: a 96x96 JPEG has some 6,000

# Streamlit's own writing to the address would be a new step of the browser's history for every move of the crop box
_keep = st.components.v2.component(
    "keep_photo",
    js="""export default function ({ data }) {
  const here = new URL(location.href);
  if (data.photo) here.searchParams.set("photo", data.photo);
  else here.searchParams.delete("photo");
  history.replaceState(history.state, "", here);
}""",
)
LACKS = "What to do; Reconstruct lacks the originals here"
LACKING = (
    "Reconstruct compares a face with its original. The photographs of the gallery are those of LFW, which is not "
    "under CVAE_DATA_DIR on this machine; a picture of your own has its original."
)


@dataclass(frozen=True)
class Held:
    """The face that the page works on: its code u (D,), whose it is, and the picture x (1, 3, S, S) if there is one."""

    u: Tensor
    name: str
    x: Tensor | None = None
    row: int | None = None  # in the space, for a face of the gallery


def pick_kind() -> str:
    """Let the visitor choose where the face comes from."""
    return controls.choose("Face", [GALLERY, UPLOAD, CAMERA], "face")


def pick(kind: str, name: str, model: "LatentModel", space: Space) -> Held | None:
    """Let the visitor choose a face of this kind; None while there is none."""
    side = model.config.image_shape[1]
    if kind == GALLERY:
        if "photo" in st.query_params:
            _keep(key="keep_photo", data={"photo": ""})
        row = whole("who", len(space.people), default=first(space))
        choose(name, model, space, "who", [row], "Find the face to start from")
        return Held(space.u[row], person(space, row), original(space, row, model), row)
    photo = _photo(kind, name, model, space)
    x = _unpacked(photo, side)
    _keep(key="keep_photo", data={"photo": "" if x is None else keeping.for_address("photo", photo)})
    if x is None:
        return None
    if float(faces.strangeness(model, space, x)) > faces.STRANGE:
        st.warning(f"This hardly looks like a face to the model. The box should {_best(model)}.")
    return Held(resources.code(name, photo, x), "Your picture", x)


def choose(
    name: str,
    model: "LatentModel",
    space: Space,
    parameter: str,
    chosen: list[int],
    label: str,
    addresses: Callable[[int], dict[str, str]] | None = None,
) -> None:
    """Draw a page of the gallery; a press writes the row into the address, or what addresses(row) says."""
    people, first = _searched(parameter, space, label)
    rows = people[first : first + resources.SHOWN]
    if not rows:
        st.info("Nobody in the set has this name.")
        return
    at = addresses or (lambda row: {parameter: str(row)})
    on = [i for i, row in enumerate(rows) if row in chosen]
    names = [person(space, row) for row in rows]
    x, leads = shown(name, model, space, rows), [at(row) for row in rows]
    gallery.gallery(x, names, f"{parameter}_gallery", leads, resources.SHOWN, on)
    count = f"{first + 1:,} to {first + len(rows):,} of {len(people):,}"
    stored = "" if folder() else ", as the model sees them; the originals are shown where LFW lies under CVAE_DATA_DIR"
    st.caption(f"{count}{stored}.")


def _searched(parameter: str, space: Space, label: str) -> tuple[list[int], int]:
    """Let the visitor look for a name and turn pages; return the rows that fit, and where the page begins in them."""
    pages = f"{parameter}_page"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        wanted = st.text_input(
            label,
            key=f"{parameter}_find",
            placeholder="such as Serena Williams",
            bind="query-params",
            on_change=_restart,
            args=(pages,),
            width=260,
        )
        people = matching(space, wanted or "")
        last = max(1, -(-len(people) // resources.SHOWN))
        address.number(pages, 1, last, whole=True)
        page = st.pagination(last, key=pages, bind="query-params", max_visible_pages=0)
    return people, (page - 1) * resources.SHOWN


def matching(space: Space, wanted: str) -> list[int]:
    """Return the rows of people whose name has all words of `wanted`, accents aside.

    Without any words: all, in a fixed shuffle.
    """
    words = _plain(wanted).split()
    if not words:
        return np.random.default_rng(GALLERY_SEED).permutation(len(space.people)).tolist()
    fitting = {name for name in set(space.people) if all(word in _plain(name) for word in words)}
    return [row for row, name in enumerate(space.people) if name in fitting]


def first(space: Space) -> int:
    """Return the row that the page opens with: of the gallery's first the most usual face not known to smile."""
    rows = matching(space, "")[: resources.SHOWN]
    if "Smiling" in space.columns:
        smiling = space.present[:, space.columns.index("Smiling")]
        rows = [row for row in rows if smiling[row] != 1] or rows
    return min(rows, key=lambda row: float(space.u[row].norm()))


def shown(name: str, model: "LatentModel", space: Space, rows: list[int]) -> Tensor:
    """Return the faces of these rows (N, 3, S, S): the pictures where the set is on this machine, else decoded ones."""

    def make() -> Tensor:
        originals = [original(space, row, model) for row in rows]
        decoded = tasks.decode(model, space.u[rows])
        return torch.cat([decoded[i : i + 1] if x is None else x for i, x in enumerate(originals)])

    return resources.kept(name, ("shown", str(folder()), *rows), make)


def folder() -> Path | None:
    """Return where the pictures of the set are, None where they are not on this machine."""
    return lfw.find(default_data_dir())


def _plain(name: str) -> str:
    """Return a name in lower case, without accents, with blanks for underscores."""
    letters = unicodedata.normalize("NFKD", name.replace("_", " ").lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def person(space: Space, row: int) -> str:
    """Return the name of the person in this row."""
    return space.people[row].replace("_", " ")


def original(space: Space, row: int, model: "LatentModel") -> Tensor | None:
    """Return the picture itself, (1, 3, S, S), as the model would have it, where the set is on this machine."""
    side, crop = model.config.image_shape[1], faces.crop(model)
    pixels = lfw.photograph(default_data_dir(), space.people[row], int(space.numbers[row]), side, crop)
    return None if pixels is None else _tensor(pixels)


def whole(parameter: str, count: int, default: int = 0) -> int:
    """Return the whole number below count in the address, or the default where there is none."""
    number = codecs.whole(st.query_params.get(parameter, ""), count)
    address.judge(parameter, number is not None)
    return default if number is None else number


def _restart(pages: str) -> None:
    st.session_state[pages] = 1


def _photo(kind: str, name: str, model: "LatentModel", space: Space) -> str:
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
    picture, box = _crop_box(picture, digest, st.session_state["faces_seen"], model)
    return _packed(lfw.fitted(picture, model.config.image_shape[1], box))


def _best(model: "LatentModel") -> str:
    """Return what a crop box should do, so that the model sees a face as it has seen others."""
    return HEAD if faces.crop(model) > lfw.CROP else FACE


def _crop_box(picture: Image.Image, key: str, seen: list[faces.Face], model: "LatentModel") -> tuple[Image.Image, Box]:
    """Let the visitor turn a picture and move a square over it, at first where the face is.

    Returns the turned picture and left, upper, right, lower in it.
    """
    left, right = st.columns([2, 3], vertical_alignment="center")
    with right:
        face, key = _chosen(seen, key)
        if face is None or face.score < faces.SURE:
            st.markdown(f":orange-background[{UNSURE if face else NO_FACE}]")
        lies = "The box lies where a face is. " if face else ""
        st.caption(f"{lies}It should {_best(model)}: so the model has seen faces.")
        level = 0 if face is None else round(-math.degrees(face.turn))
        turn = st.slider("Turn, degrees", -180, 180, level, key=f"turn_{key}")
        turned, box = _turned(picture, turn, face)
        shown = faces.crop(model)
        if box and shown > lfw.CROP:
            turned, box = _widened(turned, box)
        start, key = _percents(turned.size, box, USUAL * shown / lfw.CROP), f"{key}_{shown}_{turn}"
        size = st.slider("Size of the box, %", SMALLEST_BOX, 100, start[0], key=f"size_{key}")
        across = st.slider("Left to right, %", 0, 100, start[1], key=f"x_{key}")
        down = st.slider("Up and down, %", 0, 100, start[2], key=f"y_{key}")
    if box is None or (size, across, down) != start or not _inside(box, turned.size):  # else it is finer than percents
        edge = max(1.0, size / 100 * min(turned.size))
        x, y = across / 100 * (turned.width - edge), down / 100 * (turned.height - edge)
        box = (x, y, x + edge, y + edge)
    left.html(_preview(turned, box))
    return turned, box


def _inside(box: Box, size: tuple[int, int]) -> bool:
    return min(box[:2]) >= 0 and box[2] <= size[0] and box[3] <= size[1]


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


def _percents(size: tuple[int, int], box: Box | None, usual: float = USUAL) -> tuple[int, int, int]:
    """Return what the three sliders of the crop box show for a box in a picture of this size, or for `usual` edges."""
    if box is None:
        return round(100 * usual), 50, 50
    edge = box[2] - box[0]
    places = (100 * at / (side - edge) if side - edge > 1 else 50 for at, side in zip(box[:2], size, strict=True))
    across, down = (max(0, min(100, round(place))) for place in places)
    return max(SMALLEST_BOX, min(100, round(100 * edge / min(size)))), across, down


def _preview(picture: Image.Image, box: Box) -> str:
    """Return HTML of the picture with its crop box.

    It lies in the page itself: a served file may be gone while the sliders move.
    """
    scale = PREVIEW / max(picture.size)
    large = picture.resize(pictures.fitting(picture.size, PREVIEW))
    ImageDraw.Draw(large).rectangle([round(v * scale) for v in box], outline="#ff7a1a", width=4)
    data = base64.b64encode(images.jpeg(np.asarray(large))).decode()
    style = "display:block;max-width:100%;max-height:18rem;margin:auto;border-radius:8px"
    return f'<img alt="The picture with the crop box" style="{style}" src="data:image/jpeg;base64,{data}">'


def _packed(pixels: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(out, "JPEG", quality=90)
    return codecs.to_text(out.getvalue())


def _unpacked(text: str, side: int) -> Tensor | None:
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
        return _tensor(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))
    except (ValueError, OSError, SyntaxError):
        st.warning("The picture in the address is damaged; upload it anew.")
        return None


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pixels))[None].float() / 255


def pick_tool(tools: list[str]) -> str:
    """Let the visitor choose a tool of the page, and say which lacks something on this machine."""
    label, explained = ("What to do", None) if folder() else (LACKS, LACKING)
    return controls.choose(label, tools, "tool", explained, former={"Own slider": "Make a slider"})
