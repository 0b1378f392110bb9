"""What the Map page shows beside the map: the chosen digit, groups, the visitor's own digit, and what the map says."""

import base64
import html
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from cvae import maps, tasks
from cvae.maps import embeddings
from cvae.neighbours import nearest
from ui.shell import address, charts, classes, controls, images, link, points, resources, sketch, words
from ui.widgets.canvas import canvas, source
from ui.widgets.map import plot

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from cvae.models import AnyModel, LatentModel

NEIGHBOURS = 8
Neighbours = tuple[list[float], list[int]]  # distances and numbers of digits, the nearest first
SPREAD_OF = 200  # members of a group whose pictures are compared
STEPS = 9
PICTURE = "width:100%;aspect-ratio:1;background:#000;border-radius:6px;image-rendering:pixelated;display:block"
HINT = """
Choose a {}: click it, or type its number. With a lasso you choose a group, with two the way between them.

On the keyboard, once the map has the focus: arrow keys and Enter choose, L takes what lies around into a group, Escape
lets go, plus, minus and Home change the view.
"""
SIDE_BY_SIDE = {  # whether a model is told the label -> what its map shows
    False: "no labels. What {noun} it is must be in the latents, and {nouns} lie apart.",
    True: "told the label. In base coordinates the latents hold the style, and {nouns} lie through one another.",
}
LEAD = "{} {}s where a model puts them. Near points are {}s that look alike to it."
READING = """
**Near means alike; far means little.** t-SNE keeps neighbours and gives up distances: gaps between clusters and their
sizes tell nothing, and its axes have no meaning. PCA keeps directions: its axes are the two along which the latents
differ most, but they hold only a part of what there is. Colour by `z1`, `z2`, ... to see where one latent dimension is
large, and open a digit in Explore to move it: that is what an axis of latent space means.
"""
WHY = """
**Why a CVAE's latents need not cluster by digit.** A VAE has only z to say which digit a picture is. So it spends
latents on it, and pictures of one digit come to lie together. A conditional VAE is told the label, encoder and decoder
alike. Bits of z that repeat it would cost KL and buy nothing, so z is left with what the label does not say: slant,
width, weight of the stroke; a slanted 1 lies beside a slanted 7. Two things keep it from being perfect here. The prior
of {name} is learned and depends on the label, so nothing forbids z itself to differ between digits: raw z does cluster,
as the table shows. The map shows the base coordinates, after the prior's own shift for each label is undone. There,
too, some labels can be told, more often than by chance (10 %): ones have no loops, and no digit has every style.
"""
COLOURS = {"digit": "Digit", "nll": "nll, nats", "kl": "KL, nats"}


def lead(model: "LatentModel", held: maps.LatentMap | None) -> str:
    """Return the line below the title: how many pictures of what a map shows."""
    count = 10_000 if held is None else len(held)
    many = "Ten thousand" if count == 10_000 else f"{count:,}"
    return LEAD.format(many, classes.noun(model), classes.noun(model))


def model() -> tuple[str, "AnyModel"]:
    """Let the visitor choose a model that can have a map; at first a VAE of convolutions."""
    mapped = _maps()
    mapless = lambda name: name not in mapped  # noqa: E731
    return controls.pick_model(
        controls.textbook, resources.is_grey, train="vae-conv", families=resources.MAPPED, last=mapless
    )


def stored(name: str) -> maps.LatentMap | None:
    """Return the map of a model; None, with one line on the page, where there is none to show."""
    try:
        return resources.latent_map(name)
    except ValueError as error:
        st.warning(words.markdown(str(error)))
        return None


def _pick_view(model: "LatentModel", held: maps.LatentMap) -> tuple[str, tuple[str, str]]:
    """Let the visitor choose an embedding and what the colours tell: its name, and what it is called."""
    layouts = {title: name for name, title in maps.EMBEDDINGS.items() if name in held.embeddings}
    layout = layouts[controls.choose("Layout", list(layouts), "layout")]
    titles = {value: COLOURS.get(value, value) for value in ("digit", *points.feature_values(held))}
    titles["digit"] = classes.heading(model)
    options = list(titles)
    address.choice("colour", titles.values())
    colour = st.selectbox(
        "Colour", options, format_func=lambda value: titles[value], key="colour", bind="query-params", width=150
    )
    colour = colour or options[0]
    return layout, (colour, titles[colour])


