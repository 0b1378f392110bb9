"""A drawing prepared in the browser is the digit that Python makes of it."""

import base64
import json
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from cvae.sketches import digits
from tests import runtime

pytestmark = pytest.mark.skipif(runtime.NODE is None, reason="needs node")
APART = 2  # levels of 255 between the two, at most


def drawing(seed: int) -> np.ndarray:
    """Return a canvas (S, S) uint8 with one to three strokes, of any pen, hard or with soft edges."""
    rng = np.random.default_rng(seed)
    side = int(rng.choice([80, 200, 280, 400]))
    pen = side * rng.uniform(0.008, 0.2)
    sheet = Image.new("L", (side, side))
    brush = ImageDraw.Draw(sheet)
    for _ in range(rng.integers(1, 4)):
        steps = rng.normal(0, side * rng.uniform(0.03, 0.25), (rng.integers(2, 12), 2))
        path = [tuple(p) for p in (np.cumsum(steps, axis=0) + rng.uniform(0.2, 0.8, 2) * side).clip(0, side)]
        brush.line(path, fill=255, width=max(1, round(pen)), joint="curve")
    if rng.random() < 0.5:
        sheet = sheet.resize((side // 2, side // 2), Image.Resampling.BOX)
    return np.asarray(sheet)


def in_javascript(drawings: list[np.ndarray], side: int = 28) -> list[list[int] | None]:
    asked = [[base64.b64encode(ink.tobytes()).decode(), ink.shape[1], ink.shape[0], side] for ink in drawings]
    command = [runtime.NODE, runtime.HERE / "strokes.mjs", runtime.BROWSER / "digits.js"]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def in_python(ink: np.ndarray) -> np.ndarray:
    return digits.ink_to_digit(ink).mul(255).round().int().flatten().numpy()


@pytest.mark.slow
def test_five_hundred_drawings_are_prepared_alike():
    drawings = [ink for ink in map(drawing, range(520)) if (ink > 102).any()][:500]
    pairs = zip(in_javascript(drawings), drawings, strict=True)
    apart = [abs(np.array(made) - in_python(ink)).max() for made, ink in pairs]
    changed = [
        not np.array_equal(cut, digits._with_usual_strokes(cut))
        for cut in (digits._cropped(ink / np.float32(255)) for ink in drawings)
    ]
    assert len(apart) == 500 and 100 < sum(changed) < 400  # thin and bold pens are among them
    assert max(apart) <= APART, (int(np.argmax(apart)), sorted(apart)[-10:])


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 2, 6, 23, 60])
def test_symmetric_strokes_lie_alike(width):
    upright, crossed = np.zeros((280, 280), np.uint8), np.zeros((280, 280), np.uint8)
    upright[30:250, 140 - width : 140 + width] = 255
    crossed[140 - width : 140 + width, 40:240] = crossed[40:240, 140 - width : 140 + width] = 255
    drawings = [upright, upright.T.copy(), crossed]
    for made, ink in zip(in_javascript(drawings), drawings, strict=True):
        assert abs(np.array(made) - in_python(ink)).max() <= APART


@pytest.mark.slow
@pytest.mark.parametrize("side", [12, 20, 32, 64])
def test_a_digit_fits_a_model_of_any_side_alike(side):
    drawings = [drawing(seed) for seed in range(5)]
    for made, ink in zip(in_javascript(drawings, side), drawings, strict=True):
        x = digits.ink_to_digit(ink)
        x = torch.nn.functional.interpolate(x, (side, side), mode="bilinear", antialias=True)
        assert abs(np.array(made) - x.clamp(0, 1).mul(255).round().int().flatten().numpy()).max() <= APART


def test_strokes_too_faint_to_be_measured_pass_unchanged():
    faint = np.zeros((280, 280), np.uint8)
    faint[100:102, 50:200] = faint[130:132, 50:200] = 110
    (made,) = in_javascript([faint])
    assert abs(np.array(made) - in_python(faint)).max() <= APART and 0 < in_python(faint).sum() < 2000


def test_a_sheet_without_ink_gives_nothing():
    assert in_javascript([np.zeros((280, 280), np.uint8), np.full((40, 60), 102, np.uint8)]) == [None, None]
