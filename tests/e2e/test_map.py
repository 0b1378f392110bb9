"""The Map page in a real browser: hover, click, lasso, keys, fingers, the visitor's own digit, links."""

import re
import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from cvae import checkpoints, neighbours
from cvae.maps import cut_sprite, load_map
from tests.e2e.serving import running_app
from tests.e2e.test_app import poll
from tests.e2e.test_drawing import draw
from ui.shell import points

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FIT = 0.92  # of the canvas that the map fills, as in ui/widgets/map/state.js
STAGE = ".stage > canvas"


@pytest.fixture(scope="module")
def held():
    return load_map("vae-conv")


@pytest.fixture
def open_map(new_page):
    """Return a function that opens the Map page and waits for its points and pictures."""

    def open_it(query="", **options):
        page = new_page(f"/Map{query}", selector=".plot[data-points]", **options)
        page.wait_for_selector(".plot[data-sprites]:not([data-sprites='0'])")
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        return page

    return open_it


def said(page, name: str) -> str:
    return page.locator(".plot").get_attribute(f"data-{name}")


def on_screen(page, held, i: int) -> tuple[float, float]:
    """Return where digit i of the whole map lies on the screen."""
    page.locator(STAGE).scroll_into_view_if_needed()
    box = page.locator(STAGE).bounding_box()
    xy = held.embeddings["tsne"]
    u, v = ((points.normalised(xy[i], xy) - 0.5) * FIT + 0.5).tolist()
    return box["x"] + u * box["width"], box["y"] + (1 - v) * box["height"]


def loneliest(held) -> list[int]:
    """Return digits by their distance from the next one on the map, so that a pointer hits them for certain."""
    xy = held.embeddings["tsne"]
    gaps = neighbours.nearest(xy, xy, 2)[0][:, 1]
    return gaps.argsort(descending=True).tolist()


def tip(page) -> np.ndarray:
    """Return the picture beside the pointer, (28, 28) uint8."""
    read = "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data)"
    return np.array(page.locator(".tip canvas").first.evaluate(read), np.uint8).reshape(28, 28, 4)[..., 0]


def test_hovering_shows_the_digits_own_picture(open_map, held):
    page, pictures = open_map(), cut_sprite(held.sprite, len(held))
    for i in loneliest(held)[:4]:
        page.mouse.move(*on_screen(page, held, i))
        poll(page, lambda: said(page, "hovered") == str(i))
        expect(page.locator(".tip")).to_be_visible()
        assert np.array_equal(tip(page), pictures[i])
        expect(page.locator(".tip p")).to_have_text(f"Digit {int(held.labels[i])}, number {i:,}")
    page.mouse.move(5, 5)
    expect(page.locator(".tip")).to_be_hidden()


def in_panel(page, i: int):
    """Return the panel's line on digit i, which comes from the server, unlike what the map itself says."""
    return page.locator("[data-testid=stHtml] p", has_text=f"number {i:,}")


