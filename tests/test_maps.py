"""Neighbours, layouts and the file that holds them: exact where there is a closed form, refused where it is damaged."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import evaluate
from cvae import checkpoints, maps, neighbours
from cvae.data import ImageSet
from cvae.evaluation import maps as written
from cvae.maps import embeddings
from tests.app import MODELS, mapped
from tests.conftest import ROOT
from ui.shell import points


def test_nearest_finds_what_a_full_comparison_finds():
    g = torch.Generator().manual_seed(0)
    gallery, queries = torch.randn(3000, 8, generator=g), torch.randn(20, 8, generator=g)
    expected = torch.cdist(queries.double(), gallery.double()).sort(dim=1)
    for index in (gallery, neighbours.ExactIndex(gallery)):
        distances, rows = neighbours.nearest(index, queries, 10)
        assert torch.equal(rows, expected.indices[:, :10])
        assert torch.allclose(distances.double(), expected.values[:, :10], atol=1e-5)


def test_nearest_is_exact_far_from_the_origin():
    gallery = 1000 + torch.arange(40.0)[:, None] / 16  # squares of a million: their differences have few digits left
    distances, rows = neighbours.nearest(gallery, gallery[7:8], 3)
    assert rows[0, 0] == 7 and set(rows[0, 1:].tolist()) == {6, 8}
    assert distances[0].tolist() == [0, 1 / 16, 1 / 16]


def test_nearest_takes_an_index_of_another_kind():
    class Reversed:  # as those of FAISS: NumPy in, squared distances and rows out
        def search(self, queries, k):
            assert isinstance(queries, np.ndarray)
            return np.full((len(queries), k), 4.0, np.float32), np.arange(k)[::-1][None].repeat(len(queries), 0).copy()

    distances, rows = neighbours.nearest(Reversed(), torch.zeros(2, 5), 3)
    assert distances.tolist() == [[2, 2, 2]] * 2 and rows.tolist() == [[2, 1, 0]] * 2


def test_at_most_as_many_neighbours_as_there_are():
    assert neighbours.nearest(torch.zeros(3, 2), torch.zeros(1, 2), 10)[1].shape == (1, 3)


def test_knn_accuracy_leaves_the_point_itself_out():
    z = torch.tensor([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2], [0.05]])
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 1])
    assert embeddings.knn_accuracy(z, labels, k=2) == pytest.approx(6 / 7)  # only the last is wrong: ties go to 0
    equal = torch.zeros(9, 2)
    assert embeddings.knn_accuracy(equal, torch.zeros(9, dtype=torch.int64)) == 1


def test_pca_keeps_the_plane_of_flat_data():
    g = torch.Generator().manual_seed(1)
    flat = torch.randn(200, 2, generator=g) * torch.tensor([3.0, 1.0])
    axes = torch.linalg.qr(torch.randn(6, 2, generator=g)).Q
    xy, shares = embeddings.pca(flat @ axes.T + 5)
    # the same up to a rotation
    assert torch.allclose((xy - xy[0]).norm(dim=1), (flat - flat[0]).norm(dim=1), atol=1e-4)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5) and shares[0] > shares[1]


def test_place_finds_the_cluster_and_an_affine_map_exactly():
    g = torch.Generator().manual_seed(2)
    centres = torch.eye(4) * 20
    z = centres.repeat_interleave(30, 0) + torch.randn(120, 4, generator=g)
    xy = torch.tensor([[0.0, 0], [0, 9], [9, 0], [9, 9]]).repeat_interleave(30, 0)
    assert torch.equal(embeddings.place(centres, z, xy), torch.tensor([[0.0, 0], [0, 9], [9, 0], [9, 9]]))
    flat, _ = embeddings.pca(z)
    assert torch.allclose(embeddings.place_linearly(z[:5], z, flat), flat[:5], atol=1e-3)


@pytest.mark.slow
def test_tsne_separates_clusters_and_repeats_itself():
    g = torch.Generator().manual_seed(3)
    z = (torch.eye(3) * 15).repeat_interleave(40, 0) + torch.randn(120, 3, generator=g)
    labels = torch.arange(3).repeat_interleave(40)
    reported = []
    xy = embeddings.tsne(z, 5, reported.append)
    assert xy.shape == (120, 2) and xy.dtype == torch.float32
    assert embeddings.knn_accuracy(xy, labels) == 1 and embeddings.trustworthiness(z, xy) > 0.9
    assert reported == list(range(10, sum(embeddings.TSNE_STEPS) + 1, 10))
    assert torch.equal(xy, embeddings.tsne(z, 5))


CLOUD = torch.randn(60, 5, generator=torch.Generator().manual_seed(6))
HARD = {  # what once ended the process, or came close
    "four places": CLOUD[torch.arange(57) % 4],
    "constant columns": CLOUD * torch.tensor([1.0, 0, 0, 0, 0]) - 3,
    "one column": CLOUD[:, :1],
    "as large as floats go": CLOUD / CLOUD.abs().max() * 3.4e38,
    "one far away": CLOUD.index_fill(0, torch.tensor([7]), 1e25),
    "two far away, in opposite directions": CLOUD.index_fill(0, torch.tensor([7]), 3e38).index_fill(
        0, torch.tensor([8]), -3e38
    ),
    "denormal": CLOUD * 3e-44,
    "far from the origin": CLOUD * 1e-3 + 1e4,
    "many columns": torch.randn(40, 300, generator=torch.Generator().manual_seed(7)) * 1e20,
    "four points": CLOUD[:4],
    "five points": CLOUD[:5],
}
ALIKE = {
    "equal, and not zero": torch.full((35, 4), -2.5),
    "one point and another": torch.zeros(45, 3).index_fill(0, torch.tensor([44]), 1.0),
    "three places": CLOUD[torch.arange(60) % 3],
    "no number": CLOUD.index_fill(0, torch.tensor([3]), torch.nan),
    "infinite": CLOUD.index_fill(0, torch.tensor([59]), -torch.inf),
    "three points": CLOUD[:3],
    "one point": CLOUD[:1],
    "none": CLOUD[:0],
}


def layouts(kind: str) -> subprocess.CompletedProcess:
    """Lay out the points of a table of this module in a process of its own, which a crash ends and not the tests."""
    script = (
        "import torch\nfrom cvae.maps import embeddings\nfrom tests import test_maps\n"
        f"for name, z in test_maps.{kind}.items():\n"
        "    try:\n        print(name, bool(embeddings.tsne(z).isfinite().all()), flush=True)\n"
        "    except ValueError as error:\n        print(name, str(error), flush=True)\n"
    )
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_points_that_are_hard_to_lay_out_do_not_end_the_process():
    done = layouts("HARD")
    assert done.returncode == 0 and done.stdout.splitlines() == [f"{name} True" for name in HARD], (
        done.stdout + done.stderr[-2000:]
    )


@pytest.mark.slow
def test_points_that_cannot_be_laid_out_are_refused_in_one_line():
    done = layouts("ALIKE")
    assert done.returncode == 0 and all("a layout needs" in line for line in done.stdout.splitlines()), done.stderr[
        -2000:
    ]
    assert len(done.stdout.splitlines()) == len(ALIKE) and "these 45 have 2 different places" in done.stdout


def test_a_sprite_holds_its_pictures_in_sixteen_greys():
    pictures = np.random.default_rng(0).integers(0, 256, (230, 28, 28), dtype=np.uint8)
    again = maps.cut_sprite(maps.make_sprite(pictures), 230)
    assert again.shape == pictures.shape and np.abs(again.astype(int) - pictures).max() <= 9
    assert set(np.unique(again)) == set(range(0, 256, 17))


@pytest.mark.parametrize("bent", [1, 2])  # by a learned prior: without one u and mu are the same, and stored once
def test_a_map_comes_back_as_it_was_stored(zoo, bent):
    stored = replace(mapped("labels"), mu=bent * mapped("labels").u)
    maps.save_map(zoo / "labels", stored)
    again = maps.load_map(zoo / "labels")
    assert (
        torch.equal(again.labels, stored.labels) and again.sprite == stored.sprite and again.figures == stored.figures
    )
    assert all(torch.allclose(getattr(again, part), getattr(stored, part), atol=0.01) for part in ("u", "mu"))
    assert torch.equal(again.embeddings["tsne"], stored.embeddings["tsne"])


def change(path, **arrays) -> None:
    """Write a map again with these arrays in place of its own; None leaves one out."""
    with np.load(path) as stored:
        kept = {name: stored[name] for name in stored.files} | arrays
    np.savez(path, **{name: value for name, value in kept.items() if value is not None})


DAMAGE = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:900]),
    "text": lambda path: path.write_text("not a map", encoding="utf-8"),
    "no means": lambda path: change(path, u=None),
    "no t-SNE": lambda path: change(path, tsne=None),
    "fewer labels": lambda path: change(path, labels=np.zeros(3, np.uint8)),
    "not a number": lambda path: change(path, nll=np.full(200, np.nan, np.float16)),
    "another sprite": lambda path: change(path, sprite=np.zeros(50, np.uint8)),
    "no JSON": lambda path: change(path, about=np.array("{")),
    "pickled objects": lambda path: change(path, u=np.array([{}], dtype=object)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_map_is_refused_in_one_line(zoo, damage):
    damage(zoo / "labels" / "map.npz")
    with pytest.raises(
        ValueError, match="^The map of labels is damaged. Make a new one with: python evaluate.py --map labels$"
    ):
        maps.load_map("labels")


def test_a_missing_and_a_stale_map_are_told_apart(zoo):
    (zoo / "plane" / "model.safetensors").write_bytes((zoo / "plane" / "model.safetensors").read_bytes() + b" ")
    with pytest.raises(ValueError, match="made from other weights"):
        maps.load_map("plane")
    (zoo / "plane" / "map.npz").unlink()
    with pytest.raises(FileNotFoundError, match="no map yet"):
        maps.load_map("plane")
    np.savez(zoo / "plane" / "map.npz", u=np.zeros((40, 2)), labels=np.zeros(40, np.uint8))
    with pytest.raises(ValueError, match="no t-SNE"):
        maps.load_map("plane")


@pytest.fixture
def digits(monkeypatch):
    """Sixty pictures in place of the test set."""
    g = torch.Generator().manual_seed(4)
    found = ImageSet(
        torch.randint(0, 256, (60, 1, 28, 28), generator=g, dtype=torch.uint8),
        torch.arange(60) % 10,
        tuple("0123456789"),
    )
    monkeypatch.setattr(written.data, "load", lambda *a, **k: found)
    return found


@pytest.mark.parametrize("name", ["plane", "sliders", "labels"])
def test_evaluate_makes_a_map(zoo, digits, name):
    (zoo / name / "map.npz").unlink()
    assert evaluate.main(["--map", name]) == 0
    made = maps.load_map(name)
    assert len(made) == 60 and set(made.embeddings) == {"tsne", "pca"} | ({"plane"} if name == "plane" else set())
    model = checkpoints.load_run(name)
    c = digits.labels if model.config.n_classes else None
    assert torch.allclose(made.mu, model.encode(digits.pixels(), c).mode(), atol=0.01)
    assert torch.allclose(made.u, model.prior(c).to_base(made.mu), atol=0.05)
    assert 0 <= made.figures["tsne"]["trustworthiness"] <= 1 and (made.nll > 0).all()


@pytest.mark.parametrize("value, said", [(0.0, "the same code"), (float("nan"), "codes that are no numbers")])
@pytest.mark.parametrize("name", ["plane", "labels"])
def test_a_model_without_codes_gets_a_sentence_and_keeps_its_map(zoo, digits, capsys, name, value, said):
    weights = {
        key: torch.full_like(w, value) if "encoder" in key else w
        for key, w in load_file(zoo / name / "model.safetensors").items()
    }
    checkpoints.write_tensors(zoo / name / "model.safetensors", weights)
    before = sorted((path.name, path.read_bytes()) for path in (zoo / name).iterdir())
    assert evaluate.main(["--map", name]) == 2
    assert said in (error := capsys.readouterr().err.splitlines()[-1]) and error.startswith("evaluate.py: ")
    assert sorted((path.name, path.read_bytes()) for path in (zoo / name).iterdir()) == before


def test_a_map_holds_more_nats_than_half_precision(zoo):
    large = replace(mapped("labels"), nll=mapped("labels").nll + 7e4)
    maps.save_map(zoo / "labels", large)
    assert torch.allclose(maps.load_map("labels").nll, large.nll)


def test_what_has_no_map_is_said(zoo, digits, capsys):
    assert evaluate.main(["--map", "painter"]) == 2
    assert "A map needs a vae or cvae" in capsys.readouterr().err


def test_measuring_again_keeps_the_map_of_the_same_weights(zoo, digits):
    before = (zoo / "plane" / "map.npz").read_bytes()
    model = checkpoints.load_run("plane")
    written.write_points("plane", model, digits)
    assert (zoo / "plane" / "map.npz").read_bytes() == before
    (zoo / "plane" / "map.npz").write_bytes(b"old")
    written.write_points("plane", model, digits)
    with np.load(zoo / "plane" / "map.npz") as stored:
        assert stored["u"].shape == (60, 2)


def test_points_say_what_their_bytes_are(zoo):
    held = maps.load_map("labels")
    content, about = points.pack(held)
    n, dims = held.u.shape
    assert about["count"] == n and len(content) == n * (4 * len(about["layouts"]) + 1 + len(about["features"]))
    assert about["features"] == ["nll", "kl", *(f"z{d + 1}" for d in range(dims))]
    x, y = np.frombuffer(content, "<u2", 2 * n).reshape(2, n) / 65535
    expected = points.normalised(held.embeddings["tsne"], held.embeddings["tsne"]).numpy()
    assert np.abs(np.stack([x, y], 1) - expected).max() < 1e-4
    assert max(np.ptp(x), np.ptp(y)) == pytest.approx(1, abs=1e-4)
    assert json.dumps(about) and MODELS["labels"].latent_dim == dims
