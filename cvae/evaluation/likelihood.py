"""The figures of a VAE or CVAE: both terms of the bound, importance-weighted likelihoods, and what goes with them."""

from typing import Any

import torch
from torch import Tensor

from cvae import checkpoints, data, latent, metrics, runs
from cvae.config import Preset
from cvae.evaluation import labels, restoring
from cvae.evaluation.maps import write_points
from cvae.evaluation.subject import Subject, bar
from cvae.models import LatentModel

PROBED = 2000  # test pictures whose KL is told by dimension


def figures(subject: Subject) -> dict[str, Any]:
    """Return the figures of a VAE or CVAE, and write the encoded test images."""
    measured: dict[str, Any] = {"decoder_mflop": metrics.decoder_mflop(subject.model)}
    measured |= {**_kept(subject), "protocol": protocol(subject.preset)}
    there = subject.on_device()
    if "nll" not in measured:
        measured |= _generative(there)
    if not _has_likelihoods(measured, subject):
        measured |= _likelihoods(there)
    if subject.model.config.n_classes and "classification" not in measured:
        measured["classification"] = labels.classification(there)
    write_points(subject.name, subject.model, subject.images)
    return measured


def protocol(preset: Preset) -> str:
    """Return which likelihood a model was trained with, a key of tables.PIXELS."""
    if preset.model.likelihood == "gaussian":
        return "gaussian"
    return "binarised" if preset.data.binarize else "grey"


def _kept(subject: Subject) -> dict[str, Any]:
    """Return what was measured of the very same weights before, if that is to be kept."""
    if not subject.options.keep:
        return {}
    run = runs.read(checkpoints.run_dir(subject.name))
    run.demand(runs.METRICS)
    return run.metrics if run.metrics.get("weights") == checkpoints.weights_hash(subject.name) else {}


def _generative(subject: Subject) -> dict[str, Any]:
    generator = subject.seeded()
    measured = terms(subject.model, _seen(subject), subject.images.labels, generator)
    return measured | restoring.error(subject) | labels.judged(subject, generator)


def _seen(subject: Subject) -> Tensor:
    """Return the test pictures as the model's likelihood takes them: grey, or drawn once as 0 or 1 by the seed."""
    grey = subject.x
    return data.binarize(grey.cpu(), subject.seeded()).to(grey.device) if subject.preset.data.binarize else grey


def _has_likelihoods(measured: dict[str, Any], subject: Subject) -> bool:
    """Tell whether the likelihoods that are asked for were kept."""
    options, n = subject.options, len(subject.images)
    wanted = options.iw_samples, min(options.iw_images or n, n)
    marginal = "log_marginal" in measured or not subject.model.config.n_classes
    return (measured.get("iw_samples"), measured.get("iw_images")) == wanted and marginal


def _likelihoods(subject: Subject) -> dict[str, Any]:
    """Return the importance-weighted bound of log p(x), or those of log p(x | y) and log p(x), in nats per picture."""
    model, k, generator = subject.model, subject.options.iw_samples, subject.seeded(1)
    x, n = _seen(subject), subject.options.iw_images or len(subject.images)
    size = metrics.at_once(x, k)
    given, marginal = [], []
    rows = list(zip(x[:n].split(size), subject.images.labels[:n].split(size), strict=True))
    for part, own in bar(rows, f"log p with {k} samples"):
        given.append(metrics.log_likelihood(model, part, own, k, generator))
        if model.config.n_classes:
            marginal.append(metrics.marginal_log_likelihood(model, part, own, given[-1], k, generator))
    bound = {"log_likelihood": _mean(given), "iw_samples": k, "iw_images": min(n, len(x))}
    return bound | ({"log_marginal": _mean(marginal)} if marginal else {})


def terms(model: LatentModel, x: Tensor, c: Tensor | None, generator: torch.Generator) -> dict[str, Any]:
    """Return the terms of the bound on pictures x (N, C, H, W) in nats, and what each latent dimension carries.

    c holds the labels (N,) of a model that takes them; another ignores them.
    """
    parts = x.split(metrics.BATCH)
    told = [None] * len(parts) if c is None else c.split(metrics.BATCH)
    rows = bar(list(zip(parts, told, strict=True)), "nll and kl")
    pairs = [metrics.nll_and_kl(model, part, given, generator) for part, given in rows]
    nll, kl = (_mean([pair[i] for pair in pairs]) for i in (0, 1))
    elbo = -_mean([a + b for a, b in pairs])
    per_dim = latent.kl_per_dim(model, x[:PROBED], None if c is None else c[:PROBED], generator)
    carried = [round(v, 4) for v in per_dim.tolist()]
    return {"nll": nll, "kl": kl, "elbo": elbo, "active_units": latent.active_units(per_dim), "kl_per_dim": carried}


def _mean(parts: list[Tensor]) -> float:
    return float(torch.cat(parts).mean())
