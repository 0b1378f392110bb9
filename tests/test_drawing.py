"""Draw and Inpaint without a browser: what the canvas asks for; what pages make of drawings, uploads and addresses."""

import io
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from cvae.data import corruptions
from tests.app import answer, open_page, sent
from tests.conftest import ROOT, bars, write_idx
from ui.shell import api, codecs, sketch
from ui.widgets.canvas import crop, source

PAGES = ["pages/3_Draw.py", "pages/4_Inpaint.py"]
EVERYWHERE = {"task": "reconstruct", "model": "labels"}


def stroke() -> np.ndarray:
    """A thick slanted line on the drawing pad, (80, 80) bool."""
    picture = Image.new("1", (80, 80))
    ImageDraw.Draw(picture).line((20, 60, 50, 15), fill=1, width=8)
    return np.asarray(picture)


def hole(name: str = "Bottom half") -> np.ndarray:
    return ~corruptions.preset_holes()[name][0].numpy()


def digit() -> torch.Tensor:
    return sketch.picture({"bits": sketch.pack_bits(stroke())})


INK, DIGIT, HOLE = sketch.pack_bits(stroke()), sketch.pack_digit(digit()), sketch.pack_bits(hole())
NOISE = {
    "task": "denoise",
    "model": "labels",
    "kind": "gaussian",
    "strength": "0.4",
    "seed": "1",
    "denoiser": "cleaner",
}
PAINT = {"task": "inpaint", "painter": "painter", "model": "labels", "digit": DIGIT, "hole": HOLE, "seed": "0"}
GOOD = {
    "what the model sees": ({"task": "see", "bits": INK}, 1, 0),
    "a drawing": ({**EVERYWHERE, "bits": INK}, 3, 10),
    "a digit": ({**EVERYWHERE, "digit": DIGIT}, 3, 10),
    "a model without labels": ({**EVERYWHERE, "model": "sliders", "bits": INK}, 3, 0),
    "noise": ({**NOISE, "bits": INK}, 4, 0),
    "noise without a denoiser": ({**NOISE, "denoiser": "", "bits": INK}, 3, 0),
    "a hole": (PAINT, 10, 0),
    "a hole with a hint": ({**PAINT, "label": "3"}, 10, 0),
}


@pytest.mark.parametrize("query, pictures, scores", GOOD.values(), ids=GOOD.keys())
def test_the_route_answers_with_pictures(zoo, query, pictures, scores):
    response = answer(api.answer_sketch, **query)
    assert response.status_code == 200 and len(response.body) == pictures * 28 * 28 * 3
    about = json.loads(response.headers["x-about"])
    assert len(about["scores"]) == scores and len(about["notes"]) in (0, pictures)
    assert answer(api.answer_sketch, **query).body == response.body


def test_a_page_is_given_what_it_needs_to_answer_by_itself(zoo):
    models = lambda query: [name for name, _ in sketch.here(query, 28)["models"]]  # noqa: E731
    assert models(EVERYWHERE) == ["labels"] and models(NOISE) == ["labels", "cleaner"]
    assert models({**NOISE, "denoiser": ""}) == ["labels"]
    assert models({"task": "inpaint", "painter": "painter", "digit": DIGIT, "seed": "0"}) == ["painter"]
    assert set(sketch.here(NOISE, 28)["spoils"]) == {"factor", "term"}
    assert set(sketch.here({**NOISE, "kind": "blur"}, 28)["spoils"]) == {"kernel"}
    assert "rounds of encoding and decoding" in sketch.here({**PAINT, "label": "3"}, 28)["note"]
    assert "rounds of encoding and decoding" in sketch.here({**PAINT, "painter": "plane"}, 28)["note"]
    assert sketch.here({**EVERYWHERE, "digit": DIGIT}, 28) is None  # no pen moves
    assert sketch.here(EVERYWHERE, 32) is None  # as they are not of this size


