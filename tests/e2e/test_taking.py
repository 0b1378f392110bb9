"""The file that a page of the app gives away, opened from disk."""

import time

import pytest


def test_a_page_gives_its_model_as_a_file_that_opens_where_the_visitor_was(new_page, tmp_path):
    page = new_page("/Explore?model=vae-dense-2d", ".live[data-shown]")
    box = page.locator(".pad").bounding_box()
    page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
    until = time.monotonic() + 20
    while "z=" not in page.url and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.wait_for_timeout(1000)  # the server has heard of it
    shown = page.locator(".live").get_attribute("data-shown")
    with page.expect_download() as download:
        page.get_by_role("button", name="Take this with you").click()
    download.value.save_as(tmp_path / "taken.html")
    page.goto((tmp_path / "taken.html").as_uri())
    page.wait_for_selector(".stage[data-shown]")
    assert [float(v) for v in page.locator(".stage").get_attribute("data-shown").split(",")] == pytest.approx(
        list(map(float, shown.split(","))), abs=1e-3
    )


@pytest.mark.parametrize("path", ["/Generate?model=cvae-onehot", "/Draw?model=cvae-onehot", "/Faces"])
def test_every_page_of_them_gives_a_file(new_page, tmp_path, path):
    page = new_page(path, "[data-testid=stDownloadButton]")
    with page.expect_download() as download:
        page.get_by_role("button", name="Take this with you").click()
    download.value.save_as(tmp_path / "taken.html")
    page.goto((tmp_path / "taken.html").as_uri())
    page.wait_for_selector(".stage[data-shown]")
    assert (page.locator(".sheet").count() == 1) == ("onehot" in path)
