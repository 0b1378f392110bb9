"""What the Map page shows beside the map: the chosen digit, groups, the visitor's own digit, and what the map says."""

import base64

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from cvae import latent, maps, tasks
from ui import canvas, charts, controls, images, link, plot, points, resources, sketch

NEIGHBOURS = 8
SPREAD_OF = 200  # members of a group whose pictures are compared
STEPS = 9
PICTURE = "width:100%;aspect-ratio:1;background:#000;border-radius:6px;image-rendering:pixelated;display:block"
HINT = (
    "Choose a digit: click it, or type its number below the map; with the keyboard, arrow keys and Enter. "
    "With a lasso you choose a group, with two lassos the way between two groups."
)
COLOURS = {"digit": "Digit", "nll": "nll, nats", "kl": "KL, nats"}


def model() -> tuple[str, object]:
    """Let the visitor choose a model that can have a map; at first a VAE of convolutions."""
    textbook = lambda config: config.network == "conv" and not config.n_classes  # noqa: E731
    fits = lambda model: resources.is_digit(model) and model.config.family in resources.MAPPED  # noqa: E731
    return controls.pick_model(prefer=textbook, fits=fits, about=False, train="vae-conv")


def found(name: str) -> maps.LatentMap | None:
    """Return the map of a model; None, with one line on the page, where there is none to show."""
    try:
        return resources.latent_map(name)
    except ValueError as error:
        st.warning(str(error))
        return None


def pick_layout(held: maps.LatentMap) -> str:
    """Let the visitor choose one of the embeddings."""
    names = {title: name for name, title in maps.EMBEDDINGS.items() if name in held.embeddings}
    return names[controls.choose("Layout", list(names), "layout")]


def pick_colour(held: maps.LatentMap) -> tuple[str, str]:
    """Let the visitor choose what the colours tell: its name and how it is called."""
    titles = {name: COLOURS.get(name, name) for name in ("digit", *points.feature_values(held))}
    options = list(titles)
    name = st.selectbox("Colour", options, format_func=titles.get, key="colour", bind="query-params") or options[0]
    return name, titles[name]


def near(name: str, held: maps.LatentMap, point: int | None) -> list[int]:
    """Return the nearest digits of the chosen one in latent space."""
    return [] if point is None else _nearest(name, "latent", held.u[point], point)[1]


def _nearest(name: str, space: str, query: Tensor, itself: int = -1) -> tuple[list[float], list[int]]:
    """Return distances and numbers of the nearest digits, without the digit `itself`."""
    distances, rows = latent.nearest(resources.neighbours(name, space), query[None], NEIGHBOURS + 1)
    kept = [(d, i) for d, i in zip(distances[0].tolist(), rows[0].tolist()) if i != itself][:NEIGHBOURS]
    return [d for d, _ in kept], [i for _, i in kept]


def panel(name: str, model, held: maps.LatentMap, point: int | None) -> None:
    """Show the chosen digit and the chosen groups, or how to choose."""
    if point is None and (text := st.query_params.get("point", "")):
        st.warning(f"There is no digit of number {text[:20]!r}; the map has 0 to {len(held) - 1:,}.")
    members = {group: plot.chosen_group(held, group) for group in plot.GROUPS}
    if point is not None:
        one(name, model, held, point)
    for group, rows in members.items():
        if rows is not None:
            several(name, model, held, group.upper(), rows)
    if all(rows is not None for rows in members.values()):
        between(model, held, *members.values())
    if point is None and not any(rows is not None for rows in members.values()):
        st.markdown(HINT)


def one(name: str, model, held: maps.LatentMap, i: int) -> None:
    """Show a digit, what the model says of it, and its nearest neighbours."""
    label, u = int(held.labels[i]), held.u[i]
    real = resources.originals()
    shown = [("Reconstruction", resources.pictures(name)[i])] + ([("Original", real[i])] if _fits(real, held) else [])
    facts = f"<b>Digit {label}</b>, number {i:,}<br>nll {float(held.nll[i]):.1f} nats<br>KL {float(held.kl[i]):.1f} nats"
    cells = "".join(f'<figure style="margin:0;width:6.2rem">{_img(p, c)}<figcaption>{c}</figcaption></figure>' for c, p in shown)
    space = "originals" if _fits(real, held) else "reconstructions"
    distances, rows = _nearest(name, "latent", u, i)
    pixels = torch.from_numpy((real if space == "originals" else resources.pictures(name))[i].reshape(-1) / np.float32(255))
    names = [f"z{d + 1}" for d in range(len(u))]
    st.html(
        f'<div style="display:flex;gap:.8rem;align-items:center;font-size:.85rem">{cells}<p style="margin:0">{facts}</p></div>'
        f"{_heading('Posterior mean')}{charts.bars_html(u.numpy(), names, f'Posterior mean of {len(u)} coordinates')}"
        f"{_heading('Nearest in latent space')}{_strip(name, held, distances, rows)}"
        f"{_heading(f'Nearest in pixels, {space}')}{_strip(name, held, *_nearest(name, space, pixels, i))}"
    )
    onward = {"model": name, "z": link.pack(link.snap(u))} | ({"label": str(label)} if model.config.n_classes else {})
    st.page_link("pages/1_Explore.py", label="Open it in Explore", icon=":material/arrow_forward:", query_params=onward)


