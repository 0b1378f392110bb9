"""Faces without a browser: directions, mixtures, stored spaces, figures, the page with every tool and bad input."""

import hashlib
import io
import itertools
import json
import math
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from benchmarks import face_pairs
from cvae import checkpoints, faces, metrics, neighbours, tasks
from cvae.config import DataConfig, ModelConfig, Preset, Stage, TrainConfig
from cvae.data import lfw_files as lfw
from cvae.faces import directions, finder, mixture
from cvae.faces import figures as face_figures
from cvae.models import build_model
from tests.app import answer, open_page, sent
from ui.faces import face_source, photo
from ui.shell import api, images, keeping, resources, taking

D, N = 6, 60
CONFIG = ModelConfig("autoencoder", "conv", (3, 64, 64), D, widths=(4, 8), likelihood="gaussian", linear=True)
TOOLS = ["Smile", "Reconstruct", "Morph", "Similar faces", "Make a slider", "New faces"]


def controls(app) -> list[dict]:
    """Return what Python sent to each of our controls."""
    return [sent(app, i) for i in range(len(app.get("bidi_component")))]


def steered(app) -> dict:
    """Return what Python sent to the sliders."""
    return next(data for data in controls(app) if "axes" in data)


def small_model():
    torch.manual_seed(0)
    model = build_model(CONFIG)
    model.start_linear(torch.rand(40, 3, 64, 64))
    model.preset = Preset("small", "A small model.", CONFIG)
    return model.eval()


def small_space(columns=("Smiling", "Male")) -> faces.Space:
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(N, D, generator=generator)
    present = (u[:, : len(columns)] > 0).float()
    present[0] = torch.nan
    people = tuple(f"Person_{i // 2:02d}" for i in range(N))
    return faces.measure(
        small_model(), u, people, tuple(1 + i % 2 for i in range(N)), columns, present, torch.ones(N, dtype=torch.bool)
    )


@pytest.fixture(scope="session")
def of_faces(tmp_path_factory):
    """The folder of one small untrained model of faces with its stored space, to copy."""
    folder = tmp_path_factory.mktemp("faces") / "small"
    with torch.random.fork_rng():  # whichever test is the first
        checkpoints.save_run(folder, Preset("small", "A small model.", CONFIG), small_model().state_dict())
        faces.save(folder, small_space())
    return folder


@pytest.fixture
def zoo(of_faces, tmp_path, monkeypatch):
    """One small untrained model of faces with its stored space."""
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path / "no data"))
    shutil.copytree(of_faces, tmp_path / "small")
    return tmp_path


def test_the_linear_path_starts_as_principal_components():
    x = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for family in ("autoencoder", "vae"):
        model = build_model(
            ModelConfig(family, "dense", (1, 8, 8), 5, widths=(16,), likelihood="gaussian", linear=True)
        )
        model.start_linear(x)
        u = model.eval().encode(x).mode()
        rows = x.flatten(1)
        _, _, v = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
        linear = (rows - rows.mean(0)) @ v[:5].T @ v[:5] + rows.mean(0)
        torch.testing.assert_close(model.decode(u).flatten(1), linear, atol=0.06, rtol=0)
        torch.testing.assert_close(u.std(0), torch.ones(5), atol=0.05, rtol=0)


def test_refined_codes_decode_better():
    torch.manual_seed(0)
    x = torch.rand(30, 3, 64, 64)
    for family in ("autoencoder", "vae"):
        model = build_model(replace(CONFIG, family=family))
        model.start_linear(x)
        model.eval().requires_grad_(False)
        far = tasks.encode(model, x) + 0.5
        errors = [metrics.mse(x, tasks.decode(model, u)).mean() for u in (far, tasks.refine(model, x, far))]
        assert errors[1] < errors[0]


def test_a_direction_is_one_standard_deviation_long_and_points_to_the_attribute():
    u = torch.randn(4000, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 1, 1, 1, 1])
    present = (u[:, 0] > 0).float()
    for classifier in (False, True):
        way = directions.attribute_direction(u, present, classifier=classifier)
        torch.testing.assert_close(way, torch.tensor([3.0, 0, 0, 0, 0]), atol=0.2, rtol=0)


def test_a_standard_deviation_of_pictures_is_the_same_however_the_code_is_scaled():
    model, scale = small_model(), torch.tensor([0.5, 2, 3, 4, 5, 6])
    u = torch.randn(300, D, generator=torch.Generator().manual_seed(0))
    way = directions.in_pictures(model, u, torch.eye(D)[0])
    # its networks add nothing yet: it is linear
    torch.testing.assert_close(way, torch.eye(D)[0] * u[:, 0].std(), rtol=0.01, atol=0)
    model.principal.spread /= scale
    torch.testing.assert_close(
        directions.in_pictures(model, u * scale, torch.eye(D)[0] / 4) / scale, way, rtol=1e-3, atol=1e-5
    )


def test_the_classifiers_direction_leaves_other_attributes_where_they_are():
    u = torch.randn(4000, 4, generator=torch.Generator().manual_seed(0))
    male = (u[:, 1] > 0).float()
    smiling = (u[:, 0] + u[:, 1] > 0).float()
    means = directions.attribute_direction(u, smiling)
    way = directions.attribute_direction(u, smiling, male[:, None], classifier=True)
    assert means[1] > 0.5 and abs(way[1]) < 0.05 and way[0] > 0.9


def test_more_attributes_than_dimensions_leave_a_direction():
    u = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    others = (torch.randn(500, 30, generator=torch.Generator().manual_seed(1)) > 0).float()
    others[:, 7] = 1  # says nothing
    way = directions.attribute_direction(u, (u[:, 0] > 0).float(), others, classifier=True)
    assert way[0] > 0.4


@pytest.mark.parametrize("present", [[1.0, 1], [0.0, 0], [float("nan"), 1]])
def test_a_direction_needs_both_groups(present):
    with pytest.raises(ValueError, match="at least one picture with the attribute and one without"):
        directions.attribute_direction(torch.randn(2, 3), torch.tensor(present))


