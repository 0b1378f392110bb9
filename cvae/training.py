"""Fitting a preset: one explicit loop on Lightning Fabric, the same on a CPU, a GPU and several machines."""

import copy
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from cvae import captured, checkpoints, critic, objectives, progress, run_state, schedule, steps, validation
from cvae.commands import Failed
from cvae.config import Preset
from cvae.data import ImageSet, some
from cvae.models import build_model
from cvae.objectives import Learner
from cvae.run_state import Row, RunState
from cvae.schedule import Span
from cvae.steps import Work

WATCHED = (1, 2, 4, 8, 16, 32, 64, 128)  # epochs whose pictures are kept, and the last


class Diverged(Failed):
    """A training whose loss is no number any more."""


@dataclass(frozen=True)
class Training:
    """What is trained, on what, into which folder."""

    preset: Preset
    train: ImageSet
    validation: ImageSet
    folder: Path
    fabric: Fabric
    compiled: bool


def fit(
    preset: Preset,
    train: ImageSet,
    validation: ImageSet,
    folder: Path,
    fabric: Fabric,
    resume: bool = False,
    compiled: bool = False,
) -> list[Row]:
    """Train `preset` into `folder` and return its history, one row per epoch; `compiled`: by torch.compile.

    After each epoch: config.json, model.safetensors (averaged weights, half precision), history.csv and the state that
    `resume` continues from. Randomness depends on the seed, the epoch and the step alone, so that a resumed run and a
    run on several processes see the same batches and the same noise. ValueError where settings and state do not fit;
    Diverged where the loss ceases to be a number. A folder that this made and where no epoch was saved is removed.
    """
    new = not folder.exists()
    check(preset, len(train), fabric.world_size)
    try:
        return _fit(Training(preset, train, validation, folder, fabric, compiled), resume)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "allocate" in str(error):  # so says torch, of any device
            remedy = "choose a smaller --batch-size or a smaller model"
            raise Failed(f"{preset.name} does not fit into the memory: {remedy}.") from error
        raise
    finally:
        whole = all((folder / name).is_file() for name in (checkpoints.CONFIG, checkpoints.WEIGHTS))
        if new and not whole and fabric.is_global_zero:
            shutil.rmtree(folder, ignore_errors=True)


def check(preset: Preset, n: int, processes: int) -> None:
    """Raise ValueError unless the model can be trained in each stage, and batches of n pictures can be shared."""
    with torch.random.fork_rng(devices=[]):
        model = build_model(preset.model)
    objectives.check(preset, model)
    size = min(preset.train.batch_size, n)
    of = f"{n:,} training pictures" if size == n else f"--batch-size {size}"
    if preset.train.batch_size % processes:
        rule = f"must be divisible by the number of processes, {processes}"
        raise ValueError(f"--batch-size {preset.train.batch_size} {rule}.")
    if size < processes:
        raise ValueError(f"every process needs a training picture; {of} cannot be shared by {processes}.")
    normed = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules())
    if normed and size // processes < 2:
        among = f" over {processes} processes" if processes > 1 else ""
        needed = "BatchNorm, which compares pictures: each batch needs at least 2 of them"
        raise ValueError(f"{preset.name} has {needed}; {of}{among} gives 1.")


def _fit(training: Training, resume: bool) -> list[Row]:
    state, config = _started(training, resume), training.preset.train
    n = schedule.steps(len(training.train), config)
    total, done = schedule.total(config) * n, len(state.history) * n
    with tqdm(total=total, initial=done, unit="batch", disable=not training.fabric.is_global_zero) as bar:
        for span in schedule.spans(config):
            if len(state.history) < span.last:
                _fit_stage(training, state, span, bar)
    return state.history


def _started(training: Training, resume: bool) -> RunState:
    """Return what the training sets out from: fresh weights, or the state of its folder."""
    preset, fabric = training.preset, training.fabric
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(preset.train.seed)
        model = build_model(preset.model)
        if preset.model.linear and not resume:
            model.start_linear(some(training.train).pixels())
    state = RunState(model, copy.deepcopy(model).to(fabric.device).requires_grad_(False))
    if resume:
        run_state.load(training.folder, preset, state)
        if fabric.is_global_zero:  # a kill may have come between the state and what it publishes
            run_state.publish(training.folder, preset, state)
    return state


