"""How well a model completes holes: errors, nats of hidden quadrants, and what a judge makes of completions."""

from typing import Any

import torch
from torch import Tensor

from cvae import checkpoints, losses, metrics, tasks
from cvae.config import Preset
from cvae.data import corruptions
from cvae.evaluation.options import Options
from cvae.evaluation.subject import JUDGE, Subject, bar, device_of
from cvae.models import LatentModel

# Pyro's tutorial: these quadrants are visible, the others are the target
TASKS = {"1": ("bottom left",), "2": ("bottom left", "top left"), "3": ("bottom left", "top left", "top right")}
LEAST = "1"  # that with the fewest visible pixels, where an estimate by the prior is worst
PARTICLES, QUADRANT_SAMPLES = 10, 100
JUDGED, EACH, SURE = 1000, 8, 0.9  # first test pictures, completions of each, and from which probability one is a digit


def completions(subject: Subject) -> dict[str, Any]:
    """Return the error of mean completions, and of a model of any hole -elbo and -log p of hidden quadrants in nats."""
    subject = subject.on_device()
    model, x, generator, options = subject.model, subject.x, subject.generator, subject.options
    holes = {name: hole.to(x.device) for name, hole in _holes(subject).items()}
    errors = {name: _error(model, x, hole, options.hole_samples, generator, name) for name, hole in holes.items()}
    measured = {"hole_samples": options.hole_samples, "hole_mse": errors}
    if subject.preset.data.hole != "any":
        return measured
    height, width = x.shape[2:]
    visible = {task: corruptions.quadrants_visible(seen, (height, width)) for task, seen in TASKS.items()}
    measured["quadrants"] = {task: _quadrants(model, x, v, options, generator) for task, v in visible.items()}
    measured["log_p_prior"] = _by_prior(model, *_given(x, visible[LEAST]), options, generator)
    return measured | plausible(subject)


def _holes(subject: Subject) -> dict[str, Tensor]:
    """Return the visible pixels (1, H, W) of the holes that a model learned to complete."""
    height, width = subject.images.images.shape[2:]
    presets = corruptions.preset_holes((height, width))
    hidden = ~presets["Centre"][0]
    holes = {f"centre {hidden.any(1).sum()}x{hidden.any(0).sum()}": presets["Centre"]}
    return holes | ({"bottom half": presets["Bottom half"]} if subject.preset.data.hole == "any" else {})


def _error(model: LatentModel, x: Tensor, visible: Tensor, n: int, generator: torch.Generator, name: str) -> float:
    parts = bar(x.split(metrics.BATCH), f"completions, {name}")
    return sum(metrics.hole_mse(model, part, visible, n, generator) * len(part) for part in parts) / len(x)


def _quadrants(
    model: LatentModel, x: Tensor, visible: Tensor, options: Options, generator: torch.Generator
) -> dict[str, Any]:
    """Return the bound, of PARTICLES draws of z, and log p by posterior and by prior, of the pixels not visible."""
    x, c = _given(x, visible)
    pairs = [metrics.nll_and_kl(model, x, c, generator) for _ in bar(range(PARTICLES), "-elbo of quadrants")]
    measured = {"elbo": -float(torch.stack([nll + kl for nll, kl in pairs]).mean()), "particles": PARTICLES}
    n, k = min(options.iw_images or len(x), len(x)), QUADRANT_SAMPLES
    size = metrics.at_once(x, k)
    rows = list(zip(x[:n].split(size), c[:n].split(size), strict=True))
    for name, from_prior in (("log_p_posterior", False), ("log_p_prior", True)):
        shown = bar(rows, f"log p of quadrants with {k} samples")
        log_p = [metrics.log_likelihood(model, part, seen, k, generator, from_prior) for part, seen in shown]
        measured[name] = float(torch.cat(log_p).mean())
    return measured | {"iw_samples": k, "iw_images": n}


def _given(x: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """Return pictures (N, C, H, W), and what a model is given of them (N, C + 1, H, W) where a mask (1, H, W) is 1."""
    mask = visible.to(x).expand(len(x), 1, -1, -1)
    return x, torch.cat([x * mask, mask], dim=1)


def _by_prior(
    model: LatentModel, x: Tensor, c: Tensor, options: Options, generator: torch.Generator
) -> dict[str, float]:
    """Return log p of hidden pixels by 100, 1,000 ... samples of the prior: what grows with them is the estimator's."""
    n, rounds = min(options.iw_images or len(x), len(x)), max(1, options.prior_samples // QUADRANT_SAMPLES)
    size = metrics.at_once(x, QUADRANT_SAMPLES)
    log_p = []
    for part, seen in bar(list(zip(x[:n].split(size), c[:n].split(size), strict=True)), "log p by the prior"):
        draws = [metrics.log_likelihood(model, part, seen, QUADRANT_SAMPLES, generator, True) for _ in range(rounds)]
        log_p.append(torch.stack(draws))
    each = torch.cat(log_p, 1)  # (rounds, n)
    counts = [10**i for i in range(len(str(rounds)))]
    return {str(QUADRANT_SAMPLES * count): float(losses.log_mean_exp(each[:count]).mean()) for count in counts}


def plausible(subject: Subject) -> dict[str, Any]:
    """Return the share of completions of the lower half that read as some digit, and of the real pictures.

    Empty where no judge knows these pictures.
    """
    if JUDGE not in checkpoints.list_runs():
        return {}
    judge = checkpoints.load_run(JUDGE)
    if _of(judge.preset) != _of(subject.preset):
        return {}
    judge, x = judge.to(device_of(subject.options)), subject.x[:JUDGED]
    height, width = x.shape[2:]
    visible = corruptions.preset_holes((height, width))["Bottom half"].to(x.device)
    parts = bar(x.split(metrics.BATCH // EACH), "plausible completions")
    drawn = [tasks.inpaint(subject.model, part, visible, EACH, subject.generator).flatten(0, 1) for part in parts]
    shares = {"completions": _sure(judge, torch.cat(drawn)), "real": _sure(judge, x)}
    return {"plausible": shares | {"pictures": len(x), "each": EACH}}


def _of(preset: Preset) -> tuple:
    return preset.data.dataset, preset.model.image_shape


@torch.inference_mode()
def _sure(judge: Any, x: Tensor) -> float:
    read = torch.cat([judge(part).softmax(1).amax(1) for part in x.split(metrics.BATCH)])
    return float((read >= SURE).float().mean())
