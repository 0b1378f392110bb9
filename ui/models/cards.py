"""The card of a model: what it is, the paper, its architecture, its figures, and how to train it again."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cvae import checkpoints, provenance
from cvae.config import Preset
from cvae.data import pictures
from cvae.presets import PRESETS
from ui.models import diagram, zoo
from ui.shell import classes, images, resources, words

if TYPE_CHECKING:
    from cvae.models import AnyModel

OPTIONS = (
    *(("train", name) for name in ("epochs", "batch_size", "lr", "beta", "seed")),
    *(("model", "latent_dim"), ("data", "dataset")),
)
PAPERS = {  # as the text of a model cites it
    "Kingma and Welling 2014": "Kingma and Welling (2014), Auto-Encoding Variational Bayes",
    "Kingma et al. 2014": "Kingma, Rezende, Mohamed and Welling (2014), "
    "Semi-Supervised Learning with Deep Generative Models",
    "Sohn, Lee and Yan 2015": "Sohn, Lee and Yan (2015), "
    "Learning Structured Output Representation using Deep Conditional Generative Models",
    "Vincent et al. 2008": "Vincent, Larochelle, Bengio and Manzagol (2008), "
    "Extracting and Composing Robust Features with Denoising Autoencoders",
    "Ronneberger, Fischer and Brox 2015": "Ronneberger, Fischer and Brox (2015), "
    "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    "Larsen et al. 2016": "Larsen, S\u00f8nderby, Larochelle and Winther (2016), "
    "Autoencoding beyond pixels using a learned similarity metric",
    "Hinton and Salakhutdinov 2006": "Hinton and Salakhutdinov (2006), "
    "Reducing the Dimensionality of Data with Neural Networks",
}
MOST_CLASSES = 12  # whose names a card tells
# a component, because Streamlit strips SVG from HTML; the drawing escapes what it holds
JS = "export default ({data, parentElement}) => { parentElement.querySelector('.diagram').innerHTML = data; };"
CSS = ":host { display: block; } .diagram { color: var(--st-text-color); font-family: var(--st-font); }"
_draw = st.components.v2.component("diagram", html='<div class="diagram"></div>', css=CSS, js=JS)


def cards(pair: list[tuple[str, "AnyModel"]]) -> None:
    """Draw the cards of both models side by side."""
    for column, (name, model) in zip(st.columns(2, gap="large"), dict(pair).items(), strict=False):
        with column:
            card(name, model, key=f"card_{name}")


def card(name: str, model: "AnyModel", key: str) -> None:
    """Draw one card; `key` is that of its diagram."""
    kind = model.config.kind.title
    st.header(words.markdown(name), anchor=False)
    st.markdown(f"**{kind[0].upper()}{kind[1:]}.** {words.markdown(model.preset.about)}")
    if follows := paper(model.preset):
        st.caption(f"Paper: {follows}.")
    _draw(key=key, data=images.saved(diagram.svg(model.config), f"Architecture of {name}"))
    st.markdown("\n".join(f"- {words.markdown(line)}" for line in facts(name, model)))
    if (sheet := checkpoints.run_dir(name) / provenance.SHEET).is_file():
        _show_sheet(sheet)
    if not resources.figures(name):
        st.caption(words.markdown(f"{name} is not measured yet. Measure it with: python evaluate.py {name}"))
    st.markdown("Train it again:")
    st.code(retrain(name, model.preset), language="bash", wrap_lines=True)


def _show_sheet(path: Path) -> None:
    try:
        sheet = pictures.open_file(path)
    except (OSError, ValueError) as error:
        st.caption(words.markdown(f"The sheet of its training pictures, {path.name}, is left out. {error}"))
    else:
        st.image(sheet, caption="Some of the pictures that it learned from, as it sees them", width="content")


def paper(preset: Preset) -> str:
    """Return the paper that a model follows: the one its text cites, else its family's; empty for a classifier."""
    usual = PAPERS.get(preset.model.kind.paper, "")
    return next((full for cited, full in PAPERS.items() if cited in preset.about), usual)


def facts(name: str, model: "AnyModel") -> list[str]:
    """Return what is known of a model, a line of plain text each."""
    config, data, train = model.config, model.preset.data, model.preset.train
    epochs = len(resources.history(name).get("epoch", ())) or train.epochs
    seconds = zoo.training_seconds(name, model)
    lines = [
        f"{zoo.parameters(name, model):,} parameters, {zoo.megabytes(name, model):.1f} MB, {config.network} network",
        f"learned from {data.dataset}: {epochs} {'epoch' if epochs == 1 else 'epochs'}, batches of {train.batch_size}, "
        f"learning rate {train.lr:g}"
        + (f", beta {train.beta:g}" if config.kind.has_prior else "")  # it weighs a KL
        + (f", {zoo.duration(seconds)}" if seconds else ""),
    ]
    if not classes.are_digits(model):
        named = " \u00b7 ".join(model.preset.classes[:MOST_CLASSES])
        rest = " ..." if len(model.preset.classes) > MOST_CLASSES else ""
        lines.append(f"{len(model.preset.classes)} classes: {named}{rest}")
    if kind := zoo.likelihood(model):
        lines.append(f"likelihood: {zoo.LIKELIHOODS[kind]}")
    return lines + zoo.outcomes(name)


def retrain(name: str, preset: Preset) -> str:
    """Return the command that trains this model anew: its preset, and the options in which it differs from that."""
    base = next((p for p in PRESETS.values() if p.about == preset.about), None) or PRESETS.get(name)
    if base is None:
        return f"python train.py --help  # no preset made {name}; its config.json holds all settings"
    options = ["--overwrite"] if base.name == name else [f"--name {shlex.quote(name)}", "--overwrite"]
    for part, option in OPTIONS:
        value = getattr(getattr(preset, part), option)
        if value != getattr(getattr(base, part), option):
            options.append(f"--{option.replace('_', '-')} {shlex.quote(str(value))}")
    shape, usual = preset.model.image_shape, base.model.image_shape
    options += [f"--image-size {shape[1]}"] if shape[1] != usual[1] else []
    options += [f"--channels {shape[0]}"] if shape[0] != usual[0] else []
    return " ".join(["python train.py", base.name, *options])
