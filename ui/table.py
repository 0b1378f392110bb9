"""The table of the zoo: every model a row, sorted by a press on a column's head, without asking the server."""

from pathlib import Path

import streamlit as st

from ui import address, link, zoo
from ui.live import SHARED

HERE = Path(__file__).parent
HTML = '<div class="frame"><div class="zoo"><table><thead></thead><tbody></tbody></table></div></div>'
_mount = st.components.v2.component(
    "table",
    html=HTML,
    css=(HERE / "table.css").read_text(encoding="utf-8"),
    js=SHARED + (HERE / "table.js").read_text(encoding="utf-8"),
)


def tables(models: dict, chosen: list[str]) -> None:
    """Draw a table of the models that draw from a z, and below it one of the others, of which other things are measured."""
    drawing = {name: model for name, model in models.items() if model.config.kind.decodes}
    others = {name: model for name, model in models.items() if name not in drawing}
    if drawing:
        table(drawing, zoo.COLUMNS, chosen, "sort")
    zoo.explain(models)
    if others:
        st.subheader("Models that complete, clean or judge", anchor=False)
        table(others, zoo.OUTCOMES, chosen, "sort_others")


def table(models: dict, columns: list[zoo.Column], chosen: list[str], key: str) -> None:
    """Draw one table with the rows of the `chosen` models marked A and B; `key` is also the parameter of its order."""
    heads = [{"title": c.title, "about": c.about, "within": c.within} for c in columns]
    data = {"heads": heads, "rows": zoo.rows(models, columns), "chosen": chosen}
    titles = ["model", "kind", "likelihood", *(column.title for column in columns)]
    address.choice(key, titles + [f"~{title}" for title in titles])
    data |= {"parameter": key, "sort": st.query_params.get(key, "")}
    _mount(key=f"table_{key}", data=data, on_sort_change=lambda: _sorted(key), on_pick_change=lambda: _picked(key, models))


def _sent(key: str, what: str) -> str:
    sent = (st.session_state[f"table_{key}"] or {}).get(what)
    return sent if isinstance(sent, str) else ""


def _sorted(key: str) -> None:
    """Keep the order in the address, where the browser has already put it."""
    if len(sent := _sent(key, "sort")) < 40:
        link.set_text(key, sent)


def _picked(key: str, models: dict) -> None:
    """Make B what was pressed, and A what B was: after two presses both are those pressed, in their order."""
    name, state = _sent(key, "pick"), st.session_state
    if name in models and name not in (state["a"], state["b"]):
        state["a"], state["b"] = state["b"], name
