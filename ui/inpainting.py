"""What the Inpaint page shows: a hole over the digit, completions of it and where they disagree."""

import streamlit as st
import torch

from cvae import corruptions
from ui import canvas, controls, sketch
from ui.source import Source

CAPTIONS = [f"Completion {i + 1}" for i in range(sketch.COMPLETIONS)] + ["Mean", "Deviation"]
NO_HOLE = "Nothing is hidden: paint over a part of the digit, or choose one of the holes above."


def preset_row() -> None:
    """Draw one button for each hole that comes ready-made."""
    with st.container(horizontal=True, gap="small"):
        for name, visible in corruptions.preset_holes().items():
            st.button(name, on_click=canvas.put, args=("hole", sketch.shorten(_bits(visible))))


def hint(model) -> str:
    """Let the visitor say which digit it is; empty for no hint."""
    if not model.config.n_classes:
        return ""
    names = ["None", *controls.class_names(model)]
    chosen = st.pills(
        "Hint: it is a",
        names,
        default="None",
        required=True,
        key="hint",
        bind="query-params",
        help="With a hint the label-conditional CVAE completes the digit, by encoding and decoding it in turn.",
    )
    return "" if chosen in (None, "None") else str(names.index(chosen) - 1)


def complete(painter: str, name: str, model, source: Source) -> None:
    """Show the digit with its hole and eight completions that follow the brush."""
    if source.x is None:
        return
    preset_row()
    area = st.container()  # the canvas stands above the controls that it depends on
    seed = controls.pick_seed("seed", "Eight more", st.columns([2, 2, 5], vertical_alignment="bottom")[:2])
    query = {"task": "inpaint", "painter": painter, "model": name, "label": hint(model), "seed": str(seed)}
    query["digit"] = sketch.pack_digit(source.x)
    first = _bits(corruptions.preset_holes()["Bottom half"])
    with area:
        bits = canvas.drawn("hole", default=first)
        canvas.canvas("hole", query, CAPTIONS, "hole", "Inpainting pad", bits, source.x, columns=4, empty=NO_HOLE)
    st.caption(
        "Orange is hidden from the model. Visible pixels are copied through; what differs between completions is what the "
        "visible part leaves open. The heat map is the standard deviation over the eight, from black (they agree) to yellow."
    )


def _bits(visible: torch.Tensor) -> str:
    return sketch.pack_bits(~visible[0].numpy())
