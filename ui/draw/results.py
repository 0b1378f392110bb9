"""What the Draw page shows of a digit: its reconstruction and reading, or the digit spoiled and cleaned."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from cvae import tasks
from cvae.data import corruptions
from ui.shell import address, charts, classes, controls, images, resources, sampling, sketch, taking, words
from ui.widgets.canvas import canvas
from ui.widgets.canvas.source import Source, hand_on

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from cvae.models import LatentModel

CAREFUL = 8  # importance samples once the pen rests
SAMPLES = 9
KINDS = {"Gaussian": "gaussian", "Salt and pepper": "salt-and-pepper", "Blur": "blur", "Strokes": "strokes"}
EMPTY = "Draw a {} with the mouse, a pen or a finger. Everything here follows while you draw."
STRENGTHS = {  # kind -> what its slider says, at first, step
    "gaussian": ("Standard deviation of the noise", 0.4, 0.05),
    "salt-and-pepper": ("Share of the pixels", 0.25, 0.05),
    "blur": ("Standard deviation in pixels", 1.5, 0.1),
    "strokes": ("Expected number of strokes", 3.0, 0.5),
}


def show(
    name: str,
    model: "LatentModel",
    source: Source,
    query: dict[str, str],
    captions: list[str],
    columns: int,
    **more: Any,
) -> None:
    """Draw the canvas for this digit, or only the pictures where it was not drawn here."""
    query = {"model": name, **query, **source.query()}
    more |= {"side": model.config.image_shape[-1], "empty": EMPTY.format(classes.noun(model))}
    more |= {"sample": source.sample}
    mode = "ink" if source.drawing else "view"
    if source.drawing or source.x is not None:
        columns = columns if source.drawing else len(captions)
        canvas.canvas("drawing", query, captions, mode, bits=source.bits, columns=columns, **more)


def reconstruct(name: str, model: "LatentModel", source: Source, area: "DeltaGenerator") -> None:
    """Show in the area the digit, its reconstruction, and what the model thinks of it; below it, more."""
    scores, x = None, source.x
    if x is not None and model.config.n_classes:
        measure = lambda: sketch.label_scores(model, x, CAREFUL)[0]  # noqa: E731
        scores = resources.kept(name, ("sample",), measure) if source.sample else measure()
    captions = ["What the model sees", "Reconstruction", "Difference"]
    careful = None if scores is None else scores.tolist()
    with area:
        show(name, model, source, {"task": "reconstruct"}, captions, 3, labels=classes.names(model), scores=careful)
    if x is not None:
        hand_on("Draw", name, model)
        _more(name, model, x, scores)
    _take(name, model, source, scores)


def _more(name: str, model: "LatentModel", x: Tensor, scores: Tensor | None) -> None:
    """Show what else a model says of the digit x (1, 1, S, S)."""
    _samples(model, x, scores)
    if scores is None:
        what = f"which {'digit it is' if classes.are_digits(model) else 'class it shows'}"
        st.info(f"This model has no labels, so it cannot say {what}. Pick a conditional model for that.")
        return
    _reading(name, model, scores)
    _ten_digits(model, x, scores)


def _take(name: str, model: "LatentModel", source: Source, scores: Tensor | None) -> None:
    """Offer the model as a file that opens at the digit's point and label, with a sheet to draw on."""
    label = None if scores is None else int(scores.argmax())

    def at() -> tuple[torch.Tensor | None, int | None]:
        told = None if label is None else torch.tensor([label])
        return (None if source.x is None else tasks.encode(model, source.x, told)[0]), label

    taking.button(name, at, sheet=True if resources.is_digit(model) else None)


def _samples(model: "LatentModel", x: Tensor, scores: Tensor | None) -> None:
    label = None if scores is None else scores.argmax(0, keepdim=True)
    pictures = tasks.posterior_samples(model, x, SAMPLES, label, torch.Generator().manual_seed(0))
    st.header("Reconstructions from the posterior", anchor=False)
    st.caption(
        "The encoder answers with a distribution. The reconstruction above decodes its mean, these decode samples."
    )
    st.html(images.strips_html([("", pictures)], "Reconstructions from posterior samples"))


