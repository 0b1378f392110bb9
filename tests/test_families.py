"""What a family is stands in its record alone: no other code asks for its name, nor for the class of a model."""

import ast
from dataclasses import fields

import pytest
import torch

from cvae import models, objectives
from cvae.config import ModelConfig
from cvae.evaluation.measuring import FIGURES
from cvae.families import FAMILIES, Family
from tests.conftest import ROOT

RECORD = {"families.py", "config.py"}
CODE = [
    p for part in ("cvae/**", "ui/**", "pages", ".") for p in sorted(ROOT.glob(f"{part}/*.py")) if p.name not in RECORD
]
CLASSES = {name for name, kind in vars(models).items() if isinstance(kind, type) and kind.__module__ == models.__name__}


def name(node: ast.AST) -> str:
    """Return the last part of a name such as model.config.family; empty for another expression."""
    return getattr(node, "attr", getattr(node, "id", ""))


def decides(node: ast.AST) -> list[ast.AST]:
    """Return the expressions on whose value it depends what happens at a node: what is compared or looked up."""
    if isinstance(node, ast.Compare):
        return [part for side in (node.left, *node.comparators) for part in getattr(side, "elts", [side])]
    if isinstance(node, ast.Match):
        return [node.subject]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    return node.args if isinstance(node, ast.Call) and name(node.func) == "get" else []


def asks_class(node: ast.AST) -> bool:
    """Tell whether a node asks for the class of a model."""
    asks = isinstance(node, ast.Call) and name(node.func) in {"isinstance", "issubclass"}
    return asks and any(name(part) in CLASSES for part in ast.walk(node))


def questions(tree: ast.AST) -> list[str]:
    """Return each place where the name of a family decides, or the class of a model; a socket's family is another."""
    asked = [n for n in ast.walk(tree) if asks_class(n) or "family" in map(name, decides(n))]
    return [text for text in map(ast.unparse, asked) if "socket." not in text]


def test_only_the_record_knows_a_family_by_name():
    asked = {path: questions(ast.parse(path.read_text(encoding="utf-8"))) for path in CODE}
    assert {path: here for path, here in asked.items() if here} == {}


@pytest.mark.parametrize(
    "line",
    [
        "model.config.family in known",
        "family != 'vae'",
        "(config.family, config.network) == ('vae', 'conv')",
        "KINDS[config.family]",
        "t.get(m.config.family)",
        "isinstance(m, models.CVAE | Other)",
    ],
)
def test_the_check_sees_what_it_forbids(line):
    assert questions(ast.parse(line))
    assert not questions(ast.parse("model.config.kind.given == LABEL and isinstance(part, nn.Linear)"))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_all_that_a_record_names_exists(family):
    assert family.model in models.MODELS and family.objective in objectives.OBJECTIVES and family.figures in FIGURES
    assert family.decodes + family.completes + family.cleans == family.draws <= 1


def test_every_property_of_the_record_tells_families_apart():
    assert [f.name for f in fields(Family) if len({getattr(family, f.name) for family in FAMILIES.values()}) == 1] == []


def test_a_family_without_labels_refuses_classes():
    with pytest.raises(ValueError, match="the vae family takes no labels: n_classes must be 0; got 10"):
        ModelConfig(n_classes=10)


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig("autoencoder", "conv", (3, 8, 8), 5, widths=(4,)),
        ModelConfig("vae", "dense", (1, 8, 8), 5, widths=(4,)),
        ModelConfig("cvae", "conv", (1, 8, 8), 5, widths=(4,), n_classes=3, label_in="decoder"),
        ModelConfig("inpainting", "dense", (1, 8, 8), 5, widths=(4,)),
        ModelConfig("inpainting", "residual", (3, 8, 8), 5, widths=(4,), blocks=(1,), flow_layers=2, flow_width=6),
    ],
    ids=lambda config: f"{config.family}, {config.network}",
)
def test_one_composed_model_serves_every_family_with_a_z(config):
    model, x = models.build_model(config).eval(), torch.rand(4, *config.image_shape)
    given = {"label": torch.tensor([0, 1, 2, 1]), "visible pixels": torch.cat([x, torch.ones_like(x[:, :1])], dim=1)}
    c = model.condition(given.get(config.kind.given), x)
    assert type(model) is models.CVAE and len(c) == 4 and model.condition(c, x) is c
    together = model.decode(model.encode(x, c).mode(), c)
    alone = torch.cat([model.decode(model.encode(x[i : i + 1], c[i : i + 1]).mode(), c[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone)
    z = torch.randn(12, 5)
    torch.testing.assert_close(model.decode(z, c.repeat(3))[5], model.decode(z[5:6], c[1:2])[0])
    torch.testing.assert_close(model.decode(z, c.repeat_interleave(3))[5], model.decode(z[5:6], c[1:2])[0])
    assert [len(part) for part in c.split(3)] == [3, 1]
