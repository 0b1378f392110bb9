"""The button that gives a page's model as a file."""

import threading
import time

import pytest
import torch

from cvae import checkpoints, export
from cvae.browser import page
from cvae.browser.page import page as make
from tests.app import open_page
from ui.shell import link, taking

PAGES = [("1_Explore", {}), ("2_Generate", {}), ("3_Draw", {}), ("2_Generate", {"show": "One style, ten digits"})]


def start(u: torch.Tensor, **more: str) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in {"z": link.pack(u), **more}.items())


@pytest.mark.parametrize("sheet", [None, True])
def test_it_is_what_the_command_writes(sheet):
    begin = start(torch.tensor([0.5, -1.25]))
    wanted = make("vae-dense-2d", start=begin, sheet=sheet, home="https://example.org/")
    assert taking.file("vae-dense-2d", begin, sheet, "https://example.org/").decode() == wanted


@pytest.mark.parametrize("nonsense", ["here", "Explore", "z=0,1", "?zed=0,1", "ftp://a.example/Explore", "0.1,-0.3"])
def test_a_start_that_says_nothing_of_how_to_begin_is_refused_in_one_line(nonsense, tmp_path, capsys):
    file = tmp_path / "x.html"
    assert export.main(["vae-dense-2d", "--html", str(file), "--start", nonsense]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "address of Explore or Generate" in said and not file.exists()


@pytest.mark.parametrize("start", ["", "?", "http://127.0.0.1:8501/Generate", "?z=0,1", "x.html#z=0,1", "file:///x.html"])
def test_a_start_may_leave_the_beginning_to_the_file(start):
    config = checkpoints.load_preset("vae-dense-2d").model
    assert page._start(start, config, [])["z"] == ([0, 1] if "z" in start else [0, 0])


def test_a_press_makes_it_and_no_page_before(zoo, monkeypatch):
    asked = []
    monkeypatch.setattr(taking, "file", lambda *about: asked.append(about) or b"made")
    for name, parameters in PAGES:
        app = open_page(f"pages/{name}.py", **parameters)
        assert not app.exception and [b.label for b in app.get("download_button")].count("Take this with you") == 1
    assert not asked


def test_few_contents_are_held_and_made_one_at_a_time(monkeypatch):

    now, most, made = [], [], []

    def slow(folder, sheet):
        now.append(folder)
        most.append(len(now))
        time.sleep(0.02)
        now.remove(folder)
        made.append(folder.name)
        return page.Contents(checkpoints.load_preset(folder), {"sheet": ""}, "")

    monkeypatch.setattr(page, "contents", slow)
    taking._contents.clear()
    names = [n for n in checkpoints.list_runs() if checkpoints.load_preset(n).model.kind.latent][:6]
    ask = [threading.Thread(target=taking.file, args=(name, "", None, "")) for name in names for _ in range(4)]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert max(most) == 1 and set(made) == set(names)
    made.clear()
    for name in names:
        taking.file(name, "", None, "")
    assert len(made) >= len(names) - taking.KEPT  # the others were not held
    taking._contents.clear()


@pytest.mark.parametrize(
    "address, wanted",
    [
        ("http://localhost:8501/Explore?z=1", ""),
        ("http://127.0.0.1/", ""),
        (None, ""),
        ("https://digits.example.org/Explore?model=a", "https://digits.example.org/"),
        ("http://192.168.1.7:8501/", "http://192.168.1.7:8501/"),
    ],
)
def test_a_file_links_to_an_app_that_others_reach(address, wanted):
    assert taking._home(address) == wanted
