"""Two models side by side: what each makes of the same pictures, the same z, and what it draws on its own."""

import html
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from cvae import faces, tasks
from cvae.data import FACES, corruptions
from cvae.data import lfw_files as lfw
from cvae.data.mnist_files import default_data_dir
from ui.models import zoo
from ui.shell import charts, controls, images, resources, sampling, words

if TYPE_CHECKING:
    from cvae.models import AnyModel, LatentModel

SHOWN = 10  # pictures in a row
DIGITS = Path(__file__).with_name("ten_test_digits.png")  # the first of MNIST's test set, beside one another
SAMPLES = 40
WAYS, STEPS = 3, 10
COMPLETED = 3
NOISE = 0.4  # standard deviation
HIDDEN = 0.35  # brightness of hidden pixels
LARGE = 48  # height from which pictures are enlarged smoothly

Pair = list[tuple[str, "AnyModel"]]


def side_by_side(pair: Pair) -> None:
    """Show everything that compares by eye, and how much each latent dimension carries."""
    latent = [(name, model) for name, model in pair if model.config.kind.decodes]
    first = controls.stage("pictures")  # above the controls, of which it needs the seed at most
    label, seed = _label_and_seed(latent)
    with first:
        _same_digits(pair, seed)
    _samples_of_completers(pair, seed)
    if len(latent) > 1:
        _same_z(latent, label, seed)
    if latent:
        _samples(latent, seed)
        _ways(latent)
        _information(latent)


def _label_and_seed(latent: Pair) -> tuple[Tensor | None, int]:
    """Let the visitor choose a seed, and a label (1,) where two models decode the same z and one of them takes one."""
    labelled = [model for _, model in latent if model.config.n_classes] if len(latent) > 1 else []
    if labelled:
        return controls.pick_label_and_seed(min(labelled, key=lambda model: model.config.n_classes), "label", "seed")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return None, controls.pick_seed("seed", "Another")


def encoded(name: str, model: "LatentModel") -> resources.Encoded | None:
    """Return encoded test pictures of a model, of faces one of each of the first people held out; None without."""
    stored = resources.encoded(name)
    if stored is not None:
        return stored
    if not resources.is_face(model):
        return _told(name, model) if resources.is_told_face(model) else None
    try:
        space = resources.space(name)
    except ValueError:
        return None
    rows = _of_test_people(space)
    return resources.Encoded(space.u[rows].numpy(), np.zeros(len(rows), np.int64)) if rows else None


def _of_faces(model: "AnyModel") -> bool:
    return resources.is_face(model) or resources.is_told_face(model)


def _told(name: str, model: "LatentModel") -> resources.Encoded | None:
    """Return codes of the faces that its twin shows, which knows the people, and the labels that the model guesses."""
    if not (other := resources.twin(model)):
        return None
    shown = controls.loaded(other)
    x = _test_faces(other, shown)
    x = reconstructed(other, shown) if x is None else x
    if x is None:
        return None
    rows = resources.kept(name, ("told", other), lambda: torch.column_stack(faces.told(model, x)))
    return resources.Encoded(rows[:, :-1].numpy(), rows[:, -1].long().numpy())


def _of_test_people(space: faces.Space) -> list[int]:
    people = islice((person for person in dict.fromkeys(space.people) if lfw.part_of(person) == "test"), SHOWN)
    return [space.people.index(person) for person in people]


def _test_faces(name: str, model: "LatentModel") -> Tensor | None:
    """Return the photographs (N, 3, S, S) of what `encoded` gives of a model of faces; None where LFW is not here."""
    try:
        space = resources.space(name)
    except ValueError:
        return None
    pixels = []
    for row in _of_test_people(space):
        person, number, side = space.people[row], int(space.numbers[row]), model.config.image_shape[1]
        x = lfw.photograph(default_data_dir(), person, number, side, faces.crop(model))
        if x is None:
            return None
        pixels.append(x)
    return torch.from_numpy(np.stack(pixels)) / 255 if pixels else None


