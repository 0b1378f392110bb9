"""Models: the whole zoo in one table, two of it side by side, and how each learned."""

import streamlit as st

from ui import cards, comparing, controls, curves, epochs, zoo
from ui.table import table

LEAD = "Every variant that courses and papers build, measured by the same code. Choose two and compare."
controls.begin("Models", LEAD, wide=True)
models = zoo.every_model()
overview = st.container()  # the table stands above the pickers whose models it marks


@st.fragment
def compare() -> None:
    """Let the visitor choose two models and one way to look at them."""
    views = {
        "Side by side": lambda: comparing.side_by_side(pair),
        "Loss curves": lambda: curves.show(models, pair),
        "Watch it learn": lambda: epochs.watch(pair),
        "Model cards": lambda: cards.cards(pair),
    }
    views[controls.choose("View", list(views), "view")]()


pair = zoo.pick_two(models)
with overview:
    table(models, [name for name, _ in pair], key="zoo")
    zoo.explain(models)
compare()
