"""The package as pip installs it: `cvae` alone, with the dependencies that requirements.txt pins, and its commands."""

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SPARED = ("streamlit", "plotly", "torchvision", "lightning_fabric", "sklearn", "openTSNE", "tqdm", "huggingface_hub")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds what a wheel of this project holds."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for folder in ("cvae", "ui", "pages"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "train.py", "evaluate.py", "app.py"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "-q", "-w", str(target)]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    with zipfile.ZipFile(next(target.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


def run(installed, script: str, folder) -> subprocess.CompletedProcess:
    """Run Python in `folder` with the installed package in place of the clone's."""
    environment = {k: v for k, v in os.environ.items() if k != "CVAE_CHECKPOINTS"} | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_the_wheel_holds_all_of_the_package_and_nothing_else(installed):
    def files(root):
        return {
            path.relative_to(root).as_posix()
            for path in (root / "cvae").rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }

    assert {path.name for path in installed.iterdir() if path.is_dir() and path.suffix != ".dist-info"} == {"cvae"}
    assert files(installed) == files(ROOT)


@pytest.mark.slow
def test_the_package_loads_and_uses_models_with_its_own_dependencies_alone(installed, tmp_path):
    shutil.copytree(ROOT / "checkpoints" / "vae-dense-2d", tmp_path / "checkpoints" / "vae-dense-2d")
    script = f"""
import sys
sys.modules |= dict.fromkeys({SPARED})  # importing one of them raises ImportError
import cvae
from cvae import checkpoints, data, metrics, preprocess, tasks
assert cvae.__file__.startswith({str(installed)!r}), cvae.__file__
x = tasks.generate(checkpoints.load_run("vae-dense-2d"), n=2)
print(checkpoints.list_runs(), tuple(x.shape))
from cvae.browser.page import page
print(len(page("vae-dense-2d")) > 1e6)
"""
    done = run(installed, script, tmp_path)
    assert done.stdout == "['vae-dense-2d'] (2, 1, 28, 28)\nTrue\n", done.stderr[-2000:]


def test_commands_lead_to_functions_of_the_package():
    for command, target in PROJECT["scripts"].items():
        module, function = target.split(":")
        assert command.startswith("cvae-") and module.split(".")[0] == "cvae"
        assert callable(getattr(importlib.import_module(module), function))


def named(requirements: list[str]) -> dict[str, Requirement]:
    return {r.name.lower().replace("_", "-"): r for r in map(Requirement, requirements)}


def test_dependencies_and_pins_name_the_same_packages():
    optional = PROJECT["optional-dependencies"]
    asked = named([*PROJECT["dependencies"], *optional["app"], *optional["train"], *optional["extra"]])
    files = ("requirements-serve.txt", "requirements.txt", "requirements-extra.txt")
    lines = [line for file in files for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    pins = named([line for line in lines if not line.startswith("-r")])
    assert set(asked) == set(pins)
    for name, pin in pins.items():
        version = next(iter(pin.specifier)).version.replace("*", "0")
        assert asked[name].specifier.contains(version), f"{name}: {asked[name]} does not allow {pin}"
