"""Draw: your own digit, reconstructed, read and cleaned while the pen moves."""

import streamlit as st

from ui.draw import results as drawing
from ui.shell import address, classes, controls, resources
from ui.widgets.canvas import source

LEAD = "{} a {}, or bring one. See what the models make of it while the pen still moves."
lead = controls.begin("Draw", LEAD.format("Write", "digit"))


@st.fragment
@address.told()
def draw() -> None:
    """Show one digit and what the chosen task makes of it."""
    tasks = {"Reconstruct": drawing.reconstruct, "Denoise": drawing.denoise}
    bar = controls.bar()
    with bar:
        name, model = controls.pick_model(controls.labelled, resources.is_grey)
        chosen = controls.choose("Task", list(tasks), "task")
        kind = source.pick_kind(model)
    lead.markdown(LEAD.format("Write" if classes.are_digits(model) else "Draw", classes.noun(model)))
    rows = (kind in source.SHORT) + (chosen == "Denoise")  # of controls below the pictures
    above, area, below = st.container(), controls.stage(), controls.stage(f"below_{rows}")
    with below if kind in source.SHORT else above:
        picked = source.pick(kind, model)
    tasks[chosen](name, model, picked, area)


draw()
