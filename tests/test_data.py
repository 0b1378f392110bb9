"""Loading, splitting and drawing: the small data root of conftest.py, and real MNIST where it is on the machine."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from cvae import data
from cvae.config import DataConfig
from cvae.data import mnist_files
from tests.conftest import ROOT, bars, write_idx


def test_mnist_reads_the_official_files(data_root):
    train, test = data.mnist(data_root), data.mnist(data_root, train=False)
    assert train.images.shape == (640, 1, 28, 28) and train.images.dtype == torch.uint8
    assert len(test) == 100 and train.classes == tuple("0123456789") and train.labels[:3].tolist() == [0, 1, 2]
    assert train.pixels().min() >= 0 and train.pixels().max() <= 1


def test_the_split_is_fixed_by_its_seed_and_has_no_overlap(data_root):
    train, validation = data.training_split(DataConfig(n_validation=100), (1, 28, 28), data_root)
    again, _ = data.training_split(DataConfig(n_validation=100), (1, 28, 28), data_root)
    other, _ = data.training_split(DataConfig(n_validation=100, split_seed=1), (1, 28, 28), data_root)
    assert (len(train), len(validation)) == (540, 100)
    assert torch.equal(train.images, again.images) and not torch.equal(train.images, other.images)
    rows = {bytes(x.numpy()) for x in train.images} & {bytes(x.numpy()) for x in validation.images}
    assert not rows


def test_missing_data_without_network_names_the_option(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(data.torchvision().datasets.MNIST, "download", offline)
    with pytest.raises(FileNotFoundError, match="could not be downloaded: name the folder .* --data-dir"):
        data.mnist(tmp_path, download=True)
    with pytest.raises(FileNotFoundError, match="mnist is not in"):
        data.mnist(tmp_path)


def test_an_unknown_dataset_is_told_the_known_ones():
    with pytest.raises(
        ValueError, match="must be one of mnist, fashion_mnist, kmnist, emnist_digits, lfw, or an image folder"
    ):
        data.load("cifar", True)


def test_an_image_folder_becomes_grey_pictures_of_the_presets_size(tmp_path):
    for name, shade in (("cat", 50), ("dog", 200)):
        (tmp_path / name).mkdir()
        for i in range(10):
            Image.new("RGB", (40, 60), (shade, shade, shade)).save(tmp_path / name / f"{i}.png")
    train, test = data.load(str(tmp_path), True), data.load(str(tmp_path), False)
    assert len(train) + len(test) == 20 and len(test) == 3 and train.classes == ("cat", "dog")
    assert train.images.shape[1:] == (1, 28, 28)
    assert set(train.images[train.labels == 1].unique().tolist()) == {200}


def test_a_folder_without_classes_is_told_the_layout(tmp_path):
    with pytest.raises(ValueError, match="must hold one subfolder of pictures per class"):
        data.load(str(tmp_path), True)


def test_an_unreadable_picture_and_classes_of_one_part_alone_are_named(tmp_path):
    for part, names in (("train", ("cat", "dog")), ("test", ("cat",))):
        for name in names:
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("L", (8, 8)).save(tmp_path / part / name / "1.png")
    with pytest.raises(ValueError, match="the same classes; only one of them has 'dog'"):
        data.load(str(tmp_path), True)
    (tmp_path / "train" / "cat" / "2.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "train" / "dog" / "1.png").unlink()
    (tmp_path / "train" / "dog").rmdir()
    with pytest.raises(ValueError, match="cat/2.png is not a picture that can be read"):
        data.load(str(tmp_path), True)


def test_binary_draws_have_the_pixels_as_their_mean():
    x = torch.linspace(0, 1, 11)[:, None].expand(11, 20000)
    draws = data.binarize(x, torch.Generator().manual_seed(0))
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(draws.mean(1), x[:, 0], atol=0.02, rtol=0)


def test_augmentation_moves_a_picture_but_not_far():
    x = torch.zeros(16, 1, 28, 28)
    x[:, :, 10:18, 10:18] = 1
    moved = data.augment(x, torch.Generator().manual_seed(0))
    assert moved.shape == x.shape and not torch.equal(moved[0], moved[1])
    assert (moved.sum((1, 2, 3)) / 64).sub(1).abs().max() < 0.35


@pytest.mark.skipif(
    not (Path(os.environ.get("CVAE_DATA_DIR", "data")) / "MNIST").is_dir(), reason="MNIST is not on this machine"
)
def test_the_real_digits_are_where_the_environment_says():
    test = data.mnist(train=False)
    assert len(test) == 10_000 and test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    np.testing.assert_allclose(test.pixels().mean(), 0.1325, atol=1e-3)


@pytest.mark.slow
def test_torchvision_is_imported_where_its_library_has_defined_the_operators(tmp_path):
    """A torchvision built for the torch beside it defines them itself, as this stand-in does, and fails if they are."""
    definition = (
        'import torch\ntorch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou) -> Tensor")\n'
    )
    (tmp_path / "torchvision.py").write_text(definition, encoding="utf-8")
    script = "from cvae import data; print(data.torchvision().__file__)"
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    call = [sys.executable, "-c", script]
    done = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == str(tmp_path / "torchvision.py"), done.stderr[-2000:]


NAMED = {  # where the files lie, how they are named
    "torchvision": ("MNIST/raw", "{part}-{kind}-ubyte"),
    "packed": ("MNIST/raw", "{part}-{kind}-ubyte.gz"),
    "original site": ("MNIST/raw", "{part}.{kind}-ubyte"),
    "original site, beside each other": (".", "{part}.{kind}-ubyte"),
    "original site, packed anew": ("mnist", "{part}.{kind}-ubyte.gz"),
    "each in a folder of its name": ("MNIST", "{part}.{kind}-ubyte/{part}.{kind}-ubyte"),
}


@pytest.mark.parametrize("place, name", NAMED.values(), ids=NAMED.keys())
def test_the_files_of_mnist_are_read_as_they_are_named(place, name, tmp_path, data_root):
    for part, n, seed in (("train", 640, 0), ("t10k", 100, 1)):
        for kind, array in zip(("images-idx3", "labels-idx1"), bars(n, seed), strict=True):
            path = tmp_path / place / name.format(part=f"{part}-{kind[:6]}", kind=kind[7:])
            path.parent.mkdir(parents=True, exist_ok=True)
            write_idx(path, array)
    for train in (True, False):
        usual, here = data.mnist(data_root, train), data.mnist(tmp_path, train)
        assert torch.equal(usual.images, here.images) and torch.equal(usual.labels, here.labels)
        assert usual.classes == here.classes
    images, _ = mnist_files.read_test(tmp_path)
    assert len(images) == 100
