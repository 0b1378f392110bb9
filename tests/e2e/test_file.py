"""A model as one HTML file: opened from disk, without a network, by hand, finger and key."""

import base64
import io
import json
import re
import struct
import time

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from cvae import checkpoints, tasks
from cvae.browser import program
from cvae.browser.page import page as make
from cvae.sketches import digits

FILES = {"vae-dense-2d": {}, "cvae-conv": {"sheet": True}, "ae-conv-faces": {}, "cvae-faces": {}}
FILES |= {"dae-conv": {}, "cvae-inpaint": {}}
DATA = r'<script type="application/json" id="data">(.*?)</script>'
READY = ".stage[data-shown], .sheet[data-shown]"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    for name, options in FILES.items():
        (made / f"{name}.html").write_text(make(name, **options), encoding="utf-8")
    return made


@pytest.fixture
def open_file(browser, folder):
    """Return a function that opens a file with the network off; until the end nothing may be asked for or go wrong."""
    contexts, complaints = [], []

    def open_page(name, fragment="", ready=READY, **options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        contexts[-1].set_offline(True)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or complaints.append(r.url))
        page.goto((folder / f"{name}.html").as_uri() + fragment)
        page.wait_for_selector(ready)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def pixels(page, selector=".pictures canvas", i=0) -> np.ndarray:
    """Return what a canvas shows, (H, W, 3) uint8."""
    address = page.locator(selector).nth(i).evaluate("c => c.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB"))


def point(page) -> torch.Tensor:
    return torch.tensor([[float(v) for v in page.locator(".stage").get_attribute("data-shown").split(",")]])


def levels(picture: torch.Tensor) -> np.ndarray:
    """Return one picture (C, H, W) as (H, W, 3) int."""
    return picture.mul(255).round().int().permute(1, 2, 0).expand(-1, -1, 3).numpy()


def assert_shows(page, model, label=None, i=0):
    wanted = levels(tasks.decode(model, point(page), None if label is None else torch.tensor([label]))[0])
    assert abs(pixels(page, i=i).astype(int) - wanted).max() <= 1


def settled(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_drag_on_the_pad_shows_what_torch_decodes(open_file):
    page, model = open_file("vae-dense-2d"), checkpoints.load_run("vae-dense-2d")
    assert_shows(page, model)
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    for share in (0.6, 0.3, 0.72):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.4 * box["height"], steps=5)
        settled(page)
        assert_shows(page, model)
    page.mouse.up()
    assert point(page)[0, 0] == pytest.approx(0.44 * 4, abs=0.02)
    again = open_file("vae-dense-2d", re.search("#.*", page.url)[0])
    assert torch.equal(point(again), point(page))


def test_keys_move_on_the_pad_and_home_leads_back(open_file):
    page = open_file("vae-dense-2d", "#z=1,2")
    page.locator(".pad").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    settled(page)
    assert point(page).tolist() == [[0.875, 1.5]]
    page.keyboard.press("Home")
    settled(page)
    assert point(page).tolist() == [[0, 0]]


def test_labels_and_one_style_across_all_of_them(open_file):
    page, model = open_file("cvae-conv"), checkpoints.load_run("cvae-conv")
    page.get_by_role("button", name="Random").click()
    page.get_by_role("button", name="7", exact=True).click()
    settled(page)
    assert_shows(page, model, 7)
    page.get_by_role("button", name="One style across all labels").click()
    settled(page)
    for label in (0, 4, 9):
        assert_shows(page, model, label, i=label)
    assert "all=1" in page.url
    slider = page.get_by_role("slider", name=re.compile("Latent dimension")).first
    slider.fill("2")
    settled(page)
    assert_shows(page, model, 3, i=3)


def test_faces_are_decoded_in_colour(open_file):
    page, model = open_file("ae-conv-faces"), checkpoints.load_run("ae-conv-faces")
    page.get_by_role("button", name="Random").click()
    settled(page)
    assert_shows(page, model)


def test_two_labels_share_the_width_that_five_would_have(open_file):
    page = open_file("cvae-faces", viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="One style across all labels").click()
    settled(page)
    sizes = page.locator(".pictures canvas").evaluate_all("all => all.map(c => c.getBoundingClientRect().width)")
    assert len(sizes) == 2 and min(sizes) > 150


@pytest.mark.parametrize(
    "fragment", ["#z=nonsense", "#z=1,2,3", "#z=&label=99&all=7", "#%%%", "#z=NaN,1", "#label=__proto__"]
)
def test_a_fragment_with_nonsense_gives_the_start(open_file, fragment):
    assert not point(open_file("vae-dense-2d", fragment)).any()
    assert not point(open_file("cvae-conv", fragment)).any()


