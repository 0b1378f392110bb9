"""Strips of pictures around a point, one for each coordinate that moves; they follow the live control of that point."""

from typing import TYPE_CHECKING

from torch import Tensor

from cvae import tasks
from ui.shell import images, link, resources
from ui.widgets.bridge import component, encoded

if TYPE_CHECKING:
    from cvae.models import LatentModel

_draw = component(__file__, '<div class="strips"></div>')


def strips(
    name: str,
    model: "LatentModel",
    u: Tensor,
    label: Tensor | None,
    dims: list[int],
    values: Tensor,
    alt: str,
    key: str,
    parameter: str = "z",
) -> None:
    """Draw the pictures seen when each of these coordinates of u (D,) takes these values in turn, one strip for each.

    `label` is (1,) or None. While the visitor drags the live control whose point has this `parameter` in the address,
    the browser makes them anew, where it has the model.
    """
    data = {
        "model": name,
        "version": resources.version(name),
        "shape": model.config.image_shape,
        "labels": [] if label is None else label.tolist(),
        "dims": dims,
        "values": values.tolist(),
        "captions": [f"z{d + 1}" for d in dims],
        "alt": alt,
        "z": u.tolist(),
        "parameter": parameter,
        "base": link.seen_path(),
        "pixels": encoded(images.to_uint8(tasks.traverse(model, u, dims, values, label).flatten(0, 1))),
    }
    _draw(key, data)