def _fit_stage(training: Training, state: RunState, span: Span, bar: tqdm) -> None:
    if 0 < len(state.history) == span.first:
        state.model.load_state_dict(state.average.state_dict())  # go on from the weights that would be shipped
    work = _set_up(training, state, span)
    if span.first < len(state.history):
        run_state.give_moments(work.optimizer, state.moments, training.folder)
    fits = captured.fits(training.preset, span.stage, training.fabric)
    take = captured.Steps(work).epoch if fits else partial(steps.epoch, work)
    for epoch in range(max(span.first, len(state.history)), span.last):
        row = _trained(work, take, epoch, bar) | _measured(training, work)
        if not all(value is not None and math.isfinite(value) for value in (row["val_nll"], row["val_kl"])):
            raise _diverged(training.preset, epoch)
        state.history.append({key: row[key] for key in run_state.COLUMNS})
        bar.set_postfix(epoch=epoch + 1, val_nll=f"{row['val_nll']:.2f}", val_kl=f"{row['val_kl']:.2f}")
        if training.fabric.is_global_zero:
            _keep(training, state, work)
        training.fabric.barrier()


def _set_up(training: Training, state: RunState, span: Span) -> Work:
    """Return a stage ready for its steps: what it does not train frozen, the learner compiled where that is asked."""
    preset, fabric = training.preset, training.fabric
    objective = objectives.of(span.stage, preset.model)
    if objective.critic and state.critic is None:
        if span.first < len(state.history):  # one has learned in this stage already
            raise run_state.damaged(training.folder / run_state.STATE)
        state.critic = critic.make(preset.model, preset.train.seed)
    beside = state.critic if objective.critic else None
    optimizer = optimizer_of(state.model, preset, span, beside)
    learner = Learner(state.model, objective, beside)
    if training.compiled and not objective.nested:
        torch.compiler.reset()  # it keeps but a few versions of one function: each model and stage is another
        learner.compile()
    learner, optimizer = fabric.setup(learner, optimizer)
    return Work(preset, span, training.train, fabric, learner, optimizer, state.average)


def optimizer_of(
    model: nn.Module, preset: Preset, span: Span, beside: nn.Module | None = None
) -> torch.optim.Optimizer:
    """Freeze what the stage does not train and return the optimizer of the rest, and of a critic `beside` the model."""
    stage, trains = span.stage, objectives.of(span.stage, preset.model).trains
    model.requires_grad_(not trains)
    if trains:
        getattr(model, trains).requires_grad_(True)
    if stage.frozen:
        getattr(model, stage.frozen).requires_grad_(False)
    weights = [p for p in model.parameters() if p.requires_grad]
    decay = preset.train.weight_decay
    groups: list[dict[str, Any]] = [{"params": weights}]
    if beside is not None:  # which has to follow what changes: it learns sooner, and nothing holds it near zero
        groups.append({"params": list(beside.parameters()), "weight_decay": 0.0, "times": critic.TIMES})
    remembered = 0.9 if beside is None else 0.5  # two that learn from each other must not overshoot
    return torch.optim.AdamW(groups, lr=stage.lr, betas=(remembered, 0.99), weight_decay=decay, fused=True)


def _trained(work: Work, take: Callable[[int, tqdm], Tensor], epoch: int, bar: tqdm) -> Row:
    """Take the steps of an epoch; returns what the history says of them."""
    work.learner.train(not work.objective.still)
    started = time.perf_counter()
    try:
        with torch.random.fork_rng(devices=[]):
            sums = take(epoch, bar)
    except RuntimeError as error:
        if "non-finite" in str(error):
            raise _diverged(work.preset, epoch) from error
        raise
    seconds = round(time.perf_counter() - started, 2)
    beta = schedule.beta(work.preset.train, (epoch + 1) * work.steps - 1, work.steps)
    return {"epoch": epoch + 1, "beta": beta, "seconds": seconds, **validation.means("train", sums, work.fabric)}


def _measured(training: Training, work: Work) -> Row:
    """Return what the history says of the averaged weights after an epoch."""
    preset, fabric = training.preset, training.fabric
    if preset.train.settle and not work.objective.still:
        validation.settle(work.average, preset, training.train, fabric)
    learner = Learner(work.average, objectives.measured(work.span.stage, preset.model))
    return validation.measure(learner, preset, training.validation, fabric)


def _keep(training: Training, state: RunState, work: Work) -> None:
    """Write all that is kept after an epoch: pictures, state, weights and history."""
    preset, folder, epoch = training.preset, training.folder, len(state.history)
    watched = epoch in WATCHED or epoch == schedule.total(preset.train)
    if watched and preset.model.kind.draws:
        progress.add(folder, epoch, validation.pictures(state.average, preset, training.validation))
    run_state.save(folder, preset, state, work.optimizer)
    run_state.publish(folder, preset, state)


def _diverged(preset: Preset, epoch: int) -> Diverged:
    config = preset.train
    beta = f" or --beta (it was {config.beta:g})" if config.beta > 1 else ""
    remedy = f"start anew with --overwrite and a lower --lr (it was {config.lr:g}){beta}"
    return Diverged(f"{preset.name} diverged in epoch {epoch + 1}, its loss is not a number any more; {remedy}.")