def test_the_metric_discounts_what_varies_within_a_person():
    generator = torch.Generator().manual_seed(0)
    person = torch.arange(300) // 3
    u = torch.stack([torch.randn(100, generator=generator)[person], 5 * torch.randn(300, generator=generator)], dim=1)
    names = tuple(map(str, person.tolist()))
    metric = directions.within_person(u, person)
    assert face_figures.same_person(u @ metric, names) > 2 * face_figures.same_person(u, names)
    assert torch.equal(directions.within_person(u[:9], torch.arange(9)), torch.eye(2))  # nobody has two pictures


def test_a_direction_of_the_code_tells_people_apart_and_its_length_does_not():
    generator = torch.Generator().manual_seed(0)
    person = torch.arange(60).repeat(4)
    u = torch.randn(60, 5, generator=generator)[person] + 0.05 * torch.randn(240, 5, generator=generator)
    space = replace(small_space(), u=u * (0.3 + 2 * torch.rand(240, 1, generator=generator)), metric=torch.eye(5))
    names = tuple(map(str, person.tolist()))
    assert face_figures.same_person(space.told(space.u), names) > face_figures.same_person(space.u, names)
    assert torch.allclose(space.told(space.u).norm(dim=1), torch.ones(240))
    distances, rows = space.similar(3 * space.u[7], 4)
    assert rows[0] == 7 and distances[0] < 1e-3 and distances.max() <= 2


def test_nearest_gives_distances_in_order():
    index = torch.tensor([[0.0], [10.0], [3.0]])
    distances, rows = neighbours.nearest(index, torch.tensor([[1.0]]), 2)
    assert rows.tolist() == [[0, 2]] and distances.tolist() == [[1.0, 2.0]]


def test_a_mixture_has_the_moments_it_was_fitted_to():
    generator = torch.Generator().manual_seed(0)
    u = torch.cat([torch.randn(2000, 2, generator=generator) + 6, torch.randn(2000, 2, generator=generator) - 6])
    found = mixture.fit(u, 2)
    draws = found.sample(4000, generator=generator)
    torch.testing.assert_close(draws.mean(0), u.mean(0), atol=0.5, rtol=0)
    assert found.log_prob(u).mean() > mixture.fit(u, 1).log_prob(u).mean() + 0.5
    assert torch.equal(*(found.sample(5, generator=torch.Generator().manual_seed(1)) for _ in range(2)))
    assert all(min((row - mean).norm() for mean in found.means) < 1e-5 for row in found.sample(9, 0.0, generator))


def test_ssim_is_one_for_the_same_picture_and_less_for_a_blurred_one():
    x = torch.rand(2, 3, 32, 32)
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    torch.testing.assert_close(metrics.ssim(x, x), torch.ones(2))
    assert (metrics.ssim(x, blurred) < 0.8).all()


def test_a_space_survives_its_file(tmp_path):
    space = small_space()
    faces.save(tmp_path, space)
    again = faces.load(tmp_path)
    assert again.people == space.people and again.numbers == space.numbers and again.columns == space.columns
    torch.testing.assert_close(again.u, space.u, atol=faces.space.LEVEL / 2 + 1e-6, rtol=0)
    torch.testing.assert_close(again.present, space.present, equal_nan=True)
    torch.testing.assert_close(again.mixture.factors, space.mixture.factors, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"garbage"])
def test_a_damaged_space_is_named(tmp_path, content):
    (tmp_path / faces.FILE).write_bytes(content)
    with pytest.raises(ValueError, match="faces.npz is damaged; make it anew with: python evaluate.py"):
        faces.load(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(0, 100, 5))
def test_a_space_that_is_spoiled_anywhere_is_named_or_read(tmp_path, part):
    faces.save(tmp_path, small_space())
    path = tmp_path / faces.FILE
    good = path.read_bytes()
    at = len(good) * part // 100
    path.write_bytes(good[:at] + bytes(byte ^ 85 for byte in good[at : at + 40]) + good[at + 40 :])
    try:
        faces.load(tmp_path)
    except ValueError as error:
        assert "faces.npz is damaged; make it anew with: python evaluate.py" in str(error)


def test_an_attribute_that_everyone_has_is_left_out(tmp_path):
    *rest, present, learn = many(("Face", "Hat"))
    present[:, 0] = 1
    space = faces.measure(*rest, present, learn)
    assert space.columns == ("Hat",) and space.present.shape == (N, 1) and space.directions.shape == (1, 2, D)


def test_many_attributes_are_chosen_from(zoo):
    names = tuple(f"Trait {i}" for i in range(10)) + ("Smiling",)
    faces.save(zoo / "small", faces.measure(*many(names)))
    app = open_page("pages/6_Faces.py")
    assert not app.exception and app.multiselect(key="columns").value == ["Smiling"]
    app.multiselect(key="columns").set_value(["Trait 3", "Smiling"]).run()
    assert not app.exception and [axis["name"] for axis in steered(app)["axes"]] == ["Trait 3", "Smiling"]


def many(names):
    generator = torch.Generator().manual_seed(0)
    u, present = torch.randn(N, D, generator=generator), (torch.rand(N, len(names), generator=generator) > 0.5).float()
    return (
        small_model(),
        u,
        tuple(f"P_{i // 2}" for i in range(N)),
        (1,) * N,
        names,
        present,
        torch.ones(N, dtype=torch.bool),
    )


def test_faces_without_attributes_have_a_space_too(tmp_path):
    faces.save(tmp_path, small_space(()))
    assert faces.load(tmp_path).directions.shape == (0, 2, D)


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_runs(zoo, tool):
    app = open_page("pages/6_Faces.py", tool=tool, plus="1,2", minus="5")
    assert not app.exception and not app.error and not app.warning and not app.info


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "-1", "1e9", "nan", "99999999", "<b>", "\u00bd", "1,1,x"])
@pytest.mark.parametrize("tool", TOOLS)
def test_nonsense_in_the_address_gives_the_defaults(zoo, tool, text):
    keys = [
        "who",
        "to",
        "t",
        "a_Smiling",
        "plus",
        "minus",
        "own",
        "way",
        "face_seed",
        "face_temperature",
        "from",
        "who_page",
        "who_find",
        "called",
        "model",
    ]
    app = open_page("pages/6_Faces.py", tool=tool, **dict.fromkeys(keys, text))
    assert not app.exception and not app.error


