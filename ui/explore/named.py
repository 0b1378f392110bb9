"""Sliders with names on Explore: curves from the present point, words for the latents, and a drawing's own measures."""

from typing import TYPE_CHECKING

import streamlit as st
from torch import Tensor

from cvae import morphology, sliders
from ui.shell import address, classes, link, resources, words
from ui.widgets.canvas import source

if TYPE_CHECKING:
    from cvae.models import LatentModel


def of(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> dict | None:
    """Return what the live control shows of sliders with names at u (D,), label (1,) or None; None without any.

    Where a model of digits could have some, one line says how to make them.
    """
    try:
        stored = resources.sliders_of(name)
    except ValueError as error:
        st.caption(words.markdown(str(error)))
        return None
    if stored is None:
        if could_have(model):
            remedy = f"Make them with: python evaluate.py --sliders {name}"
            st.caption(words.markdown(f"No sliders with names, such as slant and thickness, yet. {remedy}"))
        return None
    if not stored.kept:
        st.caption("No sliders with names, such as slant: on their way, what this model draws becomes something else.")
    ways = [_shown(curve) for curve in sliders.through(stored, model, u, label)] if stored.kept else []
    return {"named": ways, "words": {str(d): text for d, text in sliders.words(stored).items()}}


def could_have(model: "LatentModel") -> bool:
    """Tell whether sliders with names can be made for a model: one of digits with a prior and latents enough."""
    enough = model.config.latent_dim >= len(morphology.KEYS)
    return model.config.kind.has_prior and enough and resources.is_digit(model) and classes.are_digits(model)


def _shown(curve: sliders.Curve) -> dict:
    step = curve.measure.step
    least, most = (round(float(end) / step) * step for end in (curve.values[0], curve.values[-1]))
    return {
        "name": curve.measure.name,
        "about": curve.measure.about,
        "unit": curve.measure.unit,
        "digits": 0 if step >= 1 else 1 if step >= 0.1 else 2,
        "step": step,
        "least": least,
        "most": most,
        "value": curve.now,
        "values": curve.values.tolist(),
        "points": [[round(z, 4) for z in point] for point in curve.points.tolist()],
    }


def from_mine(name: str, model: "LatentModel", u: Tensor, label: Tensor | None) -> None:
    """Let the visitor draw or bring a digit, and set the sliders with names to what is measured of it."""
    try:
        stored = resources.sliders_of(name)
    except ValueError:
        stored = None
    if stored is not None and not stored.kept:
        stored = None
    address.choice("mine", ("true", "false") if stored else ())
    if stored is None or not st.toggle("Start from mine: your digit sets the sliders", key="mine", bind="query-params"):
        return
    mine = source.pick(source.pick_kind(model), model)
    source.pad(mine, name, model)
    wanted = None if mine.x is None else morphology.measure(mine.x)[0]
    if wanted is None or wanted.isnan().any():
        st.caption("Draw a digit; then give its slant, thickness and width to the one above.")
        return
    st.caption(f"Yours: {told(wanted)}.")
    st.button("Give these to the digit above", on_click=_meet, args=(stored, model, u, label, wanted))


def told(values: Tensor) -> str:
    """Return measures (K,) in words, such as slant 12°, thickness 2.6 px."""
    parts = []
    for measure, value in zip(morphology.MEASURES, values.tolist(), strict=True):
        space = "" if measure.unit == "\u00b0" else " "
        parts.append(f"{measure.name.lower()} {value:.{0 if measure.step >= 0.5 else 1}f}{space}{measure.unit}")
    return ", ".join(parts)


def _meet(stored: sliders.Sliders, model: "LatentModel", u: Tensor, label: Tensor | None, wanted: Tensor) -> None:
    link.set_point("z", sliders.meet(stored, model, u, label, wanted))