def several(name: str, model, held: maps.LatentMap, group: str, rows: Tensor) -> None:
    """Show a group's decoded mean and its spread."""
    u, labels = held.u[rows], held.labels[rows]
    mean, counts = u.mean(0), labels.bincount()
    few = rows[:: max(1, len(rows) // SPREAD_OF)]
    spread = images.heat(torch.from_numpy(resources.pictures(name)[few] / np.float32(255)).std(0, unbiased=False)[None, None])[0]
    decoded = images.to_uint8(tasks.decode(model, mean[None], _condition(model, labels)))[0, ..., 0]
    distance, all_of = float((u - mean).norm(dim=1).mean()), float((held.u - held.u.mean(0)).norm(dim=1).mean())
    most = ", ".join(f"{int(n):,} x {c}" for c, n in sorted(enumerate(counts.tolist()), key=lambda pair: -pair[1])[:4] if n)
    facts = f"<b>Group {group}: {len(rows):,} digits</b><br>{most}<br>mean distance from the mean {distance:.2f} (all digits: {all_of:.2f})"
    cells = "".join(
        f'<figure style="margin:0;width:6.2rem">{_img(p, f"{c} of group {group}")}<figcaption>{c}</figcaption></figure>'
        for c, p in (("Decoded mean", decoded), ("Spread", spread))
    )
    st.html(f'<div style="display:flex;gap:.8rem;align-items:center;font-size:.85rem">{cells}<p style="margin:0">{facts}</p></div>')


def between(model, held: maps.LatentMap, first: Tensor, second: Tensor) -> None:
    """Show the decoded way from the mean of one group to the mean of another."""
    way = tasks.path(held.u[first].mean(0), held.u[second].mean(0), STEPS, spherical=False)
    ends = [_condition(model, held.labels[rows]) for rows in (first, second)]
    condition = None if ends[0] is None else tasks.path(ends[0][0], ends[1][0], STEPS, spherical=False)
    st.html(images.strips_html([("A to B", tasks.decode(model, way, condition))], "The decoded way between the means of two groups"))


def _condition(model, labels: Tensor) -> Tensor | None:
    """Return the mixture of labels (N,) as a condition (1, n_classes); None for a model without labels."""
    n = model.config.n_classes
    return (labels.bincount(minlength=n) / len(labels))[None] if n else None


def _fits(real: np.ndarray | None, held: maps.LatentMap) -> bool:
    return real is not None and len(real) == len(held)


def _heading(text: str) -> str:
    return f'<p style="margin:.7rem 0 .25rem;font-size:.85rem;font-weight:600">{text}</p>'


def _img(picture: np.ndarray, alt: str) -> str:
    data = base64.b64encode(images.png(picture)).decode()
    return f'<img alt="{alt}" style="{PICTURE}" decoding="sync" src="data:image/png;base64,{data}">'


def _strip(name: str, held: maps.LatentMap, distances: list[float], rows: list[int]) -> str:
    pictures = resources.pictures(name)
    cells = "".join(
        f'<figure style="margin:0;flex:1;min-width:0;max-width:4rem;text-align:center;font-size:.75rem">'
        f"{_img(pictures[i], f'Digit {int(held.labels[i])}, number {i}')}"
        f"<figcaption><b>{int(held.labels[i])}</b><br>{d:.2f}</figcaption></figure>"
        for d, i in zip(distances, rows)
    )
    return f'<div style="display:flex;gap:.3rem">{cells}</div>'


def drawn(name: str, model, held: maps.LatentMap | None, layout: str | None) -> Tensor | None:
    """Return where the visitor's drawing belongs on the map, (2,) in the square from 0 to 1; None without a drawing."""
    bits = canvas.drawn("ink")
    if not bits or held is None:
        return None
    xy = held.embeddings[layout]
    u = encode_drawing(model, sketch.picture({"bits": bits}))
    placed = latent.place(u, resources.neighbours(name, "latent"), xy) if layout == "tsne" else latent.place_linearly(u, held.u, xy)
    return points.normalised(placed[0], xy)


def encode_drawing(model, x: Tensor) -> Tensor:
    """Return the base coordinates (1, D) of a drawing x (1, 1, 28, 28); a conditional model infers its label."""
    label = sketch.label_scores(model, x, sketch.QUICK).argmax(1) if model.config.n_classes else None
    return tasks.encode(model, x, label)


def where_is_mine(name: str, model, held: maps.LatentMap | None) -> None:
    """Draw the pad, and the neighbours of what is drawn on it."""
    st.subheader("Where is mine?", anchor=False)
    bits = canvas.drawn("ink")
    empty = "Draw a digit. A pin shows where it belongs on the map, among its nearest neighbours."
    canvas.canvas("drawing", {"task": "reconstruct", "model": name}, ["What the model sees", "Reconstruction", "Difference"],
                  bits=bits, columns=3, empty=empty)  # fmt: skip
    if bits and held is not None:
        u = encode_drawing(model, sketch.picture({"bits": bits}))
        st.html(_heading("Its nearest digits in latent space") + _strip(name, held, *_nearest(name, "latent", u[0])))
