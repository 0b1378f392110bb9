"""Folders of pictures as people have them: trained on as a person sees them, or refused with all that is wrong."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import evaluate
import train
from cvae import checkpoints, data, provenance
from cvae.config import DataConfig
from cvae.data import folders, looking, reading
from cvae.data.sets import ImageSet
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("no_program")
SHAPE = (1, 28, 28)
FEW = ["--epochs", "1", "--batch-size", "8", "--accelerator", "cpu"]


def arrow(seed: int, size: int = 56) -> Image.Image:
    """Return a white arrow that points up on black, somewhat different for each seed."""
    rng = np.random.default_rng(seed)
    x, top, low = rng.uniform(0.4, 0.6), rng.uniform(0.1, 0.2), rng.uniform(0.8, 0.9)
    image = Image.new("L", (size, size))
    points = [(x - 0.2, top + 0.25), (x, top), (x + 0.2, top + 0.25)]
    ImageDraw.Draw(image).line([(size * u, size * v) for u, v in points], fill=255, width=size // 9)
    ImageDraw.Draw(image).line([(size * x, size * top), (size * x, size * low)], fill=255, width=size // 9)
    return image


def fill(root: Path, *places: str, each: int = 10) -> Path:
    """Put pictures into folders below root."""
    for number, place in enumerate(places):
        (root / place).mkdir(parents=True, exist_ok=True)
        for i in range(each):
            arrow(100 * number + i).save(root / place / f"{i}.png")
    return root


def alike(shown: torch.Tensor, wanted: Image.Image) -> bool:
    small = np.asarray(wanted.convert("L").resize((28, 28), Image.Resampling.BICUBIC), float)
    return float(np.abs(shown[0].numpy().astype(float) - small).mean()) < 12


def lying(image: Image.Image) -> tuple[Image.Image, dict]:
    exif = Image.Exif()
    exif[0x0112] = 8  # to be turned back by a quarter
    return image.transpose(Image.Transpose.ROTATE_270), {"exif": exif}


def ink(image: Image.Image, colour: int, share: float = 1.0) -> Image.Image:
    alpha = image.point(lambda v: round(share * v))
    return Image.merge("RGBA", (*[Image.new("L", image.size, colour)] * 3, alpha))


def indexed(image: Image.Image) -> Image.Image:
    made = Image.fromarray((np.asarray(image) > 127).astype(np.uint8), "P")
    made.putpalette([10, 200, 10, 255, 255, 255])
    return made


KINDS = {  # suffix, what is saved of an arrow, options
    "white on transparent": ("png", lambda a: (ink(a, 255), {})),
    "grey with alpha": ("png", lambda a: (Image.merge("LA", (Image.new("L", a.size, 255), a)), {})),
    "a palette with transparency": ("png", lambda a: (indexed(a), {"transparency": 0})),
    "a palette with transparency, GIF": ("gif", lambda a: (indexed(a), {"transparency": 0})),
    "16 bits": ("png", lambda a: (Image.fromarray(np.asarray(a).astype(np.uint16) * 257), {})),
    "12 bits in 16": ("tiff", lambda a: (Image.fromarray(np.asarray(a).astype(np.uint16) * 16), {})),
    "floats": ("tif", lambda a: (Image.fromarray(np.asarray(a).astype(np.float32) / 255), {})),
    "floats around 0": ("tif", lambda a: (Image.fromarray(np.asarray(a).astype(np.float32) / 127.5 - 1), {})),
    "turned by EXIF, JPEG": ("jpg", lambda a: lying(a)),
    "turned by EXIF, PNG": ("png", lambda a: lying(a)),
    "turned by EXIF, TIFF": ("TIFF", lambda a: lying(a)),
    "32-bit numbers": ("tiff", lambda a: (a.convert("I"), {})),
    "black and white": ("png", lambda a: (a.convert("1"), {})),
    "CMYK": ("jpg", lambda a: (a.convert("CMYK"), {"quality": 95})),
    "capital suffix": ("JPG", lambda a: (a, {})),
    "PGM": ("pgm", lambda a: (a, {})),
    "HEIC": ("heic", lambda a: (a.convert("RGB"), {"quality": 90})),
    "AVIF": ("avif", lambda a: (a, {"quality": 90})),
}


@pytest.mark.parametrize("suffix, made", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_picture_trains_as_a_person_sees_it(suffix, made, tmp_path):
    import pillow_heif

    pillow_heif.register_heif_opener()
    fill(tmp_path, "train/up", "train/other", "test/up", "test/other", each=1)
    image, options = made(arrow(7))
    image.save(tmp_path / "test" / "up" / f"0.{suffix}", **options)
    for old in (tmp_path / "test" / "up").glob("0.png"):
        if suffix != "png":
            old.unlink()
    shown = data.load(str(tmp_path), False)
    assert alike(shown.images[shown.labels == 1][0], arrow(7))


LAYOUTS = {  # folders of pictures -> what is read, in one line
    "classes alone": (["cat", "dog", "emu"], r"train: 2\d pictures of 3 classes, test: \d"),
    "capital": (["Train/cat", "Train/dog", "TEST/cat", "TEST/dog"], "train: 20 pictures of 2 classes, test: 20"),
    "words": (["Training Set/a", "Training Set/b", "testing_set/a", "testing_set/b"], "train: 20 .*, test: 20"),
    "seg": ([f"seg_{part}/seg_{part}/{name}" for part in ("train", "test") for name in "ab"], "train: 20 .*, test: 20"),
    "three parts": (
        [f"{part}/{name}" for part in ("train", "valid", "test") for name in "ab"],
        "train: 20 pictures of 2 classes, validation: 20, test: 20",
    ),
    "no test": (["train/a", "train/b", "Val/a", "Val/b"], "train: 20 pictures of 2 classes, test: 20"),
    "train alone": (["train/a", "train/b"], r"train: 1\d pictures of 2 classes, test: \d"),
    "wrapped": ([f"set/{part}/{name}" for part in ("train", "test") for name in "ab"], "train: 20 .*, test: 20"),
    "wrapped twice": (["x/y/a", "x/y/b"], r"train: 1\d pictures of 2 classes"),
    "a train is a class too": (["train", "bus"], r"train: 1\d pictures of 2 classes"),
    "deeper": (["a/1", "a/2", "b/1", "b/2"], r"train: 3\d pictures of 2 classes"),
}


@pytest.mark.parametrize("places, line", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts_are_recognised_and_told_in_one_line(places, line, tmp_path):
    listing = folders.read(fill(tmp_path, *places))
    assert re.search(line, listing.summary) and "\n" not in listing.summary
    parts = [{path for path, _ in getattr(listing, part)} for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == 10 * len(places) == len(set().union(*parts))


@pytest.mark.parametrize(
    "places, said",
    [
        (["test/a", "test/b"], "no train"),
        (["val/a", "test/a"], "no train"),
        (["train/a", "Training/a", "test/a"], "the same part"),
        (["train/a", "test/a", "cat/x"], "beside cat"),
        (["."], "one subfolder of pictures per class"),
        (["train/a", "train/b", "test/a"], "only one of them has 'b'"),
    ],
)
def test_what_is_no_layout_is_refused_by_name(places, said, tmp_path):
    with pytest.raises(ValueError, match=said) as caught:
        data.load(str(fill(tmp_path, *places)), True)
    assert str(caught.value).count("\n") == 0


def test_hidden_files_and_what_systems_leave_are_skipped(tmp_path):
    fill(tmp_path, "a", "b", ".ipynb_checkpoints", "__MACOSX/a", "a/.thumbnails", "b/@eaDir")
    for name in ("._3.png", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / "a" / name).write_bytes(b"\0\5\x16\7")
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    listing = folders.read(tmp_path)
    assert listing.classes == ("a", "b") and len(listing.files) == 20 and not listing.notes and not listing.faults


def test_all_that_is_wrong_is_named_at_once_with_count_and_path(tmp_path):
    fill(tmp_path, "a", "b", each=12)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "half.jpg").write_bytes(Path(tmp_path / "a" / "0.png").read_bytes()[:60])
    (tmp_path / "b" / "text.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "b" / "page.jpeg").write_text("<html>", encoding="utf-8")
    (tmp_path / "b" / "void.gif").touch()
    Image.new("1", (7000, 6000)).save(tmp_path / "b" / "poster.png")
    Image.new("RGBA", (30, 30)).save(tmp_path / "a" / "gone.webp", lossless=True)
    with pytest.raises(ValueError) as caught:
        data.training_split(DataConfig(str(tmp_path)), SHAPE, None)
    said = str(caught.value)
    for words in (
        "empty is a class without a picture",
        "2 files are not pictures that can be read: b/page.jpeg, b/text.png",
        "a/half.jpg is damaged",
        "b/void.gif is empty",
        "b/poster.png has more pixels",
        "a/gone.webp is transparent",
    ):
        assert words in said
    assert "\n" not in said


def test_formats_that_are_not_read_and_a_single_class_are_told(tmp_path):
    fill(tmp_path, "only")
    for name in ("a.svg", "b.psd", "c.txt"):
        (tmp_path / "only" / name).write_text("-", encoding="utf-8")
    arrow(3).save(tmp_path / "only" / "nameless", "PNG")
    first, second = folders.read(tmp_path).notes
    assert first == "3 files are not read, or lie in no class: only/a.svg, only/b.psd, only/c.txt"
    assert "single class, only" in second
    assert len(folders.read(tmp_path).files) == 11


def test_a_folder_that_grows_moves_no_picture_from_test_to_training(tmp_path):
    fill(tmp_path, "a", "b", each=30)
    before = {path for path, _ in folders.read(tmp_path).test}
    for i in range(60):
        arrow(i).save(tmp_path / "b" / f"new {i}.png")
    fill(tmp_path, "c")
    after = {path for path, _ in folders.read(tmp_path).test}
    assert before and before == {path for path in after if "new" not in path.name and path.parent.name != "c"}
    assert len(after) > len(before)


def test_the_choice_of_test_pictures_does_not_depend_on_how_accents_are_written(tmp_path):
    both = [unicodedata.normalize(form, "Käse/Süße.png") for form in ("NFC", "NFD")]
    assert both[0] != both[1]
    assert folders.place(tmp_path / both[0], tmp_path) == folders.place(tmp_path / both[1], tmp_path)


def test_validation_pictures_are_those_of_their_part_else_chosen_by_name(tmp_path):
    three = fill(tmp_path / "three", *(f"{part}/{name}" for part in ("train", "val", "test") for name in "ab"))
    train_set, held = data.training_split(DataConfig(str(three)), SHAPE, None)
    assert (len(train_set), len(held)) == (20, 20)
    one = fill(tmp_path / "one", "a", "b")
    train_set, held = data.training_split(DataConfig(str(one), n_validation=4), SHAPE, None)
    tested = data.load(str(one), False)
    assert len(train_set) + len(held) + len(tested) == 20 and len(held) in (3, 4)


def trained(tmp_path, monkeypatch, *options: str, preset: str = "vae-dense-2d") -> int:
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path / "checkpoints")
    return train.main([preset, "--name", "own", "--dataset", str(tmp_path / "set"), *FEW, *options])


def test_training_says_what_it_read_and_keeps_a_sheet_of_it(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "set", "a", "b", each=20)
    assert trained(tmp_path, monkeypatch) == 0
    listing = folders.read(tmp_path / "set")
    assert listing.summary in capsys.readouterr().out.splitlines()
    about = json.loads((tmp_path / "checkpoints" / "own" / provenance.FILE).read_text(encoding="utf-8"))
    assert about["read"] == listing.summary and about["fingerprint"] == listing.fingerprint()
    with Image.open(tmp_path / "checkpoints" / "own" / provenance.SHEET) as sheet:
        assert min(sheet.size) > 100


def test_a_changed_folder_is_noticed_by_resume_and_by_evaluate(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "set", "a", "b", each=20)
    assert trained(tmp_path, monkeypatch) == 0
    few = ["--iw-images", "2", "--iw-samples", "2"]
    assert evaluate.main(["own", *few]) == 0
    assert "has changed since" not in capsys.readouterr().out
    arrow(999).save(tmp_path / "set" / "a" / "1.png")  # the same name, another picture
    assert trained(tmp_path, monkeypatch, "--resume") == 0
    assert "has as many pictures, of which some differ" in capsys.readouterr().out
    arrow(5).save(tmp_path / "set" / "a" / "one more.png")
    assert evaluate.main(["own", *few]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert len(said) == 1 and "it was train: " in said[0] and "it is now train: " in said[0]
    (tmp_path / "checkpoints" / "own" / provenance.FILE).unlink()  # as of a run of an earlier version
    assert evaluate.main(["own", *few]) == 0
    assert "may have been trained on" in capsys.readouterr().out


def test_a_training_anew_that_fails_leaves_what_the_run_was_trained_on(tmp_path, monkeypatch):
    fill(tmp_path / "set", "a", "b", each=20)
    assert trained(tmp_path, monkeypatch) == 0
    run = tmp_path / "checkpoints" / "own"
    before = {path: path.read_bytes() for path in run.iterdir()}
    arrow(999).save(tmp_path / "set" / "a" / "another.png")
    monkeypatch.setattr("cvae.training.fit", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert trained(tmp_path, monkeypatch, "--overwrite") != 0
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_a_training_that_fails_leaves_no_folder(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "set", "a", "b", each=20)
    monkeypatch.setattr("cvae.training.fit", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert trained(tmp_path, monkeypatch) != 0
    assert not (tmp_path / "checkpoints" / "own").exists() and capsys.readouterr().err


def test_labels_of_a_single_class_are_refused_and_pictures_without_labels_are_not(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "set", "only", each=30)
    assert trained(tmp_path, monkeypatch, preset="cvae-dense") == 2
    said = capsys.readouterr().err
    assert "has a single class, only" in said and said.count("\n") == 1
    assert trained(tmp_path, monkeypatch) == 0


def test_look_writes_a_sheet_of_what_the_model_will_see(tmp_path, monkeypatch, capsys):
    fill(tmp_path / "set", "a", "b", each=20)
    monkeypatch.chdir(tmp_path)
    assert trained(tmp_path, monkeypatch, "--look") == 0
    assert "own-look.png" in capsys.readouterr().out and not (tmp_path / "checkpoints" / "own").exists()
    images, _ = data.training_split(DataConfig(str(tmp_path / "set")), SHAPE, None)
    with Image.open(tmp_path / "own-look.png") as sheet:
        assert np.array_equal(np.asarray(sheet), np.asarray(looking.sheet(images)))
        cell = np.asarray(sheet.convert("L"))[looking.MARGIN : looking.MARGIN + 56, looking.GAP : looking.GAP + 56]
    shown = {bytes(np.asarray(x[0]).repeat(2, 0).repeat(2, 1)) for x in images.images}
    assert bytes(np.ascontiguousarray(cell)) in shown  # each pixel is one that the model gets


@pytest.mark.parametrize(("name", "written"), [("Möwe", "Mowe"), ("кот", "class 2"), ("猫", "class 2")])
def test_a_sheet_has_no_letters_that_its_font_lacks(name, written):
    def page(name):
        images = ImageSet(torch.zeros(2, *SHAPE, dtype=torch.uint8), torch.arange(2), ("a_1", name))
        return np.asarray(looking.sheet(images))

    assert np.array_equal(page(name), page(written))
    assert not np.array_equal(page(name), page("class 9"))


@pytest.mark.slow
def test_a_set_beyond_a_quarter_of_the_memory_is_read_from_the_disk_to_the_same_training(tmp_path, monkeypatch):
    fill(tmp_path / "set", "a", "b", each=20)
    monkeypatch.setenv("CVAE_CACHE_DIR", str(tmp_path / "cache"))
    assert trained(tmp_path, monkeypatch) == 0
    weights = (tmp_path / "checkpoints" / "own" / checkpoints.WEIGHTS).read_bytes()
    plain, _ = data.training_split(DataConfig(str(tmp_path / "set")), SHAPE, None)
    monkeypatch.setattr(reading, "memory", lambda: 4 * 20 * 28 * 28)
    mapped, _ = data.training_split(DataConfig(str(tmp_path / "set")), SHAPE, None)
    assert torch.equal(plain.images, mapped.images) and not list((tmp_path / "cache").iterdir())
    assert trained(tmp_path, monkeypatch, "--overwrite") == 0
    assert (tmp_path / "checkpoints" / "own" / checkpoints.WEIGHTS).read_bytes() == weights


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("limit, status", [(2**24, 0), (2**40, 1)])
def test_a_large_set_takes_no_memory_of_its_own(limit, status, tmp_path):
    """In a process that may take no more than 24 MB beyond what it has, a set of 96 MB is read and a batch is drawn.

    It cannot be where the machine is said to have plenty.
    """
    script = (
        "import resource, sys, torch; from cvae import data; from cvae.config import DataConfig\n"
        "from cvae.data import reading; torch.set_num_threads(1); shape = (3, 256, 256)\n"
        "data.training_split(DataConfig(sys.argv[2]), shape, None)  # what is imported late\n"
        f"reading.memory = lambda: {limit}\n"
        "now = int(open('/proc/self/status').read().split('VmData:')[1].split()[0]) * 1024\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (now + 24 * 2**20, -1))\n"
        "train, held = data.training_split(DataConfig(sys.argv[1]), shape, None)\n"
        "print(len(train) + len(held), len(train[torch.arange(0, len(train), 64)].pixels()))"
    )
    roots = fill(tmp_path / "large", "a", "b", each=250), fill(tmp_path / "small", "a", "b")
    call = [sys.executable, "-c", script, *map(str, roots)]
    environment = os.environ | {"CVAE_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr[-1500:]
    assert status or int(done.stdout.split()[0]) > 300
