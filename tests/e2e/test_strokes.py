"""What is drawn outlives changes of task and page, reloads, and browsers that hide the pixels of a canvas."""

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.conftest import ROOT
from tests.e2e.test_app import poll
from tests.e2e.test_drawing import draw, is_empty, settled
from ui.shell import sketch
from ui.widgets import bridge

SEVEN = [(0.25, 0.25), (0.72, 0.22), (0.5, 0.55), (0.42, 0.85)]
BAR = [(0.3, 0.55), (0.68, 0.5)]
WIDGETS = ROOT / "ui" / "widgets"
SHARP = """pad => { // shades between ink and ground, which a line has along its edge and squares have not
  const d = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height).data;
  return d.filter((v, i) => i % 4 === 0 && v > 20 && v < 235).length;
}"""


def shot(page, pad: int = -1) -> bytes:
    """Return what a pad shows, as its own pixels."""
    return page.locator(".pad").nth(pad).evaluate("pad => pad.toDataURL()")


def bitmap(page, parameter: str, side: int) -> np.ndarray:
    """Return the bitmap (side, side) in the address."""
    return sketch.unpack_bits(sketch.lengthen(parse_qs(urlsplit(page.url).query)[parameter][0], side), side)


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).last.click()


def quiet(page) -> None:
    """Wait for the server to have nothing more to do."""
    page.wait_for_timeout(300)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def write(page) -> bytes:
    """Draw a seven with a bar, erase a part of it, take one more stroke back; return what the pad shows."""
    draw(page, SEVEN)
    draw(page, BAR)
    press(page, "Eraser")
    press(page, "Thin pen")
    draw(page, [(0.6, 0.1), (0.65, 0.9)])
    draw(page, [(0.1, 0.8), (0.9, 0.8)])
    press(page, "Undo")
    settled(page)
    page.mouse.move(1, 1)
    quiet(page)
    return shot(page)


def is_whole(page, drawn: bytes) -> None:
    """Fail unless the drawing of write() is there, with its history in both directions and its tool."""
    page.wait_for_selector(".pad")
    poll(page, lambda: shot(page) == drawn)
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Thin pen")).to_have_attribute("aria-pressed", "true")
    press(page, "Redo")
    poll(page, lambda: shot(page) != drawn)
    for _ in range(4):
        press(page, "Undo")
    poll(page, lambda: is_empty(page) and "ink=" not in page.url)
    for _ in range(3):
        press(page, "Redo")
    poll(page, lambda: shot(page) == drawn and "ink=" in page.url)
    quiet(page)


def test_strokes_outlive_a_task_a_page_and_a_reload(new_page):
    page = new_page("/Draw")
    drawn = write(page)
    assert page.locator(".pad").evaluate(SHARP) > 1000
    page.get_by_role("radio", name="Denoise").click()
    expect(page.locator("figcaption").first).to_have_text("Clean")
    is_whole(page, drawn)
    page.get_by_role("radio", name="Reconstruct").click()
    expect(page.locator("figcaption").first).to_contain_text("What the model sees")
    is_whole(page, drawn)
    page.reload()
    settled(page)
    is_whole(page, drawn)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Generate").click()
    page.wait_for_selector("[data-testid=stImage] img")
    assert "ink=" not in page.url
    page.get_by_test_id("stSidebar").get_by_role("link", name="Draw").click()
    settled(page)
    is_whole(page, drawn)
    page.get_by_role("link", name="Hide a part of it").click()
    page.wait_for_url("**/Inpaint?*")
    page.wait_for_selector(".pad >> nth=1")
    poll(page, lambda: shot(page, 0) == drawn)
    page.go_back()
    settled(page)
    is_whole(page, drawn)


def test_a_drawing_goes_from_page_to_page_with_its_strokes(new_page):
    page = new_page("/Draw")
    drawn = write(page)
    own = bitmap(page, "ink", 80)
    for link, there, pad in (
        ("See where it lands", "Map", ".sketch .pad"),
        ("Hide a part of it", "Inpaint", ".pad >> nth=1"),
        ("Reconstruct and read", "Draw", ".sketch .pad"),
    ):
        page.get_by_role("link", name=link).click()
        page.wait_for_url(f"**/{there}?*")
        page.wait_for_selector(pad)
        poll(page, lambda: shot(page, 0) == drawn)
        assert (bitmap(page, "ink", 80) == own).all()
        if there == "Map":
            page.wait_for_selector(".plot[data-mine]:not([data-mine=''])")  # the pin
    settled(page)
    is_whole(page, drawn)  # with what can be undone


