"""The table of the zoo: every model a row, sorted by a press on a column's head, without asking the server."""

import streamlit as st

from ui.shell import address, link
from ui.widgets.bridge import component

HTML = """<div class="frame"><div class="zoo"><table><thead></thead><tbody></tbody></table></div></div>
<p class="about" role="status"></p>"""
_draw = component(__file__, HTML)


def table(heads: list[dict], rows: list[dict], names: list[str], chosen: list[str], key: str, title: str) -> None:
    """Draw one table of the models `names`, the `chosen` marked A and B; its order is the parameter `key`.

    It is saved under its `title`.
    """
    data = {"heads": heads, "rows": rows, "chosen": chosen, "title": title}
    titles = ["model", "kind", "likelihood", *(head["title"] for head in heads)]
    address.choice(key, titles + [f"~{title}" for title in titles])
    data |= {"parameter": key, "sort": st.query_params.get(key, "")}
    _draw(f"table_{key}", data, sort=lambda title: _sorted(key, title), pick=lambda name: _picked(names, name))


def _sorted(key: str, title: str) -> None:
    """Keep the order in the address, where the browser has already put it."""
    if isinstance(title, str) and len(title) < 40:
        link.set_text(key, title)


def _picked(names: list[str], name: str) -> None:
    """Make B what was pressed, and A what B was: after two presses both are those pressed, in their order."""
    state = st.session_state
    if name in names and name not in (state["a"], state["b"]):
        state["a"], state["b"] = state["b"], name