BAD = {
    "nothing": {},
    "no task": {"bits": INK},
    "unknown task": {"task": "sing", "bits": INK},
    "no picture": {"task": "see"},
    "no ink": {"task": "see", "bits": sketch.pack_bits(np.zeros((80, 80)))},
    "short bits": {"task": "see", "bits": INK[:-8]},
    "text as bits": {"task": "see", "bits": "not base64!"},
    "text as digit": {"task": "see", "digit": "AAAA"},
    "digit cut off": {"task": "see", "digit": DIGIT[:-8]},
    "digit that unfolds to too much": {"task": "see", "digit": codecs.deflate(b"\0" * 10**6)},
    "unknown model": {**EVERYWHERE, "model": "nobody", "bits": INK},
    "classifier": {**EVERYWHERE, "model": "judge", "bits": INK},
    "unknown damage": {**NOISE, "kind": "rain", "bits": INK},
    "strength NaN": {**NOISE, "strength": "nan", "bits": INK},
    "strength beyond its range": {**NOISE, "strength": "9", "bits": INK},
    "negative seed": {**NOISE, "seed": "-1", "bits": INK},
    "seed in words": {**NOISE, "seed": "one", "bits": INK},
    "a VAE as denoiser": {**NOISE, "denoiser": "sliders", "bits": INK},
    "nothing hidden": {**PAINT, "hole": sketch.pack_bits(np.zeros((28, 28)))},
    "everything hidden": {**PAINT, "hole": sketch.pack_bits(np.ones((28, 28)))},
    "no hole": {**PAINT, "hole": ""},
    "unknown painter": {**PAINT, "painter": "labels"},
    "label out of range": {**PAINT, "label": "10"},
    "label in words": {**PAINT, "label": "three"},
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD.keys())
def test_the_route_refuses(zoo, query):
    response = answer(api.answer_sketch, **query)
    assert response.status_code == 400 and 0 < len(response.body) < 500 and b"\n" not in response.body


def test_completions_keep_what_is_visible(zoo):
    pictures = np.frombuffer(answer(api.answer_sketch, **PAINT).body, np.uint8).reshape(10, 28, 28, 3)
    seen = (digit()[0, 0] * 255).round().byte().numpy()[:14, :, None]
    assert (pictures[:9, :14] == seen).all()  # eight completions and their mean
    assert not pictures[9, :14].any() and pictures[9, 14:].any()  # where they deviate


def test_bitmaps_and_digits_survive_the_address():
    assert (sketch.unpack_bits(INK, 80) == stroke()).all()
    assert sketch.lengthen(sketch.shorten(INK), 80) == INK
    assert len(sketch.shorten(INK)) < 400 and len(INK) < 1100
    torch.testing.assert_close(sketch.unpack_digit(DIGIT), digit())


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", [source.DRAW, source.UPLOAD, source.GENERATED, source.TEST])
@pytest.mark.parametrize("task", ["Reconstruct", "Denoise"])
def test_every_source_without_a_digit_and_with_one(zoo, page, kind, task, tmp_path, monkeypatch):
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path / "none"))
    for parameters in ({}, {"ink": sketch.shorten(INK), "digit": DIGIT, "hole": sketch.shorten(HOLE)}):
        app = open_page(page, source=kind, task=task, **parameters)
        assert not app.exception and not app.error and not app.warning


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["-1e999", "nan", "", "99999999999999999999", "-1", "3.7", "<b>", "\u00bd", "A" * 100_000]
)
@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_the_address(zoo, page, text):
    names = [
        "source",
        "task",
        "noise",
        "gaussian",
        "noise_seed",
        "ink",
        "hole",
        "digit",
        "hint",
        "pick",
        "digit_label",
        "seed",
    ]
    app = open_page(page, **dict.fromkeys([*names, "index", "model"], text))
    assert not app.exception and not app.error
    for kind in (source.UPLOAD, source.GENERATED):
        app = open_page(page, **dict.fromkeys(names, text) | {"source": kind, "task": "Denoise"})
        assert not app.exception and not app.error


