"""The models of all families together: what each is, two of them to compare, and the table of their figures."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cvae import checkpoints
from cvae.config import FAMILIES
from ui import controls, resources

KINDS = {  # family -> what it is, and the paper it goes back to
    "vae": ("VAE", "Kingma and Welling (2014), Auto-Encoding Variational Bayes"),
    "cvae": ("conditional VAE", "Sohn, Lee and Yan (2015), Learning Structured Output Representation"),
    "inpainting": ("completes holes", "Sohn, Lee and Yan (2015), Learning Structured Output Representation"),
    "denoising": ("removes noise", "Vincent et al. (2008), Extracting and Composing Robust Features"),
    "autoencoder": ("autoencoder", "Hinton and Salakhutdinov (2006), Reducing the Dimensionality of Data"),
    "classifier": ("classifier", ""),
}
LIKELIHOODS = {True: "binary", False: "grey"}
ABSENT = "-"


@dataclass(frozen=True)
class Column:
    """A column of the table: where its number comes from and how it reads; `within` a likelihood only, if so it says."""

    title: str
    about: str
    value: Callable[[str, object], float | None]
    text: Callable[[float], str]
    within: bool = False


def every_model() -> dict:
    """Return the models of all families by name, with one line for each folder that cannot be used. Stops a page without any."""
    models, problems = resources.available(FAMILIES)
    for problem in problems:
        st.warning(problem)
    if not models:
        st.info("There is no trained model yet. Train one with: python train.py vae-dense-2d")
        st.stop()
    return models


def pick_two(models: dict) -> list[tuple[str, object]]:
    """Let the visitor choose two models, at first a VAE of several latents and a conditional one."""
    names = list(models)
    plain = controls.preferred(models, lambda c: c.family == "vae" and c.latent_dim > 2)
    labelled = controls.preferred(models, lambda c: c.family == "cvae")
    chosen = []
    for column, key, first in zip(st.columns(2), "ab", (plain, labelled)):
        pick = column.selectbox(f"Model {key.upper()}", names, names.index(first), key=key, bind="query-params")
        chosen.append(pick or first)
    return [(name, models[name]) for name in chosen]


def number(found: dict, key: str) -> float | None:
    """Return a figure of metrics.json, None where it is missing or no finite number."""
    value = found.get(key)
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


def likelihood(model) -> str:
    """Return under which likelihood a model's figures stand; they compare within one alone. Empty where it has none."""
    if model.config.family not in ("vae", "cvae"):
        return ""
    return "Gaussian" if model.config.likelihood == "gaussian" else LIKELIHOODS[model.preset.data.binarize]


def kl_per_dim(name: str, model) -> list[float]:
    """Return the mean KL of every latent dimension in nats; empty where it was not measured."""
    kl = resources.figures(name).get("kl_per_dim")
    fits = isinstance(kl, list) and len(kl) == model.config.latent_dim and all(type(v) in (int, float) for v in kl)
    return [float(v) for v in kl] if fits and all(map(math.isfinite, kl)) else []


def parameters(name: str, model) -> float:
    """Return how many numbers were learned."""
    return sum(p.numel() for p in model.parameters())


def megabytes(name: str, model) -> float:
    """Return the size of the weights in 10^6 bytes."""
    return (checkpoints.run_dir(name) / checkpoints.WEIGHTS).stat().st_size / 1e6


def training_seconds(name: str, model) -> float | None:
    """Return how long the training took, from metrics.json or else the sum over history.csv; None where neither says."""
    told = number(resources.figures(name), "training_seconds")
    spent = resources.history(name).get("seconds")
    return told if told is not None else None if spent is None else float(spent.sum())


def _figure(key: str, sign: int = 1) -> Callable[[str, object], float | None]:
    def value(name: str, model) -> float | None:
        found = number(resources.figures(name), key)
        return None if found is None else sign * found

    return value


def _likelihood_figure(key: str, sign: int = 1) -> Callable[[str, object], float | None]:
    figure = _figure(key, sign)
    return lambda name, model: figure(name, model) if likelihood(model) else None


def duration(seconds: float) -> str:
    """Return a time as a person would say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


COLUMNS = [
    Column("parameters", "How many numbers were learned", parameters, lambda v: f"{v:,.0f}"),
    Column("MB", "Size of the weights in a file", megabytes, lambda v: f"{v:.1f}"),
    Column("decode", "Time to decode one picture", _figure("decode_ms"), lambda v: f"{v:.1f} ms"),
    Column("nll", "-log p(x|z), nats per test image", _likelihood_figure("nll"), lambda v: f"{v:.2f}", within=True),
    Column("kl", "Distance of posterior and prior, nats", _likelihood_figure("kl"), lambda v: f"{v:.2f}"),
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
    Column("judged", "Samples that the judge reads as asked for", _figure("judge_accuracy"), lambda v: f"{100 * v:.1f} %"),
    Column(
        "diversity",
        "Mean distance between two samples, relative to real digits",
        _figure("diversity"),
        lambda v: f"{100 * v:.0f} %",
    ),
    Column("training", "Time it took", training_seconds, duration),
]


def rows(models: dict) -> list[dict]:
    """Return one row of the table for each model: its name, kind and likelihood, then a value and its text per column."""
    return [
        {
            "name": name,
            "kind": KINDS.get(model.config.family, (model.config.family, ""))[0],
            "likelihood": _compares(model),
            "cells": [_cell(column, name, model) for column in COLUMNS],
        }
        for name, model in models.items()
    ]


def _compares(model) -> str:
    """Return the likelihood, and of a visitor's own data which they are: figures of two data sets do not compare."""
    kind, dataset = likelihood(model), model.preset.data.dataset
    return f"{kind}, {Path(dataset).name}" if kind and dataset not in controls.SHIPPED else kind


def _cell(column: Column, name: str, model) -> dict:
    value = column.value(name, model)
    return {"value": value, "text": ABSENT if value is None else column.text(value)}


def explain(models: dict) -> None:
    """Say how to read the table, and which models it knows little of."""
    st.caption(
        "Press a head to sort by it. Likelihoods compare within one kind of pixels alone, *grey* or *binary* (a fresh draw for "
        "every pixel), so the table sorts them inside each kind."
    )
    if missing := [name for name in models if not resources.figures(name)]:
        st.caption(f"Not measured yet: {', '.join(missing)}. Measure with: python evaluate.py {' '.join(missing)}")
