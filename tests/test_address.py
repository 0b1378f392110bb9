"""What an address holds in vain is named in one line and leaves it; the rest stays."""

import numpy as np
import pytest
import torch

from cvae import checkpoints, faces
from cvae.config import Preset
from tests.app import open_page, sent
from tests.test_faces import CONFIG, small_model, small_space
from ui.shell import link, sketch

EXPLORE, GENERATE, DRAW, INPAINT, MAP, FACES, MODELS = (
    f"pages/{i}_{name}.py"
    for i, name in enumerate(("Explore", "Generate", "Draw", "Inpaint", "Map", "Faces", "Models"), 1)
)
LINE = "The address held values that mean nothing here and were left out: "
MEANINGLESS = [
    (EXPLORE, {"z": "garbage"}, {}),
    (EXPLORE, {"z": link.pack(torch.zeros(3))}, {"model": "sliders"}),
    (EXPLORE, {"label": "99", "b": "foo"}, {"model": "labels"}),
    (EXPLORE, {"label": "3"}, {"model": "plane"}),
    (EXPLORE, {"view": "The whole plane"}, {"model": "sliders"}),
    (EXPLORE, {"side": "31"}, {"view": "The whole plane"}),
    (EXPLORE, {"path": "Curved"}, {}),
    (EXPLORE, {"mask": "zz", "lable": "7"}, {}),
    (GENERATE, {"digits": "abc", "count": "30", "temperature": "-1", "seed": "x"}, {}),
    (GENERATE, {"show": "Foo", "z": "AAAA"}, {}),
    (DRAW, {"ink": "garbage", "task": "Fold", "source": "Dream"}, {}),
    (DRAW, {"gaussian": "7", "noise_seed": "nan", "denoiser": "nobody"}, {"task": "Denoise"}),
    (INPAINT, {"hole": "zz", "seed": "1e999", "label": "99"}, {}),
    (INPAINT, {"hint": "12"}, {"model": "painter"}),
    (MAP, {"layout": "Globe", "colour": "z99", "own": "perhaps"}, {"model": "sliders"}),
    (MODELS, {"a": "foo", "sort": "beauty"}, {}),
    (MODELS, {"curves": "nobody", "quantity": "elbow", "scale": "Mel", "along": "Roads"}, {"view": "Loss curves"}),
    (MODELS, {"epoch": "-3"}, {"view": "Watch it learn"}),
    ("app.py", {"z": "garbage", "Z": "1"}, {}),
]


@pytest.mark.slow
@pytest.mark.parametrize("page, wrong, right", MEANINGLESS)
def test_what_means_nothing_is_named_in_one_line_and_leaves_the_address(zoo, page, wrong, right):
    app = open_page(page, **wrong, **right, utm_source="mail")
    assert not app.exception and not app.error
    said = [warning.value for warning in app.warning]
    assert len(said) == 1 and said[0].startswith(LINE)
    assert sorted(said[0].removeprefix(LINE).rstrip(".").split(", ")) == sorted(wrong)
    assert not set(wrong) & set(app.query_params) and set(right) | {"utm_source"} <= set(app.query_params)
    app.run()
    assert not app.exception and not app.warning


@pytest.mark.parametrize(
    "page, parameters",
    [
        (
            EXPLORE,
            {"model": "labels", "label": "4", "view": "Between two points", "path": "Straight", "ink": "of Draw"},
        ),
        (
            EXPLORE,
            {
                "model": "plane",
                "view": "The whole plane",
                "side": "9",
                "embed_options": "dark_theme",
                "__theme": "dark",
            },
        ),
        (
            GENERATE,
            {"digits": "7", "count": "20", "temperature": "0.5", "seed": "3", "utm_campaign": "x", "fbclid": "y"},
        ),
        (
            DRAW,
            {
                "task": "Denoise",
                "noise": "Blur",
                "blur": "2",
                "ink": sketch.shorten(sketch.pack_bits(np.eye(sketch.INK))),
            },
        ),
        (MAP, {"model": "sliders", "colour": "z3", "layout": "PCA", "own": "true"}),
        (MODELS, {"a": "labels", "b": "judge", "sort": "~nll"}),
        ("app.py", {"label": "4", "model": "labels"}),
    ],
)
def test_what_means_something_or_belongs_to_others_stays(zoo, page, parameters):
    app = open_page(page, **parameters)
    assert not app.exception and not app.warning
    assert {name: app.query_params.get(name) for name in parameters} == parameters