def test_pictures(model: "AnyModel") -> Tensor | None:
    """Return the first test digits (N, 1, 28, 28), where this model learned from MNIST; they come with the app."""
    return _digits() if model.preset.data.dataset == "mnist" and resources.is_digit(model) else None


@cache
def _digits() -> Tensor:
    with Image.open(DIGITS) as strip:
        rows = torch.from_numpy(np.array(strip))  # (28, 28 N)
    return torch.stack(rows.split(28, dim=1))[:, None] / 255


def reconstructed(name: str, model: "LatentModel") -> Tensor | None:
    """Return the first test pictures (N, C, H, W) as a model with latents draws them; None if it is not measured."""
    digits = encoded(name, model)
    if digits is None:
        return None
    u, labels = torch.from_numpy(digits.u[:SHOWN]), _labels(model, digits.labels[:SHOWN])
    return resources.kept(name, ("reconstructions",), lambda: tasks.decode(model, u, labels))


def _labels(model: "LatentModel", labels: np.ndarray) -> Tensor | None:
    return torch.from_numpy(labels) if model.config.n_classes else None


def stand_ins(model: "AnyModel") -> tuple[str, Tensor] | None:
    """Return pictures for a model without latents, and whose: test digits, else another model's reconstructions."""
    digits = test_pictures(model)
    if digits is not None:
        return "test digits", digits
    others = resources.available()[0].items()
    last = lambda item: (not resources.is_alike(model, item[1]), not item[1].config.n_classes)  # noqa: E731
    for name, other in sorted(others, key=last):
        fits = other.config.image_shape == model.config.image_shape and resources.encoded(name) is not None
        if fits and (x_hat := reconstructed(name, resources.model(name))) is not None:
            return f"reconstructions by {name}", x_hat
    return None


def _same_digits(pair: Pair, seed: int) -> None:
    rows, remarks = [], []
    sets = [_set(model) for _, model in pair if model.config.kind.draws]
    same = len(sets) > 1 and sets[0] == sets[1]
    st.header("The same ten test pictures" if same else "Ten test pictures", anchor=False)
    if len(set(sets)) > 1:
        remarks.append("They learned from different data: each shows pictures of its own test set.")
    above: list[tuple] = []  # the originals that are shown already
    for name, model in pair:
        x = _originals(name, model)
        if x is not None and (of := _cut(model)) not in above:
            rows.append(("Test faces" if _of_faces(model) else "Test digits", x))
            above.append(of)
        elif x is None and _of_faces(model) and model.config.kind.decodes:
            remarks.append("The photographs themselves are shown where LFW lies under CVAE_DATA_DIR.")
        more, remark = _handled(name, model, seed)
        rows += more
        remarks.append(remark)
    _show(rows, "Ten test pictures")
    _remark(remarks)


def _originals(name: str, model: "AnyModel") -> Tensor | None:
    if not _of_faces(model):
        return test_pictures(model)
    return _test_faces(resources.twin(model) if resources.is_told_face(model) else name, model)


def _cut(model: "AnyModel") -> tuple:
    """Return what originals of a model depend on: models of the same set may show less or more of a face."""
    return _set(model), model.preset.data.crop, model.config.image_shape


def _set(model: "AnyModel") -> str:
    """Return what data set a model's pictures are of, told an attribute or not."""
    return FACES if _of_faces(model) else model.preset.data.dataset


