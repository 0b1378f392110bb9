"""Faces: the reader, its cache, parts by person, attribute files of every kind; on a small set made here."""

import io
import shutil
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from cvae import data
from cvae.config import DataConfig
from cvae.data import lfw_files as lfw
from tests.conftest import write_faces


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The set of 60 people, to copy."""
    folder = tmp_path_factory.mktemp("lfw")
    write_faces(folder, 60)
    return folder


@pytest.fixture
def root(written, tmp_path, monkeypatch):
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copytree(written, tmp_path / "data")
    return tmp_path / "data"


def test_nobody_is_in_two_parts(root):
    parts = [set(data.lfw(root, part).people) for part in ("train", "validation", "test")]
    assert all(parts) and sum(map(len, parts)) == 60 == len(set.union(*parts))
    assert len(data.lfw(root, "all")) == sum(len(data.lfw(root, part)) for part in ("train", "validation", "test"))


def test_the_middle_of_the_picture_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "lfw" / "lfw-deepfunneled" / "A_B"
    folder.mkdir(parents=True)
    pixels = np.zeros((250, 250, 3), np.uint8)
    pixels[85:165, 85:165] = (255, 128, 0)
    Image.fromarray(pixels).save(folder / "A_B_0001.jpg", quality=95, subsampling=0)
    found = data.lfw(tmp_path, "all", side=32)
    assert found.images.shape == (1, 3, 32, 32) and found.people == ("A_B",) and found.numbers == (1,)
    assert np.abs(found.images[0, :, 2:-2, 2:-2].astype(int) - np.array([255, 128, 0])[:, None, None]).max() < 12


def test_a_training_sees_as_much_of_a_picture_as_its_settings_say(root):
    face, head = (data.training_split(DataConfig("lfw", crop=crop), (3, 16, 16), root)[0] for crop in (80, 160))
    assert torch.equal(face.images, torch.tensor(data.lfw(root, "train", 16).images))
    assert torch.equal(head.images, torch.tensor(data.lfw(root, "train", 16, 160).images))
    # the middle of what shows the head is the face
    inner = torch.nn.functional.avg_pool2d(face.images.float(), 2)
    assert (head.images[..., 4:12, 4:12] - inner).abs().mean() < 8
    with pytest.raises(ValueError, match="crop must be from 16 to 250; got 251"):
        DataConfig(crop=251)


def test_the_second_load_reads_no_picture(root, monkeypatch):
    first = data.lfw(root, "all").images
    monkeypatch.setattr(lfw, "_read", None)
    assert np.array_equal(first, data.lfw(root, "all").images)


def test_a_cache_that_cannot_be_written_or_read_costs_only_time(root, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "file"))
    first = data.lfw(root, "all").images
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "cache"))
    data.lfw(root, "all")
    for stored in (tmp_path / "cache").iterdir():
        stored.write_bytes(b"cut")
    assert np.array_equal(first, data.lfw(root, "all").images)


def test_a_damaged_picture_is_named(root):
    victim = sorted(root.rglob("*.jpg"))[3]
    victim.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=victim.name):
        data.lfw(root)


def huge() -> bytes:
    """Return a PNG that says that it has far more pixels than Pillow opens."""
    out = io.BytesIO()
    Image.new("L", (4, 4)).save(out, "PNG")
    content = bytearray(out.getvalue())
    content[16:24] = (60_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


DAMAGED = {"empty": b"", "text": b"no picture", "huge": huge(), "cut": huge()[:40]}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_photograph_that_is_damaged_counts_as_missing(root, content):
    victim = sorted(root.rglob("*.jpg"))[7]
    person, number = victim.parent.name, int(victim.stem[-4:])
    assert lfw.photograph(root, person, number, 64).shape == (3, 64, 64)
    victim.write_bytes(content)
    assert lfw.photograph(root, person, number, 64) is None
    with pytest.raises(ValueError, match=victim.name):
        data.lfw(root)


@pytest.mark.parametrize("person", ["..", "../data", "/etc", "", ".", "a" * 300, "a\0b", "\udcff", "Nobody_Here"])
def test_a_person_who_is_no_folder_of_the_set_has_no_photograph(root, person):
    assert lfw.photograph(root, person, 1, 64) is None


def test_missing_faces_name_the_folder_expected(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="expected .*lfw-deepfunneled/NAME/NAME_0001.jpg"):
        data.lfw(tmp_path)

    def offline(**_):
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_lfw_people", offline)
    with pytest.raises(FileNotFoundError, match="could not be downloaded .* expected there: .*NAME_0001.jpg"):
        data.lfw(tmp_path, download=True)


def test_scikit_learns_folder_and_a_plain_one_are_found(root):
    (root / "lfw" / "lfw-deepfunneled").rename(root / "moved")
    assert lfw.find(root / "moved") == root / "moved"
    (root / "lfw_home").mkdir()
    (root / "moved").rename(root / "lfw_home" / "lfw_funneled")
    assert lfw.find(root) == root / "lfw_home" / "lfw_funneled"


GOOD = "# a comment\n#\tperson\timagenum\tSmiling\tMale\n"


def attribute_file(root, text: str):
    (root / "lfw" / "lfw_attributes.txt").write_text(text, encoding="utf-8")
    return data.lfw(root, "all")


def test_rows_that_fit_are_used_and_counted(root):
    rows = "Person 00\t1\t0.5\t-1\nPerson 01\t1\tnonsense\t1\nPerson 02\t1\t1\nPerson 03\tx\t1\t1\n"
    rows += "Person 04\t1\tnan\t1\nNobody\t1\t1\t1\n"
    found = attribute_file(root, GOOD + rows)
    assert found.columns == ("Smiling", "Male")
    known = ~np.isnan(found.labels("Male"))
    assert (
        known.sum() == 1
        and found.people[known.argmax()] == "Person_00"
        and found.labels("Smiling")[known.argmax()] == 1
    )
    assert "for 1 of 60 pictures; 4 rows do not fit" in found.note


@pytest.mark.parametrize(
    "text", ["", "Person 00\t1\t1\n", "#\tname\tnumber\tSmiling\n", "#\tperson\timagenum\n", "\0\1"]
)
def test_a_file_without_the_header_gets_one_line(root, text):
    with pytest.raises(ValueError, match="needs a header line: person, imagenum"):
        attribute_file(root, text)


def test_without_a_file_there_are_no_attributes(root):
    (root / "lfw" / "lfw_attributes.txt").unlink()
    found = data.lfw(root)
    assert found.columns == () and "No attributes" in found.note
    with pytest.raises(ValueError, match="no attribute 'Smiling'; the file has: none"):
        found.labels("Smiling")


def test_labels_for_training_are_those_of_the_pictures_that_have_them(root):
    everything = data.load("lfw", True, root, (3, 16, 16))
    smiles = data.load("lfw:Smiling", True, root, (3, 16, 16))
    assert smiles.classes == ("not Smiling", "Smiling") and 0 < len(smiles) < len(everything)
    train, validation = data.training_split(DataConfig("lfw"), (3, 16, 16), root)
    assert train.images.shape[1:] == (3, 16, 16) and len(validation)
    with pytest.raises(ValueError, match="square and in colour"):
        data.load("lfw", True, root)


def test_half_of_the_pictures_are_mirrored():
    x = torch.rand(400, 3, 4, 4)
    turned = (data.mirror(x, torch.Generator().manual_seed(0)) == x.flip(3)).flatten(1).all(1)
    assert 150 < turned.sum() < 250


def test_half_of_the_pictures_are_turned_but_not_far():
    x = torch.zeros(4, 3, 32, 32)
    x[:, :, 8:24, 8:24] = 1
    turned = data.turn(x, 5.0, 0.05, torch.Generator().manual_seed(0))
    assert turned.shape == x.shape and turned.min() >= 0 and turned.max() <= 1
    assert torch.equal(turned[2:], x[2:]) and not torch.equal(turned[0], turned[1])
    assert all(0 < (a - b).abs().mean() < 0.1 for a, b in zip(turned[:2], x[:2], strict=True))


def test_shifted_pictures_are_windows_of_themselves():
    x = torch.arange(36.0).view(1, 1, 6, 6).repeat(40, 1, 1, 1)
    moved = data.shift(x, 1, torch.Generator().manual_seed(0))
    assert moved.shape == x.shape and 4 < len({tuple(picture.flatten().tolist()) for picture in moved}) <= 9
    inner = {float(picture[0, 2, 2]) for picture in moved}
    assert inner <= {float(x[0, 0, i, j]) for i in (1, 2, 3) for j in (1, 2, 3)}
