"""Round trip of a checkpoint, and one clear error for every way in which its folder can be wrong."""

import json
import os
import re
import resource
import shutil
import sys
from dataclasses import replace

import pytest
import torch

from cvae import checkpoints
from cvae.config import ModelConfig
from cvae.models import build_model
from cvae.presets import PRESETS

PRESET = replace(PRESETS["vae-conv"], name="mine", classes=("a", "b"))


@pytest.fixture
def folder(runs):
    torch.manual_seed(0)
    checkpoints.save_run(runs / "mine", PRESET, build_model(PRESET.model).state_dict())
    return runs / "mine"


def test_a_run_comes_back_as_it_was_saved(folder):
    model = checkpoints.load_run("mine")
    torch.manual_seed(0)
    original = build_model(PRESET.model)
    assert model.preset == PRESET and not model.training
    assert not any(p.requires_grad for p in model.parameters())
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), original.state_dict().values(), strict=True)
    )
    assert checkpoints.load_run(folder).preset == PRESET
    assert checkpoints.list_runs() == ["mine"]


def test_half_precision_weights_load_as_single(folder):
    half = {k: v.half() if v.is_floating_point() else v for k, v in build_model(PRESET.model).state_dict().items()}
    checkpoints.save_run(folder, PRESET, half)
    assert {p.dtype for p in checkpoints.load_run("mine").parameters()} == {torch.float32}


def test_an_unknown_name_is_told_the_known_ones(folder):
    with pytest.raises(FileNotFoundError, match="no checkpoint 'yours'; there are: mine"):
        checkpoints.load_run("yours")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        checkpoints.load_run("mine")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
def test_truncated_weights_are_named(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="model.safetensors"):
        checkpoints.load_run("mine")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"name": 3}', '{"name": "x", "about": "y", "model": {"depth": 3}}', "\x00\xff"]
    + [
        '{"name": "x", "about": ["y"]}',
        '{"name": 3, "about": "y"}',
        '{"name": "x", "about": "y", "classes": ["a", 2]}',
    ],
)
def test_a_damaged_or_foreign_configuration_is_named(folder, text):
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="config.json"):
        checkpoints.load_run("mine")


def test_weights_of_another_shape_are_named(folder):
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    content["model"]["latent_dim"] = 7
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="model.safetensors does not hold the weights that config.json describes"):
        checkpoints.load_run("mine")


def test_a_configuration_that_asks_for_absurd_sizes_is_refused(folder):
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    content["model"]["latent_dim"] = 10**9
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="latent_dim"):
        checkpoints.load_run("mine")


@pytest.mark.parametrize("name", ["vae-dense-2d", "vae-conv", "cvae-conv", "judge"])
def test_every_shipped_checkpoint_loads(name):
    assert checkpoints.load_run(name).preset.name == name


@pytest.fixture
def hub(folder, tmp_path_factory, monkeypatch):
    """The hub with one repository, user/repo, and the list of names that it was asked for."""
    import huggingface_hub

    asked, there = [], tmp_path_factory.mktemp("hub") / "snapshot"
    shutil.copytree(folder, there)

    def download(name, allow_patterns):
        asked.append(name)
        if name != "user/repo":
            raise huggingface_hub.errors.LocalEntryNotFoundError("Got: ConnectError\nPlease check your connection.")
        assert set(allow_patterns) == {"config.json", "model.safetensors"}
        return str(there)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return asked


def test_a_name_of_the_hub_is_fetched(hub):
    assert checkpoints.load_run("user/repo").preset == PRESET and hub == ["user/repo"]


@pytest.mark.parametrize(
    "name", ["mine", "yours", "../mine", "mine/yours", "a/b/c", "user/", "/user/repo", "~/repo", ""]
)
def test_the_hub_is_not_asked_for_anything_but_user_and_repository(hub, folder, name):
    try:
        assert checkpoints.load_run(name).preset == PRESET
    except FileNotFoundError:
        assert name != "mine"
    assert hub == []


def test_a_local_folder_comes_before_a_repository_of_its_name(hub, folder, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    shutil.copytree(folder, tmp_path / "here" / "user" / "repo")
    shutil.copytree(folder, checkpoints.ROOT / "someone" / "else")
    for name in ("user/repo", "someone/else", str(folder)):
        assert checkpoints.load_run(name).preset == PRESET
    with pytest.raises(FileNotFoundError, match="no checkpoint 'user/typo'; there are"):
        checkpoints.load_run("user/typo")
    assert hub == []


def test_without_connection_or_package_the_hub_is_one_sentence(hub, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match="^no checkpoint 'a/b' on this machine, and it could not be fetched .*connection.$"
    ):
        checkpoints.load_run("a/b")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FileNotFoundError, match="^no checkpoint 'a/b' on this machine; install huggingface_hub"):
        checkpoints.load_run("a/b")


