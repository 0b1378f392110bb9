"""The Models page: its table, the comparison of any two models, curves, stored epochs and cards, whatever files there are."""

import csv
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cvae import checkpoints, progress
from cvae.config import ModelConfig
from cvae.presets import PRESETS
from tests.app import MODELS, open_page, sent
from ui import cards, curves, diagram, resources, zoo

PAGE = "pages/7_Models.py"
VIEWS = ["Side by side", "Loss curves", "Watch it learn", "Model cards"]
EPOCHS = [1, 2, 4]


@pytest.fixture
def trained(zoo):
    """The small zoo with a history of four epochs and pictures at three of them."""
    rng = np.random.default_rng(0)
    for name, config in MODELS.items():
        with (zoo / name / "history.csv").open("w") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "train_nll", "train_kl", "val_nll", "val_kl", "beta", "seconds"])
            kl = 0 if config.family in ("denoising", "classifier") else 21
            writer.writerows([epoch, "" if epoch == 4 else 200 / epoch, 20, 180 / epoch, kl, 1, 30] for epoch in range(1, 5))
        channels, height, width = config.image_shape
        pictures = rng.integers(0, 256, (len(EPOCHS), 20, height, width, channels), dtype=np.uint8)
        kinds = {"reconstructions": pictures} | ({"samples": pictures} if config.family in ("vae", "cvae") else {})
        for i, epoch in enumerate(EPOCHS):
            progress.add(zoo / name, epoch, {kind: rows[i] for kind, rows in kinds.items()})
    return zoo


def texts(app) -> str:
    return " ".join(element.value for element in [*app.caption, *app.info, *app.warning])


def row(app, name: str) -> dict:
    return next(row for row in sent(app)["rows"] if row["name"] == name)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("pair", list(itertools.combinations_with_replacement(MODELS, 2)), ids="-".join)
def test_any_two_models_compare_in_every_view(trained, view, pair):
    app = open_page(PAGE, view=view, a=pair[0], b=pair[1])
    assert not app.exception and not app.error and not app.warning
    assert [app.selectbox(key=key).value for key in "ab"] == list(pair)
    assert sent(app)["chosen"] == list(pair)


@pytest.mark.parametrize("file", ["map.npz", "metrics.json", "history.csv", "progress.npz"])
@pytest.mark.parametrize("damage", [None, b"", b"PK\x03\x04 cut off", b"[1, 2]", b'{"nll": "much", "kl_per_dim": [1, "x"]}'])
def test_a_missing_or_damaged_file_is_named_and_the_rest_stays(trained, file, damage):
    for path in trained.glob(f"*/{file}"):
        path.unlink() if damage is None else path.write_bytes(damage)
    apps = [open_page(PAGE, view=view, a="sliders", b="labels") for view in VIEWS]
    assert not any(app.exception for app in apps)
    assert all(len(sent(app)["rows"]) == len(MODELS) for app in apps)
    says = {"map.npz": 0, "metrics.json": 0, "history.csv": 1, "progress.npz": 2}
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
    pictures = np.stack(np.broadcast_arrays(ramp[:, None], ramp, np.uint8(90)), axis=-1)[None].repeat(3, 0)  # (3, 32, 32, 3)
    progress.add(tmp_path, 1, {"samples": pictures})
    epochs, found = progress.load(tmp_path, (3, 32, 32))
    assert epochs == [1] and found["samples"].shape == (1, *pictures.shape)
    assert np.abs(found["samples"][0].astype(int) - pictures).mean() < 6


@pytest.mark.parametrize("text", ["-1e999", "nan", "", "99999999999999999999", "<b>", "\u00bd", "\u0663"])
@pytest.mark.parametrize("view", VIEWS)
def test_nonsense_in_the_address(trained, view, text):
    keys = ["a", "b", "seed", "label", "sort", "curves", "quantity", "scale", "along", "epoch"]
    app = open_page(PAGE, view=view, **dict.fromkeys(keys, text))
    assert not app.exception and not app.error
    assert [app.selectbox(key=key).value for key in "ab"] == ["sliders", "labels"]


