"""Every page runs without a browser, also with a nonsense address or broken checkpoints; routes refuse bad input."""

import pytest
import torch

from cvae import checkpoints, tasks
from cvae.config import Preset
from cvae.models import build_model
from tests.app import MODELS, answer, open_page, sent
from ui.shell import api, images, link

PAGES = ["app.py", "pages/1_Explore.py", "pages/2_Generate.py", "pages/3_Draw.py", "pages/4_Inpaint.py"]
PAGES += ["pages/5_Map.py", "pages/6_Faces.py", "pages/7_Models.py"]


@pytest.mark.parametrize("model", ["plane", "sliders", "labels"])
@pytest.mark.parametrize("page", PAGES)
def test_page_runs_for_every_model(zoo, page, model):
    app = open_page(page, model=model)
    assert not app.exception and not app.error and not app.warning
    assert len(app.title) == 1


@pytest.mark.parametrize("page", PAGES)
def test_page_runs_without_the_files_of_evaluate(zoo, page):
    for file in [*zoo.glob("*/map.npz"), *zoo.glob("*/metrics.json")]:
        file.unlink()
    app = open_page(page)
    assert not app.exception
    if "Explore" in page:
        assert any("python evaluate.py plane" in caption.value for caption in app.caption)


@pytest.mark.parametrize("damage", ["garbage", b"PK\x03\x04 cut off"])
def test_damaged_map_counts_as_missing(zoo, damage):
    (zoo / "plane" / "map.npz").write_bytes(damage.encode() if isinstance(damage, str) else damage)
    (zoo / "plane" / "metrics.json").write_text("[1, 2", encoding="utf-8")
    app = open_page("pages/1_Explore.py", model="plane")
    assert not app.exception
    assert sent(app)["background"] is None


@pytest.mark.slow
@pytest.mark.parametrize("text", ["-1e999", "nan", "", "99999999999999999999", "-1", "3.7", "<b>", "\u00bd"])
@pytest.mark.parametrize("page", PAGES[1:])
def test_nonsense_in_the_address_gives_the_defaults(zoo, page, text):
    nonsense = dict.fromkeys(["label", "digits", "seed", "temperature", "count", "view", "show", "side", "path"], text)
    app = open_page(page, model=text, z=text, a=text, b=text, **nonsense)
    assert not app.exception and not app.error
    plain = open_page(page)
    assert [m.value for m in app.selectbox if m.key == "model"] == [
        m.value for m in plain.selectbox if m.key == "model"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["-1e999", "nan", "", "999"])
@pytest.mark.parametrize("view", ["Between two points", "The whole plane"])
def test_nonsense_within_a_view(zoo, view, text):
    app = open_page("pages/1_Explore.py", view=view, side=text, path=text, a=text, b=text)
    assert not app.exception and app.button_group(key="view").value == view


def test_link_places_the_point_exactly(zoo):
    u = link.random_point(12, seed=3)
    app = open_page("pages/1_Explore.py", model="sliders", z=link.pack(u))
    assert sent(app)["z"] == u.tolist()


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "AHwAfA", "\u00e9\u00e9", "A" * 100_000])
def test_unpack_refuses_what_pack_did_not_write(text):
    assert link.unpack(text, 2) is None


def test_pack_and_unpack_are_inverse():
    u = link.snap(torch.linspace(-9, 9, 64))
    assert torch.equal(link.unpack(link.pack(u), 64), u)


def test_broken_folders_are_named_and_the_others_stay(zoo):
    (zoo / "sliders" / "model.safetensors").write_bytes(b"cut")
    (zoo / "labels" / "config.json").write_text("{}", encoding="utf-8")
    (zoo / "foreign").mkdir()
    (zoo / "foreign" / "config.json").write_text('{"architectures": ["Other"]}', encoding="utf-8")
    app = open_page("pages/1_Explore.py")
    assert not app.exception
    assert app.selectbox(key="model").options == ["plane"]
    assert sorted(w.value.split()[0] for w in app.warning) == ["foreign", "labels", "sliders"]
    assert all("\n" not in w.value for w in app.warning)


def test_what_is_no_checkpoint_lies_there_without_a_word(zoo):
    for name in (".ipynb_checkpoints", ".cache/deeper", "empty", "logs"):
        (zoo / name).mkdir(parents=True)
    (zoo / ".ipynb_checkpoints" / "config.json").write_text("{", encoding="utf-8")
    (zoo / "logs" / "events.txt").write_text("step 1", encoding="utf-8")
    (zoo / "notes.txt").write_text("a file", encoding="utf-8")
    app = open_page("pages/7_Models.py")
    assert not app.exception and not app.warning
    assert sorted(app.selectbox(key="a").options) == sorted(MODELS) == checkpoints.list_runs()


@pytest.mark.parametrize("page", PAGES)
def test_no_checkpoint_at_all(tmp_path, monkeypatch, page):
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path / "nowhere")
    app = open_page(page)
    assert not app.exception
    assert "python train.py" in app.info[0].value


