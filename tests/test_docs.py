"""What the documents name exists, README stays short, and the notebook runs from the shipped checkpoints alone."""

import ast
import importlib
import json
import re

import pytest
from PIL import Image

from cvae.evaluation import results
from tests.conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SUFFIXES = "py|js|css|md|ipynb|toml|txt|png|json|csv"
NAMED = re.compile(rf"(?<![\w./*-])(?:[\w.-]+/)+(?:[\w.-]+\.(?:{SUFFIXES}))?|[\w-]+\.(?:py|md|ipynb|toml|txt)\b")
LINK = re.compile(r"\]\(([^)#\s]+)")
STABLE = "tasks|metrics|preprocess|losses|checkpoints"  # modules whose functions the documents may name
FUNCTION = re.compile(rf"(?<![\w./])({STABLE})\.(?!(?:{SUFFIXES})\b)([a-z]\w+)")
MADE = (".venv/", "data/", "lfw/", "user/")  # paths that begin so are made by a command, or stand for another
NOTEBOOK = ROOT / "docs" / "tour.ipynb"


def code(text: str) -> str:
    """Return what a Markdown text sets as code, in lines and in blocks, with a space between."""
    blocks = re.findall(r"```(?!mermaid)\w*\n(.*?)```", text, re.S)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))])


def paths(text: str) -> list[str]:
    """Return the paths that the code of a Markdown text names."""
    named = NAMED.findall(re.sub(r"\w+://\S+", "", code(text)))
    return [path for path in named if "NAME" not in path and not path.startswith(MADE)]


def test_paths_are_seen_in_lines_blocks_and_commands():
    text = "`cvae/a.py` [x](b.md)\n```\npython c.py NAME\n```\n`checkpoints/NAME/config.json` `ui/` `GET /api/x` `d.md`"
    assert sorted(paths(text)) == ["c.py", "cvae/a.py", "d.md", "ui/"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_path_that_a_document_names_exists(path):
    text = path.read_text(encoding="utf-8")
    missing = {name for name in paths(text) if not (ROOT / name).exists()}
    missing |= {to for to in LINK.findall(text) if "://" not in to and not (path.parent / to).exists()}
    assert not missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_function_that_a_document_names_exists(path):
    for module, name in FUNCTION.findall(code(path.read_text(encoding="utf-8"))):
        assert hasattr(importlib.import_module(f"cvae.{module}"), name), f"{module}.{name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_every_make_target_that_a_document_names_exists(path):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"^make ([\w-]+)", code(path.read_text(encoding="utf-8")), re.M)) <= set(targets)


def test_readme_is_an_introduction():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 180 and text.count("![") == 2


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if "```python" in path.read_text(encoding="utf-8")])
def test_the_code_of_a_document_runs(path):
    for source in re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
        exec(source, {})  # noqa: S102 - our own text


def test_the_results_are_what_evaluate_prints():
    text = results.page().read_text(encoding="utf-8")
    assert text.split(results.BEGIN)[1].split(results.END)[0] == "\n" + results.markdown(results.figures())


def cells(kind: str) -> list[str]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def test_the_notebook_is_stored_without_what_running_it_made():
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    stored = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert content["nbformat"] == 4 and not any(cell["outputs"] or cell["execution_count"] for cell in stored)


@pytest.mark.slow
def test_the_notebook_runs_and_shows_pictures(monkeypatch, tmp_path):
    monkeypatch.setenv("CVAE_DATA_DIR", str(tmp_path))  # no data set
    namespace, shown = {}, []
    for source in cells("code"):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, NOTEBOOK.name, "exec"), namespace)  # noqa: S102 - our own text
        if last:
            shown.append(eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), namespace))
    pictures = [value for value in shown if isinstance(value, Image.Image)]
    extremes = [picture.convert("L").getextrema() for picture in pictures]
    assert len(pictures) >= 10 and min(high - low for low, high in extremes) > 100
