"""Where the face of the Faces page comes from: the gallery, a file or the camera."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from cvae import faces, tasks
from cvae.data import lfw_files as lfw
from cvae.data.mnist_files import default_data_dir
from cvae.faces import Space
from ui.faces import photo
from ui.shell import address, codecs, controls, keeping, resources
from ui.widgets.gallery import gallery

if TYPE_CHECKING:
    from cvae.models import LatentModel

GALLERY = "Gallery"
GALLERY_SEED = 5  # of the shuffle in which faces are offered

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
    return controls.choose("Face", [GALLERY, photo.UPLOAD, photo.CAMERA], "face")


def pick(kind: str, name: str, model: "LatentModel", space: Space) -> Held | None:
    """Let the visitor choose a face of this kind; None while there is none."""
    side = model.config.image_shape[1]
    if kind == GALLERY:
        if "photo" in st.query_params:
            _keep(key="keep_photo", data={"photo": ""})
        row = whole("who", len(space.people), default=first(space))
        choose(name, model, space, "who", [row], "Find the face to start from")
        return Held(space.u[row], person(space, row), original(space, row, model), row)
    taken = photo.take(kind, name, model, space)
    x = photo.unpacked(taken, side)
    _keep(key="keep_photo", data={"photo": "" if x is None else keeping.for_address("photo", taken)})
    if x is None:
        return None
    if float(faces.strangeness(model, space, x)) > faces.STRANGE:
        st.warning(f"This hardly looks like a face to the model. The box should {photo.best(model)}.")
    return Held(resources.code(name, taken, x), "Your picture", x)


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
    return None if pixels is None else photo.tensor(pixels)


def whole(parameter: str, count: int, default: int = 0) -> int:
    """Return the whole number below count in the address, or the default where there is none."""
    number = codecs.whole(st.query_params.get(parameter, ""), count)
    address.judge(parameter, number is not None)
    return default if number is None else number


def _restart(pages: str) -> None:
    st.session_state[pages] = 1


def pick_tool(tools: list[str]) -> str:
    """Let the visitor choose a tool of the page, and say which lacks something on this machine."""
    explained = None if folder() else LACKING
    return controls.choose("What to do", tools, "tool", explained, former={"Own slider": "Make a slider"})
