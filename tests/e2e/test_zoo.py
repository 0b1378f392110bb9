"""The Models page in a real browser, with epochs of its own: two models compared, epochs played, the table sorted."""

import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from cvae import progress
from tests.conftest import ROOT
from tests.e2e.serving import running_app
from tests.e2e.test_app import poll

EPOCHS = [1, 2, 3, 6]
WIDE = (
    "[document.documentElement, document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth)"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app over copies of three shipped checkpoints, two of them with pictures that brighten from epoch to epoch."""
    runs = tmp_path_factory.mktemp("runs")
    for name in ("vae-dense-2d", "vae-conv", "cvae-conv"):
        shutil.copytree(ROOT / "checkpoints" / name, runs / name)
        (runs / name / "progress.npz").unlink(missing_ok=True)
        if name != "vae-dense-2d":
            for epoch, grey in zip(EPOCHS, (60, 110, 160, 210), strict=True):
                progress.add(
                    runs / name, epoch, dict.fromkeys(progress.KINDS, np.full((20, 28, 28, 1), grey, np.uint8))
                )
    with running_app(CVAE_CHECKPOINTS=str(runs)) as found:
        yield found


def marked(page) -> list[str]:
    """Return the models that the table marks, with their mark."""
    return page.locator(".zoo .chosen button").evaluate_all("all => all.map(e => `${e.dataset.mark} ${e.textContent}`)")


def names(page) -> list[str]:
    return page.locator(".zoo tbody th").all_text_contents()


def brightness(page) -> list[int]:
    """Return the first pixel of every panel of the player."""
    return page.locator(".epochs canvas").evaluate_all(
        "all => all.map(c => c.getContext('2d').getImageData(2, 2, 1, 1).data[0])"
    )


def at_rest(page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def test_two_models_are_compared(new_page):
    page = new_page("/Models?view=Side+by+side", selector="[data-testid=stHtml] img")
    strips = page.locator("[data-testid=stHtml] img")
    expect(strips.first).to_be_visible()
    at_rest(page)
    sources = "all => all.map(image => image.src)"
    before = strips.evaluate_all(sources)
    page.get_by_role("combobox", name="Model A").click()
    page.get_by_role("option", name="vae-dense-2d").click()
    page.wait_for_url("**a=vae-dense-2d*")
    poll(page, lambda: strips.evaluate_all(sources) != before)
    expect(strips).to_have_count(len(before))
    page.get_by_role("radio", name="7", exact=True).click()
    page.wait_for_url("**label=7*")
    at_rest(page)
    there = new_page(page.url[page.url.index("/Models") :], selector="[data-testid=stHtml] img")
    at_rest(there)
    same = there.locator("[data-testid=stHtml] img")
    poll(there, lambda: same.evaluate_all(sources) == strips.evaluate_all(sources))


def test_a_press_on_a_row_chooses_a_model(new_page):
    page = new_page("/Models", selector=".zoo tbody tr")
    at_rest(page)
    assert sorted(names(page)) == ["cvae-conv", "vae-conv", "vae-dense-2d"]
    assert marked(page) == ["B cvae-conv", "A vae-conv"]
    page.locator(".zoo td", has_text="1,068,820").click()
    poll(page, lambda: marked(page) == ["A cvae-conv", "B vae-dense-2d"])
    page.wait_for_url("**b=vae-dense-2d*")
    row = page.locator(".zoo tr[data-name=vae-conv] button")
    row.press("Enter")
    poll(page, lambda: marked(page) == ["B vae-conv", "A vae-dense-2d"])
    expect(row).to_be_focused()
    expect(row).to_have_attribute("aria-pressed", "true")
    page.get_by_role("radio", name="Model cards").click()
    expect(page.get_by_role("heading", level=2)).to_have_text(["vae-dense-2d", "vae-conv"], timeout=20_000)


def test_a_press_on_a_head_sorts_and_a_link_keeps_the_order(new_page):
    page = new_page("/Models", selector=".zoo tbody tr")
    head = page.locator(".zoo").get_by_role("button", name="parameters")
    head.click()
    assert names(page) == ["vae-conv", "vae-dense-2d", "cvae-conv"]
    page.keyboard.press("Enter")  # the head keeps the focus
    assert names(page) == ["cvae-conv", "vae-dense-2d", "vae-conv"]
    expect(page.locator(".zoo thead th[aria-sort=descending]")).to_have_text("parameters")
    at_rest(page)
    expect(head).to_be_focused()
    page.locator(".zoo").get_by_role("button", name="-elbo").click()  # binary likelihoods do not mix with grey ones
    assert names(page) == ["cvae-conv", "vae-conv", "vae-dense-2d"]
    page.keyboard.press("Enter")
    assert names(page) == ["cvae-conv", "vae-dense-2d", "vae-conv"]
    there = new_page(page.url[page.url.index("/Models") :], selector=".zoo tbody tr")
    assert names(there) == names(page)


def test_epochs_play_pause_and_scrub(new_page):
    page = new_page("/Models?view=Watch+it+learn", selector=".epochs[data-shown='6']")
    assert page.locator(".epochs canvas").count() == 4 and brightness(page) == [210] * 4
    page.get_by_role("button", name="Play").click()
    seen = set()
    poll(page, lambda: seen.add(brightness(page)[0]) or page.get_by_role("button", name="Pause").count() == 0)
    assert {60, 110, 160, 210} <= seen and len(seen) > 4  # every epoch, and fades between them
    slider = page.get_by_role("slider", name="Epoch")
    slider.press("Home")
    poll(page, lambda: brightness(page) == [60] * 4)
    slider.press("ArrowRight")
    page.wait_for_url("**epoch=2*")
    poll(page, lambda: brightness(page) == [110] * 4)
    expect(slider).to_have_attribute("aria-valuetext", "epoch 2 of 6")
    there = new_page(page.url[page.url.index("/Models") :], selector=".epochs[data-shown='2']")
    assert brightness(there) == [110] * 4
    slider.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    slider.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_without_motion_epochs_change_at_once(new_page):
    page = new_page("/Models?view=Watch+it+learn&epoch=1", selector=".epochs[data-shown='1']", reduced_motion="reduce")
    page.get_by_role("button", name="Play").click()
    seen = set()
    poll(page, lambda: seen.add(brightness(page)[0]) or page.get_by_role("button", name="Pause").count() == 0)
    assert seen <= {60, 110, 160, 210}


def test_other_views_and_a_model_without_stored_epochs(new_page):
    page = new_page("/Models?a=vae-dense-2d&view=Watch+it+learn", selector=".epochs[data-shown]")
    expect(page.get_by_text("vae-dense-2d has no pictures of its training")).to_be_visible()
    assert page.locator(".epochs canvas").count() == 2
    page.get_by_role("radio", name="Loss curves").click()
    expect(page.locator(".js-plotly-plot .scatterlayer .trace")).to_have_count(4, timeout=20_000)
    page.get_by_role("radio", name="Logarithmic").click()
    page.get_by_role("button", name="vae-conv", exact=True).click()
    expect(page.locator(".js-plotly-plot .scatterlayer .trace")).to_have_count(6)
    page.get_by_role("radio", name="Model cards").click()
    expect(page.locator(".diagram svg")).to_have_count(2)


def test_every_view_fits_a_phone(new_page):
    last = {"All+models": ".zoo tbody tr", "Side+by+side": "[aria-label^='KL of']", "Loss+curves": ".js-plotly-plot"}
    last |= {"Watch+it+learn": ".epochs[data-shown]", "Model+cards": ".diagram svg"}
    for view, selector in last.items():
        page = new_page(f"/Models?view={view}", selector=selector, viewport={"width": 390, "height": 844})
        at_rest(page)
        assert page.evaluate(WIDE) == [0, 0], view


def test_a_table_that_scrolls_shows_that_it_does(new_page):
    page = new_page("/Models", selector=".zoo tbody tr", viewport={"width": 390, "height": 844})
    expect(page.locator(".frame.more")).to_have_count(1)
    page.locator(".zoo").evaluate("box => box.scrollTo(box.scrollWidth, 0)")
    expect(page.locator(".frame.more")).to_have_count(0)
    assert new_page("/Models", selector=".zoo tbody tr").locator(".frame.more").count() == 0


def test_epochs_rest_while_they_are_out_of_view(new_page):
    page = new_page("/Models?view=Watch+it+learn&epoch=1", selector=".epochs[data-shown='1']")
    away = "(player, margin) => { player.getRootNode().host.style.marginTop = margin; }"
    page.locator(".epochs").evaluate(away, "9000px")
    page.locator(".play").evaluate("button => button.click()")
    page.wait_for_timeout(3500)  # enough for all that is left of them
    assert page.locator(".play").get_attribute("aria-label") == "Pause"
    page.locator(".epochs").evaluate(away, "")
    poll(page, lambda: page.locator(".play").get_attribute("aria-label") == "Play")
    page.wait_for_selector(".epochs[data-shown='6']")
