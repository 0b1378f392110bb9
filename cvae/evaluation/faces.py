"""The figures of a model of faces, and faces.npz: codes of all faces, and what those of the training people teach."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from cvae import checkpoints, data, faces, tasks
from cvae.data import lfw_files as lfw
from cvae.evaluation import likelihood
from cvae.evaluation.subject import SMILE_JUDGE, Subject, bar
from cvae.faces import directions
from cvae.faces import figures as merit
from cvae.models import LatentModel

BATCH = 50
SMILE = "Smiling"


@dataclass(frozen=True)
class _Parts:
    """All faces, and which rows (N,) bool are of the training people and of the test people, whom no training saw."""

    everyone: lfw.Faces
    train: np.ndarray
    test: np.ndarray

    def pictures(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.everyone.images[rows]).float() / 255


def figures(subject: Subject) -> dict[str, Any]:
    """Return the figures of a model of faces; writes faces.npz, learned from the training part of the people alone."""
    model = subject.model
    parts = _parts(subject)
    print(parts.everyone.note)
    space = _space(subject, parts)
    train, test = parts.pictures(parts.train), parts.pictures(parts.test)
    rows = torch.from_numpy(parts.test).nonzero()[:, 0]
    measured = {"code": model.config.latent_dim, **merit.reconstruction(model, train, test)}
    if model.config.kind.has_prior:
        measured |= likelihood.terms(model, test, None, subject.seeded())
    measured["similar"] = merit.recognition(model, space, rows, train, test)
    if SMILE in space.columns and _is_judged():
        measured |= _smiles(model, space, rows, torch.from_numpy(parts.train))
    return measured | {"test_pictures": len(rows)}


def told(subject: Subject) -> dict[str, Any]:
    """Return the figures of a model of faces that is told a label, over the test faces whose label is known."""
    model, parts = subject.model, _parts(subject)
    labels = parts.everyone.labels(subject.preset.data.dataset.partition(":")[2])
    known = parts.test & ~np.isnan(labels)
    x, y = parts.pictures(known), torch.from_numpy(labels[known]).long()
    steps = [
        lambda: merit.reconstruction(model, parts.pictures(parts.train), x, y),
        lambda: likelihood.terms(model, x, y, subject.seeded()),
    ]
    if SMILE in subject.preset.data.dataset and _is_judged():
        steps.append(lambda: _told_smiles(model, x, y))
    measured: dict[str, Any] = {"code": model.config.latent_dim}
    for step in bar(steps, "figures of faces that are told", "step"):
        measured |= step()
    return measured | {"test_pictures": len(y)}


def _is_judged() -> bool:
    """Tell whether the judge of smiles is there; a line says which figures need it where it is not."""
    if SMILE_JUDGE in checkpoints.list_runs():
        return True
    print(f"note: without {SMILE_JUDGE} smiles are not measured; train it with: python train.py {SMILE_JUDGE}")
    return False


def _told_smiles(model: LatentModel, x: Tensor, y: Tensor) -> dict[str, Any]:
    """Return what becomes of faces x (N, 3, S, S), of labels y (N,), under the other label."""
    judge, u = checkpoints.load_run(SMILE_JUDGE), faces.code(model, x, y)
    serious = u[y == 0]
    both = (tasks.decode(model, serious, torch.full((len(serious),), label)) for label in (0, 1))
    smile, dragged = merit.told(model, judge, u, y), merit.changed(model, *both)
    return {"smile": {"label": smile}, "dragged": {"label": dragged}}


def _parts(subject: Subject) -> _Parts:
    side, crop = subject.model.config.image_shape[1], faces.crop(subject.model)
    everyone = data.lfw(subject.options.data_dir, "all", side, crop, download=True)
    of = np.array([lfw.part_of(person) for person in everyone.people])
    return _Parts(everyone, of == "train", of == "test")


def _space(subject: Subject, parts: _Parts) -> faces.Space:
    """Write the codes of all faces and what is learned of them; return them as a page will have them."""
    everyone, folder = parts.everyone, checkpoints.run_dir(subject.name)
    batches = np.array_split(everyone.images, max(1, len(everyone) // BATCH))
    shown = tqdm(batches, desc="codes of all faces", unit="batch")
    u = torch.cat([faces.code(subject.model, torch.tensor(rows).float() / 255) for rows in shown])
    present = torch.tensor(np.array([everyone.labels(column) for column in everyone.columns]))
    present = present.view(-1, len(everyone)).T.float()
    learn = torch.from_numpy(parts.train)
    told = (everyone.people, everyone.numbers, everyone.columns, present, learn)
    faces.save(folder, faces.measure(subject.model, u, *told))
    return faces.load(folder)


def _smiles(model: LatentModel, space: faces.Space, rows: Tensor, learn: Tensor) -> dict[str, Any]:
    """Return what becomes of the test faces, `rows` of a space, that are moved along each direction of the smile."""
    judge, k = checkpoints.load_run(SMILE_JUDGE), space.columns.index(SMILE)
    tested = model, judge, space.u[rows], space.present[rows, k]
    ways = dict(zip(faces.WAYS, space.directions[k], strict=True))
    in_code = directions.attribute_direction(space.u[learn], space.present[learn, k])
    plain = space.u[rows][space.present[rows, k] == 0]
    return {
        "smile": {kind: merit.edits(*tested, way) for kind, way in ways.items()},
        "smile_in_code": merit.edits(*tested, in_code),
        "dragged": {kind: merit.dragged(model, space, plain, k, way) for kind, way in ways.items()},
    }
