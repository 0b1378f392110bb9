"""Draw and Inpaint in a real browser: mouse, finger and keys on the canvas, uploads, holes, links."""

import io
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.e2e.test_app import poll
from ui.shell import sketch

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
THREE = [(0.3, 0.3), (0.45, 0.2), (0.62, 0.25), (0.65, 0.4), (0.5, 0.5)]
THREE += [(0.63, 0.58), (0.66, 0.72), (0.5, 0.82), (0.3, 0.75)]
PIXELS = """all => all.map(c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data))"""


def pictures(page) -> np.ndarray:
    """Return what the canvas's pictures show, (N, 28, 28, 3) uint8."""
    found = page.locator(".pictures canvas").evaluate_all(PIXELS)
    return np.array(found, np.uint8).reshape(-1, 28, 28, 4)[..., :3]


def on(page, points) -> list[tuple[float, float]]:
    """Return places on the pad, given in [0, 1], as places on the screen."""
    page.locator(".pad").last.scroll_into_view_if_needed()
    box = page.locator(".pad").last.bounding_box()
    return [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]


def draw(page, points=THREE, watch=None) -> None:
    """Draw a stroke with the mouse; `watch` is called after every move."""
    (x, y), *rest = on(page, points)
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=4)
        if watch:
            watch()
    page.mouse.up()


def are_alike(page, other) -> bool:
    """Tell whether two pages show the same pictures, which one may have made itself and the server for the other."""
    ours, theirs = pictures(page).astype(int), pictures(other)
    return ours.shape == theirs.shape and abs(ours[0] - theirs[0]).max() <= 2 and abs(ours - theirs).mean() < 0.2


def is_empty(page) -> bool:
    return page.locator(".sketch.empty").count() == 1


def settled(page) -> None:
    """Wait for the careful answer of the server to a finished stroke."""
    expect(page.get_by_text("It reads as")).to_be_visible(timeout=15_000)


def test_pictures_follow_the_pen_and_undo_takes_it_back(new_page):
    page = new_page("/Draw")
    assert not is_empty(page)  # a sample
    seen = []

    def watch():
        old = seen[-1].tobytes() if seen else b""
        poll(page, lambda: not is_empty(page) and pictures(page).tobytes() != old)
        seen.append(pictures(page))

    draw(page, watch=watch)
    settled(page)
    # a reconstruction at every move, before the pen is lifted
    assert len(seen) == len(THREE) - 1 and seen[-1][1].max() > 200
    expect(page.locator(".line.best b")).to_have_text("3")
    whole = pictures(page)
    draw(page, [(0.1, 0.1), (0.1, 0.9)])
    poll(page, lambda: (pictures(page)[0] != whole[0]).any())
    page.get_by_role("button", name="Undo").click()
    poll(page, lambda: (pictures(page)[0] == whole[0]).all())
    page.locator(".pad").focus()
    page.keyboard.press("Control+z")
    poll(page, lambda: is_empty(page) and "ink=" not in page.url)
    page.keyboard.press("Control+y")
    poll(page, lambda: not is_empty(page) and (pictures(page)[0] == whole[0]).all())


def test_eraser_and_clear(new_page):
    page = new_page("/Draw")
    draw(page)
    settled(page)
    whole = pictures(page)[0]
    page.get_by_role("button", name="Eraser").click()
    page.get_by_role("button", name="Thick pen").click()
    draw(page, [(0.2, 0.75), (0.7, 0.8)])
    poll(page, lambda: (pictures(page)[0] != whole).any())
    page.get_by_role("button", name="Clear").click()
    poll(page, lambda: is_empty(page))
    page.get_by_role("button", name="Undo").click()
    poll(page, lambda: not is_empty(page))


def test_a_finger_draws_and_the_page_stays(new_page):
    page = new_page("/Draw", **PHONE)
    places = on(page, THREE)
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    top = page.evaluate(scrolled)
    touch = page.context.new_cdp_session(page)
    for i, (x, y) in enumerate(places):
        kind = "touchMove" if i else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    poll(page, lambda: not is_empty(page) and pictures(page)[1].max() > 100)  # while the finger is still down
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settled(page)
    assert page.evaluate(scrolled) == top


