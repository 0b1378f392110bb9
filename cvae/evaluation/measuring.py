"""Measure a checkpoint: the figures that its family has, its costs, the diversity of its samples; into metrics.json."""

import json
from collections.abc import Callable
from typing import Any

import torch

from cvae import checkpoints, data, metrics, provenance, runs
from cvae.evaluation import completing, faces, labels, likelihood, report, restoring
from cvae.evaluation.options import Options
from cvae.evaluation.subject import Subject

DIVERSE = 2000  # samples, and test pictures, whose mean distance is compared
FIGURES: dict[str, Callable[[Subject], dict[str, Any]]] = {  # by Family.figures
    "likelihood": likelihood.figures,
    "code": restoring.reconstruction,
    "completions": completing.completions,
    "cleaning": restoring.cleaning,
    "accuracy": labels.accuracy,
    "ink": restoring.ink,
}


def evaluate(name: str, options: Options) -> None:
    """Measure one checkpoint; writes metrics.json, and for models with latents encoded test images into map.npz."""
    model = checkpoints.load_run(name)
    preset = model.preset
    if changed := provenance.changed(checkpoints.run_dir(name), preset.data.dataset):
        print(f"note: {changed}")
    given = options.data_dir, preset.model.image_shape
    images = data.load(preset.data.dataset, False, *given, download=True, crop=preset.data.crop)
    subject = Subject(name, model, images, options, torch.Generator().manual_seed(options.seed))
    figures = {"parameters": sum(p.numel() for p in model.parameters()), **_measured(subject)}
    figures |= {"weights": checkpoints.weights_hash(name), "images": len(images), "seed": options.seed}
    checkpoints.write_text(checkpoints.run_dir(name) / runs.METRICS, json.dumps(figures, indent=2) + "\n")
    print("\n".join(report.lines(name, preset, figures)))


def _measured(subject: Subject) -> dict[str, Any]:
    kind, images = subject.model.config.kind, subject.images
    of_faces = kind.decodes and subject.preset.data.dataset.split(":")[0] == data.FACES
    measure = FIGURES[kind.figures] if not of_faces else faces.told if kind.labelled else faces.figures
    figures = measure(subject)
    figures |= _costs(subject.name, subject.model)
    if kind.decodes and not of_faces:
        x, y = images[:DIVERSE].pixels(), images.labels[:DIVERSE]
        if len(x) > 1 and metrics.spread_of(x) > 0:  # else there is nothing to compare with
            figures["diversity"] = metrics.diversity(subject.model, x, y, subject.generator)
    return figures


def _costs(name: str, model: Any) -> dict[str, Any]:
    """Return what a model costs: bytes of its weights, milliseconds to decode one picture, seconds of training."""
    folder = checkpoints.run_dir(name)
    costs: dict[str, Any] = {"bytes": (folder / checkpoints.WEIGHTS).stat().st_size}
    run = runs.read(folder)
    run.demand(runs.HISTORY)
    if (seconds := run.seconds()) is not None:
        costs["training_seconds"] = round(seconds)
    if model.config.kind.decodes:
        costs["decode_ms"] = round(metrics.decode_ms(model), 2)
    return costs
