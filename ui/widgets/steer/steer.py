"""A picture steered by sliders that each go one way through latent space, and the one it started from beside it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from torch import Tensor

from cvae import tasks
from ui.shell import address, codecs, images, link, resources
from ui.widgets.bridge import component, encoded, sent

if TYPE_CHECKING:
    from cvae.models import LatentModel

HTML = """<div class="frame"><div class="steer"><div class="pictures" data-smooth data-save="Face"></div>
<p class="status" role="status"></p>
<div class="control"></div></div></div>"""
_draw = component(__file__, HTML)


@dataclass(frozen=True)
class Axis:
    """One slider: its name, the way (D,) that a value of 1 goes, its range and the parameter it has in the address."""

    name: str
    way: Tensor
    parameter: str
    least: float = -4.0
    most: float = 4.0
    first: float = 0.0
    back: float = 0.0  # where its button leads
    step: float = 0.05
    unit: str = "sd"

    def value(self) -> float:
        """Return the value in the address, or the first where there is none in range."""
        value = codecs.number(st.query_params.get(self.parameter, ""), self.least, self.most)
        address.judge(self.parameter, value is not None)
        return self.first if value is None else value


def steer(
    name: str,
    model: "LatentModel",
    start: Tensor,
    axes: list[Axis],
    captions: tuple[str, ...],
    key: str,
    target: Tensor | None = None,
) -> Tensor:
    """Draw the pictures at `start` (D,), where the sliders lead, and at `target` (D,) if any.

    Returns where the sliders lead (D,).
    """
    values = [axis.value() for axis in axes]
    u = start + sum(value * axis.way for value, axis in zip(values, axes, strict=True))

    def picture(point: Tensor) -> str:
        return encoded(images.to_uint8(tasks.decode(model, point[None])))

    data = {
        "model": name,
        "version": resources.version(name),
        "shape": model.config.image_shape,
        "start": start.tolist(),
        "before": picture(start),
        "target": "" if target is None else picture(target),
        "axes": [vars(axis) | {"way": axis.way.tolist()} for axis in axes],
        "values": values,
        "captions": captions,
        "base": link.seen_path(),
    }
    if (sent(key, "move") or {}).get("pixels"):  # the browser found no /api/decode
        data["pixels"] = picture(u)
    _draw(key, data, move=lambda move: _moved(move.get("values", []), axes))
    return u


def _moved(values: list[float], axes: list[Axis]) -> None:
    """Put what the browser sent into the address, where it stands already."""
    if len(values) == len(axes):
        for axis, value in zip(axes, values, strict=True):
            link.set_text(axis.parameter, "" if value == axis.first else f"{value:g}")
