"""The command line on a small data root: history, resumption after kill -9, two processes, and wrong values."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors import safe_open
from safetensors.torch import load, load_file, save_file

import train
from cvae import checkpoints, critic, losses, objectives, progress, run_state, schedule, steps, training
from cvae.cli import train as cli
from cvae.cli.overrides import with_overrides
from cvae.config import DataConfig, ModelConfig, Preset, Stage, TrainConfig
from cvae.models import build_model
from cvae.presets import PRESETS
from cvae.schedule import Span
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("no_program")
BENT = (
    Stage(1, 1.5e-3, frozen="posterior_flow"),
    Stage(1, 1e-3, "prior", samples=8),
    Stage(2, 1.5e-3),
    Stage(1, 1e-3, "prior", samples=8),
)


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


def learn(data_root, *options: str) -> None:
    """Train as `run` does, without another start of Python."""
    assert train.main(command(data_root, *options)[2:]) == 0


def history(folder) -> list[dict[str, float]]:
    """Return the rows of history.csv without the one column that is a time."""
    with open(folder / "history.csv", encoding="utf-8") as file:
        return [{k: float(v) if v else None for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_history_has_the_terms_for_train_and_validation_and_the_loss_falls(data_root, runs):
    learn(data_root, "--name", "a", "--epochs", "4", "--batch-size", "64")
    rows = history(runs / "a")
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert {"train_nll", "train_kl", "val_nll", "val_kl", "beta"} <= set(rows[0])
    assert rows[-1]["val_nll"] + rows[-1]["val_kl"] < rows[0]["val_nll"] + rows[0]["val_kl"]


@pytest.mark.slow
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


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_from_the_same_global_batch(data_root, runs):
    settings = ("--epochs", "2", "--batch-size", "64")
    learn(data_root, "--name", "one", *settings)
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


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_compiled_model_learns_what_it_learns_as_it_is(data_root, runs):
    settings = ("--epochs", "2", "--batch-size", "64")
    learn(data_root, "--name", "plain", *settings)
    run(data_root, "--name", "compiled", "--compile", *settings)
    for plain, compiled in zip(history(runs / "plain"), history(runs / "compiled"), strict=True):
        assert plain == pytest.approx(compiled, rel=1e-4)
    assert (
        load_file(runs / "plain" / "model.safetensors").keys()
        == load_file(runs / "compiled" / "model.safetensors").keys()
    )


@pytest.mark.slow
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
        assert preset.about.startswith(line[33:47])
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


@pytest.mark.slow
def test_all_goes_on_where_it_was_interrupted_and_tells_the_time_it_takes(data_root, runs, monkeypatch, capsys):
    short = TrainConfig((Stage(2, 2e-3),))
    small = {name: replace(PRESETS[name], train=short) for name in ("vae-dense-2d", "vae-dense")}
    monkeypatch.setattr(cli, "PRESETS", small)
    call = ["all", "--data-dir", str(data_root), "--accelerator", "cpu"]
    assert train.main(call) == 0
    assert "vae-dense: 0 of 2 epochs done, time unknown left" in capsys.readouterr().out
    whole = (runs / "vae-dense" / "model.safetensors").read_bytes()
    (runs / "vae-dense" / "training.safetensors").unlink()
    cli.train(cli.parser().parse_args(["vae-dense-2d", *call[1:], "--overwrite"]))
    assert train.main(call) == 0
    out = capsys.readouterr().out
    assert "vae-dense-2d: done" in out and "vae-dense: 0 of 2 epochs done, about 0 min left" in out
    assert (runs / "vae-dense" / "model.safetensors").read_bytes() == whole
    assert train.main(call) == 0
    assert capsys.readouterr().out.count(": done") == 2
    assert train.main([*call, "--epochs", "3"]) == 2
    assert "no settings of a single model" in capsys.readouterr().err


def test_resuming_with_other_settings_is_refused(data_root, runs, capsys):
    learn(data_root, "--name", "a", "--epochs", "1")
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

    def fit(name: str, *options: str, **changes) -> tuple[dict, list[dict]]:
        preset = PRESETS[name]
        short = replace(preset.train, **{"batch_size": 128} | changes)
        small = replace(preset.model, widths=(4, 4), blocks=(1, 1), latent_dim=4, flow_width=8)
        monkeypatch.setitem(PRESETS, name, replace(preset, train=short, model=small))
        assert train.main([name, "--data-dir", str(data_root), "--accelerator", "cpu", *options]) == 0
        return load_file(runs / name / "model.safetensors"), history(runs / name)

    monkeypatch.setattr(checkpoints, "write_tensors", save)
    return fit, states


def averages(state: bytes) -> dict[str, torch.Tensor]:
    """Return the averaged weights that a training state holds, in the precision in which they are published."""
    return {k.removeprefix("average."): run_state.halved(v) for k, v in load(state).items() if k.startswith("average.")}


def resumed_runs_end_the_same(fit, states, name: str, state, stages: list[Stage], kept: tuple[int, ...]) -> None:
    whole, rows = load_file(state.parent / "model.safetensors"), history(state.parent)
    saved = list(states)
    for epoch in kept:
        state.write_bytes(saved[epoch])  # as if killed after it
        again, rows_again = fit(name, "--resume", stages=tuple(stages))
        assert rows_again == rows and all(torch.equal(whole[key], again[key]) for key in whole)


@pytest.mark.slow
def test_the_priors_own_stage_leaves_the_rest_as_it_was_and_resumes(stages, runs):
    fit, states = stages
    listed = [Stage(1, 1.7e-3), Stage(3, 1e-3, "prior", samples=8)]
    whole, rows = fit("cvae-conv", stages=tuple(listed))
    after_joint = averages(states[0])
    same = {key: torch.equal(whole[key], after_joint[key]) for key in whole}
    assert all(same[key] for key in whole if "flow" not in key) and not all(same.values())
    assert [row["train_nll"] is None for row in rows] == [False, True, True, True]
    state = runs / "cvae-conv" / "training.safetensors"
    # between the stages, and within the second
    resumed_runs_end_the_same(fit, states, "cvae-conv", state, listed, (0, 2))


@pytest.mark.slow
def test_the_weighted_bound_is_maximised_last_and_resumes(stages, runs):
    fit, states = stages
    listed = [Stage(1, 1.7e-3), Stage(3, 1.2e-3, "weighted", samples=2)]
    whole, rows = fit("cvae-conv", stages=tuple(listed))
    assert len(rows) == 4 and all(row["train_nll"] for row in rows)
    state = runs / "cvae-conv" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "cvae-conv", state, listed, (0, 2))


@pytest.mark.slow
def test_a_posterior_bends_after_the_first_cycle_alone_and_resumes(stages, runs):
    fit, states = stages
    listed = [*BENT]
    whole, rows = fit("cvae-inpaint", stages=BENT)
    assert [row["train_nll"] is None for row in rows] == [False, True, False, False, True]
    flow = [key for key in whole if key.startswith("posterior_flow") and "shuffles" not in key]
    straight = {
        k: run_state.halved(v)
        for k, v in build_model(checkpoints.load_preset("cvae-inpaint").model).state_dict().items()
    }
    last = [key for key in flow if key.split(".")[-2] == "4"]  # zero at first, so that the flow only shuffles
    for state in states[:2]:
        assert all(torch.equal(averages(state)[key], straight[key]) for key in last)
    assert any(not torch.equal(whole[key], straight[key]) for key in last)
    state = runs / "cvae-inpaint" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "cvae-inpaint", state, listed, (1, 2))


def test_stages_follow_one_another_each_with_a_cycle_of_its_own():
    first, prior, last = Stage(4, 2e-3, frozen="posterior_flow"), Stage(1, 1e-4, "prior"), Stage(2, 1e-3)
    spans = schedule.spans(TrainConfig((first, prior, last, prior)))
    assert spans == [Span(0, 4, first), Span(4, 5, prior), Span(5, 7, last), Span(7, 8, prior)]
    ends = [(span, epochs) for span in spans for epochs in (span.first + 0.1 * span.stage.epochs, span.last)]
    rates = [schedule.rate(span, epochs) for span, epochs in ends]
    assert rates == pytest.approx([2e-3, 2e-6, 1e-4, 1e-7, 1e-3, 1e-6, 1e-4, 1e-7])


@pytest.mark.slow
def test_what_dropout_draws_is_the_same_in_a_resumed_run(stages, runs):
    fit, states = stages
    listed = [Stage(4, 2e-3)]
    fit("judge", stages=tuple(listed))
    state = runs / "judge" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "judge", state, listed, (0, 2))


def test_an_average_without_memory_is_the_model_at_the_end_of_every_epoch(stages):
    fit, states = stages
    # ten steps: the last two come after the last regular look
    fit("vae-dense", stages=(Stage(2, 3e-3),), batch_size=50, ema_decay=0.0)
    for state in map(load, states):
        kept = {part: {k: v for k, v in state.items() if k.startswith(part)} for part in ("model.", "average.")}
        assert all(torch.equal(v, kept["average."]["average." + k[6:]]) for k, v in kept["model."].items())


def test_weights_are_halved_where_their_range_allows_it():
    assert run_state.halved(torch.tensor([65000.0])).dtype == torch.float16
    assert run_state.halved(torch.tensor([66000.0])).dtype == torch.float32
    assert run_state.halved(torch.tensor([3])).dtype == torch.int64


@pytest.mark.slow
def test_an_autoencoder_learns_from_refined_codes_last_and_resumes(stages, runs):
    fit, states = stages
    listed = [Stage(2), Stage(3, 1e-3, "refined")]
    whole, rows = fit("ae-dense", stages=tuple(listed))
    norms = [key for key in whole if "running" in key]
    assert norms and all(torch.equal(averages(states[1])[key], whole[key]) for key in norms)
    state = runs / "ae-dense" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "ae-dense", state, listed, (1, 3))


@pytest.fixture
def heads(monkeypatch):
    """A preset whose last stage has a critic, of digits and small."""
    preset = PRESETS["ae-faces"]
    small = {"image_shape": (1, 28, 28), "widths": (4, 4), "decoder_widths": (4, 4), "blocks": (1, 1), "latent_dim": 4}
    model = replace(preset.model, **small)
    monkeypatch.setitem(PRESETS, "ae-faces", replace(preset, model=model, data=DataConfig("mnist", n_validation=40)))
    monkeypatch.setattr(critic, "WIDTHS", (4, 4, 4))
    return model


@pytest.mark.slow
def test_a_critic_teaches_in_the_last_stage_resumes_and_is_not_published(heads, stages, runs):
    fit, states = stages
    listed = [Stage(1, 1e-3, "detailed"), Stage(3, 1e-3, "adversarial")]
    whole, rows = fit("ae-faces", stages=tuple(listed))
    critics = [{k for k in load(state) if k.startswith("critic.")} for state in states]
    assert not critics[0] and critics[1] and not any("critic" in key for key in whole)
    assert set(whole) == set(build_model(PRESETS["ae-faces"].model).state_dict())
    assert len({row["val_nll"] for row in rows}) == 4
    state = runs / "ae-faces" / "training.safetensors"
    resumed_runs_end_the_same(fit, states, "ae-faces", state, listed, (0, 1, 2))


@pytest.mark.slow
def test_a_state_without_the_critic_of_its_stage_is_damaged(heads, stages, runs, capsys):
    fit, states = stages
    listed = Stage(1, 1e-3, "detailed"), Stage(2, 1e-3, "adversarial")
    fit("ae-faces", stages=listed)
    state = runs / "ae-faces" / "training.safetensors"
    state.write_bytes(states[1])
    with safe_open(state, "pt") as file:
        metadata = file.metadata()
    save_file({k: v for k, v in load(states[1]).items() if not k.startswith("critic.")}, state, metadata)
    with pytest.raises(AssertionError):
        fit("ae-faces", "--resume", stages=listed)
    assert "training.safetensors is damaged" in capsys.readouterr().err


def test_a_critic_learns_to_tell_and_a_decoder_to_pass(heads):
    torch.manual_seed(0)
    model, x = build_model(heads).eval(), torch.rand(8, 1, 28, 28)
    judge = critic.make(heads, 0)
    given = x, torch.zeros(8, dtype=torch.long), torch.zeros(1, 8, 4), 1.0
    loss, _, _ = objectives.OBJECTIVES["adversarial"].terms(model, *given, judge.eval())
    loss.backward()
    taught = [p.grad.clone() for p in judge.parameters()]
    judge.zero_grad()
    x_hat = model.decode(model.encode(x).mode()).detach()
    critic.hinge(judge(x)[-1], judge(x_hat)[-1]).backward()  # what it learns from alone: nothing of the decoder's wish
    for a, b in zip(taught, judge.parameters(), strict=True):
        torch.testing.assert_close(a, b.grad)
    pulled = [p.grad.clone() for p in model.decoder.parameters()]
    model.zero_grad()
    objectives.detailed(model, *given)[0].backward()
    assert any(not torch.allclose(a, p.grad) for a, p in zip(pulled, model.decoder.parameters(), strict=True))


def test_the_same_seed_makes_the_same_critic(heads):
    before = torch.get_rng_state()
    one, two, other = (critic.make(heads, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow
def test_codes_of_a_model_that_is_told_do_not_say_it_again():
    torch.manual_seed(0)
    x, y = torch.rand(64, 1, 8, 8), torch.arange(64) % 2
    x[y == 1, :, :4] += 1  # seen at once in the picture
    shape = {"image_shape": (1, 8, 8), "widths": (16,), "latent_dim": 3, "n_classes": 2}
    shown = {}
    for name in ("detailed", "told"):
        torch.manual_seed(0)
        model = build_model(ModelConfig("cvae", "dense", likelihood="gaussian", **shape))
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(200):
            optimizer.zero_grad()
            objectives.OBJECTIVES[name].terms(model, x, y, torch.randn(1, 64, 3), 1.0)[0].backward()
            optimizer.step()
        codes = model.encode(x, y).mode().detach()
        shown[name] = float((codes[y == 1].mean(0) - codes[y == 0].mean(0)).norm())
    assert shown["told"] < 0.2 and shown["detailed"] > 1


def test_refined_codes_decode_better_and_teach_encoder_and_decoder():
    torch.manual_seed(0)
    model = build_model(ModelConfig(family="autoencoder", network="dense", latent_dim=4, widths=(16,))).eval()
    x = torch.rand(8, 1, 28, 28)
    given = x, torch.zeros(8, dtype=torch.long), torch.zeros(1, 8, 4), 1.0
    _, plain, _ = objectives.elbo(model, *given)
    loss, refined, _ = objectives.refined(model, *given)
    assert (refined < plain).all()
    assert all(p.grad is None for p in model.parameters())  # refining leaves nothing behind
    loss.backward()
    assert all(p.grad.abs().sum() > 0 for part in (model.encoder, model.decoder) for p in part.parameters())


@pytest.mark.parametrize(
    "name, stage, said",
    [
        ("vae-conv", Stage(objective="refined"), "'refined' needs the codes of an autoencoder; got it for vae-conv"),
        ("ae-dense", Stage(objective="weighted"), "needs a model of family vae or cvae whose posterior is a plain"),
        ("cvae-inpaint", Stage(objective="weighted"), "got it for cvae-inpaint, of family inpainting"),
        ("judge", Stage(objective="elbo"), "objective 'elbo' needs a model with an encoder, a z and a decoder"),
        ("ae-dense", Stage(objective="adversarial"), "needs a model with an encoder, a z and a decoder, of likelihood"),
        ("cvae-inpaint", Stage(objective="detailed"), "pictures of 8x8 pixels or more; got it for cvae-inpaint"),
        ("ae-faces", Stage(objective="told"), "pictures of 8x8 pixels or more, and takes labels; got it for ae-faces"),
        ("ae-faces", Stage(objective="adversarial", frozen="decoder"), "teaches the decoder; ae-faces has it"),
        ("vae-dense", Stage(objective="prior"), "objective 'prior' needs flow_layers of 1 or more"),
        ("vae-dense", Stage(objective="magic"), "objective must be one of elbo, clean picture, class, ink, prior"),
        ("cvae-conv", Stage(frozen="posterior_flow"), "a part of the model; cvae-conv has no 'posterior_flow'"),
    ],
)
def test_a_stage_that_does_not_fit_the_model_is_refused_before_the_work(name, stage, said):
    preset = replace(PRESETS[name], train=replace(PRESETS[name].train, stages=(Stage(), stage)))
    with pytest.raises(ValueError, match=re.escape(said)):
        training.check(preset, 1000, 1)


@pytest.mark.parametrize("objective", ["detailed", "adversarial"])
@pytest.mark.parametrize("size, fits", [((1, 1), False), ((28, 3), False), ((7, 28), False), ((8, 9), True)])
def test_pictures_have_the_pixels_that_are_compared(objective, size, fits):
    config = ModelConfig(
        family="autoencoder", likelihood="gaussian", image_shape=(1, *size), latent_dim=2, widths=(4,), norm="batch"
    )
    preset = Preset("small", "small", config, DataConfig(), TrainConfig((Stage(1, 1e-3, objective),)))
    if not fits:
        with pytest.raises(ValueError, match="that sees whole pictures of 8x8 pixels or more; got it for small"):
            training.check(preset, 4, 1)
        return
    training.check(preset, 4, 1)
    judge = [critic.make(config, 0)] if objective == "adversarial" else []
    given = torch.rand(2, 1, *size), torch.zeros(2, dtype=torch.long), torch.zeros(1, 2, 2), 1.0
    loss, *_ = objectives.OBJECTIVES[objective].terms(build_model(config), *given, *judge)
    loss.backward()
    assert loss.isfinite()


@pytest.mark.parametrize("name", PRESETS)
def test_the_stages_of_every_preset_fit_its_model(name):
    training.check(PRESETS[name], 1000, 1)


def test_fewer_epochs_shorten_the_weighted_stage_too(capsys):
    preset = PRESETS["cvae-conv"]
    arguments = cli.parser().parse_args(["cvae-conv", "--epochs", "4"])
    short = with_overrides(preset, arguments).train
    assert short.stages == (Stage(4, 1.7e-3), Stage(6, 1.2e-3, "weighted", samples=8))


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
    from cvae.validation import settle

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


@pytest.mark.slow
def test_pictures_of_chosen_epochs_are_kept_and_survive_a_resumed_run(stages, runs):
    fit, states = stages
    fit("cvae-inpaint", stages=BENT)
    folder = runs / "cvae-inpaint"
    epochs, kept = progress.load(folder, (1, 28, 28))
    assert epochs == [1, 2, 4, 5]  # the watched ones, and the last
    assert (
        kept["reconstructions"].shape == kept["samples"].shape == (4, 20, 28, 28, 1)
        and kept["samples"].dtype == np.uint8
    )
    assert not np.array_equal(kept["samples"][0], kept["samples"][-1])
    (folder / "training.safetensors").write_bytes(states[1])
    fit("cvae-inpaint", "--resume", stages=BENT)
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


@pytest.mark.parametrize(
    "most, gradient, after",
    [(10.0, [3.0, 4.0], [3.0, 4.0]), (10.0, [30.0, 40.0], [6.0, 8.0]), (0.0, [3e9, 4e9], [3e9, 4e9])],
)
def test_gradients_are_clipped_where_they_are_too_long(most, gradient, after):
    preset = Preset("a", "", train=TrainConfig(clip=most))
    fabric, model = Fabric(accelerator="cpu", devices=1), torch.nn.Linear(2, 1, bias=False)
    model, optimizer = fabric.setup(model, torch.optim.AdamW(model.parameters()))
    weight = next(model.parameters())
    weight.grad = torch.tensor([gradient])
    work = SimpleNamespace(fabric=fabric, learner=model, optimizer=optimizer, preset=preset)
    steps.clip(work, [weight])
    assert torch.allclose(weight.grad, torch.tensor([after]))
    weight.grad = torch.full_like(weight, torch.nan)
    with pytest.raises(RuntimeError, match="non-finite"):
        steps.clip(work, [weight])


def cut(content: bytes) -> bytes:
    return content[:-100]


def told(content: bytes) -> bytes:
    """Return a state whose history holds what are no numbers."""
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].replace(b'\\"val_nll\\": ', b'\\"val_nul\\": ')
    return content[:8] + header + content[8 + length :]


@pytest.mark.parametrize(
    "harm",
    [cut, told, lambda _: b"", lambda _: bytes(4), lambda _: b"\xff" * 5000, lambda state: state[:8] + b"[" * 9000],
    ids=["cut", "other history", "empty", "zeros", "noise", "nested"],
)
def test_a_damaged_state_is_told_in_one_line_and_left_as_it_is(stages, runs, data_root, capsys, harm):
    fit, _ = stages
    fit("vae-dense-2d", "--name", "vae-dense-2d", stages=(Stage(1),))
    path = runs / "vae-dense-2d" / "training.safetensors"
    path.write_bytes(harm(path.read_bytes()))
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    capsys.readouterr()
    assert train.main(["vae-dense-2d", "--data-dir", str(data_root), "--accelerator", "cpu", "--resume"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert "training.safetensors is damaged" in said[-1] and "--overwrite" in said[-1]
    assert not any("Traceback" in line for line in said)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before
