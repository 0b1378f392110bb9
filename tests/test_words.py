"""No word of a visitor, a file or a checkpoint goes out as Markdown or HTML; tests/e2e looks at the page itself."""

import json
import re

import numpy as np
import pytest
import torch

from cvae import checkpoints
from tests.app import open_page
from tests.hostile import NAME, RAW, VISITS, WORDS, called, fill_with_markup
from ui.shell import charts, images, words

PLAIN = {  # fields in which Streamlit reads no markup
    "Selectbox": ("options", "raw_value", "set_value", "default_value"),
    "MultiSelect": ("options", "raw_values", "default"),
    "TextInput": ("value", "default"),
    "Code": ("code_text",),
    "BidiComponent": ("json", "mixed"),
    "Image": ("alt", "url"),
    "PageLink": ("query_string",),
    "DownloadButton": ("url",),
}
ANYWHERE = ("id", "query_param_key", "alt", "options_raw")  # more of them


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "ROOT", folder)
        patch.setenv("CVAE_DATA_DIR", str(folder / f"no data {NAME}"))
        fill_with_markup(folder)
        yield folder


def strings(message):
    """Give message type, field and text of all that a protocol message says."""
    for field, value in message.ListFields():
        kind = message.DESCRIPTOR.name
        alone = isinstance(value, str) or hasattr(value, "ListFields")
        for item in [value] if alone else value if hasattr(value, "__iter__") else []:
            if isinstance(item, str):
                yield kind, field.name, item
            elif hasattr(item, "ListFields"):
                yield from strings(item)


def read_as_markup(app) -> list[tuple[str, str, str]]:
    """Return what reaches a reader of Markdown or HTML as markup though it is no word of the app's own."""
    said = [
        text
        for node in [*app.main, *app.sidebar]
        if getattr(node, "proto", None) is not None
        for text in strings(node.proto)
    ]
    return [
        (kind, field, text)
        for kind, field, text in said
        if field not in (*ANYWHERE, *PLAIN.get(kind, ()))
        and re.search(RAW if kind not in ("Html", "PlotlyChart") else "<b>m|<img src=//a", text)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("page, parameters", VISITS)
def test_pages_show_words_and_read_none_of_them(root, page, parameters):
    app = open_page(page, **parameters)
    assert not app.exception
    assert not read_as_markup(app)


def test_markup_would_be_noticed(root, monkeypatch):
    monkeypatch.setattr(words, "markdown", str)
    for page, parameters in (("pages/1_Explore.py", {"model": WORDS}), ("pages/7_Models.py", {"view": "Model cards"})):
        assert {kind for kind, _, _ in read_as_markup(open_page(page, **parameters))} > {"Alert"}


def test_what_is_wrong_with_a_map_is_said_in_plain_words(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    fill_with_markup(tmp_path)
    (tmp_path / called("labels") / checkpoints.MAP).unlink()
    (tmp_path / called("plane") / checkpoints.MAP).write_bytes(b"cut")
    np.savez(tmp_path / called("sliders") / checkpoints.MAP, u=np.zeros((3, 12)), labels=np.zeros(3, np.uint8))
    for name in ("labels", "plane", "sliders"):
        app = open_page("pages/5_Map.py", model=called(name))
        assert app.warning and not app.exception and not read_as_markup(app)


@pytest.mark.parametrize(
    "text", ["7", "big_cat", "Ü", "3.5", "C++", "vae-conv", "one, two", "50 %", "10:", "a & b", "lower/upper (x)"]
)
def test_names_without_markup_stay_as_they_are(text):
    assert words.markdown(text) == text


@pytest.mark.parametrize(
    "text",
    ["__b__", "12. x", "---", "#", "www.b.test", "x@b.test", ":+1:", ":streamlit:", "a -> b", "~x~", "&#65;", ":x[y]"],
)
def test_markup_is_taken_apart(text):
    made = words.markdown(text)
    assert made != text and made.replace("\\", "").replace(words.JOINER, "") == text
    assert words.markdown(f"  {text}\n\n{text} ").count("\n") == 0


def test_html_of_pictures_and_charts_holds_words_alone():
    x = torch.zeros(2, 1, 8, 8)
    made = [images.strips_html([(WORDS, x)], WORDS), images.steps_html([(WORDS, np.zeros((8, 8), np.uint8))])]
    made += [
        images.figures_html([(WORDS, np.zeros((8, 8, 3), np.uint8))]),
        charts.columns_html([1.0], 1.0, WORDS, WORDS),
    ]
    made += [charts.bars_html(np.ones(2), [WORDS, WORDS], WORDS), charts.spread_html(np.arange(5.0), 2.0, WORDS, WORDS)]
    assert not any(re.search("<b>m|<img src=//a", html) for html in made)


def test_plotly_gets_names_without_tags(root):
    app = open_page("pages/7_Models.py", view="Loss curves", a=f"labels {NAME}", b=f"plane {NAME}")
    spec = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert spec["data"] and all(
        "<" not in trace["name"] and NAME not in trace["hovertemplate"] for trace in spec["data"]
    )
