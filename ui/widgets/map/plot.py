"""The map on the page: what its canvas needs, sent once as bytes, and what the visitor chose there."""

from urllib.parse import urlencode

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from cvae.maps import EMBEDDINGS, LatentMap
from ui.shell import address, classes, codecs, images, link, resources, sketch, words
from ui.widgets.bridge import component

HTML = """<div class="plot"><div class="tools"></div><div class="stage"><canvas
tabindex="0" role="application"></canvas>
<span class="axis"></span><span class="axis"></span><div class="zoom group" role="group" aria-label="Zoom"></div>
<p class="status" role="status"></p>
<div class="tip" hidden><canvas width="28" height="28"></canvas> <canvas
width="28" height="28"></canvas><p></p></div></div>
<div class="scale" hidden></div><div class="legend" role="group" aria-label="Shown digits"></div></div>"""
_draw = component(__file__, HTML)
RAMP = ("#745eb4", "#4075b8", "#1f8b86", "#499642", "#a2880b")  # of a contrast of 3 with both grounds, mixed ones too
GROUP_COLOURS = {"a": "#e8590c", "b": "#734de8"}
COLOURS = {"palette": images.PALETTE, "groupColours": GROUP_COLOURS, "ramp": RAMP}
GROUPS = tuple(GROUP_COLOURS)
EXAMPLE = 4  # number of the digit that is chosen before the visitor chooses
TOUCHED = "map_touched"  # in the session, once the visitor chose or let go
OWN = "own"  # parameter: whether the visitor's own digit stands beside the map


def plot(
    name: str,
    latent_map: LatentMap,
    key: str,
    layout: str,
    colour: tuple[str, str],
    near: list[int],
    mine: Tensor | None,
    own: bool,
) -> None:
    """Draw the map of a model; a choice on it goes into the address, where `chosen` reads it.

    `colour` is digit or the name of a feature, and what it is called. `near` are ringed: what is near the chosen digit
    or, with `own`, near the visitor's own. `mine` (2,) in the square from 0 to 1 gets a pin.
    """
    model, addresses = resources.model(name), _addresses(name)
    shows = f"{EMBEDDINGS[layout]} of {len(latent_map):,} test {classes.noun(model)}s in the latent space of {name}."
    data = COLOURS | {
        "label": f"{shows} {_told(latent_map, layout)}",
        "title": f"Map of {name}, {EMBEDDINGS[layout]}, by {colour[1]}",
        "points": addresses[0],
        "sprites": addresses[1:],
        "layout": layout,
        "colour": colour[0],
        "colourName": colour[1],
        "classes": [classes.name(model, c) for c in range(int(latent_map.labels.max()) + 1)],
        "noun": classes.noun(model),
        "chosen": _chosen_on(latent_map),
        "near": near,
        "own": own,
        "axes": _axes(latent_map, layout),
        "mine": None if mine is None else [round(v, 5) for v in mine.tolist()],
    }
    _draw(key, data, chosen=_chosen)


def _chosen_on(latent_map: LatentMap) -> dict[str, str]:
    """Return what the address chooses on a map, by parameter; empty for what it does not name or names wrongly."""
    means = {"point": chosen_point(latent_map) is not None}
    means |= {group: chosen_group(latent_map, group) is not None for group in GROUPS}
    chosen = {parameter: st.query_params.get(parameter, "") if sound else "" for parameter, sound in means.items()}
    return chosen | {"point": str(chosen_point(latent_map))} if untouched() else chosen


def untouched() -> bool:
    """Tell whether the visitor has chosen nothing as yet, nor the link that brought him."""
    if {"point", *GROUPS} & set(st.query_params):  # whether they name anything or not
        st.session_state[TOUCHED] = True
    return not st.session_state.get(TOUCHED)


def _addresses(name: str) -> list[str]:
    """Return where the browser gets the points of a map and its sprites.

    These are what the model makes of the points and, if they are here, what they are.
    """
    real = resources.model(name).preset.data.dataset == "mnist" and resources.originals() is not None
    routes: list[tuple[str, dict[str, str]]] = [("points", {}), ("sprite", {})]
    if real:
        routes.append(("sprite", {"of": "originals"}))
    asked = {"model": name, "v": resources.map_version(name)}
    return [f"{link.seen_path()}/api/{route}?{urlencode(asked | more)}" for route, more in routes]


def _told(latent_map: LatentMap, layout: str) -> str:
    """Return in a sentence how far the map tells classes apart; nothing where that was not measured."""
    share = latent_map.figures.get(layout, {}).get("knn_accuracy")
    return "" if share is None else f"The five nearest tell the class of {100 * share:.0f} % of them."


def _axes(latent_map: LatentMap, layout: str) -> list[str]:
    """Return what the horizontal and the vertical axis are called; t-SNE has none."""
    if layout == "plane":
        return ["z1 \N{RIGHTWARDS ARROW}", "\N{UPWARDS ARROW} z2"]
    shares = [f"{100 * share:.1f} %" for share in latent_map.figures.get(layout, {}).get("variance", [])]
    return [f"PC1, {shares[0]} \N{RIGHTWARDS ARROW}", f"\N{UPWARDS ARROW} PC2, {shares[1]}"] if len(shares) == 2 else []


def _chosen(choice: dict[str, str]) -> None:
    """Keep what the browser chose in the address, where it already stands, and bring it up beside the map."""
    st.session_state[OWN], st.session_state[TOUCHED] = False, True
    for parameter in ("point", *GROUPS):
        link.set_text(parameter, str(choice.get(parameter, "")))


def chosen_point(latent_map: LatentMap) -> int | None:
    """Return the number of the digit in the address; None where there is none or the map has no such digit."""
    if untouched():
        return min(EXAMPLE, len(latent_map) - 1)
    text = st.query_params.get("point", "")
    point = codecs.whole(text, len(latent_map))
    says = f"There is no digit of number {words.markdown(repr(text[:20]))}; the map has 0 to {len(latent_map) - 1:,}."
    address.judge("point", point is not None, says)
    return point


def chosen_group(latent_map: LatentMap, group: str) -> Tensor | None:
    """Return the members (M,) of group a or b in the address, None where there is none or it is damaged."""
    untouched()  # asks before a damaged one is taken out of the address
    try:
        raw = sketch.inflated(st.query_params.get(group, ""), -(-len(latent_map) // 8))
    except ValueError:
        raw = b""
    members = np.flatnonzero(np.unpackbits(np.frombuffer(raw, np.uint8), count=len(latent_map))) if raw else ()
    fault = f"Group {group.upper()} of this link is empty or damaged, so it is left out."
    address.judge(group, len(members) > 0, fault)
    return torch.from_numpy(members) if len(members) else None