def wants_own(model: "LatentModel") -> bool:
    """Let the visitor choose between what is chosen on the map and a digit of his own."""
    address.choice(plot.OWN, ("true", "false"))
    says = f"Where is mine? Draw a {classes.noun(model)} of your own"
    return st.toggle(says, key=plot.OWN, bind="query-params")


def near(name: str, held: maps.LatentMap | None, mine: Tensor | None, own: bool) -> Neighbours:
    """Return what is nearest in latent space to the visitor's `own` digit or to the one that is chosen on the map."""
    point = None if held is None or own else plot.chosen_point(held)
    if held is not None and point is not None:
        return _nearest(name, "latent", held.u[point], point)
    return _nearest(name, "latent", mine[0]) if held is not None and own and mine is not None else ([], [])


def draw(
    name: str, model: "LatentModel", held: maps.LatentMap, mine: Tensor | None, near: list[int], bar: "DeltaGenerator"
) -> None:
    """Draw the map with its choices, the digits `near` ringed.

    A pin marks the place of a digit with base coordinates `mine` (1, D). What the map shows is chosen in the `bar`.
    """
    with bar:
        layout, colour = _pick_view(model, held)
    xy, pin = held.embeddings[layout], None
    if mine is not None:
        if layout == "tsne":
            place = embeddings.place(mine, resources.neighbours(name, "latent"), xy)
        else:
            place = embeddings.place_linearly(mine, held.u, xy)
        pin = points.normalised(place[0], xy)
    own = mine is not None and bool(st.session_state.get(plot.OWN))
    plot.plot(name, held, "map", layout, colour, near, pin, own)


def _nearest(name: str, space: str, query: Tensor, itself: int = -1) -> Neighbours:
    """Return distances and numbers of the nearest digits, without the digit `itself`."""
    distances, rows = nearest(resources.neighbours(name, space), query[None], NEIGHBOURS + 1)
    kept = [(d, i) for d, i in zip(distances[0].tolist(), rows[0].tolist(), strict=True) if i != itself][:NEIGHBOURS]
    return [d for d, _ in kept], [i for _, i in kept]


def panel(name: str, model: "LatentModel", held: maps.LatentMap, near: Neighbours) -> None:
    """Show the chosen digit with its neighbours and the chosen groups, or how to choose."""
    point = plot.chosen_point(held)
    members = {group: plot.chosen_group(held, group) for group in plot.GROUPS}
    if point is not None:
        one(name, model, held, point, near)
    for group, rows in members.items():
        if rows is not None:
            several(name, model, held, group, rows)
    first, second = members.values()
    if first is not None and second is not None:
        between(model, held, first, second)
    if plot.untouched():
        st.caption("Click another, type its number, or circle a group with a lasso.")
    if point is None and not any(rows is not None for rows in members.values()):
        st.markdown(HINT.format(classes.noun(model)))