@pytest.mark.parametrize("photo", ["AAAA", "not base64!", "\u00e9", "A" * 20_000])
def test_a_damaged_picture_in_the_address_gets_a_sentence(zoo, photo):
    app = open_page("pages/6_Faces.py", face="Upload", photo=photo)
    assert not app.exception and "damaged" in app.warning[0].value and app.info


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


PICTURES = {
    "no face": encoded(Image.new("RGB", (300, 200), "green")),
    "one pixel": encoded(Image.new("L", (1, 1))),
    "thin": encoded(Image.new("RGB", (3000, 2))),
    "transparent": encoded(Image.new("RGBA", (90, 90), (0, 0, 0, 0))),
    "large": encoded(Image.new("RGB", (5000, 5000), "grey")),
}


@pytest.mark.slow
@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES.keys())
@pytest.mark.parametrize("tool", ["Smile", "Reconstruct", "Similar faces"])
def test_any_picture_becomes_a_face(zoo, content, tool):
    app = open_page("pages/6_Faces.py", face="Upload", tool=tool)
    app.file_uploader(key="face_upload").set_value(("a.png", content, "image/png")).run()
    assert not app.exception and not app.error and not app.info
    assert not kept_photo(app)
    app.toggle(key="photo_in_link").set_value(True).run()
    assert 0 < len(kept_photo(app)) < photo.LONGEST
    assert any("whoever gets the link sees it" in caption.value for caption in app.caption)


def kept_photo(app) -> str:
    """Return the photo that the browser is told to put into the address."""
    return next(data["photo"] for data in controls(app) if "photo" in data)


def test_a_picture_stays_with_the_visit_and_out_of_the_address(zoo):
    app = open_page("pages/6_Faces.py", face="Upload", tool="Smile")
    app.file_uploader(key="face_upload").set_value(("a.png", PICTURES["no face"], "image/png")).run()
    start = steered(app)["start"]
    for key, away, back in (("face", "Gallery", "Upload"), ("tool", "New faces", "Smile")):
        app.segmented_control(key=key).set_value(away).run()
        app.segmented_control(key=key).set_value(back).run()
        assert steered(app)["start"] == start and not kept_photo(app)
    app.switch_page("app.py").run()
    app.query_params["face"] = "Upload"
    app.switch_page("pages/6_Faces.py").run()
    assert not app.exception and steered(app)["start"] == start and not kept_photo(app)


def test_another_picture_is_not_in_the_link_that_was_asked_for(zoo):
    app = open_page("pages/6_Faces.py", face="Upload")
    app.file_uploader(key="face_upload").set_value(("a.png", PICTURES["no face"], "image/png")).run()
    app.toggle(key="photo_in_link").set_value(True).run()
    app.query_params["photo"] = kept_photo(app)  # as the browser does
    app.file_uploader(key="face_upload").set_value(("b.png", PICTURES["large"], "image/png")).run()
    assert not app.toggle(key="photo_in_link").value and not kept_photo(app)


def test_a_picture_that_goes_takes_its_face_along(zoo):
    app = open_page("pages/6_Faces.py", face="Upload")
    uploader = app.file_uploader(key="face_upload")
    uploader.set_value(("a.png", PICTURES["no face"], "image/png")).run()
    app.toggle(key="photo_in_link").set_value(True).run()
    app.query_params["photo"] = photo = kept_photo(app)  # as the browser does
    app.file_uploader(key="face_upload").set_value(("b.png", b"no picture", "image/png")).run()
    assert app.error and app.info and not kept_photo(app)
    app.file_uploader(key="face_upload").set_value([]).run()
    assert not app.error and app.info and not kept_photo(app)
    linked = open_page("pages/6_Faces.py", face="Upload", photo=photo)
    assert not linked.info and kept_photo(linked) == photo
    linked.segmented_control(key="face").set_value("Camera").run()
    assert linked.info and not kept_photo(linked)


def test_a_picture_of_one_colour_is_hardly_a_face(zoo):
    app = open_page("pages/6_Faces.py", face="Upload")
    app.file_uploader(key="face_upload").set_value(("a.png", PICTURES["no face"], "image/png")).run()
    assert "hardly looks like a face" in app.warning[0].value


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (40, 30)])
def test_a_picture_of_any_shape_is_searched(size):
    box = faces.locate(small_model(), small_space(), Image.new("RGB", size, "grey"))
    assert box is None or 0 <= box[0] < box[2] <= size[0] and 0 <= box[1] < box[3] <= size[1]


def test_the_face_is_found_where_it_was_put():
    model, space = checkpoints.load_run("ae-conv-faces"), faces.load(checkpoints.run_dir("ae-conv-faces"))
    for row, (x, y, edge) in zip((4, 100, 3000), [(40, 30, 90), (150, 20, 64), (30, 60, 120)], strict=True):
        picture = Image.new("RGB", (300, 240), (90, 110, 140))
        face = Image.fromarray(images.to_uint8(tasks.decode(model, space.u[[row]]))[0])
        picture.paste(face.resize((edge, edge)), (x, y))
        box = torch.tensor([[x, y, x + edge, y + edge]])
        assert faces.space._overlap(box, torch.tensor(faces.locate(model, space, picture))) > 0.5


def test_faces_are_less_strange_than_noise_and_walls():
    model, space = checkpoints.load_run("ae-conv-faces"), faces.load(checkpoints.run_dir("ae-conv-faces"))
    people = tasks.decode(model, space.u[:40])
    others = torch.cat([torch.rand(20, 3, 64, 64), torch.rand(20, 3, 1, 1).expand(-1, -1, 64, 64)])
    assert (faces.strangeness(model, space, people) < faces.STRANGE).all()
    assert (faces.strangeness(model, space, others) > faces.STRANGE).float().mean() > 0.9