def test_keys_draw(new_page):
    page = new_page("/Draw")
    page.locator(".pad").focus()
    for key in ("ArrowUp", " ", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown", " "):
        page.keyboard.press(key)
    settled(page)
    assert pictures(page)[0].any()


def test_a_link_holds_the_drawing(new_page):
    page = new_page("/Draw")
    draw(page)
    settled(page)
    page.wait_for_url("**ink=*")
    page.wait_for_timeout(300)
    there = new_page(page.url[page.url.index("/Draw") :])
    poll(there, lambda: are_alike(there, page))
    page.reload()
    settled(page)
    poll(page, lambda: are_alike(page, there))


def photo() -> bytes:
    """Return a pen stroke on unevenly lit paper as a JPEG file."""
    light = np.linspace(250, 150, 600)[None].repeat(800, 0).astype(np.uint8)
    picture = Image.fromarray(light).convert("RGB")
    ImageDraw.Draw(picture).line([(180, 200), (420, 200), (260, 620)], fill=(30, 30, 90), width=16, joint="curve")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def test_an_upload_is_read_and_a_broken_one_is_explained(new_page):
    page = new_page("/Draw?source=Upload", selector="[data-testid=stFileUploader]")
    chooser = page.locator("[data-testid=stFileUploader] input[type=file]")
    chooser.set_input_files({"name": "text.png", "mimeType": "image/png", "buffer": b"this is text"})
    expect(page.get_by_role("alert").first).to_be_visible()
    page.get_by_role("button", name="Remove").first.click()
    chooser.set_input_files({"name": "seven.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    settled(page)
    expect(page.get_by_text("28 x 28 by mass")).to_be_visible()
    expect(page.locator(".line.best b")).to_have_text("7")


def test_cleaning_follows_the_pen(new_page):
    page = new_page("/Draw?task=Denoise")
    seen = set()
    draw(page, watch=lambda: (poll(page, lambda: not is_empty(page)), seen.add(pictures(page)[2].tobytes())))
    assert len(seen) > 3
    expect(page.locator("figcaption small").nth(2)).to_contain_text("dB")
    before = pictures(page)[1]
    page.get_by_role("slider", name="Standard deviation of the noise").press("ArrowRight")
    poll(page, lambda: (pictures(page)[1] != before).any())


def test_a_painted_hole_is_completed_and_the_rest_kept(new_page):
    page = new_page("/Inpaint?digit_label=5", selector=".pad")
    poll(page, lambda: pictures(page).any())
    page.get_by_role("button", name="Clear").click()
    poll(page, lambda: is_empty(page))
    digit = np.array(page.locator(".pad").evaluate(PAD), np.uint8)
    seen = set()
    draw(page, [(0.3, 0.3), (0.7, 0.45), (0.35, 0.6)],
         watch=lambda: (poll(page, lambda: not is_empty(page)), seen.add(pictures(page).tobytes())))  # fmt: skip
    assert len(seen) == 2
    page.wait_for_url("**hole=*")
    page.wait_for_timeout(500)
    found = pictures(page)
    assert len({f.tobytes() for f in found[:8]}) == 8
    hole = sketch.unpack_bits(sketch.lengthen(parse_qs(urlsplit(page.url).query)["hole"][0], 28), 28)
    assert digit.any() and (found[:8, ~hole, 0] == digit[~hole]).all()  # visible pixels are those of the input
    assert found[9, hole].any() and not found[9, ~hole].any()  # the heat map is black where all agree
    page.get_by_role("button", name="Eight more").click()
    poll(page, lambda: (pictures(page)[:8] != found[:8]).any())
    assert (pictures(page)[0][~hole] == found[0][~hole]).all()


PAD = """pad => {
  const d = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height).data, cell = pad.width / 28;
  return Array.from({length: 28}, (_, r) => Array.from({length: 28}, (_, c) =>
    d[4 * (Math.floor((r + 0.5) * cell) * pad.width + Math.floor((c + 0.5) * cell))]));
}"""


@pytest.mark.parametrize("preset", ["Centre", "3 quadrants"])
def test_a_preset_hole_and_a_hint(new_page, preset):
    page = new_page("/Inpaint", selector=".pad")
    poll(page, lambda: pictures(page).any())
    before = pictures(page)
    page.get_by_role("button", name=preset).click()
    poll(page, lambda: (pictures(page) != before).any())
    before = pictures(page)
    page.get_by_role("radio", name="6", exact=True).last.click()
    poll(page, lambda: (pictures(page) != before).any())


def test_without_the_route_python_sends_the_pictures(new_page, browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/api/sketch*", lambda route: route.fulfill(status=404, body="Not found"))
    page.goto(address + "/Draw")
    page.wait_for_selector(".pad")
    draw(page)
    settled(page)
    poll(page, lambda: pictures(page)[1].max() > 200)
    page.get_by_role("button", name="Clear").click()
    poll(page, lambda: is_empty(page))
    context.close()


def test_two_tabs_do_not_share_a_drawing(new_page):
    first, second = new_page("/Draw"), new_page("/Draw")
    draw(first)
    settled(first)
    assert "ink=" not in second.url


def test_targets_are_large_and_nothing_is_wider_than_a_phone(new_page):
    both = "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
    wide = f"{both}.map(e => e.scrollWidth - e.clientWidth)"
    for path in ("/Draw", "/Draw?task=Denoise&source=Generated+digit", "/Inpaint"):
        page = new_page(path, selector=".sketch", **PHONE)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        assert page.evaluate(wide) == [0, 0], path
        sizes = [button.bounding_box() for button in page.locator(".tools button").all()]
        assert all(min(size["width"], size["height"]) >= 44 for size in sizes if size)


def test_the_way_to_inpaint_carries_the_digit_over(new_page):
    page = new_page("/Draw?source=Generated+digit&digit_label=3&pick=5", selector=".seen")
    page.get_by_role("link", name="Hide a part of it").click()
    page.wait_for_url("**/Inpaint?*")
    page.wait_for_selector(".pad")
    assert parse_qs(urlsplit(page.url).query) == {"digit_label": ["3"], "pick": ["5"]}


@pytest.mark.parametrize("screen", [{}, PHONE])
@pytest.mark.parametrize("label", [0, 1, 8])
def test_what_the_histogram_says_of_the_picture_lies_on_none_of_its_bars(new_page, screen, label):
    page = new_page(
        f"/Draw?source=Generated+digit&digit_label={label}", selector="[aria-label*='lie between']", **screen
    )
    chart = page.locator("[aria-label*='lie between'] > div").first
    # all in one look: the page may still move as a whole
    text_end, bars = chart.evaluate(
        """chart => {
            const boxes = [...chart.children].map(child => child.getBoundingClientRect());
            return [chart.querySelector("span").getBoundingClientRect().bottom, boxes.slice(0, -1)];
        }"""
    )
    assert len(bars) == 60 and max(bar["height"] for bar in bars) > 90
    assert all(bar["y"] >= text_end - 1 for bar in bars)
