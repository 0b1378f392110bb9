"""Shared fixtures: a small data root in MNIST's own file format, and a folder for checkpoints that a test may fill."""

import gzip
import os
import random
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
ROOT = Path(__file__).resolve().parent.parent
SEED = 0


def pytest_addoption(parser) -> None:
    """Let the command line say how many ways of damage are tried."""
    parser.addoption("--examples", type=int, default=60, help="damaged files that tests/test_damage.py tries")


@pytest.hookimpl(tryfirst=True)  # before the fixtures, also those that several tests share
def pytest_runtest_setup() -> None:
    """Start every test alike, whatever ran before it: with the same seeds, and with the caches of the app empty."""
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    if streamlit := sys.modules.get("streamlit"):
        streamlit.cache_resource.clear()
    if caching := sys.modules.get("ui.shell.caching"):
        caching.shared.clear()


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array as an IDX file, gzipped if the name says so."""
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def bars(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n pictures (n, 28, 28) uint8 of ten classes: a bright bar whose row tells the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.uint8) % 10
    images = rng.integers(0, 40, (n, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        left = rng.integers(0, 10)
        image[4 + 2 * label : 6 + 2 * label, left : left + 14] = 230
    return images, labels


def write_faces(root: Path, people: int, each: int = 1) -> None:
    """Write `each` pictures of `people` persons where LFW is looked for: the mouth of every other person is bright."""
    rng = np.random.default_rng(0)
    rows = ["# scores", "#\tperson\timagenum\tSmiling"]
    for i in range(people):
        pixels = np.full((250, 250, 3), rng.integers(60, 180, 3), np.uint8)
        pixels[140:150, 110:140] = 230 if i % 2 else 20
        folder = root / "lfw" / "lfw-deepfunneled" / f"Person_{i:02d}"
        folder.mkdir(parents=True)
        for k in range(1, each + 1):
            noise = rng.integers(-20, 20, pixels.shape)
            Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)).save(folder / f"Person_{i:02d}_{k:04d}.jpg")
            if i % 5:
                rows.append(f"Person {i:02d}\t{k}\t{1.0 if i % 2 else -1.0}")
    (root / "lfw" / "lfw_attributes.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def data_root(tmp_path_factory) -> Path:
    """A data root with 640 training and 100 test pictures where torchvision looks for MNIST."""
    root = tmp_path_factory.mktemp("data")
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, n, seed in (("train", 640, 0), ("t10k", 100, 1)):
        images, labels = bars(n, seed)
        write_idx(raw / f"{prefix}-images-idx3-ubyte", images)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels)
    return root


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Path:
    """A folder of small untrained checkpoints, to copy."""
    from tests.app import fill

    root = tmp_path_factory.mktemp("filled")
    with torch.random.fork_rng():  # whichever test is the first
        fill(root)
    return root


@pytest.fixture
def zoo(filled, tmp_path, monkeypatch) -> Path:
    """Small untrained checkpoints in place of the shipped ones."""
    from cvae import checkpoints

    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """An empty checkpoints folder in place of the shipped one, in this process and in those that it starts."""
    from cvae import checkpoints

    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    monkeypatch.setenv("CVAE_CHECKPOINTS", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    monkeypatch.setenv("PYTHONPATH", os.fspath(ROOT))
    return tmp_path


@pytest.fixture
def no_program(monkeypatch) -> None:
    """Let a training end without the program for browsers, which takes far longer than a few small epochs.

    That it is made, and right, tests/test_browser.py holds.
    """
    monkeypatch.setattr("cvae.cli.train._for_browsers", lambda folder: [])
