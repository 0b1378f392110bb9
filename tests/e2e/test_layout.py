"""Where the main thing of a page stands, how large it is, and that nothing moves once it is there."""

import pytest

from tests.e2e.serving import until_shown
from tests.e2e.test_app import poll
from tests.e2e.test_map import PHONE
from tests.e2e.test_touch import Finger

READY = "[data-testid=stApp][data-test-script-state=notRunning]"
MOVED = """window.moved = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.moved += entry.value; })
  .observe({ type: "layout-shift", buffered: true });"""
NOISY = "/Draw?task=Denoise&source=Generated+digit"
STEADY = {
    NOISY: ".sketch .pictures",
    "/Inpaint?digit_label=6": ".pad",
    "/Explore?view=The+whole+plane&side=12": "[data-testid=stImage] img",
    "/Faces?tool=Morph": ".steer canvas",
    "/Models?view=Side+by+side&a=vae-dense": ".st-key-pictures",
}


@pytest.mark.parametrize("path", STEADY)
def test_nothing_moves_when_a_page_comes(new_page, address, path):
    page = new_page(path, selector=READY, viewport={"width": 1280, "height": 720})
    page.add_init_script(MOVED)
    for _ in range(2):  # from then on the browser has Streamlit's files
        page.goto("about:blank")
        page.goto(address + path)
        until_shown(page, STEADY[path])
        page.wait_for_selector(READY)
        page.wait_for_timeout(1000)
    assert page.evaluate("window.moved") < 0.05


@pytest.mark.parametrize("path", [NOISY, "/Draw?source=Generated+digit&digit_label=5"])
def test_what_one_came_for_is_large_and_its_controls_are_in_view(new_page, path):
    page = new_page(path, selector=".sketch[data-shown]", viewport={"width": 1280, "height": 720})
    page.wait_for_selector(READY)
    pictures = [canvas.bounding_box() for canvas in page.locator(".pictures canvas").all()]
    small = pictures[0]["height"], pictures[-1]["height"]
    assert all(between["height"] > 1.7 * max(small) for between in pictures[1:-1])
    assert max(box["y"] for box in pictures) < page.locator(".st-key-pick_next button").bounding_box()["y"]
    controls = [box for each in page.locator(".stMain .stButtonGroup").all() if (box := each.bounding_box())]
    assert min(box["y"] for box in pictures) <= 200 and max(box["y"] + box["height"] for box in controls) <= 720


def test_a_page_shows_a_generated_digit_two_in_a_row_on_a_phone(new_page):
    page = new_page(NOISY, selector=".sketch[data-shown]", viewport={"width": 390, "height": 844})
    boxes = [canvas.bounding_box() for canvas in page.locator(".pictures canvas").all()]
    assert len(boxes) == 4 and min(box["width"] for box in boxes) > 150


PIXELS = """all => all.map((canvas) =>
  [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data].reduce((a, v) => a + v))"""
IN_VIEW = """all => all.every((node) => {
  const { top, bottom, left, width } = node.getBoundingClientRect(), root = node.getRootNode();
  const seen = root.elementFromPoint(left + width / 2, (top + bottom) / 2);
  return top >= 0 && bottom <= innerHeight && seen === node;
})"""


@pytest.mark.parametrize("path", ["/Draw", "/Draw?task=Denoise", "/Inpaint"])
def test_what_a_finger_draws_is_seen_while_it_draws(new_page, path):
    page = new_page(path, selector=".sketch[data-shown]", **PHONE)
    page.wait_for_selector(READY)
    finger, pictures = Finger(page), page.locator(".pictures canvas")
    page.locator(".pad").evaluate("pad => pad.scrollIntoView({ block: 'end' })")
    page.wait_for_timeout(300)
    pad, before = page.locator(".pad").bounding_box(), pictures.evaluate_all(PIXELS)
    x, y = pad["x"] + pad["width"] / 2, pad["y"] + 0.3 * pad["height"]
    finger.send("touchStart", (x, y))
    for step in range(1, 9):
        finger.send("touchMove", (x + 2 * step, y + 12 * step))
        page.wait_for_timeout(30)
    poll(page, lambda: pictures.evaluate_all(PIXELS) != before)  # the finger is still down
    assert pictures.evaluate_all(IN_VIEW) and page.locator(".pad").bounding_box() == pad
    assert pad["y"] + pad["height"] <= PHONE["viewport"]["height"]
    finger.send("touchEnd")