def encircle(page, x: float, y: float, radius: float) -> None:
    """Draw a circle of the mouse around a place on the screen."""
    around = [(x + radius * np.cos(t), y + radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 24)]
    page.mouse.move(*around[0])
    page.mouse.down()
    for place in around[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def test_a_click_changes_the_panel_and_leads_to_explore(open_map, held):
    page, (first, second, *_) = open_map(), loneliest(held)
    for i in (first, second):
        page.mouse.click(*on_screen(page, held, i))
        page.wait_for_url(f"**point={i}*")
        expect(in_panel(page, i)).to_be_visible()
    expect(page.get_by_text("Nearest in latent space")).to_be_visible()
    page.get_by_role("link", name="Open it in Explore").click()
    page.wait_for_url("**/Explore?*z=*")
    page.wait_for_selector(".live[data-shown]")
    z = [float(v) for v in page.locator(".live").get_attribute("data-shown").split(",")]
    assert np.allclose(z, held.u[second].numpy(), atol=0.01)
    page.go_back()
    page.wait_for_selector(".plot[data-points]")


def test_lassos_take_groups_and_show_their_means_and_the_way(open_map, held):
    page = open_map()
    page.get_by_role("button", name="Lasso A").click()
    encircle(page, *on_screen(page, held, 0), 40)
    expect(page.locator("[data-testid=stHtml]", has_text="Group A:")).to_be_visible()
    expect(page.locator("img[alt=Mean]")).to_have_count(1)
    page.get_by_role("button", name="Lasso B").click()
    encircle(page, *on_screen(page, held, 1), 40)
    expect(page.locator("img[alt=Mean]")).to_have_count(2)
    expect(page.get_by_text("A to B")).to_be_visible()
    there = open_map(page.url[page.url.index("?") :])  # a link holds both
    expect(there.locator("img[alt=Mean]")).to_have_count(2)
    page.locator(STAGE).scroll_into_view_if_needed()
    box = page.locator(STAGE).bounding_box()
    encircle(page, box["x"] + 12, box["y"] + 12, 6)
    expect(page.get_by_text("The lasso held no points, so Group B is as it was: draw it around some.")).to_be_visible()
    expect(page.locator("img[alt=Mean]")).to_have_count(2)
    page.get_by_role("button", name="Clear both groups").click()
    expect(page.locator("img[alt=Mean]")).to_have_count(0)


def test_a_drawing_gets_its_pin_among_its_like(open_map, held):
    page = open_map("?own=true")
    assert not said(page, "mine")
    draw(page)  # a three
    poll(page, lambda: bool(said(page, "mine")))
    xy = held.embeddings["tsne"]
    mine = np.array([float(v) for v in said(page, "mine").split(",")])
    gaps = np.linalg.norm(points.normalised(xy, xy).numpy() - mine, axis=1)
    assert (held.labels.numpy()[gaps.argsort()[:9]] == 3).mean() > 0.5
    expect(page.get_by_text("Its nearest digits in latent space")).to_be_visible()
    page.mouse.click(*on_screen(page, held, loneliest(held)[0]))  # a choice on the map brings the panel back
    expect(page.get_by_text("Nearest in latent space")).to_be_visible()
    assert said(page, "mine")  # and the pin stays
    page.get_by_text("Where is mine?").click()
    page.get_by_role("button", name="Clear", exact=True).last.click()
    poll(page, lambda: not said(page, "mine"))


def test_zoomed_in_points_become_pictures(open_map, held):
    page = open_map()
    page.mouse.move(*on_screen(page, held, 0))
    for _ in range(8):
        page.mouse.wheel(0, -250)
    poll(page, lambda: float(said(page, "zoom")) > 5 and int(said(page, "tiles")) > 0)
    scrolled = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    assert scrolled == 0 or page.locator(STAGE).bounding_box()["y"] > 0
    page.get_by_role("button", name="Whole map").click()
    poll(page, lambda: said(page, "zoom") == "1.00" and said(page, "tiles") == "0")


def test_all_of_a_picture_answers(open_map, held):
    page = open_map()
    page.get_by_role("textbox", name="Go to the picture of this number").fill("0")
    page.get_by_role("button", name="Go").click()  # in the middle, and nearer
    page.get_by_role("button", name="Zoom in").click(click_count=5)
    poll(page, lambda: float(said(page, "zoom")) > 50)
    box = page.locator(STAGE).bounding_box()
    page.mouse.move(5, 5)
    page.mouse.move(box["x"] + box["width"] / 2 + 24, box["y"] + box["height"] / 2 - 24)  # in its corner
    poll(page, lambda: said(page, "hovered") == "0")


def test_a_neighbour_is_a_way_to_its_point(open_map, held):
    page = open_map(f"?point={loneliest(held)[0]}")
    link = page.locator("a[href^='#digit-']").nth(3)
    i = int(link.get_attribute("href").removeprefix("#digit-"))
    link.click()
    page.wait_for_url(f"**point={i}*")
    expect(in_panel(page, i)).to_be_visible()
    page.locator(STAGE).focus()
    page.keyboard.press("Escape")  # chooses nothing
    expect(page.get_by_text("Choose a digit")).to_be_visible()
    assert "point=" not in page.url


def test_keys_and_the_number_box_choose(open_map, held):
    page = open_map()
    number = page.get_by_role("textbox", name="Go to the picture of this number")
    for text in ("10000", "-1", "seven"):
        number.fill(text)
        number.press("Enter")
        expect(page.get_by_text("Type a whole number from 0 to 9,999.")).to_be_visible()
    number.fill("4,321")
    number.press("Enter")
    page.wait_for_url("**point=4321*")
    expect(page.get_by_text("number 4,321").last).to_be_visible()
    poll(page, lambda: said(page, "zoom") == "6.00")  # the points as they are drawn, not only the marks
    page.locator(STAGE).focus()
    page.keyboard.press("ArrowRight")
    poll(page, lambda: said(page, "hovered") not in ("-1", "4321"))
    there = int(said(page, "hovered"))
    xy = held.embeddings["tsne"]
    assert xy[there, 0] > xy[4321, 0]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**point={there}*")
    page.keyboard.press("l")
    expect(page.get_by_text("Group A: 50 digits").last).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Group A: 50 digits")).to_have_count(0)


def test_the_legend_hides_a_class(open_map, held):
    page = open_map()
    i = next(i for i in loneliest(held) if held.labels[i] == 4)
    page.get_by_role("button", name="Digit 4: show or hide").click()
    page.mouse.move(*on_screen(page, held, i))
    page.wait_for_timeout(200)
    assert said(page, "hovered") != str(i)
    page.get_by_role("button", name="Digit 4: show or hide").click()
    page.mouse.move(*on_screen(page, held, i), steps=2)
    poll(page, lambda: said(page, "hovered") == str(i))


def test_layout_colour_and_model_change_the_map(open_map):
    page = open_map("?point=5")
    shot = page.locator(STAGE).screenshot()
    page.get_by_role("radio", name="PCA").click()
    poll(page, lambda: page.locator(STAGE).screenshot() != shot)
    page.get_by_role("combobox", name="Colour").click()
    page.get_by_role("option", name="KL, nats").click()
    poll(page, lambda: said(page, "colour") == "kl")
    expect(page.locator(".scale")).to_be_visible()
    assert page.locator(".ramp").bounding_box()["width"] >= 100  # wide enough to compare a dot with it
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="vae-dense-2d").click()
    expect(page.get_by_role("radio", name="The latent plane")).to_be_visible()
    expect(page.locator(STAGE)).to_have_attribute("aria-label", re.compile("latent space of vae-dense-2d"))


