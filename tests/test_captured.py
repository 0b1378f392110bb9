"""The steps that a CUDA graph holds learn what the plain loop learns: one by one on a CPU, and captured on a card."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from cvae import batches, captured, critic, data, objectives, schedule, steps, training
from cvae.config import DataConfig, Stage, TrainConfig
from cvae.models import build_model
from cvae.presets import PRESETS
from cvae.schedule import Span
from cvae.steps import Work

QUIET = {"disable": True}
JOINT, PRIOR = Stage(2, 2e-3), Stage(2, 1e-3, "prior", samples=8)


def small(name: str, **changes):
    """Return a preset of few weights and one short stage."""
    preset = PRESETS[name]
    train = replace(preset.train, **{"stages": (Stage(2, preset.train.lr),), "batch_size": 64} | changes)
    depth = len(preset.model.widths)
    model = replace(preset.model, widths=(4,) * depth, blocks=(1,) * depth, latent_dim=4, flow_width=8, linear=False)
    if preset.model.decoder_widths:
        model = replace(model, decoder_widths=(4,) * len(preset.model.decoder_widths))
    return replace(preset, model=model, train=train)


def started(preset, span, images, device: str = "cpu") -> Work:
    """Return what a stage of a training begins with, always the same."""
    torch.manual_seed(0)
    fabric = Fabric(accelerator=device, devices=1)
    model = build_model(preset.model)
    average = build_model(preset.model).to(fabric.device).requires_grad_(False)
    average.load_state_dict(model.state_dict())
    objective = objectives.of(span.stage, preset.model)
    judge = critic.make(preset.model, 0) if objective.critic else None
    learner = objectives.Learner(model, objective, judge)
    learner, optimizer = fabric.setup(learner, training.optimizer_of(model, preset, span, judge))
    return Work(preset, span, images, fabric, learner, optimizer, average)


def pictures(preset, data_root):
    """Return the pictures that a preset trains on; of faces some that were drawn by chance."""
    if preset.data.dataset == "mnist":
        return data.training_split(preset.data, (1, 28, 28), data_root)[0]
    noise = torch.randint(256, (192, *preset.model.image_shape), generator=torch.Generator().manual_seed(0))
    return data.ImageSet(noise.byte(), torch.arange(192) % 2, preset.classes)


ADVERSARIAL = Span(0, 2, Stage(2, 1e-3, "adversarial"))
SPANS = {
    "joint": ("cvae-conv", Span(0, 2, JOINT)),
    "prior": ("cvae-conv", Span(2, 4, PRIOR)),
    "weighted": ("cvae-conv", Span(2, 4, Stage(2, 1e-3, "weighted", samples=3))),
    "holes": ("cvae-inpaint", Span(0, 2, JOINT)),
    "holes, prior": ("cvae-inpaint", Span(2, 4, PRIOR)),
    "critic": ("ae-faces", ADVERSARIAL),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "span"), SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("clip", [20.0, 0.0])
def test_a_step_as_the_graph_holds_it_learns_what_the_loop_learns(name, span, clip, data_root, monkeypatch):
    preset = small(name, clip=clip)
    preset = replace(preset, data=replace(preset.data, movement=1.0, elastic=0.5))
    images = pictures(preset, data_root)
    loop, body = (started(preset, span, images) for _ in range(2))
    held = captured.Steps(body)

    def draw(rows, movement):
        step = epoch * held.count + int(held.place)
        return batches.draw(images[rows], preset, step, body.fabric, span.stage.samples, float(movement))

    monkeypatch.setattr(held, "draw", draw)
    for epoch in range(span.first, span.last):
        plain = steps.epoch(loop, epoch, tqdm(**QUIET))
        taken = held.epoch(epoch, tqdm(**QUIET))
        torch.testing.assert_close(plain, taken, rtol=1e-4, atol=1e-2, equal_nan=True)
    for one, other in ((loop.learner, body.learner), (loop.average, body.average)):
        for key, value in one.state_dict().items():
            torch.testing.assert_close(value, other.state_dict()[key], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["cvae-inpaint", "ae-faces", "cvae-faces"])
def test_a_step_draws_where_its_pictures_lie_what_a_model_is_given(name, data_root):
    preset = small(name)
    images = pictures(preset, data_root)
    held = captured.Steps(started(preset, Span(0, 2, JOINT), images))
    held.prepare(0)
    x, given, noise = held.draw(held.rows[0], torch.ones(()))
    assert x.shape == (64, *preset.model.image_shape) and noise.shape == (1, 64, 4)
    if name == "cvae-inpaint":
        visible = given[:, 1:]
        assert torch.equal(given[:, :1], x * visible) and 0 < visible.mean() < 1
        assert len(visible.flatten(1).unique(dim=0)) > 32
    else:
        assert torch.equal(given, images.labels[held.rows[0]])


def test_the_same_seed_lays_out_the_same_batches_and_another_epoch_others(data_root):
    preset = small("vae-dense")
    images, _ = data.training_split(preset.data, (1, 28, 28), data_root)
    held = captured.Steps(started(preset, Span(0, 2, JOINT), images))
    seen = []
    for epoch in (0, 1, 0):
        held.prepare(epoch)
        seen.append(held.rows.clone())
        assert torch.equal(held.rows, torch.stack(schedule.batches(len(images), epoch, preset.train)))
    assert torch.equal(seen[0], seen[2]) and not torch.equal(seen[0], seen[1])


def test_a_gradient_that_is_no_number_stops_the_training(data_root, monkeypatch):
    preset = small("cvae-conv")
    images, _ = data.training_split(preset.data, (1, 28, 28), data_root)
    held = captured.Steps(started(preset, Span(0, 2, JOINT), images))
    monkeypatch.setattr(data, "varied", lambda x, *_: x * torch.nan)
    with pytest.raises(RuntimeError, match="non-finite"):
        held.epoch(0, tqdm(**QUIET))


def test_what_waits_for_the_processor_is_not_captured():
    def fits(name, device="cuda", world_size=1, precision="32-true", objective="", **changes):
        strategy = SimpleNamespace(precision=SimpleNamespace(precision=precision))
        fabric = SimpleNamespace(device=torch.device(device), world_size=world_size, strategy=strategy)
        preset = replace(PRESETS[name], data=replace(PRESETS[name].data, **changes))
        return captured.fits(preset, Stage(1, 1e-3, objective), fabric)

    assert fits("cvae-conv") and fits("cvae-conv", precision="bf16-mixed") and fits("vae-dense-2d", movement=1.0)
    assert not fits("cvae-conv", device="cpu") and not fits("cvae-conv", world_size=2)
    assert not fits("cvae-conv", precision="16-mixed") and not fits("ae-dense", objective="refined")
    assert fits("cvae-inpaint") and fits("ae-faces", objective="adversarial") and fits("ae-conv-faces")
    assert not fits("dae-conv") and not fits("ink") and not fits("smile-judge")


def test_movement_falls_to_nothing_before_the_end():
    for stages in ([Stage(100)], [Stage(60), PRIOR, Stage(40, 1e-3, "weighted")]):
        preset = replace(PRESETS["cvae-conv"], train=TrainConfig(tuple(stages)))
        shares = [schedule.movement(preset, stages[-1], epochs) for epochs in (0, 20, 40, 60, 80, 90, 120)]
        assert shares == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0, 0])
        assert schedule.movement(preset, PRIOR, 0) == 0
    x = torch.rand(4, 1, 28, 28)
    vary = DataConfig(movement=1.0, elastic=0.5)
    moved = [data.varied(x, vary, s, torch.Generator().manual_seed(0)) for s in (0.0, 1e-3, 1.0)]
    assert torch.equal(moved[0], x)
    assert (moved[1] - x).abs().mean() < 0.01 < (moved[2] - x).abs().mean()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("name", "span"), SPANS.values(), ids=SPANS)
def test_a_captured_epoch_learns_what_its_steps_learn_one_by_one(name, span, data_root):
    preset = small(name)
    images = pictures(preset, data_root)
    ends = []
    for capture in (True, False):
        held = captured.Steps(work := started(preset, span, images, "cuda"))
        if not capture:
            held.graph = SimpleNamespace(replay=held.step)
        sums = [held.epoch(epoch, tqdm(**QUIET)) for epoch in range(span.first, span.last)]
        ends.append((sums, {**work.learner.state_dict(), **work.average.state_dict()}))
    torch.testing.assert_close(*(sums for sums, _ in ends), rtol=1e-3, atol=1e-1, equal_nan=True)
    if span is not ADVERSARIAL:  # two that learn from each other make much of rounding
        torch.testing.assert_close(*(weights for _, weights in ends), rtol=1e-2, atol=1e-3)
