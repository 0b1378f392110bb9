"""What the Inpaint page shows: a hole over the digit, completions of it and where they disagree."""

from typing import TYPE_CHECKING

import streamlit as st
import torch

from cvae.data import corruptions
from cvae.families import LABEL, those
from ui.shell import address, classes, controls, resources, sketch, words
from ui.widgets.canvas import canvas
from ui.widgets.canvas.source import Source, hand_on

if TYPE_CHECKING:
    from cvae.models import LatentModel

CAPTIONS = [f"Completion {i + 1}" for i in range(sketch.COMPLETIONS)] + ["Mean", "Deviation"]
LABELLED = those(lambda family: family.given == LABEL)
NO_HOLE = "Nothing is hidden: paint over a part of the picture, or choose one of the holes above."


def preset_row(size: tuple[int, int]) -> None:
    """Draw one button for each hole that comes ready-made."""
    for name, visible in corruptions.preset_holes(size).items():
        st.button(name, on_click=canvas.put, args=("hole", sketch.shorten(_bits(visible))))


def _hint(model: "LatentModel") -> str:
    """Let the visitor say which class it is, for a conditional model to complete; empty for no hint."""
    names = [*map(words.markdown, classes.names(model)), "None"]  # the last one stands for -1
    address.choice("hint", names)
    chosen = st.pills(
        "Hint: it is a",
        range(-1, model.config.n_classes),
        format_func=names.__getitem__,
        default=-1,
        required=True,
        key="hint",
        bind="query-params",
        help="With a hint the label-conditional CVAE completes the picture, by encoding and decoding it in turn.",
    )
    return "" if chosen in (None, -1) else str(chosen)


def _who(name: str, model: "LatentModel") -> dict[str, str]:
    """Let the visitor choose the label where one is needed or helps.

    Return who completes, as ui/shell/sketch.py asks for it.
    """
    if model.config.n_classes and (label := controls.pick_label(model)) is not None:
        return {"model": name, "label": str(int(label))}
    address.judge("label", False)
    helpers = [n for n, m in resources.available(LABELLED)[0].items() if resources.is_alike(model, m)]
    if not model.config.kind.completes or not helpers:
        return {"painter": name}
    return {"painter": name, "model": helpers[0], "label": _hint(resources.model(helpers[0]))}


def complete(name: str, model: "LatentModel", source: Source, kind: str) -> None:
    """Show the digit, of this `kind`, with its hole and eight completions that follow the brush."""
    if source.x is None:
        return
    size = (source.x.shape[2], source.x.shape[3])
    with st.container(horizontal=True, gap="small", key="holes"):
        preset_row(size)
        seed = controls.pick_seed("seed", "Eight more")
    area = controls.stage()  # the canvas stands above the controls that it depends on
    query = {"task": "inpaint", **_who(name, model), "seed": str(seed), "digit": sketch.pack_digit(source.x)}
    first = _bits(corruptions.preset_holes(size)["Centre" if model.preset.data.hole == "centre" else "Bottom half"])
    with area:
        bits = canvas.drawn("hole", first, size[0])
        canvas.canvas(
            "hole", query, CAPTIONS, "hole", "Inpainting pad", bits, source.x, columns=4, side=size[0], empty=NO_HOLE
        )
    hand_on("Inpaint", name, model, kind)
    st.caption(
        "Orange is hidden from the model. Visible pixels are copied through; what differs between completions is what "
        "the visible part leaves open. The heat map is the standard deviation over the eight, from black (they agree) "
        "to yellow."
    )


def _bits(visible: torch.Tensor) -> str:
    return sketch.pack_bits(~visible[0].numpy())
