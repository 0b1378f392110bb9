"""What a page shows of a model of faces without the faces themselves: codes, the ways of attributes, two mixtures.

And where in a picture a face is, as far as such a model can tell.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from cvae import archives, checkpoints, limits, metrics, tasks
from cvae.archives import REAL, TEXT, WHOLE, Form
from cvae.data import lfw_files as lfw
from cvae.faces import finder
from cvae.faces.codes import crop
from cvae.faces.directions import attribute_direction, in_pictures, within_person
from cvae.faces.finder import Face
from cvae.faces.mixture import Mixture, fit
from cvae.models import LatentModel
from cvae.neighbours import nearest

FILE = "faces.npz"
LEVEL = 1 / 16  # a code is kept as whole numbers of this size in one byte: within (-8, 8), far finer than its spread
COMPONENTS = 12  # of the mixture
MIXTURE_PARTS = ("weights", "means", "factors")
FORMS = {  # of the arrays in the file
    **{name: Form(WHOLE, 2) for name in ("codes", "present")},
    **{name: Form(WHOLE, 1) for name in ("names", "person", "numbers")},
    "columns": Form(TEXT, 1),
    "directions": Form(REAL, 3),
    "metric": Form(REAL, 2),
    **{f"{kind}_{part}": Form(REAL, i + 1) for kind in ("gaussian", "mixture") for i, part in enumerate(MIXTURE_PARTS)},
}
WAYS = ("difference of means", "classifier")  # the two kinds of direction
TEMPLATE = 16  # pixels of a side of the mean face that is laid over a picture
EDGES = [0.94 * 0.88**i for i in range(13)]  # of the boxes looked at, in shorter sides of the picture
CANDIDATES, APART = 24, 0.55  # boxes that the model judges; none overlaps a better one more than this
STRANGE = -0.5  # hardly a face is stranger, nearly all noise and pictures of one colour are: benchmarks/faces.py --box
NARROW = 4  # times as long as wide: no photograph


@dataclass(frozen=True)
class Space:
    """The faces of LFW in the latent space of one model; see `measure` for what is made from which part of the people.

    u (N, D) are base coordinates, present (N, K) is 1, 0 or NaN, directions (K, 2, D) has one for each of WAYS, as long
    as one standard deviation of pictures.
    """

    u: Tensor
    people: tuple[str, ...]
    numbers: tuple[int, ...]
    columns: tuple[str, ...]
    present: Tensor
    directions: Tensor
    metric: Tensor  # (D, D): directions of u @ metric tell people apart
    gaussian: Mixture
    mixture: Mixture

    def told(self, u: Tensor) -> Tensor:
        """Return points (N, D) of length 1 for u (N, D), near one another where the faces are of the same person."""
        return F.normalize(u @ self.metric, dim=1)

    def similar(self, query: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return distances, 0 to 2, and rows (k,) of the stored faces nearest to query (D,), as `told` places them."""
        distances, rows = nearest(self.told(self.u), self.told(query[None]), k)
        return distances[0], rows[0]


def measure(
    model: LatentModel,
    u: Tensor,
    people: tuple[str, ...],
    numbers: tuple[int, ...],
    columns: tuple[str, ...],
    present: Tensor,
    learn: Tensor,
) -> Space:
    """Make a Space of the codes u (N, D) of all faces.

    Directions, metric and mixtures come from the rows `learn` (N,) bool. An attribute that all or none of them have is
    left out, as it has no direction.
    """
    told = [k for k in range(len(columns)) if {0.0, 1.0} <= set(present[learn][:, k].tolist())]
    columns, present = tuple(columns[k] for k in told), present[:, told]
    known, labels = u[learn], present[learn]
    directions = []
    for k in range(len(columns)):
        others = labels[:, [i for i in range(len(columns)) if i != k]]
        ways = (attribute_direction(known, labels[:, k], others, classifier) for classifier in (False, True))
        directions.append(torch.stack([in_pictures(model, known, way) for way in ways]))
    ids = {name: i for i, name in enumerate(sorted(set(people)))}
    person = torch.tensor([ids[name] for name in people])[learn]
    stacked = torch.stack(directions) if directions else u.new_empty(0, 2, u.shape[1])
    metric = within_person(known, person)
    return Space(u, people, numbers, columns, present, stacked, metric, fit(known, 1), fit(known, COMPONENTS))


