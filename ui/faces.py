"""What one does with a face: reconstruct it, move it along an attribute, morph it, find who is like it, sample others."""

import streamlit as st
import torch
from torch import Tensor

from cvae import faces, latent, metrics, tasks
from cvae.faces import Space
from ui import controls, face_source, gallery, images, link, resources
from ui.face_source import Held
from ui.steer import Axis, steer

AXES = 8  # attributes with a slider each
FRAMES = 24  # of a morph's GIF, one way
SAMPLES = 24
KINDS = {"Gaussian": "gaussian", "Mixture of Gaussians": "mixture"}


def reconstruct(name: str, model, space: Space, held: Held) -> None:
    """Show the picture, what its code gives back, and where they differ."""
    x_hat = tasks.decode(model, held.u[None])
    figures = [("Reconstruction", images.to_uint8(x_hat)[0])]
    if held.x is not None:
        difference = images.signed((x_hat - held.x).mean(1, keepdim=True))[0]
        figures = [("Original", images.to_uint8(held.x)[0]), *figures, ("Difference", difference)]
    st.html(images.figures_html(figures))
    if held.x is None:
        st.caption(
            f"{held.name}, from {len(held.u)} stored numbers. The original is shown too where LFW lies under CVAE_DATA_DIR."
        )
        return
    error, alike = metrics.mse(held.x, x_hat), metrics.ssim(held.x, x_hat)
    st.caption(
        f"{held.name}: {held.x.numel():,} values squeezed into {len(held.u)} numbers. Mean squared error {float(error):.4f}, "
        f"SSIM {float(alike):.2f}. Too bright in orange, too dark in blue."
    )


def attributes(name: str, model, space: Space, held: Held) -> None:
    """Let the visitor move the face along the attributes of the file."""
    if not space.columns:
        st.info("The attribute file was missing when these directions were made, so there are none. Build your own instead.")
        return
    way = controls.choose("Direction", [kind.capitalize() for kind in faces.WAYS], "way")
    kind = [k.capitalize() for k in faces.WAYS].index(way)
    chosen = range(len(space.columns))
    if len(space.columns) > AXES:
        first = [c for c in ("Smiling",) if c in space.columns] or [space.columns[0]]
        names = st.multiselect("Attributes", space.columns, first, key="columns", bind="query-params", max_selections=AXES)
        chosen = [space.columns.index(c) for c in names]
    axes = [Axis(space.columns[k], space.directions[k, kind], f"a_{space.columns[k]}") for k in chosen]
    steer(name, model, held.u, axes, (f"{held.name}, as the model sees it", "Moved"), f"attributes_{kind}")
    st.caption(
        "One sd is one standard deviation of the pictures of all faces along what the slider changes in them. The difference of "
        "means takes along whatever goes with the attribute in this set; the classifier's normal changes less else."
    )


def own_direction(name: str, model, space: Space, held: Held) -> None:
    """Let the visitor put faces into two groups and move the face from one towards the other."""
    st.markdown("Put faces into two groups, such as with and without glasses. What tells them apart becomes a slider.")
    groups = {label: _rows(parameter, space) for label, parameter in (("With it", "plus"), ("Without it", "minus"))}
    into = controls.choose("A press puts a face into", list(groups), "into")
    parameter = "plus" if into == "With it" else "minus"
    other = "minus" if parameter == "plus" else "plus"
    face_source.choose(model, space, "pool", groups[into], lambda row: _toggle(parameter, other, row, space))
    for label, rows in groups.items():
        st.caption(f"{label}: {', '.join(face_source.person(space, r) for r in rows) or 'nobody yet'}")
    if not all(groups.values()):
        st.info("Press at least one face for each group.")
        return
    present = torch.full((len(space.u),), torch.nan)
    for value, rows in zip((1.0, 0.0), groups.values()):
        present[rows] = value
    try:
        between = latent.attribute_direction(space.u, present)
    except ValueError as error:
        st.info(str(error).capitalize())
        return
    way = resources.kept(name, ("way", *map(tuple, groups.values())), lambda: latent.in_pictures(model, space.u, between))
    steer(name, model, held.u, [Axis("Your direction", way, "own")], (held.name, "Moved"), "own")


