"""The crop box on an uploaded picture: dragged by mouse, finger and keys, it decides what is read."""

import io
import re

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.e2e.serving import ROOT
from tests.e2e.test_axe import AXE, OBJECTIONS
from tests.e2e.test_map import PHONE
from tests.e2e.test_touch import SCROLLED, Finger

RESTS = "[data-testid=stApp][data-test-script-state=notRunning]"
HANDLES = """all => all.map(c => c.getBoundingClientRect())
  .map(r => [r.width, r.height, r.left >= 0 && r.right <= innerWidth])"""
BESIDE_THE_UPLOADER = OBJECTIONS.replace("run(", "run({ exclude: ['[data-testid=stFileUploaderDropzone]'] }, ")


def two_digits() -> dict:
    """Return a photograph-like file of a large seven and a smaller one to the right of it."""
    picture = Image.new("RGB", (800, 500), (236, 235, 229))
    pen = ImageDraw.Draw(picture)
    pen.line([(120, 80), (320, 80), (190, 420)], fill=(40, 40, 60), width=26, joint="curve")
    pen.line([(620, 140), (610, 380)], fill=(40, 40, 60), width=24)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return {"name": "two.png", "mimeType": "image/png", "buffer": out.getvalue()}


@pytest.fixture
def cropping(new_page):
    """Return a function that opens a page with an uploaded picture of a seven and a one."""
    assert (ROOT / "checkpoints/ink").is_dir()

    def open_it(**options):
        page = new_page("/Draw?source=Upload", selector="[data-testid=stFileUploader]", **options)
        page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(two_digits())
        page.wait_for_selector(".crop[data-ready]")
        expect(page.locator(".line.best b")).to_have_text("7", timeout=20_000)
        page.wait_for_selector(RESTS)
        return page

    return open_it


def corner(page, name: str) -> tuple[float, float]:
    page.get_by_label(f"{name} corner").scroll_into_view_if_needed()
    box = page.get_by_label(f"{name} corner").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def to_the_right_half(page) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return from where to where the upper left corner goes, so that the box holds the right half."""
    (x, y), (right, _) = corner(page, "Upper left"), corner(page, "Upper right")
    return (x, y), (x + 0.55 * (right - x), y + 6)


def test_both_digits_are_marked_and_a_mouse_leaves_the_box_on_one(cropping):
    page = cropping()
    assert page.locator(".mark").all_inner_texts() == ["1", "2"]
    expect(page.get_by_text("There are 2 digits in the picture")).to_be_visible()
    start, end = to_the_right_half(page)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    expect(page.locator(".line.best b")).to_have_text("1", timeout=20_000)
    expect(page.get_by_text("There are 2 digits in the picture")).to_have_count(0)
    expect(page.get_by_text(re.compile("5[3-7] to 100 % across"))).to_be_visible()
    page.get_by_role("button", name="Put the box back").click()
    expect(page.locator(".line.best b")).to_have_text("7", timeout=20_000)


def test_a_key_that_is_held_while_the_focus_leaves_is_done_with_that_part(cropping):
    page = cropping()
    page.get_by_label("Upper left corner").focus()
    page.keyboard.down("Shift")
    for _ in range(11):
        page.keyboard.down("ArrowRight")  # the first is a press, the others repeat it
    leads = page.get_by_text("55 to 100 % across")
    expect(leads).to_be_visible()
    page.get_by_label("Lower left corner").focus()
    for _ in range(5):
        page.keyboard.down("ArrowRight")
    expect(leads).to_be_visible()
    expect(page.locator(".line.best b")).to_have_text("1", timeout=20_000)  # and no key is up yet
    page.keyboard.up("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("60 to 100 % across")).to_be_visible()
    page.keyboard.up("Shift")


def test_a_finger_drags_a_corner_and_the_box_and_scrolls_beside_them(cropping):
    page = cropping(**PHONE)
    finger, (start, end) = Finger(page), to_the_right_half(page)
    top = page.evaluate(SCROLLED)
    finger.swipe(start, end)
    expect(page.locator(".line.best b")).to_have_text("1", timeout=20_000)
    assert page.evaluate(SCROLLED) == top
    (x, y), (right, below) = corner(page, "Upper left"), corner(page, "Lower right")
    finger.swipe(((x + right) / 2, (y + below) / 2), ((x + right) / 2 - 500, (y + below) / 2))  # as far as it goes
    expect(page.get_by_text(re.compile("^0 to 4[3-7] % across"))).to_be_visible()
    expect(page.locator(".line.best b")).to_have_text("7", timeout=20_000)


@pytest.mark.parametrize("size", [(3000, 2), (700, 20), (3, 2500)])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_strip_is_shown_so_that_one_sees_and_drags_it(new_page, size, width):
    page = new_page(
        "/Draw?source=Upload", selector="[data-testid=stFileUploader]", viewport={"width": width, "height": 844}
    )
    out = io.BytesIO()
    Image.new("RGB", size, (236, 235, 229)).save(out, "PNG")
    strip = {"name": "strip.png", "mimeType": "image/png", "buffer": out.getvalue()}
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(strip)
    page.wait_for_selector(".crop[data-ready]")
    page.wait_for_selector(RESTS)
    pane = page.locator(".crop .pane").bounding_box()
    assert min(pane["width"], pane["height"]) > 30
    start, end = to_the_right_half(page)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    expect(page.get_by_text(re.compile("5[3-7] to 100 % across"))).to_be_visible()


def test_a_finger_scrolls_past_a_picture_that_counts_wholly(cropping):
    page = cropping(**PHONE)
    (x, y), (right, below) = corner(page, "Upper left"), corner(page, "Lower right")
    top = page.evaluate(SCROLLED)
    Finger(page).swipe(((x + right) / 2, (y + below) / 2), ((x + right) / 2 + 5, (y + below) / 2 - 90))
    assert page.evaluate(SCROLLED) != top
    expect(page.get_by_text("0 to 100 % across, 0 to 100 % down")).to_be_visible()


def test_keys_move_corners_and_the_box(cropping):
    page = cropping()
    for _ in range(11):
        page.get_by_label("Upper left corner").press("Shift+ArrowRight")
    expect(page.get_by_text("55 to 100 % across, 0 to 100 % down")).to_be_visible()
    expect(page.locator(".line.best b")).to_have_text("1", timeout=20_000)
    page.locator(".crop .box").press("ArrowLeft")
    expect(page.get_by_text("54 to 99 % across, 0 to 100 % down")).to_be_visible()
    page.get_by_label("Lower right corner").press("ArrowUp")
    expect(page.get_by_text("54 to 99 % across, 0 to 99 % down")).to_be_visible()


@pytest.mark.parametrize("size", [(320, 640), (390, 844), (1280, 720)])
def test_handles_are_as_large_as_a_finger_and_inside_the_window(cropping, size):
    page = cropping(viewport={"width": size[0], "height": size[1]}, has_touch=True)
    handles = page.locator(".corner").evaluate_all(HANDLES)
    assert len(handles) == 4 and all(min(width, height) >= 44 and inside for width, height, inside in handles)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.skipif(AXE is None, reason="needs axe-core: npm ci")
def test_axe_objects_to_nothing_of_the_crop_box(cropping):
    page = cropping(bypass_csp=True)
    page.add_script_tag(path=AXE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        assert page.evaluate(BESIDE_THE_UPLOADER) == [], scheme