def test_fingers_pinch_and_tap_and_the_page_stays(open_map, held):
    page = open_map(**PHONE)
    x, y = on_screen(page, held, loneliest(held)[0])
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    top = page.evaluate(scrolled)
    touch = page.context.new_cdp_session(page)
    for kind, gap in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120)):
        fingers = [{"x": x - gap / 2, "y": y, "id": 0}, {"x": x + gap / 2, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    poll(page, lambda: float(said(page, "zoom") or 1) > 2)
    assert page.evaluate(scrolled) == top
    page.get_by_role("button", name="Whole map").click()
    poll(page, lambda: said(page, "zoom") == "1.00")
    page.touchscreen.tap(*on_screen(page, held, loneliest(held)[0]))
    page.wait_for_url(f"**point={loneliest(held)[0]}*")
    both = "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
    wide = f"{both}.map(e => e.scrollWidth - e.clientWidth)"
    assert page.evaluate(wide) == [0, 0]
    sizes = [button.bounding_box() for button in page.locator(".tools button, .tools input, .legend button").all()]
    assert all(min(size["width"], size["height"]) >= 44 for size in sizes)


def test_a_link_and_a_reload_show_the_same(open_map):
    page = open_map("?point=1234&layout=PCA")
    expect(page.get_by_text("number 1,234").last).to_be_visible()
    page.reload()
    page.wait_for_selector(".plot[data-points]")
    expect(page.get_by_text("number 1,234").last).to_be_visible()
    assert "layout=PCA" in page.url


def test_a_map_that_is_damaged_while_it_is_open_gets_a_line(browser, held, tmp_path):
    shutil.copytree(checkpoints.ROOT / "vae-conv", tmp_path / "vae-conv")
    with running_app(CVAE_CHECKPOINTS=str(tmp_path)) as address:
        page = browser.new_page()
        page.goto(f"{address}/Map")
        page.wait_for_selector(".plot[data-sprites]:not([data-sprites='0'])")
        (tmp_path / "vae-conv" / "map.npz").write_bytes(b"PK cut off")
        page.mouse.click(*on_screen(page, held, loneliest(held)[0]))
        expect(page.get_by_text("Make a new one with: python evaluate.py --map vae-conv")).to_be_visible()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        page.close()
