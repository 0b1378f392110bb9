"""Where the digit of a page comes from: the visitor's hand, a file, a model, or the test set."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import tasks
from cvae.data import pictures
from ui.shell import address, classes, controls, fetch, images, keeping, link, resources, sketch, words
from ui.widgets.canvas import canvas, upload

if TYPE_CHECKING:
    from cvae.models import LatentModel

DRAW, UPLOAD, GENERATED, TEST = "Draw", "Upload", "Generated digit", "Real digit"
PICTURE = "Generated picture"  # by a model of other classes than digits
SHORT = (GENERATED, TEST, PICTURE)  # whose controls fit into a row with others
SAMPLE = (  # a four, as in sketch.shorten
    "eNrF0lEKwyAMANAUP_oz8AbrUTxaPZpH8Qh--hHMajRmw1IoYyxfTyWRaAD-GXZo87KxBdlwXQFcO3Uqf6VdBbOIFzXKrEWFswxyelXmpCPWMyWRVUUu"
    "XhuKXPJTARbC3qSh0hoyRHzdTvSuMoRDWZTbYxxKrTLhmuSZz2RV8a76Z92QU_kvNAbnOfT4xYS-APwNZv4"
)
ONWARD = {  # page -> what becomes of the digit there
    "Draw": "Reconstruct and read this {}",
    "Inpaint": "Hide a part of it and let a model complete it",
    "Map": "See where it lands among the others",
}
ADDRESS = ("source", "ink", "digit_label", "pick", "index")


@dataclass(frozen=True)
class Source:
    """The digit x (1, 1, S, S) as the model takes it, None while there is none.

    With it goes what the canvas needs to ask for its pictures.
    """

    x: Tensor | None
    drawing: bool = False  # it is drawn on the canvas itself
    bits: str = ""
    sample: bool = False  # a drawing of ours, until the visitor's own

    def query(self) -> dict[str, str]:
        """Return the part of a sketch query that holds the digit; the canvas itself adds a drawing."""
        return {} if self.drawing or self.x is None else {"digit": sketch.pack_digit(self.x)}


def pick_kind(model: "LatentModel", draws: bool = True) -> str:
    """Let the visitor choose where the digit for a model comes from, at first his hand or else a model that draws."""
    own = [DRAW, UPLOAD]
    made = [GENERATED, TEST] if classes.are_digits(model) else [PICTURE]
    return controls.choose("Picture", own + made if draws else made[:1] + own + made[1:], "source")


def pick(kind: str, model: "LatentModel") -> Source:
    """Let the visitor choose the digit of this kind; it comes at the size of the model's pictures."""
    generated = partial(_generated, model)
    does: dict[str, Callable[[], Source]] = {DRAW: _drawing, UPLOAD: partial(_upload, model), TEST: _real}
    does |= {GENERATED: generated, PICTURE: generated}
    _judge_pictures()
    if kind != UPLOAD:
        link.set_text("digit", "")  # lest a link to something else carries an upload
    source = does[kind]()
    return source if source.x is None else replace(source, x=sketch.fitted(source.x, model))


def _judge_pictures() -> None:
    """Judge the drawing and the picture in the address, whichever of them is shown."""
    for name, read in (("ink", lambda text: sketch.lengthen(text, sketch.INK)), ("digit", sketch.unpack_digit)):
        try:
            read(st.query_params.get(name, ""))
        except ValueError as error:
            address.judge(name, False, f"{str(error)[0].upper()}{str(error)[1:]}" if name == "digit" else "")
        else:
            address.judge(name, True)


def picked(kind: str = DRAW) -> dict[str, str]:
    """Return what an address says of the digit, an uploaded one itself, for a link to another page.

    `kind` is where the digit comes from where the address does not say.
    """
    named = {name: st.query_params[name] for name in ADDRESS if name in st.query_params}
    there = {"source": kind, "ink": SAMPLE} if canvas.untouched("ink") else {"source": kind}  # what Draw shows at first
    there |= named
    if there["source"] != DRAW:
        there.pop("ink", None)
    return there | ({"digit": keeping.kept("digit")} if there["source"] == UPLOAD else {})