def test_a_link_shows_the_drawing_and_what_the_model_reads(zoo):
    app = open_page("pages/3_Draw.py", ink=sketch.shorten(INK))
    data = sent(app)
    assert data["bits"] == INK and len(data["scores"]) == 10
    assert any("p(y | x)" in caption.value for caption in app.caption)
    assert any("among the 10,000 test digits" in caption.value for caption in app.caption)
    assert any("the test digits lie between -700 and -300" in element.proto.body for element in app.get("html"))


def test_a_stroke_gets_careful_scores_and_no_route_gets_pixels(zoo):
    app = open_page("pages/3_Draw.py")
    assert len(sent(app)["scores"]) == 10  # of the sample that the page opens with
    app.query_params["ink"] = sketch.shorten(INK)
    app.session_state["drawing"] = {"drawn": {"bits": INK, "short": sketch.shorten(INK), "sequence": 4, "ask": True}}
    app.run()
    data = sent(app)
    assert not app.exception and data["sequence"] == 4 and len(data["pixels"]) == 3 * 28 * 28 * 3 * 4 // 3
    best = sketch.answer({**EVERYWHERE, "bits": INK}).scores
    assert len(data["scores"]) == 10 and data["scores"] != best  # eight samples, not one


def test_a_seed_gives_other_completions_and_a_preset_another_hole(zoo):
    app = open_page("pages/4_Inpaint.py", source=source.UPLOAD, digit=DIGIT)
    first = sent(app)
    assert first["bits"] == HOLE and first["background"]
    app.button(key="seed_next").click().run()
    assert sent(app)["query"]["seed"] != first["query"]["seed"]
    next(b for b in app.button if b.label == "Centre").click().run()
    assert sent(app)["bits"] == sketch.pack_bits(hole("Centre"))


def test_a_hint_asks_the_model_with_labels(zoo):
    app = open_page("pages/4_Inpaint.py", source=source.UPLOAD, digit=DIGIT, hint="7")
    assert sent(app)["query"]["label"] == "7" and sent(app)["query"]["model"] == "labels"


def test_real_digits_appear_when_mnist_is_there(zoo, tmp_path, monkeypatch):
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    pictures, labels = bars(30, 0)
    write_idx(raw / "t10k-images-idx3-ubyte", pictures)
    write_idx(raw / "t10k-labels-idx1-ubyte", labels)
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path / "data"))
    app = open_page("pages/3_Draw.py", source=source.TEST, index="12")
    assert not app.exception and any("a 2." in caption.value for caption in app.caption)
    shown = sketch.unpack_digit(sent(app)["query"]["digit"])[0, 0]
    torch.testing.assert_close(shown * 255, torch.tensor(pictures[12]).float())


def sheet(**options) -> bytes:
    """A photograph-like picture of a pen stroke as a file."""
    picture = Image.new("L", (300, 400), 235)
    ImageDraw.Draw(picture).line((200, 80, 120, 320), fill=40, width=14)
    out = io.BytesIO()
    mode = options.pop("mode", "L")
    deep = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)  # convert() would leave 16 bits at 0 to 255
    (deep if mode == "I;16" else picture.convert(mode)).save(out, options.pop("format", "PNG"), **options)
    return out.getvalue()


def upload(page: str, name: str, content: bytes):
    app = open_page(page, source=source.UPLOAD)
    return app.file_uploader(key="upload").set_value((name, content, "image/png")).run()


@pytest.mark.parametrize("page", PAGES)
def test_an_upload_becomes_a_digit_with_its_steps(zoo, page):
    app = upload(page, "seven.png", sheet())
    assert not app.exception and not app.error
    assert "digit" not in app.query_params and any("forgets it" in said.value for said in app.caption)
    app.toggle(key="digit_in_link").set_value(True).run()
    assert sketch.unpack_digit(in_address(app, "digit")).max() > 0.9
    assert any("whoever gets the link sees it" in caption.value for caption in app.caption)
    app.toggle(key="digit_in_link").set_value(False).run()
    assert "digit" not in app.query_params
    app.toggle(key="digit_in_link").set_value(True).run()
    del app.query_params["digit"]  # as the browser's way back does
    assert not app.run().toggle(key="digit_in_link").value and "digit" not in app.query_params
    assert any("28 x 28" in element.proto.body for element in app.get("html"))


