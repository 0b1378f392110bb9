"""Faces in a real browser: the smile slider, an upload, the camera, a morph, similar faces, links, a phone."""

import io
import math
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from cvae.faces import figures as face_figures
from cvae.presets import PRESETS
from tests.e2e.test_app import middle, poll

READY = ".gallery[data-ready], .steer[data-shown]"
SMILE = "input[type=range][aria-label=Smiling]"
PHONE_SIZE = {"width": 390, "height": 844}
PIXELS = """c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"""


def pixels(page, which: int = 1) -> np.ndarray:
    """Return the picture (S, S, 3) that the sliders start from (0) or lead to (1)."""
    read = np.array(page.locator(".steer canvas").nth(which).evaluate(PIXELS), float)
    side = math.isqrt(len(read) // 4)
    return read.reshape(side, side, 4)[..., :3]


def shown(page, values: str) -> None:
    """Wait until the picture for these values of the sliders is there."""
    poll(page, lambda: page.locator(".steer").get_attribute("data-shown") == values)


def test_dragging_the_smile_slider_changes_the_mouth_most(new_page):
    page = new_page("/Faces?a_Smiling=0", READY)
    shown(page, "0")
    before = pixels(page)
    x, y = middle(page, SMILE)
    page.mouse.move(x, y)
    page.mouse.down()
    seen = set()
    for step in range(1, 6):
        old = pixels(page).tobytes()
        page.mouse.move(x + 18 * step, y)
        poll(page, lambda old=old: pixels(page).tobytes() != old)
        seen.add(pixels(page).tobytes())
    assert len(seen) == 5 and page.url.endswith("a_Smiling=0")
    page.mouse.up()
    poll(page, lambda: not page.url.endswith("a_Smiling=0"))
    change = ((pixels(page) - before) ** 2).mean(2)
    rows, columns = face_figures.mouth(len(change), PRESETS["ae-faces"].data.crop)
    assert change[rows, columns].mean() > 1.5 * change.mean()
    assert np.array_equal(pixels(page, 0), before)
    page.locator(SMILE).press("ArrowLeft")
    page.get_by_role("button", name="Smiling: back").click()
    shown(page, "0")
    assert np.abs(pixels(page) - before).max() <= 1  # by the page itself, where at first the server decoded


@pytest.mark.parametrize("tool", ["", "Reconstruct", "Morph", "Similar faces", "Make a slider", "New faces"])
def test_a_page_of_faces_is_light(new_page, address, tool):
    """All that comes by itself but the model and Streamlit's own files, whether before or after the first picture."""
    page, got = new_page("/Faces?tool=New+faces", READY), []  # Streamlit's files are there then
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: got.append(len(data))))
    page.goto(f"{address}/Faces?tool={quote(tool)}&plus=3,1,4&minus=15,92,6")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    poll(page, lambda: page.locator(".gallery[data-ready]").count() > 0)
    assert 100_000 < sum(got) < 330_000  # with the document and one answer of the server some 60 kB more


def test_the_slider_is_on_the_first_screen(new_page):
    for size in ({"width": 1280, "height": 900}, {"width": 390, "height": 844}):
        page = new_page("/Faces", READY, viewport=size)
        shown(page, "2")
        poll(
            page,
            lambda page=page, size=size: (
                (box := page.locator(SMILE).bounding_box())["y"] + box["height"] < size["height"]
            ),
        )


def test_a_link_shows_the_same_smile_and_the_other_direction_the_other_way(new_page):
    page = new_page("/Faces?who=100&a_Smiling=2", READY)
    shown(page, "2")
    there = new_page("/Faces?who=100&a_Smiling=-2", READY)
    shown(there, "-2")
    up, down = pixels(page) - pixels(page, 0), pixels(there) - pixels(there, 0)
    assert np.array_equal(pixels(page, 0), pixels(there, 0)) and (up * down).sum() < 0
    page.reload()
    page.wait_for_selector(READY)
    shown(page, "2")
    assert np.array_equal(pixels(page) - pixels(page, 0), up)


def test_another_face_is_taken_from_the_gallery(new_page):
    page = new_page("/Faces", READY)
    first = pixels(page, 0)
    steps = page.evaluate("history.length")
    page.locator(".gallery button").nth(3).click()
    page.wait_for_url("**who=*")
    poll(page, lambda: not np.array_equal(pixels(page, 0), first))
    expect(page.locator(".gallery button").nth(3)).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Find the face to start from").fill("williams serena")
    page.keyboard.press("Enter")
    expect(page.locator(".gallery button").first).to_have_attribute("aria-label", "Serena Williams")
    page.wait_for_url("**who_find=williams*")
    assert page.evaluate("history.length") == steps  # as choosing a tool does