def _handled(name: str, model: "AnyModel", seed: int) -> tuple[list[tuple[str, Tensor]], str]:
    """Return captioned rows with what a model makes of the test pictures, and a remark on them."""
    kind = model.config.kind
    if kind.decodes:
        if (x := reconstructed(name, model)) is None:
            return [], f"{name} has no encoded test pictures: python evaluate.py {name}"
        return [(name, x)], ""
    if not kind.draws:
        return [], f"{name} draws nothing: it says which class a picture shows."
    given = stand_ins(model)
    if given is None:
        return [], f"{name} needs pictures to work on: no model of its size has encoded test pictures yet."
    whose, x = given
    generator = torch.Generator().manual_seed(seed)
    if kind.cleans:
        spoiled = corruptions.corrupt(x, "gaussian", NOISE, generator)
        remark = f"{name} cleans {whose} spoiled by Gaussian noise of {NOISE}."
        return [(f"Spoiled for {name}", spoiled), (name, tasks.denoise(model, spoiled))], remark
    where, visible = _hole(model)
    remark = f"{name} completes {whose} whose {where} is hidden, here in grey."
    completed = tasks.inpaint(model, x, visible, 1, generator)[:, 0]
    return [(f"Given to {name}", torch.where(visible, x, HIDDEN)), (name, completed)], remark


