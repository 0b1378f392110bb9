"""Map: ten thousand digits in latent space, to walk through, to search and to find one's own."""

import streamlit as st

from ui import controls, maps, plot

controls.begin("Map", "Ten thousand digits where a model puts them. Near points are digits that look alike to it.", wide=True)


@st.fragment
def walk(name: str, model) -> None:
    """Show the map, what is chosen on it, and the visitor's own digit."""
    held = maps.found(name)
    left, right = st.columns([3, 2], gap="large")
    if held is not None:
        with left:
            controls_row = st.columns([3, 2], vertical_alignment="bottom")
            with controls_row[0]:
                layout = maps.pick_layout(held)
            with controls_row[1]:
                colour = maps.pick_colour(held)
            point = plot.chosen_point(held)
            mine = maps.drawn(name, model, held, layout)
            plot.plot(name, held, "map", layout, colour, maps.near(name, held, point), mine)
        with right:
            maps.panel(name, model, held, point)
    maps.where_is_mine(name, model, held)


name, model = maps.model()
walk(name, model)