def save(folder: Path, space: Space) -> None:
    """Write faces.npz into the folder of a run."""
    names = sorted(set(space.people))
    place = {name: i for i, name in enumerate(names)}
    half = {
        f"{kind}_{part}": getattr(getattr(space, kind), part).numpy().astype(np.float16)
        for kind in ("gaussian", "mixture")
        for part in MIXTURE_PARTS
    }
    content = io.BytesIO()
    np.savez_compressed(
        content,
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
    checkpoints.write_bytes(folder / FILE, content.getvalue())


def load(folder: Path) -> Space:
    """Read what `save` wrote; FileNotFoundError where there is none, ValueError where it is damaged."""
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; make it with: python evaluate.py {folder.name}")
    try:
        return _unpacked(archives.read(path, FORMS))
    except (ValueError, LookupError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged; make it anew with: python evaluate.py {folder.name}") from error


def _unpacked(arrays: dict[str, np.ndarray]) -> Space:
    """Return the space in these arrays; KeyError or ValueError where something is missing or does not fit."""
    _check_shapes(arrays)
    names, columns = arrays["names"].tobytes().decode().split("\n"), tuple(arrays["columns"].tolist())
    if arrays["person"].min() < 0 or arrays["numbers"].min() < 0 or not all(column.isprintable() for column in columns):
        raise ValueError("a number below 0, or a name that is none")
    real = {name: torch.from_numpy(arrays[name]).float() for name, form in FORMS.items() if form.kinds == REAL}
    if not all(bool((values.abs() < limits.VALUE).all()) for values in real.values()):
        raise ValueError("numbers that are none")
    kinds = {kind: Mixture(*(real[f"{kind}_{part}"] for part in MIXTURE_PARTS)) for kind in ("gaussian", "mixture")}
    if any(bool((kind.weights < 0).any()) or not kind.weights.sum() > 0 for kind in kinds.values()):
        raise ValueError("weights that are none")
    present = torch.from_numpy(arrays["present"]).float()
    return Space(
        torch.from_numpy(arrays["codes"]).float() * LEVEL,
        tuple(names[i] for i in arrays["person"]),
        tuple(arrays["numbers"].tolist()),
        columns,
        torch.where(present < 0, torch.nan, present),
        real["directions"],
        real["metric"],
        **kinds,
    )


def _check_shapes(arrays: dict[str, np.ndarray]) -> None:
    """Raise ValueError unless the arrays are of the same faces, codes, attributes and components; KeyError of names."""
    n, dims = arrays["codes"].shape
    columns = len(arrays["columns"])
    if not 1 <= n <= limits.POINTS:
        raise ValueError(f"{n} faces")
    wanted = {"person": (n,), "numbers": (n,), "present": (n, columns), "directions": (columns, len(WAYS), dims)}
    wanted["metric"] = (dims, dims)
    for kind in ("gaussian", "mixture"):
        m = len(arrays[f"{kind}_weights"])
        wanted |= {f"{kind}_means": (m, dims), f"{kind}_factors": (m, dims, dims)}
    if other := [name for name, shape in wanted.items() if arrays[name].shape != shape]:
        raise ValueError(f"{other[0]} does not fit the others")


def strangeness(model: LatentModel, space: Space, x: Tensor) -> Tensor:
    """Return how little pictures x (N, 3, S, S) in [0, 1] look like faces to the model, (N,); above STRANGE hardly.

    A model reconstructs a plain wall better than a face, so its error is put in relation to that of a blur to 8x8, and
    what correlates with the mean face is less strange.
    """
    error = metrics.mse(x, tasks.decode(model, tasks.encode(model, x)))
    blurred = F.interpolate(F.adaptive_avg_pool2d(x, 8), size=x.shape[2:], mode="bicubic", align_corners=False)
    small = F.adaptive_avg_pool2d(x, TEMPLATE)
    match = _correlation(small, _template(model, space))[:, 0, 0, 0]
    return (error / (metrics.mse(x, blurred) + 3e-4)).log() - 3 * match


def search(model: LatentModel, space: Space, picture: Image.Image) -> list[Face]:
    """Return the faces in a picture, however they are turned, each with what the model shows of it.

    Those that are sure come first, the largest of them before the others. Where none is sure, those that may be faces;
    where none is likely, what looks most like one to the model is first.
    """
    faces = [face.within(crop(model) / lfw.CROP) for face in finder.in_order(finder.find(picture))]
    if faces and faces[0].score >= finder.LIKELY:
        return faces
    box = _matched(model, space, picture)
    if box is None:
        return faces
    left, upper, right, lower = box
    return [Face((left + right) / 2, (upper + lower) / 2, right - left, 0.0, finder.POSSIBLE), *faces]


def locate(model: LatentModel, space: Space, picture: Image.Image) -> tuple[float, float, float, float] | None:
    """Return the upright box of the first face of `search`, left, upper, right, lower; None where there is none."""
    faces = search(model, space, picture)
    return faces[0].box if faces else None


def _matched(model: LatentModel, space: Space, picture: Image.Image) -> tuple[float, float, float, float] | None:
    """Return the box of an upright face: the mean face laid over the picture proposes some, the model chooses."""
    if max(picture.size) > NARROW * min(picture.size):
        return None
    small = picture.convert("RGB")
    small.thumbnail((512, 512))
    boxes = _proposals(small, _template(model, space))
    side = model.config.image_shape[1]
    x = torch.from_numpy(np.stack([lfw.fitted(small, side, box) for box in boxes])).float() / 255
    strange = strangeness(model, space, x)
    edges = torch.tensor([right - left for left, _, right, _ in boxes])
    best = int((strange - 0.6 * edges.log()).argmin())  # of two, rather the larger: parts of a face resemble faces
    scale = picture.width / small.width
    left, upper, right, lower = (scale * v for v in boxes[best])
    return None if strange[best] > STRANGE else (left, upper, right, lower)


def _template(model: LatentModel, space: Space) -> Tensor:
    """Return the mean face without its shading, (1, 1, TEMPLATE, TEMPLATE), of mean 0 and length 1."""
    face = _unshaded(F.adaptive_avg_pool2d(tasks.decode(model, space.u.mean(0, keepdim=True)), TEMPLATE))
    return F.normalize((face - face.mean()).flatten(1), dim=1).view_as(face)


def _unshaded(x: Tensor) -> Tensor:
    """Return the brightness of pictures (N, 3, H, W) less that of the neighbourhood, (N, 1, H, W)."""
    grey = x.mean(1, keepdim=True)
    return grey - F.avg_pool2d(F.pad(grey, [2] * 4, mode="replicate"), 5, 1)


def _correlation(x: Tensor, template: Tensor) -> Tensor:
    """Return the correlation of the template with every place of pictures (N, 3, H, W): (N, 1, H - 15, W - 15)."""
    detail = _unshaded(x)
    n = template.numel()
    mean, square = (n * F.avg_pool2d(v, TEMPLATE, 1) for v in (detail, detail**2))
    contrast = (square - mean**2 / n + 4e-4 * n).clamp(min=1e-9).sqrt()  # one below 0.02 is none
    return F.conv2d(detail, template) / contrast


def _proposals(picture: Image.Image, template: Tensor) -> list[tuple[float, float, float, float]]:
    """Return the boxes of a picture where the template fits best, each apart from the others."""
    matches, at = [], []
    for edge in EDGES:
        scale = TEMPLATE / (edge * min(picture.size))
        width, height = (max(TEMPLATE, round(side * scale)) for side in picture.size)
        small = np.array(picture.resize((width, height), Image.Resampling.BILINEAR))
        x = torch.from_numpy(small).permute(2, 0, 1)[None] / 255
        fit = _correlation(x, template)[0, 0]
        top, left = torch.meshgrid(*(torch.arange(n) for n in fit.shape), indexing="ij")
        right, lower = left + TEMPLATE, top + TEMPLATE
        corners = torch.stack([left / width, top / height, right / width, lower / height], dim=-1)
        matches.append(fit.flatten())
        at.append(corners.flatten(0, 1).double())
    fits, boxes = torch.cat(matches), torch.cat(at) * torch.tensor(picture.size * 2)
    kept: list[tuple[float, float, float, float]] = []
    while len(kept) < CANDIDATES and fits.max() > -1:
        best = boxes[fits.argmax()]
        left, upper, right, lower = best.tolist()
        kept.append((left, upper, right, lower))
        fits[_overlap(boxes, best) > APART] = -2
    return kept


def _overlap(boxes: Tensor, box: Tensor) -> Tensor:
    """Return intersection over union (N,) of boxes (N, 4) with one (4,)."""
    sides = (torch.minimum(boxes[:, 2:], box[2:]) - torch.maximum(boxes[:, :2], box[:2])).clamp(min=0)
    both = sides.prod(1)
    return both / ((boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod() - both)