def test_explore_moves_the_point(zoo):
    app = open_page("pages/1_Explore.py", model="labels")
    next(b for b in app.button if b.label == "Random point").click().run()
    moved = sent(app)["z"]
    assert any(moved)
    app.number_input(key="real_number").set_value(2).run()
    next(b for b in app.button if b.label == "Start here").click().run()
    assert not app.exception and sent(app)["z"] != moved
    next(b for b in app.button if b.label == "Centre").click().run()
    assert not any(sent(app)["z"])


def test_a_real_digit_sets_the_label(zoo):
    app = open_page("pages/1_Explore.py", model="labels")
    app.selectbox(key="real_class").select(6).run()
    next(b for b in app.button if b.label == "Start here").click().run()
    assert not app.exception and sent(app)["labels"] == [6]


@pytest.mark.parametrize("view", ["Traversals", "Between two points", "The whole plane"])
def test_views(zoo, view):
    app = open_page("pages/1_Explore.py", model="plane", view=view)
    assert not app.exception
    assert app.button_group(key="view").value == view


def test_live_control_reports_a_move(zoo):
    app = open_page("pages/1_Explore.py", model="plane")
    app.session_state["live"] = {"move": {"z": [1.5, -0.25], "sequence": 1, "pixels": True}}
    app.run()
    assert not app.exception
    assert len(sent(app)["pixels"]) > 784  # the answer for a host without /api/decode


def test_generate_follows_its_controls(zoo):
    app = open_page("pages/2_Generate.py")
    assert app.selectbox(key="model").value == "labels"
    app.button_group(key="digits").set_value([3, 7]).run()
    app.slider(key="temperature").set_value(0.5).run()
    app.number_input(key="seed").set_value(11).run()
    next(b for b in app.button if b.label == "New seed").click().run()
    assert not app.exception and app.number_input(key="seed").value != 11
    assert "3, 7" in app.get("image")[0].proto.imgs[0].alt


def test_unconditional_model_says_so(zoo):
    app = open_page("pages/2_Generate.py", model="sliders", show="One style, ten digits")
    assert not app.exception and "no labels" in app.info[0].value


BAD = {
    "no model": {"z": "0,0"},
    "unknown model": {"model": "nothing", "z": "0,0"},
    "path as model": {"model": "../plane", "z": "0,0"},
    "classifier": {"model": "judge", "z": "0,0"},
    "denoiser": {"model": "cleaner", "z": "0,0"},
    "inpainting model": {"model": "painter", "z": "0,0"},
    "broken model": {"model": "foreign", "z": "0,0"},
    "no z": {"model": "plane"},
    "empty z": {"model": "plane", "z": ""},
    "missing number": {"model": "plane", "z": "0,"},
    "words": {"model": "plane", "z": "a,b"},
    "NaN": {"model": "plane", "z": "nan,0"},
    "infinity": {"model": "plane", "z": "0,inf"},
    "huge": {"model": "plane", "z": "1e39,0"},
    "too few": {"model": "plane", "z": "0"},
    "10,000 values": {"model": "plane", "z": ",".join(["0"] * 10_000)},
    "label for a VAE": {"model": "plane", "z": "0,0", "label": "1"},
    "no label": {"model": "labels", "z": ",".join(["0"] * 10)},
    "label out of range": {"model": "labels", "z": ",".join(["0"] * 10), "label": "10"},
    "negative label": {"model": "labels", "z": ",".join(["0"] * 10), "label": "-1"},
    "label in words": {"model": "labels", "z": ",".join(["0"] * 10), "label": "%D9%A7"},
    "too many labels": {"model": "labels", "z": ",".join(["0"] * 10), "label": ",".join(["0"] * 11)},
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD.keys())
def test_decode_refuses(zoo, query):
    (zoo / "foreign").mkdir()
    response = answer(api.decode, **query)
    assert response.status_code == 400
    assert 0 < len(response.body) < 500 and b"\n" not in response.body


@pytest.mark.parametrize("name, label", [("plane", None), ("sliders", None), ("labels", "7"), ("labels", "0,1,9")])
def test_decode_answers_with_pixels(zoo, name, label):
    u = link.random_point(MODELS[name].latent_dim, seed=1)
    query = dict(model=name, z=",".join(map(str, u.tolist())), **({"label": label} if label else {}))
    response = answer(api.decode, **query)
    labels = torch.tensor([int(part) for part in label.split(",")]) if label else None
    rows = u.expand(1 if labels is None else len(labels), -1)
    expected = images.to_uint8(tasks.decode(checkpoints.load_run(name), rows, labels))
    assert response.status_code == 200 and response.body == expected.tobytes()


def test_map_route(zoo):
    assert answer(api.class_map, model="plane").body.startswith(b"\x89PNG")
    for name in ("sliders", "nothing", "judge"):
        assert answer(api.class_map, model=name).status_code == 400


def test_retrained_model_is_read_anew(zoo):
    before = answer(api.decode, model="plane", z="0,0").body
    torch.manual_seed(1)
    fresh = build_model(MODELS["plane"])
    checkpoints.save_run(zoo / "plane", Preset("plane", "Again.", MODELS["plane"]), fresh.state_dict())
    assert answer(api.decode, model="plane", z="0,0").body != before
