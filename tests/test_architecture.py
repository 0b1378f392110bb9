"""The directions of imports, and what the running app must never load."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

BASE = {"claim", "commands", "mixture", "config", "gaussian", "networks", "flow", "losses", "corruptions", "pictures", "preprocess"}
LAYERS = [BASE | {"mnist", "lfw"}, {"models", "data"}, {"checkpoints", "diagnosis", "presets", "report", "tasks"}, {"latent", "metrics", "faces", "face_figures", "export", "progress"}, {"maps"}, {"training"}]


def imports(path) -> set[str]:
    """Return the dotted names that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(module: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if module in names)


@pytest.mark.parametrize("path", sorted((ROOT / "cvae").glob("*.py")), ids=lambda p: p.stem)
def test_the_package_imports_downward_and_no_interface(path):
    if path.stem == "__init__":
        return
    for name in imports(path):
        top, *rest = name.split(".")
        assert top not in {"streamlit", "ui", "pages"}
        if top == "cvae" and rest:
            assert layer(rest[0]) <= layer(path.stem), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda p: p.stem)
def test_pages_are_thin(path):
    forbidden = {"torch", "torchvision", "sklearn", "cvae.training"}
    assert not {name for name in imports(path) if name in forbidden or name.split(".")[0] in forbidden}
    assert len(path.read_text().splitlines()) <= 80


def test_only_the_interface_imports_streamlit():
    for path in [*ROOT.glob("*.py"), *(ROOT / "cvae").glob("*.py")]:
        if path.name != "app.py":
            assert not any(name.split(".")[0] == "streamlit" for name in imports(path)), path


def test_the_app_loads_no_training_or_dataset_library():
    script = (
        "import sys; from pathlib import Path; from streamlit.testing.v1 import AppTest\n"
        "for page in ['app.py', *sorted(map(str, Path('pages').glob('*.py')))]:\n"
        "    at = AppTest.from_file(page, default_timeout=120).run()\n"
        "    assert not at.exception, at.exception\n"
        "print(sorted({'torchvision', 'sklearn', 'lightning_fabric', 'cvae.training', 'cvae.data'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr[-2000:]
