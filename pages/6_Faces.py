"""Faces: reconstruct one, make it smile, turn it into another, find who is like it, draw new ones."""

import streamlit as st

from ui.faces import face_source
from ui.faces import tools as faces
from ui.shell import address, controls, resources, taking, words

controls.begin("Faces", "A face in a few numbers. Change the numbers and someone else looks back.")
HINT = "ae-conv-faces, then measure it with: python evaluate.py ae-conv-faces"
TOOLS = {
    "Smile": faces.attributes,
    "Reconstruct": faces.reconstruct,
    "Morph": faces.morph,
    "Similar faces": faces.similar,
    "Own slider": faces.own_direction,
    "New faces": None,
}


@st.fragment
@address.told()
def work() -> None:
    """Show one face and what the chosen tool makes of it."""
    unmeasured = lambda name: not resources.has_space(name)  # noqa: E731
    with controls.bar():
        name, model = controls.pick_model(controls.convolutional, resources.is_face, train=HINT, last=unmeasured)
        try:
            space = resources.space(name)
        except ValueError as error:
            st.info(words.markdown(str(error)))
            st.stop()
        tool = controls.choose("What to do", list(TOOLS), "tool")
        use = TOOLS[tool]
        kind = face_source.pick_kind() if use else ""
    if use is None:
        faces.sample(name, model, space)
        taking.button(name, lambda: (None, None))
        return
    above, below = controls.stage(), st.container()
    gallery = kind == face_source.GALLERY  # which may wait; a file has to come first
    with below if gallery else above:
        held = face_source.pick(kind, name, model, space)
    with above if gallery else below:
        if held is None:
            st.info("Bring a picture with one face, or with several to choose from.")
        else:
            use(name, model, space, held)
    if held is not None:
        taking.button(name, lambda: (held.u, None))
    with st.expander("About this model, and what it has not seen"):
        st.markdown(words.markdown(model.preset.about))
        faces.bias(space, resources.figures(name))


work()
