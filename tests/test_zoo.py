"""The Models page, whatever files there are: its table, the comparison of any two models, curves, epochs and cards."""

import csv
import itertools
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from cvae import checkpoints, progress, provenance
from cvae.config import DataConfig, ModelConfig, Preset, Stage, TrainConfig
from cvae.data import lfw_files as lfw
from cvae.models import build_model
from cvae.presets import PRESETS
from tests.app import MODELS, open_page, sent
from ui.models import cards, comparing, curves, diagram, zoo
from ui.shell import resources
from ui.widgets.table import table

PAGE = "pages/7_Models.py"
VIEWS = ["All models", "Side by side", "Loss curves", "Watch it learn", "Model cards"]
EPOCHS = [1, 2, 4]


@pytest.fixture(scope="session")
def watched(filled, tmp_path_factory):
    """The small zoo with a history of four epochs and pictures at three of them, to copy."""
    root, rng = tmp_path_factory.mktemp("watched"), np.random.default_rng(0)
    shutil.copytree(filled, root, dirs_exist_ok=True)
    for name, config in MODELS.items():
        with (root / name / "history.csv").open("w", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "train_nll", "train_kl", "val_nll", "val_kl", "beta", "seconds"])
            kl = 0 if config.family in ("denoising", "classifier") else 21
            writer.writerows(
                [epoch, "" if epoch == 4 else 200 / epoch, 20, 180 / epoch, kl, 1, 30] for epoch in range(1, 5)
            )
        channels, height, width = config.image_shape
        pictures = rng.integers(0, 256, (len(EPOCHS), 20, height, width, channels), dtype=np.uint8)
        kinds = {"reconstructions": pictures} | ({"samples": pictures} if config.family in ("vae", "cvae") else {})
        for i, epoch in enumerate(EPOCHS):
            progress.add(root / name, epoch, {kind: rows[i] for kind, rows in kinds.items()})
    return root


@pytest.fixture
def trained(zoo, watched):
    """The small zoo as it is `watched`."""
    shutil.copytree(watched, zoo, dirs_exist_ok=True)
    return zoo


def texts(app) -> str:
    return " ".join(element.value for element in [*app.caption, *app.info, *app.warning])


def headings(app) -> list[str]:
    return [heading.value for heading in app.header]


def row(app, name: str) -> dict[str, dict]:
    """Return the cells of a model by the titles of their columns, in whichever table it stands."""
    found = next(table for table in (sent(app, 0), sent(app, 1)) if name in names(table))
    row = next(row for row in found["rows"] if row["name"] == name)
    return dict(zip([head["title"] for head in found["heads"]], row["cells"], strict=True)) | row


def names(table: dict) -> list[str]:
    return [row["name"] for row in table["rows"]]


def put(folder, preset: Preset) -> None:
    """Write an untrained model into the folder of its name."""
    checkpoints.save_run(folder / preset.name, preset, build_model(preset.model).state_dict())


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("pair", list(itertools.combinations_with_replacement(MODELS, 2)), ids="-".join)
def test_any_two_models_compare_in_every_view(trained, view, pair):
    app = open_page(PAGE, view=view, a=pair[0], b=pair[1])
    assert not app.exception and not app.error and not app.warning
    assert [app.selectbox(key=key).value for key in "ab"] == list(pair)


@pytest.mark.parametrize(
    "smile, said",
    [
        ({"adds": 0.8255, "takes": 0.25, "n": 9}, ["82.5 % of serious", "25.0 % of smiling"]),
        ({"adds": 0.8255}, []),
        ({"adds": "much", "takes": None}, []),
        (5, []),
    ],
)
def test_a_card_says_what_the_label_of_a_face_does(trained, smile, said):
    (trained / "labels" / "metrics.json").write_text(json.dumps({"smile": {"label": smile}}), encoding="utf-8")
    lines = [line for line in zoo.outcomes("labels") if line.startswith("told the other label")]
    assert len(lines) == bool(said) and all(words in line for words in said for line in lines)
    (trained / "labels" / "metrics.json").write_text('{"smile": {"classifier": {"adds": 1.0}}}', encoding="utf-8")
    assert zoo.outcomes("labels") == []


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "huge"])
def test_a_damaged_sheet_of_pictures_is_named_on_the_card(trained, damage):
    path = trained / "plane" / provenance.SHEET
    Image.new("L", (9_000, 9_000) if damage == "huge" else (60, 60)).save(path)
    content = {"empty": b"", "text": b"no picture", "cut": path.read_bytes()[:60], "huge": path.read_bytes()}[damage]
    path.write_bytes(content)
    app = open_page(PAGE, view="Model cards", a="plane", b="labels")
    assert not app.exception and "look.png, is left out" in texts(app) and app.header[1].value == "labels"