def a_face() -> bytes:
    picture = Image.new("RGB", (400, 500), (90, 110, 140))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((90, 80, 310, 400), fill=(214, 170, 140))
    for x in (155, 245):
        draw.ellipse((x - 20, 200, x + 20, 220), fill=(40, 30, 30))
    draw.rectangle((160, 310, 240, 325), fill=(150, 60, 60))
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


def test_an_upload_is_cropped_and_reconstructed_and_in_the_link_when_asked_for(new_page):
    page = new_page("/Faces?face=Upload&tool=Reconstruct", "[data-testid=stFileUploader]")
    page.locator("input[type=file]").set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": a_face()})
    expect(page.get_by_alt_text("Reconstruction", exact=True)).to_be_visible()
    expect(page.get_by_alt_text("Difference, 4 times", exact=True)).to_be_visible()
    assert "photo=" not in page.url
    page.get_by_text("Put the picture into the link").click()
    page.wait_for_url("**photo=*")
    source = page.get_by_alt_text("Original", exact=True).get_attribute("src")
    link, steps = page.url, page.evaluate("history.length")
    page.get_by_label("Lower right corner of the box").press("Shift+ArrowLeft")
    expect(page.get_by_alt_text("Original", exact=True)).not_to_have_attribute("src", source)
    poll(page, lambda: page.url != link)
    assert page.evaluate("history.length") == steps
    source = page.get_by_alt_text("Reconstruction", exact=True).get_attribute("src")
    there = new_page(page.url[page.url.index("/Faces") :], "[data-testid=stFileUploader]")
    expect(there.get_by_alt_text("Reconstruction", exact=True)).to_have_attribute("src", source)
    page.get_by_role("button", name="Remove me.jpg").click()
    expect(page.get_by_text("Bring a picture with one face")).to_be_visible()
    page.wait_for_url(lambda url: "photo=" not in url)


def test_the_square_over_a_face_grows_smaller_by_keys_and_is_dragged_when_small(new_page):
    page = new_page("/Faces?face=Upload&tool=Reconstruct", "[data-testid=stFileUploader]", viewport=PHONE_SIZE)
    page.locator("input[type=file]").set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": a_face()})
    page.wait_for_selector(".crop[data-ready]")
    box, corner = page.locator(".crop .box"), page.get_by_label("Lower right corner of the box")
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp"):
        before = box.bounding_box()["width"]
        corner.press(key)
        assert box.bounding_box()["width"] < before - 3, key
    for _ in range(60):
        corner.press("Shift+ArrowLeft")
    small = box.bounding_box()
    assert 4 < small["width"] < 15 and abs(small["width"] - small["height"]) < 1
    middle_x, middle_y = small["x"] + small["width"] / 2, small["y"] + small["height"] / 2
    page.mouse.move(middle_x, middle_y)
    page.mouse.down()
    page.mouse.move(middle_x + 60, middle_y + 30, steps=3)
    page.mouse.up()
    there = box.bounding_box()
    assert (there["width"], there["x"] - small["x"], there["y"] - small["y"]) == pytest.approx(
        (small["width"], 60, 30), abs=1
    )


def test_a_picture_of_the_camera_goes_the_same_way(new_page):
    page = new_page("/Faces?face=Camera&tool=Reconstruct", "[data-testid=stCameraInput]", permissions=["camera"])
    # the button is there before the camera's first frame is, and until then it takes nothing
    poll(page, lambda: page.evaluate("document.querySelector('[data-testid=stCameraInput] video')?.videoHeight > 0"))
    page.locator("[data-testid=stCameraInputButton]:not([disabled])").click()
    expect(page.get_by_alt_text("The picture with the crop box")).to_be_visible(timeout=20_000)
    expect(page.get_by_alt_text("Reconstruction", exact=True)).to_be_visible()
    assert "photo=" not in page.url
    shown = page.get_by_alt_text("Reconstruction", exact=True).get_attribute("src")
    page.get_by_role("link", name="Models").click()
    page.wait_for_selector(".zoo")
    page.get_by_role("link", name="Faces", exact=True).click()
    page.get_by_text("Camera", exact=True).click()
    page.get_by_text("Reconstruct", exact=True).click()
    expect(page.get_by_alt_text("Reconstruction", exact=True)).to_have_attribute("src", shown)
    page.get_by_text("Put the picture into the link").click()
    page.wait_for_url("**photo=*")


