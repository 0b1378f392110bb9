"""Home page, and its own launcher: `streamlit run app.py` finds `app` here, then runs this file again as a page."""

import gc

import streamlit as st

ABOUT = """
A **variational autoencoder** squeezes each picture into a few numbers and learns to draw it again from them. The numbers
span a *latent space*: near points are similar pictures, and on the way from one digit to another lie digits too.
The models here learned from 58,000 handwritten digits of MNIST. What you see is decoded while you move.
"""
TRY = [
    ("pages/1_Explore.py", "Drag over the plane and find where a 4 turns into a 9", {}),
    ("pages/1_Explore.py", "See the whole plane of digits at once", {"view": "The whole plane"}),
    ("pages/2_Generate.py", "Ask for fifty new sevens", {"digits": "7"}),
    ("pages/2_Generate.py", "Change the handwriting of all ten digits together", {"show": "One style, ten digits"}),
    ("pages/3_Draw.py", "Write a digit and watch the model read it", {}),
    ("pages/6_Faces.py", "Give a face a smile", {"a_Smiling": "2"}),
    ("pages/4_Inpaint.py", "Paint a hole over a digit and see eight ways to fill it", {}),
    ("pages/5_Map.py", "Walk among ten thousand digits and find those that look like yours", {}),
    ("pages/7_Models.py", "Compare two models and watch them learn", {"view": "Watch it learn"}),
]


def home() -> None:
    """Draw the live picture, what this is, and what to try."""
    controls.begin(controls.NAME, "Drag across the plane. Every point of it is a digit that nobody wrote.")
    name, model = controls.first_model(prefer=lambda config: config.latent_dim == 2, fits=resources.is_picture)
    picture(name, model)
    st.markdown(ABOUT)
    st.header("What to try in one minute", anchor=False)
    for page, sentence, parameters in TRY:
        st.page_link(page, label=sentence, icon=":material/arrow_forward:", query_params=parameters)


@st.fragment
def picture(name: str, model) -> None:
    """Draw the pad (or sliders) and the digit at its point."""
    u, label = controls.first_digit(name, model)
    with address.told():
        live(name, model, link.point("z", u), label, key="home")


if not st.runtime.exists():
    gc.disable()  # what is imported now stays: to look for garbage among it makes the start longer; ui/server.py ends this
    from ui import api, server

    app = st.App(__file__, routes=api.routes(), lifespan=server.lifespan)
else:
    from ui import address, controls, link, resources
    from ui.live import live

    home()
