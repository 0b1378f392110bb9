"""Pictures that the page decodes itself: every live control without the server, and the server where it cannot."""

import re

import numpy as np
import pytest
import torch

from cvae import checkpoints, tasks
from tests.e2e.test_app import FLAGSHIP, PAD, changes, middle, poll, shown

PIXELS = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
IS_HERE = "() => [...(window.__localModels ?? new Map()).values()].some((entry) => entry.model)"
STEERS = {
    "smile": ("/Faces?who=100", "Smiling", "a_Smiling"),
    "own": ("/Faces?tool=Own+slider&plus=1&minus=2&who=50", "Your direction", "own"),
    "morph": ("/Faces?tool=Morph&who=100&to=200", "How far", "t"),
}


def picture(page, selector: str, i: int = 0) -> np.ndarray:
    """Return what a canvas shows, (H, W, 3) int."""
    canvas = page.locator(selector).nth(i)
    height = int(canvas.get_attribute("height"))
    return np.array(canvas.evaluate(PIXELS)).reshape(height, -1, 4)[..., :3]


def decoded(name: str, page, label: int | None = None) -> np.ndarray:
    """Return torch's picture (H, W, 3) int of the point that the page shows."""
    u = torch.tensor([[float(v) for v in shown(page).split(",")]])
    x = tasks.decode(checkpoints.load_run(name), u, None if label is None else torch.tensor([label]))
    return x[0].mul(255).round().int().permute(1, 2, 0).expand(-1, -1, 3).numpy()


@pytest.fixture
def open_local(new_page):
    """Return a function that opens a page, waits until it has its model, and then forbids it to ask for pictures.

    Beside the page it returns what the page sends: requests, and messages to Python.
    """

    def open_page(path, selector=".live[data-shown]"):
        sent = []
        page = new_page("/", "[data-testid=stApp]")
        page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("a message")))
        page.goto(page.url.rstrip("/") + path)
        page.wait_for_selector(selector)
        page.wait_for_function(IS_HERE, timeout=30_000)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.route("**/api/decode*", lambda route: route.abort())
        page.on("request", lambda request: sent.append(request.url))
        sent.clear()
        return page, sent

    return open_page


def drag(page, sent: list[str], selector: str, steps: int = 6):
    """Drag from the middle of an element and stop after each step, where the caller looks; then let go."""
    x, y = middle(page, selector)
    page.mouse.move(x, y)
    page.mouse.down()
    sent.clear()
    for step in range(1, steps + 1):
        changes(page, page.mouse.move, x + 9 * step, y + 5 * step)
        yield step
    assert sent == []
    page.mouse.up()
    poll(page, lambda: sent)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    assert sent.count("a message") == 1 and not [url for url in sent if "/api/" in url]


DRAGS = {
    "pad": (PAD, ".pad", None),
    "slider": (f"{FLAGSHIP}&label=3", ".latents input[type=range]", 3),
    "slider with a name": (f"{FLAGSHIP}&label=3", ".named input[type=range]", 3),
    "pad of Home": ("/", ".pad", None),
}


@pytest.mark.parametrize("path, selector, label", DRAGS.values(), ids=DRAGS)
def test_a_drag_shows_what_torch_decodes_and_asks_nobody(open_local, path, selector, label):
    page, sent = open_local(path)
    name = page.evaluate("() => [...__localModels.keys()].at(-1).split(' ')[1]")
    for _ in drag(page, sent, selector):
        assert abs(picture(page, ".live canvas") - decoded(name, page, label)).max() <= 1


def test_ten_digits_of_one_style_follow_together(open_local):
    page, sent = open_local("/Generate?show=One+style%2C+ten+digits")
    for _ in drag(page, sent, "input[type=range]", 3):
        for digit in (0, 4, 9):
            assert abs(picture(page, ".live canvas", digit) - decoded("cvae-conv", page, digit)).max() <= 1


def tiles(page, i: int) -> np.ndarray:
    """Return the pictures of a strip, (7, 28, 28, 3) int: there each pixel is 4 x 4, and 6 lie between two pictures."""
    whole = picture(page, ".strips canvas", i)
    return np.stack([whole[2::4, start + 2 : start + 112 : 4] for start in range(0, whole.shape[1], 118)])


@pytest.mark.parametrize(
    "path, selector, label",
    [
        (f"{PAD}&view=Traversals", ".pad", None),
        (f"{FLAGSHIP}&label=3&view=Traversals", ".latents input[type=range] >> nth=4", 3),
    ],
)
def test_traversals_follow_a_drag_as_torch_decodes_them(open_local, path, selector, label):
    page, sent = open_local(path)
    page.locator(selector).evaluate("control => control.scrollIntoView({ block: 'start' })")  # else the rows wait
    name = page.evaluate("() => [...__localModels.keys()].at(-1).split(' ')[1]")
    labels = None if label is None else torch.tensor([label])
    names = page.locator(".strips figcaption").all_inner_texts()
    seen = set()
    for _ in drag(page, sent, selector, 3):
        poll(page, lambda: page.locator(".strips").get_attribute("data-shown") == shown(page))
        u = torch.tensor([float(v) for v in shown(page).split(",")])
        for i in (0, len(names) - 1):
            dim = int(names[i][1:]) - 1
            wanted = tasks.traverse(checkpoints.load_run(name), u, [dim], torch.linspace(-3, 3, 7), labels)[0]
            levels = wanted.mul(255).round().int().permute(0, 2, 3, 1).numpy()
            assert abs(tiles(page, i) - levels).max() <= 1
        seen.add(tiles(page, 1).tobytes())
    assert len(seen) == 3


