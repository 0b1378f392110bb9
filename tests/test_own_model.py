"""A visitor's own model: trained on an image folder with `train.py`, measured, and walked through every page."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import evaluate
import train
from cvae import checkpoints, maps
from cvae.evaluation import results
from tests.app import answer, fill, open_page, sent
from tests.conftest import ROOT
from tests.test_drawing import DIGIT
from tests.test_drawing import INK as BITS
from ui.shell import api, resources, sketch, words
from ui.widgets.canvas import source

pytestmark = pytest.mark.slow  # nearly all of it waits for the five trainings
INK = sketch.shorten(BITS)
NAMES = ("big_cat", "one, *two*", "Ü & <b>two")  # in the order of the folders
EACH, SIDE = 80, 16
PAGES = ["app.py", *sorted(f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py"))]
OWN = {  # name -> preset, further options
    "own-labels": ("cvae-conv", ["--latent-dim", "6"]),
    "own-plane": ("vae-dense-2d", []),
    "own-cleaner": ("dae-conv", []),
    "own-painter": ("cvae-inpaint-center", ["--latent-dim", "3"]),
    "own-colours": ("ae-dense", ["--channels", "3", "--latent-dim", "5"]),
}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A zoo of models of digits with some of a visitor's own among them, measured and mapped, and a page of figures."""
    pictures, root = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("checkpoints")
    digits = load_digits()
    for label, name in enumerate(NAMES):
        (pictures / name).mkdir()
        for i, pixels in enumerate(digits.images[digits.target == label][:EACH]):
            picture = Image.fromarray((pixels * 255 / 16).astype(np.uint8)).resize((SIDE, SIDE))
            picture.save(pictures / name / f"{i}.png")
    path = root.parent / "results.md"
    path.write_text(f"{results.BEGIN}\nthe shipped figures\n{results.END}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVAE_CHECKPOINTS", str(root))
        patch.setenv("CVAE_DATA_DIR", str(root / "nothing"))
        patch.setattr(checkpoints, "ROOT", root)
        patch.setattr(results, "page", lambda: path)
        patch.setattr("cvae.cli.train._for_browsers", lambda folder: [])
        fill(root)
        for name, (preset, options) in OWN.items():
            command = [preset, "--name", name, "--dataset", str(pictures), "--image-size", str(SIDE), *options]
            assert train.main([*command, "--epochs", "2", "--batch-size", "64", "--accelerator", "cpu"]) == 0
        few = ["--iw-images", "2", "--iw-samples", "2", "--classify-samples", "1", "--hole-samples", "2"]
        assert evaluate.main([*OWN, *few]) == 0
        assert evaluate.main(["--map", "own-plane"]) == 0
        yield root


def option_texts(app, key: str) -> list[str]:
    """Return what the buttons of a control say."""
    return [option.content for option in app.button_group(key=key).proto.options]


def in_html(app) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def test_training_takes_over_size_channels_and_classes(own):
    for name, (_, options) in OWN.items():
        preset = checkpoints.load_preset(name)
        channels = 3 if "--channels" in options else 1
        assert preset.classes == NAMES and preset.model.image_shape == (channels, SIDE, SIDE)
    assert checkpoints.load_preset("own-labels").model.n_classes == 3


@pytest.mark.parametrize(
    "options, right",
    [
        (["cvae-conv", "--image-size", "30"], "from 8 to 256 that 4 divides"),
        (["vae-conv", "--image-size", "4"], "from 8 to 256, such as 16 or 32; got '4'"),
        (["vae-conv", "--image-size", "1e2"], "got '1e2'"),
        (["cvae-inpaint-center", "--image-size", "128"], "from 8 to 64"),
        (["vae-conv", "--image-size", "16"], "mnist has images of 1x28x28, this model takes 1x16x16"),
    ],
)
def test_a_wrong_size_gets_one_sentence(data_root, runs, capsys, options, right):
    assert train.main([*options, "--data-dir", str(data_root)]) == 2
    said = capsys.readouterr().err
    assert right in said and said.count("\n") == 1


