"""What is read right: pictures by a classifier, by a generative model that compares labels, and samples by a judge."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cvae import checkpoints, data, metrics, preprocess, tasks
from cvae.evaluation.subject import JUDGE, Subject, bar, device_of, reads
from cvae.models import LatentModel

BATCH = 50
DIGITS = tuple("0123456789"), (1, 28, 28)  # classes and shape that scikit-learn's pen digits are made to fit
QUANTILES = 201  # of log p(x) over the test digits, for the Draw page
JUDGED, TIMES = 100, 10  # samples of each class that are judged at a time, and how often


def accuracy(subject: Subject) -> dict[str, Any]:
    """Return how much a classifier reads right, and of what."""
    of_faces = subject.preset.data.dataset.startswith(data.FACES)
    of = f"faces right ({' or '.join(subject.preset.classes)})" if of_faces else "digits right"
    return {"accuracy": metrics.accuracy(subject.model, subject.x, subject.images.labels), "of": of}


def judged(subject: Subject, generator: torch.Generator) -> dict[str, float]:
    """Return the share of samples that are read as the class asked for; empty where no judge knows these classes."""
    model = subject.model
    if not model.config.n_classes or JUDGE not in checkpoints.list_runs():
        return {}
    judge = checkpoints.load_run(JUDGE)
    if reads(judge.preset) != reads(subject.preset):
        return {}
    judge = judge.to(device_of(subject.options))
    shares = [metrics.judge_accuracy(judge, model, JUDGED, generator) for _ in bar(range(TIMES), "judged samples")]
    return {"judge_accuracy": sum(shares) / len(shares)}


def classification(subject: Subject) -> dict[str, Any]:
    """Return the accuracy as a generative classifier, for digits also on scikit-learn's, and the spread of log p(x)."""
    n, labels = subject.options.classify_samples, subject.images.labels.cpu()
    scores = _scores(subject.model, subject.x, n, subject.generator)
    log_p = scores.logsumexp(1) - np.log(scores.shape[1])
    measured = {
        "n_importance": n,
        "accuracy": _share(scores, labels),
        "log_likelihood_quantiles": [round(v, 2) for v in log_p.quantile(torch.linspace(0, 1, QUANTILES)).tolist()],
    }
    if reads(subject.preset) == DIGITS:
        x, written = pen_digits()
        read = _share(_scores(subject.model, x, n, subject.generator), written)
        measured |= {"pen_digits_accuracy": read, "pen_digits": len(x)}
    return measured


def _share(scores: Tensor, labels: Tensor) -> float:
    return float((scores.argmax(1) == labels).float().mean())


def _scores(model: LatentModel, x: Tensor, n_importance: int, generator: torch.Generator) -> Tensor:
    there = next(model.parameters()).device
    rows = (part.to(there) for part in bar(x.split(BATCH), "log p(x | y) of all labels"))
    return torch.cat([tasks.label_log_likelihoods(model, part, n_importance, generator).cpu() for part in rows])


def pen_digits(rows: list[int] | None = None) -> tuple[Tensor, Tensor]:
    """Return scikit-learn's 1,797 pen digits as (N, 1, 28, 28) with labels: 8x8, enlarged to 200x200 as if uploaded.

    Those of some `rows` alone where these are given.
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = list(range(len(digits.images))) if rows is None else rows
    grey = [Image.fromarray((picture * 255 / 16).astype(np.uint8)) for picture in digits.images[rows]]
    large = [picture.resize((200, 200), Image.Resampling.BICUBIC) for picture in grey]
    return torch.cat([preprocess.to_digit(picture) for picture in large]), torch.from_numpy(digits.target[rows])
