"""Draw: your own digit, reconstructed, read and cleaned while the pen moves."""

import streamlit as st

from ui import controls, drawing, resources, source

controls.begin("Draw", "Write a digit, or bring one. See what the models make of it while the pen still moves.")
name, model = controls.pick_model(prefer=lambda config: config.n_classes > 0, fits=resources.is_grey, about=False)


@st.fragment
def draw() -> None:
    """Show one digit and what the chosen task makes of it."""
    tasks = {"Reconstruct": drawing.reconstruct, "Denoise": drawing.denoise}
    with st.container(horizontal=True, gap="medium"):
        chosen = controls.choose("Task", list(tasks), "task")
        kind = source.pick_kind(model)
    tasks[chosen](name, model, source.pick(kind, model))


draw()
