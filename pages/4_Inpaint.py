"""Inpaint: hide a part of a digit and see several ways to complete it."""

import streamlit as st

from ui.inpaint import completions as inpainting
from ui.shell import address, classes, controls, resources
from ui.widgets.canvas import source

LEAD = "Hide a part of a {} with the brush. The model imagines what could be there."
lead = controls.begin("Inpaint", LEAD.format("digit"))


@st.fragment
@address.told()
def inpaint() -> None:
    """Show one digit, its hole and the completions."""
    bar = controls.bar()
    with bar:
        families = resources.PAINTING
        name, model = controls.pick_model(controls.paints, resources.is_grey, train="cvae-inpaint", families=families)
        kind = source.pick_kind(model, draws=False)
    lead.markdown(LEAD.format(classes.noun(model)))
    if not resources.available(resources.COMPLETING)[0]:
        st.info("There is no inpainting model yet. Train one with: python train.py cvae-inpaint")
    with bar if kind in source.SHORT else st.container():
        chosen = source.pick(kind, model)
    source.pad(chosen, name, model)
    inpainting.complete(name, model, chosen, kind)


inpaint()
