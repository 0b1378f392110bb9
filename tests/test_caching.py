"""What sessions share is bounded in bytes and made once; hundreds of folders are listed without being loaded."""

import json
import shutil
import threading

import numpy as np
import pytest
import torch

from cvae import checkpoints
from tests.app import open_page
from ui.shell import caching, resources

FOLDERS = 200


def test_the_longest_unused_goes_first_and_the_newest_stays():
    cache = caching.Cache(most=100_000)
    for name in "abc":
        cache.get(name, lambda: np.zeros(30_000, np.uint8))
    cache.get("a", lambda: pytest.fail("it is kept"))
    cache.get("d", lambda: np.zeros(30_000, np.uint8))  # b is the longest unused
    cache.get("a", lambda: pytest.fail("it is kept"))
    assert cache.get("b", lambda: "anew") == "anew" and cache.bytes <= 100_000
    cache.get("large", lambda: np.zeros(10**6, np.uint8))
    cache.get("large", lambda: pytest.fail("it is kept"))
    assert len(cache) == 1
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_thousand_small_values_have_room():
    cache = caching.Cache(most=2 * 2**20)
    for i in range(1000):
        cache.get(i, lambda: None)
    assert len(cache) == 1000
    assert cache.get(0, lambda: pytest.fail("it is kept")) is None


def test_an_error_is_not_kept_and_one_maker_works_at_a_time():
    cache, made, gate = caching.Cache(most=10**6), [], threading.Event()
    with pytest.raises(ValueError, match="once"):
        cache.get("x", lambda: (_ for _ in ()).throw(ValueError("once")))

    def make() -> str:
        gate.wait(5)
        made.append(1)
        return "value"

    threads = [threading.Thread(target=cache.get, args=("x", make)) for _ in range(5)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert cache.get("x", make) == "value" and len(made) == 1


def test_the_size_of_a_model_is_that_of_its_numbers(zoo):
    model = checkpoints.load_run("sliders")
    numbers = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    assert numbers <= caching.size(model) < numbers + 20_000
    assert caching.size({"a": [torch.zeros(10), b"abc"], "b": "abcd"}) == 40 + 16 + 3 + 4


@pytest.fixture
def many(zoo, monkeypatch):
    """The small zoo beside copies of two of its models, hundreds in all, and the names of those that are loaded."""
    for i in range(FOLDERS // 2):
        for name in ("plane", "labels"):
            shutil.copytree(zoo / name, zoo / f"{name}-{i:03d}")
    asked, load = [], checkpoints.load_run
    monkeypatch.setattr(checkpoints, "load_run", lambda folder: asked.append(folder.name) or load(folder))
    return asked


def test_hundreds_of_folders_are_listed_unloaded_and_described_once(many, monkeypatch):
    described, describe = [], checkpoints.describe
    monkeypatch.setattr(checkpoints, "describe", lambda folder: described.append(folder) or describe(folder))
    models, problems = resources.available()
    assert len(models) == FOLDERS + 3 and not problems and not many
    assert len(described) == len(set(described)) >= len(models)
    resources.available()
    assert len(described) == len(set(described))


@pytest.mark.slow
def test_pages_load_what_they_show_and_keep_it(many):
    for page in ("app.py", "pages/4_Inpaint.py", "pages/5_Map.py"):
        assert not open_page(page).exception
    loaded = len(many)
    assert loaded < 8
    for page in ("app.py", "pages/4_Inpaint.py", "pages/5_Map.py"):
        open_page(page)
    assert len(many) == loaded


@pytest.mark.slow
def test_the_table_of_all_models_loads_but_the_two_that_compare(many):
    assert not open_page("pages/7_Models.py").exception
    assert len(many) == 2


def test_a_file_that_changes_is_read_anew(zoo):
    assert "plane" in resources.available()[0]
    config = json.loads((zoo / "plane" / "config.json").read_text(encoding="utf-8"))
    config["model"]["latent_dim"] = 3
    checkpoints.write_text(zoo / "plane" / "config.json", json.dumps(config))
    models, (problem,) = resources.available()
    assert "plane" not in models and problem.startswith("plane is left out: ")
    with pytest.raises(ValueError, match="plane is left out"):
        resources.model("plane")
