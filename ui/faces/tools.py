"""What one does with a face: reconstruct it, move it along an attribute, morph it, find who looks like it, sample."""

import threading
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import faces, metrics, tasks
from cvae.faces import Space, directions
from ui.faces import face_source, told
from ui.faces.face_source import Held
from ui.shell import address, codecs, controls, images, moving, resources, shelf, words
from ui.widgets.gallery import gallery
from ui.widgets.steer.steer import Axis, steer

if TYPE_CHECKING:
    from cvae.models import LatentModel

AXES = 8  # attributes with a slider each
SMILE = 2.0  # of the face that the page opens with
SAMPLES, COLUMNS = 28, 7
LONGEST = 24  # characters of the name of an own slider
NOTHING = (1, 0)  # a range without numbers
AMPLIFIED = 4  # errors are about a tenth of full scale
GROUPS = {"With it": "plus", "Without it": "minus"}
_one_at_a_time = threading.Lock()  # many may press at once
DIRECTIONS = ("All that goes with it", "Little else")  # plain words for each of faces.WAYS
KINDS = {"Gaussian": "gaussian", "Mixture of Gaussians": "mixture"}


def reconstruct(name: str, model: "LatentModel", space: Space, held: Held) -> Tensor:
    """Show the picture, what its code gives back, and where they differ. Return, as each tool, the shown point (D,)."""
    x_hat = tasks.decode(model, held.u[None])
    figures = [("Reconstruction", images.to_uint8(x_hat)[0])]
    if held.x is not None:
        difference = AMPLIFIED * (x_hat - held.x).mean(1, keepdim=True)
        shown = images.signed(difference.clamp(-1, 1))[0]
        figures = [("Original", images.to_uint8(held.x)[0]), *figures, (f"Difference, {AMPLIFIED} times", shown)]
    st.html(images.figures_html(figures))
    if held.x is None:
        st.caption(
            f"{words.markdown(held.name)}, from {len(held.u)} stored numbers. "
            "The original is shown too where LFW lies under CVAE_DATA_DIR."
        )
        return held.u
    error, alike = metrics.mse(held.x, x_hat), metrics.ssim(held.x, x_hat)
    st.caption(
        f"{words.markdown(held.name)}: {held.x.numel():,} values squeezed into {len(held.u)} numbers. "
        f"Mean squared error {float(error):.4f}, SSIM {float(alike):.2f}. Too bright in orange, too dark in blue."
    )
    return held.u


def attributes(name: str, model: "LatentModel", space: Space, held: Held) -> Tensor:
    """Let the visitor move the face along the attributes of the file."""
    if not space.columns:
        st.info(
            "The attribute file was missing when these directions were made, so there are none. Build your own instead."
        )
        return held.u
    for parameter in [name for name in st.query_params if name.startswith(address.ATTRIBUTE)]:
        address.number(parameter, *((Axis.least, Axis.most) if parameter[2:] in space.columns else NOTHING))
    stage = controls.stage("steer")
    former = dict(zip((kind.capitalize() for kind in faces.WAYS), DIRECTIONS, strict=True))
    twin = resources.twin(model)
    way = controls.choose("What changes", [*DIRECTIONS, *([told.TOLD] if twin else [])], "way", former=former)
    if way == told.TOLD:
        with stage:
            told.draw(twin, model, held)
        return held.u
    kind = DIRECTIONS.index(way)
    st.caption(
        "+1 is as much as faces usually differ along the slider, one standard deviation (sd). *All that goes with it* "
        "is the difference of means, of faces with and without: it takes along whatever else differs between them in "
        "this set. *Little else* is the direction of a classifier."
    )
    with stage:
        chosen = [(k, space.columns[k]) for k in _columns(space)]
        axes = [_axis(column, space.directions[k, kind]) for k, column in chosen]
        return steer(name, model, held.u, axes, (f"{held.name}, as the model sees it", "Moved"), f"attributes_{kind}")


def _axis(column: str, way: Tensor) -> Axis:
    """Return the slider of an attribute, a smile when the page opens."""
    return Axis(column, way, address.ATTRIBUTE + column, first=SMILE if column == "Smiling" else 0.0)


def _columns(space: Space) -> list[int]:
    """Return the attributes with a slider, which the visitor chooses where there are many."""
    if len(space.columns) <= AXES:
        return list(range(len(space.columns)))
    address.choice("columns", space.columns, several=True)
    first = [c for c in ("Smiling",) if c in space.columns] or [space.columns[0]]
    names = st.multiselect("Attributes", space.columns, first, key="columns", bind="query-params", max_selections=AXES)
    return [space.columns.index(c) for c in names]


