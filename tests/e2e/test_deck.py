"""A file and a page of the app in a slide of a reveal.js deck: what the controls do not use, the deck gets."""

import os
from pathlib import Path

import pytest

from cvae.browser.page import page as make
from tests.e2e.serving import ROOT

PLACES = [ROOT / "node_modules", *map(Path, filter(None, [os.environ.get("NODE_PATH")]))]
REVEAL = next((place / "reveal.js" for place in PLACES if (place / "reveal.js/dist/reveal.js").is_file()), None)
pytestmark = pytest.mark.skipif(REVEAL is None, reason="needs reveal.js: npm ci")
DECK = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="{reveal}/dist/reveal.css">
<style>iframe {{ width: 900px; height: 560px; border: 0 }}</style>
<div class="reveal"><div class="slides">
  <section>One</section><section><iframe src="{source}"></iframe></section><section>Three</section>
</div></div>
<script src="{reveal}/dist/reveal.js"></script>
<script>
  const size = {{ width: 1100, height: 660, minScale: 1, maxScale: 1 }};
  Reveal.initialize({{ transition: "none", controls: false, ...size }}).then(() => Reveal.slide(1));
</script>"""


@pytest.fixture
def open_deck(browser, tmp_path):
    contexts, complaints = [], []

    def open_(source, selector):
        (tmp_path / "deck.html").write_text(DECK.format(reveal=REVEAL.as_uri(), source=source), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": 1200, "height": 720}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "deck.html").as_uri())
        frame = page.frame_locator("iframe")
        frame.locator(selector).first.wait_for(timeout=30_000)
        return page, frame

    yield open_
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def file_of(tmp_path):
    def write(name):
        (tmp_path / f"{name}.html").write_text(make(name), encoding="utf-8")
        return (tmp_path / f"{name}.html").as_uri()

    return write


def drag(page, control):
    control.hover()  # which scrolls until nothing covers it
    box = control.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()


def slide(page) -> int:
    page.wait_for_timeout(150)  # a message from the frame arrives by itself
    return page.evaluate("Reveal.getIndices().h")


def go_on_and_back(page):
    """Leave the slide by the keys of a presenter's clicker and come back, then see all slides."""
    page.keyboard.press("PageDown")
    page.wait_for_function("Reveal.getIndices().h === 2")
    page.evaluate("Reveal.slide(1)")
    assert slide(page) == 1


def test_a_pad_keeps_its_arrows_and_gives_the_rest_back(open_deck, file_of):
    page, frame = open_deck(file_of("vae-dense-2d"), ".stage[data-shown]")
    point = lambda: frame.locator(".stage").get_attribute("data-shown")  # noqa: E731
    before = point()
    drag(page, frame.locator(".pad"))
    page.keyboard.press("ArrowRight")
    assert slide(page) == 1 and point() != before
    go_on_and_back(page)
    drag(page, frame.locator(".pad"))
    page.keyboard.press("PageUp")
    assert slide(page) == 0
    page.evaluate("Reveal.slide(1)")
    drag(page, frame.locator(".pad"))
    page.keyboard.press("Escape")
    page.wait_for_timeout(150)
    assert page.evaluate("Reveal.isOverview()")


def test_a_slider_keeps_left_and_right_alone(open_deck, file_of):
    page, frame = open_deck(file_of("cvae-onehot"), ".stage[data-shown]")
    slider = frame.locator("input[type=range]").first
    drag(page, slider)
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    assert slide(page) == 1 and slider.input_value() != before
    page.keyboard.press("ArrowDown")
    assert slide(page) == 2
    assert slider.input_value() != before


def test_all_keys_are_the_decks_once_the_mouse_has_left(open_deck, file_of):
    page, frame = open_deck(file_of("cvae-onehot"), ".stage[data-shown]")
    slider = frame.locator("input[type=range]").first
    drag(page, slider)
    before = slider.input_value()
    page.mouse.move(2, 2, steps=3)
    page.keyboard.press("ArrowRight")
    assert slide(page) == 2 and slider.input_value() == before
    page.evaluate("Reveal.slide(1)")
    drag(page, slider)
    page.keyboard.press("ArrowLeft")
    assert slide(page) == 1


def test_a_button_keeps_no_key_of_the_deck(open_deck, file_of):
    page, frame = open_deck(file_of("vae-dense-2d"), ".stage[data-shown]")
    frame.get_by_role("button", name="Random").click()
    page.keyboard.press("ArrowLeft")
    assert slide(page) == 0


def test_a_morph_rests_while_another_slide_is_shown(open_deck, file_of):
    page, frame = open_deck(file_of("vae-dense-2d"), ".stage[data-shown]")
    for _ in range(2):
        frame.get_by_role("button", name="Random").click()
        frame.get_by_role("button", name="Keep this point").click()
    frame.get_by_role("button", name="Play").click()
    place = lambda: frame.locator(".morph").get_attribute("data-shown")  # noqa: E731
    before = place()
    page.wait_for_timeout(500)
    assert place() != before
    page.evaluate("Reveal.slide(0)")
    page.wait_for_timeout(500)
    resting = place()
    page.wait_for_timeout(500)
    assert place() == resting
    page.evaluate("Reveal.slide(1)")
    page.wait_for_timeout(700)
    assert place() != resting


PAGES = [("Explore?", ".pad"), ("Generate?show=One+style%2C+ten+digits&", ".live[data-shown]")]


@pytest.mark.parametrize("path, selector", PAGES)
def test_a_page_of_the_app_gives_the_keys_back(open_deck, address, path, selector):
    page, frame = open_deck(f"{address}/{path}embed=true", selector)
    frame.locator("h1").first.click()
    page.keyboard.press("ArrowLeft")
    assert slide(page) == 0
    page.evaluate("Reveal.slide(1)")
    point = lambda: frame.locator(".live").first.get_attribute("data-shown")  # noqa: E731
    before = point()
    drag(page, frame.locator(".pad, input[type=range]").first)
    page.wait_for_timeout(500)
    dragged = point()
    page.keyboard.press("ArrowRight")
    assert slide(page) == 1 and len({before, dragged, point()}) == 3
    drag(page, frame.locator(".pad, input[type=range]").first)
    go_on_and_back(page)
