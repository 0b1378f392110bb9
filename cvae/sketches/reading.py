"""From any picture - photo, scan, sketch, canvas - to the digits in it, each as MNIST would have it.

Two readers look at a picture (view.py). Rules (light.py) find what stands out from the ground in brightness, sharply,
and know nothing of digits. A network (network.py) knows which ink is a digit's, by its form and its colour, but sees
less sharply. Where both see the same digit, the rules' ink is taken, else the network's (choosing.py, closer.py).
"""

from typing import NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from cvae.data.pictures import NO_INK
from cvae.sketches import closer, digits, sizes
from cvae.sketches.choosing import chosen
from cvae.sketches.closer import Box, Reading, Steps
from cvae.sketches.view import View, everything, viewed

SHOWN_SIDE = 160
DIFFERS = 0.09  # mean difference of pixels from which two readings are two guesses
MOST = 12  # digits of one picture
# ways to see a picture, each where those before show no digit: the side that it has to the network, and whether
# ground is laid around bold ink that was cut out close
WAYS = (256, False), (256, True), (192, False)


class Digit(NamedTuple):
    """A digit in a picture: what MNIST would have made of it, and its box in the upright picture's pixels."""

    digit: Tensor  # (1, 1, 28, 28) float32 in [0, 1], ink bright
    box: Box


def to_digit(image: Image.Image, box: Box | None = None) -> Tensor:
    """Return what MNIST would have made of a picture's largest digit: (1, 1, 28, 28) float32 in [0, 1], ink bright.

    `image` has any mode and size, and any light; with a `box` (left, top, right, bottom), in pixels of the upright
    picture, only what lies inside it counts. ValueError where there is no ink.
    """
    return readings(image, box)[0].digit


def to_digits(image: Image.Image) -> list[Digit]:
    """Return all digits in a picture with their boxes, the largest first; ValueError where there is none."""
    made = readings(image)
    height, width = made[0].steps[0][1].shape  # of the upright picture, perhaps smaller
    long, short = max(image.size), min(image.size)
    size = (long, short) if width > height else (short, long)
    whole = np.array((*size, *size))
    return [Digit(one.digit, tuple((whole * one.box).tolist())) for one in made]


def steps(image: Image.Image) -> Steps:
    """Return the way that `to_digit` takes as named pictures, uint8 (H, W) of at most 160 pixels a side.

    The last is the digit itself. ValueError where there is no ink.
    """
    return shown(readings(image)[0])


def shown(reading: Reading) -> Steps:
    """Return the way to a digit as pictures to show, uint8 (H, W) of at most 160 pixels a side."""
    return [(name, digits.as_bytes(sizes.fitted(picture, SHOWN_SIDE))) for name, picture in reading.steps]


def readings(image: Image.Image, box: Box | None = None) -> list[Reading]:
    """Return all digits in a picture, or in a `box` of it, the largest first; ValueError where there is none."""
    return _found(image, box)[1]


def guesses(image: Image.Image, box: Box | None = None) -> tuple[list[Reading], Reading | None]:
    """Return all digits in a picture, and where there is one and the readers differ on it, what the other one sees.

    ValueError where there is none.
    """
    view, made = _found(image, box)
    if len(made) > 1:
        return made, None
    others = [closer.reading(view, part, False) for part in view.seen_parts[:1]]
    if view.ruled is not None:
        others += [closer.ruled_reading(view, part) for part in (*view.ruled_parts[:1], everything(view))]
    differing = (one for one in others if one and float((one.digit - made[0].digit).abs().mean()) > DIFFERS)
    return made, next(differing, None)


def _found(image: Image.Image, box: Box | None) -> tuple[View, list[Reading]]:
    """Return a picture as it is seen, and the digits in it; where there are none, as it is seen in other ways."""
    for side, wide in WAYS:
        view = viewed(image, box, side, wide)
        if view and (made := _readings(view)):
            return view, made
    raise ValueError(NO_INK)


def _readings(view: View) -> list[Reading]:
    made = [reading for part, is_ruled in chosen(view)[:MOST] if (reading := closer.reading(view, part, is_ruled))]
    if not made and view.ruled is not None and (every := closer.ruled_reading(view, everything(view))):
        made = [every]
    return made
