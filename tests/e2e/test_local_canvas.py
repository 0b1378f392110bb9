"""Pictures of the canvas that the page makes itself: reconstruction and reading, cleaning, and completions."""

from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import torch

from tests.e2e.test_app import poll
from tests.e2e.test_drawing import THREE, draw, pictures
from tests.e2e.test_local import IS_HERE
from ui.shell import sketch

DIGITS = "() => performance.getEntriesByType('resource').some((entry) => entry.name.endsWith('/digits.js'))"


@pytest.fixture
def open_canvas(new_page):
    """Return a function that opens a page, makes one stroke, waits for the model, and then forbids to ask the server.

    Beside the page it returns the last question to the server, and a list of those to come.
    """

    def open_page(path, mode, first):
        page, asked = new_page("/", "[data-testid=stApp]"), []
        page.on("request", lambda request: "/api/sketch" in request.url and asked.append(request.url))
        page.goto(page.url.rstrip("/") + path)
        page.wait_for_selector(".sketch .pad")
        if mode == "hole":
            page.wait_for_selector(".sketch[data-shown]")
        draw(page, first)
        page.wait_for_function(IS_HERE, timeout=60_000)
        if mode == "ink":
            page.wait_for_function(DIGITS)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.route("**/api/sketch*", lambda route: route.abort())
        query = dict(parse_qsl(urlsplit(asked[-1]).query)) if asked else {}
        asked.clear()
        return page, query, asked

    return open_page


def follow(page, points) -> int:
    """Draw a stroke and return how many different pictures were seen."""
    seen = set()
    draw(page, points, lambda: seen.add(pictures(page).tobytes()))
    return len(seen)


def answered(page, query, mode: str, side: int) -> sketch.Answer:
    """Return what the server says of the bitmap in the page's address."""
    poll(page, lambda: f"{mode}=" in page.url)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    short = dict(parse_qsl(urlsplit(page.url).query))[mode]
    return sketch.answer(query | {"bits" if mode == "ink" else mode: sketch.lengthen(short, side)})


@pytest.mark.parametrize("model", ["cvae-conv", "vae-conv"])
def test_a_drawing_is_reconstructed_and_read_without_the_server(open_canvas, model):
    page, _, asked = open_canvas(f"/Draw?model={model}", "ink", THREE[:4])
    assert follow(page, THREE[3:]) >= 3 and not asked
    wanted = answered(page, {"task": "reconstruct", "model": model}, "ink", sketch.INK)
    apart = abs(pictures(page).astype(int) - wanted.pictures.astype(int))
    assert apart[0].max() <= 2 and apart.mean() < 0.2
    assert not asked
    notes = page.locator(".pictures small").all_inner_texts()
    assert float(notes[1].split()[1]) == pytest.approx(float(wanted.notes[1].split()[1]), abs=2e-4)
    if wanted.scores:
        bars = page.locator(".bars .line.best b").inner_text()
        assert int(bars) == int(np.argmax(wanted.scores))


SPOILS = {
    "gaussian": ("Gaussian", 0.35),
    "salt-and-pepper": ("Salt and pepper", 0.2),
    "blur": ("Blur", 1.2),
    "strokes": ("Strokes", 4.0),
}


@pytest.mark.parametrize("kind", SPOILS)
@pytest.mark.parametrize("model", ["cvae-conv", "vae-dense-2d"])
def test_a_drawing_is_spoiled_and_cleaned_without_the_server(open_canvas, kind, model):
    noise, strength = SPOILS[kind]
    path = f"/Draw?model={model}&task=Denoise&noise={noise.replace(' ', '+')}&{kind}={strength}&noise_seed=7"
    page, _, asked = open_canvas(path, "ink", THREE[:4])
    assert follow(page, THREE[3:]) >= 3 and not asked
    query = {"task": "denoise", "model": model, "denoiser": "dae-conv", "kind": kind, "strength": str(strength)}
    query["seed"] = "7"
    sent = answered(page, query, "ink", sketch.INK)
    made = pictures(page).astype(int)
    assert abs(made[0] - sent.pictures[0].astype(int)).max() <= 2  # strokes are prepared in two ways
    seen = torch.from_numpy(made[None, None, 0, :, :, 0]) / 255
    wanted = sketch.answer(query | {"digit": sketch.pack_digit(seen)})
    assert abs(made - wanted.pictures.astype(int)).max() <= 1
    assert page.locator(".pictures small").all_inner_texts() == wanted.notes
    assert not asked


def test_without_webassembly_the_server_answers_and_one_line_says_so(browser, address):
    page, said = browser.new_page(), []
    page.on("console", lambda message: "no WebAssembly" in message.text and said.append(message.text))
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{address}/Draw?task=Denoise")
    page.wait_for_selector(".sketch .pad")
    draw(page, THREE[:4])
    poll(page, lambda: "The server decodes instead" in page.locator(".sketch .status").inner_text(), 30_000)
    before = pictures(page).tobytes()
    draw(page, THREE[3:])
    poll(page, lambda: pictures(page).tobytes() != before)
    assert len(said) == 1  # of two models
    page.close()


def test_where_rounds_are_needed_the_server_completes_and_one_line_says_so(new_page):
    page = new_page("/Inpaint?model=vae-conv", ".sketch[data-shown]")
    said = page.locator(".sketch .status").last
    poll(page, lambda: "20 rounds of encoding and decoding; the server does that" in said.inner_text())


@pytest.mark.parametrize("model", ["cvae-inpaint", "cvae-inpaint-center"])
def test_a_hole_is_completed_without_the_server(open_canvas, model):
    page, query, asked = open_canvas(f"/Inpaint?model={model}", "hole", [(0.2, 0.3), (0.4, 0.35)])
    assert follow(page, [(0.5, 0.4), (0.6, 0.5), (0.75, 0.5)]) >= 2 and not asked
    wanted = answered(page, query, "hole", 28)
    assert abs(pictures(page).astype(int) - wanted.pictures.astype(int)).max() <= 1
    assert not asked
