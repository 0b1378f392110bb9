"""On a stage: the presentation view, a clicker's keys, the link and its code; and what the pages show at rest."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.e2e.test_app import levels, middle, poll
from tests.e2e.test_map import PHONE
from ui.shell import codecs

LARGE = {"width": 1920, "height": 1080}
TALK = [  # the ten steps of a talk, and the main picture of each
    ("/Explore", ".live canvas"),
    ("/Generate?show=One+style%2C+ten+digits", ".live .pictures"),
    ("/Draw", ".sketch .pad"),
    ("/Draw?task=Denoise&source=Generated+digit", ".sketch .pictures"),
    ("/Inpaint", ".sketch .pad"),
    ("/Map", ".stage > canvas"),
    ("/Faces", ".steer canvas >> nth=1"),
    ("/Models?view=Watch+it+learn", ".epochs canvas >> nth=0"),
    ("/Faces?tool=Morph", ".steer canvas >> nth=1"),
    ("/Models?view=Side+by+side", ".st-key-pictures"),
]


def talk(links: list[str]) -> str:
    return urlencode({"talk": codecs.deflate("\n".join(links).encode())})


def is_whole(page, selector: str) -> bool:
    """Return whether what the selector names lies within the window."""
    box, size = page.locator(selector).first.bounding_box(), page.viewport_size
    return (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= size["width"] + 1
        and (box["y"] + box["height"] <= size["height"] + 1)
    )


def test_p_begins_the_presentation_and_escape_ends_it(new_page):
    page = new_page("/Explore", viewport=LARGE)
    before = page.locator(".live canvas").bounding_box()["height"]
    page.keyboard.press("p")
    page.wait_for_url("**present=1*")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.get_by_role("heading", name="Explore")).to_be_hidden()
    poll(page, lambda: page.locator(".live canvas").bounding_box()["height"] > 1.05 * before)
    ground = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    assert page.evaluate(ground) == "rgb(14, 16, 20)"
    assert page.locator("figcaption, .note").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 24
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Explore")).to_be_visible()
    assert "present" not in page.url


def test_the_pictures_of_all_labels_lie_over_no_slider(new_page):
    page = new_page("/Generate?show=One+style%2C+ten+digits&present=1", ".live .pictures canvas")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    ends = """view => [view.getBoundingClientRect().bottom, view.nextElementSibling.getBoundingClientRect().top]"""
    above, below = page.locator(".live .view").evaluate(ends)
    assert above <= below


def test_a_letter_typed_into_a_field_begins_nothing(new_page):
    page = new_page("/Faces", selector=".steer[data-shown]")
    page.get_by_placeholder("such as Serena Williams").press_sequentially("p")
    assert "present" not in page.url


def test_the_ten_steps_of_a_talk_need_page_down_alone(new_page):
    links = [link for link, _ in TALK]
    page = new_page(f"/?present=1&{talk(links)}", selector=".live[data-shown]", viewport={"width": 1280, "height": 720})
    for step, (link, picture) in enumerate(TALK):
        page.keyboard.press("PageDown")
        page.wait_for_url(f"**{link.partition('?')[0]}?*step={step}*")
        page.wait_for_selector(picture)
        poll(page, lambda picture=picture: is_whole(page, picture))
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    page.keyboard.press("PageUp")
    page.wait_for_url("**step=8*")


def test_type_of_the_curves_grows_with_the_key_too(new_page):
    page = new_page("/Models?view=Loss+curves", selector=".js-plotly-plot .xtick")
    text = "document.querySelector('.xtick text')"  # is drawn anew
    size = lambda: page.evaluate(f"{text} && parseFloat(getComputedStyle({text}).fontSize)")  # noqa: E731
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    usual, steps = size(), page.evaluate("history.length")
    page.keyboard.press("p")
    poll(page, lambda: size() == 24)
    page.keyboard.press("Escape")
    poll(page, lambda: size() == usual)
    assert page.evaluate("history.length") == steps


@pytest.mark.parametrize("key", ["PageUp", "PageDown"])
def test_a_clicker_moves_no_slider(new_page, key):
    page = new_page("/Explore?model=cvae-conv", selector=".live[data-shown]")
    slider = page.locator(".latents input[type=range]").first
    value = slider.input_value()
    slider.press(key)
    page.wait_for_timeout(300)
    assert slider.input_value() == value


def test_the_list_of_links_is_kept_in_the_address_and_walked(new_page):
    page = new_page("/Generate?digits=7")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("img", name="Code of this page's address")).to_be_visible()
    page.get_by_text("Links of a talk").click()
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.get_by_role("button", name="Keep this view").click()
    page.wait_for_url("**talk=*")
    expect(page.get_by_label("Links", exact=True)).to_have_value("/Generate?digits=7")
    page.keyboard.press("Escape")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Explore").click()
    page.wait_for_url("**/Explore?*talk=*")
    page.wait_for_selector(".live[data-shown]")
    page.keyboard.press("PageDown")
    page.wait_for_url("**/Generate?digits=7*step=0*")


@pytest.mark.parametrize("link", ["//a.example/Generate", "/\\a.example\\Generate", "http://a.example/b/Generate?"])
def test_a_link_of_a_list_leads_to_a_page_of_this_app(new_page, address, link):
    page = new_page("/Explore?" + talk([link]))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("PageDown")
    page.wait_for_url("**/Generate?*step=0*")
    page.wait_for_selector("[data-testid=stImage] img")
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)


def test_the_drawing_that_a_page_opens_with_goes_with_the_first_stroke(new_page):
    page = new_page("/Draw", selector=".sketch[data-shown]")
    expect(page.locator(".reads")).to_have_text("It reads as 4")
    assert "ink=" not in page.url
    x, y = middle(page, ".pad")
    page.mouse.move(x, y - 120)
    page.mouse.down()
    page.mouse.move(x, y + 120, steps=12)
    page.mouse.up()
    page.wait_for_url("**ink=*")
    expect(page.locator(".reads")).to_have_text("It reads as 1")


def test_on_a_phone_the_result_is_in_view_while_one_draws(new_page):
    page = new_page("/Draw", selector=".sketch[data-shown]", **PHONE)
    page.locator(".pad").scroll_into_view_if_needed()
    page.locator(".tools").last.scroll_into_view_if_needed()
    for part in (".reads", ".pictures canvas"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= PHONE["viewport"]["height"]


def test_the_ends_of_a_way_are_moved_by_pointer_and_by_keys(new_page):
    page = new_page("/Explore")
    before = levels(page)
    end = page.get_by_role("button", name="A, an end of the way")
    end.press("Shift+ArrowLeft")
    page.wait_for_url("**a=*")
    x, y = middle(page, ".end")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 60, steps=4)
    old = page.url
    page.mouse.up()
    poll(page, lambda: page.url != old)
    assert "z=" not in page.url and abs(levels(page) - before).max() == 0
