"""Inpaint: hide a part of a digit and see several ways to complete it."""

import streamlit as st

from ui import controls, inpainting, resources, source

controls.begin("Inpaint", "Hide a part of a digit with the brush. The model imagines what could be there.")
painter = controls.first_painter()
name, model = controls.first_model(prefer=lambda config: config.n_classes > 0, fits=resources.is_digit)


@st.fragment
def inpaint() -> None:
    """Show one digit, its hole and the completions."""
    chosen = source.pick(source.pick_kind(first=source.GENERATED))
    source.pad(chosen)
    inpainting.complete(painter, name, model, chosen)


inpaint()