def one(name: str, model: "LatentModel", held: maps.LatentMap, i: int, near: Neighbours) -> None:
    """Show a digit, what the model says of it, its nearest neighbours in latent space and those in pixels."""
    label, u = int(held.labels[i]), held.u[i]
    real, shown = _originals(model, held), [("Reconstruction", resources.pictures(name)[i])]
    if real is not None:
        shown.append(("Original", real[i]))
    called = html.escape(classes.called(model, label))
    facts = f"<b>{called}</b>, number {i:,}<br>{_measured('nll', held.nll[i])}<br>{_measured('KL', held.kl[i])}"
    space, pictures = ("reconstructions", resources.pictures(name)) if real is None else ("originals", real)
    pixels = torch.from_numpy(pictures[i].reshape(-1) / np.float32(255))
    coordinates = "Posterior mean, in base coordinates" if model.config.flow_layers else "Posterior mean"
    names = [f"z{d + 1}" for d in range(len(u))]
    st.html(
        images.saved(
            f"{_card(shown, facts)}"
            f"{_heading(coordinates)}{charts.bars_html(u.numpy(), names, f'Posterior mean of {len(u)} coordinates')}"
            f"{_heading('Nearest in latent space')}{_strip(model, held, resources.pictures(name), *near)}"
            f"{_heading(f'Nearest in pixels, {space}')}"
            f"{_strip(model, held, pictures, *_nearest(name, space, pixels, i))}",
            f"{classes.called(model, label)}, number {i:,}, and its neighbours",
        )
    )
    onward = {"model": name, "z": link.pack(link.snap(u))}
    if model.config.n_classes:
        onward["label"] = classes.parameter(model, label)
    link.onward("Explore", "Open it in Explore", onward)


def _measured(what: str, value: Tensor) -> str:
    return f"{words.explained(what)} {float(value):.1f} {words.explained('nats')}"


