"""How near the pictures come that a model gives back: reconstructed, or cleaned of noise."""

from typing import Any

import torch

from cvae import metrics, tasks
from cvae.data import corruptions
from cvae.evaluation.maps import write_points
from cvae.evaluation.subject import Subject, bar
from cvae.sketches import scenes

NOISE = (("gaussian", 0.3), ("gaussian", 0.5), ("salt-and-pepper", 0.25))
PHOTOGRAPHS = 500  # made of the first test digits


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