def test_figures_are_those_of_its_own_data_and_stay_out_of_the_results(own):
    found = {name: json.loads((own / name / "metrics.json").read_text(encoding="utf-8")) for name in OWN}
    assert all(np.isfinite(found[name]["diversity"]) for name in ("own-labels", "own-plane", "own-colours"))
    assert "judge_accuracy" not in found["own-labels"]  # the judge of the zoo reads ten digits
    assert 0 <= found["own-labels"]["classification"]["accuracy"] <= 1
    assert "pen_digits_accuracy" not in found["own-labels"]["classification"]
    assert set(found["own-painter"]["hole_mse"]) == {"centre 10x10"} and "gaussian 0.3" in found["own-cleaner"]["psnr"]
    assert results.page().read_text(encoding="utf-8").splitlines()[1] == "the shipped figures"
    assert (
        len(maps.load_map("own-plane"))
        == len(resources.encoded("own-labels").labels)
        == round(0.15 * EACH * len(NAMES))
    )


@pytest.mark.parametrize("page", PAGES)
def test_pages_list_it_where_it_belongs_and_open_with_it(own, page):
    generative = ["own-colours", "own-labels", "own-plane"]
    grey = ["own-labels", "own-plane"]
    belongs = {
        "Explore": generative,
        "Generate": generative,
        "Draw": grey,
        "Inpaint": [*grey, "own-painter"],
        "Map": grey,
    }
    wanted = belongs.get(page.split("_")[-1].removesuffix(".py"), [])
    first = open_page(page)
    assert not first.exception and not first.error
    listed = first.selectbox(key="model").options if any(box.key == "model" for box in first.selectbox) else []
    assert sorted(name for name in listed if name in OWN) == sorted(wanted)
    if wanted:
        assert first.selectbox(key="model").value not in OWN  # what comes with the app is what one sees first
    for name in wanted:
        app = open_page(page, model=name)
        assert not app.exception and not app.error and app.selectbox(key="model").value == name


def test_home_shows_a_plane_of_the_app_and_not_of_the_visitor(own):
    assert sent(open_page("app.py"))["model"] == "plane"


def test_explore_names_its_classes(own):
    app = open_page("pages/1_Explore.py", model="own-labels", label=words.markdown(NAMES[2]))
    assert sent(app)["shape"] == [1, SIDE, SIDE] and sent(app)["labels"] == [2] and sent(app)["captions"] == [NAMES[2]]
    assert option_texts(app, "label") == [words.markdown(name) for name in NAMES]
    assert app.selectbox(key="real_class").options == list(NAMES)
    app.selectbox(key="real_class").select(1).run()
    next(b for b in app.button if b.label == "Start here").click().run()
    assert not app.exception and sent(app)["names"] == [NAMES[1]]
    plane = sent(open_page("pages/1_Explore.py", model="own-plane"))
    assert {mark[2] for mark in plane["landmarks"]} <= set(NAMES) and plane["points"] == "36 encoded test pictures"
    assert answer(api.class_map, model="own-plane").status_code == 200


def test_another_model_takes_over_from_one_of_ten_classes(own):
    app = open_page("pages/1_Explore.py", model="labels", label="9")
    app.selectbox(key="real_class").select(9).run()
    app.selectbox(key="model").select("own-labels").run()
    assert not app.exception and sent(app)["labels"] == [0]
    app = open_page("pages/3_Draw.py", model="labels", source=source.TEST)
    app.selectbox(key="model").select("own-labels").run()
    assert not app.exception
    app = open_page("pages/2_Generate.py", model="labels", digits="9")
    app.selectbox(key="model").select("own-labels").run()
    assert not app.exception and all(name in app.get("image")[0].proto.imgs[0].alt for name in NAMES)


