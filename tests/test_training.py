"""The command line on a small data root: history, resumption after kill -9, two processes, and wrong values."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load, load_file

import train
from cvae import checkpoints, losses, progress, training
from cvae.config import ModelConfig, TrainConfig
from cvae.models import build_model
from cvae.presets import PRESETS
from tests.conftest import ROOT


def command(data_root, *options: str) -> list[str]:
    return [
        sys.executable,
        str(ROOT / "train.py"),
        "vae-dense-2d",
        "--data-dir",
        str(data_root),
        "--accelerator",
        "cpu",
        *options,
    ]


def run(data_root, *options: str) -> None:
    subprocess.run(command(data_root, *options), check=True, cwd=ROOT, capture_output=True, timeout=300)


def history(folder) -> list[dict[str, float]]:
    """Return the rows of history.csv without the one column that is a time."""
    with open(folder / "history.csv", encoding="utf-8") as file:
        return [{k: float(v) if v else None for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


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
    for one, two in zip(history(runs / "one"), history(runs / "two"), strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    one, two = (load_file(runs / name / "model.safetensors") for name in ("one", "two"))
    for key in one:
        torch.testing.assert_close(one[key], two[key], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epochs", "0"), "--epochs must be a whole number of 1 or more; got '0'"),
        (("--latent-dim", "x"), "--latent-dim must be a whole number of 1 or more (4096 at most); got 'x'"),
        (("--beta", "-1"), "--beta must be a number from 0 to 1e6"),
        (("--beta", "1e300"), "--beta must be a number from 0 to 1e6"),
        (("--batch-size", "-4"), "--batch-size must be a whole number"),
        (("--lr", "nan"), "--lr must be a number above 0"),
        (("--beta", "inf"), "--beta must be a number from 0 to 1e6"),
        (("--seed", "-1"), "--seed must be a whole number of 0 or more"),
        (("--dataset", "cifar"), "dataset must be one of mnist"),
        (("--name", "../x"), "--name must be a plain folder name"),
        (("--name", ".x"), "--name must be a plain folder name"),
        (("--name", "", "--overwrite"), "--name must be a plain folder name"),
        (("--name=-x",), "--name must be a plain folder name"),
        (("--accelerator", "mps"), "--accelerator mps does not work here"),
        (("--resume",), "is missing: there is no unfinished training to resume"),
    ],
)
def test_a_wrong_value_is_answered_in_one_line(options, message, data_root, runs, capsys):
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_compiled_model_learns_what_it_learns_as_it_is(data_root, runs):
    settings = ("--epochs", "2", "--batch-size", "64")
    run(data_root, "--name", "plain", *settings)
    run(data_root, "--name", "compiled", "--compile", *settings)
    for plain, compiled in zip(history(runs / "plain"), history(runs / "compiled"), strict=True):
        assert plain == pytest.approx(compiled, rel=1e-4)
    assert (
        load_file(runs / "plain" / "model.safetensors").keys()
        == load_file(runs / "compiled" / "model.safetensors").keys()
    )


def test_without_a_compiler_one_line_says_what_is_missing(data_root, runs):
    call = command(data_root, "--compile")
    found = subprocess.run(
        call, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"CXX": "no-such-compiler"}, timeout=300
    )
    assert found.returncode == 2 and not (runs / "vae-dense-2d").exists()
    assert found.stderr.startswith("train.py: --compile needs a C++ compiler") and found.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [("nothing",), ("vae-conv", "--devices", "0"), ("vae-conv", "--strategy", "magic")])
def test_a_wrong_choice_is_answered_in_one_line(options, capsys):
    with pytest.raises(SystemExit, match="2"):
        train.main(list(options))
    error = capsys.readouterr().err
    assert error.startswith("train.py: ") and error.count("\n") == 1


def test_help_lists_every_preset_with_a_line_and_what_is_ignored(capsys):
    with pytest.raises(SystemExit, match="0"):
        train.main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    for name, preset in PRESETS.items():
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        assert preset.about.startswith(line.split(" min   ")[1][:14])
    ignored = next(line for line in lines if line.startswith("--beta is ignored by"))
    assert "ae-dense" in ignored and "cvae" not in ignored


def test_an_option_without_effect_is_named(data_root, runs, capsys):
    assert (
        train.main(["ae-dense", "--data-dir", str(data_root), "--accelerator", "cpu", "--epochs", "1", "--beta", "3"])
        == 0
    )
    out = capsys.readouterr().out
    assert "--beta is ignored by ae-dense: it has no KL." in out and "--latent-dim" not in out


def test_a_finished_run_is_not_overwritten_by_accident(data_root, runs, capsys):
    (runs / "vae-dense-2d").mkdir()
    (runs / "vae-dense-2d" / "config.json").write_text("{}", encoding="utf-8")
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_all_goes_on_where_it_was_interrupted_and_tells_the_time_it_takes(data_root, runs, monkeypatch, capsys):
    small = {
        name: replace(PRESETS[name], train=replace(PRESETS[name].train, epochs=2))
        for name in ("vae-dense-2d", "vae-dense")
    }
    monkeypatch.setattr(train, "PRESETS", small)
    call = ["all", "--data-dir", str(data_root), "--accelerator", "cpu"]
    assert train.main(call) == 0
    assert "vae-dense: 0 of 2 epochs done, time unknown left" in capsys.readouterr().out
    whole = (runs / "vae-dense" / "model.safetensors").read_bytes()
    (runs / "vae-dense" / "training.safetensors").unlink()
    train.train(train.parser().parse_args(["vae-dense-2d", *call[1:], "--overwrite"]))
    assert train.main(call) == 0
    out = capsys.readouterr().out
    assert "vae-dense-2d: done" in out and "vae-dense: 0 of 2 epochs done, about 0 min left" in out
    assert (runs / "vae-dense" / "model.safetensors").read_bytes() == whole
    assert train.main(call) == 0
    assert capsys.readouterr().out.count(": done") == 2
    assert train.main([*call, "--epochs", "3"]) == 2
    assert "no settings of a single model" in capsys.readouterr().err


def test_resuming_with_other_settings_is_refused(data_root, runs, capsys):
    run(data_root, "--name", "a", "--epochs", "1")
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root), "--name", "a", "--resume", "--epochs", "2"]) == 2
    assert "other settings" in capsys.readouterr().err


@pytest.fixture
def stages(data_root, runs, monkeypatch):
    """Return a function that trains a small version of a preset, and the list of states it saved, one per epoch."""
    states = []

    def save(path, tensors, metadata=None, write=checkpoints.write_tensors):
        write(path, tensors, metadata)
        if path.name == "training.safetensors":
            states.append(path.read_bytes())

    def fit(name: str, *options: str, **epochs: int) -> tuple[dict, list[dict]]:
        preset = PRESETS[name]
        short = replace(preset.train, **{"batch_size": 128} | epochs)
        small = replace(preset.model, widths=(4, 4), blocks=(1, 1), latent_dim=4, flow_width=8)
        monkeypatch.setitem(PRESETS, name, replace(preset, train=short, model=small))
        assert train.main([name, "--data-dir", str(data_root), "--accelerator", "cpu", *options]) == 0
        return load_file(runs / name / "model.safetensors"), history(runs / name)

    monkeypatch.setattr(checkpoints, "write_tensors", save)
    return fit, states


def averages(state: bytes) -> dict[str, torch.Tensor]:
    """Return the averaged weights that a training state holds, in the precision in which they are published."""
    return {k.removeprefix("average."): training.halved(v) for k, v in load(state).items() if k.startswith("average.")}


def resumed_runs_end_the_same(fit, states, name: str, state, epochs: dict[str, int], kept: tuple[int, ...]) -> None:
    whole, rows = load_file(state.parent / "model.safetensors"), history(state.parent)
    saved = list(states)
    for epoch in kept:
        state.write_bytes(saved[epoch])  # as if killed after it
        again, rows_again = fit(name, "--resume", **epochs)
        assert rows_again == rows and all(torch.equal(whole[key], again[key]) for key in whole)


def test_the_priors_own_stage_leaves_the_rest_as_it_was_and_resumes(stages, runs):
    fit, states = stages
    epochs = {"epochs": 1, "prior_epochs": 3, "weighted_epochs": 0}
    whole, rows = fit("cvae-conv", **epochs)
    after_joint = averages(states[0])
    same = {key: torch.equal(whole[key], after_joint[key]) for key in whole}
    assert all(same[key] for key in whole if "flow" not in key) and not all(same.values())
    assert [row["train_nll"] is None for row in rows] == [False, True, True, True]
    state = runs / "cvae-conv" / "training.safetensors"
    # between the stages, and within the second
    resumed_runs_end_the_same(fit, states, "cvae-conv", state, epochs, (0, 2))


def test_the_weighted_bound_is_maximised_last_and_resumes(stages, runs):
    fit, states = stages
    epochs = {"epochs": 1, "weighted_epochs": 3, "weighted_samples": 2}
    whole, rows = fit("cvae-conv", **epochs)
    assert len(rows) == 4 and all(row["train_nll"] for row in rows)
    state = runs / "cvae-conv" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "cvae-conv", state, epochs, (0, 2))


def test_a_posterior_bends_after_the_first_cycle_alone_and_resumes(stages, runs):
    fit, states = stages
    epochs = {"epochs": 1, "prior_epochs": 1, "bend_epochs": 2, "bend_cycles": 1}
    whole, rows = fit("cvae-inpaint", **epochs)
    assert [row["train_nll"] is None for row in rows] == [False, True, False, False, True]
    flow = [key for key in whole if key.startswith("posterior_flow") and "shuffles" not in key]
    straight = {
        k: training.halved(v)
        for k, v in build_model(checkpoints.load_preset("cvae-inpaint").model).state_dict().items()
    }
    last = [key for key in flow if key.split(".")[-2] == "4"]  # zero at first, so that the flow only shuffles
    for state in states[:2]:
        assert all(torch.equal(averages(state)[key], straight[key]) for key in last)
    assert any(not torch.equal(whole[key], straight[key]) for key in last)
    state = runs / "cvae-inpaint" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "cvae-inpaint", state, epochs, (1, 2))


def test_every_cycle_ends_with_the_prior_alone_and_halves_the_rate():
    config = TrainConfig(epochs=4, lr=2e-3, prior_epochs=1, prior_lr=1e-4, bend_epochs=2, bend_lr=1e-3, bend_cycles=2)
    assert training.stages(config) == [
        training.Stage(0, 4, 2e-3, bends=False),
        training.Stage(4, 5, 1e-4, prior_only=True),
        training.Stage(5, 7, 1e-3),
        training.Stage(7, 8, 1e-4, prior_only=True),
        training.Stage(8, 10, 5e-4),
        training.Stage(10, 11, 1e-4, prior_only=True),
    ]
    assert training.stages(TrainConfig(epochs=3, lr=2e-3)) == [training.Stage(0, 3, 2e-3)]


def test_an_average_without_memory_is_the_model_at_the_end_of_every_epoch(stages):
    fit, states = stages
    fit("vae-dense", epochs=2, batch_size=50, ema_decay=0.0)  # ten steps: the last two come after the last regular look
    for state in map(load, states):
        kept = {part: {k: v for k, v in state.items() if k.startswith(part)} for part in ("model.", "average.")}
        assert all(torch.equal(v, kept["average."]["average." + k[6:]]) for k, v in kept["model."].items())


def test_weights_are_halved_where_their_range_allows_it():
    assert training.halved(torch.tensor([65000.0])).dtype == torch.float16
    assert training.halved(torch.tensor([66000.0])).dtype == torch.float32
    assert training.halved(torch.tensor([3])).dtype == torch.int64


def test_an_autoencoder_learns_from_refined_codes_last_and_resumes(stages, runs):
    fit, states = stages
    epochs = {"epochs": 2, "refine_epochs": 3, "settle": 2}
    whole, rows = fit("ae-dense", **epochs)
    norms = [key for key in whole if "running" in key]
    assert norms and all(torch.equal(averages(states[1])[key], whole[key]) for key in norms)
    state = runs / "ae-dense" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "ae-dense", state, epochs, (1, 3))


def test_refined_codes_decode_better_and_teach_encoder_and_decoder():
    torch.manual_seed(0)
    model = build_model(ModelConfig(family="autoencoder", network="dense", latent_dim=4, widths=(16,))).eval()
    x = torch.rand(8, 1, 28, 28)
    given = x, torch.zeros(8, dtype=torch.long), torch.zeros(1, 8, 4), 1.0
    _, plain, _ = training.Objective(model)(*given)
    loss, refined, _ = training.Objective(model, refines=True)(*given)
    assert (refined < plain).all()
    assert all(p.grad is None for p in model.parameters())  # refining leaves nothing behind
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for part in (model.encoder, model.decoder) for p in part.parameters())


def test_only_an_autoencoder_refines():
    with pytest.raises(ValueError, match="refine_epochs is for the codes of an autoencoder"):
        replace(PRESETS["vae-conv"], train=replace(PRESETS["vae-conv"].train, refine_epochs=1))


def test_the_weighted_bound_needs_a_gaussian_posterior():
    for name in ("ae-dense", "cvae-inpaint", "judge"):
        with pytest.raises(ValueError, match="weighted_epochs needs a model of family vae or cvae"):
            replace(PRESETS[name], train=replace(PRESETS[name].train, weighted_epochs=1))


def test_fewer_epochs_shorten_the_weighted_stage_too(capsys):
    preset = PRESETS["cvae-conv"]
    arguments = train.parser().parse_args(["cvae-conv", "--epochs", "4"])
    short = train.with_overrides(preset, arguments).train
    assert short.epochs == 4 and short.weighted_epochs == round(4 * preset.train.weighted_epochs / preset.train.epochs)


def test_bending_needs_a_flow():
    with pytest.raises(ValueError, match="bend_epochs needs posterior_flow_layers"):
        replace(PRESETS["cvae-conv"], train=replace(PRESETS["cvae-conv"].train, bend_epochs=1))


def test_fitting_the_prior_lowers_the_kl():
    torch.manual_seed(0)
    model = build_model(replace(PRESETS["cvae-conv"].model, widths=(4, 4), blocks=(1, 1), latent_dim=4))
    x, y, noise = torch.rand(16, 1, 28, 28), torch.arange(16) % 10, torch.randn(8, 16, 4)
    optimizer = torch.optim.Adam(model.flow.parameters(), 1e-2)
    kls = []
    for _ in range(20):
        kl = losses.kl_of_frozen_posterior(model, x, y, noise).mean()
        optimizer.zero_grad()
        kl.backward()
        optimizer.step()
        kls.append(kl.item())
    assert kls[-1] < kls[0] and model.encoder.head.weight.grad is None


def test_settled_batch_norm_sees_what_it_saw_in_training():
    from lightning_fabric import Fabric

    from cvae.config import ModelConfig, Preset, TrainConfig
    from cvae.data import ImageSet
    from cvae.training import settle

    config = ModelConfig("autoencoder", "conv", (3, 16, 16), 4, widths=(8, 8), likelihood="gaussian")
    torch.manual_seed(0)
    model = build_model(config).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.add_(3)
    images = ImageSet(torch.randint(256, (64, 3, 16, 16), dtype=torch.uint8), torch.zeros(64, dtype=torch.int64), ())
    preset = Preset("a", "", config, train=TrainConfig(batch_size=64, settle=1))
    scale = model.scale.running_mean.clone()
    settle(model, preset, images, Fabric(accelerator="cpu", devices=1))
    x = images.pixels()
    settled = model.encoder(x, x.new_zeros(64, 0))
    as_trained = model.train().encoder(x, x.new_zeros(64, 0))
    torch.testing.assert_close(settled, as_trained, atol=1e-3, rtol=1e-2)
    assert torch.equal(model.scale.running_mean, scale)  # the code's own scale is not a BatchNorm in use


def test_pictures_of_chosen_epochs_are_kept_and_survive_a_resumed_run(stages, runs):
    fit, states = stages
    fit("cvae-inpaint", epochs=1, prior_epochs=1, bend_epochs=2, bend_cycles=1)
    folder = runs / "cvae-inpaint"
    epochs, kept = progress.load(folder, (1, 28, 28))
    assert epochs == [1, 2, 4, 5]  # the watched ones, and the last
    assert (
        kept["reconstructions"].shape == kept["samples"].shape == (4, 20, 28, 28, 1)
        and kept["samples"].dtype == np.uint8
    )
    assert not np.array_equal(kept["samples"][0], kept["samples"][-1])
    (folder / "training.safetensors").write_bytes(states[1])
    fit("cvae-inpaint", "--resume", epochs=1, prior_epochs=1, bend_epochs=2, bend_cycles=1)
    again = progress.load(folder, (1, 28, 28))
    assert again[0] == epochs and all(np.array_equal(kept[kind], again[1][kind]) for kind in kept)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: b"",
        lambda good: b"PK\x03\x04",
        lambda good: good[: len(good) // 2],
        lambda good: good[:60] + bytes(60) + good[120:],
    ],
)
def test_damaged_pictures_of_earlier_epochs_are_replaced(spoil, tmp_path):
    pictures = {"samples": np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)}
    progress.add(tmp_path, 1, pictures)
    path = tmp_path / "progress.npz"
    path.write_bytes(spoil(path.read_bytes()))
    progress.add(tmp_path, 2, pictures)
    progress.add(tmp_path, 4, pictures)
    epochs, kept = progress.load(tmp_path, (1, 8, 8))
    assert epochs == [2, 4] and (kept["samples"] == pictures["samples"]).all()


@pytest.mark.parametrize("gradient, after", [([3.0, 4.0], [3.0, 4.0]), ([30.0, 40.0], [6.0, 8.0])])
def test_gradients_are_clipped_where_they_are_too_long(gradient, after):
    fabric, model = Fabric(accelerator="cpu", devices=1), torch.nn.Linear(2, 1, bias=False)
    model, optimizer = fabric.setup(model, torch.optim.AdamW(model.parameters()))
    weight = next(model.parameters())
    weight.grad = torch.tensor([gradient])
    training._clip(fabric, model, [weight], optimizer, 10.0)
    assert torch.allclose(weight.grad, torch.tensor([after]))
    weight.grad = torch.full_like(weight, torch.nan)
    with pytest.raises(RuntimeError, match="non-finite"):
        training._clip(fabric, model, [weight], optimizer, 10.0)