def own_direction(name: str, model: "LatentModel", space: Space, held: Held) -> Tensor:
    """Let the visitor put faces into two groups and move the face from one towards the other."""
    stage = st.container()
    groups = {label: _rows(parameter, space) for label, parameter in GROUPS.items()}
    into = controls.choose("A press puts a face into", list(GROUPS), "into")
    parameter, other = ("plus", "minus") if into == "With it" else ("minus", "plus")
    addresses = partial(_toggled, parameter, other, space)
    face_source.choose(name, model, space, "pool", groups[into], "Find faces for the two groups", addresses)
    with stage:
        st.markdown(
            "Put faces into two groups, such as with and without glasses. What tells them apart becomes a slider."
        )
        _trays(name, model, space, groups)
        if all(groups.values()):
            return _own_slider(name, model, space, held, groups)
        st.info("Press at least one face for each group.")
    return held.u


def _trays(name: str, model: "LatentModel", space: Space, groups: dict[str, list[int]]) -> None:
    """Show the two groups; a press takes a face out."""
    for column, (label, rows) in zip(st.columns(2), groups.items(), strict=True):
        with column:
            st.markdown(f"**{label}**" + (", press to take out" if rows else ": nobody yet"))
            if rows:
                names = [f"Take out {face_source.person(space, row)}" for row in rows]
                left = [_toggled(GROUPS[label], "", space, row) for row in rows]
                gallery.gallery(face_source.shown(name, model, space, rows), names, f"tray_{GROUPS[label]}", left, 8)


def _own_slider(name: str, model: "LatentModel", space: Space, held: Held, groups: dict[str, list[int]]) -> Tensor:
    """Draw the slider between the two groups, under the name that the visitor gives it."""
    present = torch.full((len(space.u),), torch.nan)
    for value, rows in zip((1.0, 0.0), groups.values(), strict=True):
        present[rows] = value
    try:
        between = directions.attribute_direction(space.u, present)
    except ValueError as error:
        st.info(words.markdown(str(error).capitalize()))
        return held.u
    about = "way", *map(tuple, groups.values())
    way = resources.kept(name, about, lambda: directions.in_pictures(model, space.u, between))
    address.judge("called", len(st.query_params.get("called", "")) <= LONGEST)
    called = st.text_input("Name of the slider", "Your direction", max_chars=LONGEST, key="called", bind="query-params")
    return steer(name, model, held.u, [Axis(called or "Your direction", way, "own")], (held.name, "Moved"), "own")


def morph(name: str, model: "LatentModel", space: Space, held: Held) -> Tensor:
    """Show the way from the face to another."""
    start = space.people[held.row] if held.row is not None else ""
    others = (row for row in face_source.matching(space, "") if row != held.row and space.people[row] != start)
    row = face_source.whole("to", len(space.people), default=next(others, 0))
    end, goal = space.u[row], face_source.person(space, row)
    axis = Axis("How far", end - held.u, "t", least=0.0, most=1.0, first=0.5, back=0.5, step=0.01, unit="%")
    captions = (f"From: {held.name}", "On the way", f"To: {goal}")
    with controls.stage("steer"):
        u = steer(name, model, held.u, [axis], captions, "morph", target=end)
    way = tasks.interpolate(model, held.u, end, 9, spherical=False)
    st.html(images.strips_html([("", way)], "The way between the faces"))
    st.download_button(
        "Download GIF",
        lambda: _there_and_back(model, held.u, end),
        "morph.gif",
        "image/gif",
        on_click="ignore",
    )
    face_source.choose(name, model, space, "to", [row], "Find the face to go to")
    return u


def _there_and_back(model: "LatentModel", start: Tensor, end: Tensor) -> bytes:
    """Return the way from one point (D,) to another and back as a GIF, made one at a time."""
    ends = (shelf.Kept(start, None, ""), shelf.Kept(end, None, ""))
    with _one_at_a_time:
        return moving.gif(moving.frames(model, shelf.Shelf(ends, "111")))


