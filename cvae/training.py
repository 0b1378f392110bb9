"""Fitting a preset: one explicit loop on Lightning Fabric, the same on a CPU, a GPU and several machines."""

import copy
import csv
import io
import json
import math
import shutil
import time
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from tqdm import tqdm

from cvae import captured, checkpoints, data, losses, progress, schedule, tasks
from cvae.commands import Failed
from cvae.config import Preset, TrainConfig
from cvae.data import ImageSet, corruptions
from cvae.families import PIXELS, SPOILED
from cvae.models import build_model
from cvae.schedule import Stage, stages

COLUMNS = ("epoch", "train_nll", "train_kl", "val_nll", "val_kl", "beta", "seconds")
STATE = "training.safetensors"  # everything a resumed run needs, in one file so that it is never half old
VALIDATION_BATCH = 500
WATCHED = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96)  # epochs whose pictures are kept, and the last
TAUGHT_REFINEMENTS = 5  # steps that refine a code while the decoder learns: fewer than in use, since each costs a decoding


class Diverged(Failed):
    """A training whose loss is no number any more."""


class OtherSettings(ValueError):
    """A state that was made with other settings than those that are asked for."""


class Objective(nn.Module):
    """Wraps a model so that one forward pass yields what is minimised, plus its terms; DDP sees it whole."""

    def __init__(
        self, model: nn.Module, prior_only: bool = False, refines: bool = False, weighted: bool = False
    ) -> None:
        super().__init__()
        self.model = model
        self.prior_only = prior_only
        self.refines = refines
        self.weighted = weighted

    def forward(self, x: Tensor, c: Tensor, noise: Tensor, beta: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return loss (scalar), nll (N,) and kl (N,), for noise (K, N, D); K > 1 for the prior alone and weighted samples.

        c (N, ...) is what the model is told about x: labels, visible pixels, or a spoiled copy.
        """
        if self.prior_only:
            kl = losses.kl_of_frozen_posterior(self.model, x, c, noise)
            return kl.mean(), torch.full_like(kl, math.nan), kl
        if self.refines:
            code = self.model.encode(x).mode()
            best = tasks.refine(self.model, x, code.detach(), TAUGHT_REFINEMENTS)
            nll, encoders = losses.masked_nll(self.model, self.model.decode(torch.cat([best, code])), x.repeat(2, 1, 1, 1), None).chunk(2)
            return (nll + encoders).mean(), nll, torch.zeros_like(nll)
        if self.weighted:
            bound, nll, kl = losses.weighted_terms(self.model, x, c, noise)
            return -bound.mean(), nll, kl
        nll, kl = losses.TERMS[self.model.config.kind.objective](self.model, x, c, noise[0])
        return (nll + beta * kl).mean(), nll, kl


def fit(
    preset: Preset, train: ImageSet, validation: ImageSet, folder: Path, fabric: Fabric, resume: bool = False, compiled: bool = False
) -> list[dict]:
    """Train `preset` into `folder` and return its history, one row per epoch; `compiled`: by torch.compile, where that can.

    After each epoch: config.json, model.safetensors (averaged weights, half precision), history.csv and the state that `resume`
    continues from. Randomness depends on the seed, the epoch and the step alone, so that a resumed run and a run on
    several processes see the same batches and the same noise. ValueError where settings and state do not fit; Diverged where
    the loss ceases to be a number. A folder that this made and where no epoch was saved is removed again.
    """
    new = not folder.exists()
    check_shares(preset, len(train), fabric.world_size)
    try:
        return _fit(preset, train, validation, folder, fabric, resume, compiled)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "allocate" in str(error):  # so says torch, of any device
            raise Failed(f"{preset.name} does not fit into the memory: choose a smaller --batch-size or a smaller model.") from error
        raise
    finally:
        whole = all((folder / name).is_file() for name in (checkpoints.CONFIG, checkpoints.WEIGHTS))
        if new and not whole and fabric.is_global_zero:
            shutil.rmtree(folder, ignore_errors=True)


def check_shares(preset: Preset, n: int, processes: int) -> None:
    """Raise ValueError unless batches of n pictures can be shared by the processes, and BatchNorm sees two pictures at least."""
    size = min(preset.train.batch_size, n)
    of = f"{n:,} training pictures" if size == n else f"--batch-size {size}"
    if preset.train.batch_size % processes:
        raise ValueError(f"--batch-size {preset.train.batch_size} must be divisible by the number of processes, {processes}.")
    if size < processes:
        raise ValueError(f"every process needs a training picture; {of} cannot be shared by {processes}.")
    with torch.random.fork_rng(devices=[]):
        normed = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in build_model(preset.model).modules())
    if normed and size // processes < 2:
        among = f" over {processes} processes" if processes > 1 else ""
        needed = "BatchNorm, which compares pictures: each batch needs at least 2 of them"
        raise ValueError(f"{preset.name} has {needed}; {of}{among} gives 1.")


def _fit(
    preset: Preset, train: ImageSet, validation: ImageSet, folder: Path, fabric: Fabric, resume: bool, compiled: bool
) -> list[dict]:
    config = preset.train
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_model(preset.model)
        if preset.model.linear and not resume:
            model.start_linear(train.pixels())
    average = copy.deepcopy(model).to(fabric.device).requires_grad_(False)
    history, moments = [], {}
    if resume:
        history, moments = _load_state(folder / STATE, preset, model, average)
        _publish(folder, preset, average, history)  # the kill may have come between the state and these files
    steps = schedule.steps(len(train), config)
    total, done = stages(config)[-1].last * steps, len(history) * steps
    with tqdm(total=total, initial=done, unit="batch", disable=not fabric.is_global_zero) as bar:
        for stage in stages(config):
            if 0 < len(history) == stage.first:
                model.load_state_dict(average.state_dict())  # go on from the weights that would be shipped
            optimizer = _optimizer(model, stage, config)
            objective = Objective(model, stage.prior_only, stage.refines, stage.weighted)
            if compiled and not stage.refines:  # to refine is to differentiate within the step, which it does not compile
                torch.compiler.reset()  # it keeps no more than a few versions of one function: each model and stage is another
                objective.compile()
            objective, optimizer = fabric.setup(objective, optimizer)
            if stage.first < len(history) < stage.last:
                _load_moments(optimizer, moments, folder / STATE)
            given = preset, stage, train, fabric, objective, optimizer, average
            take = captured.Steps(*given).epoch if captured.fits(preset, stage, fabric) else partial(_train_epoch, *given)
            for epoch in range(max(stage.first, len(history)), stage.last):
                objective.train(not (stage.prior_only or stage.refines))
                try:
                    sums, beta, seconds = take(epoch, bar)
                except RuntimeError as error:
                    if "non-finite" in str(error):
                        raise _diverged(preset, epoch) from error
                    raise
                row = {"epoch": epoch + 1, "beta": beta, "seconds": seconds, **_means("train", sums, fabric)}
                if config.settle and not stage.refines:
                    settle(average, preset, train, fabric)
                row |= _validate(Objective(average, refines=stage.refines), preset, validation, fabric)
                if not _are_numbers(row["val_nll"], row["val_kl"]):
                    raise _diverged(preset, epoch)
                history.append({key: row[key] for key in COLUMNS})
                bar.set_postfix(epoch=epoch + 1, val_nll=f"{row['val_nll']:.2f}", val_kl=f"{row['val_kl']:.2f}")
                if fabric.is_global_zero:
                    watched = epoch + 1 in WATCHED or epoch + 1 == stages(config)[-1].last
                    if watched and preset.model.kind.draws:
                        progress.add(folder, epoch + 1, _pictures(average, preset, validation))
                    _save_state(folder, preset, model, average, optimizer, history)
                    _publish(folder, preset, average, history)
                fabric.barrier()
    return history


def _train_epoch(
    preset: Preset, stage: Stage, train: ImageSet, fabric: Fabric, objective, optimizer, average, epoch: int, bar: tqdm
) -> tuple[Tensor, float, float]:
    """Take the steps of an epoch; returns the sums of nll, KL and pictures (3,), the last beta and the seconds taken."""
    config, started = preset.train, time.perf_counter()
    steps, k = schedule.steps(len(train), config), schedule.samples(config, stage)
    parameters = [p for p in objective.parameters() if p.requires_grad]
    sums = torch.zeros(3, device=fabric.device)
    for i, index in enumerate(schedule.batches(len(train), epoch, config)):
        step = epoch * steps + i
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(stage, config.warmup, step / steps)
        beta = schedule.beta(config, step, steps)
        movement = schedule.movement(config, stage, step / steps)
        loss, nll, kl = objective(*_draw(train[index], preset, step, fabric, k, movement), beta)
        optimizer.zero_grad()
        fabric.backward(loss)
        _clip(fabric, objective, parameters, optimizer, config.clip)
        optimizer.step()
        if share := schedule.forgetting(config, step, i, steps):
            _update_average(average, objective.module.model, share)
        sums += _sums(nll, kl)
        bar.update()
    return sums, beta, round(time.perf_counter() - started, 2)


def _are_numbers(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


def _diverged(preset: Preset, epoch: int) -> Diverged:
    config = preset.train
    beta = f" or --beta (it was {config.beta:g})" if config.beta > 1 else ""
    remedy = f"start anew with --overwrite and a lower --lr (it was {config.lr:g}){beta}"
    return Diverged(f"{preset.name} diverged in epoch {epoch + 1}, its loss is not a number any more; {remedy}.")


def kept(folder: Path, preset: Preset, goes_on: bool = True) -> str:
    """Return one sentence on what a training that was broken off has left in `folder`, and how to go on where that helps."""
    done, total = epochs_done(folder, preset), stages(preset.train)[-1].last
    if done:
        following = "; --resume goes on from there" if goes_on else ""
        return f"{folder} keeps what was learned until epoch {done} of {total}{following}."
    return f"What {folder} held before is as it was." if folder.exists() else "Nothing was saved."


def _optimizer(model: nn.Module, stage: Stage, config: TrainConfig) -> torch.optim.Optimizer:
    """Freeze what the stage does not train and return the optimizer of the rest."""
    model.requires_grad_(not stage.prior_only)
    if stage.prior_only:
        model.flow.requires_grad_(True)
    if not stage.bends:
        model.posterior_flow.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=stage.lr, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True)


def _load_moments(optimizer: torch.optim.Optimizer, moments: dict[int, dict[str, Tensor]], path: Path) -> None:
    """Give the optimizer the moments of the state at `path`; ValueError unless they are those of its weights."""
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    for weight, state in optimizer.state.items():
        shape = getattr(weight, "shape", None)  # None: a number too many has no weight
        if {key: value.shape for key, value in state.items()} != {"step": torch.Size(), "exp_avg": shape, "exp_avg_sq": shape}:
            raise _damaged(path)
    for weight, state in optimizer.state.items():  # a fused step takes for granted that they lie in memory as the weights do
        state |= {key: torch.empty_like(weight).copy_(value) for key, value in state.items() if value.shape == weight.shape}


def _clip(fabric: Fabric, objective: nn.Module, parameters: list[Tensor], optimizer, most: float) -> None:
    """Scale the gradients down to norm `most` where theirs is larger; one that fits is left, since scaling by 1 takes as long."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not nn.utils.get_total_norm(gradients) <= most:  # one that is no number raises
        fabric.clip_gradients(objective, optimizer, max_norm=most, error_if_nonfinite=True)


def _draw(
    batch: ImageSet, preset: Preset, step: int, fabric: Fabric, k: int, movement: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return this process's share of the global batch: x, what the model is told about it, and noise (k, n, D).

    Every process draws for the whole batch and keeps each world_size-th row, so the numbers do not depend on how
    many processes there are.
    """
    generator = torch.Generator().manual_seed((preset.train.seed * 1_000_003 + step) % 2**63)
    x = data.varied(batch.pixels(), preset.data, movement, generator)
    told = _told(preset, x, batch.labels, generator)
    noise = torch.randn(k, len(x), preset.model.latent_dim, generator=generator)
    mine = slice(fabric.global_rank, None, fabric.world_size)
    return x[mine].to(fabric.device), told[mine].to(fabric.device), noise[:, mine].to(fabric.device)


def _told(preset: Preset, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return what a model of the preset is given about x (N, C, H, W): labels, visible pixels or a spoiled copy."""
    if preset.model.kind.given == SPOILED:
        return corruptions.random_corruption(x, generator)
    if preset.model.kind.given == PIXELS:
        visible = corruptions.training_holes(preset.data.hole, len(x), tuple(x.shape[2:]), generator).to(x.dtype)
        return torch.cat([x * visible, visible], dim=1)
    return labels


@torch.no_grad()
def _update_average(average: nn.Module, model: nn.Module, share: float) -> None:
    for mean, value in zip(_tensors(average), _tensors(model), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)


def _tensors(model: nn.Module) -> chain[Tensor]:
    return chain(model.parameters(), model.buffers())


@torch.no_grad()
def settle(average: nn.Module, preset: Preset, train: ImageSet, fabric: Fabric) -> None:
    """Measure the statistics of BatchNorm anew with the averaged weights: averages of old statistics are not theirs."""
    norms = [m for m in average.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.affine]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(preset.train.seed))
    order = order[: schedule.steps(len(train), preset.train) * preset.train.batch_size]  # as in an epoch: a rest of one picture has no spread
    for i, index in enumerate(order.split(preset.train.batch_size)[: preset.train.settle]):
        Objective(average)(*_draw(train[index], preset, -1_000_000 - i, fabric, 1), 1.0)
    for norm, momentum in zip(norms, usual):
        norm.momentum = momentum
        norm.eval()


@torch.no_grad()
def _validate(objective: Objective, preset: Preset, validation: ImageSet, fabric: Fabric) -> dict[str, float]:
    """Return val_nll and val_kl of the averaged weights, the same noise and binary draw every epoch."""
    objective.eval()
    still = replace(preset.data, mirror=False, shift=0, turn=0.0, blur=0.0, augment=False, movement=0.0)
    preset = replace(preset, data=still)
    sums = torch.zeros(3, device=fabric.device)
    for i, index in enumerate(torch.arange(len(validation)).split(VALIDATION_BATCH)):
        _, nll, kl = objective(*_draw(validation[index], preset, -1 - i, fabric, 1), 1.0)
        sums += _sums(nll, kl)
    return _means("val", sums, fabric)


def _sums(nll: Tensor, kl: Tensor) -> Tensor:
    """Return the sums of nll and kl, both (N,), and N."""
    return torch.stack([nll, kl, torch.ones_like(kl)]).detach().sum(1)


def _means(part: str, sums: Tensor, fabric: Fabric) -> dict[str, float | None]:
    nll, kl, n = fabric.all_reduce(sums, reduce_op="sum").tolist()
    return {f"{part}_nll": None if math.isnan(nll) else nll / n, f"{part}_kl": kl / n}


def _publish(folder: Path, preset: Preset, average: nn.Module, history: list[dict]) -> None:
    weights = {key: halved(value) for key, value in average.state_dict().items()}
    checkpoints.save_run(folder, preset, weights)
    checkpoints.write_text(folder / checkpoints.HISTORY, history_csv(history))


def halved(value: Tensor) -> Tensor:
    """Return a weight in half precision, which is as exact as training is noisy; as it is where its range does not allow it."""
    fits = value.is_floating_point() and float(value.abs().max()) < torch.finfo(torch.float16).max
    return value.half() if fits else value


@torch.inference_mode()
def _pictures(average: nn.Module, preset: Preset, validation: ImageSet) -> dict[str, np.ndarray]:
    """Return what the model makes of the first validation pictures and, where it samples, of as many points, always the same."""
    generator = torch.Generator().manual_seed(preset.train.seed)
    batch = validation[: progress.MOST]
    device = next(average.parameters()).device
    x = batch.pixels()
    told = _told(preset, x, batch.labels, generator).to(device)
    model = copy.deepcopy(average).eval()
    if preset.model.kind.cleans:
        made = {"reconstructions": model(told).sigmoid()}
    else:
        u = torch.randn(len(x), preset.model.latent_dim, generator=generator).to(device)
        c = model.condition(told, u)
        again = model.pixel_means(model.encode(x.to(device), c).mode(), c)
        made = {"reconstructions": again, "samples": model.pixel_means(model.prior(c).from_base(u), c)}
    return {kind: (x * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy() for kind, x in made.items()}


def _save_state(folder: Path, preset: Preset, model, average, optimizer, history: list[dict]) -> None:
    tensors = {f"model.{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{k}": v for k, v in state.items()}
    metadata = {"preset": json.dumps(preset.to_dict()), "history": json.dumps(history)}
    checkpoints.write_tensors(folder / STATE, tensors, metadata)


def epochs_done(folder: Path, preset: Preset) -> int:
    """Return after how many epochs the training of `preset` into `folder` was left; 0 where its state is missing or another's."""
    try:
        with safe_open(folder / STATE, "pt") as file:
            metadata = file.metadata()
        found, history = json.loads(metadata["preset"]), json.loads(metadata["history"])
        return len(history) if _settings(found) == _settings(preset.to_dict()) else 0
    except (OSError, SafetensorError, TypeError, KeyError, ValueError):
        return 0


def _settings(preset: dict) -> dict:
    """Return what was chosen of a preset, without what the data set fills in."""
    chosen = json.loads(json.dumps(preset))
    del chosen["classes"], chosen["model"]["n_classes"]
    return chosen


def seconds_an_epoch(folder: Path) -> float | None:
    """Return the mean time of an epoch by history.csv, None where there is none to read."""
    try:
        with (folder / checkpoints.HISTORY).open(encoding="utf-8") as file:
            seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        return None
    return sum(seconds) / len(seconds) if seconds else None


def _load_state(path: Path, preset: Preset, model, average) -> tuple[list[dict], dict[int, dict[str, Tensor]]]:
    """Fill model and average from the state file; return the history so far and the optimizer's moments."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: there is no unfinished training to resume; start it without --resume.")
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
    try:
        with safe_open(path, "pt") as file:
            settings, history = (json.loads(file.metadata()[key]) for key in ("preset", "history"))
            for key in file.keys():  # noqa: SIM118 - an open file of tensors is no dictionary
                part, name = key.split(".", 1)
                parts[part][name] = file.get_tensor(key)
        if settings != json.loads(json.dumps(preset.to_dict())):
            raise OtherSettings(f"{path} was made with other settings; resume with the settings it was started with.")
        model.load_state_dict(parts["model"])
        average.load_state_dict(parts["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["optimizer"].items():
            i, key = name.split(".")
            moments.setdefault(int(i), {})[key] = value
        return [{key: row[key] for key in COLUMNS} for row in history], moments
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, OtherSettings):
            raise
        raise _damaged(path) from error


def _damaged(path: Path) -> ValueError:
    remedy = f"start anew with --overwrite, which keeps {checkpoints.WEIGHTS} until its first epoch is done"
    return ValueError(f"{path} is damaged, so the training cannot go on from it: {remedy}.")


def history_csv(history: list[dict]) -> str:
    """Return the history as CSV with a header line; train_nll is empty where the prior alone is fitted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
