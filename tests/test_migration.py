"""Folders as version 1 wrote them, with stages in fourteen fields: they load, and an unfinished training goes on.

tests/version1/ was written by the code of that version, of each training what it left after three epochs.
`unbroken.csv` is the history that the same code came to without an interruption.
"""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from cvae import checkpoints, migration, run_state, training
from cvae.config import DataConfig, Stage, TrainConfig, preset_from_dict
from cvae.data import ImageSet
from tests.conftest import ROOT

STORED = ROOT / "tests" / "version1"
NAMES = sorted(path.name for path in STORED.iterdir())
PRIOR = Stage(2, 1e-3, "prior", samples=8)
NEW = {"name": "a", "about": "", "version": 2}
STAGES = {
    "bent": (
        Stage(1, 1.5e-3, frozen="posterior_flow"),
        Stage(1, 1e-3, "prior", samples=8),
        Stage(2, 1.5e-3),
        Stage(1, 1e-3, "prior", samples=8),
        Stage(2, 0.75e-3),
        Stage(1, 1e-3, "prior", samples=8),
    ),
    "code": (Stage(2, 1e-3), Stage(3, 1e-3, "refined")),
    "labels": (Stage(2, 2e-3), PRIOR, Stage(2, 5e-4, "weighted", samples=3)),
}


def pictures(n: int, seed: int) -> ImageSet:
    """Return n pictures of 8x8 pixels, noise without meaning, of two classes."""
    x = np.random.default_rng(seed).integers(0, 256, (n, 1, 8, 8), dtype=np.uint8)
    return ImageSet(torch.from_numpy(x), torch.arange(n) % 2, ("0", "1"))


def rows(path) -> list[list[float]]:
    """Return the history of a file without the column that is a time; nan where a value is empty."""
    with path.open(encoding="utf-8") as file:
        stored = list(csv.DictReader(file))
    return [[float(value or "nan") for key, value in row.items() if key != "seconds"] for row in stored]


@pytest.mark.parametrize("name", NAMES)
def test_a_training_of_version_1_is_resumed_to_the_history_of_an_unbroken_one(name, tmp_path):
    folder = tmp_path / name
    shutil.copytree(STORED / name, folder)
    preset = checkpoints.load_preset(folder)
    assert preset.train.stages == STAGES[name]
    assert run_state.epochs_done(folder, preset) == 3
    training.fit(preset, pictures(64, 0), pictures(16, 1), folder, Fabric(accelerator="cpu", devices=1), resume=True)
    np.testing.assert_allclose(rows(folder / "history.csv"), rows(folder / "unbroken.csv"), rtol=1e-3, atol=1e-4)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["version"] == migration.VERSION
    assert checkpoints.load_preset(folder) == preset


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_version_1_loads(name):
    model = checkpoints.load_run(STORED / name)
    x, c = pictures(4, 2).pixels(), torch.arange(4) % 2 if name == "labels" else None
    assert model.pixel_means(model.encode(x, c).mode(), c).shape == (4, 1, 8, 8)


def test_what_version_1_did_not_write_is_as_it_was_then():
    assert preset_from_dict({"name": "a", "about": ""}).train == TrainConfig((Stage(20, 1e-3),))
    train = {"prior_epochs": 3, "weighted_epochs": 4, "refine_epochs": 5, "refine_cycles": 2}
    stages = preset_from_dict({"name": "a", "about": "", "train": train}).train.stages
    refined = Stage(5, 1e-3, "refined")
    prior, weighted = Stage(3, 1e-3, "prior", samples=8), Stage(4, 5e-4, "weighted", samples=8)
    assert stages == (Stage(20, 1e-3), prior, weighted, refined, refined)


def test_what_was_two_things_is_two_fields_and_what_meant_none_is_none():
    content = {"name": "a", "about": "", "data": {"turn": 5.0}, "train": {"clip": 1e6, "warmup": 0.1}}
    preset = preset_from_dict(content)
    assert preset.data == DataConfig(turn=5.0, zoom=0.05) and preset.train.clip == 0.0


@pytest.mark.parametrize(
    "content, said",
    [
        ({"name": "a", "about": "", "train": {"warmup": 0.2}}, "unknown key 'warmup' in TrainConfig"),
        ({"name": "a", "about": "", "train": {"stages": [], "epochs": 3}}, "stages must hold at least one stage"),
        ({"name": "a", "about": "", "train": {"epochs": 0}}, "epochs must be from 1 to 1000000; got 0"),
        ({"name": "a", "about": "", "train": {"epochs": "3"}}, "Stage.epochs must be a whole number; got '3'"),
        ({"name": "a", "about": "", "version": 3}, "it is of version 3; this code reads versions 1 to 2"),
        (NEW | {"train": {"stages": [{"epoch": 3}]}}, "unknown key 'epoch' in Stage"),
        (NEW | {"train": {"stages": [3]}}, "expected an object with the keys of Stage"),
        (NEW | {"train": {"epochs": 3}}, "unknown key 'epochs' in TrainConfig"),
        ([], "expected an object with the keys of Preset"),
    ],
)
def test_what_cannot_be_read_is_named(content, said):
    with pytest.raises(ValueError, match=said):
        preset_from_dict(content)