def test_generate_asks_for_its_classes(own):
    app = open_page("pages/2_Generate.py", model="own-labels", digits=NAMES[0])
    assert app.get("image")[0].proto.imgs[0].alt == "50 generated pictures: big_cat"
    app = open_page("pages/2_Generate.py", model="own-labels", show="One style, all classes")
    assert sent(app)["names"] == list(NAMES) and any("all 3 labels" in text.value for text in app.caption)


@pytest.mark.parametrize("kind", [source.UPLOAD, source.PICTURE, source.DRAW])
@pytest.mark.parametrize("task", ["Reconstruct", "Denoise"])
def test_draw_fits_what_is_drawn_to_its_size(own, kind, task):
    parameters = {"digit": DIGIT, "ink": INK} | {"source": kind, "task": task}
    app = open_page("pages/3_Draw.py", model="own-labels", **parameters)
    assert not app.exception and not app.error and sent(app)["side"] == SIDE
    query = sent(app)["query"] | ({"bits": sent(app)["bits"]} if kind == source.DRAW else {})
    response = answer(api.answer_sketch, **query)
    assert len(response.body) == SIDE * SIDE * 3 * len(sent(app)["captions"])
    if task == "Denoise":
        assert query["denoiser"] == "own-cleaner"
    else:
        assert sent(app)["labels"] == list(NAMES) and any("p(y | x)" in said.value for said in app.caption)
        assert any("among the 36 test pictures" in text.value for text in app.caption)


@pytest.mark.parametrize("name", ["own-labels", "own-plane", "own-painter"])
def test_inpaint_completes_with_any_of_them(own, name):
    app = open_page("pages/4_Inpaint.py", model=name, **({"hint": NAMES[0]} if name == "own-painter" else {}))
    data = sent(app)
    assert not app.exception and data["side"] == SIDE
    assert ("label" in data["query"]) == (name != "own-plane") and data["query"].get("label", "0") == "0"
    response = answer(api.answer_sketch, hole=data["bits"], **data["query"])
    assert len(response.body) == 10 * SIDE * SIDE * 3


def test_the_map_shows_it_or_says_how_to_make_one(own):
    app = open_page("pages/5_Map.py", model="own-plane", point="3")
    assert not app.exception and not app.warning
    assert "number 3" in in_html(app) and "<b>two" not in in_html(app)
    assert any(name in in_html(app) for name in ("big_cat", "one, *two*", "&lt;b&gt;two"))
    assert answer(api.sprite, model="own-plane").status_code == 200
    assert b"not one of MNIST" in answer(api.sprite, model="own-plane", of="originals").body
    app = open_page("pages/5_Map.py", model="own-labels")
    assert any("python evaluate.py --map own-labels" in warning.value for warning in app.warning)


@pytest.mark.parametrize("view", ["Side by side", "Loss curves", "Watch it learn", "Model cards"])
@pytest.mark.parametrize("name", OWN)
def test_models_compares_it_with_another(own, view, name):
    app = open_page("pages/7_Models.py", view=view, a=name, b="labels")
    assert not app.exception and not app.error and not app.warning
    if view == "Model cards":
        shown = " ".join(element.value for element in [*app.markdown, *app.code])
        assert "3 classes: big_cat" in shown and f"--image-size {SIDE}" in shown
        assert ("--channels 3" in shown) == (name == "own-colours")


def test_links_between_pages_keep_it(own):
    for page, parameters in (
        ("pages/5_Map.py", {"point": "3"}),
        ("pages/3_Draw.py", {"source": source.PICTURE, "pick": "5"}),
    ):
        name = "own-plane" if "Map" in page else "own-labels"
        assert f"model={name}" in in_html(open_page(page, model=name, **parameters))


def test_its_likelihood_is_not_compared_with_those_of_digits(own):
    kinds = {row["name"]: row["likelihood"] for row in sent(open_page("pages/7_Models.py"))["rows"]}
    assert kinds["plane"] == "grey" and kinds["own-plane"].startswith("grey, pictures")
