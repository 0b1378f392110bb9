"""The shelf of kept points: pictures to name, to put in order and to go back to, and the way through them as a run."""

from typing import TYPE_CHECKING

import streamlit as st
import torch
from torch import Tensor

from cvae import tasks
from ui.shell import address, classes, images, link, moving, resources, share, shelf
from ui.widgets.bridge import component, encoded, sent

if TYPE_CHECKING:
    from cvae.models import LatentModel

HTML = """<section class="shelf" aria-label="Kept points">
<div class="list"><div class="points"></div></div><p class="status" role="status"></p>
<div class="tools"></div><div class="run"></div>
</section>"""
DAMAGED = "The shelf of kept points in the address is damaged or of another kind of model, and was left out."
FAR = 1e6  # no coordinate is as large
_draw = component(__file__, HTML)


def held(model: "LatentModel", every: bool = False) -> shelf.Shelf:
    """Return the shelf in the address, an empty one where there is none that fits; `every` as for shelf.read."""
    if shelf.PARAMETER not in st.query_params:
        return shelf.Shelf()
    try:
        kept = shelf.read(st.query_params[shelf.PARAMETER], model, every)
    except ValueError:
        address.judge(shelf.PARAMETER, False, DAMAGED)
        return shelf.Shelf()
    address.judge(shelf.PARAMETER, True)
    return kept


def button() -> None:
    """Draw the button that keeps the present point, for a page's row of controls."""
    st.html(share.BUTTON.format("keep", "Keep", "Keep this point (K)"), width="content")


def draw(
    name: str, model: "LatentModel", u: Tensor, label: int | None, parameter: str = "z", goes: bool = True
) -> None:
    """Draw the shelf below what shows the point u (D,) with this label; None where a model takes none or shows all.

    It follows the control of that `parameter` without Python. Where `goes`, the point in the address can be put back to
    a kept one, and the label of the page's own control with it.
    """
    every = label is None and model.config.n_classes > 0
    kept = held(model, every)
    text = st.query_params.get(shelf.PARAMETER, "") if kept.kept else ""
    data = {
        "model": name,
        "version": resources.version(name),
        "shape": model.config.image_shape,
        "classes": model.config.n_classes,
        "every": min(model.config.n_classes, moving.EVERY) if every else 0,
        "called": [classes.called(model, i) for i in range(model.config.n_classes)],
        "z": u.tolist(),
        "label": label,
        "parameter": parameter,
        "text": text,
        "settings": kept.settings,
        "kept": [{"z": each.u.tolist(), "label": each.label, "name": each.name} for each in kept.kept],
        "goes": goes,
        "most": shelf.MOST,
        "longest": shelf.LONGEST,
        "base": link.seen_path(),
    }
    if (pixels := _frame(model, sent("shelf", "frame"))) is not None:  # the browser found no /api/decode
        data["pixels"] = pixels
    keep = lambda message: link.set_text(shelf.PARAMETER, str(message.get("text", "")))  # noqa: E731
    go = lambda message: _go(model, message, parameter)  # noqa: E731
    _draw("shelf", data, shelf=keep, go=go, frame=lambda message: None)


def _frame(model: "LatentModel", asked: dict | None) -> str | None:
    """Return the pixels that the browser last asked for; None where what it sent fits no model of this kind."""
    z, labels = ((asked or {}).get(key, []) for key in ("z", "labels"))
    n = model.config.n_classes
    if not _fits(model, z) or not all(isinstance(i, int) and 0 <= i < n for i in labels) or bool(labels) != bool(n):
        return None
    u = torch.tensor([z], dtype=torch.float32).expand(len(labels) or 1, -1)
    return encoded(images.to_uint8(tasks.decode(model, u, torch.tensor(labels) if labels else None)))


def _go(model: "LatentModel", message: dict, parameter: str) -> None:
    z, label = message.get("z", []), message.get("label")
    if _fits(model, z):
        link.set_point(parameter, torch.tensor(z, dtype=torch.float32))
        if label in range(model.config.n_classes):
            st.session_state["label"] = label


def _fits(model: "LatentModel", z: object) -> bool:
    if not isinstance(z, list) or len(z) != model.config.latent_dim:
        return False
    return all(isinstance(v, int | float) and abs(v) < FAR for v in z)
