"""No function is longer than a reader keeps in mind: without blank lines, comments and docstrings."""

import ast
import re
from collections.abc import Iterator

from tests.conftest import ROOT

LONGEST = {".py": 30, ".js": 60}
PARTS = ("cvae", "ui", "pages", "benchmarks")
OPENS = re.compile(r"( *).*(?:\bfunction\b.*\)|=>) \{(?: //.*)?$")


def python_functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield the name and the length of each function."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = node.body[0] if ast.get_docstring(node) is not None else None
            first = docstring.end_lineno + 1 if docstring else node.lineno
            head = docstring.lineno - node.lineno if docstring else 0
            yield node.name, head + counted(lines[first - 1 : node.end_lineno], "#")


def script_functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield the first line and the length of each function: it ends where a brace is as far in as its first line."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if opening := OPENS.match(line):
            end = next(i for i in range(at + 1, len(lines)) if lines[i].startswith(opening[1] + "}"))
            yield line.strip(), counted(lines[at : end + 1], "//")


def counted(lines: list[str], comment: str) -> int:
    return sum(bool(line.strip()) and not line.strip().startswith(comment) for line in lines)


def files(suffix: str) -> list:
    return sorted([*ROOT.glob(f"*{suffix}"), *(path for part in PARTS for path in (ROOT / part).rglob(f"*{suffix}"))])


def test_no_function_is_too_long():
    for suffix, functions in {".py": python_functions, ".js": script_functions}.items():
        lengths = [(path, *named) for path in files(suffix) for named in functions(path.read_text(encoding="utf-8"))]
        assert lengths and [function for function in lengths if function[-1] > LONGEST[suffix]] == []


def test_lengths_are_those_of_whole_functions():
    python = 'def a(\n    x,\n):\n    """Say.\n\n    More.\n    """\n'
    python += "    # why\n    def b():\n        return 1\n\n    return b\n"
    assert list(python_functions(python)) == [("a", 6), ("b", 2)]
    script = "export function a(x) { // of x\n  const b = (y) => {\n    if (y) {\n      y = 1;\n    }\n\n"
    script += "    // why\n  };\n  return b;\n}\n"
    script += (
        "pad.onclick = async (event) => {\n  go();\n};\nfor (const x of y) {\n  f(() => 1);\n}\nconst c = (x) => x;\n"
    )
    assert [length for _, length in script_functions(script)] == [8, 5, 3]