@pytest.mark.parametrize("size", [(400, 300), (60, 200), (7, 7), (1, 1)])
def test_the_box_that_is_dragged_begins_where_the_face_is(size):
    edge = min(size) * 0.5
    x, y = 0.25 * (size[0] - edge), 0.75 * (size[1] - edge)
    first = photo._shares(size, (x, y, x + edge, y + edge))
    assert first == pytest.approx((x / size[0], y / size[1], (x + edge) / size[0], (y + edge) / size[1]))
    beyond = photo._shares(size, (-edge, -1.0, 3 * max(size), 3 * max(size) - 1 + edge))
    assert min(beyond) >= 0 and max(beyond) <= 1
    left, upper, right, lower = photo._pixels(size, first)
    assert right - left == pytest.approx(lower - upper) == pytest.approx(max(1, edge))
    middle = photo._middle(size, 0.35)
    assert middle[0] + middle[2] == pytest.approx(size[0]) and middle[1] + middle[3] == pytest.approx(size[1])


def test_the_square_of_a_face_is_dragged(zoo):
    app = open_page("pages/6_Faces.py", face="Upload")
    app.file_uploader(key="face_upload").set_value(("a.png", PICTURES["no face"], "image/png")).run()
    drawn = next(data for data in controls(app) if data.get("square"))
    assert drawn["box"] == drawn["first"] and drawn["label"] == "The face that is read"


