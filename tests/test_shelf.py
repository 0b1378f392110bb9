"""The shelf of kept points: its text in the address, the way through it as a GIF, what pages say of a damaged one."""

import asyncio
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cvae import tasks
from cvae.config import ModelConfig
from tests.app import answer, open_page, sent
from tests.test_export import model_of
from ui.shell import api, codecs, link, moving, resources, shelf
from ui.widgets.shelf import shelf as widget

LATTICE = st.integers(-8 * 256 + 1, 8 * 256 - 1).map(lambda k: k / 256)
NAMES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=shelf.LONGEST_NAME)
LABELLED = model_of(ModelConfig("cvae", latent_dim=2, widths=(8,), n_classes=10))
PLAIN = model_of(ModelConfig(latent_dim=2, widths=(8,)))
WIDE = model_of(ModelConfig(latent_dim=100, widths=(8,)))
FACES = model_of(ModelConfig("autoencoder", "conv", (3, 16, 16), latent_dim=3, widths=(4, 8)))
POINT = link.pack(torch.tensor([0.5, -1.0]))


def written(points, settings="001") -> str:
    """Return a shelf of (z, label, name) as ui/widgets/shelf/text.js writes it."""
    packed = lambda z: link.pack(torch.tensor(z)) if len(z) <= shelf.FINE else codecs.to_text(sixteenths(z))  # noqa: E731
    return "~".join([settings, *(f"{label}.{packed(z)}.{codecs.to_text(name.encode())}" for z, label, name in points)])


def sixteenths(z) -> bytes:
    return np.array([round(16 * v) for v in z], np.int8).tobytes()


def kept(*points) -> tuple[shelf.Kept, ...]:
    return tuple(shelf.Kept(torch.tensor(z), label, "") for z, label in points)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.lists(LATTICE, min_size=2, max_size=2), st.integers(0, 9), NAMES), min_size=1, max_size=12),
    st.tuples(st.sampled_from("01"), st.sampled_from("012"), st.sampled_from("012")).map("".join),
)
def test_a_shelf_is_read_as_it_was_written(points, how):
    read = shelf.read(written(points, how), LABELLED, every=False)
    assert [(each.u.tolist(), each.label, each.name) for each in read.kept] == points
    assert read.settings == how and read.spherical == (how[0] == "0")


def test_points_of_many_coordinates_are_sixteenths_and_a_full_shelf_fits_an_address():
    rng = np.random.default_rng(0)
    points = [((rng.integers(-127, 128, 100) / 16).tolist(), "", "n" * shelf.LONGEST_NAME) for _ in range(12)]
    text = written(points)
    assert [each.u.tolist() for each in shelf.read(text, WIDE, every=False).kept] == [z for z, _, _ in points]
    sixty_four = [(rng.normal(size=64).tolist(), "", "n" * shelf.LONGEST_NAME) for _ in range(12)]
    assert max(len(text), len(written(sixty_four))) <= shelf.LONGEST


WRONG = {
    "nothing but settings": "001",
    "no settings": f"3.{POINT}.",
    "settings that do not exist": f"021~3.{POINT}.~x",
    "digits beyond": f"201~3.{POINT}.",
    "other digits": f"\u0660\u06601~3.{POINT}.",
    "thirteen": "001" + 13 * f"~3.{POINT}.",
    "no label": f"001~.{POINT}.",
    "an unknown label": f"001~10.{POINT}.",
    "a label for some": f"001~3.{POINT}.~.{POINT}.",
    "a point of three": f"001~3.{link.pack(torch.zeros(3))}.",
    "no numbers": f"001~3.{codecs.to_text(b'a' * 3 + bytes([0x7C]))}.~",
    "nan": f"001~3.{codecs.to_text(np.array([np.nan, 0], '<f2').tobytes())}.",
    "a name of bytes that are no text": f"001~3.{POINT}.{codecs.to_text(bytes([255, 254]))}",
    "a long name": f"001~3.{POINT}.{codecs.to_text(b'a' * 25)}",
    "a name with a line end": f"001~3.{POINT}.{codecs.to_text(b'a' + bytes([10]))}",
    "too long": "001~3." + "A" * 3000 + ".",
    "markup": "<script>",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError):
        shelf.read(text, LABELLED, every=False)


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789~.AZaz_-\u00e9%", max_size=60), st.booleans())
def test_no_text_fails_in_another_way(text, every):
    try:
        shelf.read(text, LABELLED, every)
    except ValueError:
        return


