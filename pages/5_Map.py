"""Map: ten thousand digits in latent space, to walk through, to search and to find one's own."""

import streamlit as st

from ui import controls, maps, plot

controls.begin("Map", "Ten thousand digits where a model puts them. Near points are digits that look alike to it.", wide=True)


name, model = maps.model()
held = maps.found(name)


@st.fragment
def walk() -> None:
    """Show the map, and beside it what is chosen there or the visitor's own digit."""
    left, right = st.columns([3, 2], gap="medium")
    mine, near = None, ([], []) if held is None else maps.neighbours(name, held)
    with right:
        if st.toggle("Where is mine? Draw a digit of your own", key=plot.OWN, bind="query-params"):
            mine = maps.where_is_mine(name, model, held)
        elif held is not None:
            maps.panel(name, model, held, near)
    if held is not None:
        with left:
            maps.draw(name, held, near[1], mine)


walk()
maps.says()