@pytest.mark.slow
@pytest.mark.parametrize("file", ["map.npz", "metrics.json", "history.csv", "progress.npz"])
@pytest.mark.parametrize(
    "damage", [None, b"", b"PK\x03\x04 cut off", b"[1, 2]", b'{"nll": "much", "kl_per_dim": [1, "x"]}']
)
def test_a_missing_or_damaged_file_is_named_and_the_rest_stays(trained, file, damage):
    for path in trained.glob(f"*/{file}"):
        path.unlink() if damage is None else path.write_bytes(damage)
    apps = [open_page(PAGE, view=view, a="sliders", b="labels") for view in VIEWS]
    assert not any(app.exception for app in apps)
    assert names(sent(apps[0], 0)) + names(sent(apps[0], 1)) == [
        "labels",
        "plane",
        "sliders",
        "cleaner",
        "judge",
        "painter",
    ]
    says = {"map.npz": 1, "metrics.json": 1, "history.csv": 2, "progress.npz": 3}
    if damage != b'{"nll": "much", "kl_per_dim": [1, "x"]}' or file != "metrics.json":
        told = {"history.csv": "history.csv", "progress.npz": "progress.npz"}.get(file, "python evaluate.py")
        assert told in texts(apps[says[file]])


@pytest.mark.parametrize("change", ["epochs", "nested", "shape", "kind", "garbage", "number", "objects"])
def test_stored_epochs_that_do_not_fit_are_not_shown(trained, change):
    path = trained / "plane" / "progress.npz"
    with np.load(path) as stored:
        good = {name: stored[name] for name in stored.files}
    progress.add(trained / "plane", 1, {"samples": np.zeros((20, 9, 28, 1), np.uint8)})
    with np.load(path) as stored:
        small = stored["samples_1"]
    progress.add(trained / "plane", 1, {"samples": np.zeros((3, 28, 28, 1), np.uint8)})
    with np.load(path) as stored:
        few = stored["samples_1"]
    bad = {
        "epochs": {"epochs": np.array([1, 2, 7])},
        "nested": {"epochs": np.array([EPOCHS])},
        "shape": {"samples_1": small},
        "kind": {"samples_1": good["samples_1"].astype(float) + 0.5},
        "garbage": {"samples_1": good["samples_1"][:99]},
        "number": {f"samples_{epoch}": few for epoch in EPOCHS},
        "objects": {"samples_1": np.array([{}], dtype=object)},
    }
    np.savez(path, **good | bad[change])
    assert resources.progress("plane") is None and resources.progress("sliders").epochs == EPOCHS
    assert "plane has no pictures" in texts(open_page(PAGE, view="Watch it learn", a="plane", b="sliders"))


def test_pictures_in_colour_are_kept_nearly_as_they_were(tmp_path):
    ramp = np.linspace(0, 255, 32).astype(np.uint8)
    # (3, 32, 32, 3)
    pictures = np.stack(np.broadcast_arrays(ramp[:, None], ramp, np.uint8(90)), axis=-1)[None].repeat(3, 0)
    progress.add(tmp_path, 1, {"samples": pictures})
    epochs, found = progress.load(tmp_path, (3, 32, 32))
    assert epochs == [1] and found["samples"].shape == (1, *pictures.shape)
    assert np.abs(found["samples"][0].astype(int) - pictures).mean() < 6


@pytest.mark.slow
@pytest.mark.parametrize("text", ["-1e999", "nan", "", "99999999999999999999", "<b>", "\u00bd", "\u0663"])
@pytest.mark.parametrize("view", VIEWS)
def test_nonsense_in_the_address(trained, view, text):
    keys = ["a", "b", "seed", "label", "sort", "sort_others", "curves", "quantity", "scale", "along", "epoch"]
    app = open_page(PAGE, view=view, **dict.fromkeys(keys, text))
    assert not app.exception and not app.error
    assert [app.selectbox(key=key).value for key in "ab"] == ["sliders", "labels"]