def morph(name: str, model, space: Space, held: Held) -> None:
    """Show the way from the face to another."""
    row = face_source.whole("to", len(space.people), default=face_source.offered(space, 0, "")[1])
    with st.expander(f"To: {face_source.person(space, row)}"):
        face_source.choose(model, space, "to", [row])
    end = space.u[row]
    axis = Axis("Way", end - held.u, "t", least=0.0, most=1.0, first=0.5, step=0.01, unit="%")
    steer(name, model, held.u, [axis], (held.name, f"On the way to {face_source.person(space, row)}"), "morph")
    st.html(images.strips_html([("", tasks.interpolate(model, held.u, end, 9, spherical=False))], "The way between the faces"))
    st.download_button(
        "Download GIF",
        lambda: images.gif(tasks.interpolate(model, held.u, end, FRAMES, spherical=False)),
        "morph.gif",
        "image/gif",
        on_click="ignore",
    )


def similar(name: str, model, space: Space, held: Held) -> None:
    """Show whose faces lie nearest."""
    st.markdown(
        f"The nearest of {len(space.people):,} faces, with their distance. Distances discount what changes between two pictures "
        "of one person, learned from the people of the training part. Press a face to go on from it."
    )
    distances, rows = space.similar(held.u, 13)
    found = [(r, d) for r, d in zip(rows.tolist(), distances.tolist()) if r != held.row][:12]
    names = [face_source.person(space, r) for r, _ in found]
    marks = [f"{who}\n{distance:.1f}" for who, (_, distance) in zip(names, found)]
    pictures = tasks.decode(model, space.u[[r for r, _ in found]])

    def hold(place: int) -> None:
        st.session_state["face"] = face_source.GALLERY
        link.set_text("who", str(found[place][0]))

    gallery.gallery(pictures, names, "similar", hold, marks=marks)


def sample(name: str, model, space: Space) -> None:
    """Show faces of nobody."""
    kind = controls.choose("Drawn from", list(KINDS), "from")
    temperature = st.slider("Temperature", 0.0, 1.5, 0.8, 0.05, key="face_temperature", bind="query-params")
    seed = controls.pick_seed("face_seed")
    u = getattr(space, KINDS[kind]).sample(SAMPLES, temperature, torch.Generator().manual_seed(seed))
    grid = images.grid_png(tasks.decode(model, u), 8, scale=1)
    st.image(grid, width="stretch", alt=f"{SAMPLES} faces of nobody, drawn from a {kind}")
    st.download_button("Download PNG", grid, f"{name}-seed-{seed}.png", "image/png", on_click="ignore")


def bias(space: Space, figures: dict) -> None:
    """Say what the set is and what a direction drags along, with the measured amounts."""
    unique = len(set(space.people))
    lines = [
        f"Labeled Faces in the Wild is {len(space.people):,} press photographs of {unique:,} people, most of them politicians, "
        "athletes and actors of the early 2000s in Western news. Women, children, old people and people who are not white are "
        "under-represented, and faces that a detector of that time missed are not there at all. What the models know of a face is this.",
    ]
    if "Smiling" in space.columns:
        smiling = space.present[:, space.columns.index("Smiling")]
        known = int((~smiling.isnan()).sum())
        lines.append(f"Of {known:,} labelled faces {100 * float(smiling.nansum()) / known:.0f} % smile.")
    for way, moved in figures.get("dragged", {}).items():
        others = {name: amount for name, amount in moved.items() if name not in ("outside_mouth", "brightness")}
        lines.append(
            f"A smile of two standard deviations ({way}) is not only a smile: {100 * moved['outside_mouth']:.0f} % of the squared "
            f"change of pixels lies outside the region of the mouth, and the mean pixel changes by {moved['brightness']:+.3f}"
            + "".join(f"; {name} by {amount:+.1f} sd" for name, amount in others.items())
            + ", because in this set other traits go with it."
        )
    st.markdown("\n\n".join(lines))


def _rows(parameter: str, space: Space) -> list[int]:
    """Return the rows in the address, those that exist, each once."""
    texts = st.query_params.get(parameter, "").split(",")[:40]
    return list(dict.fromkeys(int(t) for t in texts if t.isascii() and t.isdigit() and len(t) < 9 and int(t) < len(space.people)))


def _toggle(parameter: str, other: str, row: int, space: Space) -> None:
    """Put the row into one group, or take it out if it is there; it leaves the other."""
    rows = _rows(parameter, space)
    changed = [r for r in rows if r != row] if row in rows else [*rows, row]
    link.set_text(parameter, ",".join(map(str, changed)))
    link.set_text(other, ",".join(str(r) for r in _rows(other, space) if r != row))