def similar(name: str, model: "LatentModel", space: Space, held: Held) -> Tensor:
    """Show whose faces lie nearest."""
    distances, rows = space.similar(held.u, 13)
    nearest = [(r, d) for r, d in zip(rows.tolist(), distances.tolist(), strict=True) if r != held.row][:12]
    names = [face_source.person(space, r) for r, _ in nearest]
    marks = [f"{who}\n{distance:.2f}" for who, (_, distance) in zip(names, nearest, strict=True)]
    left, right = st.columns([1, 3])
    query = tasks.decode(model, held.u[None]) if held.x is None else held.x
    left.html(images.figures_html([(held.name, images.to_uint8(query)[0])]))
    addresses = [{"who": str(r)} for r, _ in nearest]
    with right:
        x = face_source.shown(name, model, space, [r for r, _ in nearest])
        gallery.gallery(x, names, "similar", addresses, 6, marks=marks, then=_to_gallery)
    st.caption(
        f"The nearest of {len(space.people):,} faces, with their distance, 2 at most. Distances discount what changes "
        "between two pictures of one person, learned from the people of the training part. Press a face to go on from "
        "it."
    )
    return held.u


def _to_gallery() -> None:
    st.session_state["face"] = face_source.GALLERY


def sample(name: str, model: "LatentModel", space: Space) -> Tensor:
    """Show faces of nobody, to choose one from; return its point (D,)."""
    stage = controls.stage()
    row = st.container(key="below_1").container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row:
        kind = controls.choose("Drawn from", list(KINDS), "from")
        key = "face_temperature"
        address.number(key, 0, 1.5)
        temperature = st.slider("Temperature", 0.0, 1.5, 0.8, 0.05, key=key, bind="query-params", width=260)
        seed = controls.pick_seed("face_seed")
    u = getattr(space, KINDS[kind]).sample(SAMPLES, temperature, torch.Generator().manual_seed(seed))
    chosen = face_source.whole("new", SAMPLES)
    captions, addresses = [f"New face {i + 1}" for i in range(SAMPLES)], [{"new": str(i)} for i in range(SAMPLES)]
    title = f"{SAMPLES} faces of nobody, drawn from a {kind}"
    with stage:
        x = tasks.decode(model, u)
        gallery.gallery(x, captions, "new_faces", addresses, COLUMNS, [chosen], title=title)
    return u[chosen]


def about(name: str, model: "LatentModel", space: Space) -> None:
    """Say what the model is, what its set is and what a direction drags along, with the measured amounts."""
    st.markdown(words.markdown(model.preset.about))
    figures = resources.figures(name)
    unique = len(set(space.people))
    lines = [
        f"Labeled Faces in the Wild is {len(space.people):,} press photographs of {unique:,} people, most of them "
        "politicians, athletes and actors of the early 2000s in Western news. Women, children, old people and people "
        "who are not white are under-represented, and faces that a detector of that time missed are not there at all. "
        "What the models know of a face is this.",
    ]
    if "Smiling" in space.columns:
        smiling = space.present[:, space.columns.index("Smiling")]
        known = int((~smiling.isnan()).sum())
        lines.append(f"Of {known:,} labelled faces {100 * float(smiling.nansum()) / known:.0f} % smile.")
    for way, moved in figures.get("dragged", {}).items():
        others = {name: amount for name, amount in moved.items() if name not in ("outside_mouth", "brightness")}
        lines.append(
            f"A smile of +2 ({way}) is not only a smile: {100 * moved['outside_mouth']:.0f} % of the squared change of "
            f"pixels lies outside the mouth, and brightness changes by {100 * moved['brightness']:+.1f} % of full scale"
            + "".join(f"; {name} by {amount:+.1f} standard deviations" for name, amount in others.items())
            + "."
        )
    lines.append("Strong settings also change how old some faces look, and whether they look like a woman or a man.")
    st.markdown("\n\n".join(map(words.markdown, lines)))


def _rows(parameter: str, space: Space) -> list[int]:
    """Return the rows in the address, those that exist, each once."""
    texts = st.query_params.get(parameter, "").split(",")[:40]
    numbers = [codecs.whole(text, len(space.people)) for text in texts]
    rows = list(dict.fromkeys(number for number in numbers if number is not None))
    address.judge(parameter, bool(rows))
    return rows


def _toggled(parameter: str, other: str, space: Space, row: int) -> dict[str, str]:
    """Return the address after a press: the row is in one group, or out of it if it was there; it leaves the other."""
    rows = _rows(parameter, space)
    changed = [r for r in rows if r != row] if row in rows else [*rows, row]
    left = {other: ",".join(str(r) for r in _rows(other, space) if r != row)} if other else {}
    return {parameter: ",".join(map(str, changed))} | left