def test_what_was_done_to_each_of_several_faces_is_kept(zoo, monkeypatch):
    seen = [finder.Face(60.0, 60.0, 40.0, 0.0, 1.0), finder.Face(140.0, 60.0, 40.0, 0.0, 0.99)]
    monkeypatch.setattr(faces, "search", lambda *_: seen)
    app = open_page("pages/6_Faces.py", face="Upload")
    content = encoded(Image.new("RGB", (200, 120), (90, 100, 140)))
    app.file_uploader(key="face_upload").set_value(("a.png", content, "image/png")).run()
    box = lambda: next(data for data in controls(app) if data.get("square"))["box"]  # noqa: E731
    turn = lambda: next(each for each in app.slider if each.label == "Turn, degrees")  # noqa: E731
    which = lambda: next(each for each in app.segmented_control if "from left to right" in each.label)  # noqa: E731
    turn().set_value(30).run()
    key = f"crop_{hashlib.sha256(content).hexdigest()[:12]}_1_{faces.crop(small_model())}_30"
    app.session_state[key] = {"box": {"box": [0.1, 0.2, 0.3, 0.4]}}
    app.run()
    assert box() == [0.1, 0.2, 0.3, 0.4]
    which().set_value(2).run()
    assert not app.exception and turn().value == 0 and box() != [0.1, 0.2, 0.3, 0.4]
    which().set_value(1).run()
    assert not app.exception and turn().value == 30 and box() == [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("wanted", ["serena", "Williams Serena", " SERENA  williams", "JOSE", "jos\u00e9 mar\u00eda"])
def test_people_are_found_by_words_in_any_order_without_accents(wanted):
    space = replace(small_space(), people=("Serena_Williams", "Jos\u00e9_Maria_Aznar", *["Nobody"] * (N - 2)))
    assert face_source.matching(space, wanted) == [0 if "ser" in wanted.lower() else 1]
    assert len(face_source.matching(space, " ")) == N and not face_source.matching(space, "Serena Maria")


def test_a_search_starts_at_its_first_page(zoo):
    app = open_page("pages/6_Faces.py", who_page="3")
    assert "21 to 30 of 60" in " ".join(c.value for c in app.caption)
    app.text_input(key="who_find").set_value("person 03").run()
    assert "1 to 2 of 2" in " ".join(c.value for c in app.caption)
    there = open_page("pages/6_Faces.py", who_find="03 PERSON")
    assert "1 to 2 of 2" in " ".join(c.value for c in there.caption)


def test_the_first_face_does_not_smile():
    space = small_space()
    assert space.present[face_source.first(space), 0] != 1
    assert face_source.first(small_space(())) in face_source.matching(space, "")[: resources.SHOWN]


@pytest.mark.parametrize(
    "key, former, today", [("tool", "Own slider", "Make a slider"), ("way", "Classifier", "Little else")]
)
def test_a_link_with_a_former_word_shows_what_it_named(zoo, key, former, today):
    app = open_page("pages/6_Faces.py", **{key: former})
    assert app.button_group(key=key).value == today and not app.warning and not app.exception


def test_own_groups_are_toggled_in_the_address(zoo):
    app = open_page("pages/6_Faces.py", tool="Make a slider", plus="1,2", minus="5", called="Glasses")
    assert steered(app)["axes"][0]["name"] == "Glasses"
    trays = [
        data["addresses"]
        for data in controls(app)
        if "addresses" in data and data["captions"][0].startswith("Take out")
    ]
    assert trays == [[{"plus": "2"}, {"plus": "1"}], [{"minus": ""}]]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut"])
def test_what_is_no_picture_gets_one_sentence(zoo, content):
    app = open_page("pages/6_Faces.py", face="Upload")
    app.file_uploader(key="face_upload").set_value(("a.png", content, "image/png")).run()
    assert not app.exception and len(app.error) == 1 and "\n" not in app.error[0].value


def test_the_slider_starts_from_the_address_and_python_answers_without_the_route(zoo):
    app = open_page("pages/6_Faces.py", a_Smiling="1.5")
    assert steered(app)["values"] == [1.5, 0.0] and steered(app)["axes"][0]["name"] == "Smiling"
    app.session_state["attributes_0"] = {"move": {"values": [2.0, 0.0], "sequence": 1, "pixels": True}}
    app.run()
    assert len(steered(app)["pixels"]) == 64 * 64 * 3 * 4 // 3


def test_decode_answers_with_colours(zoo):
    found = answer(api.decode, model="small", z=",".join(["0"] * D))
    assert found.status_code == 200 and len(found.body) == 64 * 64 * 3


def test_the_original_stands_beside_where_the_set_is(zoo, monkeypatch):
    name = face_source.person(small_space(), 4).replace(" ", "_")
    folder = zoo / "data" / "lfw" / "lfw-deepfunneled" / name
    folder.mkdir(parents=True)
    Image.new("RGB", (250, 250), "red").save(folder / f"{name}_0001.jpg")
    monkeypatch.setenv("CVAE_DATA_DIR", str(zoo / "data"))
    app = open_page("pages/6_Faces.py", tool="Reconstruct", who="4")
    assert not app.exception and any("SSIM" in caption.value for caption in app.caption)
    app = open_page("pages/6_Faces.py", tool="Reconstruct", who="6")
    assert not app.exception and any("stored numbers" in caption.value for caption in app.caption)


@pytest.mark.parametrize("tool", ["Smile", "Morph"])
def test_what_reconstruct_lacks_is_said_before_it_is_chosen(zoo, monkeypatch, tool):
    choice = open_page("pages/6_Faces.py", tool=tool).button_group(key="tool")
    assert choice.label == "What to do" and "original" in choice.help and "CVAE_DATA_DIR" in choice.help
    (zoo / "data" / "lfw" / "lfw-deepfunneled" / "Somebody").mkdir(parents=True)
    Image.new("RGB", (250, 250)).save(zoo / "data/lfw/lfw-deepfunneled/Somebody/Somebody_0001.jpg")
    monkeypatch.setenv("CVAE_DATA_DIR", str(zoo / "data"))
    choice = open_page("pages/6_Faces.py", tool=tool).button_group(key="tool")
    assert choice.label == "What to do" and not choice.help


@pytest.mark.parametrize("name", ["../../secret", "a/b", ".."])
def test_no_name_of_a_person_leads_out_of_the_set(zoo, monkeypatch, name):
    root = zoo / "data" / "lfw" / "lfw-deepfunneled"
    (root / "Somebody").mkdir(parents=True)
    Image.new("RGB", (250, 250)).save(root / "Somebody" / "Somebody_0001.jpg")
    path = root / name / f"{name}_0001.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (250, 250)).save(path)
    monkeypatch.setenv("CVAE_DATA_DIR", str(zoo / "data"))
    assert face_source.original(replace(small_space(), people=(name,) * N), 0, small_model()) is None


def test_a_model_without_its_space_is_not_offered(zoo):
    (zoo / "small" / faces.FILE).unlink()
    app = open_page("pages/6_Faces.py")
    assert not app.exception and "no trained model" in app.info[0].value


def test_a_damaged_space_gets_one_line_on_the_page(zoo):
    (zoo / "small" / faces.FILE).write_bytes(b"PK")
    app = open_page("pages/6_Faces.py")
    assert not app.exception and "python evaluate.py small" in app.info[0].value


def test_a_space_of_another_model_gets_one_line_on_the_page(zoo):
    wider = replace(CONFIG, latent_dim=D + 1)
    checkpoints.save_run(zoo / "small", Preset("small", "Trained anew.", wider), build_model(wider).state_dict())
    for page in ("pages/6_Faces.py", "app.py"):
        app = open_page(page)
        assert not app.exception
    app = open_page("pages/6_Faces.py")
    said = app.info[0].value
    assert f"codes of {D} numbers, and this model has {D + 1}" in said and "python evaluate.py small" in said


@pytest.mark.slow
def test_edits_are_judged_and_faces_keep_their_identity():
    torch.manual_seed(0)
    x = torch.rand(160, 3, 64, 64)
    model = build_model(CONFIG)
    model.start_linear(x)
    model.eval().preset = Preset("small", "A small model.", CONFIG)
    judge = build_model(ModelConfig("classifier", "conv", (3, 32, 32), widths=(4,), n_classes=2)).eval()
    u = model.encode(x).mode().detach()
    present = (torch.arange(160) % 2).float()
    still = face_figures.edits(model, judge, u, present, torch.zeros(D))
    for name in ("adds", "takes"):  # one face in eighty may lie on the border
        assert still[name] == pytest.approx(still[f"{name}_before"], abs=0.02)
    assert still["identity"] == 1
    far = face_figures.edits(model, judge, u, present, 50 * torch.ones(D))
    assert far["identity"] < 0.5 and far["n"] == 160
    moved = face_figures.dragged(model, small_space(), u, 0, torch.ones(D))
    assert 0 < moved["outside_mouth"] < 1 and "Male" in moved and "Smiling" not in moved


def told_model():
    torch.manual_seed(0)
    config = replace(CONFIG, family="cvae", n_classes=2)
    model = build_model(config)
    model.start_linear(torch.rand(40, 3, 64, 64))
    data = DataConfig(dataset="lfw:Smiling")
    model.preset = Preset("told", "It is told.", config, data, TrainConfig(), ("not Smiling", "Smiling"))
    return model.eval()


class BrightMouths:
    """A judge that sees a smile where the mouth is bright."""

    config = ModelConfig("classifier", "conv", (3, 32, 32), widths=(4,), n_classes=2)

    def __call__(self, x):
        bright = x[(..., *face_figures.mouth(32))].mean((1, 2, 3)) - 0.5
        return torch.stack([-bright, bright], 1)


def test_a_face_is_told_the_other_label_and_judged(monkeypatch):
    model, u, labels = told_model(), torch.rand(60, 1), (torch.arange(60) % 3 == 0).long()

    def decode(model, u, labels):
        x = u[:, :, None, None].expand(-1, 3, 64, 64).clone()
        x[(..., *face_figures.mouth(64))] = labels.float()[:, None, None, None]
        return x

    monkeypatch.setattr(tasks, "decode", decode)
    measured = face_figures.told(model, BrightMouths(), u, labels)
    assert (measured["adds"], measured["takes"], measured["n"]) == (1, 1, 60)
    assert measured["adds_before"] == measured["takes_before"] == 0
    changed = face_figures.changed(model, decode(model, u, 0 * labels), decode(model, u, 1 + 0 * labels))
    assert changed["outside_mouth"] == pytest.approx(0, abs=1e-6) and changed["brightness"] > 0


@pytest.fixture
def twins(zoo):
    """The same, and a model of faces that is told whether they smile."""
    model = told_model()
    checkpoints.save_run(zoo / "told", model.preset, model.state_dict())
    return zoo


def test_a_model_that_is_told_a_label_of_faces_has_its_places(twins):
    listed = resources.available()[0]
    assert resources.twin(listed["small"]) == "told" and resources.twin(listed["told"]) == "small"
    app = open_page("pages/6_Faces.py")
    assert app.selectbox[0].options == ["small"]  # without codes of people it is no model to begin with
    app = open_page("pages/2_Generate.py")
    assert not app.exception and app.selectbox[0].options == ["told"]


def test_a_face_under_both_labels_is_shown_beside_itself(twins):
    app = open_page("pages/6_Faces.py", way="What it is told", who="3")
    assert not app.exception
    shown = " ".join(element.proto.body for element in app.get("html"))
    assert "Told: not Smiling" in shown and "Told: Smiling" in shown and "Person 01" in shown
    weights = twins / "told" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    app = open_page("pages/6_Faces.py", way="What it is told", who="4")
    assert not app.exception
    weights.write_bytes(whole)
    (twins / "told" / "config.json").unlink()
    app = open_page("pages/6_Faces.py", way="What it is told", who="3")
    assert not app.exception and "Told" not in " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.parametrize("asked", [{}, {"tool": "Morph"}, {"way": "Little else", "who": "3"}])
def test_a_link_to_a_model_that_is_told_opens_what_its_label_changes(twins, asked):
    app = open_page("pages/6_Faces.py", model="told", **asked)
    assert not app.exception and not app.warning
    shown = " ".join(element.proto.body for element in app.get("html"))
    assert app.selectbox[0].value == "small" and "Told: Smiling" in shown
    shutil.rmtree(twins / "small")
    app = open_page("pages/6_Faces.py", model="told")
    assert not app.exception and "Told" not in " ".join(element.proto.body for element in app.get("html"))


def test_what_a_link_led_to_does_not_come_back_after_another_choice(twins):
    app = open_page("pages/6_Faces.py", model="told", tool="Morph")
    put = lambda: next(data["put"] for data in controls(app) if "put" in data)  # noqa: E731
    assert put() == {"model": ["small"], "way": ["What it is told"], "tool": ["Smile"]}
    app.segmented_control(key="way").set_value("Little else").run()
    assert not app.exception and put() == {"model": ["small"], "tool": ["Smile"]}
    app.segmented_control(key="tool").set_value("Morph").run()
    assert not app.exception and put() == {"model": ["small"]}


@pytest.mark.parametrize("way", ["Little else", "What it is told"])
def test_what_is_taken_along_is_what_is_shown(twins, monkeypatch, way):
    taken = []
    monkeypatch.setattr(taking, "button", lambda name, at: taken.append((name, *at())))
    app = open_page("pages/6_Faces.py", way=way, who="3")
    assert not app.exception
    (name, u, label), keep = taken[0], any('data-does="keep"' in each.proto.body for each in app.get("html"))
    model, stored = checkpoints.load_run("told"), resources.space("small").u[3]
    if way == "Little else":
        assert (name, label, keep) == ("small", None, True) and torch.equal(u, stored)
    else:
        assert (name, label, keep) == ("told", taking.ALL, False)
        (own,), _ = faces.told(model, tasks.decode(checkpoints.load_run("small"), stored[None]))
        torch.testing.assert_close(u, own)


@pytest.mark.slow
def test_models_of_faces_compare_whether_told_or_not(twins):
    app = open_page("pages/7_Models.py", view="Side by side", a="small", b="told")
    assert not app.exception
    said = " ".join(element.value for element in app.caption)
    assert "no encoded test pictures" not in said and "different data" not in said
    shutil.rmtree(twins / "small")  # which knows the people
    assert not open_page("pages/7_Models.py", view="Side by side", a="told", b="told").exception


def test_a_model_of_heads_is_judged_by_the_classical_crop_within_its_pictures():
    x = torch.zeros(1, 3, 96, 96)
    x[..., 24:72, 24:72] = 1.0
    assert face_figures.face(x, 160).shape == (1, 3, 48, 48) and face_figures.face(x, 160).min() == 1
    assert face_figures.face(x, 80) is not x and torch.equal(face_figures.face(x, 80), x)
    whole, part = face_figures.mouth(96), face_figures.mouth(96, 160)
    for wide, narrow in zip(whole, part, strict=True):
        assert (narrow.start, narrow.stop) == tuple(round(48 + (at - 48) / 2) for at in (wide.start, wide.stop))


def test_sharpness_falls_with_a_blur_and_is_one_for_the_pictures_themselves():
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert face_figures.edges(x.roll(1, 2)[..., 1:, :]) == pytest.approx(face_figures.edges(x), rel=0.05)
    assert face_figures.edges(torch.nn.functional.avg_pool2d(x, 3, 1)) < 0.5 * face_figures.edges(x)
    ramp = torch.arange(5.0).expand(1, 3, 4, 5)  # one level a pixel, to the right alone
    assert face_figures.edges(ramp) == 1.0


def test_a_model_that_learned_from_a_critic_keeps_the_encoders_code():
    model, x = small_model(), torch.rand(2, 3, 64, 64)
    guess = tasks.encode(model, x)
    assert not torch.equal(faces.code(model, x), guess)
    model.preset = replace(model.preset, train=TrainConfig((Stage(1), Stage(1, 1e-3, "adversarial"))))
    assert torch.equal(faces.code(model, x), guess)


def test_copies_of_a_picture_do_not_hide_the_nearest_other():
    u = torch.tensor([[0.0], [0.0], [5.0], [5.1]])
    assert face_figures.same_person(u, ("a", "a", "b", "c")) == 1.0
    assert np.isclose(face_figures.same_person(u, ("a", "b", "a", "a")), 2 / 3)


def test_a_copied_model_works_though_the_original_is_gone(zoo):
    shutil.move(zoo / "small", zoo / "my-faces")
    app = open_page("pages/6_Faces.py")
    assert not app.exception and not app.info and app.selectbox(key="model").value == "my-faces"
    assert not open_page("pages/1_Explore.py").selectbox  # it has no model of anything else
    assert open_page("pages/7_Models.py", a="my-faces").selectbox(key="a").value == "my-faces"


def test_a_model_of_faces_without_codes_says_how_to_make_them(zoo):
    preset = checkpoints.load_preset("small")
    path = zoo / "small" / checkpoints.CONFIG
    path.write_text(json.dumps(replace(preset, data=replace(preset.data, dataset="lfw")).to_dict()), encoding="utf-8")
    (zoo / "small" / faces.FILE).unlink()
    app = open_page("pages/6_Faces.py")
    assert not app.exception and "python evaluate.py small" in app.info[0].value


def head(seed: int = 0) -> Image.Image:
    """Return a head of 200 x 200 pixels on a wall: a drawn oval with hair around a decoded face."""
    model, space = checkpoints.load_run("ae-conv-faces"), faces.load(checkpoints.run_dir("ae-conv-faces"))
    row = int(np.random.default_rng(seed).integers(len(space.people)))
    face = Image.fromarray(images.to_uint8(tasks.decode(model, space.u[[row]]))[0]).resize((80, 80))
    picture = Image.new("RGB", (200, 200), (105, 120, 150))
    skin = tuple(int(v) for v in np.asarray(face)[20:60].mean((0, 1)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((44, 22, 156, 178), fill=(45, 32, 26))
    draw.ellipse((52, 42, 148, 172), fill=skin)
    soft = Image.new("L", (80, 80))
    ImageDraw.Draw(soft).rounded_rectangle((3, 3, 76, 76), 14, fill=255)
    picture.paste(face, (60, 64), soft.filter(ImageFilter.GaussianBlur(3)))
    return picture


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0, 15, -30, 90, 180])
def test_a_turned_picture_of_a_face_is_laid_upright(degrees):
    picture = Image.new("RGB", (400, 300), (105, 120, 150))
    picture.paste(head(2), (100, 50))
    turned = picture.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(105, 120, 150))
    face = finder.in_order(finder.find(turned))[0]
    assert math.hypot(face.x - turned.width / 2, face.y - turned.height / 2) < 25 and 50 < face.edge < 115
    assert abs(math.remainder(math.degrees(face.turn) - degrees, 360)) < 20
    upright, box = photo._turned(turned, round(-math.degrees(face.turn)), face)
    middle = (box[0] + box[2]) / 2 - upright.width / 2, (box[1] + box[3]) / 2 - upright.height / 2
    assert math.hypot(*middle) < 25


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_grain_does_not_hide_a_face_in_a_large_picture(seed):
    picture = Image.new("RGB", (400, 300), (105, 120, 150))
    picture.paste(head(seed), (100, 50))
    enlarged = np.asarray(picture.resize((2000, 1500)), np.float32)
    grain = np.random.default_rng(seed).normal(0, 110, enlarged.shape)
    clear, grainy = (
        finder.in_order(finder.find(Image.fromarray(pixels.clip(0, 255).astype(np.uint8))))[0]
        for pixels in (enlarged, enlarged + grain)
    )
    assert grainy.score > finder.SURE
    assert abs(math.log(grainy.edge / clear.edge)) < 0.15
    assert math.hypot(grainy.x - clear.x, grainy.y - clear.y) < 0.1 * clear.edge