def test_table_says_which_likelihood_and_leaves_out_what_does_not_compare(trained):
    found = {"nll": 70.0, "elbo": -90.0, "judge_accuracy": 0.98, "training_seconds": 7200}
    (trained / "plane" / "metrics.json").write_text(json.dumps(found), encoding="utf-8")
    app = open_page(PAGE)
    cells = row(app, "plane")
    assert cells["likelihood"] == "grey" and row(app, "painter")["likelihood"] == ""
    assert (cells["nll"]["text"], cells["-elbo"]["value"], cells["judged"]["text"]) == ("70.00", 90.0, "98.0 %")
    assert cells["training"]["text"] == "120 min" and cells["MSE"] == {"value": None, "text": zoo.ABSENT}
    assert row(app, "sliders")["training"]["text"] == "2 min"  # from its history
    assert [head["title"] for head in sent(app)["heads"] if head["within"]] == ["nll", "-elbo", "-log p"]
    assert "normal density" not in texts(app) and "Bernoulli, of grey pixels" in texts(app)


def test_models_without_a_z_have_a_table_of_what_they_are_for(trained):
    found = {
        "judge": {"accuracy": 0.9955},
        "cleaner": {"psnr": {"blur": {"before": 9.14, "after": 24}, "odd": 3}},
        "painter": {"hole_mse": {"centre": 0.04, "half": "much"}},
    }
    for name, figures in found.items():
        (trained / name / "metrics.json").write_text(json.dumps(figures), encoding="utf-8")
    app = open_page(PAGE)
    assert names(sent(app, 1)) == list(sorted(found))
    said = [row(app, name)["measured"]["text"] for name in found]
    assert said == [
        "reads 99.55 % of the test pictures right",
        "PSNR: blur from 9.1 to 24.0 dB",
        "MSE in the hole: centre 0.0400",
    ]


def test_a_press_on_a_row_makes_it_b_and_what_was_b_a(monkeypatch):
    state = {"a": "x", "b": "y"}
    monkeypatch.setattr(table, "st", SimpleNamespace(session_state=state))
    for pressed, pair in (("z", "yz"), ("z", "yz"), ("x", "zx"), ("unknown", "zx"), (None, "zx")):
        table._picked(list("xyz"), pressed)
        assert state["a"] + state["b"] == pair


def test_broken_folder_is_named_and_left_out(trained):
    (trained / "sliders" / "model.safetensors").write_bytes(b"cut")
    app = open_page(PAGE, a="sliders")
    assert not app.exception and "sliders is left out" in app.warning[0].value
    assert "sliders" not in app.selectbox(key="a").options


def test_curves_of_any_set_of_models_on_either_scale(trained):
    history = resources.history("plane")
    assert curves.values(history, "val", "-elbo").tolist() == [201, 111, 81, 66]
    assert np.isnan(curves.values(history, "train", "-elbo")[3])  # that epoch fitted the prior alone
    made = curves.figure({"plane": history, "labels": history}, "kl", curves.LOGARITHM, minutes=True)
    assert made.layout.yaxis.type == "log" and len(made.data) == 4
    assert list(made.data[0].x) == [0.5, 1.0, 1.5, 2.0]
    app = open_page(PAGE, view="Loss curves", curves="judge")
    assert app.button_group(key="curves").value == ["judge"] and len(app.get("plotly_chart")) == 1
    app.button_group(key="curves").set_value([]).run()
    assert not app.exception and "Choose at least one" in app.info[0].value


def test_a_logarithm_leaves_out_whole_curves_and_says_which(trained):
    path = trained / "labels" / "history.csv"
    # of validation, at its third epoch
    path.write_text(path.read_text(encoding="utf-8").replace("60.0", "-60.0"), encoding="utf-8")
    app = open_page(PAGE, view="Loss curves", curves=["plane", "labels"], scale="Logarithmic")
    assert "because their -elbo comes to zero or below: labels." in texts(app)
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [line["name"].split(",")[0] for line in chart["data"]] == ["plane", "plane"]
    app.button_group(key="scale").set_value(["Linear"]).run()
    assert len(json.loads(app.get("plotly_chart")[0].proto.spec)["data"]) == 4 and "zero or below" not in texts(app)
    app = open_page(PAGE, view="Loss curves", curves="judge", scale="Logarithmic", quantity="kl")
    assert not app.exception and "zero or below: judge." in texts(app) and not app.get("plotly_chart")


