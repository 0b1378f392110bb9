"""Home page, and its own launcher: `streamlit run app.py` finds `app` here, then runs this file again as a page."""

import gc
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from cvae.models import LatentModel


def home() -> None:
    """Draw the live picture, what this is, and what to try."""
    lead = controls.begin(controls.NAME, "Here you move through what a model has learned.")
    name, model = controls.first_model(controls.flat, resources.is_picture)
    lead.markdown(welcome.lead(model))
    with controls.stage():
        picture(name, model)
    st.markdown(welcome.about(model))
    st.header("What to try in one minute", anchor=False)
    for page, sentence, parameters in welcome.tries():
        st.page_link(page, label=sentence, icon=":material/arrow_forward:", query_params=parameters)


@st.fragment
def picture(name: str, model: "LatentModel") -> None:
    """Draw the pad (or sliders) and the digit at its point."""
    u, label = controls.first_digit(name, model)
    with address.told():
        live(name, model, link.point("z", u), label, key="home")


if not st.runtime.exists():
    gc.disable()  # what is imported now stays: no search for garbage among it, until ui/shell/server.py ends this
    from starlette.middleware import Middleware

    from ui.shell import api, frame, guard, server

    guard.check_settings()
    guard.stay_inside()
    around = [Middleware(guard.Guard), Middleware(server.PageNames), Middleware(frame.Frame)]
    app = st.App(__file__, routes=api.routes(), lifespan=server.lifespan, middleware=around)
else:
    from ui.home import welcome
    from ui.shell import address, controls, link, resources
    from ui.widgets.live.live import live

    home()
