"""A picture as both readers see it: as ink by the rules, and as ink of digits by the network."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from cvae.data import pictures
from cvae.sketches import ground, grouping, light, network, parts, sizes

LIKELY, JUST_SURE = 0.35, parts.SURE + 0.01  # probability of faint ink, where there is surer, and what is made of it


@dataclass(frozen=True)
class View:
    """A picture as both readers see it; `ruled` is None where the rules see no ink.

    All of it is seen with `margin` pixels of ground on each side that the picture itself has not.
    """

    colours: Image.Image
    grey: np.ndarray
    even: np.ndarray
    ruled: np.ndarray | None
    ruled_parts: list[parts.Part]
    seen: np.ndarray  # how probably each pixel is ink, at the network's size
    seen_parts: list[parts.Part]
    margin: int = 0


def viewed(
    image: Image.Image, box: tuple[float, float, float, float] | None, side: int, wide: bool = False
) -> View | None:
    """Return a picture, or what lies in a `box` of it in pixels of the upright picture, as both readers see it.

    To the network it has an area of about side x side pixels. If `wide`, ground is laid around bold ink that was cut
    out close, and None is returned for any other picture.
    """
    if box is not None:
        left, top, right, bottom = (round(side) for side in box)
        image = ImageOps.exif_transpose(image).crop((left, top, right, bottom))
    picture, margin = pictures.prepared(image), 0
    if wide:
        picture, margin = ground.surrounded(picture)
        if not margin:
            return None
    grey = pictures.grey(picture)
    colours, even = picture.convert("RGB"), light.evened(grey)
    try:
        ruled = light.ink(even)
    except ValueError:
        ruled = None
    if network.model() is None:
        return View(colours, grey, even, ruled, [], grey, [], margin)
    seen = network.ink(colours, side)
    if ruled is None and (seen > parts.SURE).any():  # the ink is faint, and hangs together by what is fainter still
        seen = np.where(parts.touched(seen > parts.FAINT, seen > LIKELY), seen.clip(JUST_SURE), seen)
    marked = [] if ruled is None else grouping.digits((2 * sizes.resized(ruled, seen.shape)).clip(0, 1))
    return View(colours, grey, even, ruled, marked, seen, grouping.digits(seen, is_faint=ruled is None), margin)


def everything(view: View) -> parts.Part:
    """Return all that the rules see as one digit."""
    return parts.Part(np.ones_like(view.grey, bool), (0, 0, *view.grey.shape))