def test_a_morph_plays_and_is_saved_as_a_strip(open_file):
    page = open_file("vae-dense-2d", "#z=-1,1")
    keep = page.get_by_role("button", name="Keep this point")
    keep.click()
    page.get_by_role("button", name="Random").click()
    assert page.locator(".morph").is_hidden()
    keep.click()
    page.get_by_role("button", name="Play").click()
    end = time.monotonic() + 20
    while float(page.locator(".morph").get_attribute("data-shown")) < 0.05 and time.monotonic() < end:
        page.wait_for_timeout(20)  # the file's own policy forbids the eval of wait_for_function
    assert time.monotonic() < end
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("combobox", name="At the end").select_option("once")
    page.get_by_role("slider", name="Place on the way").fill("0.99")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Play").wait_for(timeout=10_000)  # without a loop it ends at the last point
    assert page.locator(".morph").get_attribute("data-shown") == "1"
    page.get_by_role("combobox", name="At the end").select_option("loop")
    page.get_by_role("combobox", name="Path").select_option("straight")
    page.get_by_role("slider", name="Place on the way").fill("0")
    model = checkpoints.load_run("vae-dense-2d")
    wanted = levels(tasks.decode(model, torch.tensor([[-1.0, 1.0]]))[0])
    assert abs(pixels(page, ".morph figure canvas").astype(int) - wanted).max() <= 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Save strip").click()
    assert Image.open(download.value.path()).size == (25 * 56, 56)


def test_a_finger_draws_and_sees_it_reconstructed(open_file):
    page = open_file("cvae-conv", "#label=1", viewport={"width": 390, "height": 844}, has_touch=True)
    before = pixels(page, ".drawing canvas", 2)
    sheet = page.locator(".sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    session = page.context.new_cdp_session(page)
    places = [{"x": box["x"] + 0.5 * box["width"], "y": box["y"] + y * box["height"]} for y in (0.2, 0.4, 0.6, 0.8)]
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
    for place in places[1:]:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settled(page)
    seen, again = pixels(page, ".drawing canvas", 1), pixels(page, ".drawing canvas", 2)
    x = torch.from_numpy(seen[None, None, :, :, 0].copy()) / 255
    wanted = levels(tasks.reconstruct(checkpoints.load_run("cvae-conv"), x, torch.tensor([1]))[0])
    assert x.sum() > 20 and (again != before).any() and abs(again.astype(int) - wanted).max() <= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_drawing_is_prepared_as_the_server_prepares_it(open_file):
    page = open_file("dae-conv")
    rng = np.random.default_rng(0)
    for _ in range(10):
        sheet = Image.new("L", (280, 280))
        walk = np.cumsum(rng.uniform(-60, 60, (8, 2)), axis=0) + rng.uniform(90, 190, 2)
        ImageDraw.Draw(sheet).line(
            [tuple(p) for p in walk.clip(15, 265)], fill=255, width=int(rng.integers(8, 60)), joint="curve"
        )
        ink = np.asarray(sheet)
        wanted = digits.ink_to_digit(ink)[0, 0].numpy()
        address = page.evaluate(
            """async ink => {
                const bytes = Uint8Array.from(atob(ink), c => c.charCodeAt(0)), canvas =
                document.querySelector(".sheet"); const image = new ImageData(280, 280); bytes.forEach((v, i) =>
                image.data.set([v, v, v, 255], 4 * i)); canvas.getContext("2d").putImageData(image, 0, 0);
                document.querySelector("input[aria-label=Noise]").value = 0;
                document.querySelector("input[aria-label=Noise]").dispatchEvent(new Event("input")); await new
                Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            }""",
            base64.b64encode(ink.tobytes()).decode(),
        )
        assert address is None
        assert (
            abs(pixels(page, ".drawing canvas", 1)[:, :, 0].astype(int) - (wanted * 255 + 0.5).astype(int)).max() <= 2
        )


def test_what_is_spoiled_is_cleaned_as_torch_cleans_it(open_file):
    page = open_file("dae-conv")
    page.get_by_role("button", name="Spoil anew").click()
    settled(page)
    spoiled, clean = (pixels(page, ".drawing canvas", i) for i in (1, 2))
    x = torch.from_numpy(spoiled[None, None, :, :, 0].copy()) / 255
    wanted = levels(tasks.denoise(checkpoints.load_run("dae-conv"), x)[0])
    assert abs(clean.astype(int) - wanted).mean() < 1  # the page's own input is not rounded to levels


def test_a_hole_is_completed_eight_times(open_file):
    page = open_file("cvae-inpaint")
    before = [pixels(page, ".completions canvas", i) for i in range(8)]
    assert len({picture.tobytes() for picture in before}) == 8
    assert all((picture[:14] == before[0][:14]).all() for picture in before)  # what is visible stays
    page.get_by_role("button", name="Hide nothing").click()
    settled(page)
    assert len({pixels(page, ".completions canvas", i).tobytes() for i in range(8)}) == 1
    box = page.locator(".sheet").nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6, steps=6)
    page.mouse.up()
    settled(page)
    assert len({pixels(page, ".completions canvas", i).tobytes() for i in range(8)}) > 1


