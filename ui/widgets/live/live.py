"""The live control: a pad over the class map (two latents) or sliders, and pictures that follow every move."""

from typing import TYPE_CHECKING
from urllib.parse import quote

import torch
from torch import Tensor

from cvae import tasks
from ui.shell import classes, images, link, resources
from ui.widgets.bridge import component, encoded, sent

if TYPE_CHECKING:
    from cvae.models import LatentModel

OPEN = 8  # sliders shown at once; the rest is folded
HTML = """<div class="frame"><div class="live">
<div class="view"><div class="pictures" data-save="Decoded at this point"></div>
<p class="status" role="status"></p></div>
<div class="control"><div class="named"></div><div class="latents"></div></div>
</div></div>"""
_draw = component(__file__, HTML)


def live(
    name: str,
    model: "LatentModel",
    u: Tensor,
    labels: Tensor | None,
    key: str,
    parameter: str = "z",
    named: dict | None = None,
    way: tuple[Tensor, Tensor] | None = None,
) -> None:
    """Draw the control at base coordinates u (D,), with one picture per label (N,), or one where labels is None.

    `named` holds the sliders with names, above those of the latents, and words for the latents, as ui/explore/named.py
    makes it. `way` are the points A and B (2,) of a way that is drawn on the pad.
    A finished move writes the new point into the address under `parameter`; the caller reads it there in the next run.
    """
    sliders = named or {"named": [], "words": {}}
    data = _what(name, model, labels) | {"z": u.tolist(), "parameter": parameter} | sliders
    data["way"] = None if way is None else [end.tolist() for end in way]
    if (sent(key, "move") or {}).get("pixels"):  # the browser found no /api/decode
        rows = u[None] if labels is None else u.expand(len(labels), -1)
        data["pixels"] = encoded(images.to_uint8(tasks.decode(model, rows, labels)))
    ends = {f"end_{p}": lambda move, p=p: _moved(move.get("z", []), p, len(u)) for p in "ab"}
    _draw(key, data, move=lambda move: _moved(move.get("z", []), parameter, len(u)), **ends)


def _what(name: str, model: "LatentModel", labels: Tensor | None) -> dict:
    """Return what the control shows at any point: the model, its labels, its dimensions in order, its map."""
    config = model.config
    kl = resources.kl_per_dim(name)
    order = range(config.latent_dim) if kl is None else sorted(range(config.latent_dim), key=lambda d: -kl[d])
    return {
        "model": name,
        "version": resources.version(name),
        "shape": config.image_shape,
        "labels": [] if labels is None else labels.tolist(),
        "names": [""] if labels is None else [classes.name(model, i) for i in labels.tolist()],
        "captions": ["Picture"] if labels is None else [classes.called(model, i) for i in labels.tolist()],
        "order": list(order),
        "open": OPEN,
        "kl": kl,
        "span": images.SPAN,
        "base": link.seen_path(),
        **_map(name, model),
    }


def _moved(values: list[float], parameter: str, dims: int) -> None:
    """Take over the point that the browser sent, unless it belongs to a model picked before."""
    if len(values) == dims:
        link.set_point(parameter, torch.tensor(values, dtype=torch.float32))


def _map(name: str, model: "LatentModel") -> dict:
    """Return the pad's background and where each class has its name; nothing without encoded digits."""
    digits = resources.encoded(name) if model.config.latent_dim == 2 else None
    if digits is None:
        return {"background": None, "landmarks": [], "points": ""}
    colours, places = images.PALETTE, resources.landmarks(name)
    marks = [(x, y, classes.name(model, c), colours[c % len(colours)]) for x, y, c in places]
    points = f"{len(digits.u):,} encoded test {classes.noun(model)}s"
    return {"background": f"{link.seen_path()}/api/map?model={quote(name)}", "landmarks": marks, "points": points}
