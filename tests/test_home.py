"""What Home and the first lines of the pages say follows the models that there are."""

from urllib.parse import parse_qsl

import pytest

from cvae import checkpoints, export
from cvae.config import DataConfig, ModelConfig, Preset
from cvae.models import build_model
from tests.app import open_page

EXPLORE, GENERATE, DRAW, INPAINT = "pages/1_Explore.py", "pages/2_Generate.py", "pages/3_Draw.py", "pages/4_Inpaint.py"
MAP = "pages/5_Map.py"
LETTERS = tuple("ABCDEFGHIJKL")
OWN = {
    "letters": ModelConfig(
        "cvae", "residual", (1, 16, 16), 5, n_classes=12, flow_layers=2, flow_width=8, widths=(4, 8), blocks=(1, 1)
    ),
    "written": ModelConfig(network="conv", image_shape=(1, 16, 16), latent_dim=4, widths=(4, 8)),
}


@pytest.fixture
def own_zoo(tmp_path, monkeypatch):
    """Two models of a visitor's own letters, and nothing else."""
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    for name, config in OWN.items():
        preset = Preset(name, "Mine.", config, DataConfig(dataset="/home/me/my_letters"), classes=LETTERS)
        checkpoints.save_run(tmp_path / name, preset, build_model(config).state_dict())
    return tmp_path


@pytest.mark.parametrize("page", ["app.py", MAP, "pages/6_Faces.py", "pages/7_Models.py"])
def test_a_page_names_the_folder_of_models_that_is_not_there(monkeypatch, tmp_path, page):
    monkeypatch.setenv("CVAE_CHECKPOINTS", str(tmp_path / "models_of_mine"))
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path / "models_of_mine")
    app = open_page(page)
    (said,) = (info.value for info in app.info)
    assert not app.exception and "there is no such folder; set it to one that holds models." in said
    (tmp_path / "models_of_mine").mkdir()
    (said,) = (info.value for info in open_page(page).info)
    assert "There is no trained model yet" in said


def test_a_command_names_the_folder_of_models_that_is_not_there(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CVAE_CHECKPOINTS", str(tmp_path / "mine"))
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path / "mine")
    assert export.main(["vae-conv", "--html", str(tmp_path / "x.html")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"CVAE_CHECKPOINTS names {tmp_path / 'mine'}" in said


def test_home_speaks_of_the_models_that_are_there(own_zoo):
    app = open_page("app.py")
    text = " ".join(element.value for element in app.markdown)
    assert (
        not app.exception
        and "plane" not in text
        and "digit" not in text
        and "58,000" not in text
        and "my_letters" in text
    )
    offered = [(label, query) for entries in links(app).values() for label, query in entries]
    assert offered and not any(word in label for label, _ in offered for word in ("digit", "plane", "smile", "sevens"))
    assert "Map" not in links(app) and "Faces" not in links(app)
    for page, entries in links(app).items():
        assert page == "Models" or all("model=" in query for _, query in entries)


def test_home_speaks_of_digits_where_there_are_digits(zoo):
    app = open_page("app.py")
    text = " ".join(element.value for element in app.markdown)
    assert "Drag across the plane" in text and "58,000 handwritten digits of MNIST" in text
    assert {label for entries in links(app).values() for label, _ in entries} >= {
        "Drag over the plane and find where a 4 turns into a 9",
        "Ask for fifty new sevens",
        "Change the handwriting of all ten digits together",
    }


@pytest.mark.parametrize("page", [DRAW, INPAINT, MAP])
def test_the_first_line_of_a_page_follows_the_model(own_zoo, page):
    app = open_page(page)
    assert not app.exception and "picture" in app.markdown[0].value and "digit" not in app.markdown[0].value


@pytest.mark.parametrize("page, number", [(EXPLORE, 0), (GENERATE, 0), (GENERATE, 1), (DRAW, 0), (INPAINT, 0)])
def test_what_home_offers_works(own_zoo, page, number):
    entries = links(open_page("app.py"))[page.split("_")[1].removesuffix(".py")]
    if number < len(entries):
        app = open_page(page, **dict(parse_qsl(entries[number][1])))
        assert not app.exception and not app.warning and not app.error


def links(app) -> dict[str, list[tuple[str, str]]]:
    """Return what Home offers: page -> sentences with the parameters of their links."""
    offered = {}
    for element in app.main.get("page_link"):
        if element.proto.query_string:
            offered.setdefault(element.proto.page.rpartition("/")[2], []).append(
                (element.proto.label, element.proto.query_string)
            )
    return offered
