"""Which model a page opens with, and which goes along from page to page."""

from types import SimpleNamespace

import pytest

from tests.app import ROOT, open_page
from ui.shell import link

EXPLORE, GENERATE, DRAW, INPAINT = "pages/1_Explore.py", "pages/2_Generate.py", "pages/3_Draw.py", "pages/4_Inpaint.py"
MAP, MODELS = "pages/5_Map.py", "pages/7_Models.py"


def go(app, page: str, **parameters):
    """Return the app after a switch to a page in the same session, with these parameters in the link."""
    app.query_params = dict(parameters)
    return app.switch_page(page).run()


def shown(app) -> str:
    return app.selectbox(key="model").value


def test_a_default_stays_on_its_page(zoo):
    app = open_page(EXPLORE)
    assert shown(app) == "plane"
    next(b for b in app.button if b.label == "Random point").click().run()
    assert shown(go(app, GENERATE)) == "labels" and app.button_group(key="digits")
    assert shown(go(app, DRAW)) == "labels" and shown(go(app, INPAINT)) == "painter"
    assert shown(go(app, EXPLORE)) == "plane" and "model" not in app.query_params


def test_a_choice_goes_along_where_it_fits(zoo):
    app = open_page(GENERATE)
    app.selectbox(key="model").select("sliders").run()
    assert shown(go(app, EXPLORE)) == "sliders" and app.query_params["model"] == "sliders"
    assert shown(go(app, MAP)) == "sliders" and shown(go(app, INPAINT)) == "sliders"
    app.selectbox(key="model").select("painter").run()
    assert shown(go(app, DRAW)) == "sliders"  # where the later choice does not fit, the one before does
    assert shown(go(app, INPAINT)) == "painter"


def test_a_link_that_was_opened_is_a_choice(zoo):
    app = open_page(EXPLORE, model="sliders")
    assert shown(go(app, GENERATE)) == "sliders"


def test_a_choice_gives_way_to_the_view(zoo):
    app = open_page(EXPLORE)
    app.button_group(key="view").set_value(["The whole plane"]).run()
    go(app, GENERATE).selectbox(key="model").select("labels").run()
    assert shown(go(app, EXPLORE)) == "plane"


def test_a_link_within_the_app_is_no_choice_and_says_all(zoo):
    app = open_page(DRAW)
    app.button_group(key="task").set_value(["Denoise"]).run()
    go(app, "app.py")
    go(app, DRAW, model="labels")
    assert app.button_group(key="task").value == "Reconstruct"
    go(app, "app.py")
    go(app, EXPLORE, model="plane", view="The whole plane")
    assert shown(app) == "plane" and app.button_group(key="view").value == "The whole plane"
    assert shown(go(app, GENERATE)) == "labels"


def test_the_pair_of_models_is_no_choice_for_other_pages(zoo):
    app = open_page(MODELS, a="judge", b="sliders")
    assert shown(go(app, EXPLORE)) == "plane"
    go(app, MODELS)
    assert [box.value for box in app.selectbox][:2] == ["judge", "sliders"]


def test_the_way_to_inpaint_takes_a_choice_along_and_no_default(zoo):
    picked = {"source": "Generated digit", "pick": "5"}
    ways = [
        " ".join(html.proto.body for html in open_page(DRAW, **picked, **more).get("html"))
        for more in ({}, {"model": "labels"})
    ]
    assert ["model=labels" in way for way in ways] == [False, True] and all("/Inpaint?source=" in way for way in ways)


@pytest.mark.parametrize(
    "url, path",
    [
        ("http://host", ""),
        ("http://host/", ""),
        ("http://host/Map", ""),
        ("https://host/demo/Map/", "/demo"),
        ("https://host/a/b/Map", "/a/b"),
        ("http://host/Map/Map", "/Map"),
        ("http://host//strange.test/Map", "/strange.test"),
        (None, "/served"),
    ],
)
def test_addresses_begin_where_the_browser_has_the_app(monkeypatch, url, path):
    pages = {"1": {"url_pathname": ""}, "2": {"url_pathname": "Map"}}
    context = SimpleNamespace(pages_manager=SimpleNamespace(get_pages=lambda: pages))
    monkeypatch.setattr(link, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(link.st, "context", SimpleNamespace(url=url))
    monkeypatch.setattr(link, "base_path", lambda: "/served")
    assert link.seen_path() == path


def test_no_widget_and_no_page_asks_where_the_server_has_the_app():
    for path in [*(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")]:
        assert path.parent.name == "shell" or "base_path" not in path.read_text(encoding="utf-8"), path
