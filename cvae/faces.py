"""What a page shows of a model of faces without the faces themselves: their codes, the ways of attributes, two mixtures."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cvae import latent
from cvae.mixture import Mixture, fit

FILE = "faces.npz"
LEVEL = 1 / 16  # a code is kept as whole numbers of this size in one byte: within (-8, 8), the error far below its spread
COMPONENTS = 12  # of the mixture
WAYS = ("difference of means", "classifier")  # the two kinds of direction


@dataclass(frozen=True)
class Space:
    """The faces of LFW in the latent space of one model; see `measure` for what is made from which part of the people.

    u (N, D) are base coordinates, present (N, K) is 1, 0 or NaN, directions (K, 2, D) has one for each of WAYS, as long as one
    standard deviation of pictures.
    """

    u: Tensor
    people: tuple[str, ...]
    numbers: tuple[int, ...]
    columns: tuple[str, ...]
    present: Tensor
    directions: Tensor
    metric: Tensor  # (D, D): distances between u @ metric tell people apart
    gaussian: Mixture
    mixture: Mixture

    def similar(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return distances and rows (k,) of the stored faces nearest to query (D,), what changes within a person discounted."""
        distances, rows = latent.nearest(self.u @ self.metric, query[None] @ self.metric, k)
        return distances[0], rows[0]


def measure(
    model, u: Tensor, people: tuple[str, ...], numbers: tuple[int, ...], columns: tuple, present: Tensor, learn: Tensor
) -> Space:
    """Make a Space of the codes u (N, D) of all faces; directions, metric and mixtures come from the rows `learn` (N,) bool."""
    told = [k for k in range(len(columns)) if {0.0, 1.0} <= set(present[learn][:, k].tolist())]  # others have no direction
    columns, present = [columns[k] for k in told], present[:, told]
    known, labels = u[learn], present[learn]
    directions = []
    for k in range(len(columns)):
        others = labels[:, [i for i in range(len(columns)) if i != k]]
        ways = (latent.attribute_direction(known, labels[:, k], others, classifier) for classifier in (False, True))
        directions.append(torch.stack([latent.in_pictures(model, known, way) for way in ways]))
    ids = {name: i for i, name in enumerate(sorted(set(people)))}
    person = torch.tensor([ids[name] for name in people])[learn]
    stacked = torch.stack(directions) if directions else u.new_empty(0, 2, u.shape[1])
    metric = latent.within_person(known, person)
    return Space(u, people, numbers, tuple(columns), present, stacked, metric, fit(known, 1), fit(known, COMPONENTS))


def save(folder: Path, space: Space) -> None:
    """Write faces.npz into the folder of a run."""
    names = sorted(set(space.people))
    place = {name: i for i, name in enumerate(names)}
    half = {
        f"{kind}_{part}": getattr(getattr(space, kind), part).numpy().astype(np.float16)
        for kind in ("gaussian", "mixture")
        for part in ("weights", "means", "factors")
    }
    np.savez_compressed(
        folder / FILE,
        codes=(space.u / LEVEL).round().clamp(-127, 127).numpy().astype(np.int8),
        names=np.frombuffer("\n".join(names).encode(), np.uint8),
        person=np.array([place[name] for name in space.people], np.uint16),
        numbers=np.array(space.numbers, np.uint16),
        columns=np.array(space.columns, dtype=str),
        present=space.present.nan_to_num(-1).numpy().astype(np.int8),
        directions=space.directions.numpy().astype(np.float16),
        metric=space.metric.numpy().astype(np.float16),
        **half,
    )


def load(folder: Path) -> Space:
    """Read what `save` wrote; FileNotFoundError where there is none, ValueError where it is damaged."""
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; make it with: python evaluate.py {folder.name}")
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {key: stored[key] for key in stored.files}
        names = found["names"].tobytes().decode().split("\n")
        kinds = {
            kind: Mixture(*(torch.from_numpy(found[f"{kind}_{part}"]).float() for part in ("weights", "means", "factors")))
            for kind in ("gaussian", "mixture")
        }
        present = torch.from_numpy(found["present"]).float()
        return Space(
            torch.from_numpy(found["codes"]).float() * LEVEL,
            tuple(names[i] for i in found["person"]),
            tuple(found["numbers"].tolist()),
            tuple(found["columns"].tolist()),
            torch.where(present < 0, torch.nan, present),
            torch.from_numpy(found["directions"]).float(),
            torch.from_numpy(found["metric"]).float(),
            **kinds,
        )
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged; make it anew with: python evaluate.py {folder.name}") from error
