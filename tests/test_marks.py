"""The digit is told from marks, and its pieces are kept together: pictures of strokes, with and without the marks."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cvae.preprocess import to_digit, to_digits
from cvae.sketches import grouping

PAPER, INK = "#ecebe5", "#28282e"
ONE = [[(330, 170), (310, 400)]]
SIX = [[(340, 120), (290, 190), (270, 270), (290, 340), (340, 350), (370, 310), (345, 270), (285, 300)]]
FIVE = [[(300, 250), (295, 310), (340, 315), (360, 355), (330, 400), (280, 400)], [(330, 236), (440, 228)]]
FOUR = [[(250, 180), (230, 270), (300, 262)], [(345, 130), (318, 250), (300, 380)]]
HOLES = [(52, 120), (52, 300), (52, 480)]


def written(strokes, width: int, ink: str = INK, ground: str = PAPER, spots=(), lines=()) -> Image.Image:
    """Return a picture of strokes among spots of radius 20 and lines (points, width, colour)."""
    picture = Image.new("RGB", (1400, 1200), ground)
    pen = ImageDraw.Draw(picture)
    for x, y in spots:
        pen.ellipse((2 * x - 40, 2 * y - 40, 2 * x + 40, 2 * y + 40), fill="#1e1c1e")
    every = [*lines, *((points, width, ink) for points in strokes)]
    for points, broad, colour in every:
        pen.line([(2 * x, 2 * y) for x, y in points], fill=colour, width=2 * broad, joint="curve")
    return picture.resize((700, 600), Image.Resampling.BOX)


def apart(picture: Image.Image, clean: Image.Image) -> float:
    """Return the root of the mean squared difference of two digits; of unlike ones it is above 0.25."""
    return float(((to_digit(picture) - to_digit(clean)) ** 2).mean().sqrt())


def moved(strokes, across: int):
    return [[(x + across, y) for x, y in points] for points in strokes]


MARKED = {
    "holes beside a thin one": (ONE, 5, HOLES, ()),
    "holes close to a bold six": (moved(SIX, -165), 34, HOLES, ()),
    "a pen beside a one": (ONE, 18, (), [([(560, 60), (520, 560)], 24, "#5a8f1e")]),
    "a thin line close below a bold six": (SIX, 36, (), [([(270, 380), (390, 378)], 5, INK)]),
    "a ring's piece beside a six": (SIX, 8, (), [([(90, 150), (140, 230), (150, 320), (110, 400)], 8, "#cdbb9d")]),
}


@pytest.mark.slow
@pytest.mark.parametrize("strokes, width, spots, lines", MARKED.values(), ids=MARKED)
def test_marks_are_left_out(strokes, width, spots, lines):
    assert apart(written(strokes, width, spots=spots, lines=lines), written(strokes, width)) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("width", [10, 26])
@pytest.mark.parametrize("strokes", [FIVE, FOUR], ids=["a five's bar", "an open four"])
def test_strokes_that_do_not_meet_are_one_digit(strokes, width):
    assert len(to_digits(written(strokes, width))) == 1
    assert apart(written(strokes, width, spots=HOLES), written(strokes, width)) < 0.15


@pytest.mark.parametrize("ink, ground", [("#cbc9c5", "#dedbd7"), ("#c3bfba", "#d8d2cc")])
def test_a_faint_pencil_is_followed_where_it_is_fainter_still(ink, ground):
    weak = [(SIX[0][2:5], 7, "#d0ceca" if ground == "#dedbd7" else "#c9c4be")]  # pressed less
    picture = written([SIX[0][:3], SIX[0][4:]], 7, ink, ground, lines=weak)
    assert apart(picture, written(SIX, 7)) < 0.2


@pytest.mark.parametrize("speck", [(slice(126, 129), slice(110, 122)), (slice(100, 101), slice(124, 134))])
def test_a_speck_in_a_bold_loop_is_no_digit_in_a_frame(speck):
    y, x = np.mgrid[:256, :256]
    away = np.hypot((y - 128) / 60, (x - 128) / 40)
    loop = ((away > 0.7) & (away < 1)).astype(np.float32)
    ink = loop.copy()
    ink[speck] = 1
    (digit,) = grouping.digits(ink)
    assert digit.mask.sum() > 0.95 * loop.sum()


def test_a_small_digit_in_a_thin_frame_is_a_digit():
    ink = np.zeros((256, 256), np.float32)
    ink[30:220, 30:220] = 1
    ink[33:217, 33:217] = 0
    ink[110:150, 120:124] = 1
    (digit,) = grouping.digits(ink)
    assert digit.mask.sum() == 160
