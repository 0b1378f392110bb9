"""Words that say what they mean, and sliders that show where they lead."""

import numpy as np
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SIZE = "node => [node.scrollWidth, node.clientWidth]"


def ends(page) -> list[np.ndarray]:
    """Return the small pictures beside the sliders that are open, once all of them are there."""
    page.wait_for_function(
        """() => {
          const below = (node) => [...node.querySelectorAll("*")];
          const walk = (node) => below(node).flatMap((n) => [n, ...(n.shadowRoot ? walk(n.shadowRoot) : [])]);
          const all = walk(document).filter((n) => n.matches(".ends canvas"));
          return all.length && all.every((canvas) => canvas.style.visibility === "visible");
        }""",
        timeout=30_000,
    )
    pixels = "all => all.map(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data])"
    return [np.array(one) for one in page.locator(".ends canvas").evaluate_all(pixels)]


def test_sliders_show_where_they_lead_and_follow_a_move(new_page):
    page = new_page("/Explore?model=cvae-conv&label=3", ".live[data-shown]")
    before = ends(page)
    assert len(before) == 2 * page.locator(".latents > .line input").count() == 16
    assert all((low != high).any() for low, high in zip(before[::2], before[1::2], strict=True))
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".latents input[type=range]").first.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(2500)
    after = ends(page)
    assert (before[0] == after[0]).all()  # where this slider itself leads is the same
    assert sum((a != b).any() for a, b in zip(before[2:], after[2:], strict=True)) > 7
    assert not [url for url in asked if "/api/" in url]


def test_ends_follow_the_label(new_page):
    page = new_page("/Explore?model=cvae-conv&label=3", ".live[data-shown]")
    before = ends(page)
    page.get_by_role("radio", name="7", exact=True).click()
    page.wait_for_timeout(2500)
    assert all((a != b).any() for a, b in zip(before, ends(page), strict=True))


def test_a_slider_of_faces_shows_its_ends(new_page):
    page = new_page("/Faces", ".steer[data-shown]")
    low, high = ends(page)[:2]
    assert (low != high).mean() > 0.3


def test_a_model_of_the_server_shows_no_ends_and_asks_for_none(new_page):
    asked = []
    page = new_page("/", ".live[data-shown]")
    page.route("**/api/program?*", lambda route: route.abort())
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.rstrip("/") + "/Explore?model=vae-conv")
    page.wait_for_selector(".live[data-shown]")
    page.wait_for_timeout(3000)
    expect(page.locator(".ends canvas").first).to_be_hidden()
    assert len([url for url in asked if "/api/decode" in url]) <= 2


def test_a_word_says_by_touch_what_it_means(new_page):
    page = new_page("/Explore?model=vae-conv", ".live[data-shown]", **PHONE)
    for word, part in (("nats", "0.69"), ("KL", "prior")):
        page.locator(f".latents [data-word={word}]").tap()
        meaning = page.get_by_role("dialog", name=word)
        expect(meaning).to_contain_text(part)
        box = meaning.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 844
        page.keyboard.press("Escape")
        expect(meaning).to_be_hidden()
    scroll, width = page.locator("[data-testid=stMain]").evaluate(SIZE)
    assert scroll <= width


def test_words_of_the_map_are_explained_by_the_keyboard_too(new_page):
    page = new_page("/Map", ".plot[data-points]")
    page.get_by_role("button", name="nll", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="nll")).to_contain_text("Less is better")