@pytest.mark.parametrize("page", PAGES)
def test_of_several_digits_the_visitor_chooses_one_or_a_part_of_the_picture(zoo, page):
    shutil.copytree(ROOT / "checkpoints" / "ink", zoo / "ink")
    picture = Image.new("L", (640, 400), 235)
    draw = ImageDraw.Draw(picture)
    draw.line((100, 100, 200, 100, 140, 300), fill=40, width=16, joint="curve")
    draw.ellipse((400, 70, 560, 330), outline=40, width=18)
    out = io.BytesIO()
    picture.save(out, "PNG")
    app = upload(page, "two.png", out.getvalue())
    assert not app.exception and any("There are 2 digits" in caption.value for caption in app.caption)
    largest = kept_digit(app)
    which = next(control for control in app.segmented_control if control.label == "Digit in the picture")
    other = kept_digit(which.set_value(1).run())
    assert other != largest
    key, seen = f"crop_{app.session_state['upload_digest'][:12]}", marks(app)
    assert [mark["name"] for mark in seen] == ["1", "2"] and seen[1]["box"][2] < 0.5 < seen[0]["box"][0]
    app.session_state[key] = {"box": {"box": [0.0, 0.0, 0.5, 1.0], "sequence": 1}}  # as the browser sends it
    alone = app.run()
    assert not alone.exception and not any("There are" in caption.value for caption in alone.caption)
    near = [sketch.unpack_digit(digit) for digit in (kept_digit(alone), other, largest)]
    assert (near[0] - near[1]).abs().mean() < 0.05 < (near[0] - near[2]).abs().mean()
    assert len(marks(alone)) == 1  # still in shares of the whole
    assert np.allclose(marks(alone)[0]["box"], seen[1]["box"], atol=0.02)


def marks(app) -> list[dict]:
    """Return what is marked on the uploaded picture."""
    return next(data["marks"] for data in everything(app) if "marks" in data)


NO_BOXES = [None, 5, [0, 0, 1], [0.5, 0, 0.4, 1], [0, 0, "1", 1], [0, 0, float("nan"), 1], [-1, 0, 1, 1]]
NO_BOXES += [[0, 0, 10**400, 1], [-(10**400), 0, 1, 1]]


@pytest.mark.parametrize("box", NO_BOXES, ids=lambda box: str(box)[:24])
def test_a_message_that_is_no_box_leaves_the_whole_picture(monkeypatch, box):
    monkeypatch.setattr(crop, "sent", lambda key, name: {"box": box, "sequence": 1})
    assert crop.box("any") == crop.WHOLE


def in_address(app, name: str) -> str:
    """Return a parameter of the address; AppTest gives a list of its values."""
    found = app.query_params[name]
    return found if isinstance(found, str) else found[0]


