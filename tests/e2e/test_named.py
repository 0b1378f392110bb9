"""Sliders with names in a real browser: one moves the point along its curve, and the sliders of the latents follow."""

import shutil

import pytest
import torch
from playwright.sync_api import expect

from cvae import sliders
from cvae.morphology import KEYS
from tests.conftest import ROOT
from tests.e2e.serving import running_app
from tests.e2e.test_app import poll
from tests.test_sliders import straight

END = 27.375  # degrees: no whole number of steps


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app over two shipped models whose first coordinates are its measures, in spreads of 1, 2, 3 ...

    Of the one without labels, the guide reads a digit that leans to the right as a one, which has a slant alone.
    """
    runs = tmp_path_factory.mktemp("runs")
    for name, labels in (("cvae-dense", 10), ("vae-dense", 0)):
        shutil.copytree(ROOT / "checkpoints" / name, runs / name, ignore=shutil.ignore_patterns(sliders.FILE))
        stored = straight(20, labels)
        stored.most[:, 0], stored.least[:, 0] = END, -END
        if not labels:
            stored.guide[4].weight.data[len(KEYS) + 1, :2] = torch.tensor([1.0, -1.0])
            stored.most[1, 1:], stored.least[1, 1:] = 0, 0
        sliders.save(runs / name, stored)
    with running_app(CVAE_CHECKPOINTS=str(runs)) as app:
        yield app


# One degree more, and what the controls say at once: when it is let go, Python measures the new picture.
STEP = """(slider) => {
  const root = slider.getRootNode(), number = (text) => Number(text.replace(/[^-.0-9]/g, ""));
  const read = () => [
    number(root.querySelector(".named output").textContent),
    Number(root.querySelector("[aria-label='Latent dimension 1']").value),
  ];
  const before = read();
  slider.value = Number(slider.value) + 1;
  slider.dispatchEvent(new Event("input"));
  const after = read();
  slider.dispatchEvent(new Event("change"));
  return after.map((value, i) => value - before[i]);
}"""


def test_a_named_slider_moves_the_latents_and_the_address_keeps_it(new_page):
    page = new_page("/Explore?model=cvae-dense&label=3")
    latent = page.get_by_label("Latent dimension 1", exact=True)
    slant, moved = page.get_by_label("Slant").evaluate(STEP)
    assert slant == pytest.approx(1.0, abs=0.5)  # from between two steps of half a degree
    assert moved == pytest.approx(slant, abs=0.15)  # a spread is one degree here
    expect(page.locator(".latents .words", has_text="mostly slant")).to_be_visible()
    page.wait_for_function("new URL(location.href).searchParams.has('z')")
    page.locator("[data-test-script-state=notRunning]").wait_for()
    kept = latent.input_value()
    page.reload()
    expect(latent).to_have_value(kept, timeout=30_000)


def test_what_one_named_slider_did_stays_when_another_moves(new_page):
    page = new_page("/Explore?model=cvae-dense&label=3")
    latents = [page.get_by_label(f"Latent dimension {d}", exact=True) for d in (1, 2)]
    start = [float(latent.input_value()) for latent in latents]
    page.get_by_label("Slant").press("ArrowRight")
    first = float(latents[0].input_value())
    page.get_by_label("Thickness").press("ArrowRight")
    assert float(latents[0].input_value()) == pytest.approx(first, abs=0.1) and first != start[0]
    assert float(latents[1].input_value()) != start[1]


def test_the_last_step_of_a_slider_is_the_end_of_its_curve(new_page):
    page = new_page("/Explore?model=cvae-dense&label=3")
    latent, slant = page.get_by_label("Latent dimension 1", exact=True), page.get_by_label("Slant")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    most = float(slant.get_attribute("max"))
    slant.press("End")
    poll(page, lambda: float(slant.input_value()) == most)
    assert most > END  # the range is rounded to whole steps
    assert float(latent.get_attribute("max")) <= float(latent.input_value())
    slant.press("Home")
    assert float(latent.get_attribute("min")) >= float(latent.input_value())


def stays(page, slider) -> bool:
    """Return whether a slider has the same value half a second later."""
    value = slider.input_value()
    page.wait_for_timeout(500)
    return slider.input_value() == value


def test_a_slow_hand_moves_the_point_with_every_pixel_and_a_key_by_a_whole_step(new_page):
    page = new_page("/Explore?model=cvae-dense&label=3")
    latent, slant = page.get_by_label("Latent dimension 1", exact=True), page.get_by_label("Slant")
    slant.scroll_into_view_if_needed()
    box, share = slant.bounding_box(), slant.evaluate("s => (s.value - s.min) / (s.max - s.min)")
    x, y, seen = box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2, set()  # the thumb is 16 wide
    page.mouse.move(x, y)
    page.mouse.down()
    for pixel in range(12):
        page.mouse.move(x + pixel, y)
        seen.add(latent.input_value())
    assert len(seen) > 10
    page.mouse.up()
    page.wait_for_url("**z=*")
    page.locator("[data-test-script-state=notRunning]").wait_for()
    poll(page, lambda: stays(page, slant))  # curves from the new point come, and with them what it measures
    before = float(slant.input_value())
    slant.press("ArrowRight")
    assert float(slant.input_value()) == pytest.approx(before + 0.5, abs=0.26)


def test_a_slider_stays_in_hand_when_the_digit_becomes_one_with_fewer(new_page):
    page = new_page("/Explore?model=vae-dense")
    latent, slant = page.get_by_label("Latent dimension 1", exact=True), page.get_by_label("Slant")
    expect(page.get_by_label("Thickness")).to_be_visible()
    slant.press("ArrowRight")
    assert float(latent.input_value()) > 0
    expect(page.get_by_label("Thickness")).to_have_count(0)
    expect(slant).to_be_focused()
    before = float(slant.input_value())
    page.keyboard.press("ArrowRight")
    assert float(slant.input_value()) > before