LEVEL = finder.Face(50.0, 50.0, 40.0, 0.0, 0.7)


def seen_by_turns(monkeypatch, *faces):
    """Return the face that is measured where looks see these, one after the other and again from the first."""
    looks = itertools.cycle(faces)
    monkeypatch.setattr(finder, "_look", lambda *_: next(looks))
    return finder._measured([], LEVEL)


def test_what_looks_see_is_averaged_by_how_clear_it_is(monkeypatch):
    larger = replace(LEVEL, x=54.0, edge=50.0)
    both = seen_by_turns(monkeypatch, LEVEL, larger)
    assert 51 < both.x < 53 and 43 < both.edge < 47 and both.score > finder.SURE
    unclear = seen_by_turns(monkeypatch, LEVEL, replace(larger, score=0.3))
    assert unclear.x < 50.3 and unclear.edge < 40.3
    assert seen_by_turns(monkeypatch, None).score == 0


@pytest.mark.parametrize("by", [{"edge": 90.0}, {"turn": 1.5}, {"turn": math.pi}])
def test_a_face_is_unsure_where_looks_disagree(monkeypatch, by):
    assert seen_by_turns(monkeypatch, LEVEL).score > finder.SURE
    assert seen_by_turns(monkeypatch, LEVEL, replace(LEVEL, **by)).score < finder.SURE


