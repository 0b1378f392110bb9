"""Inpaint: hide a part of a digit and see several ways to complete it."""

import streamlit as st

from ui import controls, inpainting, resources, source

controls.begin("Inpaint", "Hide a part of a digit with the brush. The model imagines what could be there.")
families = ("inpainting", *resources.GENERATIVE)
painters = lambda config: config.family == "inpainting"  # noqa: E731
name, model = controls.pick_model(painters, resources.is_grey, about=False, train="cvae-inpaint", families=families)
if not resources.available(("inpainting",))[0]:
    st.info("There is no inpainting model yet. Train one with: python train.py cvae-inpaint")


@st.fragment
def inpaint() -> None:
    """Show one digit, its hole and the completions."""
    chosen = source.pick(source.pick_kind(model, draws=False), model)
    source.pad(chosen, name, model)
    inpainting.complete(name, model, chosen)


inpaint()