@pytest.mark.parametrize("path, slider, parameter", STEERS.values(), ids=STEERS)
def test_sliders_of_faces_show_what_the_server_would(open_local, new_page, path, slider, parameter):
    page, sent = open_local(path, ".steer[data-shown]")
    x, y = middle(page, f"input[aria-label='{slider}']")
    page.mouse.move(x, y)
    page.mouse.down()
    sent.clear()
    seen = set()
    for step in range(1, 6):
        before = page.locator(".steer").get_attribute("data-shown")
        page.mouse.move(x + 14 * step, y)
        poll(page, lambda before=before: page.locator(".steer").get_attribute("data-shown") != before)
        seen.add(picture(page, ".steer canvas", 1).tobytes())
    assert sent == [] and len(seen) == 5
    page.mouse.up()
    page.wait_for_url(f"**{parameter}=*")
    values = page.locator(".steer").get_attribute("data-shown")
    there = new_page("/", "[data-testid=stApp]")
    there.route("**/api/program*", lambda route: route.abort())
    there.goto(page.url)
    there.wait_for_selector(f".steer[data-shown='{values}']")
    assert not there.evaluate(IS_HERE)
    assert abs(picture(page, ".steer canvas", 1) - picture(there, ".steer canvas", 1)).max() <= 1


def content_of(file: str, change):
    """Return what answers the requests for a file with its content changed."""
    path = checkpoints.run_dir("vae-dense-2d") / file
    return f"**/{file}", lambda route: route.fulfill(status=200, body=change(path.read_bytes()))


TROUBLE = {
    "damaged weights": (content_of("model.safetensors", lambda b: b[: len(b) // 2]), "", "damaged"),
    "newer program": (content_of("program.json", lambda b: b.replace(b'mat":1', b'mat":9')), "", "newer version"),
    "unknown step": (content_of("program.json", lambda b: b.replace(b'"linear"', b'"quantum"')), "", "does not know"),
    "no WebAssembly": (None, "delete window.WebAssembly", "no WebAssembly"),
    "memory refused": (None, "WebAssembly.Memory.prototype.grow = () => { throw new RangeError(); }", "more memory"),
}


@pytest.mark.parametrize("change, script, sentence", TROUBLE.values(), ids=TROUBLE)
def test_where_the_page_cannot_the_server_decodes_and_one_line_says_so(browser, address, change, script, sentence):
    page, asked, said = browser.new_page(), [], []
    page.on("request", lambda request: "/api/decode" in request.url and asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"escaped: {error}"))
    if script:
        page.add_init_script(script)
    if change:
        page.route(*change)
    page.goto(address + PAD)
    page.wait_for_selector(".live[data-shown]")
    poll(page, lambda: any("The server decodes instead" in line for line in said), 30_000)
    before = len(asked)
    changes(page, page.locator(".pad").press, "ArrowRight")
    assert len(asked) > before and abs(picture(page, ".live canvas") - decoded("vae-dense-2d", page)).max() == 0
    poll(page, lambda: sentence in page.locator(".live .status").inner_text())
    assert len([line for line in said if sentence in line]) == 1 and not [line for line in said if "escaped" in line]
    page.close()


def test_without_simd_it_is_plain_javascript_and_says_so_once(browser, address):
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.route("**/kernel.wasm", lambda route: route.fulfill(status=200, body=b"no kernel"))
    page.goto(address + PAD)
    page.wait_for_function(IS_HERE)
    page.route("**/api/decode*", lambda route: route.abort())
    for key in ("ArrowRight", "ArrowUp"):
        changes(page, page.locator(".pad").press, key)
        assert abs(picture(page, ".live canvas") - decoded("vae-dense-2d", page)).max() <= 1
    assert len([line for line in said if "plain JavaScript" in line]) == 1
    page.close()


def test_what_the_runtime_needs_is_fetched_once_and_after_the_first_picture(new_page, address):
    page, order = new_page("/Models", ".zoo"), []
    page.on("request", lambda request: order.append(re.sub(r".*/api/|kept/\w+/|\?.*", "", request.url)))
    page.goto(address + PAD)
    page.wait_for_function(IS_HERE)
    mine = [name for name in order if not name.startswith(("http", "blob", "map"))]
    assert mine[:2] == ["decode", "program"]
    of_model = ["vae-dense-2d/model.safetensors", "vae-dense-2d/program.json"]
    assert sorted(mine[2:]) == ["kernel.wasm", "runtime.js", *of_model]
    order.clear()
    page.get_by_role("button", name="Random point").click()
    page.wait_for_url("**z=*")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    assert not [name for name in order if name.startswith(("decode", "program", "vae-dense-2d"))]
