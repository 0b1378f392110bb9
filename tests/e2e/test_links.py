"""Which model a page opens with, what leaves the address, and where Back leads: walks through a real browser."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from tests.e2e.test_app import poll

PICTURE = ".live[data-shown], [data-testid=stImage] img, .pad"
LINE = "The address held values that mean nothing here and were left out"


def held(page) -> dict[str, str]:
    """Return the parameters in the address."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}


def model(page) -> str:
    """Return the model that the page shows, once it stands still."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    return page.get_by_role("combobox", name="Model", exact=True).input_value()


def go(page, name: str) -> None:
    """Follow the link to another page in the sidebar."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Latent digits" if name == "Home" else name)


def pick(page, name: str) -> None:
    """Choose a model by hand."""
    page.get_by_role("combobox", name="Model", exact=True).click()
    page.get_by_role("option", name=name, exact=True).click()
    poll(page, lambda: held(page).get("model") == name)


def test_the_model_of_one_page_is_not_that_of_the_next(new_page):
    page = new_page("/Explore")
    page.get_by_role("button", name="Random point").click()
    page.wait_for_url("**z=*")
    go(page, "Generate")
    expect(page.get_by_role("button", name="7", exact=True)).to_be_visible()
    assert model(page) == "cvae-conv" and "model" not in held(page)


def test_a_view_that_home_offers_has_its_model(new_page):
    page = new_page("/Explore")
    page.get_by_role("radio", name="Traversals").click()
    poll(page, lambda: "view" in held(page))
    go(page, "Home")
    page.get_by_role("link", name="Change the handwriting of all ten digits together").click()
    expect(page.locator(".live .view canvas")).to_have_count(10)
    assert model(page) == "cvae-conv"


def test_the_whole_plane_is_one_wherever_one_was_before(new_page):
    page = new_page("/Generate")
    page.get_by_role("button", name="New seed").click()
    page.wait_for_url("**seed=*")
    go(page, "Explore")
    go(page, "Home")
    page.get_by_role("link", name="See the whole plane of digits at once").click()
    expect(page.locator("[data-testid=stImage] img")).to_have_attribute(
        "alt", "The latent plane as 18 by 18 decoded digits"
    )
    assert model(page) == "vae-dense-2d"


def test_a_model_chosen_by_hand_goes_along_and_back_returns_to_each(new_page):
    page = new_page("/Explore")
    go(page, "Generate")
    pick(page, "cvae-small")
    go(page, "Draw")
    expect(page.locator(".sketch")).to_be_visible()
    assert model(page) == "cvae-small"
    poll(page, lambda: held(page).get("model") == "cvae-small")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Generate")
    assert model(page) == "cvae-small"
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Explore")
    expect(page.locator(".pad")).to_be_visible()
    assert model(page) == "vae-dense-2d"


def test_nonsense_leaves_the_address_without_a_step_of_its_own(new_page):
    page = new_page("/Explore?model=cvae-conv&label=4")
    start = page.url
    page.goto(urlsplit(page.url)._replace(query="model=cvae-conv&z=garbage&label=99&mask=zz&utm_source=mail").geturl())
    expect(page.get_by_text(LINE)).to_be_visible()
    poll(page, lambda: held(page) == {"model": "cvae-conv", "utm_source": "mail"})
    page.go_back()
    poll(page, lambda: page.url == start)


def test_the_name_of_a_page_may_be_typed_in_any_case(new_page):
    page = new_page("/GENERATE?digits=3&count=10&show=Samples")
    expect(page.locator("[data-testid=stImage] img")).to_have_attribute("alt", "10 generated digits: 3")
    assert urlsplit(page.url).path == "/Generate"
    for typed in ("/map", "/explore/"):
        page.goto(urlsplit(page.url)._replace(path=typed, query="model=vae-conv").geturl())
        assert urlsplit(page.url).path == "/" + typed.strip("/").capitalize() and held(page)["model"] == "vae-conv"
