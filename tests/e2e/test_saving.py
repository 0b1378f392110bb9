"""What a page shows, saved as a file by the press of one button, and opened by the programs that read such files."""

import csv
import io
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

LARGE = 1000  # pixels that a picture on a slide has at least


def saved(page, name: str, kind: str = "PNG") -> tuple[str, bytes]:
    """Press Save and take what has this name; return the name of the file and what it holds."""
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.locator("#saving").get_by_role("button", name=f"{kind}: {name}").first.click()
    page.keyboard.press("Escape")
    expect(page.locator("#saving")).to_be_hidden()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def opened(content: bytes) -> Image.Image:
    """Return a picture that has something on it."""
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG" and max(picture.size) >= LARGE
    extrema = picture.convert("L").getextrema()
    assert extrema[1] - extrema[0] > 60
    return picture.convert("RGB")


@pytest.mark.parametrize(
    "path, shown, name, start",
    [
        ("/Explore?model=vae-dense-2d", ".live[data-shown]", "Latent plane", "vae-dense-2d-Latent-plane"),
        ("/Explore?model=vae-dense-2d", ".live[data-shown]", "The way from A to B", "vae-dense-2d-The-way"),
        ("/Explore?model=cvae-conv", ".strips[data-shown]", "Traversal", "cvae-conv-Traversal-from--3-to-3"),
        ("/Explore?view=The+whole+plane", "[data-testid=stImage] img", "The latent plane", "vae-dense-2d-The-latent"),
        ("/Generate?digits=6&seed=8", "[data-testid=stImage] img", "50 generated digits: 6", "cvae-conv-50-generated"),
        ("/Generate?show=One+style%2C+ten+digits", ".live[data-shown]", "Decoded", "cvae-conv-Decoded"),
        ("/Draw", ".sketch[data-shown]", "Reconstruction", "cvae-conv-Reconstruction"),
        ("/Draw?task=Denoise", ".sketch[data-shown]", "Cleaning", "cvae-conv-Cleaning"),
        ("/Inpaint", ".sketch[data-shown]", "Completions", "cvae-inpaint-Completions"),
        ("/Map", ".plot[data-points]", "Map of vae-conv", "Map-of-vae-conv-t-SNE"),
        ("/Models?view=Side+by+side", "[data-save]", "Ten test pictures", "Ten-test-pictures"),
    ],
)
def test_a_picture_is_saved_at_the_size_of_a_slide(new_page, path, shown, name, start):
    page = new_page(path, shown)
    file, content = saved(page, name)
    assert file.startswith(start) and file.endswith(".png")
    opened(content)


def test_every_pixel_of_a_digit_becomes_a_square_of_one_colour(new_page):
    page = new_page("/Explore?model=vae-conv", ".live[data-shown]")
    pixels = np.asarray(opened(saved(page, "Decoded at this point")[1]))
    times = len(pixels) // 28
    assert pixels.shape == (28 * times, 28 * times, 3)
    small = pixels[::times, ::times]
    assert (small.repeat(times, 0).repeat(times, 1) == pixels).all()


def test_a_file_says_with_which_seed_it_was_drawn(new_page):
    page = new_page("/Generate?digits=6&seed=8", "[data-testid=stImage] img")
    assert "seed-8" in saved(page, "50 generated digits")[0]


def test_the_map_is_drawn_anew_and_not_enlarged(new_page):
    page = new_page("/Map", ".plot[data-points]")
    pixels = np.asarray(opened(saved(page, "Map of")[1])).astype(int)
    assert pixels.shape == (1200, 1200, 3)
    pairs = np.abs(pixels[::2] - pixels[1::2]).sum(2)
    assert (pairs > 30).mean() > 0.01  # dots have edges as sharp as the file allows


def test_the_saved_map_says_what_its_colours_mean(new_page):
    for colour, has_scale in (("Digit", False), ("KL, nats", True)):
        page = new_page("/Map?" + urlencode({"colour": colour}), ".plot[data-points]")
        pixels = np.asarray(opened(saved(page, "Map of")[1])).astype(int)
        row = pixels[-46:-40, :600]  # through the middle of the scale
        colourful = row[:, row.std(2).min(0) > 20]  # the same from top to bottom
        assert (len(np.unique(colourful.reshape(-1, 3), axis=0)) > 50) == has_scale, colour


def test_curves_and_diagrams_are_drawings_too(new_page):
    page = new_page("/Models?view=Loss+curves", ".js-plotly-plot .legend")
    file, content = saved(page, "", "SVG")
    assert "vae-conv" in file and file.endswith(".svg")
    texts = [node.text for node in ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}text")]
    assert "epoch" in texts and "cvae-conv, training" in texts
    opened(saved(page, "")[1])
    page = new_page("/Models?view=Model+cards", ".diagram svg")
    file, content = saved(page, "Architecture of cvae-conv", "SVG")
    assert file == "Architecture-of-cvae-conv.svg"
    root = ElementTree.fromstring(content)
    assert "currentColor" not in root.get("style", "") and "color" in root.get("style", "")
    assert any("couplings" in (node.text or "") for node in root.iter("{http://www.w3.org/2000/svg}text"))


def test_a_table_is_saved_with_its_values_in_full(new_page):
    page = new_page("/Models", ".zoo tbody tr")
    file, content = saved(page, "Models that draw", "CSV")
    assert file == "Models-that-draw.csv"
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(content.decode()))}
    assert len(rows) == page.locator(".zoo").first.locator("tbody tr").count()
    assert int(rows["vae-conv"]["parameters"]) > 10_000 and float(rows["vae-conv"]["kl"]) % 0.01 > 1e-6
    assert rows["ae-conv-faces"]["nll"] == ""


def test_nothing_is_asked_of_the_server(new_page):
    page = new_page("/Draw", ".sketch[data-shown]")
    page.wait_for_timeout(1500)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    saved(page, "Reconstruction")
    assert [url for url in asked if not url.startswith("blob:")] == []


def test_the_menu_fits_a_phone_and_both_themes(new_page):
    page = new_page("/Inpaint", ".sketch[data-shown]", viewport={"width": 390, "height": 844})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        page.get_by_role("button", name="Save", exact=True).click()
        menu = page.locator("#saving")
        box = menu.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert menu.get_by_role("button").first.bounding_box()["height"] >= 40
        ground = menu.evaluate("node => getComputedStyle(node).backgroundColor")
        assert ground == page.locator(".stApp").evaluate("node => getComputedStyle(node).backgroundColor")
        page.keyboard.press("Escape")