def test_a_face_of_several_steps_comes_before_a_clearer_one_of_a_single_step():
    real = [finder.Face(50.0 + k, 50.0, 40.0 + 2 * k, turn, 0.6) for k, turn in enumerate((3.1, -3.1, 3.0))]
    chance = finder.Face(60.0, 52.0, 10.0, 1.0, 0.9)  # in the middle of the real one
    (first, *_) = finder._apart(sorted(finder._agreed([chance, *real]), key=lambda face: -face.score))
    assert first.x == pytest.approx(51) and first.edge == pytest.approx(42, rel=0.01)
    assert math.cos(first.turn - math.pi) > 0.99
    assert first.score == pytest.approx(3 * 0.6**2)
    assert finder._agreed([]) == []


def test_the_largest_of_the_sure_faces_comes_first():
    large, clear, unsure = replace(LEVEL, edge=44.0, score=0.55), LEVEL, replace(LEVEL, edge=99.0, score=0.4)
    assert finder.in_order([clear, large, unsure]) == [large, clear]
    assert finder.in_order([unsure, replace(unsure, edge=90.0, score=0.45)])[0].score == 0.45


def of_heads():
    """Return a small model that shows the head around a face."""
    model = small_model()
    model.preset = replace(model.preset, data=DataConfig("lfw", crop=160))
    return model


def test_a_model_of_heads_gets_a_box_around_the_head():
    picture = Image.new("RGB", (400, 300), (105, 120, 150))
    picture.paste(head(2), (100, 50))
    (face, *_), (around, *_) = (faces.search(model, small_space(), picture) for model in (small_model(), of_heads()))
    assert around == replace(face, edge=2 * face.edge)
    left, upper, right, lower = around.box
    assert left < 160 and right > 240 and upper < 90 and lower > 210  # the oval of the head, not its face alone


