"""The models of all families together: what each is, two of them to compare, and the table of their figures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from cvae import checkpoints
from cvae.families import FAMILIES
from cvae.losses import GAUSSIAN_STD
from cvae.runs import number
from ui.shell import address, controls, resources, words

if TYPE_CHECKING:
    from cvae.models import AnyModel

LIKELIHOODS = {  # what `pixels` returns -> the same in words
    "grey": "Bernoulli, of grey pixels",
    "colour": "Bernoulli, of pixels in colour",
    "binary": "Bernoulli, of a fresh binary draw for every pixel",
    "Gaussian": f"normal density around every pixel, standard deviation {GAUSSIAN_STD}",
}
ABSENT = "-"
NLL = "-log p(x|z) of a test image in nats, natural units of information: how badly z tells its pixels"
KL = "KL divergence of the posterior from the prior in nats: how much z says of a picture"


@dataclass(frozen=True)
class Column:
    """A column of the table: where its value comes from and how it reads; `within` a likelihood only, if so it says."""

    title: str
    about: str
    value: Callable[[str, "AnyModel"], float | str | None]
    text: Callable[[Any], str]  # of a value that is there
    within: bool = False


def every_model() -> dict[str, "AnyModel"]:
    """Return the models of all families by name; stops a page without any.

    Each folder that cannot be used gets one line.
    """
    models, problems = resources.available(tuple(FAMILIES))
    for problem in problems:
        st.warning(words.markdown(problem))
    if not models:
        controls.tell_none(controls.FIRST)
    return models


def pick_two(models: dict[str, "AnyModel"]) -> list[tuple[str, "AnyModel"]]:
    """Let the visitor choose two models, at first a VAE of several latents and a conditional one."""
    plain = controls.preferred(models, lambda c: c.kind.has_likelihood and not c.n_classes and c.latent_dim > 2)
    labelled = controls.preferred(models, lambda c: c.kind.has_likelihood and c.n_classes > 0)
    chosen = []
    for key, first in zip("ab", (plain, labelled), strict=True):
        # at the top, as Streamlit wants what a press on the table may change
        options = sorted(models, key=lambda name: name != first)
        address.choice(key, options)
        label, width = f"Model {key.upper()}", controls.MODEL
        chosen.append(st.selectbox(label, options, key=key, bind="query-params", width=width) or first)
    return [(name, controls.loaded(name, tuple(FAMILIES))) for name in chosen]


def pixels(model: "AnyModel") -> str:
    """Return under which likelihood a model measures pixels, a key of LIKELIHOODS."""
    if model.config.likelihood == "gaussian":
        return "Gaussian"
    grey = "grey" if model.config.image_shape[0] == 1 else "colour"
    return "binary" if model.preset.data.binarize else grey


def likelihood(model: "AnyModel") -> str:
    """Return under which likelihood a model's figures stand; they compare within one alone. Empty where it has none."""
    return pixels(model) if model.config.kind.has_likelihood else ""


def kl_per_dim(name: str, model: "AnyModel") -> list[float]:
    """Return the mean KL of every latent dimension in nats; empty where it was not measured."""
    return resources.run(name).kl_per_dim(model.config.latent_dim) or []


def parameters(name: str, model: "AnyModel") -> float:
    """Return how many numbers were learned."""
    return checkpoints.count_parameters(model.config)


def megabytes(name: str, model: "AnyModel") -> float:
    """Return the size of the weights in 10^6 bytes."""
    return (checkpoints.run_dir(name) / checkpoints.WEIGHTS).stat().st_size / 1e6


def training_seconds(name: str, model: "AnyModel") -> float | None:
    """Return how long the training took, by metrics.json or else the sum over history.csv; None if neither says."""
    run = resources.run(name)
    measured = run.figure("training_seconds")
    return run.seconds() if measured is None else measured


def outcomes(name: str) -> list[str]:
    """Return how well a model reads, cleans, completes or does as it is told, by its metrics.json, a line for each."""
    figures, lines = resources.figures(name), []
    if (share := number(figures, "accuracy")) is not None:
        lines.append(f"reads {100 * share:.2f} % of the test pictures right")
    if (share := number(figures, "ink_iou")) is not None:
        lines.append(f"finds ink: intersection over union {share:.3f}")
    by_label = _part(_part(figures, "smile"), "label")
    adds, takes = number(by_label, "adds"), number(by_label, "takes")
    if adds is not None and takes is not None:
        told = f"{100 * adds:.1f} % of serious test faces smile and {100 * takes:.1f} % of smiling ones stop"
        lines.append(f"told the other label, {told}")
    noises, holes = _part(figures, "psnr"), _part(figures, "hole_mse")
    gains = [(noise, [number(_part(noises, noise), key) for key in ("before", "after")]) for noise in noises]
    if said := [f"{noise} from {gain[0]:.1f} to {gain[1]:.1f} dB" for noise, gain in gains if None not in gain]:
        lines.append(f"PSNR: {', '.join(said)}")
    errors = [(hole, number(holes, hole)) for hole in holes]
    if said := [f"{hole} {error:.4f}" for hole, error in errors if error is not None]:
        lines.append(f"MSE in the hole: {', '.join(said)}")
    return lines


