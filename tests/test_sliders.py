"""Sliders with names: the curves they follow, the file they are kept in, and what Explore shows of them."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from cvae import checkpoints, models, morphology, sliders
from cvae.evaluation import sliders as made
from cvae.evaluation.options import Options
from cvae.morphology import KEYS
from cvae.sliders import curves, fitting, moved
from tests.app import MODELS, open_page, sent

EXPLORE = "pages/1_Explore.py"
D, N = MODELS["labels"].latent_dim, MODELS["labels"].n_classes
K = len(KEYS)


def straight(dims: int = D, labels: int = N) -> sliders.Sliders:
    """Return sliders whose guide says that each measure is the coordinate of its number, in spreads."""
    net = curves.guide(dims, labels, 4 * K)
    for weight in net.parameters():
        weight.data.zero_()
    for k in range(K):  # silu(x) - silu(-x) = x
        net[0].weight.data[2 * k : 2 * k + 2, k] = torch.tensor([1.0, -1.0])
        net[2].weight.data[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
        net[4].weight.data[k, 2 * k : 2 * k + 2] = torch.tensor([1.0, -1.0])
    spread = torch.arange(1.0, K + 1)
    ends = (torch.full((curves.READ, K), -50.0), torch.full((curves.READ, K), 500.0))
    explained = torch.zeros(dims, K)
    explained[1, 0], explained[2, K - 1], explained[3, 2] = 0.75, 0.25, 0.125
    return sliders.Sliders(net.requires_grad_(False), spread, *ends, explained, KEYS)


def put(folder, stored: sliders.Sliders) -> None:
    sliders.save(folder, stored)


def test_a_step_changes_one_measure_alone():
    u = torch.randn(5, D, generator=torch.Generator().manual_seed(0))
    change = torch.zeros(5, K)
    change[:, 2] = torch.linspace(-2, 2, 5)
    led = curves.walk(straight(), u, torch.arange(5), change)
    assert led.shape == (5, curves.STEPS, D)
    moved = led[:, -1] - u
    assert torch.allclose(moved[:, 2], change[:, 2], atol=0.02)
    moved[:, 2] = 0
    assert moved.abs().max() < 0.02
    middle = led[:, curves.STEPS // 2 - 1, 2] - u[:, 2]
    assert torch.allclose(middle, change[:, 2] / 2, atol=0.1)


def test_a_curve_holds_its_values_and_ends_where_the_label_does():
    stored = straight()
    stored.least[:, 1], stored.most[:, 1] = 0, 4  # two spreads of this measure
    u = torch.zeros(2, D)
    values, points = curves.ways(stored, u, torch.tensor([3, 7]), torch.tensor([1.0, 9.0]), torch.tensor([1, 1]))
    assert values[0, 0] == 0 and values[0, -1] == 4 and (values.diff(dim=1) >= 0).all()
    assert values[1, 0] == 0 and values[1, -1] == 9  # from beyond the end only back
    half = curves.along(values, points, torch.tensor([[0.5, 2.5], [5.0, 8.0]]))
    assert torch.allclose(half[:, :, 1], torch.tensor([[-0.25, 0.75], [-2.0, -0.5]]), atol=0.1)


def test_ranks_are_those_of_spearman():
    v = torch.tensor([[1.0, 2, 3, 9, 10], [5, 4, 3, 2, 1], [1, 1, 2, 3, 3], [1, 1, 1, 1, 1]])
    assert moved.ranks(v).tolist() == pytest.approx([1, -1, 0.9487, 0], abs=1e-3)


def test_what_is_stored_comes_back(zoo):
    put(zoo / "labels", straight())
    back = sliders.load(zoo / "labels")
    assert back.kept == KEYS and back.labels == N and torch.equal(back.spread, torch.arange(1.0, K + 1))
    assert sliders.words(back) == {1: "mostly slant", 2: "partly bow"}
    assert (zoo / "labels" / sliders.FILE).stat().st_size < 64_000


def damaged(folder, kind: str) -> None:
    """Damage the sliders of a run in one way."""
    path = folder / sliders.FILE
    tensors, about = load_file(path), {"measures": KEYS, "kept": KEYS, "weights": checkpoints.weights_hash(folder)}
    if kind == "garbage":
        path.write_bytes(b"\x10\0\0\0\0\0\0\0 no header")
        return
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-7])
        return
    if kind == "shape":
        tensors["least"] = tensors["least"][:, :-1].contiguous()
    if kind == "infinite":
        tensors["spread"][0] = torch.inf
    if kind == "missing":
        del tensors["guide.2.bias"]
    if kind == "other measures":
        about["measures"] = KEYS[::-1]
    if kind == "unknown measure":
        about["kept"] = ["beauty"]
    if kind == "other weights":
        about["weights"] = "0" * 64
    save_file(tensors, path, {} if kind == "no header" else {"sliders": json.dumps(about)})


DAMAGES = ["garbage", "cut", "shape", "infinite", "missing", "other measures", "unknown measure", "other weights"]
DAMAGES += ["no header"]


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_named_with_the_remedy(zoo, kind):
    put(zoo / "labels", straight())
    damaged(zoo / "labels", kind)
    with pytest.raises(ValueError, match=r"evaluate.py --sliders labels"):
        sliders.load(zoo / "labels")
    app = open_page(EXPLORE, model="labels")
    assert not app.exception and sent(app)["named"] == []
    assert any("evaluate.py --sliders labels" in caption.value for caption in app.caption)


def test_a_file_of_another_model_does_not_fit(zoo):
    put(zoo / "sliders", straight())
    with pytest.raises(ValueError, match="another model"):
        sliders.load(zoo / "sliders")


def test_explore_shows_none_and_how_to_make_them(zoo):
    for name, says in (("labels", True), ("sliders", True), ("plane", False)):
        app = open_page(EXPLORE, model=name)
        assert not app.exception and sent(app)["named"] == []
        assert any(f"evaluate.py --sliders {name}" in caption.value for caption in app.caption) == says
        assert not any(toggle.key == "mine" for toggle in app.toggle)


def test_explore_sends_curves_through_the_present_point(zoo):
    put(zoo / "labels", straight())
    app = open_page(EXPLORE, model="labels")
    data = sent(app)
    assert not app.exception and "Slant" in [curve["name"] for curve in data["named"]]
    for curve in data["named"]:
        assert len(curve["values"]) == len(curve["points"]) == 2 * curves.STEPS + 1
        assert curve["points"][curves.STEPS] == data["z"]
        assert curve["values"][curves.STEPS] == pytest.approx(curve["value"])
    assert data["words"] == {"1": "mostly slant", "2": "partly bow"}


def test_a_label_without_a_slider_shows_none(zoo):
    stored = straight()
    stored.most[4, :] = stored.least[4, :]
    put(zoo / "labels", replace(stored, kept=("slant", "bow")))
    assert [curve["name"] for curve in sent(open_page(EXPLORE, model="labels", label="3"))["named"]] == ["Slant", "Bow"]
    assert sent(open_page(EXPLORE, model="labels", label="4"))["named"] == []


def reading(dims: int, label: int) -> sliders.Sliders:
    """Return sliders of a model without labels whose guide reads every point as one digit."""
    stored = straight(dims, 0)
    stored.guide[4].bias.data[K + label] = 3.0
    return stored


def test_without_labels_a_digit_has_the_sliders_of_what_the_guide_reads(zoo):
    dims = MODELS["sliders"].latent_dim
    stored = reading(dims, 4)
    stored.most[4, 1:], stored.least[4, 1:] = 0, 0
    put(zoo / "sliders", stored)
    assert sliders.load(zoo / "sliders").labels == 0
    data = sent(open_page(EXPLORE, model="sliders"))
    (slant,) = data["named"]
    assert slant["name"] == "Slant" and slant["points"][curves.STEPS] == data["z"]
    away = torch.tensor(slant["points"]) - torch.tensor(data["z"])  # a spread is one degree here
    assert torch.allclose(away[:, 0], torch.tensor(slant["values"]) - slant["value"], rtol=0.06, atol=0.1)
    put(zoo / "sliders", reading(dims, 3))
    assert len(sent(open_page(EXPLORE, model="sliders"))["named"]) > 1
    stored.most[4, 0] = stored.least[4, 0]
    put(zoo / "sliders", stored)
    app = open_page(EXPLORE, model="sliders")
    assert not app.exception and sent(app)["named"] == []


def test_without_labels_a_digit_is_read_right_as_the_guide_reads_it():
    model = models.build_model(MODELS["sliders"])
    for says, right in ((4, 1.0), (5, 0.0)):
        judge = lambda x, says=says: 20.0 * torch.eye(10)[says].expand(len(x), 10)  # noqa: E731
        figures = moved.figures(reading(model.config.latent_dim, 4), model, judge, 2)
        assert {figure["start"] for figure in figures.values()} == {right}
        assert all(figure["judged"] == [right, right] for figure in figures.values())


def test_a_model_that_can_keep_no_promise_shows_no_slider(zoo):
    put(zoo / "labels", replace(straight(), kept=()))
    app = open_page(EXPLORE, model="labels")
    assert not app.exception and sent(app)["named"] == [] and sent(app)["words"]
    assert any(caption.value.startswith("No sliders with names") for caption in app.caption)
    assert not any(toggle.key == "mine" for toggle in app.toggle)
    assert not any("evaluate.py --sliders" in caption.value for caption in app.caption)


def test_a_digit_of_ones_own_moves_the_point(zoo):
    put(zoo / "labels", straight())
    app = open_page(EXPLORE, model="labels", mine="true", source="Generated digit", pick="3")
    before = sent(app)["z"]
    assert any(caption.value.startswith("Yours: slant ") for caption in app.caption)
    next(b for b in app.button if b.label.startswith("Give these")).click().run()
    assert not app.exception and sent(app)["z"] != before


@pytest.mark.slow
def test_fitting_finds_what_a_picture_measures(monkeypatch):
    """A model whose decoder draws a bar: coordinate 0 leans it, coordinate 1 thickens it."""
    import torch.nn.functional as F

    def draw(model, u, y=None):
        down, across = torch.meshgrid(torch.arange(28.0) - 13.5, torch.arange(28.0) - 13.5, indexing="ij")
        away = (across + 0.3 * u[:, :1, None] * down).abs()
        return ((2.5 + 0.5 * u[:, 1:2, None] - away).sigmoid() * (10.5 - down.abs()).sigmoid())[:, None]

    monkeypatch.setattr(fitting.tasks, "decode", draw)
    monkeypatch.setattr(fitting, "EPOCHS", 8)
    model = models.build_model(replace(MODELS["labels"], latent_dim=K))
    judge = lambda x: F.one_hot(torch.zeros(len(x), dtype=torch.int64), 10).float() * 20  # noqa: E731
    u, y = fitting.styles(model, 3000, 0)
    known = fitting.labelled(model, judge, u, y)
    first = fitting._usual(known, 3000, model)
    assert first.explained[0, KEYS.index("slant")] > 0.9 and first.explained[1, KEYS.index("thickness")] > 0.8
    fitted = replace(first, guide=fitting._guide(model, known, first.spread, 0))
    u, y = fitting.styles(model, 200, 1)
    said, measured = fitted.guide(curves.told(u, y, N))[:, :K], morphology.measure(draw(model, u)) / first.spread
    assert ((said - measured) ** 2)[:, :2].mean(0).max() < 0.1  # of a variance of 1


def test_models_that_can_have_none_are_refused(zoo):
    for name, says in (("plane", "7 latents"), ("judge", "VAE or CVAE"), ("painter", "VAE or CVAE")):
        with pytest.raises(ValueError, match=says):
            made.make(name, print, 2)


def test_a_model_whose_digits_always_turn_into_others_gets_no_slider(zoo, monkeypatch, capsys):
    monkeypatch.setattr(made, "fit", lambda *_: replace(straight(MODELS["sliders"].latent_dim, 0), kept=()))
    made.write("sliders", Options(slider_styles=2))
    assert sliders.load(zoo / "sliders").kept == () and made.figures("sliders") == {}
    printed = capsys.readouterr().out
    assert "no slider keeps the reading" in printed and "|" not in printed


def test_the_table_names_the_largest_drift():
    measured = {"styles": 1000, "rank": 0.99, "changes": 3.0, "drift": {"width": [0.1, 0.25], "bow": [0.2, 0.0]}}
    text = made.markdown({"mine": {"slant": measured | {"judged": [0.99, 1.0], "start": 0.997}}})
    assert "| `mine` | Slant | 1,000 | 0.990 | 3.0 | 0.25 (width) | 99.0 % and 100.0 % (99.7 %) |" in text


def test_an_end_is_drawn_in_until_reading_and_other_measures_stay():
    labels = torch.arange(curves.READ).repeat_interleave(4)
    f = len(fitting.FRACTIONS)
    reads, drift = torch.ones(f, len(labels)), torch.zeros(f, len(labels), K)
    reads[0, labels == 3] = 0.5  # at the whole way
    reads[:, labels == 5] = 0.0  # anywhere
    reads[1, labels == 6] = torch.nan  # of pictures that were misread from the start
    drift[:, :, 0] = 0.2  # of the own measure
    share, way = fitting._share(reads, drift, labels, 0)
    assert way[3] == way[0] == pytest.approx(0.2) and way[5] == 0
    assert share[3] == fitting.FRACTIONS[1] and share[5] == 0 and (share[[0, 1, 2, 4, 6]] == 1).all()
    drift[:2, :, 4] = 2 * fitting.DRIFTS
    assert fitting._share(reads, drift, labels, 0)[0][0] == fitting.FRACTIONS[2]
    drift[:, :, 4] = 2 * fitting.DRIFTS
    assert (fitting._share(reads, drift, labels, 0)[0] == 0).all()
    assert (fitting._share(reads, drift, labels, 4)[0][:3] == 1).all()
