"""Faces: reconstruct one, make it smile, turn it into another, find who is like it, draw new ones."""

from typing import TYPE_CHECKING

import streamlit as st

from ui.faces import face_source, told
from ui.faces import tools as faces
from ui.shell import address, controls, resources, taking, words
from ui.widgets.shelf import shelf

if TYPE_CHECKING:
    from cvae.faces import Space
    from cvae.models import LatentModel

controls.begin("Faces", "A face in a few numbers. Change the numbers and someone else looks back.")
HINT = "ae-faces, then measure it with: python evaluate.py ae-faces"
TOOLS = {
    "Smile": faces.attributes,
    "Reconstruct": faces.reconstruct,
    "Morph": faces.morph,
    "Similar faces": faces.similar,
    "Make a slider": faces.own_direction,
    "New faces": None,
}


@st.fragment
@address.told()
def work() -> None:
    """Show one face and what the chosen tool makes of it."""
    with controls.bar():
        name, model, space = pick()
        use = TOOLS[tool := face_source.pick_tool(list(TOOLS))]
        twin = told.shown(tool, model, space)
        kind = face_source.pick_kind() if use else ""
        shelf.held(model)  # judged also while there is no face to keep
        if not twin:  # whose faces are no points of this model's
            shelf.button()
    if use is None:
        return nobody(name, model, space)
    above, kept, below = controls.stage(), st.container(), st.container()
    gallery = kind == face_source.GALLERY  # which may wait; a file has to come first
    with below if gallery else above:
        held = face_source.pick(kind, name, model, space)
    with above if gallery else below:
        if held is None:
            st.info("Bring a picture with one face, or with several to choose from.")
        else:
            u = use(name, model, space, held)
    if held is not None and twin:
        told.take(twin, model, held)
    elif held is not None:
        with kept if gallery else st.container():
            shelf.draw(name, model, u, None, parameter="steer", goes=False)
        taking.button(name, lambda: (held.u, None))
    with st.expander("About this model, and what it has not seen"):
        faces.about(name, model, space)


def nobody(name: str, model: "LatentModel", space: "Space") -> None:
    """Show faces of nobody, and what one does with the chosen one."""
    new = faces.sample(name, model, space)
    shelf.draw(name, model, new, None, parameter="new", goes=False)
    taking.button(name, lambda: (new, None))


def pick() -> "tuple[str, LatentModel, Space]":
    """Let the visitor choose a model; stops the page where what it needs besides is missing or damaged."""
    told.lead()
    unmeasured = lambda name: not resources.has_space(name)  # noqa: E731
    name, model = controls.pick_model(controls.largest, resources.is_face, train=HINT, last=unmeasured)
    try:
        return name, model, resources.space(name)
    except ValueError as error:
        st.info(words.markdown(str(error)))
        st.stop()


work()