@pytest.mark.parametrize(("quantity", "top"), [("-elbo", 220), ("kl", 21)])
def test_a_peak_of_training_does_not_press_the_curves_onto_the_axis(trained, quantity, top):
    for name, peak in (("plane", ["", "", "3e5", ""]), ("labels", ["", "900", "", ""])):
        path = trained / name / "history.csv"
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        for row, kl in zip(rows[1:], peak, strict=True):
            row[2] = kl or row[2]
        path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    held = {name: resources.history(name) for name in ("plane", "labels", "sliders")}
    low, high = curves.figure(held, quantity, curves.CLOSE, minutes=False).layout.yaxis.range
    assert low < 66 and top <= high < 1.2 * top
    for scale in (curves.WHOLE, curves.LOGARITHM):
        assert curves.figure(held, quantity, scale, minutes=False).layout.yaxis.range is None
    assert curves.settled({"sliders": held["sliders"]}, quantity) is None
    app = open_page(PAGE, view="Loss curves", curves=["plane", "sliders"], quantity=quantity)
    assert "where the curves settle" in texts(app)
    app.button_group(key="curves").set_value(["sliders"]).run()
    assert "where the curves settle" not in texts(app) and not app.exception


def test_the_first_epochs_of_a_long_training_leave_the_axis():
    epochs = np.arange(1.0, 101)
    held = {part: 90 + 400 / epochs**2 for part in ("train_nll", "val_nll")}
    held |= {part: np.full(100, 25.0) for part in ("train_kl", "val_kl")}
    low, high = curves.settled({"a": held}, "nll")
    assert 89 < low < 90.1 and 90.3 < high < 95
    assert curves.settled({"a": held}, "kl") is None  # all alike


def test_type_of_the_curves_grows_for_a_hall(trained):
    sizes = {}
    for present in ("", "1"):
        app = open_page(PAGE, view="Loss curves", curves="plane", **({"present": present} if present else {}))
        layout = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]
        sizes[present] = layout["yaxis"].get("tickfont", {}).get("size"), layout["legend"].get("font", {}).get("size")
    assert sizes == {"": (None, None), "1": (curves.FAR, curves.FAR)}


def test_one_epoch_is_shown_though_it_makes_no_line(trained):
    path = trained / "plane" / "history.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    shown = [resources.history(name) for name in ("plane", "labels")]
    made = curves.figure({"plane": shown[0], "labels": shown[1]}, "nll", curves.CLOSE, minutes=False)
    assert [curve.mode for curve in made.data] == ["markers", "markers", "lines", "lines"]


def test_curves_say_what_each_is_a_likelihood_of():
    kinds = {
        name: curves._measured_on(SimpleNamespace(config=preset.model, preset=preset))
        for name, preset in PRESETS.items()
    }
    assert kinds["ae-conv-faces"] == kinds["cvae-small"] == "normal density around every pixel, standard deviation 0.1"
    assert kinds["vae-conv"] == kinds["ae-dense"] == "Bernoulli, of grey pixels"
    assert kinds["judge"] == "cross-entropy of the classes" and "hidden" in kinds["cvae-inpaint"]


def test_a_classifier_makes_no_pictures_of_its_training(trained):
    app = open_page(PAGE, view="Watch it learn", a="judge", b="plane")
    assert "judge draws nothing" in texts(app) and "train.py" not in texts(app)


def test_player_gets_every_epoch_once(trained):
    app = open_page(PAGE, view="Watch it learn", a="plane", b="painter", epoch="2")
    data = sent(app)
    assert data["epochs"] == EPOCHS and data["epoch"] == 2
    assert [len(model["sheets"]) for model in data["models"]] == [2, 1]  # the painter samples nothing on its own
    assert data["models"][0]["losses"][1] == "validation -elbo 111.0"
    cleaner = sent(open_page(PAGE, view="Watch it learn", a="cleaner", b="plane"))["models"][0]
    assert cleaner["losses"][1] == "validation nll 90.0"


@pytest.mark.parametrize("config", [*MODELS.values(), *(preset.model for preset in PRESETS.values())])
def test_diagram_names_every_part(config):
    drawn = diagram.svg(config)
    assert drawn.startswith("<svg") and drawn.count("<rect") >= 4
    assert ("N(0, I)" in drawn) == (config.family in ("vae", "cvae", "inpainting") and not config.flow_layers)
    assert (">label</text>" in drawn) == (config.family == "cvae")
    assert (">visible</text>" in drawn) == (config.family == "inpainting")


