"""What lies around a point: traversals, the manifold of a two-dimensional model, the way between two points."""

from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import tasks
from ui.shell import address, classes, controls, images, link, resources
from ui.widgets.strips.strips import strips

if TYPE_CHECKING:
    from cvae.models import LatentModel

SHOWN = 8  # dimensions traversed
STEPS = 7  # -3, -2, ... 3


def traversals(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Show one strip per dimension: this coordinate from -3 to 3, the others as they are."""
    kl = resources.kl_per_dim(name)
    dims = model.config.latent_dim
    order = sorted(range(dims), key=lambda d: -kl[d] if kl else d)[:SHOWN]
    st.caption("Each row moves one coordinate from -3 to 3 and keeps the others where they are.")
    strips(name, model, u, label, order, torch.linspace(-3, 3, STEPS), "Traversal from -3 to 3", key="traversals")


def manifold(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Show the whole plane as a square of pictures at quantiles of the prior."""
    address.number("side", 8, 30)
    side = st.slider("Pictures per side", 8, 30, 18, key="side", bind="query-params")
    picture = images.grid_png(tasks.decode_grid(model, side, label), side, scale=2, gap=0, radius=0)
    st.image(picture, width="stretch", alt=f"The latent plane as {side} by {side} decoded {classes.noun(model)}s")
    st.caption("Coordinates are quantiles of the prior: every picture stands for the same share of its mass.")


def between(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Show the pictures on the way from point A to point B."""
    dims = model.config.latent_dim
    way = controls.choose("Path", ["Spherical", "Straight"], "path")
    for column, parameter in zip(st.columns(2), "ab", strict=True):
        with column.container(horizontal=True):
            letter = parameter.upper()
            st.button(f"{letter} = point above", on_click=link.set_point, args=(parameter, u))
            st.button(f"{letter} at random", on_click=link.set_point, args=(parameter, link.random_point(dims)))
    start, end = (link.point(p, link.random_point(dims, seed)) for p, seed in (("a", 1), ("b", 2)))
    pictures = tasks.interpolate(model, start, end, 18, label, spherical=way == "Spherical")
    st.html(images.strips_html([("From A", pictures[:9]), ("to B", pictures[9:])], "Interpolation from A to B"))
