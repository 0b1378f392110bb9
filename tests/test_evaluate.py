"""evaluate.py on a model trained for one epoch: the files it writes and the table between the markers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import evaluate
import train
from cvae import checkpoints, faces
from cvae.cli.train import SHIPPED as CHECKPOINTS
from cvae.config import Stage
from cvae.evaluation import labels, report, tables
from cvae.evaluation import results as page
from cvae.evaluation.options import IW_SAMPLES
from cvae.presets import PRESETS
from cvae.runs import HISTORY, METRICS
from tests.conftest import ROOT, write_faces
from tests.test_faces import told_model

pytestmark = pytest.mark.usefixtures("no_program")


@pytest.fixture
def results(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("doc") / "results.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(page, "page", lambda: path)
    return path


def figures(folder) -> dict:
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_figures_map_and_table_are_written(data_root, runs, results):
    data = ["--data-dir", str(data_root)]
    for preset in ("vae-dense-2d", "judge"):
        assert train.main([preset, *data, "--epochs", "1", "--accelerator", "cpu"]) == 0
    assert evaluate.main(["vae-dense-2d", "judge", *data, "--iw-samples", "20", "--iw-images", "5"]) == 0

    measured = figures(runs / "vae-dense-2d")
    assert measured["elbo"] == pytest.approx(-(measured["nll"] + measured["kl"]), abs=1e-4)
    assert sum(measured["kl_per_dim"]) == pytest.approx(measured["kl"], abs=0.1) and measured["images"] == 100
    with np.load(runs / "vae-dense-2d" / "map.npz") as stored:
        assert stored["u"].shape == (100, 2) and stored["labels"][:3].tolist() == [0, 1, 2]
    text = results.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| `vae-dense-2d` | 1,068,820 |" in text and "`judge` reads" in text


SHIPPED = sorted(path.parent.name for path in CHECKPOINTS.glob("*/metrics.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_person_reads_five_lines_and_where_to_look(name):
    measured = figures(CHECKPOINTS / name)
    preset = checkpoints.load_preset(CHECKPOINTS / name)
    first, *middle, last = report.lines(name, preset, measured)
    assert first.startswith(f"{name}: ") and len(middle) <= 3
    assert all(len(line) < 260 and "[" not in line for line in middle)
    assert f"{measured['images']:,} test pictures" in middle[1]
    assert any(unit in " ".join(middle) for unit in ("nats", "%", "dB", "error"))
    assert last.startswith("  Look at it: streamlit run app.py, then http://127.0.0.1:8501/") and last.endswith(name)


@pytest.mark.slow
def test_an_evaluation_prints_those_lines_and_no_dictionary(data_root, runs, results, capsys):
    data = ["--data-dir", str(data_root)]
    assert train.main(["cvae-onehot", "--name", "mine", *data, "--epochs", "1", "--accelerator", "cpu"]) == 0
    capsys.readouterr()
    few = ["--iw-images", "2", "--iw-samples", "3", "--classify-samples", "1"]
    assert evaluate.main(["mine", *data, *few]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 5 and "{" not in out and "nats per picture" in out and "/Explore?model=mine" in out
    assert evaluate.main(["mine", *data, "--map"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 3 and "{" not in out and "/Map?model=mine" in out


DAMAGED = [(METRICS, "{"), (METRICS, "[3]"), (HISTORY, "epoch\n1\n"), (HISTORY, "seconds\nx\n")]


@pytest.mark.parametrize("file, content", DAMAGED)
def test_damaged_files_of_a_checkpoint_are_one_line(zoo, results, capsys, data_root, file, content):
    (zoo / "plane" / file).write_text(content, encoding="utf-8")
    few = ["--iw-images", "1", "--iw-samples", "1", "--keep"]
    assert evaluate.main(["plane", "--data-dir", str(data_root), *few]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"evaluate.py: {zoo / 'plane' / file}")


@pytest.mark.parametrize(
    "lacking",
    [
        {"protocol": "grey"},
        {"code": 2},
        {"psnr": 1},
        {"hole_mse": {}},
        {"accuracy": None},
        {"pca_mse": 1},
        {"parameters": "x"},
        {"classification": []},
    ],
)
def test_a_model_whose_figures_are_incomplete_is_named_and_the_tables_stay(zoo, results, capsys, lacking):
    for name in ("sliders", "labels", "painter", "cleaner", "judge"):
        (zoo / name / "metrics.json").unlink()
    (zoo / "plane" / "metrics.json").write_text(json.dumps(lacking), encoding="utf-8")
    before = results.read_text(encoding="utf-8")
    assert evaluate.main([]) == 2 and results.read_text(encoding="utf-8") == before
    said = "evaluate.py: metrics.json of plane lacks figures; measure it again with: python evaluate.py plane\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("options", [[], ["--all"]])
def test_without_checkpoints_the_tables_stay(runs, results, monkeypatch, capsys, options):
    (runs / "file").write_text("", encoding="utf-8")
    before = results.read_text(encoding="utf-8")
    for root in (runs / "file", runs / "none", runs):
        monkeypatch.setattr(checkpoints, "ROOT", root)
        assert evaluate.main(options) == 2 and results.read_text(encoding="utf-8") == before
        assert capsys.readouterr().err.startswith(f"evaluate.py: there is no checkpoint in {root}")


def test_wrong_names_and_results_without_markers_get_one_line(runs, results, capsys):
    assert evaluate.main(["nope"]) == 2
    assert capsys.readouterr().err == "evaluate.py: no checkpoint 'nope'; there are: none yet.\n"
    results.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="around the table"):
        page.write(results, {})


def test_the_page_of_results_is_beside_the_checkpoints_or_not_written(zoo, tmp_path_factory, monkeypatch, capsys):
    root = tmp_path_factory.mktemp("project") / "checkpoints"
    zoo.rename(root)
    monkeypatch.setattr(checkpoints, "ROOT", root)
    assert page.page() == root.parent / "docs" / "results.md" != ROOT / "docs" / "results.md"
    assert evaluate.main([]) == 2
    assert capsys.readouterr().err == f"evaluate.py: there is no {page.page()} to write; name a model to measure.\n"
    assert evaluate.main(["--all", "--map"]) == 2 and not (root.parent / "docs").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_missing_gets_one_line(runs, results, capsys):
    assert evaluate.main(["--device", "cuda"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("evaluate.py: --device cuda needs a GPU") and error.count("\n") == 1


def test_a_table_says_on_what_a_likelihood_rests_where_that_is_not_the_usual():
    m = {"log_likelihood": -80.0, "log_marginal": -82.0, "iw_images": 40, "images": 40, "iw_samples": IW_SAMPLES}
    assert tables.log_p(m, "log_likelihood") == "80.00" and tables.log_p({}, "log_likelihood") == "-"
    assert tables.log_p(m | {"iw_images": 7}, "log_marginal") == "82.00 (the first 7)"
    assert tables.log_p(m | {"iw_samples": 20}, "log_likelihood") == "80.00 (k=20)"


def test_likelihoods_of_grey_and_binary_pixels_never_share_a_table():
    common = {
        "parameters": 1,
        "decoder_mflop": 1,
        "nll": 1,
        "kl": 1,
        "elbo": -2,
        "log_likelihood": -2,
        "mse": 0,
        "active_units": 1,
    }
    common |= {"kl_per_dim": [1.0], "iw_samples": 1, "iw_images": 1}
    text = page.markdown({"a": {**common, "protocol": "binarised"}, "b": {**common, "protocol": "grey"}})
    assert text.count("| model | nll |") == 2


def test_judge_accuracy_is_the_share_read_as_asked(monkeypatch):
    from cvae import metrics
    from cvae.config import ModelConfig
    from cvae.models import build_model

    model = build_model(ModelConfig(family="cvae", image_shape=(1, 8, 8), widths=(8,), n_classes=4)).eval()
    always_two = lambda x: torch.eye(4)[torch.full((len(x),), 2)]  # noqa: E731
    assert metrics.judge_accuracy(always_two, model, n_per_class=30) == 0.25


@pytest.mark.slow
def test_denoising_inpainting_and_classification_are_measured(data_root, runs, results, monkeypatch):
    small = {"widths": (4, 4), "blocks": (1, 1), "flow_width": 8}
    for name in ("judge", "dae-conv", "cvae-inpaint", "cvae-conv"):
        preset = PRESETS[name]
        short = replace(preset.train, stages=(Stage(1, preset.train.lr),))
        monkeypatch.setitem(PRESETS, name, replace(preset, train=short, model=replace(preset.model, **small)))
        assert train.main([name, "--data-dir", str(data_root), "--accelerator", "cpu"]) == 0
    few = ["--iw-images", "2", "--iw-samples", "3", "--hole-samples", "2", "--classify-samples", "1"]
    pens = torch.rand(20, 1, 28, 28), torch.arange(20) % 10
    monkeypatch.setattr(labels, "pen_digits", lambda: pens)
    assert evaluate.main(["dae-conv", "cvae-inpaint", "cvae-conv", "--data-dir", str(data_root), *few]) == 0

    measured = {name: figures(runs / name) for name in ("dae-conv", "cvae-inpaint", "cvae-conv")}
    assert measured["dae-conv"]["psnr"]["gaussian 0.5"]["before"] == pytest.approx(9, abs=1)
    assert set(measured["cvae-inpaint"]["hole_mse"]) == {"centre 10x10", "bottom half"}
    elbos = [-measured["cvae-inpaint"]["quadrants"][task]["elbo"] for task in "123"]
    assert elbos[0] > elbos[1] > elbos[2] > 0  # fewer and fewer pixels to explain
    assert set(measured["cvae-inpaint"]["log_p_prior"]) == {"100", "1000"}
    plausible = measured["cvae-inpaint"]["plausible"]
    assert plausible["pictures"] == 100 and all(0 <= plausible[whose] <= 1 for whose in ("completions", "real"))
    classified = measured["cvae-conv"]["classification"]
    assert len(classified["log_likelihood_quantiles"]) == labels.QUANTILES and 0 <= classified["accuracy"] <= 1
    counted = measured["cvae-conv"]
    assert (counted["iw_samples"], counted["iw_images"]) == (3, 2) and counted["log_marginal"] < 0
    path = runs / "cvae-conv" / "metrics.json"
    del measured["cvae-conv"]["classification"]
    path.write_text(json.dumps(measured["cvae-conv"] | {"nll": -1.0}), encoding="utf-8")
    assert evaluate.main(["cvae-conv", "--keep", "--data-dir", str(data_root), *few]) == 0
    again = figures(path.parent)
    assert again["nll"] == -1.0 and again["classification"] == classified  # kept, and measured anew
    assert again["log_likelihood"] == counted["log_likelihood"]
    assert evaluate.main(["cvae-conv", "--keep", "--data-dir", str(data_root), "--iw-samples", "2"]) == 0
    again = figures(path.parent)
    assert again["nll"] == -1.0 and (again["iw_samples"], again["iw_images"]) == (2, 100)  # all pictures
    text = results.read_text(encoding="utf-8")
    assert "| gaussian 0.3 |" in text and "| quadrants visible |" in text and "generative classifier, 1 samples" in text


@pytest.mark.slow
def test_pen_digits_are_prepared_as_uploads():
    x, written = labels.pen_digits()
    assert x.shape == (1797, 1, 28, 28) and written.bincount().min() > 150
    assert ((x > 0.5).flatten(1).any(1)).all()
    assert x[..., :2, :].flatten(1).any(1).float().mean() < 0.002  # centred, with a margin


@pytest.mark.slow
def test_models_of_faces_are_measured(tmp_path, runs, results, monkeypatch):
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "cache"))
    write_faces(tmp_path / "data", 60, each=2)
    monkeypatch.setattr(faces.space, "COMPONENTS", 2)
    for name, changes in (("smile-judge", {}), ("ae-conv-faces", {"latent_dim": 4})):
        preset = PRESETS[name]
        small = replace(preset.model, widths=(4, 8), **changes)
        short = replace(preset.train, stages=(Stage(2, preset.train.lr),), batch_size=16)
        monkeypatch.setitem(PRESETS, name, replace(preset, model=small, train=short))
        assert train.main([name, "--data-dir", str(tmp_path / "data"), "--accelerator", "cpu"]) == 0
    assert evaluate.main(["smile-judge", "ae-conv-faces", "--data-dir", str(tmp_path / "data")]) == 0
    measured = figures(runs / "ae-conv-faces")
    assert 0 < measured["mse"] < 2 * measured["pca_mse"] and measured["ssim"] <= 1
    assert set(measured["smile"]) == set(faces.WAYS) == set(measured["dragged"])
    assert len(faces.load(runs / "ae-conv-faces").people) == 120
    weights = load_file(runs / "ae-conv-faces" / "model.safetensors")
    assert {v.dtype for v in weights.values()} == {torch.float16, torch.int8, torch.int64}
    text = results.read_text(encoding="utf-8")
    assert "| `ae-conv-faces` |" in text and "smile gained" in text
    assert "test faces right (not Smiling or Smiling)" in text


def test_what_the_judge_of_smiles_is_missing_for_is_said_in_one_line(tmp_path, runs, results, monkeypatch, capsys):
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "cache"))
    write_faces(tmp_path / "data", 60)
    steps, model = [], told_model()
    watched = lambda rows, what, unit="batch": steps.append((what, len(rows))) or rows  # noqa: E731
    monkeypatch.setattr("cvae.evaluation.faces.bar", watched)
    checkpoints.save_run(runs / "told", model.preset, model.state_dict())
    assert evaluate.main(["told", "--data-dir", str(tmp_path / "data")]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1 and "python train.py smile-judge" in notes[0]
    assert steps == [("figures of faces that are told", 2)]  # with a bar, if they take long
    assert "mse" in figures(runs / "told") and "smile" not in figures(runs / "told")


def test_diversity_is_one_for_the_data_themselves_and_zero_for_one_picture(monkeypatch):
    from cvae import metrics
    from cvae.config import ModelConfig
    from cvae.models import build_model

    x, labels = torch.rand(12, 1, 8, 8), torch.arange(12) % 4
    model = build_model(ModelConfig(image_shape=(1, 8, 8), widths=(8,))).eval()
    assert metrics.spread_of(torch.tensor([0.0, 3.0, 6.0]).view(3, 1, 1, 1)) == pytest.approx(4)
    monkeypatch.setattr(metrics.tasks, "generate", lambda *_, **__: x.flip(0))
    assert metrics.diversity(model, x, labels) == pytest.approx(1)
    monkeypatch.setattr(metrics.tasks, "generate", lambda *_, **__: x[:1].expand(12, -1, -1, -1))
    assert metrics.diversity(model, x, labels) == 0


def test_a_model_of_one_hole_is_measured_on_that_hole(data_root, runs, results):
    data = ["--data-dir", str(data_root)]
    assert train.main(["cvae-inpaint-center", *data, "--epochs", "1", "--accelerator", "cpu"]) == 0
    assert evaluate.main(["--all", *data, "--hole-samples", "2"]) == 0
    measured = figures(runs / "cvae-inpaint-center")
    assert set(measured["hole_mse"]) == {"centre 10x10"}
    assert measured["bytes"] > 1e6 and measured["training_seconds"] >= 0
    assert "Completed by `cvae-inpaint-center`" in results.read_text(encoding="utf-8")