def test_diagram_shows_where_the_condition_enters():
    reached = diagram.architecture(MODELS["labels"]).reaches
    assert reached == {"encoder", "decoder", "prior"}
    plain = ModelConfig("cvae", latent_dim=3, widths=(16,), n_classes=5, image_shape=(3, 8, 8))
    found = diagram.architecture(plain)
    assert found.reaches == {"encoder", "decoder"} and found.takes == "picture 3 \u00d7 8 \u00d7 8"
    assert [layer.shape for layer in found.decoder] == [(16,), (192,)]
    assert "prior" in diagram.architecture(MODELS["painter"]).reaches
    assert diagram.architecture(MODELS["plane"]).reaches == set()


@pytest.mark.parametrize("name", ["cvae-small", "cvae-onehot", "cvae-dense", "cvae-inpaint-center"])
def test_diagram_draws_a_condition_into_the_encoder_that_hears_of_it(name):
    config = PRESETS[name].model
    model, x = build_model(config).eval(), torch.rand(1, *config.image_shape)
    given = (
        [torch.tensor([label]) for label in (3, 8)]
        if config.n_classes
        else [torch.full((1, 2, 28, 28), v) for v in (0.0, 1.0)]
    )
    with torch.no_grad():
        codes = [model.encode(x, c).mode() for c in given]
        pictures = [model.decode(codes[0], c) for c in given]
    heard = {"encoder"} if not torch.equal(*codes) else set()
    assert diagram.architecture(config).reaches == heard | {"decoder"} and not torch.equal(*pictures)


def test_card_tells_how_to_train_it_again(trained):
    base = PRESETS["vae-conv"]
    mine = replace(
        base, name="mine", model=replace(base.model, latent_dim=5), data=replace(base.data, dataset="pictures")
    )
    # without, train.py refuses what exists
    assert cards.retrain("vae-conv", base) == "python train.py vae-conv --overwrite"
    assert (
        cards.retrain("mine", mine)
        == "python train.py vae-conv --name mine --overwrite --latent-dim 5 --dataset pictures"
    )
    assert "config.json" in cards.retrain("plane", checkpoints.load_preset("plane"))


def test_pictures_are_made_once_for_a_seed_and_again_for_new_weights(trained):
    def made() -> list[torch.Tensor]:
        return [resources.kept("plane", ("test", seed), lambda: torch.rand(3)) for seed in (0, 0, 1)]

    first, again, other = made()
    assert first is again and first is not other
    (trained / "plane" / checkpoints.WEIGHTS).touch()
    assert made()[0] is not first


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_card_names_the_paper_that_its_text_cites(preset):
    cited = re.findall(r"(\w+)[^()]* (\d{4})", preset.about)
    named = cards.paper(preset)
    assert all(author in named and f"({year})" in named for author, year in cited)
    assert bool(named) == (preset.model.family != "classifier")


def faces(root, name: str, **figures) -> Preset:
    """Write a small VAE of faces into `root`."""
    config = ModelConfig(likelihood="gaussian", image_shape=(3, 16, 16), latent_dim=4, widths=(8,))
    put(root, preset := Preset(name, "Faces.", config, data=DataConfig(dataset="lfw")))
    (root / name / "metrics.json").write_text(json.dumps(figures), encoding="utf-8")
    return preset


def test_a_model_of_faces_shows_its_figures_apart_from_those_of_digits(trained):
    preset = faces(trained, "faces", nll=-9000.5, kl=88.25, elbo=8912.25, active_units=4, kl_per_dim=[30, 30, 20, 8.25])
    app = open_page(PAGE)
    cells = row(app, "faces")
    assert cells["likelihood"] == "Gaussian, lfw" and "nats of a density may be negative" in texts(app)
    assert [cells[title]["text"] for title in ("nll", "kl", "-elbo", "active")] == [
        "-9000.50",
        "88.25",
        "-8912.25",
        "4",
    ]
    said = texts(open_page(PAGE, view="Side by side", a="faces", b="plane"))
    assert "faces: 88.2 nats in 4 dimensions" in said and "evaluate.py faces" in said  # it has no codes of faces yet
    told = cards.facts("faces", SimpleNamespace(config=preset.model, preset=preset, parameters=lambda: iter(())))
    assert "likelihood: normal density around every pixel, standard deviation 0.1" in told
    assert zoo.pixels(SimpleNamespace(config=replace(preset.model, likelihood="bernoulli"), preset=preset)) == "colour"


@pytest.mark.parametrize("family", ["vae", "autoencoder"])
def test_a_card_has_a_beta_where_there_is_a_kl_to_weigh(trained, family):
    preset = faces(trained, "faces")
    preset = replace(preset, model=replace(preset.model, family=family), train=TrainConfig((Stage(1, 1e-3),)))
    model = SimpleNamespace(config=preset.model, preset=preset, parameters=lambda: iter(()))
    learned = next(line for line in cards.facts("faces", model) if line.startswith("learned from"))
    assert ("beta" in learned) == (family == "vae") and ": 1 epoch, batches" in learned


