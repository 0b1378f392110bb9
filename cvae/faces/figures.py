"""Figures of merit of a model of faces: sharpness beside principal components, smiles, who is recognised.

A model may show the whole head. The judge of smiles and the place of the mouth are of the classical crop within it.
"""

from typing import Any

import torch
from torch import Tensor

from cvae import metrics, tasks
from cvae.data import lfw_files as lfw
from cvae.faces import Space
from cvae.faces.codes import code, crop
from cvae.models import LatentModel
from cvae.neighbours import nearest

STRENGTH = 2.0  # standard deviations that an edit moves a face
OTHERS = 100  # people among whom an edited face must still be nearest to itself
BATCH = 500


def components(x: Tensor, dims: int) -> tuple[Tensor, Tensor]:
    """Return mean (C H W,) and principal components (C H W, dims) of pictures x (N, C, H, W)."""
    rows = x.flatten(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of the randomised decomposition
        _, _, axes = torch.svd_lowrank(rows - rows.mean(0), q=dims + 16, niter=6)
    return rows.mean(0), axes[:, :dims]


def reconstruction(
    model: LatentModel, train: Tensor, test: Tensor, labels: Tensor | None = None
) -> dict[str, float]:
    """Return mean squared error, SSIM and sharpness of the model, of its encoder, and of as many principal components.

    The model's own are those of the codes that `code` gives. A model that takes them is told the labels (N,) of `test`.
    """
    mean, basis = components(train, model.config.latent_dim)
    linear = ((test.flatten(1) - mean) @ basis @ basis.T + mean).view_as(test).clamp(0, 1)
    measured = {}
    refined = tasks.decode(model, code(model, test, labels), labels)
    for name, x_hat in (("", refined), ("encoder_", reconstructed(model, test, labels)), ("pca_", linear)):
        measured[f"{name}mse"] = float(metrics.mse(test, x_hat).mean())
        alike = [metrics.ssim(a, b) for a, b in zip(test.split(BATCH), x_hat.split(BATCH), strict=True)]
        measured[f"{name}ssim"] = float(torch.cat(alike).mean())
        measured[f"{name}sharpness"] = edges(x_hat) / edges(test)
    return measured


def edges(x: Tensor) -> float:
    """Return the mean length of the gradient of brightness in pictures x (N, C, H, W), a difference of neighbours."""
    grey = x.mean(1)
    down, right = grey[:, 1:, :-1] - grey[:, :-1, :-1], grey[:, :-1, 1:] - grey[:, :-1, :-1]
    return float(torch.hypot(down, right).mean())


def face(x: Tensor, shown: int) -> Tensor:
    """Return the classical crop (N, 3, s, s) of pictures (N, 3, S, S) of the middle `shown` pixels of LFW's."""
    side = x.shape[-1]
    inner = round(side * lfw.CROP / shown)
    edge = (side - inner) // 2
    return x[..., edge : edge + inner, edge : edge + inner]


def reconstructed(model: LatentModel, x: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return what the encoder's codes of x (N, C, H, W), with labels (N,) where the model takes them, decode to."""
    return tasks.decode(model, tasks.encode(model, x, labels), labels)


@torch.inference_mode()
def shares(judge: Any, x: Tensor) -> Tensor:
    """Return the judge's probability of the attribute (N,) for pictures x (N, 3, S, S), scaled to its own size."""
    small = torch.nn.functional.interpolate(x, judge.config.image_shape[1:], mode="area")
    return torch.cat([judge(rows).softmax(1)[:, 1] for rows in small.split(BATCH)])


def edits(model: LatentModel, judge: Any, u: Tensor, present: Tensor, way: Tensor) -> dict[str, float]:
    """Move faces u (N, D) without the attribute along +way (D,), the others along -way; return how often each succeeds.

    `judge` says whether. `identity` is the share of edited faces that are still nearer, in pixels, to their own
    reconstruction than to those of OTHERS other faces.
    """
    signs = torch.where(present == 1, -1.0, 1.0)[:, None]
    edited = tasks.decode(model, u + STRENGTH * signs * way)
    return _succeeded(model, judge, tasks.decode(model, u), edited, present)


def told(model: LatentModel, judge: Any, u: Tensor, labels: Tensor) -> dict[str, float]:
    """Decode faces u (N, D), of labels (N,), under the other of two labels; return what `edits` does."""
    return _succeeded(model, judge, tasks.decode(model, u, labels), tasks.decode(model, u, 1 - labels), labels)


def _succeeded(model: LatentModel, judge: Any, plain: Tensor, edited: Tensor, present: Tensor) -> dict[str, float]:
    """Return how often faces (N, 3, S, S) that were edited have lost the attribute, or gained it, and are still near.

    present (N,) says which had it: 1, or 0; the others count as faces to be near to alone.
    """
    measured: dict[str, float] = {}
    kept = []
    generator = torch.Generator().manual_seed(0)
    for name, before in (("adds", 0), ("takes", 1)):
        rows = (present == before).nonzero()[:, 0]
        wanted, already = (
            (shares(judge, face(seen[rows], crop(model))) > 0.5) == (before == 0) for seen in (edited, plain)
        )
        measured |= {name: float(wanted.float().mean()), f"{name}_before": float(already.float().mean())}
        for row in rows:
            others = torch.randperm(len(plain), generator=generator)
            others = others[others != row][:OTHERS]
            own, nearest_other = ((plain[of] - edited[row]).flatten(-3).norm(dim=-1) for of in (row, others))
            kept.append(bool(own < nearest_other.min()))
    return measured | {"identity": sum(kept) / len(kept), "n": len(kept)}


def same_person(u: Tensor, people: tuple[str, ...]) -> float:
    """Return the share of u (N, D), of people with two or more, whose nearest other one is of the same person."""
    _, rows = nearest(u, u, 2)
    place = torch.arange(len(u))
    other = torch.where(rows[:, 0] == place, rows[:, 1], rows[:, 0])  # a copy of a picture may come before itself
    hits = [people[i] == people[j] for i, j in enumerate(other.tolist()) if people.count(people[i]) > 1]
    return sum(hits) / len(hits)


def recognition(model: LatentModel, space: Space, rows: Tensor, train: Tensor, test: Tensor) -> dict[str, float]:
    """Return `same_person` for the test rows of a space, with and without its metric, and for principal components."""
    people = tuple(space.people[i] for i in rows.tolist())
    u = space.u[rows]
    mean, basis = components(train, model.config.latent_dim)
    return {
        "nearest_is_same_person": same_person(space.told(u), people),
        "nearest_plain": same_person(u, people),
        "nearest_pca": same_person((test.flatten(1) - mean) @ basis, people),
    }


def dragged(model: LatentModel, space: Space, u: Tensor, column: int, way: Tensor) -> dict[str, float]:
    """Return what else happens to faces u (N, D) that are moved STRENGTH along the `way` (D,) of one attribute.

    Beside what `changed` says: by how many standard deviations each other attribute of the file moves.
    """
    measured = changed(model, tasks.decode(model, u), tasks.decode(model, u + STRENGTH * way))
    for k, name in enumerate(space.columns):
        axis = space.directions[k, 1] / space.directions[k, 1].norm()
        if k != column:
            measured[name] = float(STRENGTH * (way @ axis) / (space.u @ axis).std())
    return measured


def changed(model: LatentModel, before: Tensor, after: Tensor) -> dict[str, float]:
    """Return what an edit of the mouth changes besides, of pictures (N, 3, S, S) before and after.

    `outside_mouth` is the share of the squared change of pixels that lies outside the region of the mouth, `brightness`
    the change of the mean pixel.
    """
    change = after - before
    squared = (change**2).mean((0, 1))  # (S, S)
    inside = squared[mouth(len(squared), crop(model))].sum() / squared.sum()
    return {"outside_mouth": float(1 - inside), "brightness": float(change.mean())}


def mouth(side: int, shown: int = lfw.CROP) -> tuple[slice, slice]:
    """Return rows and columns of the mouth in an aligned face, side x side, of the middle `shown` pixels of LFW's."""
    ends = (round(side * (0.5 + (at - 0.5) * lfw.CROP / shown)) for at in (0.66, 0.92, 0.25, 0.75))
    top, bottom, left, right = ends
    return slice(top, bottom), slice(left, right)
