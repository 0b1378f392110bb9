"""A face under both labels of a model that was told, in its training, whether a face has the attribute."""

import hashlib
from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import faces, tasks
from cvae.faces import Space
from ui.faces.face_source import Held
from ui.shell import address, classes, controls, images, resources, taking, words

if TYPE_CHECKING:
    from cvae.models import LatentModel

TOLD = "What it is told"
MIXED = torch.arange(-2, 7) / 4  # how much of the second label, exactly; beyond 0 and 1 more than any face had


def lead() -> None:
    """Where the address names a model that is told a label, show its twin and what the label changes instead."""
    listed = resources.available()[0].get(address.text("model"))
    if listed is None or not resources.is_told_face(listed) or not (twin := resources.twin(listed)):
        return
    address.put("model", twin)
    address.put("way", TOLD)
    st.session_state["way"] = TOLD
    if "tool" in st.query_params:
        address.put("tool", "Smile")


def shown(tool: str, model: "LatentModel", space: Space) -> str:
    """Return the model that shows a face in the place of this one, by the visitor's choice; empty without."""
    asked = st.session_state.get("way") or st.query_params.get("way", "")
    return resources.twin(model) if tool == "Smile" and space.columns and asked == TOLD else ""


def take(name: str, model: "LatentModel", held: Held) -> None:
    """Draw the button that gives away a file of the model `name`, which opens with the face under both labels."""

    def both() -> tuple[Tensor, int]:
        (u,), _ = faces.told(controls.loaded(name), _picture(model, held))
        return u, taking.ALL

    taking.button(name, both)


def draw(name: str, model: "LatentModel", held: Held) -> None:
    """Show a face under both labels of the model `name`, and the way between them."""
    told, x = controls.loaded(name), _picture(model, held)
    way = resources.kept(name, ("told", hashlib.sha256(x.numpy().tobytes()).hexdigest()), lambda: _way(told, x))
    both = [(f"Told: {classes.name(told, label)}", way[MIXED.tolist().index(label)]) for label in (0, 1)]
    shown = [(held.name, x[0]), *both]
    st.html(images.figures_html([(caption, images.to_uint8(picture[None])[0]) for caption, picture in shown]))
    st.html(images.strips_html([("", way)], f"From {classes.name(told, 0)} to {classes.name(told, 1)}, and beyond"))
    st.caption(
        f"{words.markdown(name)} was told in its training which faces have the label "
        f"*{words.markdown(classes.name(told, 1))}*, and learned to keep that out of its codes. So one code under "
        "both labels is one person twice. In the strip the label is mixed from one to the other; at either end it is "
        "more than any face had."
    )


def _picture(model: "LatentModel", held: Held) -> Tensor:
    """Return the face (1, 3, S, S) that both labels are tried on: the picture itself, or what `model` decodes."""
    return tasks.decode(model, held.u[None]) if held.x is None else held.x


def _way(model: "LatentModel", x: Tensor) -> Tensor:
    """Return one face x (1, 3, S, S) under mixtures of both labels, (9, 3, S, S)."""
    (u,), _ = faces.told(model, x)
    return tasks.decode(model, u.expand(len(MIXED), -1), torch.stack([1 - MIXED, MIXED], 1))