def test_labels_belong_to_models_that_take_them():
    assert shelf.read(f"001~.{POINT}.", PLAIN, every=False).kept[0].label is None
    assert shelf.read(f"001~.{POINT}.", LABELLED, every=True).kept[0].label is None
    for model, every in ((PLAIN, False), (LABELLED, True)):
        with pytest.raises(ValueError):
            shelf.read(f"001~3.{POINT}.", model, every)


@pytest.mark.parametrize("how, count", [("001", 3), ("011", 2), ("021", 2), ("101", 7), ("001", 12), ("011", 12)])
def test_a_run_comes_to_every_point_and_begins_where_it_ends(how, count):
    g = torch.Generator().manual_seed(count)
    points = kept(*((torch.randn(2, generator=g).tolist(), i % 10) for i in range(count)))
    u, c = moving.points(shelf.Shelf(points, how), 10)
    assert len(u) == len(c) <= moving.FRAMES + 1
    torch.testing.assert_close(c.sum(1), torch.ones(len(c)))
    for point in points:
        near = (u - point.u).norm(dim=1).argmin()
        torch.testing.assert_close(u[near], point.u)
        assert c[near].argmax() == point.label
    steps = (u.roll(-1, 0) - u).norm(dim=1)
    assert (steps[-1] < 1.01 * steps.max()) and (how[1] == "2" or steps[-1] <= 1.01 * steps[:-1].max())


