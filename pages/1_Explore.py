"""Explore: move through latent space and watch the picture follow."""

import streamlit as st

from ui.explore import named, views
from ui.shell import address, classes, controls, link, resources, taking
from ui.widgets.live.live import live
from ui.widgets.shelf import shelf

controls.begin("Explore", "Every point of latent space is a picture. Move, and watch what changes.")


@st.fragment
@address.told()
def explore() -> None:
    """Draw everything that follows the current point."""
    may = lambda config: controls.asked("view") != controls.PLANE or controls.flat(config)  # noqa: E731
    bar = controls.bar()
    with bar:
        name, model = controls.pick_model(controls.flat, resources.is_picture, view=may)
        u = link.point("z", link.centre(model))
        label = controls.pick_label(model)
        dims, choices = model.config.latent_dim, views.of(model)
        st.button("Random point", on_click=link.set_point, args=("z", link.random_point(dims)))
        st.button("Centre", on_click=link.set_point, args=("z", link.centre(model)))
        shelf.button()
        with st.popover(f"Real {classes.noun(model)}"):
            controls.real_digit(name, model)
    stage, kept, below = controls.stage(), st.container(), st.container()
    with bar if dims == 2 else below:
        view = choices[controls.choose("View", list(choices), "view")]
    ends, _ = views.ends(name, model), shelf.held(model)  # read by some views only, judged in all
    with stage if view is views.manifold else below:
        view(name, model, u, label)
    if view is not views.manifold:
        with stage:
            way = ends if dims == 2 and view is views.between else None
            live(name, model, u, label, key="live", named=named.of(name, model, u, label), way=way)
        with kept:
            shelf.draw(name, model, u, None if label is None else int(label))
        named.from_mine(name, model, u, label)
    taking.button(name, lambda: (u, None if label is None else int(label)))


explore()