def test_a_link_to_another_drawing_takes_the_place_of_the_strokes(new_page):
    other = new_page("/Draw")
    draw(other, BAR)
    settled(other)
    quiet(other)
    link = other.url
    page = new_page("/Draw")
    drawn = write(page)
    own = page.url
    page.goto(link)
    settled(page)
    assert (bitmap(page, "ink", 80) == bitmap(other, "ink", 80)).all() and shot(page) != drawn
    assert page.locator(".pad").evaluate(SHARP) == 0  # squares, for a link holds no strokes
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.go_back()
    settled(page)
    poll(page, lambda: page.url == own)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    new = new_page(own[own.index("/Draw") :])
    poll(new, lambda: shot(new) == shot(page))


def test_two_tabs_of_one_browser_do_not_mix(new_page):
    page = new_page("/Draw")
    drawn = write(page)
    other = page.context.new_page()
    other.goto(page.url.split("?")[0])
    other.wait_for_selector(".pad")
    assert "ink=" not in other.url
    draw(other, BAR)
    settled(other)
    page.reload()
    settled(page)
    poll(page, lambda: shot(page) == drawn)


def test_a_painted_hole_keeps_its_strokes_and_its_brush(new_page):
    page = new_page("/Inpaint?digit_label=4", selector=".pad")
    press(page, "Clear")
    poll(page, lambda: is_empty(page))
    press(page, "Thick brush")
    draw(page, [(0.2, 0.3), (0.5, 0.4)])
    press(page, "Thin brush")
    draw(page, [(0.5, 0.6), (0.7, 0.8)])
    page.wait_for_url("**hole=*")
    page.mouse.move(1, 1)
    quiet(page)
    painted, hole = shot(page), bitmap(page, "hole", 28)
    for leave in (page.reload, lambda: away(page)):
        leave()
        page.wait_for_selector(".pad")
        page.wait_for_url("**hole=*")
        poll(page, lambda: (bitmap(page, "hole", 28) == hole).all())
        expect(page.get_by_role("button", name="Thin brush")).to_have_attribute("aria-pressed", "true")
        press(page, "Undo")
        poll(page, lambda: "hole=" in page.url and bitmap(page, "hole", 28).sum() < hole.sum())
        press(page, "Redo")
        poll(page, lambda: (bitmap(page, "hole", 28) == hole).all())
        quiet(page)
    page.get_by_role("button", name="Centre").click()  # a hole that is not the strokes'
    poll(page, lambda: shot(page) != painted and (bitmap(page, "hole", 28) != hole).any())
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def away(page) -> None:
    """Go to another page and come back by the menu."""
    menu = page.get_by_test_id("stSidebar")
    menu.get_by_role("link", name="Models").click()
    page.wait_for_selector(".zoo")
    menu.get_by_role("link", name="Inpaint").click()


def test_a_stroke_survives_a_reload_at_once(new_page):
    page = new_page("/Draw")
    draw(page, SEVEN)
    settled(page)
    quiet(page)
    page.route("**/api/sketch*", lambda route: None)  # the server is slow to answer
    before = page.url
    draw(page, BAR)
    page.mouse.move(1, 1)
    poll(page, lambda: page.url != before)
    drawn = bitmap(page, "ink", 80)
    page.unroute("**/api/sketch*")
    page.reload()
    settled(page)
    assert (bitmap(page, "ink", 80) == drawn).all() and page.locator(".pad").evaluate(SHARP) > 1000
    press(page, "Undo")
    poll(page, lambda: (bitmap(page, "ink", 80) != drawn).any())


def test_a_drawing_goes_on_while_the_server_still_answers(new_page):
    page = new_page("/Draw")
    for k in range(6):
        draw(page, [(0.2, 0.15 + 0.12 * k), (0.8, 0.15 + 0.12 * k)])
    settled(page)
    quiet(page)
    for _ in range(6):
        expect(page.get_by_role("button", name="Undo")).to_be_enabled()
        press(page, "Undo")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    poll(page, lambda: is_empty(page) and "ink=" not in page.url)
    page.locator(".pad").focus()
    page.keyboard.press("Control+z")  # nothing is left to take back
    assert is_empty(page)


FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }"
BLOCKED = "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError') } })"


@pytest.mark.parametrize("trouble", [FULL, BLOCKED])
def test_a_browser_that_keeps_nothing_draws_too(browser, address, trouble):
    context = browser.new_context()
    page, complaints = context.new_page(), []
    page.add_init_script(trouble)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address + "/Draw")
    page.wait_for_selector(".pad")
    draw(page, SEVEN)
    settled(page)
    page.wait_for_url("**ink=*")
    ink = bitmap(page, "ink", 80)
    page.reload()
    settled(page)
    assert (bitmap(page, "ink", 80) == ink).all()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    assert not complaints
    context.close()


