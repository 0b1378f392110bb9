"""evaluate.py on a model trained for one epoch: the files it writes and the table between the markers."""

import json

import numpy as np
import pytest
import torch

import evaluate
import train


@pytest.fixture
def readme(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("doc") / "README.md"
    path.write_text(f"before\n{evaluate.BEGIN}\nold\n{evaluate.END}\nafter\n")
    monkeypatch.setattr(evaluate, "README", path)
    return path


def test_figures_map_and_table_are_written(data_root, runs, readme):
    data = ["--data-dir", str(data_root)]
    for preset in ("vae-dense-2d", "judge"):
        assert train.main([preset, *data, "--epochs", "1", "--accelerator", "cpu"]) == 0
    assert evaluate.main(["vae-dense-2d", "judge", *data, "--iw-samples", "20", "--iw-images", "5"]) == 0

    found = json.loads((runs / "vae-dense-2d" / "metrics.json").read_text())
    assert found["elbo"] == pytest.approx(-(found["nll"] + found["kl"]), abs=1e-4)
    assert sum(found["kl_per_dim"]) == pytest.approx(found["kl"], abs=0.1) and found["images"] == 100
    with np.load(runs / "vae-dense-2d" / "map.npz") as stored:
        assert stored["u"].shape == (100, 2) and stored["labels"][:3].tolist() == [0, 1, 2]
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| `vae-dense-2d` | 1,068,820 |" in text and "`judge` reads" in text


def test_wrong_names_and_a_readme_without_markers_get_one_line(runs, readme, capsys):
    assert evaluate.main(["nope"]) == 2
    assert capsys.readouterr().err == "evaluate.py: no checkpoint 'nope'; there are: none yet.\n"
    readme.write_text("no markers")
    with pytest.raises(ValueError, match="around the table"):
        evaluate.write_table(readme, {})


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
    text = evaluate.tables({"a": {**common, "binarized": True}, "b": {**common, "binarized": False}})
    assert text.count("| model |") == 2


def test_judge_accuracy_is_the_share_read_as_asked(monkeypatch):
    from cvae import metrics
    from cvae.config import ModelConfig
    from cvae.models import build_model

    model = build_model(ModelConfig(family="cvae", image_shape=(1, 8, 8), widths=(8,), n_classes=4)).eval()
    always_two = lambda x: torch.eye(4)[torch.full((len(x),), 2)]  # noqa: E731
    assert metrics.judge_accuracy(always_two, model, n_per_class=30) == 0.25
