"""The Map page and its routes without a browser: choices, groups, drawings, and maps that cannot be used."""

import base64
import json
import zlib
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs

import numpy as np
import pytest

from cvae import checkpoints, maps, neighbours
from cvae.config import ModelConfig, Preset
from cvae.models import build_model
from tests.app import answer, mapped, open_page, sent
from ui.shell import api, link, sketch

PAGE = "pages/5_Map.py"
MODELS = ["plane", "sliders", "labels"]


def bits(*members: int, n: int = 200) -> str:
    """Return a group as the browser puts it into the address."""
    held = np.zeros(n, bool)
    held[list(members)] = True
    return base64.urlsafe_b64encode(zlib.compress(np.packbits(held).tobytes())).decode().rstrip("=")


def shown(app) -> str:
    """Return all that stands beside and below the map."""
    return " ".join([e.value for e in [*app.markdown, *app.caption]] + [e.proto.body for e in app.get("html")])


def drawn_map(app) -> dict:
    """Return what Python sent to the map, wherever it stands among the controls."""
    return next(data for data in (sent(app, i) for i in range(len(app.get("bidi_component")))) if "layout" in data)


@pytest.mark.parametrize("model", MODELS)
def test_a_chosen_digit_and_two_groups(zoo, model):
    app = open_page(PAGE, model=model, point="17", a=bits(1, 11, 21), b=bits(5, 15))
    assert not app.exception and not app.warning and not app.error
    text = shown(app)
    assert "<b>Digit 7</b>, number 17" in text and "Nearest in latent space" in text and "Nearest in pixels" in text
    assert (
        "<b>Group A: 3 digits</b><br>1: 3<br>" in text
        and "<b>Group B: 2 digits</b><br>5: 2<br>" in text
        and "A to B" in text
    )
    assert sent(app)["chosen"] == {"point": "17", "a": bits(1, 11, 21), "b": bits(5, 15)}
    u = maps.load_map(model).u
    assert sent(app)["near"] == [i for i in neighbours.nearest(u, u[17:18], 9)[1][0].tolist() if i != 17]


def test_open_in_explore_carries_the_point_over(zoo):
    app = open_page(PAGE, model="labels", point="17")
    onward = next(e.proto.body for e in app.get("html") if "Open it in Explore" in e.proto.body)
    page, _, query = unescape(onward.split('"')[1]).partition("?")
    parameters = {name: values[0] for name, values in parse_qs(query).items()}
    assert page == "/Explore" and parameters["model"] == "labels"
    there = open_page("pages/1_Explore.py", **parameters)
    assert sent(there)["z"] == link.snap(maps.load_map("labels").u[17]).tolist() and sent(there)["labels"] == [7]


@pytest.mark.parametrize("text", ["200", "-1", "1.5", "x" * 5000, "\u0667", "1e3"])
def test_a_number_outside_the_map_gets_a_sentence(zoo, text):
    app = open_page(PAGE, model="plane", point=text)
    assert not app.exception and "the map has 0 to 199" in app.warning[0].value
    assert sent(app)["chosen"]["point"] == ""


@pytest.mark.parametrize("text", [bits(), "AAAA", "not base64!", bits(1)[:8], bits(1, n=100_000), ""])
def test_an_empty_or_damaged_group_is_none(zoo, text):
    app = open_page(PAGE, model="plane", a=text)
    assert not app.exception and sent(app)["chosen"]["a"] == ""
    assert "Group A" not in shown(app) and "Choose a digit" in shown(app)


def test_a_choice_on_the_map_goes_into_the_address(zoo):
    app = open_page(PAGE, model="plane", own="true")
    chosen = {"point": "3", "a": bits(1, 2), "b": "", "sequence": 1}
    app.session_state["map"] = {"chosen": chosen}
    app.run()
    assert not app.exception and sent(app)["sequence"] == 1


@pytest.mark.parametrize("layout", ["t-SNE", "PCA"])
@pytest.mark.parametrize("model", MODELS)
def test_a_drawing_gets_a_pin_and_an_empty_pad_none(zoo, model, layout):
    drawing = np.zeros((sketch.INK, sketch.INK))
    drawing[20:60, 38:42] = 1
    short = sketch.shorten(sketch.pack_bits(drawing))
    app = open_page(PAGE, model=model, own="true", layout=layout, ink=short)
    assert not app.exception and "Its nearest digits" in shown(app)
    assert len(drawn_map(app)["mine"]) == 2 and all(np.isfinite(drawn_map(app)["mine"]))
    empty = open_page(PAGE, model=model, own="true", layout=layout)
    assert not empty.exception and "Its nearest digits" not in shown(empty)
    assert drawn_map(empty)["mine"] is None


UNUSABLE = {
    "missing": (lambda folder: (folder / "map.npz").unlink(), "no map yet"),
    "damaged": (lambda folder: (folder / "map.npz").write_bytes(b"PK\x03\x04 cut off"), "damaged"),
    "stale": (lambda folder: maps.save_map(folder, mapped("plane")) or stain(folder), "made from other weights"),
    "of older making": (
        lambda f: np.savez(f / "map.npz", u=np.zeros((40, 2)), labels=np.zeros(40, np.uint8)),
        "no t-SNE",
    ),
}