def test_what_is_kept_of_a_drawing_is_bounded_and_may_be_spoiled(new_page):
    page = new_page("/Draw")
    page.evaluate("sessionStorage.setItem('/ink-80', '{\"strokes\": 5}')")
    page.reload()
    page.wait_for_selector(".pad")
    draw(page, SEVEN)
    settled(page)
    quiet(page)
    assert 50 < page.evaluate("sessionStorage.getItem('/ink-80').length") < 5000
    page.evaluate("""() => {
      const kept = JSON.parse(sessionStorage.getItem('/ink-80')), [stroke] = kept.strokes;
      kept.strokes = Array(9).fill({ ...stroke, points: stroke.points.flatMap((point) => Array(500).fill(point)) });
      sessionStorage.setItem('/ink-80', JSON.stringify(kept));
    }""")
    page.reload()
    settled(page)
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    draw(page, BAR)
    poll(page, lambda: page.evaluate("sessionStorage.getItem('/ink-80')") is None)


STROKE = {"width": 40, "erase": False, "points": [[90, 90], [300, 300]]}
KEPT = {"base": "", "strokes": [STROKE], "undone": [STROKE], "size": 1, "erasing": False, "own": True}


@pytest.mark.parametrize(
    "spoiled",
    [
        *({"undone": other} for other in (None, [{"width": 40, "points": []}], [STROKE | {"points": [["a", 1], [2]]}])),
        *({"size": other} for other in (None, 3)),
        {"erasing": "yes"},
        {"base": "!"},
    ],
)
def test_a_pad_works_whatever_its_tab_remembers(new_page, spoiled):
    page = new_page("/Draw")
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.evaluate("kept => sessionStorage.setItem('/ink-80', JSON.stringify(kept))", KEPT | spoiled)
    page.reload()
    page.wait_for_selector(".pad")
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()  # an undone stroke that is none cannot come back
    draw(page, BAR)
    settled(page)
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    assert not errors and not is_empty(page)


HIDING = """for (const kind of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
  const hidden = (w, h) => Uint8ClampedArray.from({ length: 4 * w * h }, () => SHADE);
  kind.prototype.getImageData = (x, y, w, h) => new ImageData(hidden(w, h), w, h);
}"""


@pytest.mark.parametrize("shade", ["255", "256 * Math.random()"])
def test_hidden_pixels_do_not_hide_the_drawing(new_page, browser, address, shade):
    drawings = []
    for script in ("", HIDING.replace("SHADE", shade)):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(script)
        page.goto(address + "/Draw")
        page.wait_for_selector(".pad")
        draw(page, SEVEN)
        settled(page)
        page.wait_for_url("**ink=*")
        expect(page.locator(".line.best b")).to_have_text("7")
        drawings.append(bitmap(page, "ink", 80))
        context.close()
    assert (drawings[0] == drawings[1]).all()


BOTH = """([grid, side, strokes]) => { // the bitmap, and what share of each square the browser's own canvas covers
  const bitmap = makeBitmap(grid, side), ink = new OffscreenCanvas(side, side).getContext('2d'), cell = side / grid;
  ink.lineCap = ink.lineJoin = 'round';
  for (const stroke of strokes) {
    bitmap.mark(stroke, 0);
    ink.globalCompositeOperation = stroke.erase ? 'destination-out' : 'source-over';
    ink.lineWidth = stroke.width;
    ink.beginPath();
    stroke.points.forEach((point) => ink.lineTo(...point));
    ink.stroke();
  }
  const alpha = ink.getImageData(0, 0, side, side).data, shares = Array(grid * grid).fill(0);
  const square = (i) => Math.floor(i / side / cell) * grid + Math.floor((i % side) / cell);
  for (let i = 0; i < side * side; i++) shares[square(i)] += alpha[4 * i + 3] / 255 / cell ** 2;
  return [Array.from(bitmap.bits()), shares];
}"""


@pytest.mark.parametrize(("grid", "side"), [(80, 560), (28, 560), (64, 576)])
def test_the_bitmap_is_that_of_the_browsers_own_canvas(browser, grid, side):
    page = browser.new_page()
    page.goto("about:blank")
    page.add_script_tag(content=bridge.script(WIDGETS / "canvas" / "strokes.js"))
    rng = np.random.default_rng(grid)
    for _ in range(5):
        ways = np.concatenate([rng.uniform(0, side, (6, 1, 2)), rng.normal(0, side / 12, (6, 20, 2))], 1).cumsum(1)
        widths = rng.uniform(0.05, 0.2, 6) * side
        strokes = [{"points": ways[i].tolist(), "width": float(widths[i]), "erase": i > 3} for i in range(6)]
        packed, shares = page.evaluate(BOTH, [grid, side, strokes])
        bits = np.unpackbits(np.array(packed, np.uint8), count=grid * grid).astype(bool)
        shares = np.array(shares)
        assert bits.any() and not bits.all()
        clear = abs(shares - 0.5) > 0.17  # nine samples tell such squares for certain
        assert (bits == (shares > 0.5))[clear].all() and clear.mean() > 0.9
    page.close()