def _part(figures: dict, key: str) -> dict:
    return part if isinstance(part := figures.get(key), dict) else {}


def _figure(key: str, sign: int = 1) -> Callable[[str, "AnyModel"], float | None]:
    def value(name: str, model: "AnyModel") -> float | None:
        figure = resources.run(name).figure(key)
        return None if figure is None else sign * figure

    return value


def _likelihood_figure(key: str, sign: int = 1) -> Callable[[str, "AnyModel"], float | None]:
    figure = _figure(key, sign)
    return lambda name, model: figure(name, model) if likelihood(model) else None


def duration(seconds: float) -> str:
    """Return a time as a person would say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


SIZE = [
    Column("parameters", "How many numbers were learned", parameters, lambda v: f"{v:,.0f}"),
    Column("MB", "Size of the weights in a file", megabytes, lambda v: f"{v:.1f}"),
]
TRAINING = Column("training", "Time it took", training_seconds, duration)
COLUMNS = [  # of models that draw from a z
    *SIZE,
    Column("decode", "Time to decode one picture", _figure("decode_ms"), lambda v: f"{v:.1f} ms"),
    Column("nll", NLL, _likelihood_figure("nll"), lambda v: f"{v:.2f}", within=True),
    Column("kl", KL, _likelihood_figure("kl"), lambda v: f"{v:.2f}"),
    Column("-elbo", "nll + kl", _likelihood_figure("elbo", -1), lambda v: f"{v:.2f}", within=True),
    Column(
        "-log p",
        "Importance-weighted estimate of -log p(x), or of -log p(x|y) for a conditional model",
        _likelihood_figure("log_likelihood", -1),
        lambda v: f"{v:.2f}",
        within=True,
    ),
    Column("MSE", "Mean squared error of reconstructions", _figure("mse"), lambda v: f"{v:.4f}"),
    Column("active", "Latent dimensions that carry at least 0.01 nats", _figure("active_units"), lambda v: f"{v:.0f}"),
    Column("judged", "Samples that the judge reads as asked for", _figure("judge_accuracy"), _percent),
    Column(
        "diversity",
        "Mean distance between two samples, relative to real pictures",
        _figure("diversity"),
        lambda v: f"{100 * v:.0f} %",
    ),
    TRAINING,
]
OUTCOMES = [  # of the others
    Column("measured", "How well it does on test pictures", lambda name, model: "; ".join(outcomes(name)) or None, str),
    *SIZE,
    TRAINING,
]


def rows(models: dict[str, "AnyModel"], columns: list[Column]) -> list[dict]:
    """Return a row of the table for each model: its name, kind and likelihood, then a value and its text per column."""
    return [
        {
            "name": name,
            "kind": model.config.kind.title,
            "likelihood": _compares(model),
            "cells": [_cell(column, name, model) for column in columns],
        }
        for name, model in models.items()
    ]


def dataset(model: "AnyModel") -> str:
    """Return the name of the data set that a model learned from, of a folder without the way to it."""
    return Path(model.preset.data.dataset).name


def _compares(model: "AnyModel") -> str:
    """Return the likelihood, and of other data than digits which they are: figures of two data sets do not compare."""
    kind = likelihood(model)
    return f"{kind}, {dataset(model)}" if kind and model.preset.data.dataset != "mnist" else kind


def _cell(column: Column, name: str, model: "AnyModel") -> dict:
    value = column.value(name, model)
    return {"value": value, "text": ABSENT if value is None else column.text(value)}


def explain(models: dict[str, "AnyModel"]) -> None:
    """Say how to read the table, and which models it knows little of."""
    kinds = {likelihood(model) for model in models.values()}
    said = " ".join(f"*{kind}*: {words}." for kind, words in LIKELIHOODS.items() if kind in kinds)
    density = " The nats of a density may be negative." if "Gaussian" in kinds else ""
    st.caption(
        "Press a row to compare that model: the last two pressed are A and B. nll, -elbo and "
        f"-log p compare within one likelihood alone, so they are sorted inside each. {said}{density}"
    )
    if missing := [name for name in models if not resources.figures(name)]:
        remedy = f"Measure with: python evaluate.py {' '.join(missing)}"
        st.caption(words.markdown(f"Not measured yet: {', '.join(missing)}. {remedy}"))