def stain(folder) -> None:
    """Change the weights a little after the map was made."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: w + 0.01 if w.is_floating_point() else w for name, w in weights.items()}, folder / "model.safetensors"
    )


@pytest.mark.parametrize("spoil, says", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_map_is_explained_and_the_rest_works(zoo, spoil, says):
    spoil(zoo / "plane")
    app = open_page(PAGE, model="plane", own="true")
    assert not app.exception
    assert says in app.warning[0].value and app.warning[0].value.endswith("python evaluate.py --map plane")
    assert app.selectbox(key="model").value == "plane" and "What the map says" in [e.label for e in app.expander]
    assert "Draw a digit" in sent(app)["empty"]  # the pad
    response = answer(api.points, model="plane")
    assert response.status_code == 400 and says.encode() in response.body
    app.selectbox(key="model").set_value("labels").run()
    assert not app.exception and not app.warning and drawn_map(app)["layout"] == "tsne"


@pytest.mark.parametrize("count", [1, 2, 11, 29])
def test_too_few_test_pictures_are_what_is_missing(zoo, count):
    for name in MODELS:
        dims = np.zeros((count, 2 if name == "plane" else 12 if name == "sliders" else 10))
        np.savez(zoo / name / "map.npz", u=dims, labels=np.zeros(count, np.uint16))
    app = open_page(PAGE, model="labels")
    assert not app.exception and len(app.warning) == 1 and "--map" not in app.warning[0].value
    assert f"needs at least 30 test pictures; mnist has {count}." in app.warning[0].value
    assert "<table" not in shown(app) and "5-NN: the share" not in shown(app)
    for page in ("pages/1_Explore.py", "pages/3_Draw.py", "pages/7_Models.py"):
        assert not open_page(page, model="labels", view="Side by side").exception


@pytest.mark.parametrize(
    "changes, says", [({"latent_dim": 1}, "at least two latents"), ({"image_shape": (3, 28, 28)}, "grey pictures")]
)
def test_a_model_that_can_have_no_map_is_told_why(zoo, changes, says):
    config = ModelConfig(**{"latent_dim": 2, "widths": (16,)} | changes)
    checkpoints.save_run(zoo / "mine", Preset("mine", "Mine.", config), build_model(config).state_dict())
    with pytest.raises(ValueError, match=f"A map needs .*{says}"):
        maps.load_map("mine")


def test_more_classes_than_a_map_shows(zoo):
    preset = replace(checkpoints.load_preset("plane"), classes=tuple(map(str, range(300))))
    checkpoints.save_run(zoo / "plane", preset, checkpoints.load_run("plane").state_dict())
    np.savez(zoo / "plane" / "map.npz", u=np.zeros((400, 2)), labels=np.zeros(400, np.uint16))
    assert "A map shows at most 256 classes; mnist has 300." in open_page(PAGE, model="plane").warning[0].value


def test_colours_and_layouts(zoo):
    app = open_page(PAGE, model="sliders", colour="z3", layout="PCA")
    assert not app.exception and sent(app)["colour"] == "z3" and sent(app)["layout"] == "pca"
    for parameters in ({"colour": "z99"}, {"colour": ""}, {"layout": "nan"}, {"layout": ""}):
        app = open_page(PAGE, model="sliders", **parameters)
        assert not app.exception and (sent(app)["colour"], sent(app)["layout"]) == ("digit", "tsne")


def test_routes(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path / "no data"))
    response = answer(api.points, model="labels")
    about = json.loads(response.headers["X-About"])
    assert about["count"] == 200 and len(response.body) == 200 * (4 * 2 + 1 + len(about["features"]))
    sprite = answer(api.sprite, model="labels").body
    assert np.array_equal(maps.cut_sprite(sprite, 200), maps.cut_sprite(maps.load_map("labels").sprite, 200))
    for query in ({}, {"model": "nothing"}, {"model": "judge"}, {"model": "painter"}, {"model": "../plane"}):
        for route in (api.points, api.sprite):
            refused = answer(route, **query)
            assert refused.status_code == 400 and 0 < len(refused.body) < 500 and b"\n" not in refused.body
    assert answer(api.sprite, model="labels", of="originals").status_code == 400


def test_real_digits_are_shown_where_they_are(zoo, monkeypatch):
    pictures, labels = np.random.default_rng(1).integers(0, 256, (200, 28, 28), dtype=np.uint8), np.arange(200) % 10
    monkeypatch.setattr("ui.shell.fetch._read", lambda *a: (pictures, labels))
    app = open_page(PAGE, model="plane", point="17")
    assert not app.exception and "Original" in shown(app) and "Nearest in pixels, originals" in shown(app)
    assert len(sent(app)["sprites"]) == 2
    assert (
        np.abs(
            maps.cut_sprite(answer(api.sprite, model="plane", of="originals").body, 200).astype(int) - pictures
        ).max()
        <= 9
    )


@pytest.mark.parametrize("name", ["nosuch", "judge", "x" * 500])
def test_a_link_to_a_model_that_the_page_does_not_have_says_so(zoo, name):
    app = open_page(PAGE, model=name)
    assert not app.exception and app.warning[0].value.startswith(
        f"There is no model {name[:40]!r} for this page, so it shows"
    )
    assert not open_page(PAGE, model="labels").warning
