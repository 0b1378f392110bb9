"""What the suite promises of itself: every draw has a seed, and no test depends on what another drew or left behind."""

import ast

import pytest
import streamlit as st
import torch

from tests.conftest import ROOT, SEED

OF_TORCH = {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"}
OF_TORCH |= {"bernoulli", "multinomial", "normal"}
IN_PLACE = {"normal_", "uniform_", "bernoulli_", "random_", "exponential_"}
PARTS = ("cvae", "ui", "pages", "benchmarks")
PROJECT = [*ROOT.glob("*.py"), *(path for part in PARTS for path in (ROOT / part).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def unseeded(source: str) -> list[str]:
    """Return the calls in a source text that draw from generators of the whole process, or from one without a seed."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [f"line {call.lineno}: {ast.unparse(call)}" for call in calls if lacks_seed(call)]


def lacks_seed(call: ast.Call) -> bool:
    *owner, name = ast.unparse(call.func).split(".")
    initial = owner[-1:] == ["init"]  # of weights: whoever builds a model seeds
    if (owner == ["torch"] and name in OF_TORCH) or (name in IN_PLACE and not initial):
        return not any(keyword.arg == "generator" for keyword in call.keywords)
    if owner in (["np", "random"], ["numpy", "random"], ["random"]):
        return name not in ("default_rng", "Random") or not call.args
    return False


def test_every_draw_of_the_project_has_a_generator_of_its_own():
    calls = {path: unseeded(path.read_text(encoding="utf-8")) for path in PROJECT}
    assert {path: here for path, here in calls.items() if here} == {}


def test_tests_draw_from_seeded_generators_or_from_that_of_torch_which_every_test_seeds():
    calls = [(path, call) for path in TESTS for call in unseeded(path.read_text(encoding="utf-8"))]
    assert [(path, call) for path, call in calls if "torch." not in call] == []


@pytest.mark.parametrize(
    "text, seeded",
    [
        ("torch.randn(3)", False),
        ("torch.randn(3, generator=g)", True),
        ("x.normal_()", False),
        ("torch.nn.init.normal_(x)", True),
        ("np.random.default_rng()", False),
        ("np.random.default_rng(0)", True),
        ("np.random.rand(3)", False),
        ("random.shuffle(x)", False),
        ("random.Random(0)", True),
        ("rng.normal(0, 1)", True),
    ],
)
def test_a_draw_without_a_seed_is_noticed(text, seeded):
    assert (unseeded(text) == []) == seeded


@pytest.mark.parametrize("run", [1, 2])
def test_a_test_starts_with_the_same_seed_and_empty_caches_whatever_ran_before_it(run):
    assert float(torch.rand(())) == float(torch.rand((), generator=torch.Generator().manual_seed(SEED)))
    assert asked_by(_run=run) == run


@st.cache_resource
def asked_by(_run: int) -> int:
    return _run
