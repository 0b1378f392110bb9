"""A face under both labels of a model that was told, in its training, whether a face has the attribute."""

import hashlib
from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import faces, tasks
from ui.faces.face_source import Held
from ui.shell import classes, controls, images, resources, words

if TYPE_CHECKING:
    from cvae.models import LatentModel

MIXED = torch.arange(-2, 7) / 4  # how much of the second label, exactly; beyond 0 and 1 more than any face had


def draw(name: str, model: "LatentModel", held: Held) -> None:
    """Show a face under both labels of the model `name`, and the way between them."""
    told = controls.loaded(name)
    x = tasks.decode(model, held.u[None]) if held.x is None else held.x
    way = resources.kept(name, ("told", hashlib.sha256(x.numpy().tobytes()).hexdigest()), lambda: _way(told, x))
    both = [(f"Told: {classes.name(told, label)}", way[MIXED.tolist().index(label)]) for label in (0, 1)]
    shown = [(held.name, x[0]), *both]
    st.html(images.figures_html([(caption, images.to_uint8(picture[None])[0]) for caption, picture in shown]))
    st.html(images.strips_html([("", way)], f"From {classes.name(told, 0)} to {classes.name(told, 1)}, and beyond"))
    st.caption(
        f"{words.markdown(name)} was told in its training which faces have the label "
        f"*{words.markdown(classes.name(told, 1))}*, and its codes say nothing of that. So one code under both labels "
        "is one person twice. In the strip the label is mixed from one to the other; at either end it is more than any "
        "face had."
    )


def _way(model: "LatentModel", x: Tensor) -> Tensor:
    """Return one face x (1, 3, S, S) under mixtures of both labels, (9, 3, S, S)."""
    (u,), _ = faces.told(model, x)
    return tasks.decode(model, u.expand(len(MIXED), -1), torch.stack([1 - MIXED, MIXED], 1))