def _hole(model: "AnyModel") -> tuple[str, Tensor]:
    """Return what is hidden from a model that completes, as it was in its training, and the mask (1, H, W)."""
    height, width = model.config.image_shape[1:]
    if model.preset.data.hole == "centre":
        return "centre", corruptions.centre_hole((height, width))
    visible = torch.ones(1, height, width, dtype=torch.bool)
    visible[:, height // 2 :] = False
    return "bottom half", visible


def _same_z(pair: Pair, label: Tensor | None, seed: int) -> None:
    st.header("The same z, decoded by each", anchor=False)
    dims = max(model.config.latent_dim for _, model in pair)
    u = torch.randn(SHOWN, dims, generator=torch.Generator().manual_seed(seed))
    rows, remarks = [], []
    for name, model in pair:
        labels = None if label is None or not model.config.n_classes else label.expand(SHOWN)
        about = ("same z", dims, seed, None if labels is None else int(labels[0]))
        decode = partial(tasks.decode, model, u[:, : model.config.latent_dim], labels)
        rows.append((name, resources.kept(name, about, decode)))
    if len({model.config.latent_dim for _, model in pair}) > 1:
        remarks.append("Where one has fewer latents it takes the first of the same numbers.")
    remarks.append("A z means something else to every decoder; what to compare is how well each answers to its prior.")
    _show(rows, "The same z decoded")
    _remark(remarks)


def _samples_of_completers(pair: Pair, seed: int) -> None:
    """Show, for each model that completes holes, several completions of the same few pictures."""
    for name, model in pair:
        given = stand_ins(model) if model.config.kind.completes else None
        if given is not None:
            x = given[1][:COMPLETED]
            completed = tasks.inpaint(model, x, _hole(model)[1], SHOWN, torch.Generator().manual_seed(seed))
            st.header(words.markdown(f"Ten completions of each by {name}"), anchor=False)
            _show([("", rows) for rows in completed], f"Completions by {name}")


def _samples(pair: Pair, seed: int) -> None:
    st.header("Samples", anchor=False)
    for column, (name, model) in zip(st.columns(len(pair)), pair, strict=True):
        labels = list(range(model.config.n_classes))
        columns = sampling.columns(labels)
        count = max(1, SAMPLES // columns) * columns
        pictures = resources.kept(name, ("samples", seed), partial(sampling.sample, model, labels, count, 1.0, seed))
        with column:
            _show([(f"{name}, {_how(model)}", pictures)], "Samples", columns)


def _how(model: "LatentModel") -> str:
    if not model.config.kind.has_prior:
        return "decoding standard normal noise: it has no prior"
    return "the classes in turn" if model.config.n_classes else "as its prior chooses"


def _ways(pair: Pair) -> None:
    """Show the ways between pairs of the test pictures: latent points along an arc, labels mixed in proportion."""
    st.header("From one picture to the next", anchor=False)
    for column, (name, model) in zip(st.columns(len(pair)), pair, strict=True):
        digits = encoded(name, model)
        if digits is None or len(digits.u) < 2:
            column.caption(words.markdown(f"{name} has no encoded test pictures: python evaluate.py {name}"))
            continue
        ends = digits.u[: 2 * WAYS], digits.labels[: 2 * WAYS]
        ways = resources.kept(name, ("ways",), partial(_between, model, *ends)).split(STEPS)
        with column:
            _show([(name if i == 0 else "", way) for i, way in enumerate(ways)], "The way between two test pictures")


def _between(model: "LatentModel", u: np.ndarray, labels: np.ndarray) -> Tensor:
    """Return STEPS pictures for each way from an even to the next odd row of u (N, D), one way after another."""
    points, share = torch.from_numpy(u), torch.linspace(0, 1, STEPS)[:, None]
    pairs = range(0, len(points) - 1, 2)
    path = torch.cat([tasks.path(points[i], points[i + 1], STEPS) for i in pairs])
    if not model.config.n_classes:
        return tasks.decode(model, path)
    one_hot = torch.eye(model.config.n_classes)[torch.from_numpy(labels)]
    return tasks.decode(model, path, torch.cat([torch.lerp(one_hot[i], one_hot[i + 1], share) for i in pairs]))


def _information(pair: Pair) -> None:
    st.header("What each latent dimension carries", anchor=False)
    kl_of = {name: sorted(kl, reverse=True) for name, model in pair if (kl := zoo.kl_per_dim(name, model))}
    highest = max((kl[0] for kl in kl_of.values()), default=0.0)
    for column, (name, model) in zip(st.columns(len(pair)), pair, strict=True):
        if name in kl_of:
            column.html(charts.columns_html(kl_of[name], highest, f"KL of {name}", "nats"))
            carried = f"{name}: {sum(kl_of[name]):.1f} nats in {len(kl_of[name])} dimensions, the fullest first."
            column.caption(words.markdown(carried + _bent(name, model)))
        elif not model.config.kind.has_prior:
            column.caption(words.markdown(f"{name} has no prior, so no KL."))
        else:
            column.caption(words.markdown(f"{name}: not measured yet. Measure it with: python evaluate.py {name}"))


def _bent(name: str, model: "LatentModel") -> str:
    """Return why the bars of a learned prior are another number than its kl in the table; nothing for a fixed prior."""
    if not model.config.flow_layers:
        return ""
    kl = resources.run(name).figure("kl")
    total = "its kl" if kl is None else f"its kl of {kl:.1f}"
    return (
        " Its prior is learned: each bar is an estimate in the prior's base coordinates, from the mean and variance of "
        f"the posterior alone, and they need not add up to {total}."
    )


def _show(rows: list[tuple[str, Tensor]], alt: str, columns: int = SHOWN) -> None:
    """Draw pictures below their captions, `columns` wide, so that what belongs together stands in one column."""
    parts = []
    for caption, pictures in rows:
        head = f'<div style="font-size:.85rem;margin:.5rem 0 .2rem">{html.escape(caption)}</div>' if caption else ""
        parts.append(head + _grid(pictures, columns, html.escape(f"{alt}, {caption}".rstrip(", "), quote=True)))
    if parts:
        captions = [caption for caption, _ in rows if caption]
        name = f"{alt}, {captions[0]}" if len(captions) == 1 else alt
        st.html(images.saved("".join(parts), name))


def _grid(pictures: Tensor, columns: int, alt: str) -> str:
    """Return an image that the browser enlarges, so that many pictures come soon: of grey ones a pixel for each."""
    channels, height, width = pictures.shape[1:]
    scale = 1 if channels == 1 else images.ENLARGED[channels]
    grid = images.source(images.grid(pictures, columns, scale, gap=scale, radius=0))
    ratio = f"{columns * (width + 1) - 1}/{-(-len(pictures) // columns) * (height + 1) - 1}"
    style = f"display:block;width:100%;margin-bottom:.3rem;aspect-ratio:{ratio};border-radius:4px"
    crisp = ";image-rendering:pixelated" if height < LARGE else ""
    return f'<img style="{style}{crisp}" alt="{alt}" decoding="sync" src="{grid}">'


def _remark(remarks: list[str]) -> None:
    if said := " ".join(dict.fromkeys(filter(None, remarks))):
        st.caption(words.markdown(said))
