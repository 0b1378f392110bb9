"""A folder of checkpoints is a stranger's input: whatever it holds, it costs one line, and all other models work."""

import json
import resource
import shutil
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import evaluate
from cvae import checkpoints, export
from cvae.families import FAMILIES
from tests import damage
from tests.app import open_page
from ui.shell import resources, server

GIGABYTE = 2**30
LONGEST = 2.0  # seconds of the processor for all that pages read of a folder; on a slow machine
TIMES = 30  # as long as sound folders take


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """A zoo with every file that there may be, and what is in each file of three of its folders."""
    root = tmp_path_factory.mktemp("strangers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "ROOT", root)
        damage.fill_all(root)
        paths = sorted(path for name in damage.DAMAGED for path in (root / name).iterdir())
        yield {path: path.read_bytes() for path in paths}


def seconds(name: str) -> float:
    """Return how long the processor works on all that pages read of a folder."""
    damage.forget()
    began = time.process_time()
    damage.read_all(name)
    return time.process_time() - began


def peak() -> int:
    """Return the most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.slow
def test_no_damage_to_a_file_costs_more_than_a_line(strangers, request):
    before = peak()
    longest = max(LONGEST, TIMES * min(max(map(seconds, damage.DAMAGED)) for _ in range(2)))
    ways = {path: damage.spoiled(path) for path in strangers}

    @settings(
        max_examples=request.config.getoption("--examples"),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def holds(data) -> None:
        path = data.draw(st.sampled_from(sorted(ways)))
        content = data.draw(ways[path])
        path.write_bytes(content)
        try:
            took = seconds(path.parent.name)
        finally:
            path.write_bytes(strangers[path])
        assert took < longest, f"{path.name} takes too long"

    holds()
    assert peak() < before + GIGABYTE / 2  # a process that did nothing before has had less than the other half


def config(**changes):
    """Return a way to change the model in a configuration."""

    def change(content: bytes) -> bytes:
        told = json.loads(content)
        told["model"] |= changes
        return json.dumps(told).encode()

    return "config.json", change


HARM = {
    "huge": config(widths=[50_000, 60_000]),
    "deep": ("config.json", lambda content: b"[" * 80_000),
    "empty": ("config.json", lambda content: b""),
    "large": config(image_shape=[1, 70_000, 70_000]),
    "flows": config(flow_layers=4_000_000),
    "cut": ("model.safetensors", lambda content: content[:-9]),
    "none": ("model.safetensors", lambda content: b""),
    "noise": ("model.safetensors", lambda content: bytes(range(256)) * 9),
    "measured": ("metrics.json", lambda content: b'{"a": ' * 40_000),
    "figures": ("metrics.json", lambda content: b'{"kl_per_dim": [1e999, "x"], "psnr": 3, "training_seconds": {}}'),
    "past": ("history.csv", lambda content: b"epoch,seconds\n1e999,\xff"),
    "map": ("map.npz", lambda content: content[: len(content) // 2]),
    "learned": ("progress.npz", lambda content: content[100:]),
    "steps": ("program.json", lambda content: b"[" * 80_000),
    "curves": ("sliders.safetensors", lambda content: bytes(7)),
}
BROKEN = {name for name, (file, _) in HARM.items() if file in ("config.json", "model.safetensors")}
PAGES = ["app.py", *(f"pages/{page}.py" for page in ("1_Explore", "2_Generate", "3_Draw", "4_Inpaint", "5_Map"))]
VIEWS = ["All models", "Side by side", "Loss curves", "Watch it learn", "Model cards"]


@pytest.fixture
def harmed(strangers, tmp_path, monkeypatch):
    """A zoo whose model with labels stands there unharmed and once for each kind of harm."""
    shutil.copytree(next(iter(strangers)).parents[1], tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(checkpoints, "ROOT", tmp_path)
    for name, (file, change) in HARM.items():
        shutil.copytree(tmp_path / "labels", tmp_path / name)
        path = tmp_path / name / file
        path.write_bytes(change(path.read_bytes()))
    damage.forget()
    return tmp_path


def test_pages_name_what_is_damaged_and_show_the_rest(harmed):
    models, problems = resources.available(tuple(FAMILIES))
    assert {problem.partition(" is left out: ")[0] for problem in problems} == BROKEN
    assert set(models) == set(HARM) - BROKEN | {"labels", "plane", "sliders", "painter", "cleaner", "judge", "small"}
    for page in PAGES:
        app = open_page(page)
        assert not app.exception, page
        assert len(app.warning) >= len(BROKEN), page
    assert not open_page("pages/6_Faces.py").exception


@pytest.mark.slow
@pytest.mark.parametrize("name", [*sorted(set(HARM) - BROKEN), "cut"])  # the others are no choice, as this one
def test_a_page_survives_the_model_that_is_damaged(harmed, name):
    for page in PAGES[1:]:
        assert not open_page(page, model=name).exception, page
    for view in VIEWS:
        assert not open_page("pages/7_Models.py", view=view, a=name, b="plane").exception, view


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BROKEN))
@pytest.mark.parametrize("command", ["evaluate", "export", "page", "map", "sliders"])
def test_a_command_says_in_one_line_what_is_damaged(harmed, capsys, tmp_path, command, name):
    calls = {
        "evaluate": lambda: evaluate.main([name]),
        "map": lambda: evaluate.main(["--map", name]),
        "sliders": lambda: evaluate.main(["--sliders", name]),
        "export": lambda: export.main([name, "--out", str(tmp_path / "out")]),
        "page": lambda: export.main([name, "--html", str(tmp_path / "x.html")]),
    }
    assert calls[command]() == 2
    said = capsys.readouterr().err.strip()
    assert HARM[name][0] in said and "\n" not in said and len(said) < 600


def test_a_server_starts_whatever_lies_there(harmed):
    server.warm_up()
    server.warm_up_drawing()
