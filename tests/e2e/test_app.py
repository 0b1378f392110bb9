"""Explore and Generate in a real browser, with the checkpoints that the project ships."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.serving import running_app

PAD = "/Explore?model=vae-dense-2d"
FLAGSHIP = "/Explore?model=cvae-conv"


@pytest.fixture(scope="module")
def address():
    """A server of this module's own, which nobody has visited."""
    with running_app() as started:
        yield started


def pixels(page) -> list[str]:
    """Return what the live canvases show."""
    return page.locator(".live .view canvas").evaluate_all("all => all.map(canvas => canvas.toDataURL())")


def levels(page) -> np.ndarray:
    """Return what the live canvases show, as numbers; page and server make the same but for a level here and there."""
    read = "all => all.flatMap(c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data))"
    return np.array(page.locator(".live .view canvas").evaluate_all(read))


def shown(page) -> str:
    """Return the point whose picture is on the canvas."""
    return page.locator(".live").get_attribute("data-shown")


def changes(page, action, *arguments) -> None:
    """Do `action(*arguments)` and wait for another picture on the canvas."""
    before = pixels(page)
    action(*arguments)
    poll(page, lambda: pixels(page) != before)


def poll(page, condition, patience: int = 10_000) -> None:
    """Wait until condition() is true; patience is in milliseconds."""
    for _ in range(patience // 20):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("nothing happened in time")


def test_a_deep_link_works_as_the_very_first_visit(new_page):
    page = new_page("/Generate?digits=7&count=20&seed=5")
    expect(page.locator("[data-testid=stImage] img")).to_have_attribute("alt", "20 generated digits: 7")
    expect(page.get_by_role("dialog")).to_have_count(0)


def middle(page, selector: str) -> tuple[float, float]:
    """Return the centre of the first such element on the screen."""
    page.locator(selector).first.scroll_into_view_if_needed()
    box = page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_dragging_the_pad_redraws_at_every_move(new_page):
    page = new_page(PAD + "&view=Traversals")
    x, y = middle(page, ".pad")
    page.mouse.move(x, y)
    page.mouse.down()
    seen = set()
    for step in range(8):
        changes(page, page.mouse.move, x + 15 * step + 15, y + 10 * step + 10)
        seen.add(pixels(page)[0])
    assert len(seen) == 8 and "z=" not in page.url
    page.mouse.up()
    page.wait_for_url("**z=*")
    poll(page, lambda: page.locator(".strips").get_attribute("data-shown") == shown(page))


def test_arrow_keys_move_the_pad(new_page):
    page = new_page(PAD)
    page.locator(".pad").focus()
    changes(page, lambda: page.keyboard.press("ArrowRight"))
    poll(page, lambda: shown(page) == "0.125,0")
    changes(page, lambda: page.keyboard.press("Shift+ArrowUp"))
    poll(page, lambda: shown(page) == "0.125,0.5")
    changes(page, lambda: page.keyboard.press("Home"))
    poll(page, lambda: shown(page) == "0,0")


def test_a_finger_moves_the_pad_and_not_the_page(new_page):
    page = new_page(PAD, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    x, y = middle(page, ".pad")
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
    top = page.evaluate(scrolled)
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    drag = {"type": "touchMove", "touchPoints": [{"x": x + 40, "y": y - 120}]}
    changes(page, lambda: touch.send("Input.dispatchTouchEvent", drag))
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_url("**z=*")
    assert page.evaluate(scrolled) == top


def test_sliders_redraw_while_they_are_dragged(new_page):
    page = new_page(FLAGSHIP)
    assert page.locator(".latents input[type=range]:visible").count() == 8
    x, y = middle(page, "input[type=range]")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(4):
        changes(page, page.mouse.move, x + 12 * step + 12, y)
    page.mouse.up()
    page.wait_for_url("**z=*")
    changes(page, lambda: page.keyboard.press("ArrowLeft"))
    page.get_by_text("more dimensions").click()
    assert page.locator(".latents input[type=range]:visible").count() > 8


def test_another_label_is_another_picture(new_page):
    page = new_page(FLAGSHIP)
    changes(page, lambda: page.get_by_role("radio", name="4", exact=True).click())
    page.wait_for_url("**label=4*")


def test_a_link_shows_the_same_picture_in_a_new_session(new_page):
    page = new_page(FLAGSHIP + "&label=3")
    changes(page, lambda: page.get_by_role("button", name="Random point").click())
    page.wait_for_url("**z=*")
    x, y = middle(page, "input[type=range]")
    old = page.url
    # a click on the thumb changes nothing
    side = -30 if float(page.locator("input[type=range]").first.input_value()) > 0 else 30
    changes(page, lambda: page.mouse.click(x + side, y))
    poll(page, lambda: page.url != old)
    there = new_page(page.url[page.url.index("/Explore") :])
    assert shown(there) == shown(page) and abs(levels(there) - levels(page)).max() <= 1
    page.reload()
    page.wait_for_selector(".live[data-shown]")
    assert pixels(page) == pixels(there)


def test_back_undoes_a_jump(new_page):
    page = new_page(PAD)
    first = levels(page)
    changes(page, lambda: page.get_by_role("button", name="Random point").click())
    page.wait_for_url("**z=*")
    page.go_back()
    poll(page, lambda: page.locator(".live .view canvas").count() == 1 and abs(levels(page) - first).max() <= 1)


def test_another_model_takes_over_the_control(new_page):
    page = new_page(PAD)
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="cvae-conv").click()
    page.wait_for_selector("input[type=range]")
    expect(page.locator(".pad")).to_have_count(0)
    changes(page, lambda: page.locator("input[type=range]").first.press("ArrowRight"))


def test_generate_draws_the_digits_asked_for(new_page):
    page = new_page("/Generate")
    picture = page.locator("[data-testid=stImage] img")
    page.get_by_role("button", name="7", exact=True).click()
    expect(picture).to_have_attribute("alt", "50 generated digits: 7")
    source = picture.get_attribute("src")
    page.get_by_role("button", name="New seed").click()
    expect(picture).not_to_have_attribute("src", source)
    page.wait_for_url("**seed=*")
    again = new_page(page.url[page.url.index("/Generate") :])
    assert again.locator("[data-testid=stImage] img").get_attribute("src") == picture.get_attribute("src")


def test_one_style_ten_digits(new_page):
    page = new_page("/Generate?show=One+style%2C+ten+digits")
    expect(page.locator(".live .view canvas")).to_have_count(10)
    before = pixels(page)
    changes(page, lambda: page.get_by_role("button", name="Random style").click())
    poll(page, lambda: all(old != new for old, new in zip(before, pixels(page), strict=True)))


def test_without_the_route_python_sends_the_pixels(new_page, browser, address):
    context = browser.new_context()
    page = context.new_page()
    for name in ("decode", "program"):
        page.route(f"**/api/{name}*", lambda route: route.fulfill(status=404, body="Not found"))
    page.goto(address + PAD)
    page.wait_for_selector(".live[data-shown]")
    fallback = pixels(page)
    changes(page, lambda: page.locator(".pad").press("ArrowRight"))
    assert fallback == pixels(new_page(PAD))
    context.close()


def test_pages_fit_a_narrow_screen(new_page):
    both = "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
    wide = f"{both}.map(e => e.scrollWidth - e.clientWidth)"
    page = new_page("/", viewport={"width": 390, "height": 844})
    home = page.url.rstrip("/")
    for path in (
        "/",
        PAD,
        FLAGSHIP,
        "/Explore?view=The+whole+plane",
        "/Generate",
        "/Generate?show=One+style%2C+ten+digits",
    ):
        page.goto(home + path)
        page.wait_for_selector(".live[data-shown], [data-testid=stImage] img")
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        assert page.evaluate(wide) == [0, 0], path


def test_home_is_alive_and_leads_on(new_page):
    page = new_page("/")
    changes(page, lambda: page.locator(".pad").press("Shift+ArrowRight"))
    page.get_by_role("link", name="Ask for fifty new sevens").click()
    expect(page.locator("[data-testid=stImage] img")).to_have_attribute("alt", "50 generated digits: 7")