def hand_on(here: str, name: str, model: "LatentModel", kind: str = DRAW) -> None:
    """Draw links from the page `here` to the others that can do something with its digit; the map takes drawings alone.

    A model goes along if the visitor chose it or it is of no digits, and the other page can have it.
    """
    there, digits = picked(kind), resources.is_digit(model) and classes.are_digits(model)
    along = {} if name not in resources.available()[0] or (digits and not controls.by_hand(name)) else {"model": name}
    ways = {page: there | along for page in ("Draw", "Inpaint")}
    mapped = resources.map_figures(name) is not None
    if there["source"] == DRAW and there.get("ink") and (digits or mapped):
        ways["Map"] = {"own": "true", "ink": there["ink"]} | (along if mapped else {})
    carries = "; the link carries your picture" if "digit" in there else ""
    with st.container(horizontal=True, gap="medium", key="onward"):
        for page, parameters in ways.items():
            if page != here:
                link.onward(page, ONWARD[page].format(classes.noun(model)) + carries, parameters)


def pad(source: Source, name: str, model: "LatentModel") -> None:
    """Draw the pad and the digit that it gives a model, on a page whose own canvas is for something else."""
    if source.drawing:
        query, side = {"task": "see", "model": name}, model.config.image_shape[-1]
        captions = ["What the model sees"]
        canvas.canvas("drawing", query, captions, bits=source.bits, columns=3, side=side, sample=source.sample)


def _drawing() -> Source:
    sample = canvas.untouched("ink")
    bits = canvas.drawn("ink", sketch.lengthen(SAMPLE, sketch.INK))
    try:
        return Source(sketch.picture({"bits": bits}), drawing=True, bits=bits, sample=sample)
    except ValueError:
        return Source(None, drawing=True)


def _upload(model: "LatentModel") -> Source:
    """Take a file and keep the digit made of it, in the address too where the visitor wants a link with it."""
    explained = "Dark ink on paper or chalk on a board."
    renewed = partial(keeping.renew, "digit")
    what = f"A photo or scan of one {classes.noun(model)}"
    file = st.file_uploader(what, pictures.SUFFIXES, key="upload", help=explained, on_change=renewed)
    st.caption(words.markdown(keeping.privacy()))
    if file is not None:
        upload.show(file.getvalue())
    digit = keeping.kept("digit")
    keeping.for_address("digit", digit)
    return Source(sketch.unpack_digit(digit)) if digit else Source(None)


def _generated(model: "LatentModel") -> Source:
    """Draw one digit from a model of the same classes and size, a conditional one if there is one; else of digits."""
    same = partial(resources.is_alike, model)
    fits = same if any(map(same, resources.available()[0].values())) else resources.is_digit
    _, model = controls.first_model(prefer=lambda config: config.n_classes > 0, fits=fits, warns=False)
    label, seed = controls.pick_label_and_seed(model, "digit_label", "pick")
    generator = torch.Generator().manual_seed(seed)
    return Source(images.quantised(tasks.generate(model, label, generator=generator, n=1)))


def _real() -> Source:
    """Offer the test digits, or to fetch them."""
    digits = fetch.test_digits()
    if digits is None:
        fetch.offer_mnist("fetch")
        return Source(None)
    pictures, labels = digits
    address.number("index", 0, len(labels) - 1)
    last = len(labels) - 1.0
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content"):
        says, key = f"Test digit, of {len(labels):,}", "index"
        index = st.number_input(says, 0.0, last, step=1.0, format="%.0f", key=key, bind="query-params", width=190)
        st.button("Another", on_click=controls.draw_number, args=("index", len(labels)))
        index = round(index or 0)
        st.caption(f"Number {index:,} of MNIST's test digits, a {labels[index]}.", width="content")
    return Source(torch.tensor(pictures[index]).view(1, 1, 28, 28) / 255)
