"""The command line on a small data root: history, resumption after kill -9, two processes, and wrong values."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

import train
from tests.conftest import ROOT


def command(data_root, *options: str) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), "vae-dense-2d", "--data-dir", str(data_root), "--accelerator", "cpu", *options]


def run(data_root, *options: str) -> None:
    subprocess.run(command(data_root, *options), check=True, cwd=ROOT, capture_output=True, timeout=300)


def history(folder) -> list[dict[str, float]]:
    """Return the rows of history.csv without the one column that is a time."""
    with open(folder / "history.csv") as file:
        return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_history_has_the_terms_for_train_and_validation_and_the_loss_falls(data_root, runs):
    run(data_root, "--name", "a", "--epochs", "4", "--batch-size", "64")
    rows = history(runs / "a")
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert {"train_nll", "train_kl", "val_nll", "val_kl", "beta"} <= set(rows[0])
    assert rows[-1]["val_nll"] + rows[-1]["val_kl"] < rows[0]["val_nll"] + rows[0]["val_kl"]


def test_a_run_resumed_after_kill_9_ends_as_an_unbroken_one(data_root, runs):
    settings = ("--epochs", "12", "--batch-size", "64", "--seed", "3")
    run(data_root, "--name", "whole", *settings)
    process = subprocess.Popen(command(data_root, "--name", "broken", *settings), cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (runs / "broken" / "training.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL  # it had not finished by itself
    run(data_root, "--name", "broken", "--resume", *settings)
    assert history(runs / "broken") == history(runs / "whole")
    whole, broken = (load_file(runs / name / "model.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(whole[key], broken[key]) for key in whole)


def test_two_processes_learn_what_one_learns_from_the_same_global_batch(data_root, runs):
    settings = ("--epochs", "2", "--batch-size", "64")
    run(data_root, "--name", "one", *settings)
    run(data_root, "--name", "two", "--devices", "2", "--strategy", "ddp", *settings)
    for one, two in zip(history(runs / "one"), history(runs / "two")):
        assert one == pytest.approx(two, rel=1e-4)
    one, two = (load_file(runs / name / "model.safetensors") for name in ("one", "two"))
    for key in one:
        torch.testing.assert_close(one[key], two[key], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epochs", "0"), "--epochs must be a whole number of 1 or more; got '0'"),
        (("--latent-dim", "x"), "--latent-dim must be a whole number of 1 or more (4096 at most); got 'x'"),
        (("--beta", "-1"), "--beta must be a number of 0 or more"),
        (("--batch-size", "-4"), "--batch-size must be a whole number"),
        (("--lr", "nan"), "--lr must be a number above 0"),
        (("--beta", "inf"), "--beta must be a number of 0 or more"),
        (("--seed", "-1"), "--seed must be a whole number of 0 or more"),
        (("--dataset", "cifar"), "dataset must be one of mnist"),
        (("--name", "../x"), "--name must be a plain folder name"),
        (("--resume",), "is missing: there is no unfinished training to resume"),
    ],
)
def test_a_wrong_value_is_answered_in_one_line(options, message, data_root, runs, capsys):
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize("options", [("nothing",), ("vae-conv", "--devices", "0"), ("vae-conv", "--strategy", "magic")])
def test_a_wrong_choice_is_answered_in_one_line(options, capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main(list(options))
    error = capsys.readouterr().err
    assert error.startswith("train.py: ") and error.count("\n") == 1


def test_a_finished_run_is_not_overwritten_by_accident(data_root, runs, capsys):
    (runs / "vae-dense-2d").mkdir()
    (runs / "vae-dense-2d" / "config.json").write_text("{}")
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_resuming_with_other_settings_is_refused(data_root, runs, capsys):
    run(data_root, "--name", "a", "--epochs", "1")
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root), "--name", "a", "--resume", "--epochs", "2"]) == 2
    assert "other settings" in capsys.readouterr().err


def test_importance_weighted_epochs_run(data_root, runs, monkeypatch):
    from dataclasses import replace

    from cvae.presets import PRESETS

    preset = PRESETS["vae-dense-2d"]
    monkeypatch.setitem(PRESETS, preset.name, replace(preset, train=replace(preset.train, iw_samples=3, iw_epochs=1)))
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root), "--epochs", "2", "--accelerator", "cpu"]) == 0
    assert len(history(runs / "vae-dense-2d")) == 2