def test_a_head_that_is_cut_off_is_completed_by_its_mirror_image():
    picture = Image.new("RGB", (30, 20), "green")
    picture.putpixel((0, 5), (255, 0, 0))
    wide, box = photo._widened(picture, (-3.5, 2.0, 20.0, 22.2))
    assert wide.size == (34, 23) and box == (0.5, 2.0, 24.0, 22.2)
    assert wide.getpixel((3, 5)) == wide.getpixel((4, 5)) == (255, 0, 0)
    inside = (1.0, 1.0, 10.0, 10.0)
    assert photo._widened(picture, inside) == (picture, inside)


@pytest.fixture
def portrait():
    """Return a picture of a head, made by a shipped model."""
    return head(2)


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["Smile", "Reconstruct"])
def test_the_page_crops_pictures_as_the_model_has_seen_them(portrait, zoo, monkeypatch, tool):
    model = of_heads()
    checkpoints.save_run(zoo / "small", replace(model.preset, train=TrainConfig()), model.state_dict())
    name = small_space().people[4]
    folder = zoo / "data" / "lfw" / "lfw-deepfunneled" / name
    folder.mkdir(parents=True)
    portrait.resize((250, 250)).save(folder / f"{name}_0001.jpg", quality=95)
    monkeypatch.setenv("CVAE_DATA_DIR", str(zoo / "data"))
    with Image.open(folder / f"{name}_0001.jpg") as picture:
        wanted = lfw.fitted(picture, 64, lfw.box(picture.size, 160))
    assert np.array_equal(images.to_uint8(face_source.original(small_space(), 4, model))[0].transpose(2, 0, 1), wanted)
    app = open_page("pages/6_Faces.py", face="Upload", tool=tool)
    app.file_uploader(key="face_upload").set_value(("a.png", encoded(portrait), "image/png")).run()
    assert not app.exception and not app.error and not app.info
    assert any("whole head, from the hair to the chin" in caption.value for caption in app.caption)


def test_of_two_faces_both_are_seen_and_the_larger_comes_first():
    picture = Image.new("RGB", (420, 220), (105, 120, 150))
    picture.paste(head(1).resize((130, 130)), (20, 40))
    picture.paste(head(2), (200, 10))
    first, second = finder.in_order(finder.find(picture))[:2]
    assert first.x > 200 > second.x and first.edge > second.edge


def test_an_unsure_box_is_shown_with_a_word(zoo):
    app = open_page("pages/6_Faces.py", face="Upload")
    app.file_uploader(key="face_upload").set_value(("a.png", PICTURES["no face"], "image/png")).run()
    assert any("No face was recognised" in m.value or "may be no face" in m.value for m in app.markdown)
    assert not app.exception
    turn = next(slider for slider in app.slider if slider.label == "Turn, degrees")
    turn.set_value(90).run()
    assert not app.exception


def test_scenes_to_teach_with_hold_the_faces_that_they_say():
    from cvae.faces import teaching

    pictures = torch.full((4, 3, teaching.SIDE, teaching.SIDE), 128, dtype=torch.uint8)
    pictures[:, 0, 45:80, 45:80] = 255  # a red square where faces are
    x, places = teaching.scenes(pictures, 8, torch.Generator().manual_seed(0))
    assert x.shape == (8, 3, teaching.CANVAS, teaching.CANVAS) and places.shape == (8, teaching.SLOTS, 5)
    assert set(places[..., 0].unique().tolist()) <= {0.0, 1.0}
    answers = finder.Finder()(x)
    assert answers.shape == (8, 6, 24, 24) and teaching.error(answers, places).isfinite()


def test_teaching_goes_on_from_given_weights(tmp_path, monkeypatch):
    from cvae.faces import teaching

    pictures = np.full((4, 3, teaching.SIDE, teaching.SIDE), 128, np.uint8)
    monkeypatch.setattr(teaching.data, "lfw", lambda *_, **__: SimpleNamespace(images=pictures))
    monkeypatch.setattr(teaching, "LR", 1e-9)
    to = tmp_path / "on.safetensors"
    monkeypatch.setattr("sys.argv", ["teaching", "--start", str(finder.WEIGHTS), "--steps", "2", "--to", str(to)])
    teaching.main()
    shipped, on = finder.loaded(finder.WEIGHTS), finder.loaded(to)
    for before, after in zip(shipped.parameters(), on.parameters(), strict=True):
        assert torch.allclose(before, after, atol=1e-3)
    assert to.stat().st_size == finder.WEIGHTS.stat().st_size


def test_the_rate_of_teaching_rises_stays_and_falls_to_zero():
    from cvae.faces import teaching

    rates = [teaching._rate(step, 1000) for step in range(1001)]
    assert rates[0] < 0.02 and set(rates[teaching.WARM : 600]) == {1.0} and rates[1000] == 0
    assert rates[800] == pytest.approx(0.5)


@pytest.mark.parametrize("kind", ["Upload", "Camera"])
def test_the_sentence_stands_beside_each_picture_of_a_face(zoo, kind):
    app = open_page("pages/6_Faces.py", face=kind)
    assert any("never stored" in caption.value for caption in app.caption) and not app.exception


def test_a_camera_that_cannot_open_is_not_offered(zoo, monkeypatch):
    monkeypatch.setattr(keeping, "no_camera", lambda: keeping.NO_CAMERA.format(address="http://192.168.0.7"))
    app = open_page("pages/6_Faces.py", face="Camera")
    assert any("serve the app over https" in warning.value for warning in app.warning) and not app.exception
    assert not app.get("camera_input")


def test_judgements_of_pairs_are_counted_by_the_key():
    new, old = face_pairs.MODELS
    key = {"0a": [new, old], "0b": [old, new], "0c": [new, old]}
    counted = face_pairs.count(key, ["0a=A", "0b=B", "0c=B"])
    assert counted == {new: 2, old: 1}
    for chosen in (["0a=A"], ["0a=A", "0b=B", "0c=C"]):
        with pytest.raises(SystemExit, match="an answer, A or B, for each of the 3 pairs: 0a, 0b, 0c"):
            face_pairs.count(key, chosen)
