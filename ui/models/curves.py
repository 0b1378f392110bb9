"""Loss curves of any set of models, read from history.csv."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from plotly import graph_objects as go  # Streamlit imports it at its start wherever it is installed

from cvae.families import PIXELS, SPOILED
from ui.models import zoo
from ui.shell import address, controls, images, resources, words

if TYPE_CHECKING:
    from cvae.models import AnyModel

QUANTITIES = ("-elbo", "nll", "kl")
PARTS = (("val", "validation", "solid"), ("train", "training", "dot"))


def show(models: dict[str, "AnyModel"], pair: list[tuple[str, "AnyModel"]]) -> None:
    """Let the visitor choose models, quantity, axes; draw their curves."""
    address.choice("curves", models, several=True)
    chosen = st.pills(
        "Models",
        list(models),
        selection_mode="multi",
        default=list(dict(pair)),
        format_func=words.markdown,
        key="curves",
        bind="query-params",
    )
    with st.container(horizontal=True, gap="medium", key="axes"):
        quantity = controls.choose("Nats per image", list(QUANTITIES), "quantity")
        scale = controls.choose("Scale", ["Linear", "Logarithmic"], "scale")
        along = controls.choose("Along", ["Epochs", "Minutes"], "along")
    histories = {name: resources.history(name) for name in chosen}
    if missing := [name for name, found in histories.items() if not found]:
        st.caption(words.markdown(f"No history.csv that can be read: {', '.join(missing)}."))
    histories = {name: found for name, found in histories.items() if found}
    if not histories:
        st.info("Choose at least one model with a history to see its curves.")
        return
    if scale == "Logarithmic":
        histories = _positive(histories, quantity)
    if histories:
        if scale == "Linear" and reach_below_peaks(histories, quantity):
            st.caption("Single epochs of training leave the chart at the top; the logarithmic scale shows them whole.")
        alt = f"{quantity} of {', '.join(histories)}"
        st.plotly_chart(figure(histories, quantity, scale == "Logarithmic", along == "Minutes"), alt=alt, key="chart")
        _explain({name: models[name] for name in histories})


def _positive(histories: dict[str, dict[str, np.ndarray]], quantity: str) -> dict[str, dict[str, np.ndarray]]:
    """Return the histories that a logarithm can show, and say which it cannot."""
    low = [
        name
        for name, found in histories.items()
        if any((values(found, part, quantity) <= 0).any() for part, *_ in PARTS)
    ]
    if low:
        why = f"because their {quantity} comes to zero or below"
        st.caption(words.markdown(f"Not on a logarithmic scale, {why}: {', '.join(low)}."))
    return {name: found for name, found in histories.items() if name not in low}


def figure(histories: dict[str, dict[str, np.ndarray]], quantity: str, logarithmic: bool, minutes: bool) -> go.Figure:
    """Return a Plotly figure with two curves for each model."""
    made = go.Figure()
    for i, (name, found) in enumerate(histories.items()):
        x = np.cumsum(np.nan_to_num(found["seconds"])) / 60 if minutes else found["epoch"]
        for part, says, dash in PARTS:
            y = values(found, part, quantity)
            line = {"color": images.PALETTE[i % len(images.PALETTE)], "dash": dash, "width": 2}
            hover = "%{fullData.name}<br>%{y:.2f} nats<extra></extra>"  # Plotly reads names as HTML
            mode = "lines" if len(x) > 1 else "markers"  # one epoch makes no line
            made.add_scatter(x=x, y=y, name=escape(f"{name}, {says}"), mode=mode, line=line, hovertemplate=hover)
    made.update_layout(height=460, margin={"t": 10, "r": 10}, legend={"orientation": "h", "y": -0.2}, hovermode="x")
    made.update_xaxes(title="minutes of training" if minutes else "epoch")
    made.update_yaxes(title=f"{quantity}, nats per image", type="log" if logarithmic else "linear")
    if not logarithmic and (reach := reach_below_peaks(histories, quantity)):
        made.update_yaxes(range=reach)
    return made


def reach_below_peaks(histories: dict[str, dict[str, np.ndarray]], quantity: str) -> list[float] | None:
    """Return the ends of an axis that lets single peaks of training leave it, None where none is so high.

    A step that goes astray can cost a thousand times what all others cost, and would press every curve onto the axis.
    The axis goes as far as validation and the first epochs of training do.
    """
    usual, every = [], []
    for held in histories.values():
        train, val = values(held, "train", quantity), values(held, "val", quantity)
        usual += [val, train[:1]]
        every += [val, train]
    usual, every = (part[np.isfinite(part)] for part in (np.concatenate(usual), np.concatenate(every)))
    if not len(usual) or every.max() - every.min() <= 2 * (usual.max() - every.min()):
        return None
    margin = 0.05 * (usual.max() - every.min())
    return [float(every.min() - margin), float(usual.max() + margin)]


def values(found: dict[str, np.ndarray], part: str, quantity: str) -> np.ndarray:
    """Return nll, kl or their sum, (E,), of the "train" or "val" part of a history."""
    nll, kl = found[f"{part}_nll"], found[f"{part}_kl"]
    return {"nll": nll, "kl": kl, "-elbo": nll + kl}[quantity]


def _explain(models: dict[str, "AnyModel"]) -> None:
    """Say which of the curves compare."""
    kinds = {name: _measured_on(model) for name, model in models.items()}
    if len({model.preset.data.dataset for model in models.values()}) > 1:
        kinds = {name: f"{kind}, {zoo.dataset(models[name])}" for name, kind in kinds.items()}
    if len(set(kinds.values())) > 1:
        said = "; ".join(f"{name}: {kind}" for name, kind in kinds.items())
        different = "These curves are likelihoods of different things, so only their shapes compare."
        st.caption(words.markdown(f"{different} {said}."))
    st.caption(
        "Dotted: training, as it went; solid: validation with the averaged weights. Where only a prior is fitted there "
        "is no training nll. Drag over the chart to zoom, double-click to return."
    )


def _measured_on(model: "AnyModel") -> str:
    kind = model.config.kind
    if not kind.draws:
        return "cross-entropy of the classes"
    pixels = {PIXELS: "hidden pixels", SPOILED: "clean pixels, given the spoiled ones"}.get(kind.given)
    return pixels or zoo.LIKELIHOODS[zoo.pixels(model)]