def _reading(name: str, model: "LatentModel", scores: Tensor) -> None:
    """Say what the bars show and how much like a digit it is at all."""
    st.caption(
        "The bars show p(y | x), the probability of each label y given the picture x, if all are alike beforehand. "
        f"They follow from log p(x | y), how probable a model finds the picture among those of a label, by {CAREFUL} "
        "importance samples. Its unit is the nat: one more is a probability e = 2.7 times as high."
    )
    log_p = float(scores.logsumexp(0) - np.log(len(scores)))
    noun, measured = classes.noun(model), resources.spread(name)
    if measured is None:
        remedy = f"Measure it with: python evaluate.py {name}"
        st.caption(words.markdown(f"How it compares with test {noun}s is not measured yet. {remedy}"))
        return
    quantiles, _ = measured
    rank = float(np.interp(log_p, quantiles, np.linspace(0, 100, len(quantiles))))
    st.header("How much like a digit is this?" if classes.are_digits(model) else "How usual is this?", anchor=False)
    st.html(charts.spread_html(quantiles, log_p, "nats", f"test {noun}s"))
    count = resources.run(name).figure("images")
    among = f"the test {noun}s" if count is None else f"the {count:,.0f} test {noun}s"
    st.caption(f"log p(x) of the picture among {among}: {_place(rank)}.")


def _place(rank: float) -> str:
    if rank <= 0:
        return "less probable than every one of them"
    return "more probable than every one of them" if rank >= 100 else f"more probable than {rank:.0f} % of them"


def _ten_digits(model: "LatentModel", x: Tensor, scores: Tensor) -> None:
    """Keep the style of the drawing x (1, 1, S, S) and change the label."""
    u = tasks.encode(model, x, scores.argmax(0, keepdim=True))
    labels = sampling.every_label(model)
    pictures = tasks.decode(model, u.expand(len(labels), -1), labels)
    what = "ten digits" if classes.are_digits(model) else "every class"
    st.header(f"The same style, {what}", anchor=False)
    st.caption(
        "The latent point of the picture holds its style: slant, width, weight. Here it is decoded for every label."
    )
    st.html(images.strips_html([("", pictures)], "The same style decoded for every label", min(len(labels), 10)))


def denoise(name: str, model: "LatentModel", source: Source, area: "DeltaGenerator") -> None:
    """Spoil the digit and show in the area, which stands above the controls of the damage, what cleans it."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="damage"):
        kind = KINDS[controls.choose("Damage", list(KINDS), "noise")]
        says, first, step = STRENGTHS[kind]
        most = corruptions.LARGEST[kind]
        address.number(kind, 0, most)
        strength = st.slider(says, 0.0, most, first, step, key=kind, bind="query-params", width=220)
        seed = controls.pick_seed("noise_seed", "Again")
        denoisers = _pick_denoiser(model)
    query = {"task": "denoise", "kind": kind, "strength": str(strength), "seed": str(seed)}
    if denoisers:
        query["denoiser"] = denoisers[0]
    captions = ["Clean", "Spoiled", *(f"Cleaned by {denoiser}" for denoiser in denoisers), f"Reconstructed by {name}"]
    with area:
        show(name, model, source, query, captions, 2)
    if source.x is not None:
        hand_on("Draw", name, model)
    if not denoisers:
        command = "python train.py dae-conv"
        if not resources.is_digit(model):
            command += f" --dataset FOLDER --image-size {model.config.image_shape[-1]} --name cleaner"
        st.info(f"There is no denoising autoencoder of this size yet. Train one with: {command}")
    st.caption(
        "A denoising autoencoder has learned to undo the damage. A variational one never saw any: it can only redraw "
        "what its latent space holds, and takes strong noise for ink. "
        f"PSNR compares with the clean {classes.noun(model)}; more is better."
    )
    taking.button((denoisers or [name])[0], lambda: (None, None))


def _pick_denoiser(model: "LatentModel") -> list[str]:
    """Let the visitor choose a denoising autoencoder where several fit the model's pictures; none where none does."""
    denoisers, _ = resources.available(("denoising",))
    fitting = {name: other for name, other in denoisers.items() if other.config.image_shape == model.config.image_shape}
    alike = [name for name, other in fitting.items() if resources.is_alike(model, other)]
    names = alike + [name for name in fitting if name not in alike]
    address.choice("denoiser", names)
    if len(names) < 2:
        return names
    return [st.selectbox("Cleaned by", names, key="denoiser", bind="query-params") or names[0]]