def test_the_label_changes_on_the_way():
    model, (a, b) = LABELLED, kept(([1.0, 0.0], 3), ([1.0, 0.0], 8))
    frames = moving.frames(model, shelf.Shelf((a, b), "111"))
    mixed = torch.zeros(1, 10)
    mixed[0, [3, 8]] = 0.5
    wanted = tasks.decode(model, a.u[None], mixed).mul(255).round()[0, 0]
    assert abs(frames[len(frames) // 4, ..., 0].astype(int) - wanted.int().numpy()).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "model, points",
    [(LABELLED, (([1.0, 0.0], 3), ([0.0, 1.0], 8))), (FACES, (([1.0, 0.0, 0.0], None), ([0.0, 0.0, 2.0], None)))],
)
def test_a_gif_takes_four_seconds_at_512_pixels(model, points):
    for how in ("001", "011", "021"):
        made = moving.gif(moving.frames(model, shelf.Shelf(kept(*points), how)), repeats=how != "021")
        assert len(made) <= 3e6
        picture, took = Image.open(io.BytesIO(made)), 0
        for i in range(picture.n_frames):
            picture.seek(i)
            took += picture.info["duration"]
        assert picture.format == "GIF" and picture.size == (512, 512) and took == 4000 and picture.n_frames > 20
        assert ("loop" in picture.info) == (how != "021")


@pytest.mark.slow
def test_a_gif_that_would_be_heavy_has_fewer_frames_and_takes_as_long(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    monkeypatch.setattr(moving, "HEAVIEST", float("inf"))
    monkeypatch.setattr(moving, "HEAVIEST", 0.6 * len(moving.gif(pixels)))
    light = Image.open(io.BytesIO(moving.gif(pixels)))
    assert light.n_frames == 20
    took = [light.seek(i) or light.info["duration"] for i in range(light.n_frames)]
    assert sum(took) == 4000


def test_all_labels_are_shown_side_by_side():
    held = shelf.read(f"001~.{POINT}.~.{link.pack(torch.zeros(2))}.", LABELLED, every=True)
    frames = moving.frames(LABELLED, held)
    assert frames.shape[1:] == (2 * 28, 5 * 28, 1)
    seven = tasks.decode(LABELLED, held.kept[0].u[None], torch.tensor([7])).mul(255).round().int()[0, 0].numpy()
    assert abs(frames[0, 28:, 2 * 28 : 3 * 28, 0].astype(int) - seven).max() <= 1


def test_the_route_answers_with_a_gif_or_one_line(zoo):
    z = link.pack(torch.zeros(12))
    reply = answer(api.run, model="sliders", shelf=f"011~.{z}.~.{link.pack(torch.ones(12))}.QQ")
    assert reply.media_type == "image/gif" and Image.open(io.BytesIO(reply.body)).size == (512, 512)
    for query in ({"shelf": "001"}, {"shelf": f"001~.{z}."}, {}, {"shelf": f"001~3.{z}.", "model": "nobody"}):
        reply = answer(api.run, **{"model": "sliders", **query})
        assert reply.status_code == 400 and b"\n" not in reply.body


def test_runs_are_made_one_at_a_time_by_a_worker():
    assert api.LIMITS["run"].together == 1 and api.LIMITS["run"].waiting < api.MOST
    assert asyncio.iscoroutinefunction(api.run)


PAGES = [
    ("pages/1_Explore.py", {"model": "sliders"}, 12, ""),
    ("pages/1_Explore.py", {"model": "labels"}, 10, "4"),
    ("pages/2_Generate.py", {"model": "labels", "show": "One style, ten digits"}, 10, ""),
]


def of_shelf(app) -> dict:
    return next(data for i in range(len(app.get("bidi_component"))) if "kept" in (data := sent(app, i)))


@pytest.mark.parametrize("page, parameters, dims, label", PAGES)
def test_a_page_shows_what_is_kept_in_its_address(zoo, page, parameters, dims, label):
    u = link.snap(torch.randn(2, dims, generator=torch.Generator().manual_seed(1)))
    text = written([(u[0].tolist(), label, "Uno"), (u[1].tolist(), label, "")], "110")
    app = open_page(page, **parameters, shelf=text)
    assert not app.exception and not app.warning
    data = of_shelf(app)
    assert [each["z"] for each in data["kept"]] == u.tolist() and data["kept"][0]["name"] == "Uno"
    assert data["settings"] == "110" and data["text"] == text and data["most"] == 12


@pytest.mark.parametrize("page, parameters, dims, label", PAGES)
@pytest.mark.parametrize("text", ["001~x", "", "001~3.AAAA."])
def test_a_damaged_shelf_is_named_once_and_dropped(zoo, page, parameters, dims, label, text):
    app = open_page(page, **parameters, shelf=text)
    assert not app.exception and "shelf" not in app.query_params
    assert [warning.value for warning in app.warning] == [widget.DAMAGED]
    assert of_shelf(app)["kept"] == []
    app.run()
    assert not app.warning


def test_a_frame_is_decoded_for_a_browser_without_a_route_and_never_for_nonsense(zoo):
    model = resources.model("labels")
    pixels = widget._frame(model, {"z": [0.0] * 10, "labels": [7]})
    assert len(codecs.from_text(pixels.rstrip("=").replace("+", "-").replace("/", "_"))) == 28 * 28
    z = [0.0] * 10
    wrong = [None, {}, {"z": z[1:], "labels": [7]}, {"z": z, "labels": []}, {"z": z, "labels": [10]}]
    wrong += [{"z": [float("nan")] * 10, "labels": [1]}, {"z": ["a"] * 10, "labels": [1]}]
    assert [widget._frame(model, asked) for asked in wrong] == [None] * len(wrong)


@pytest.mark.parametrize("z", [[0, 10**400], [0.0, float("nan")], [1], 7, None, ["0", "0"], {"0": 1}])
def test_a_browser_that_sends_no_point_is_not_answered(z):
    model = model_of(ModelConfig(family="vae", network="dense", latent_dim=2, widths=(8,)))
    assert widget._frame(model, {"z": z}) is None
    assert widget._frame(model, {"z": [0, 1]}) == widget._frame(model, {"z": [0.0, 1.0]}) is not None
