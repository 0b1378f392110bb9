"""The directions of imports, and what the running app must never load."""

import ast
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MODEL = {"families", "config", "gaussian", "flow", "networks", "conditions"}
LAYERS = [  # modules and folders of cvae; each imports from its own layer and from those above it here
    {"limits", "documents", "archives", "headers"},
    MODEL | {"claim", "commands", "interrupts", "migration", "morphology", "runs"},
    {"models", "losses", "data", "critic"},
    {"sketches", "checkpoints", "presets", "tasks"},
    {"preprocess", "latent", "metrics", "neighbours", "objectives", "progress", "provenance"},
    {"diagnosis", "schedule"},
    {"faces", "maps", "sliders"},
    {"browser", "export", "hub"},
    {"batches", "steps", "captured", "validation", "run_state"},
    {"training", "evaluation"},
    {"cli"},
]
ROOMS = {"sketches", "faces", "maps", "sliders"}  # each of one subject: none imports another
FLOORS = {"shell": 0, "widgets": 1}  # of ui; all other folders are those of single pages


def imports(path) -> set[str]:
    """Return the dotted names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(module: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if module in names)


def climbs(module: str, name: str) -> bool:
    """Tell whether a module or folder of cvae may not import what has this dotted name."""
    top, *rest = name.split(".")
    if top != "cvae" or not rest:
        return top in {"streamlit", "ui", "pages"}
    return layer(rest[0]) > layer(module) or (rest[0] != module and {module, rest[0]} <= ROOMS)


def test_the_package_imports_downward_and_no_interface():
    for path in sorted((ROOT / "cvae").rglob("*.py")):
        module = path.relative_to(ROOT / "cvae").parts[0].removesuffix(".py")
        assert module == "__init__" or not [name for name in imports(path) if climbs(module, name)], path


def test_pages_stand_on_widgets_and_these_on_the_shell():
    for path in sorted((ROOT / "ui").rglob("*.py")):
        room, *rest = path.relative_to(ROOT / "ui").parts
        for name in imports(path):
            top, *parts = name.split(".")
            assert top != "pages", path
            if top != "ui" or not parts or parts[0] == room and (room != "widgets" or parts[1] in {rest[0], "bridge"}):
                continue
            assert rest and FLOORS.get(parts[0], 2) < FLOORS.get(room, 2), f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda p: p.stem)
def test_pages_are_thin(path):
    forbidden = {"torch", "torchvision", "sklearn", "cvae.training"}
    assert not {name for name in imports(path) if name in forbidden or name.split(".")[0] in forbidden}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80


def test_only_the_interface_imports_streamlit():
    for path in [*ROOT.glob("*.py"), *(ROOT / "cvae").rglob("*.py")]:
        if path.name != "app.py":
            assert not any(name.split(".")[0] == "streamlit" for name in imports(path)), path


@pytest.mark.slow
def test_the_app_loads_no_training_or_dataset_library():
    script = (
        "import sys; from pathlib import Path; from streamlit.testing.v1 import AppTest\n"
        "for page in ['app.py', *sorted(map(str, Path('pages').glob('*.py')))]:\n"
        "    at = AppTest.from_file(page, default_timeout=120).run()\n"
        "    assert not at.exception, at.exception\n"
        "print(sorted({'torchvision', 'sklearn', 'lightning_fabric', 'cvae.training'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr[-2000:]


def opened_as_text(path) -> list[str]:
    """Return the calls in a file that open another as text without naming its encoding."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [
        ast.unparse(call)
        for call in calls
        if _opens_text(call) and not any(word.arg == "encoding" for word in call.keywords)
    ]


def _opens_text(call: ast.Call) -> bool:
    """Tell whether a call opens a file as text; checkpoints.write_text and openers of pictures and archives do not."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name not in ("read_text", "write_text", "open"):
        return False
    of = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    modes = [word.value for word in [*call.args, *(k.value for k in call.keywords)] if isinstance(word, ast.Constant)]
    binary = any(isinstance(mode, str) and mode.strip("rwxa+") == "b" for mode in modes)
    if name != "open":
        return of not in ("", "checkpoints")
    return of not in ("Image", "gzip", "archive") and not binary


def test_every_file_is_opened_as_utf8_whatever_the_locale():
    folders = ("", "*/", "cvae/*/", "ui/*/", "ui/widgets/*/", "tests/e2e/")
    calls = {path: opened_as_text(path) for folder in folders for path in ROOT.glob(f"{folder}*.py")}
    assert {path: here for path, here in calls.items() if here} == {}


@pytest.mark.slow
def test_pages_open_where_the_locale_knows_ascii_alone():
    script = (
        "import locale, json; from streamlit.testing.v1 import AppTest\n"
        "assert locale.getpreferredencoding(False) != 'UTF-8'\n"
        "import ui.widgets.canvas.canvas, ui.widgets.epochs.epochs, ui.widgets.gallery.gallery, ui.widgets.live.live\n"
        "import ui.widgets.map.plot, ui.widgets.steer.steer, ui.widgets.strips.strips, ui.widgets.table.table\n"
        "app = AppTest.from_file('pages/7_Models.py', default_timeout=120).run()\n"
        "assert not app.exception, app.exception"
    )
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ | ascii_alone, capture_output=True, timeout=300
    )
    assert not done.returncode, done.stderr.decode(errors="replace")[-2000:]