@pytest.mark.parametrize(
    ("pattern", "instead", "sentence"),
    [
        (r'(id="weights">).{4000}', r"\1", "damaged"),
        (r'"format":1', '"format":9', "newer version"),
        (r'"op":"linear"', '"op":"quantum"', "does not know"),
        (r'"once":\[', '"once":[7,', "damaged"),
        (r'"labels":\[\]', '"labels":7', "damaged"),
    ],
)
def test_a_damaged_file_says_so_in_the_place_of_the_picture(browser, folder, tmp_path, pattern, instead, sentence):
    text = (folder / "vae-dense-2d.html").read_text(encoding="utf-8")
    (tmp_path / "broken.html").write_text(re.sub(pattern, instead, text, count=1), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "broken.html").as_uri())
    page.wait_for_selector(".trouble:not([hidden])")
    assert sentence in page.locator(".trouble").first.inner_text() and page.locator("#app").is_hidden()
    page.close()


def test_without_webassembly_it_is_slower_and_the_same(open_file, browser, folder):
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.add_init_script("delete window.WebAssembly")
    page.goto((folder / "vae-dense-2d.html").as_uri() + "#z=1,-0.5")
    page.wait_for_selector(READY)
    assert_shows(page, checkpoints.load_run("vae-dense-2d"))
    assert len(said) == 1 and "plain JavaScript" in said[0]
    page.close()


@pytest.mark.parametrize("end", [0.05, 0.5, 0.97])
def test_half_a_file_says_so_without_a_script(browser, folder, tmp_path, end):
    text = (folder / "vae-dense-2d.html").read_text(encoding="utf-8")
    (tmp_path / "half.html").write_text(text[: int(end * len(text))], encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "half.html").as_uri())
    sentence = page.locator(".trouble").first
    assert not sentence.is_visible()  # it may still be loading
    page.wait_for_timeout(2500)
    assert sentence.is_visible() and "damaged or incomplete" in sentence.inner_text()
    page.close()


def test_files_are_small():
    sizes = {name: len(make(name).encode()) / 1e6 for name in ("vae-dense-2d", "cvae-conv", "ae-conv-faces")}
    assert sizes["vae-dense-2d"] < 1.8 and sizes["cvae-conv"] < 1.7 and sizes["ae-conv-faces"] < 3.4, sizes


def test_a_light_model_has_a_sheet_unasked():
    sheet = lambda text: json.loads(re.search(DATA, text)[1])["sheet"]  # noqa: E731
    names = ("vae-conv", "cvae-conv", "ae-conv-faces", "dae-conv")
    assert [sheet(make(name)) for name in names] == ["reconstruct", "", "", "denoise"]
    assert (sheet(make("vae-conv", sheet=False)), sheet(make("vae-dense-2d", sheet=True))) == ("", "reconstruct")


def test_a_file_links_back():
    home = "https://example.org/?a=1&b=2"
    assert '<a href="https://example.org/?a=1&amp;b=2" target="_top">Latent digits</a>' in make("vae-conv", home=home)
    for wrong in ("javascript:alert(1)", "data:text/html,x", "https://example.org/\nx"):
        with pytest.raises(ValueError, match="address of the web"):
            make("vae-conv", home=wrong)


@pytest.mark.parametrize("name", ["vae-dense-2d", "dae-conv", "cvae-inpaint"])
def test_a_preview_is_one_picture_that_moves(open_file, name):
    page = open_file(name, "#view=picture", ready="canvas[data-shown]")
    before = pixels(page, "canvas")
    assert page.locator("canvas").count() == 1 and page.locator("button").count() == 0
    page.wait_for_timeout(600)
    assert (pixels(page, "canvas") != before).any()
    still = open_file(name, "#view=picture", ready="canvas[data-shown]", reduced_motion="reduce")
    before = pixels(still, "canvas")
    still.wait_for_timeout(400)
    assert (pixels(still, "canvas") == before).all()


def test_a_start_is_a_link_of_the_app(tmp_path):
    z = [0.5, -1.25]
    packed = base64.urlsafe_b64encode(struct.pack("<2e", *z)).decode().rstrip("=")
    link = f"http://127.0.0.1:8501/Explore?model=vae-dense-2d&z={packed}"
    told = re.search(DATA, make("vae-dense-2d", start=link))[1]
    assert json.loads(told)["start"] == {"z": z, "label": 0, "all": False}
    assert json.loads(told)["program"]["format"] == program.FORMAT
    for wrong in ("?z=abc", "?z=1,2,3", "?z=nan,1"):
        with pytest.raises(ValueError, match="z of 2 numbers"):
            make("vae-dense-2d", start=wrong)
    with pytest.raises(ValueError, match="from 0 to 9"):
        make("cvae-small", labels=[3, 10])
    with pytest.raises(ValueError, match="takes no labels"):
        make("vae-dense-2d", labels=[1])
