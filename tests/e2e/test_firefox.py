"""The runtime in Firefox: a drag and a drawing make the pixels that torch makes, and ask nobody."""

import numpy as np
import pytest
import torch

from cvae import checkpoints, tasks
from tests.e2e import firefox
from tests.e2e.firefox import LIFT, PRESS, move
from tests.e2e.test_drawing import THREE
from tests.e2e.test_local import IS_HERE
from ui.shell import sketch

pytestmark = pytest.mark.skipif(firefox.PATH is None, reason="needs Firefox")
BLOCK = """(() => {
  const asks = window.fetch;
  window.fetch = (address, ...rest) =>
    /api.(decode|sketch)/.test(address) ? Promise.reject(new TypeError("forbidden")) : asks(address, ...rest);
})()"""
PIXELS = """every("%s").map((c) => Array.from(c.getContext("2d").getImageData(0, 0, c.width, c.height).data))"""


@pytest.fixture(scope="module")
def browser():
    with firefox.running_firefox() as running:
        yield running


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens a page, waits for its model, and then forbids it to ask for pictures."""

    def open_path(path, shown):
        browser.visit(address + path)
        browser.until(f"every('{shown}').length > 0")
        browser.until(f"({IS_HERE})()")
        browser.evaluate(BLOCK)
        return browser

    yield open_path
    assert not browser.problems


def pictures(page, selector: str) -> np.ndarray:
    """Return what canvases show, (N, 28, 28, 3) int."""
    return np.array(page.evaluate(PIXELS % selector)).reshape(-1, 28, 28, 4)[..., :3]


def box(page, selector: str) -> tuple[float, float, float, float]:
    """Return left, top, width and height on the screen."""
    expression = "(({ x, y, width, height }) => [x, y, width, height])(every('%s').at(-1).getBoundingClientRect())"
    return tuple(page.evaluate(expression % selector))


@pytest.mark.parametrize(
    "name, label, control", [("vae-dense-2d", None, ".pad"), ("cvae-conv", 4, "input[type=range]")]
)
def test_a_drag_shows_what_torch_decodes(open_page, name, label, control):
    page = open_page(f"/Explore?model={name}" + ("" if label is None else f"&label={label}"), ".live[data-shown]")
    page.evaluate(f"every('{control}')[0].scrollIntoView({{ block: 'center' }})")
    page.evaluate(f"window.dragged = every('{control}')[0].toggleAttribute('data-dragged')")
    left, top, width, height = box(page, "[data-dragged]")
    x, y = left + width / 2, top + height / 2
    shown, seen = "every('.live')[0].dataset.shown", set()
    page.point(move(x, y), PRESS)
    for step in range(1, 5):
        before = page.evaluate(shown)
        page.point(move(x + 9 * step, y + 5 * step))
        page.until(f"{shown} !== '{before}'", 10)
        point = made = None
        while point != page.evaluate(shown):  # until no picture came between the two questions
            point = page.evaluate(shown)
            made = pictures(page, ".live canvas")[0]
        u = torch.tensor([[float(v) for v in point.split(",")]])
        x_hat = tasks.decode(checkpoints.load_run(name), u, None if label is None else torch.tensor([label]))
        assert abs(made - x_hat[0, 0].mul(255).round().int().numpy()[..., None]).max() <= 1
        seen.add(made.tobytes())
    page.point(LIFT)
    assert len(seen) == 4


def test_a_drawn_digit_is_reconstructed_and_read(open_page):
    page = open_page("/Draw?model=cvae-conv", ".sketch .pad")
    page.evaluate("every('.pad')[0].scrollIntoView({ block: 'center' })")
    left, top, width, height = box(page, ".pad")
    places = [move(left + u * width, top + v * height) for u, v in THREE]
    page.point(places[0], PRESS, *places[1:], LIFT)
    page.until("every('.bars:not([hidden]) .best').length === 1", 20)
    made = pictures(page, ".pictures canvas")
    seen = torch.from_numpy(made[None, None, 0, :, :, 0]) / 255
    query = {"task": "reconstruct", "model": "cvae-conv", "digit": sketch.pack_digit(seen)}
    assert seen.sum() > 20 and abs(made - sketch.answer(query).pictures.astype(int)).max() <= 1
    assert page.evaluate("every('.best b')[0].textContent") == "3"
