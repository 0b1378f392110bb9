"""Inpaint: hide a part of a digit and see several ways to complete it."""

import streamlit as st

from ui.inpaint import completions as inpainting
from ui.shell import address, classes, controls, resources
from ui.widgets.canvas import source

LEAD = "Hide a part of a {} with the brush. The model imagines what could be there."
lead = controls.begin("Inpaint", LEAD.format("digit"))
name, model = controls.pick_model(
    controls.paints, resources.is_grey, about=False, train="cvae-inpaint", families=resources.PAINTING
)
lead.markdown(LEAD.format(classes.noun(model)))
if not resources.available(resources.COMPLETING)[0]:
    st.info("There is no inpainting model yet. Train one with: python train.py cvae-inpaint")


@st.fragment
@address.told()
def inpaint() -> None:
    """Show one digit, its hole and the completions."""
    chosen = source.pick(source.pick_kind(model, draws=False), model)
    source.pad(chosen, name, model)
    inpainting.complete(name, model, chosen)


inpaint()
