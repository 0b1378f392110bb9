"""Remarks on made-up histories, on those of the models that come with the app, and on a real one that went wrong."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

import train
from cvae import checkpoints
from cvae.cli.train import SHIPPED, _verdict
from cvae.config import Stage, TrainConfig
from cvae.diagnosis import remarks
from cvae.presets import PRESETS

pytestmark = pytest.mark.usefixtures("no_program")
MANY = 400  # steps of an epoch


def curve(train_nll: list, val_nll: list[float], kl: float = 20.0) -> list[dict]:
    """Return a history with these values, whose KL does not change."""
    rows = enumerate(zip(train_nll, val_nll, strict=True), start=1)
    return [{"epoch": e, "train_nll": t, "train_kl": kl, "val_nll": v, "val_kl": kl} for e, (t, v) in rows]


def falling(n: int = 8, to: float = 70.0) -> list[float]:
    return [to + 130 / 2**i for i in range(n)]


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SHIPPED.glob("*/history.csv")))
def test_nothing_is_said_of_the_models_that_come_with_the_app(name):
    with (SHIPPED / name / "history.csv").open(encoding="utf-8") as file:
        assert remarks(list(csv.DictReader(file)), checkpoints.load_preset(SHIPPED / name), MANY) == []


@pytest.mark.parametrize(
    "family, history, said",
    [
        ("vae-dense", curve(falling(), falling()), []),
        ("vae-dense", curve(falling(to=200), falling(to=200), kl=0.02), ["the posterior collapsed (KL 0.02 nats)"]),
        ("cvae-inpaint-center", curve(falling(), falling(), kl=0.0), ["the posterior collapsed (KL 0.00 nats)"]),
        ("ae-dense", curve(falling(), falling(), kl=0.0), []),
        ("ae-dense", curve([206.0] * 9, [207.0] * 9, kl=0.0), ["the loss stayed where it was"]),
        ("judge", curve([2.4, 2.31, 2.31], [2.3, 2.3, 2.303], kl=0.0), ["no better than a guess among 10 classes"]),
        ("vae-dense", curve(falling(), [*falling(7), 95.0]), ["rose at the end, from 92.03 nats in epoch 7 to 115.00"]),
        ("vae-dense", curve([100.0, 1e9, 1e12], [1e5, 1e9, 1e12]), ["rose at the end, from 100020.00 nats in epoch 1"]),
        ("ae-dense", curve(falling(to=10), falling(to=90), kl=0.0), ["far above that of training (11.02)"]),
        ("cvae-conv", curve([*falling(6), None, None], falling(8)), []),
        ("vae-conv-faces", curve([-13000 - 300 * i for i in range(9)], [-13000 - 300 * i for i in range(9)]), []),
        (
            "vae-conv-faces",
            curve([-13000 - 300 * i for i in range(9)], [-13000 - 100 * i for i in range(9)]),
            ["far above"],
        ),
    ],
)
def test_what_a_reader_of_the_curves_would_see(family, history, said):
    told = remarks(history, PRESETS[family], MANY)
    assert len(told) == len(said) and all(part in remark for part, remark in zip(said, told, strict=True)), told


@pytest.mark.parametrize(
    "epochs, steps, said", [(2, 1, "2 optimiser steps in"), (1, 1, "1 optimiser step in"), (9, 7, "63 optimiser")]
)
def test_too_few_steps_are_counted_and_enough_are_advised(epochs, steps, said):
    preset = replace(PRESETS["vae-conv"], train=TrainConfig((Stage(epochs, 2e-3),)))
    (remark,) = remarks(curve(falling(epochs), falling(epochs), kl=0.0), preset, steps)
    advised = int(remark.split("--epochs ")[1].split(",")[0])
    assert said in remark and advised * steps >= 300 > (advised - 1) * steps


@pytest.mark.parametrize("epochs, said", [(1, "folder: 1 epoch; "), (2, "folder: 2 epochs; ")])
def test_a_training_says_how_many_epochs_it_took(epochs, said):
    history = curve(falling(epochs), falling(epochs))
    assert _verdict(PRESETS["vae-dense"], Path("folder"), history, MANY)[0].startswith(said)


def test_the_last_epochs_of_a_learned_prior_are_no_sign_of_learning_by_heart():
    history = curve([*falling(6, to=68), None, None], falling(8))
    assert remarks([row | {"train_nll": row["train_nll"] or ""} for row in history], PRESETS["cvae-conv"], MANY) == []


@pytest.mark.slow
def test_a_posterior_that_collapses_is_seen_in_a_real_training(data_root, runs, capsys):
    options = ["--data-dir", str(data_root), "--accelerator", "cpu", "--batch-size", "16"]
    assert train.main(["vae-dense", *options, "--epochs", "12", "--beta", "400"]) == 0
    assert "note: the posterior collapsed" in capsys.readouterr().out
    assert train.main(["vae-dense", *options, "--epochs", "12", "--overwrite"]) == 0
    assert "collapsed" not in capsys.readouterr().out
