"""The tables of the zoo: models that make a picture of a z, and the others, of which other things are measured."""

from typing import TYPE_CHECKING

import streamlit as st

from ui.models import zoo
from ui.widgets.table.table import table

if TYPE_CHECKING:
    from cvae.models import AnyModel

OTHERS = "Models that complete, clean or judge"


def tables(models: dict[str, "AnyModel"], chosen: list[str]) -> None:
    """Draw a table of the models that draw from a z, and below it one of the others, which have other figures."""
    drawing = {name: model for name, model in models.items() if model.config.kind.decodes}
    others = {name: model for name, model in models.items() if name not in drawing}
    if drawing:
        _table(drawing, zoo.COLUMNS, chosen, "sort", "Models that draw")
    zoo.explain(models)
    if others:
        st.header(OTHERS, anchor=False)
        _table(others, zoo.OUTCOMES, chosen, "sort_others", OTHERS)


def _table(models: dict[str, "AnyModel"], columns: list[zoo.Column], chosen: list[str], key: str, title: str) -> None:
    heads = [{"title": c.title, "about": c.about, "within": c.within} for c in columns]
    table(heads, zoo.rows(models, columns), list(models), chosen, key, title)
