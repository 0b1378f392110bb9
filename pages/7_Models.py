"""Models: the whole zoo in one table, two of it side by side, and how each learned."""

import streamlit as st

from ui.models import cards, comparing, curves, tables, zoo
from ui.shell import address, controls
from ui.widgets.epochs import epochs

LEAD = "Every variant that courses and papers build, measured alike. Choose two and compare."
ALL = "All models"
controls.begin("Models", LEAD)
models = zoo.every_model()
with controls.bar():
    pair = zoo.pick_two(models)
    views = {
        "Side by side": lambda: comparing.side_by_side(pair),
        "Loss curves": lambda: curves.show(models, pair),
        "Watch it learn": lambda: epochs.watch(pair),
        "Model cards": lambda: cards.cards(pair),
    }
    view = controls.choose("View", [ALL, *views], "view")


@st.fragment
@address.told()
def compare() -> None:
    """Show the chosen models in the chosen way."""
    views[view]()


with controls.stage():
    if view == ALL:
        with address.told():
            # a press on its rows chooses models, so it is no part of the fragment
            tables.tables(models, [name for name, _ in pair])
    else:
        compare()
