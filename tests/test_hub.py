"""The card that a model has on the Hugging Face hub, and the way there and back, without a network."""

import io
import json
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from cvae import checkpoints, export, hub, tasks

yaml = pytest.importorskip("yaml")
huggingface_hub = pytest.importorskip("huggingface_hub")


class Shelf:
    """A hub that is a folder of this machine."""

    def __init__(self, folder):
        self.folder = folder

    def create_repo(self, repository, exist_ok):
        (self.folder / repository).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, repo_id, folder_path, commit_message):
        shutil.copytree(folder_path, self.folder / repo_id, dirs_exist_ok=True)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: Shelf(tmp_path))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, allow_patterns: str(tmp_path / name))
    return tmp_path


def head(text: str) -> dict:
    return yaml.safe_load(text.split("---\n")[1])


@pytest.mark.parametrize("name", ["cvae-onehot", "dae-conv", "ae-conv-faces", "judge"])
def test_what_is_put_there_is_loaded_from_there(shelf, name, capsys):
    assert export.main([name, "--hub", f"anna/{name}"]) == 0
    assert f"https://huggingface.co/anna/{name}" in capsys.readouterr().out
    again, model = checkpoints.load_run(f"anna/{name}"), checkpoints.load_run(name)
    assert again.preset == model.preset
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)
    if model.config.kind.decodes:
        labels = torch.tensor([7]) if model.config.n_classes else None
        u = torch.zeros(1, model.config.latent_dim)
        assert torch.equal(tasks.decode(again, u, labels), tasks.decode(model, u, labels))


@pytest.mark.parametrize(
    "name, task, dataset, kinds",
    [
        ("cvae-conv", "unconditional-image-generation", "ylecun/mnist", {"log_likelihood", "elbo", "judge_accuracy"}),
        ("cvae-inpaint", "image-to-image", "ylecun/mnist", {"hole_mse"}),
        ("dae-conv", "image-to-image", "ylecun/mnist", {"psnr"}),
        ("ae-dense-faces", "unconditional-image-generation", "lfw", {"mse", "ssim"}),
    ],
)
def test_a_card_has_what_the_hub_reads(tmp_path, name, task, dataset, kinds):
    hub.write(name, tmp_path, f"anna/{name}")
    text = (tmp_path / hub.CARD).read_text(encoding="utf-8")
    about, measured = (
        head(text),
        json.loads((checkpoints.run_dir(name) / checkpoints.METRICS).read_text(encoding="utf-8")),
    )
    assert (about["license"], about["pipeline_tag"], about["datasets"]) == ("mit", task, [dataset])
    (result,) = about["model-index"][0]["results"]
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert kinds <= set(values) and all(
        values[k] == pytest.approx(measured[k]) for k in kinds if isinstance(measured[k], float)
    )
    assert f'load_run("anna/{name}")' in text and f"]({hub.PICTURE})" in text
    with Image.open(io.BytesIO((tmp_path / hub.PICTURE).read_bytes())) as image:
        assert image.width > image.height > 100 and len(set(image.convert("L").tobytes())) > 20
    assert huggingface_hub.ModelCard.load(tmp_path / hub.CARD).data.license == "mit"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"mse": "low", "elbo": NaN, "psnr": 3, "hole_mse": {"a": null}}'])
def test_a_model_without_figures_has_a_card_without_them(tmp_path, runs, text):
    shutil.copytree(checkpoints._CLONE / "vae-conv", runs / "a")
    (runs / "a" / checkpoints.METRICS).write_text(text, encoding="utf-8")
    hub.write("a", tmp_path, "anna/a")
    card = (tmp_path / hub.CARD).read_text(encoding="utf-8")
    assert "model-index" not in head(card) and "Measured" not in card


@pytest.mark.parametrize("repository", ["digits", "a/b/c", "../x", "anna/", "", "anna/ b"])
def test_a_name_that_is_none_is_refused_before_anything_is_sent(monkeypatch, repository):
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: pytest.fail("nothing may be sent"))
    with pytest.raises(ValueError, match="USER/NAME"):
        hub.put("vae-conv", repository)


def test_a_dry_run_writes_what_would_be_uploaded_and_sends_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: pytest.fail("nothing may be sent"))
    folder = tmp_path / "there" / "dry"
    command = ["vae-conv", "--hub", "anna/a", "--dry-run", "--out", str(folder)]
    assert export.main(command) == 0
    *told, last = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in told] == [str(path) for path in sorted(folder.iterdir())]
    assert {hub.CARD, hub.PICTURE, checkpoints.WEIGHTS} < {path.name for path in folder.iterdir()}
    assert last.startswith("Nothing was uploaded") and "anna/a" in last
    assert export.main(command) == 2 and "holds something already" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        export.main(["vae-conv", "--dry-run"])
    assert "goes with --hub" in capsys.readouterr().err


def test_without_a_connection_or_the_package_it_is_one_line(monkeypatch, capsys):
    def refuse(*_, **__):
        raise ConnectionError("no route\nto the host")

    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(create_repo=refuse))
    assert export.main(["vae-conv", "--hub", "anna/a"]) != 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "not uploaded" in said and "no route" in said
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert export.main(["vae-conv", "--hub", "anna/a"]) != 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "requirements-extra.txt" in said
