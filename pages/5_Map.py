"""Map: ten thousand digits in latent space, to walk through, to search and to find one's own."""

import streamlit as st

from ui.map import walk as maps
from ui.shell import address, controls

place = controls.begin("Map", maps.LEAD.format("Ten thousand", "digit", "digit"))


@st.fragment
@address.told()
def walk() -> None:
    """Show the map, and beside it what is chosen there or the visitor's own digit."""
    bar = controls.bar()
    with bar:
        name, model = maps.model()
    held, mine = maps.stored(name), maps.own_digit(model)
    place.markdown(maps.lead(model, held))
    with controls.stage():
        left, right = st.columns([3, 2], gap="medium")
        with right:
            own = maps.wants_own(model)
        near = maps.near(name, held, mine, own)
        if held is not None:
            with left:
                maps.draw(name, model, held, mine, near[1], bar)
        with right:  # which may come after the map
            if own:
                maps.where_is_mine(name, model, held, near)
            elif held is not None:
                maps.panel(name, model, held, near)


walk()
with st.expander("What the map says"):
    maps.says()
