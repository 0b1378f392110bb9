"""What a page loads to decode by itself: where it lies, that nothing else does, and who makes a program."""

import json
import time

import pytest
import torch
from starlette.requests import Request

from cvae import checkpoints
from cvae.browser import program, store
from cvae.models import build_model
from tests.app import MODELS, answer
from ui.shell import link, programs


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(programs, "_made", {})


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    """The programs that a test of this module has written, by the name of the model."""
    return {}


@pytest.fixture
def made(zoo, written):
    """The small zoo, where two models have their programs."""
    for name in ("plane", "painter"):
        if name not in written:
            program.write(name)
            written[name] = (zoo / name / program.PROGRAM).read_bytes()
        (zoo / name / program.PROGRAM).write_bytes(written[name])
    return zoo


def kept(**parts: str):
    """Return the answer of an address below /api/kept."""
    scope = {"type": "http", "method": "GET", "headers": [], "path": "/", "path_params": parts}
    return programs.answer_kept(Request(scope))


def addresses(name: str) -> dict[str, str]:
    return json.loads(answer(programs.answer_program, model=name).body)


def parts_of(address: str) -> dict[str, str]:
    names = ["version", "name", "file"] if address.count("/") == 2 else ["version", "file"]
    return dict(zip(names, address.split("/"), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plane", "painter"])
def test_every_address_holds_what_it_names_for_ever(made, name):
    told = addresses(name)
    assert set(told) == {"runtime", "kernel", "digits", "program", "weights"}
    for address in told.values():
        response = kept(**parts_of(address))
        assert response.status_code == 200 and "immutable" in response.headers["cache-control"]
    weights = kept(**parts_of(told["weights"]))
    assert str(weights.path) == str(made / name / checkpoints.WEIGHTS)
    assert weights.headers["content-encoding"] == "identity"  # not compressed anew for every visitor


@pytest.mark.slow
def test_new_weights_have_a_new_address_and_the_old_one_is_gone(made):
    old = addresses("plane")
    torch.manual_seed(7)
    path = made / "plane" / checkpoints.WEIGHTS
    checkpoints.write_tensors(path, build_model(MODELS["plane"]).state_dict())
    assert addresses("plane")["weights"] != old["weights"] and addresses("plane")["program"] == old["program"]
    response = kept(**parts_of(old["weights"]))
    assert response.status_code == 404 and response.headers["cache-control"] == "no-store"


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [
        {"name": "plane", "file": "config.json"},
        {"name": "plane", "file": "metrics.json"},
        {"name": "plane", "file": "map.npz"},
        {"name": "plane", "file": "../labels/model.safetensors"},
        {"name": "..", "file": "model.safetensors"},
        {"name": ".", "file": "program.json"},
        {"name": "nobody", "file": "model.safetensors"},
        {"file": "page.js"},
        {"file": "model.safetensors"},
        {"name": "plane", "file": "runtime.js"},
    ],
)
def test_nothing_else_is_given_away(made, parts):
    for path in (made / "plane").iterdir():
        assert kept(version=programs._version(path), **parts).status_code == 404


@pytest.mark.slow
def test_what_runs_in_no_browser_is_said_in_one_line(made, monkeypatch):
    for name, says in {"nobody": "unknown model", "judge": "classifier"}.items():
        response = answer(programs.answer_program, model=name)
        assert response.status_code == 400 and says in response.body.decode()
    monkeypatch.setattr(programs, "MOST", 1000)
    response = answer(programs.answer_program, model="plane")
    assert response.status_code == 400 and "too many" in response.body.decode()


def until_answered(name: str, patience: float = 120):
    end = time.monotonic() + patience
    while (response := answer(programs.answer_program, model=name)).status_code == 202 and time.monotonic() < end:
        time.sleep(0.1)
    return response


@pytest.mark.slow
def test_a_missing_program_is_made_beside_and_once(zoo):
    begin = time.monotonic()
    response = answer(programs.answer_program, model="sliders")
    assert response.status_code == 202 and time.monotonic() - begin < 1
    assert until_answered("sliders").status_code == 200
    assert store.stored("sliders") == program.text(checkpoints.load_run("sliders"))


def test_a_program_that_cannot_be_made_is_asked_for_once(zoo, monkeypatch):
    calls, failed = [], programs.subprocess.CompletedProcess([], 2, "", "no")
    monkeypatch.setattr(programs.subprocess, "run", lambda *given, **_: calls.append(given) or failed)
    for _ in range(3):
        response = until_answered("sliders")
        assert response.status_code == 400 and response.body.decode() == "sliders has no program for browsers."
    assert len(calls) == 1


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"latent_dim": 3}, {"widths": (24,)}, {"likelihood": "gaussian"}])
def test_a_program_of_other_weights_or_another_configuration_is_stale(made, change):
    assert store.stored("plane")
    config = MODELS["plane"].__class__(**{"latent_dim": 2, "widths": (16,), **change})
    checkpoints.write_tensors(made / "plane" / checkpoints.WEIGHTS, build_model(config).state_dict())
    assert (store.stored("plane") is None) == (change.keys() != {"likelihood"})  # whose weights are alike
    path = made / "plane" / checkpoints.CONFIG
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["model"] |= change
    path.write_text(json.dumps(stored), encoding="utf-8")
    assert store.stored("plane") is None


def test_routes_lie_below_the_path_of_the_app(monkeypatch):
    monkeypatch.setattr(link, "base_path", lambda: "/demo")
    assert {route.path.split("/")[1] for route in programs.routes()} == {"demo"}