FILES = {
    "empty.png": b"",
    "text.png": b"not a picture at all",
    "cut.jpg": sheet(format="JPEG")[:700],
    "huge.png": sheet()[:16] + (60_000).to_bytes(4, "big") * 2 + sheet()[24:],
    "blank.png": (lambda out: (Image.new("L", (50, 50), 255).save(out, "PNG"), out.getvalue())[1])(io.BytesIO()),
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_bad_upload_gets_one_sentence_and_the_page_lives(zoo, page, name):
    app = upload(page, name, FILES[name])
    assert not app.exception and len(app.error) == 1 and "\n" not in app.error[0].value
    app.file_uploader(key="upload").set_value(("good.png", sheet(), "image/png")).run()
    assert not app.exception and not app.error and app.toggle(key="digit_in_link").value is False


@pytest.mark.parametrize(
    "mode, options",
    [
        ("CMYK", {"format": "JPEG"}),
        ("1", {}),
        ("P", {"transparency": 0}),
        ("I;16", {}),
        ("RGBA", {}),
        ("L", {"format": "GIF"}),
    ],
)
def test_unusual_pictures_are_read(zoo, mode, options):
    app = upload("pages/3_Draw.py", "any.png", sheet(mode=mode, **options))
    assert not app.exception and not app.error and kept_digit(app)


def everything(app) -> list[dict]:
    """Return what goes to each control of ours."""
    return [sent(app, i) for i in range(len(app.get("bidi_component")))]


def kept_digit(app) -> str:
    """Return the uploaded digit that goes into the canvas's questions, empty without one."""
    return next((data["query"].get("digit", "") for data in everything(app) if "query" in data), "")


@pytest.mark.parametrize("size", [(900, 1), (1, 900), (3000, 2)])
def test_a_picture_that_is_a_thin_line_costs_no_traceback(zoo, size):
    out = io.BytesIO()
    Image.new("L", size, 255).save(out, "PNG")
    app = upload("pages/3_Draw.py", "line.png", out.getvalue())
    assert not app.exception and len(app.error) == 1


@pytest.mark.parametrize("page", PAGES)
def test_an_upload_stays_with_the_visit_and_out_of_other_links(zoo, page):
    app = upload(page, "mine.png", sheet())
    digit = kept_digit(app)
    app.toggle(key="digit_in_link").set_value(True).run()
    app.segmented_control(key="source").set_value(source.GENERATED).run()
    assert "digit" not in app.query_params  # which would go along unseen
    app.segmented_control(key="source").set_value(source.UPLOAD).run()
    assert kept_digit(app) == digit and app.toggle(key="digit_in_link").value is False
    app.switch_page("app.py").run()
    app.query_params["source"] = source.UPLOAD
    app.switch_page(page).run()
    assert not app.exception and kept_digit(app) == digit and "digit" not in app.query_params


@pytest.mark.parametrize("page", PAGES)
def test_a_link_with_an_upload_shows_it(zoo, page):
    app = open_page(page, source=source.UPLOAD, digit=DIGIT)
    assert kept_digit(app) == DIGIT and app.toggle(key="digit_in_link").value and in_address(app, "digit") == DIGIT
    app.file_uploader(key="upload").set_value(("another.png", sheet(), "image/png")).run()
    assert kept_digit(app) != DIGIT and "digit" not in app.query_params


def test_the_way_to_inpaint_takes_an_upload_along(zoo):
    app = upload("pages/3_Draw.py", "mine.png", sheet())
    onward = next(element.proto.body for element in app.get("html") if "Inpaint?" in element.proto.body)
    assert kept_digit(app) in onward and "the link carries your picture" in onward
    drawn = open_page("pages/3_Draw.py", ink=sketch.shorten(INK))
    assert not any("carries your picture" in element.proto.body for element in drawn.get("html"))


def test_without_models_the_pages_say_how_to_train_them(zoo):
    for name in ("painter", "cleaner"):
        (zoo / name / "config.json").unlink()
    drawn = open_page("pages/3_Draw.py", task="Denoise", ink=sketch.shorten(INK))
    assert not drawn.exception and any("train.py dae-conv" in info.value for info in drawn.info)
    painted = open_page("pages/4_Inpaint.py")
    assert not painted.exception and any("train.py cvae-inpaint" in info.value for info in painted.info)


@pytest.mark.parametrize("label", ["0", "1"])
def test_a_digit_that_a_model_made_is_not_called_the_visitors(zoo, label):
    app = open_page("pages/3_Draw.py", model="labels", source=source.GENERATED, digit_label=label)
    said = " ".join(element.value for element in [*app.header, *app.caption, *app.markdown[1:]])
    assert "p(y | x)" in said and "ten digits" in said and "your" not in said.lower()
