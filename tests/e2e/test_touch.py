"""Fingers on a phone: what scrolls the page, what steers, what closes by itself; and the same with keys."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.e2e.test_app import PAD, middle, poll, shown
from tests.e2e.test_map import PHONE, STAGE, loneliest, on_screen, said
from tests.e2e.test_map import held as _held
from tests.e2e.test_map import open_map as _open_map

held, open_map = _held, _open_map
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"


class Finger:
    """A finger on the screen of a page; places are in pixels of it."""

    def __init__(self, page):
        self.page, self.session = page, page.context.new_cdp_session(page)

    def send(self, kind: str, *places) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def swipe(self, start, *ends, rest: int = 0) -> None:
        """Go down at a place, rest in milliseconds, move on a straight line to each of the ends, and lift."""
        self.send("touchStart", start)
        self.page.wait_for_timeout(rest)
        for end in ends:
            for step in range(1, 11):
                self.send("touchMove", tuple(a + (b - a) * step / 10 for a, b in zip(start, end, strict=True)))
                self.page.wait_for_timeout(16)
            start = end
        self.send("touchEnd")
        self.page.wait_for_timeout(200)


@pytest.fixture
def pad(new_page):
    """Return a function that opens a page with a pad: the page, a finger, a place beside the marker."""

    def open_it(path):
        page = new_page(path, selector=".live[data-shown]", **PHONE)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        x, y = middle(page, ".pad")
        return page, Finger(page), (x - 90, y + 60)

    return open_it


@pytest.mark.parametrize("path", ["/", PAD])
def test_a_swipe_up_scrolls_past_the_pad(pad, path):
    page, finger, (x, y) = pad(path)
    top, point = page.evaluate(SCROLLED), shown(page)
    finger.swipe((x, y), (x + 12, y - 150))
    poll(page, lambda: page.evaluate(SCROLLED) > top + 50)
    assert shown(page) == point and "z=" not in page.url


def test_a_finger_that_starts_sideways_steers_in_both_directions(pad):
    page, finger, (x, y) = pad(PAD)
    top = page.evaluate(SCROLLED)
    finger.swipe((x, y), (x + 60, y + 4), (x + 60, y - 120))
    page.wait_for_url("**z=*")
    z = [float(v) for v in shown(page).split(",")]
    assert page.evaluate(SCROLLED) == top and z[0] < 0 and z[1] > 0


def test_a_finger_that_rests_first_steers(pad):
    page, finger, (x, y) = pad(PAD)
    top = page.evaluate(SCROLLED)
    finger.swipe((x, y), (x, y - 120), rest=350)
    page.wait_for_url("**z=*")
    assert page.evaluate(SCROLLED) == top and float(shown(page).split(",")[1]) > 0


def test_a_finger_on_the_marker_steers_at_once(pad):
    page, finger, _ = pad(PAD)
    top = page.evaluate(SCROLLED)
    x, y = middle(page, ".marker")
    finger.swipe((x + 12, y + 10), (x + 12, y - 100))
    page.wait_for_url("**z=*")
    assert page.evaluate(SCROLLED) == top and float(shown(page).split(",")[1]) > 0.5


def test_a_tap_goes_to_its_place(pad):
    page, finger, (x, y) = pad(PAD)
    page.touchscreen.tap(x, y)
    page.wait_for_url("**z=*")
    poll(page, lambda: all(float(v) < -0.5 for v in shown(page).split(",")))


SLIDERS = {"live": "/Explore?model=cvae-conv", "steer": "/Faces", "epochs": "/Models?view=Watch+it+learn"}


@pytest.mark.parametrize("kind", SLIDERS)
def test_a_swipe_up_scrolls_past_a_slider(new_page, kind):
    page = new_page(SLIDERS[kind], selector=f".{kind}[data-shown] input[type=range]", **PHONE)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    slider = page.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    box, value, top = slider.bounding_box(), slider.input_value(), page.evaluate(SCROLLED)
    x, y = box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2
    finger = Finger(page)
    finger.swipe((x, y), (x + 8, y - 150))
    poll(page, lambda: page.evaluate(SCROLLED) > top + 50)
    assert slider.input_value() == value
    slider.scroll_into_view_if_needed()
    y = slider.bounding_box()["y"] + box["height"] / 2
    finger.swipe((x, y), (x + 40, y + 3))
    poll(page, lambda: slider.input_value() != value)
    value = slider.input_value()
    page.touchscreen.tap(box["x"] + 0.8 * box["width"], y)
    poll(page, lambda: slider.input_value() != value)


def is_beside(page, u: float, v: float) -> bool:
    """Return whether the picture stands right or left of a place on the map, given in [0, 1], at its height."""
    stage, tip = page.locator(STAGE).bounding_box(), page.locator(".tip").bounding_box()
    x, y = stage["x"] + u * stage["width"], stage["y"] + v * stage["height"]
    gap = min(abs(tip["x"] - x - 18), abs(x - tip["x"] - tip["width"] - 18))
    return page.locator(".tip").is_visible() and gap < 3 and abs(tip["y"] + tip["height"] / 2 - y) < 3


def test_the_head_of_the_table_explains_itself_to_a_finger(new_page):
    page = new_page("/Models", selector=".zoo tbody tr", **PHONE)
    about = page.locator(".about").first
    expect(about).to_contain_text("Press the head of a column")
    page.locator(".zoo").first.get_by_role("button", name="parameters").tap()
    expect(about).to_contain_text("parameters: ")


@pytest.fixture
def tapped(open_map, held):
    """Return a phone's map with a digit tapped, and the digit's place in [0, 1]."""
    page = open_map(**PHONE)
    stage = page.locator(STAGE).bounding_box()
    for i in loneliest(held):
        x, y = on_screen(page, held, i)
        stage = page.locator(STAGE).bounding_box()
        u, v = (x - stage["x"]) / stage["width"], (y - stage["y"]) / stage["height"]
        if 0.3 < u < 0.45 and 0.35 < v < 0.65:
            break
    page.touchscreen.tap(x, y)
    page.wait_for_url(f"**point={i}*")
    poll(page, lambda: is_beside(page, u, v))
    return page, u, v


def test_the_picture_beside_a_digit_follows_it(tapped):
    page, u, v = tapped
    stage, finger = page.locator(STAGE).bounding_box(), Finger(page)
    x, y = stage["x"] + 0.7 * stage["width"], stage["y"] + 0.5 * stage["height"]
    for old, gap in ((20, 20), (20, 24), (24, 28)):
        finger.send("touchMove" if gap > old else "touchStart", (x - gap, y), (x + gap, y))
        page.wait_for_timeout(100)
        shift = (gap - old) / 2 / stage["width"]  # one finger moves after the other
        for at, grows in ((0.7 - shift, (gap + old) / 2 / old), (0.7, 2 * gap / (gap + old))):
            u, v = at + (u - at) * grows, 0.5 + (v - 0.5) * grows
    poll(page, lambda: is_beside(page, u, v))
    finger.send("touchEnd")
    page.set_viewport_size({"width": 430, "height": 700})
    poll(page, lambda: page.locator(STAGE).bounding_box()["width"] != stage["width"] and is_beside(page, u, v))
    page.get_by_role("radio", name="PCA").click()
    expect(page.locator(".tip")).to_be_hidden()


def test_the_picture_beside_a_digit_goes_with_it_out_of_view(tapped):
    page, u, v = tapped
    stage = page.locator(STAGE).bounding_box()
    x, y = stage["x"] + 0.8 * stage["width"], stage["y"] + v * stage["height"]
    before, finger = page.locator(".tip").bounding_box()["x"], Finger(page)
    for gap in (20, 25, 30):
        finger.send("touchMove" if gap > 20 else "touchStart", (x - gap, y), (x + gap, y))
    poll(page, lambda: page.locator(".tip").bounding_box()["x"] < before - 20)
    for gap in (60, 60):
        finger.send("touchMove", (x - gap, y), (x + gap, y))
    expect(page.locator(".tip")).to_be_hidden()
    for gap in (40, 20, 10):
        finger.send("touchMove", (x - gap, y), (x + gap, y))
    expect(page.locator(".tip")).to_be_visible()
    finger.send("touchEnd")
    assert said(page, "hovered") != "-1"


def menu(page):
    """Return the menu, unfolded."""
    page.get_by_test_id("stExpandSidebarButton").press("Enter")
    bar = page.get_by_test_id("stSidebar")
    expect(bar).to_have_attribute("data-collapsed", "false")
    return bar


@pytest.mark.parametrize("choose", ["tap", "key"])
def test_the_menu_of_a_phone_folds_after_a_choice(new_page, choose):
    page = new_page("/Generate", **PHONE)
    for name in ("Draw", "Home", "Explore"):
        link = menu(page).get_by_role("link", name=name)
        link.tap() if choose == "tap" else link.press("Enter")
        page.wait_for_url("**/" + name.replace("Home", ""))
        page.wait_for_selector(".live[data-shown], .pad")
        expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
        page.wait_for_timeout(500)
        assert page.get_by_test_id("stSidebar").bounding_box()["width"] < 10
        page.keyboard.press("Tab")
        assert not page.evaluate("document.querySelector('[data-testid=stSidebar]').contains(document.activeElement)")


def test_links_of_home_and_of_the_menu_fit_the_screen_and_a_finger(new_page):
    page = new_page("/", **PHONE)
    links = page.get_by_test_id("stMain").get_by_test_id("stPageLink-NavLink")
    assert links.count() > 5
    for link in links.all():
        assert link.locator("p, span:has(p)").evaluate_all(
            "all => all.every(e => e.scrollWidth <= e.clientWidth || !e.clientWidth)"
        )
    for link in [*links.all(), *menu(page).get_by_role("link").all()]:
        assert link.bounding_box()["height"] >= 44


MANY = [
    "/Faces",
    "/Draw?source=Generated+digit&task=Denoise",
    "/Models?view=Side+by+side",
    "/Models?view=Loss+curves",
    "/Explore",
]


@pytest.mark.parametrize("path", MANY)
def test_every_choice_is_in_sight_and_whole(new_page, path):
    page = new_page(path, selector=".stButtonGroup", **PHONE)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    options = page.locator(".stButtonGroup button")
    assert options.count() > 2
    for option in options.all():
        box = option.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["viewport"]["width"]
    edges = "b => ['Left', 'Right'].map(side => getComputedStyle(b)[`border${side}Color`])"
    assert all("rgba(0, 0, 0, 0)" not in option.evaluate(edges) for option in options.all())


ROWS = """all => all.map(b => b.getBoundingClientRect()).filter(r => r.height)
  .map(r => [(r.top + r.bottom) / 2, r.height])"""


@pytest.mark.parametrize("path", ["/Generate?show=One+style%2C+ten+digits", "/Explore?model=vae-dense-2d"])
def test_the_controls_in_a_row_are_as_high_as_one_another(new_page, path):
    page = new_page(path, selector=".live[data-shown]", **PHONE)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    buttons = page.locator(".st-key-bar :is(.stButton, .stButtonGroup, .stHtml, .stPopover) button").evaluate_all(ROWS)
    assert len(buttons) > 3 and {height for _, height in buttons} == {44}
    middles = sorted(middle for middle, _ in buttons)
    assert all(after - before < 0.5 or after - before > 40 for before, after in pairwise(middles))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["stSidebar", "stMain"])
def test_a_link_that_has_the_focus_of_the_keys_is_outlined(new_page, place, scheme):
    page = new_page("/", color_scheme=scheme)
    page.keyboard.press("Tab")
    link = page.get_by_test_id(place).get_by_test_id("stPageLink-NavLink").nth(1)
    outline = "a => getComputedStyle(a).outlineStyle + getComputedStyle(a).outlineWidth"
    assert link.evaluate(outline).startswith("none")
    link.focus()
    assert link.evaluate(outline) == "solid2px"


def test_the_menu_of_a_wide_screen_stays(new_page):
    page = new_page("/Generate")
    bar = page.get_by_test_id("stSidebar")
    bar.get_by_role("link", name="Explore").click()
    page.wait_for_selector(".live[data-shown]")
    expect(bar).to_have_attribute("data-collapsed", "false")
