"""Explore: move through latent space and watch the picture follow."""

import streamlit as st

from ui.explore import named, views
from ui.shell import address, classes, controls, link, resources, taking
from ui.widgets.live.live import live

controls.begin("Explore", "Every point of latent space is a picture. Move, and watch what changes.")
may = lambda config: controls.asked("view") != controls.PLANE or controls.flat(config)  # noqa: E731
name, model = controls.pick_model(controls.flat, resources.is_picture, view=may)


@st.fragment
@address.told()
def explore() -> None:
    """Draw everything that follows the current point."""
    dims = model.config.latent_dim
    u = link.point("z", link.centre(model))
    label = controls.pick_label(model)
    with st.container(horizontal=True):
        st.button("Random point", on_click=link.set_point, args=("z", link.random_point(dims)))
        st.button("Back to the centre", on_click=link.set_point, args=("z", link.centre(model)))
        with st.popover(f"Start from a real {classes.noun(model)}"):
            controls.real_digit(name, model)
    live(name, model, u, label, key="live", named=named.of(name, model, u, label))
    taking.button(name, lambda: (u, None if label is None else int(label)))
    named.from_mine(name, model, u, label)
    choices = {"Traversals": views.traversals, "Between two points": views.between}
    if dims == 2:
        choices[controls.PLANE] = views.manifold
    for end in "ab":  # read by one view only, judged in all
        link.point(end, u)
    choices[controls.choose("View", list(choices), "view")](name, model, u, label)


explore()
