"""What is put on a server: locks that hold what the app imports, and files for containers and proxies."""

import ast
import re
import shutil
import subprocess

import pytest

from tests.conftest import ROOT

TRAINS = {"torchvision", "lightning-fabric", "tqdm", "scikit-learn", "opentsne"}


def locked(name: str) -> dict[str, str]:
    """Return the version of each package of a lock; each has at least one hash, and no line names a registry."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==\S+( +--hash=sha256:[0-9a-f]{64})+", line) for line in lines)
    return dict(line.split()[0].split("==") for line in lines)


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("-r"))


def test_locks_hold_what_the_pins_say():
    serves, all_of_them = locked("requirements-serve.lock"), locked("requirements.lock")
    assert serves.items() <= all_of_them.items()
    assert not TRAINS & serves.keys() and all_of_them.keys() >= TRAINS
    assert not [name for name in serves if name.startswith(("nvidia", "triton"))]
    for pins, lock in (("requirements-serve.txt", serves), ("requirements.txt", all_of_them)):
        for name, version in pinned(pins).items():
            assert lock[name].split("+")[0].startswith(version.removesuffix("*")), name


def test_an_image_has_every_folder_that_the_app_imports():
    kept = set(re.findall(r"^COPY .*?(\S+) /app", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[0] == "!"}
    assert kept | {"requirements-serve.lock", "deploy/slim.sh"} == let_in
    own = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for path in [ROOT / "app.py", *(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} & own <= kept


@pytest.mark.skipif(not shutil.which("caddy"), reason="needs Caddy: apt-get install caddy")
def test_the_configuration_of_caddy_is_valid():
    command = ["caddy", "adapt", "--adapter", "caddyfile", "--config", str(ROOT / "deploy" / "Caddyfile"), "--validate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr
