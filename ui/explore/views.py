"""What lies around a point: traversals, the manifold of a two-dimensional model, the way between two points."""

from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import tasks
from ui.shell import address, classes, controls, images, link, resources
from ui.widgets.strips.strips import strips

if TYPE_CHECKING:
    from collections.abc import Callable

    from cvae.models import LatentModel

    View = Callable[[str, LatentModel, Tensor, Tensor | None], None]

SHOWN = 8  # dimensions traversed
STEPS = 7  # -3, -2, ... 3
ALONG = 12  # pictures of a way
FROM_TO = (4, 9)  # classes between which it goes at first
BEYOND = 0.8  # of the way between them, at either end


def of(model: "LatentModel") -> dict[str, "View"]:
    """Return the views that a model can have by their names, the one that a page opens with first."""
    if model.config.latent_dim == 2:
        return {"Between two points": between, "Traversals": traversals, controls.PLANE: manifold}
    return {"Traversals": traversals, "Between two points": between}


def traversals(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Show one strip per dimension: this coordinate from -3 to 3, the others as they are."""
    kl = resources.kl_per_dim(name)
    dims = model.config.latent_dim
    order = sorted(range(dims), key=lambda d: -kl[d] if kl else d)[:SHOWN]
    st.caption("Each row moves one coordinate from -3 to 3 and keeps the others where they are.")
    strips(name, model, u, label, order, torch.linspace(-3, 3, STEPS), "Traversal from -3 to 3", key="traversals")


def manifold(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Show the whole plane as a square of pictures at quantiles of the prior."""
    place = controls.stage("plane")  # the picture stands above the control that it depends on
    address.number("side", 8, 30)
    side = st.slider("Pictures per side", 8, 30, 18, key="side", bind="query-params", width=320)
    picture = images.grid_png(tasks.decode_grid(model, side, label), side, scale=2, gap=0, radius=0)
    place.image(picture, width="stretch", alt=f"The latent plane as {side} by {side} decoded {classes.noun(model)}s")
    st.caption("Coordinates are quantiles of the prior: every picture stands for the same share of its mass.")


def ends(name: str, model: "LatentModel") -> tuple[Tensor, Tensor]:
    """Return the points A and B (D,) of the way in the address, else from the fours of a plane to its nines."""
    dims = model.config.latent_dim
    first, second = link.random_point(dims, 1), link.random_point(dims, 2)
    if dims == 2 and resources.encoded(name) is not None:
        places = {c: torch.tensor([x, y]) for x, y, c in resources.landmarks(name)}
        four, nine = (places.get(c, point) for c, point in zip(FROM_TO, (first, second), strict=True))
        first, second = four + BEYOND * (four - nine), nine + BEYOND * (nine - four)  # lest they hide the names
    return link.point("a", first), link.point("b", second)


def between(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Show the pictures on the way from point A to point B."""
    dims = model.config.latent_dim
    start, end = ends(name, model)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        way = controls.choose("Path", ["Spherical", "Straight"], "path")
        for parameter in "ab":
            letter = parameter.upper()
            st.button(f"{letter} = point above", on_click=link.set_point, args=(parameter, u))
            st.button(f"{letter} at random", on_click=link.set_point, args=(parameter, link.random_point(dims)))
    pictures = tasks.interpolate(model, start, end, ALONG, label, spherical=way == "Spherical")
    st.html(images.strips_html([("A to B", pictures)], "The way from A to B"))