def test_faces_compared_are_of_people_held_out(monkeypatch):
    people = tuple(f"Person_{i // 2:03d}" for i in range(600))
    space = SimpleNamespace(people=people, u=torch.arange(600.0)[:, None])
    monkeypatch.setattr(resources, "encoded", lambda name: None)
    monkeypatch.setattr(resources, "is_face", lambda model: True)
    monkeypatch.setattr(resources, "space", lambda name: space)
    shown = [people[int(row)] for row in comparing.encoded("faces", None).u[:, 0]]
    assert len(set(shown)) == len(shown) == comparing.SHOWN
    assert {lfw.part_of(person) for person in shown} == {"test"}
    space.people = tuple("same" for _ in people)
    assert (comparing.encoded("faces", None) is None) == (lfw.part_of("same") != "test")


def test_headings_promise_the_same_pictures_only_where_they_are(trained):
    faces(trained, "faces")
    first = {
        other: headings(open_page(PAGE, view="Side by side", a="plane", b=other))[0]
        for other in ("labels", "faces", "judge")
    }
    assert first == {"labels": "The same ten test pictures", "faces": "Ten test pictures", "judge": "Ten test pictures"}


def test_the_originals_come_first_without_the_data_set(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path / "no data"))
    plain = SimpleNamespace(data=SimpleNamespace(dataset="mnist"))
    digits = comparing.test_pictures(SimpleNamespace(preset=plain, config=MODELS["plane"]))
    assert digits.shape == (comparing.SHOWN, 1, 28, 28)
    assert digits.max() == 1 and digits.flatten(1).std(dim=1).min() > 0.1
    app = open_page(PAGE, view="Side by side", a="plane", b="labels")
    shown = next(element.proto.body for element in app.get("html") if "Test digits" in element.proto.body)
    assert shown.index("Test digits") < shown.index(">plane<") < shown.index(">labels<")


def test_the_originals_of_faces_are_what_each_model_has_seen(monkeypatch, tmp_path):
    people = tuple(f"Person_{i:03d}" for i in range(200))
    space = SimpleNamespace(people=people, numbers=(1,) * 200, u=torch.zeros(200, 4))
    monkeypatch.setattr(resources, "space", lambda name: space)
    monkeypatch.setattr(resources, "is_face", lambda model: True)
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path))
    config = ModelConfig(likelihood="gaussian", image_shape=(3, 16, 16), latent_dim=4, widths=(8,))
    models = [
        SimpleNamespace(config=config, preset=SimpleNamespace(data=DataConfig("lfw", crop=crop))) for crop in (80, 160)
    ]
    assert comparing._originals("faces", models[0]) is None  # LFW is not here
    picture = Image.new("RGB", (250, 250), "blue")
    picture.paste("white", (85, 85, 165, 165))  # the middle 80 pixels
    for person in people:
        folder = tmp_path / "lfw" / "lfw-deepfunneled" / person
        folder.mkdir(parents=True)
        picture.save(folder / f"{person}_0001.jpg", quality=95)
    face, head = (comparing._originals("faces", model) for model in models)
    assert face.shape == head.shape == (comparing.SHOWN, 3, 16, 16)
    assert face[:, 0].mean() > 0.95 and 0.2 < head[:, 0].mean() < 0.3
    assert comparing._cut(models[0]) != comparing._cut(models[1])


def test_one_model_that_draws_is_shown_without_gaps(trained):
    app = open_page(PAGE, view="Side by side", a="labels", b="judge")
    assert "The same z, decoded by each" not in headings(app)
    assert "label" not in [group.key for group in app.button_group]  # it would change nothing
    assert open_page(PAGE, view="Side by side", a="labels", b="plane").button_group(key="label")


def test_bars_of_a_learned_prior_are_told_apart_from_its_kl(trained):
    found = json.loads((trained / "labels" / "metrics.json").read_text(encoding="utf-8"))
    (trained / "labels" / "metrics.json").write_text(json.dumps(found | {"kl": 23.31}), encoding="utf-8")
    assert "need not add up to its kl of 23.3." in texts(open_page(PAGE, view="Side by side", a="labels", b="plane"))
    assert "need not add up" not in texts(open_page(PAGE, view="Side by side", a="sliders", b="plane"))
