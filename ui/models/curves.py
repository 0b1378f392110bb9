"""Loss curves of any set of models, read from history.csv."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from plotly import graph_objects as go  # Streamlit imports it at its start wherever it is installed

from cvae.families import PIXELS, SPOILED
from ui.models import zoo
from ui.shell import address, controls, images, link, resources, words
from ui.widgets.bridge import sent

if TYPE_CHECKING:
    from cvae.models import AnyModel

NATS = "Natural units of information: 0.69 nats are one bit. nll says how badly z tells the pixels, kl how much z says."
QUANTITIES = ("-elbo", "nll", "kl")
CLOSE, WHOLE, LOGARITHM = SCALES = "Linear", "Linear, all epochs", "Logarithmic"
FAR = 24  # pixels of type that is read from the last row
SETTLED = 0.8  # quantile of a curve of validation up to which the close scale shows it
TURNED = "presented"
# Plotly sets its type itself, so the chart is drawn anew where the presentation view comes or goes
_watch = st.components.v2.component(
    TURNED,
    js="""export default function ({ setTriggerValue }) {
  const root = document.documentElement, presents = () => root.classList.contains("present");
  let before = presents();
  const watch = new MutationObserver(() => {
    if (before === presents()) return;
    before = !before;
    setTriggerValue("turned", before ? "1" : "0");
  });
  watch.observe(root, { attributeFilter: ["class"] });
  return () => watch.disconnect();
}""",
)
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
    quantity, scale, along = _axes()
    histories = {name: resources.history(name) for name in chosen}
    if missing := [name for name, history in histories.items() if not history]:
        st.caption(words.markdown(f"No history.csv that can be read: {', '.join(missing)}."))
    histories = {name: history for name, history in histories.items() if history}
    if not histories:
        st.info("Choose at least one model with a history to see its curves.")
        return
    if scale == LOGARITHM:
        histories = _positive(histories, quantity)
    if histories:
        _chart(histories, quantity, scale, along)
        if scale == CLOSE and settled(histories, quantity):
            st.caption(f"The axis shows where the curves settle; the first epochs leave it at the top. See: {WHOLE}.")
        _explain({name: models[name] for name in histories})


def _chart(histories: dict[str, dict[str, np.ndarray]], quantity: str, scale: str, along: str) -> None:
    drawn = figure(histories, quantity, scale, along == "Minutes")
    if st.query_params.get("present"):
        _enlarge(drawn)
    alt = f"{quantity} of {', '.join(histories)}"
    st.plotly_chart(drawn, alt=alt, key="chart", height="stretch")  # as page.css says
    _watch(key=TURNED, on_turned_change=_turned)


def _turned() -> None:
    """Put into the address what the browser has written there already: no step of its history."""
    link.set_text("present", "1" if sent(TURNED, "turned") == "1" else "")


def _axes() -> tuple[str, str, str]:
    """Let the visitor choose what is drawn, on which of SCALES, and along what."""
    with st.container(horizontal=True, gap="medium", key="axes"):
        return (
            controls.choose("Nats per image", list(QUANTITIES), "quantity", NATS),
            controls.choose("Scale", list(SCALES), "scale"),
            controls.choose("Along", ["Epochs", "Minutes"], "along"),
        )


def _enlarge(made: go.Figure) -> None:
    made.update_layout(legend_font_size=FAR, hoverlabel_font_size=FAR).update_traces(line_width=4)
    made.update_xaxes(tickfont_size=FAR, title_font_size=FAR).update_yaxes(tickfont_size=FAR, title_font_size=FAR)


def _positive(histories: dict[str, dict[str, np.ndarray]], quantity: str) -> dict[str, dict[str, np.ndarray]]:
    """Return the histories that a logarithm can show, and say which it cannot."""
    low = [
        name
        for name, history in histories.items()
        if any((values(history, part, quantity) <= 0).any() for part, *_ in PARTS)
    ]
    if low:
        why = f"because their {quantity} comes to zero or below"
        st.caption(words.markdown(f"Not on a logarithmic scale, {why}: {', '.join(low)}."))
    return {name: history for name, history in histories.items() if name not in low}


def figure(histories: dict[str, dict[str, np.ndarray]], quantity: str, scale: str, minutes: bool) -> go.Figure:
    """Return a Plotly figure with two curves for each model, on one of SCALES."""
    made = go.Figure()
    for i, (name, history) in enumerate(histories.items()):
        x = np.cumsum(np.nan_to_num(history["seconds"])) / 60 if minutes else history["epoch"]
        for part, says, dash in PARTS:
            y = values(history, part, quantity)
            line = {"color": images.PALETTE[i % len(images.PALETTE)], "dash": dash, "width": 2}
            hover = "%{fullData.name}<br>%{y:.2f} nats<extra></extra>"  # Plotly reads names as HTML
            mode = "lines" if len(x) > 1 else "markers"  # one epoch makes no line
            made.add_scatter(x=x, y=y, name=escape(f"{name}, {says}"), mode=mode, line=line, hovertemplate=hover)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    made.update_layout(margin={"t": 10, "r": 10}, legend=legend, hovermode="x")
    made.update_xaxes(title="minutes of training" if minutes else "epoch")
    made.update_yaxes(title=f"{quantity}, nats per image", type="log" if scale == LOGARITHM else "linear")
    if scale == CLOSE and (reach := settled(histories, quantity)):
        made.update_yaxes(range=reach)
    return made


def settled(histories: dict[str, dict[str, np.ndarray]], quantity: str) -> list[float] | None:
    """Return the ends of an axis for what the curves come to, None where the whole is no more than twice as high.

    The first epoch, or a step that goes astray, can cost a thousand times what all others cost, and would press every
    curve onto the axis. It goes as far as most of validation does, and as half of training does.
    """
    curves = [[values(held, part, quantity) for held in histories.values()] for part in ("val", "train")]
    val, train = ([kept for y in part if len(kept := y[np.isfinite(y)])] for part in curves)
    if not val and not train:
        return None
    tops = [np.quantile(y, SETTLED) for y in val] + [np.median(y) for y in train]
    every = np.concatenate(val + train)
    low, high = float(every.min()), float(max(tops))
    if every.max() - low <= 2 * (high - low) or high == low:
        return None
    margin = 0.05 * (high - low)
    return [low - margin, high + margin]


def values(history: dict[str, np.ndarray], part: str, quantity: str) -> np.ndarray:
    """Return nll, kl or their sum, (E,), of the "train" or "val" part of a history."""
    nll, kl = history[f"{part}_nll"], history[f"{part}_kl"]
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