HOSTILE = [
    ("model", "widths", ["x"], "a list of whole numbers"),
    ("model", "widths", [-1, 8], "each width must be from 1"),
    ("model", "widths", [3 * 10**9], "each width must be from 1"),
    ("model", "widths", [16.0], "a list of whole numbers"),
    ("model", "widths", [], "halves its pictures"),
    ("model", "widths", [1] * 12, "halves its pictures"),
    ("model", "widths", [9_000, 9_000, 9_000], "does not hold the weights that config.json describes: "),
    ("model", "image_shape", [28], "a list of 3 whole numbers"),
    ("model", "image_shape", [2, 28, 28], "1 channel"),
    ("model", "image_shape", [3, 90_000, 90_000], "sides of image_shape"),
    ("model", "image_shape", [1, 0, 28], "sides of image_shape"),
    ("model", "kernel", 77_777, "kernel must be from 1"),
    ("model", "kernel", -3, "kernel must be from 1"),
    ("model", "flow_layers", 2_000_000, "flow_layers must be from 0"),
    ("model", "flow_layers", 200, "does not hold the weights"),
    ("model", "latent_dim", True, "must be a whole number"),
    ("model", "linear", 1, "must be true or false"),
    ("train", "weight_decay", float("nan"), "must be a number"),
    ("train", "stages", 500 * [{}], "number of stages"),
    ("data", "hole", "left", "hole must be one of"),
    (None, "classes", [0, 1], "a list of texts"),
    (None, "about", "a" * 10**6, "about must be text"),
    (None, "name", "\ud800", "config.json"),
]


@pytest.mark.parametrize("part, key, value, said", HOSTILE, ids=[f"{case[1]}-{i}" for i, case in enumerate(HOSTILE)])
def test_a_hostile_configuration_costs_one_line_and_no_memory(folder, part, key, value, said):
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (content[part] if part else content)[key] = value
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        checkpoints.load_run("mine")
    assert str(folder) in str(refused.value) and len(str(refused.value)) < 500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.parametrize("text", ["[" * 70_000, '{"a":' * 900 + "1" + "}" * 900, '{"name": ' + "7" * 3000 + "}"])
def test_json_that_no_program_writes_is_refused(folder, text):
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="config.json is not a configuration"):
        checkpoints.load_run("mine")


def test_a_configuration_longer_than_any_is_not_read(folder):
    with (folder / "config.json").open("r+b") as file:
        file.truncate(3 * 2**30)  # a hole in a file takes no room on the disk
    with pytest.raises(ValueError, match="it is longer than"):
        checkpoints.load_preset("mine")


def test_a_layer_of_a_flow_that_loses_a_coordinate_is_refused(runs):
    preset = replace(PRESET, model=ModelConfig(latent_dim=5, widths=(8,), flow_layers=2, flow_width=4))
    weights = build_model(preset.model).state_dict()
    weights["flow.shuffles"][1] = torch.tensor([0, 1, 2, 3, 3])
    checkpoints.save_run(runs / "mine", preset, weights)
    with pytest.raises(ValueError, match="flow.shuffles does not have every coordinate once"):
        checkpoints.describe("mine")


def test_classes_name_every_label(folder):
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    content["model"] |= {"family": "cvae", "n_classes": 3}
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="classes must name each of the 3 labels of the model; they name 2"):
        checkpoints.load_preset("mine")


@pytest.mark.parametrize("name", ["mine", "/", "", ".", "..", "../mine", "mine/", "none", "a\0b", "\udcff", "x" * 300])
def test_one_name_is_judged_as_the_list_of_all(folder, name):
    assert checkpoints.is_run(name) == (name in checkpoints.list_runs()) == (name == "mine")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_not_utf8_is_named_and_left_out(folder):
    shutil.copytree(os.fsencode(folder), os.fsencode(folder.parent) + b"/b\xe9t\xe9")
    assert checkpoints.list_runs() == ["mine"]
    (said,) = checkpoints.unnamed()
    assert said == "b\ufffdt\ufffd is left out: the name of its folder is not UTF-8; rename it."