def test_table_says_which_likelihood_and_leaves_out_what_does_not_compare(trained):
    found = {"nll": 70.0, "elbo": -90.0, "judge_accuracy": 0.98, "training_seconds": 7200}
    for name in ("plane", "painter"):
        (trained / name / "metrics.json").write_text(json.dumps(found))
    app = open_page(PAGE)
    titles = [head["title"] for head in sent(app)["heads"]]
    cells = dict(zip(titles, row(app, "plane")["cells"]))
    assert row(app, "plane")["likelihood"] == "grey" and row(app, "painter")["likelihood"] == ""
    assert (cells["nll"]["text"], cells["-elbo"]["value"], cells["judged"]["text"]) == ("70.00", 90.0, "98.0 %")
    assert cells["training"]["text"] == "120 min" and cells["MSE"] == {"value": None, "text": zoo.ABSENT}
    assert dict(zip(titles, row(app, "painter")["cells"]))["-elbo"]["value"] is None
    assert dict(zip(titles, row(app, "sliders")["cells"]))["training"]["text"] == "2 min"  # from its history
    assert [head["title"] for head in sent(app)["heads"] if head["within"]] == ["nll", "-elbo", "-log p"]


def test_broken_folder_is_named_and_left_out(trained):
    (trained / "sliders" / "model.safetensors").write_bytes(b"cut")
    app = open_page(PAGE, a="sliders")
    assert not app.exception and "sliders is left out" in app.warning[0].value
    assert "sliders" not in app.selectbox(key="a").options


def test_curves_of_any_set_of_models_on_either_scale(trained):
    history = resources.history("plane")
    assert curves.values(history, "val", "-elbo").tolist() == [201, 111, 81, 66]
    assert np.isnan(curves.values(history, "train", "-elbo")[3])  # that epoch fitted the prior alone
    made = curves.figure({"plane": history, "labels": history}, "kl", logarithmic=True, minutes=True)
    assert made.layout.yaxis.type == "log" and len(made.data) == 4
    assert list(made.data[0].x) == [0.5, 1.0, 1.5, 2.0]
    app = open_page(PAGE, view="Loss curves", curves="judge")
    assert app.button_group(key="curves").value == ["judge"] and len(app.get("plotly_chart")) == 1
    app.button_group(key="curves").set_value([]).run()
    assert not app.exception and "Choose at least one" in app.info[0].value


def test_player_gets_every_epoch_once(trained):
    app = open_page(PAGE, view="Watch it learn", a="plane", b="painter", epoch="2")
    data = sent(app, 1)
    assert data["epochs"] == EPOCHS and data["epoch"] == 2
    assert [len(model["sheets"]) for model in data["models"]] == [2, 1]  # the painter samples nothing on its own
    assert data["models"][0]["losses"][1] == "validation -elbo 111.0"
    cleaner = sent(open_page(PAGE, view="Watch it learn", a="cleaner", b="plane"), 1)["models"][0]
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


def test_card_tells_how_to_train_it_again(trained):
    base = PRESETS["vae-conv"]
    mine = replace(base, name="mine", model=replace(base.model, latent_dim=5), data=replace(base.data, dataset="pictures"))
    assert cards.retrain("vae-conv", base) == "python train.py vae-conv"
    assert cards.retrain("mine", mine) == "python train.py vae-conv --name mine --latent-dim 5 --dataset pictures"
    assert "config.json" in cards.retrain("plane", checkpoints.load_preset("plane"))


def test_pictures_are_made_once_for_a_seed_and_again_for_new_weights(trained):
    def made() -> list[torch.Tensor]:
        return [resources.kept("plane", ("test", seed), lambda: torch.rand(3)) for seed in (0, 0, 1)]

    first, again, other = made()
    assert first is again and first is not other
    (trained / "plane" / checkpoints.WEIGHTS).touch()
    assert made()[0] is not first
