"""The steps that a CUDA graph holds learn what the plain loop learns: one by one on a CPU, and captured on a card."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from cvae import captured, data, schedule, training
from cvae.config import DataConfig, TrainConfig
from cvae.models import build_model
from cvae.presets import PRESETS
from cvae.schedule import Stage

QUIET = {"disable": True}


def small(name: str, **changes):
    """Return a preset of few weights and one short stage of each kind that it has."""
    preset = PRESETS[name]
    train = replace(preset.train, **{"epochs": 2, "batch_size": 64, "prior_epochs": 0, "weighted_epochs": 0} | changes)
    model = replace(preset.model, widths=(4, 4), blocks=(1, 1), latent_dim=4, flow_width=8)
    return replace(preset, model=model, train=train)


def started(preset, stage, device: str = "cpu"):
    """Return what a stage of a training begins with: Fabric, objective, optimizer and average, always the same."""
    torch.manual_seed(0)
    fabric = Fabric(accelerator=device, devices=1)
    model = build_model(preset.model)
    average = build_model(preset.model).to(fabric.device).requires_grad_(False)
    average.load_state_dict(model.state_dict())
    objective = training.Objective(model, stage.prior_only, weighted=stage.weighted)
    objective, optimizer = fabric.setup(objective, training._optimizer(model, stage, preset.train))
    return fabric, objective, optimizer, average


@pytest.mark.parametrize(
    "stage",
    [Stage(0, 2, 2e-3), Stage(2, 4, 1e-3, prior_only=True), Stage(2, 4, 1e-3, weighted=True)],
    ids=["joint", "prior", "weighted"],
)
def test_a_step_as_the_graph_holds_it_learns_what_the_loop_learns(stage, data_root, monkeypatch):
    preset = small("cvae-conv", weighted_samples=3, clip=20.0)
    preset = replace(preset, data=replace(preset.data, movement=1.0, elastic=0.5))
    images, _ = data.training_split(preset.data, (1, 28, 28), data_root)
    loop, body = (started(preset, stage) for _ in range(2))
    steps = captured.Steps(preset, stage, images, *body)
    k = schedule.samples(preset.train, stage)

    def draw(rows, movement):
        step = epoch * steps.count + int(steps.place)
        return training._draw(images[rows], preset, step, body[0], k, float(movement))

    monkeypatch.setattr(steps, "draw", draw)
    for epoch in range(stage.first, stage.last):
        plain = training._train_epoch(preset, stage, images, *loop, epoch, tqdm(**QUIET))
        taken = steps.epoch(epoch, tqdm(**QUIET))
        torch.testing.assert_close(plain[0], taken[0], rtol=1e-4, atol=1e-2, equal_nan=True)
        assert plain[1] == pytest.approx(taken[1])
    for one, other in ((loop[1], body[1]), (loop[3], body[3])):
        for key, value in one.state_dict().items():
            torch.testing.assert_close(value, other.state_dict()[key], atol=2e-4, rtol=1e-3)


def test_the_same_seed_lays_out_the_same_batches_and_another_epoch_others(data_root):
    preset, stage = small("vae-dense"), Stage(0, 2, 1e-3)
    images, _ = data.training_split(preset.data, (1, 28, 28), data_root)
    steps = captured.Steps(preset, stage, images, *started(preset, stage))
    seen = []
    for epoch in (0, 1, 0):
        steps.prepare(epoch)
        seen.append(steps.rows.clone())
        assert torch.equal(steps.rows, torch.stack(schedule.batches(len(images), epoch, preset.train)))
    assert torch.equal(seen[0], seen[2]) and not torch.equal(seen[0], seen[1])


def test_a_gradient_that_is_no_number_stops_the_training(data_root, monkeypatch):
    preset, stage = small("cvae-conv"), Stage(0, 2, 1e-3)
    images, _ = data.training_split(preset.data, (1, 28, 28), data_root)
    steps = captured.Steps(preset, stage, images, *started(preset, stage))
    monkeypatch.setattr(data, "varied", lambda x, *_: x * torch.nan)
    with pytest.raises(RuntimeError, match="non-finite"):
        steps.epoch(0, tqdm(**QUIET))


def test_what_waits_for_the_processor_is_not_captured():
    def fits(name, device="cuda", world_size=1, precision="32-true", refines=False, **changes):
        strategy = SimpleNamespace(precision=SimpleNamespace(precision=precision))
        fabric = SimpleNamespace(device=torch.device(device), world_size=world_size, strategy=strategy)
        preset = replace(PRESETS[name], data=replace(PRESETS[name].data, **changes))
        return captured.fits(preset, Stage(0, 1, 1e-3, refines=refines), fabric)

    assert fits("cvae-conv") and fits("cvae-conv", precision="bf16-mixed") and fits("vae-dense-2d", movement=1.0)
    assert not fits("cvae-conv", device="cpu") and not fits("cvae-conv", world_size=2)
    assert not fits("cvae-conv", precision="16-mixed") and not fits("ae-dense", refines=True)
    assert not fits("cvae-inpaint") and not fits("dae-conv") and not fits("ae-conv-faces")


def test_movement_falls_to_nothing_before_the_end():
    for config in (TrainConfig(epochs=100), TrainConfig(epochs=60, weighted_epochs=40)):
        stage = schedule.stages(config)[-1]
        shares = [schedule.movement(config, stage, epochs) for epochs in (0, 20, 40, 60, 80, 90, 120)]
        assert shares == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0, 0])
        assert schedule.movement(config, replace(stage, prior_only=True), 0) == 0
    x = torch.rand(4, 1, 28, 28)
    vary = DataConfig(movement=1.0, elastic=0.5)
    moved = [data.varied(x, vary, s, torch.Generator().manual_seed(0)) for s in (0.0, 1e-3, 1.0)]
    assert torch.equal(moved[0], x)
    assert (moved[1] - x).abs().mean() < 0.01 < (moved[2] - x).abs().mean()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("stage", [Stage(0, 2, 2e-3), Stage(2, 4, 1e-3, prior_only=True)])
def test_a_captured_epoch_learns_what_its_steps_learn_one_by_one(stage, data_root):
    preset = small("cvae-conv")
    images, _ = data.training_split(preset.data, (1, 28, 28), data_root)
    ends = []
    for capture in (True, False):
        steps = captured.Steps(preset, stage, images, *(given := started(preset, stage, "cuda")))
        if not capture:
            steps.graph = SimpleNamespace(replay=steps.step)
        sums = [steps.epoch(epoch, tqdm(**QUIET))[0] for epoch in range(stage.first, stage.last)]
        ends.append((sums, {**given[1].state_dict(), **given[3].state_dict()}))
    torch.testing.assert_close(*(sums for sums, _ in ends), rtol=1e-3, atol=1e-1, equal_nan=True)
    torch.testing.assert_close(*(weights for _, weights in ends), rtol=1e-2, atol=1e-3)