@pytest.mark.parametrize(
    "page, name, texts, kept",
    [
        (EXPLORE, "label", ["99", "3"], ["3"]),
        (EXPLORE, "label", ["4", "3"], ["4"]),
        (GENERATE, "digits", ["3", "abc", "4", "3"], ["3", "4"]),
        (GENERATE, "digits", ["", "4"], ["4"]),
    ],
)
def test_of_a_repeated_parameter_what_the_control_takes_stays(zoo, page, name, texts, kept):
    app = open_page(page, model="labels", **{name: texts})
    assert not app.exception and [warning.value for warning in app.warning] == [f"{LINE}{name}."]
    assert np.atleast_1d(app.query_params[name]).tolist() == kept
    mended = next(data for i in range(len(app.get("bidi_component"))) if "put" in (data := sent(app, i)))
    # in place: by the control itself it would be a new step of the browser's history
    assert mended["put"] == {name: kept}


def test_a_name_in_the_line_is_no_markup(zoo):
    app = open_page(EXPLORE, **{"![](http://there/x)": "1", "[Sign in](http://there)": "2"})
    line = app.warning[0].value
    assert "![](" not in line and "[Sign in](" not in line and r"\[Sign in\]" in line


def test_an_unknown_model_and_other_nonsense_share_the_line(zoo):
    app = open_page(EXPLORE, model="nobody", z="garbage")
    assert (
        len(app.warning) == 1
        and "There is no model 'nobody'" in app.warning[0].value
        and f"{LINE}z." in app.warning[0].value
    )
    assert not app.query_params


def test_what_another_model_makes_meaningless_goes_without_a_word(zoo):
    app = open_page(EXPLORE, model="plane", z=link.pack(torch.ones(2)))
    app.selectbox(key="model").select("sliders").run()
    assert not app.exception and not app.warning and sent(app)["z"] == [0.0] * 12


@pytest.fixture
def face_zoo(zoo, monkeypatch):
    """The small zoo and a model of faces."""
    monkeypatch.setenv("CVAE_DATA_DIR", str(zoo / "no data"))
    checkpoints.save_run(zoo / "small", Preset("small", "A small model.", CONFIG), small_model().state_dict())
    faces.save(zoo / "small", small_space())
    return zoo


FACE_PARAMETERS = [
    ({"a_Smiling": "99", "a_Foo": "2"}, {}),
    ({"who": "1000", "to": "-1", "t": "2"}, {"tool": "Morph"}),
    ({"plus": "x,y", "minus": "999", "called": "x" * 30}, {"tool": "Make a slider"}),
    ({"tool": "Frown", "face": "Mirror", "who_page": "77", "way": "Up"}, {}),
    ({"from": "Nowhere", "face_seed": "-4", "face_temperature": "9"}, {"tool": "New faces"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("wrong, right", FACE_PARAMETERS)
def test_faces_name_what_means_nothing(face_zoo, wrong, right):
    app = open_page(FACES, **wrong, **right)
    assert not app.exception and len(app.warning) == 1
    unseen = {"called"} if right.get("tool") == "Make a slider" else set()  # its box comes with the two groups
    assert set(app.warning[0].value.removeprefix(LINE).rstrip(".").split(", ")) == set(wrong) - unseen
    assert not (set(wrong) - unseen) & set(app.query_params)


