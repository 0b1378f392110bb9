"""How near the pictures come that a model gives back: reconstructed, cleaned of noise, or completed."""

from typing import Any

import torch
from torch import Tensor

from cvae import metrics, tasks
from cvae.data import corruptions
from cvae.evaluation.maps import write_points
from cvae.evaluation.options import Options
from cvae.evaluation.subject import Subject, bar
from cvae.models import LatentModel
from cvae.sketches import scenes

NOISE = (("gaussian", 0.3), ("gaussian", 0.5), ("salt-and-pepper", 0.25))
# Pyro's tutorial: these quadrants are visible, the others are the target
TASKS = {"1": ("bottom left",), "2": ("bottom left", "top left"), "3": ("bottom left", "top left", "top right")}
PHOTOGRAPHS = 500  # made of the first test digits
PARTICLES, QUADRANT_SAMPLES = 10, 100


def error(subject: Subject) -> dict[str, float]:
    """Return the mean squared error of reconstructions of the grey pictures, each with its own label."""
    x, labels = subject.x.split(metrics.BATCH), subject.images.labels.split(metrics.BATCH)
    rows = bar(list(zip(x, labels, strict=True)), "reconstructions")
    errors = [metrics.mse(part, tasks.reconstruct(subject.model, part, own)) for part, own in rows]
    return {"mse": float(torch.cat(errors).mean())}


def reconstruction(subject: Subject) -> dict[str, Any]:
    """Return the figures of a plain autoencoder, which has no likelihood: nll (its objective) and squared error."""
    write_points(subject.name, subject.model, subject.images)
    x = subject.x
    nll, _ = metrics.nll_and_kl(subject.model, x)
    squared = metrics.mse(x, tasks.reconstruct(subject.model, x)).mean()
    return {"code": subject.model.config.latent_dim, "nll": float(nll.mean()), "mse": float(squared)}


def cleaning(subject: Subject) -> dict[str, Any]:
    """Return PSNR in dB, of the mean squared error over all pixels of all images, before and after cleaning."""
    ratios, x = {}, subject.x
    for kind, strength in NOISE:
        noisy = corruptions.corrupt(x, kind, strength, subject.generator)
        rows = bar(noisy.split(metrics.BATCH), f"cleaned of {kind} {strength}")
        clean = torch.cat([tasks.denoise(subject.model, part) for part in rows])
        before, after = (float(metrics.psnr(metrics.mse(x, y).mean())) for y in (noisy, clean))
        ratios[f"{kind} {strength}"] = {"before": before, "after": after}
    return {"psnr": ratios}


def ink(subject: Subject) -> dict[str, Any]:
    """Return how well ink is told from all else in made photographs of test digits, over all their pixels together."""
    shared = either = 0.0
    shown = subject.x[:PHOTOGRAPHS]
    for part in bar(shown.split(PHOTOGRAPHS // 10), "ink of made photographs"):
        ink, photographs = scenes.photographs(part, subject.generator)
        seen = subject.model(photographs.to(part.device)).sigmoid().cpu() > 0.5
        inked = ink > 0.5
        shared, either = shared + float((seen & inked).sum()), either + float((seen | inked).sum())
    return {"ink_iou": shared / max(1.0, either), "photographs": len(shown)}


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
    return measured | {"quadrants": {task: _quadrants(model, x, v, options, generator) for task, v in visible.items()}}


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
    mask = visible.to(x).expand(len(x), 1, -1, -1)
    c = torch.cat([x * mask, mask], dim=1)
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
