"""The static site, opened from disk without a network."""

import pytest

from cvae.browser import site

NAMES = {"vae-dense-2d", "dae-conv", "cvae-inpaint-center", "cvae-onehot"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        every = site._presets()
        patch.setattr(site, "_presets", lambda: [preset for preset in every if preset.name in NAMES])
        site.write(made)
    return made


@pytest.mark.parametrize("size", [(390, 844), (1280, 720)])
def test_pictures_come_alive_one_by_one_and_lead_to_their_files(browser, folder, size):
    complaints, (width, height) = [], size
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 500)
    context.set_offline(True)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or complaints.append(r.url))
    page.goto((folder / site.INDEX).as_uri())
    assert (
        page.locator("article").count() == len(NAMES) and page.evaluate("document.documentElement.scrollWidth") <= width
    )
    page.locator("iframe.seen").first.wait_for(state="attached", timeout=30_000)
    canvas = page.frame_locator("iframe.seen >> nth=0").locator("canvas[data-shown]")
    canvas.wait_for(timeout=30_000)
    before = canvas.evaluate("c => c.toDataURL()")
    page.wait_for_timeout(700)
    assert canvas.evaluate("c => c.toDataURL()") != before
    page.locator("article", has_text="cvae-onehot").click()
    page.wait_for_selector(".stage[data-shown]")
    page.get_by_role("link", name="Latent digits").click()
    page.wait_for_selector("article")
    assert not complaints
    context.close()


def test_whoever_wants_no_motion_sees_still_pictures(browser, folder):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto((folder / site.INDEX).as_uri())
    page.wait_for_timeout(2000)
    assert page.locator("iframe").count() == 0
    assert page.locator(".picture img").first.evaluate("image => image.naturalWidth") == 28
    context.close()
