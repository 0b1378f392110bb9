"""The table of the zoo: every model a row, sorted by a press on a column's head, without asking the server."""

from pathlib import Path

import streamlit as st

from ui import link, zoo
from ui.live import SHARED

HERE = Path(__file__).parent
HTML = '<div class="zoo"><table><thead></thead><tbody></tbody></table></div>'
_mount = st.components.v2.component(
    "table", html=HTML, css=(HERE / "table.css").read_text(), js=SHARED + (HERE / "table.js").read_text()
)


def table(models: dict, chosen: list[str], key: str) -> None:
    """Draw the table with the rows of the `chosen` models marked; its order stands in the address under `sort`."""
    heads = [{"title": c.title, "about": c.about, "within": c.within} for c in zoo.COLUMNS]
    data = {"heads": heads, "rows": zoo.rows(models), "chosen": chosen, "sort": st.query_params.get("sort", "")}
    _mount(key=key, data=data, on_sort_change=lambda: _sorted(key))


def _sorted(key: str) -> None:
    """Keep the order in the address, where the browser has already put it."""
    sent = (st.session_state[key] or {}).get("sort")
    if isinstance(sent, str) and len(sent) < 40:
        link.set_text("sort", sent)