def several(name: str, model: "LatentModel", held: maps.LatentMap, group: str, rows: Tensor) -> None:
    """Show a group's decoded mean and its spread."""
    u, labels = held.u[rows], held.labels[rows]
    mean, counts = u.mean(0), labels.bincount()
    few = torch.from_numpy(resources.pictures(name)[rows[:: max(1, len(rows) // SPREAD_OF)]] / np.float32(255))
    spread = images.heat(few.std(0, unbiased=False)[None, None])[0]
    decoded = images.to_uint8(tasks.decode(model, mean[None], _condition(model, labels)))[0, ..., 0]
    distance, all_of = float((u - mean).norm(dim=1).mean()), float((held.u - held.u.mean(0)).norm(dim=1).mean())
    largest = sorted(enumerate(counts.tolist()), key=lambda pair: -pair[1])[:4]
    most = " \N{MIDDLE DOT} ".join(f"{html.escape(classes.name(model, c))}: {int(n):,}" for c, n in largest if n)
    dot = f"display:inline-block;width:.8em;height:.8em;border-radius:50%;background:{plot.GROUP_COLOURS[group]}"
    facts = (
        f'<span style="{dot}"></span> <b>Group {group.upper()}: {len(rows):,} {classes.noun(model)}s</b><br>{most}<br>'
        f"{distance:.2f} from the mean on average (all: {all_of:.2f})"
    )
    st.html(_card([("Mean", decoded), ("Spread", spread)], facts))


def between(model: "LatentModel", held: maps.LatentMap, first: Tensor, second: Tensor) -> None:
    """Show the decoded way from the mean of one group to the mean of another."""
    way = tasks.path(held.u[first].mean(0), held.u[second].mean(0), STEPS, spherical=False)
    start, end = (_condition(model, held.labels[rows]) for rows in (first, second))
    condition = None if start is None or end is None else tasks.path(start[0], end[0], STEPS, spherical=False)
    strip = ("A to B", tasks.decode(model, way, condition))
    st.html(images.strips_html([strip], "The decoded way between the means of two groups"))


def _condition(model: "LatentModel", labels: Tensor) -> Tensor | None:
    """Return the mixture of labels (N,) as a condition (1, n_classes); None for a model without labels."""
    n = model.config.n_classes
    return (labels.bincount(minlength=n) / len(labels))[None] if n else None


def _originals(model: "LatentModel", held: maps.LatentMap) -> np.ndarray | None:
    """Return the digits (N, 28, 28) uint8 of the map as they are; None where they are not at hand."""
    real = resources.originals() if model.preset.data.dataset == "mnist" else None
    return real if real is not None and len(real) == len(held) else None


def _card(pictures: list[tuple[str, np.ndarray]], facts: str) -> str:
    cells = "".join(
        f'<figure style="margin:0;flex:none;width:5.5rem">{_img(picture, caption)}'
        f"<figcaption>{caption}</figcaption></figure>"
        for caption, picture in pictures
    )
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:.8rem;font-size:.85rem">{cells}'
        f'<p style="margin:0;flex:1;min-width:9rem;line-height:1.6;font-size:.9rem">{facts}</p></div>'
    )


def _heading(text: str) -> str:
    return f'<p style="margin:.7rem 0 .25rem;font-size:.85rem;font-weight:600">{text}</p>'


def _img(picture: np.ndarray, alt: str) -> str:
    data = base64.b64encode(images.png(picture)).decode()
    return f'<img alt="{alt}" style="{PICTURE}" decoding="sync" src="data:image/png;base64,{data}">'


def _strip(
    model: "LatentModel", held: maps.LatentMap, pictures: np.ndarray, distances: list[float], rows: list[int]
) -> str:
    """Return HTML of digits in one picture, their labels and distances below; a browser shows that sooner than many.

    Each is a link that the map follows to its point.
    """
    labels = held.labels[rows].tolist()
    shown = torch.from_numpy(pictures[rows])[:, None] / 255
    grid = base64.b64encode(images.grid_png(shown, len(rows), scale=2, gap=5, radius=5)).decode()
    called = [f"{classes.called(model, label)}, number {i}" for i, label in zip(rows, labels, strict=True)]
    alt = html.escape("; ".join(called))
    links = "".join(
        f'<a href="#digit-{i}" title="Go to number {i:,}" style="grid-row:1/3;grid-column:{k};z-index:1;color:inherit;'
        'text-decoration:none;display:flex;flex-direction:column;justify-content:flex-end">'
        f"<b>{html.escape(classes.name(model, label))}</b>{d:.2f}</a>"
        for k, (i, label, d) in enumerate(zip(rows, labels, distances, strict=True), 1)
    )
    return (
        f'<div style="display:grid;grid-template-columns:repeat({len(rows)},1fr);max-width:{4.3 * len(rows):.1f}rem;'
        'text-align:center;font-size:.75rem;overflow-wrap:anywhere">'
        f'<img alt="{alt}" style="grid-area:1/1/2/-1;width:100%;image-rendering:pixelated" decoding="sync" '
        f'src="data:image/png;base64,{grid}">{links}<span style="grid-area:2/1;height:3.3em"></span></div>'
    )


def where_is_mine(name: str, model: "LatentModel", held: maps.LatentMap | None, near: Neighbours) -> None:
    """Draw the pad and, below it, what is nearest to the digit on it."""
    captions = ["What the model sees", "Reconstruction", "Difference"]
    empty = f"Draw a {classes.noun(model)}. A pin will show where it belongs on the map, among its nearest neighbours."
    query, side = {"task": "reconstruct", "model": name}, model.config.image_shape[-1]
    canvas.canvas("drawing", query, captions, bits=canvas.drawn("ink"), columns=3, side=side, empty=empty)
    if canvas.drawn("ink"):
        source.hand_on("Map", name, model)
    if held is not None and near[1]:
        heading = _heading(f"Its nearest {classes.noun(model)}s in latent space")
        strip = _strip(model, held, resources.pictures(name), *near)
        st.html(images.saved(heading + strip, f"{classes.noun(model)}s near the drawing".capitalize()))


def own_digit(model: "LatentModel") -> Tensor | None:
    """Return the base coordinates (1, D) of the drawing in the address, None without one."""
    bits = canvas.drawn("ink")
    return encode_drawing(model, sketch.fitted(sketch.picture({"bits": bits}), model)) if bits else None


def encode_drawing(model: "LatentModel", x: Tensor) -> Tensor:
    """Return the base coordinates (1, D) of a drawing x (1, 1, S, S); a conditional model infers its label."""
    label = sketch.label_scores(model, x, sketch.QUICK).argmax(1) if model.config.n_classes else None
    return tasks.encode(model, x, label)


def says() -> None:
    """Say what maps tell and what they do not, by the figures of those that there are."""
    st.markdown(READING)
    pair = _pair()
    for column, (told, (name, model)) in zip(st.columns(2), pair.items(), strict=False):
        noun, nouns = ("digit", "digits") if classes.are_digits(model) else ("class", "classes")
        alt = f"t-SNE of the test {classes.noun(model)}s in the latent space of {name}"
        column.image(resources.thumbnail_map(name), width="stretch", alt=alt)
        column.caption(f"{words.markdown(name)}: {SIDE_BY_SIDE[told].format(noun=noun, nouns=nouns)}")
    if True in pair and pair[True][1].config.flow_layers and classes.are_digits(pair[True][1]):
        st.markdown(WHY.replace("{name}", f"`{pair[True][0]}`"))
    if held := _maps():
        st.html(_table(held))
        st.caption(
            "5-NN: the share of pictures whose label most of their five nearest others have. Trustworthiness "
            "(Venna and Kaski 2001): how far the 12 nearest on the map are near in latent space too, 1 at best."
        )


def _maps() -> dict[str, dict]:
    """Return the figures of the maps that there are, by the name of their model."""
    told = {name: resources.map_figures(name) for name in resources.available(resources.MAPPED)[0]}
    return {name: figures for name, figures in told.items() if figures is not None}


def _pair() -> dict[bool, tuple[str, resources.Listed]]:
    """Return, of the models with a map, the best that is told no label and the best that is told one, if there are."""
    listed = resources.available(resources.MAPPED)[0]
    models = {name: listed[name] for name in _maps()}
    wanted = {False: controls.textbook, True: controls.labelled}
    fitting = {told: {n: m for n, m in models.items() if controls.labelled(m.config) == told} for told in wanted}
    names = {told: _best(some, wanted[told]) for told, some in fitting.items()}
    return {told: (name, models[name]) for told, name in names.items() if name}


def _best(models: dict[str, resources.Listed], prefer: controls.OfConfig) -> str:
    """Return the name of the best of these models whose map can be drawn; empty text without any."""
    while models:
        if _can_show(name := controls.preferred(models, prefer)):
            return name
        models = {other: model for other, model in models.items() if other != name}
    return ""


def _can_show(name: str) -> bool:
    """Tell whether the map of a model is sound; its figures may be while its arrays are not."""
    try:
        return bool(resources.latent_map(name))
    except ValueError:
        return False


def _table(held: dict[str, dict]) -> str:
    rows = [
        [html.escape(name), *(percent(figures) for percent in COLUMNS.values())] for name, figures in held.items()
    ]
    body = "".join(_row("td", row) for row in rows)
    style = "border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums"
    return (
        f'<div style="overflow-x:auto"><table style="{style}">'
        f"<thead>{_row('th', ['model', *COLUMNS])}</thead><tbody>{body}</tbody></table></div>"
    )


def _row(tag: str, texts: list[str]) -> str:
    style = "padding:.3rem .6rem;text-align:right;white-space:nowrap"
    return "<tr>" + "".join(f'<{tag} style="{style}">{text}</{tag}>' for text in texts) + "</tr>"


def _share_of_neighbours(space: str, figures: dict) -> str:
    return f"{100 * figures[space]['knn_accuracy']:.1f} %" if space in figures else "-"


def _variance(figures: dict) -> str:
    shares = figures.get("pca", {}).get("variance", [])
    return f"{100 * sum(shares):.0f} %" if shares else "-"


COLUMNS: dict[str, Callable[[dict], str]] = {  # of the table, each from the figures of a map
    "5-NN, z": partial(_share_of_neighbours, "mu"),
    "5-NN, base": partial(_share_of_neighbours, "u"),
    "5-NN, t-SNE": partial(_share_of_neighbours, "tsne"),
    "its trustworthiness": lambda figures: f"{figures['tsne']['trustworthiness']:.3f}",
    "5-NN, PCA": partial(_share_of_neighbours, "pca"),
    "variance in its plane": _variance,
}