def test_a_file_that_is_no_picture_gets_one_sentence(new_page):
    page = new_page("/Faces?face=Upload", "[data-testid=stFileUploader]")
    page.locator("input[type=file]").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"not a picture"}
    )
    expect(page.get_by_text("is not a picture that can be read")).to_be_visible()


def test_a_morph_goes_from_one_face_to_the_other(new_page):
    page = new_page("/Faces?tool=Morph&who=100&to=200&t=0", READY)
    shown(page, "0")
    start = pixels(page, 0)
    assert np.abs(pixels(page) - start).max() <= 1
    page.locator("input[type=range][aria-label='How far']").press("End")
    shown(page, "1")
    page.wait_for_url("**t=1*")
    other = new_page("/Faces?who=200", READY)
    assert np.abs(pixels(page) - pixels(other, 0)).max() <= 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Download GIF").click()
    assert Image.open(download.value.path()).n_frames > 20


def test_similar_faces_have_names_and_distances_and_lead_on(new_page):
    page = new_page("/Faces?tool=Similar+faces&who=100", ".gallery[data-ready] small")
    cells = page.locator(".gallery button:has(small)")
    expect(cells).to_have_count(12)
    distances = [float(text.split()[-1]) for text in cells.all_inner_texts()]
    assert distances == sorted(distances) and distances[0] > 0
    name = " ".join(cells.first.inner_text().split()[:-1])
    cells.first.click()
    page.wait_for_url(lambda url: "who=100" not in url)
    page.get_by_text("Reconstruct", exact=True).click()
    expect(page.get_by_text(name).first).to_be_visible()


def test_an_own_slider_is_built_from_two_groups(new_page):
    page = new_page("/Faces?tool=Make+a+slider", READY)
    pool = page.locator(".st-key-pool_gallery .gallery")
    pool.locator("button").nth(0).click()
    page.wait_for_url("**plus=*")
    expect(pool.locator("button").nth(0)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("radio", name="Without it").click()
    expect(pool.locator("button").nth(0)).to_have_attribute("aria-pressed", "false")
    pool.locator("button").nth(1).click()
    page.wait_for_url("**minus=*")
    page.locator("input[type=range][aria-label='Your direction']").press("ArrowRight")
    page.wait_for_url("**own=0.05*")
    page.get_by_label("Name of the slider").fill("Hats")
    page.keyboard.press("Enter")
    expect(page.locator("input[type=range][aria-label=Hats]")).to_have_value("0.05")
    page.get_by_role("button", name="Take out").first.click()
    page.wait_for_url(lambda url: "plus=" not in url)
    expect(page.get_by_text("Press at least one face for each group.")).to_be_visible()


def test_new_faces_follow_their_seed(new_page):
    page = new_page("/Faces?tool=New+faces", ".gallery button")
    face = page.locator(".gallery button span").first
    source = face.get_attribute("style")
    page.get_by_role("button", name="New seed").click()
    expect(face).not_to_have_attribute("style", source)
    source = face.get_attribute("style")
    page.get_by_role("radio", name="Mixture of Gaussians").click()
    expect(face).not_to_have_attribute("style", source)
    page.wait_for_url("**face_seed=*")


def test_new_faces_are_kept_and_saved(new_page):
    page = new_page("/Faces?tool=New+faces", ".gallery button")
    for number, name in enumerate(("New face 3", "New face 9"), 1):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.get_by_role("button", name="Keep this point").click()
        expect(page.locator(".shelf .points button")).to_have_count(number, timeout=20_000)
        page.wait_for_timeout(200)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    assert page.locator(".shelf .run").is_visible()
    kept = parse_qs(urlsplit(page.url).query)["shelf"][0].split("~")[1:]
    assert len(set(kept)) == 2
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG: 28 faces of nobody").click()
    with Image.open(download.value.path()) as picture:
        assert picture.width >= 1000 and picture.width / picture.height == 7 / 4


def test_the_page_fits_a_narrow_screen(new_page):
    both = "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
    wide = f"{both}.map(e => e.scrollWidth - e.clientWidth)"
    for path in ("", "?tool=Reconstruct", "?tool=Morph", "?tool=Similar+faces", "?tool=Make+a+slider&plus=1&minus=2"):
        page = new_page("/Faces" + path, READY, viewport={"width": 390, "height": 844})
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        assert page.evaluate(wide) == [0, 0], path
