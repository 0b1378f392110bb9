"""The curves that sliders with names follow.

A small network, the guide, says of base coordinates u (and of a label, where the model takes one) what would be
measured of the decoded digit, and what the judge would read. A curve follows it: each step is the smallest that changes
one measure as asked and neither the others nor the reading, by the pseudo-inverse of the guide's Jacobian, damped as in
Levenberg's method. Inside, measures are told in spreads: their standard deviation within a label.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import jacrev, vmap

from cvae import morphology, tasks
from cvae.models import LatentModel
from cvae.morphology import KEYS, MEASURES, Measure

STEPS = 4  # from the start of a curve to either end
CORRECTIONS = 2  # by what is measured of the picture itself, when a point is to meet given measures
DAMPING = 0.05  # of steps that would be long, in squared spreads for each unit of u
READ = 10  # classes of digits
WORDS = {"mostly": 0.5, "partly": 0.2}  # for a latent that explains so much of a measure's variance within a label
SURE = -0.1  # log probability of the label below which a step minds it
K = len(KEYS)
LOOP = KEYS.index("loop")


@dataclass(frozen=True)
class Sliders:
    """What is stored beside a model: the guide, what is usual for each label, and which measures have a slider."""

    guide: nn.Sequential  # (D + n_classes,) -> K measures in spreads, then READ log probabilities
    spread: Tensor  # (K,) in the measures' own units
    least: Tensor  # (READ, K) in the measures' own units: the ends of the sliders
    most: Tensor  # the same; where it is not above `least`, the label has no such slider
    explained: Tensor  # (D, K): the share of the variance within a label that one coordinate explains
    kept: tuple[str, ...]  # keys of the measures that have a slider

    @property
    def labels(self) -> int:
        """Return how many labels the guide is told, 0 for none."""
        return next(self.guide.parameters()).shape[1] - len(self.explained)


@dataclass(frozen=True)
class Curve:
    """The way of one slider: growing values (P,) of its measure, their points (P, D), and the present value."""

    measure: Measure
    values: Tensor
    points: Tensor
    now: float


def guide(dims: int, labels: int, width: int) -> nn.Sequential:
    """Return a guide that has learned nothing yet."""
    inner = nn.Linear(dims + labels, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
    return nn.Sequential(*inner, nn.Linear(width, K + READ))


def told(u: Tensor, y: Tensor | None, labels: int) -> Tensor:
    """Return what a guide is told: points u (N, D), beside them the labels y (N,) as rows of 0 and 1, if any."""
    return u if y is None or not labels else torch.cat([u, nn.functional.one_hot(y, labels).to(u)], dim=1)


def read(sliders: Sliders, u: Tensor, y: Tensor | None) -> Tensor:
    """Return the labels (N,) of points u (N, D): y (N,), or what the guide reads where the model takes no labels."""
    return sliders.guide(u)[:, K:].argmax(1) if y is None or not sliders.labels else y


@torch.no_grad()
def walk(sliders: Sliders, u: Tensor, y: Tensor | None, change: Tensor, steps: int = STEPS) -> Tensor:
    """Return the points (N, steps, D) of ways from u (N, D) on which the measures change by `change` (N, K) spreads.

    The steps are equal; u itself is not among the points.
    """
    c, known, d = told(u, y, sliders.labels)[:, u.shape[1] :], read(sliders, u, y), u.shape[1]

    def says(point: Tensor, given: Tensor, label: Tensor) -> Tensor:
        out = sliders.guide(torch.cat([point, given]))
        return torch.cat([out[:K], out[K:].gather(0, label[None]).clamp(max=SURE)])

    each, slopes, points = vmap(says), vmap(jacrev(says)), []
    start = each(u, c, known)
    start[:, K] = SURE
    for step in range(1, steps + 1):
        goal = start + nn.functional.pad(change, (0, 1)) * step / steps
        for _ in range(2 if step == steps else 1):
            u = _step(u, goal - each(u, c, known), slopes(u, c, known))
        points.append(u)
    return torch.stack(points, dim=1) if points else u.new_empty(len(u), 0, d)


def _step(u: Tensor, wanted: Tensor, slopes: Tensor) -> Tensor:
    """Return u (N, D) after the smallest damped step that makes `wanted` (N, M) of what has these slopes (N, M, D)."""
    square = slopes @ slopes.mT + DAMPING * torch.eye(slopes.shape[1])
    return u + (slopes.mT @ torch.linalg.solve(square, wanted[:, :, None]))[:, :, 0]


def ways(sliders: Sliders, u: Tensor, y: Tensor | None, now: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Return curves of measures k (N,) through u (N, D): values (N, P), points (N, P, D); P = 2 STEPS + 1.

    now (N,) is what is measured at u. A curve goes to both ends of the slider of its label, or from u beyond it.
    """
    known, rows = read(sliders, u, y), torch.arange(len(u))
    low = (sliders.least[known, k] - now).clamp(max=0)
    high = (sliders.most[known, k] - now).clamp(min=0)
    change = torch.zeros(2 * len(u), K)  # all ways down, then all ways up
    change[rows, k], change[len(u) + rows, k] = low / sliders.spread[k], high / sliders.spread[k]
    down, up = walk(sliders, u.repeat(2, 1), None if y is None else y.repeat(2), change).chunk(2)
    share = torch.arange(STEPS + 1) / STEPS
    values = torch.cat([low[:, None] * share[1:].flip(0), high[:, None] * share], dim=1) + now[:, None]
    return values, torch.cat([down.flip(1), u[:, None], up], dim=1)


def along(values: Tensor, points: Tensor, at: Tensor) -> Tensor:
    """Return the points (N, M, D) of curves (N, P), (N, P, D) where the measure is `at` (N, M), as the page does."""
    right = torch.searchsorted(values.contiguous(), at.contiguous()).clamp(1, values.shape[1] - 1)
    low, high = values.gather(1, right - 1), values.gather(1, right)
    share = ((at - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)[:, :, None]
    before, after = (points.gather(1, i[:, :, None].expand(-1, -1, points.shape[2])) for i in (right - 1, right))
    return torch.lerp(before, after, share)


def through(sliders: Sliders, model: LatentModel, u: Tensor, y: Tensor | None) -> list[Curve]:
    """Return the curves through u (D,) of the sliders of its label y, (1,) or None; none where there is no ink."""
    now = morphology.measure(tasks.decode(model, u[None], y))[0]
    if not (rows := shown(sliders, u, y, now)):
        return []
    k, n = torch.tensor(rows, dtype=torch.int64), len(rows)
    values, points = ways(sliders, u.expand(n, -1), None if y is None else y.expand(n), now[k], k)
    return [Curve(MEASURES[row], values[i], points[i], float(now[row])) for i, row in enumerate(rows)]


@torch.no_grad()
def movable(sliders: Sliders, u: Tensor, y: Tensor | None, now: Tensor) -> Tensor:
    """Tell which measures have a slider at u (N, D), where now (N, K) is measured, (N, K): a loop if there is one."""
    has = (sliders.most > sliders.least)[read(sliders, u, y)] & ~now.isnan().any(1, keepdim=True)
    has[:, LOOP] &= now[:, LOOP] > 0
    return has


def shown(sliders: Sliders, u: Tensor, y: Tensor | None, now: Tensor) -> list[int]:
    """Return the rows of MEASURES that have a slider at u (D,), where `now` (K,) is measured."""
    has = movable(sliders, u[None], y, now[None])[0]
    return [k for k, key in enumerate(KEYS) if key in sliders.kept and has[k]]


def meet(sliders: Sliders, model: LatentModel, u: Tensor, y: Tensor | None, wanted: Tensor) -> Tensor:
    """Return a point (D,) near u (D,) whose picture measures as `wanted` (K,), as far as the sliders of its label go.

    Measures without a slider, and those that are NaN in `wanted`, stay as they are.
    """
    point, start = u[None], morphology.measure(tasks.decode(model, u[None], y))[0]
    rows, known = shown(sliders, u, y, start), read(sliders, u[None], y)[0]
    target = start.clone()
    for k in rows:
        if wanted[k].isfinite():
            target[k] = wanted[k].clamp(sliders.least[known, k], sliders.most[known, k])
    for turn in range(1 + CORRECTIONS):
        rest = (target - morphology.measure(tasks.decode(model, point, y))[0]) / sliders.spread
        point = walk(sliders, point, y, rest.nan_to_num(0)[None], STEPS if turn == 0 else 1)[:, -1]
    return point[0]


def words(sliders: Sliders) -> dict[int, str]:
    """Return words for latents by their index, such as "partly slant": the measure that each explains most of."""
    said = {}
    for d, shares in enumerate(sliders.explained):
        share, k = shares.max(0)
        for word, least in WORDS.items():
            if share >= least:
                said[d] = f"{word} {MEASURES[k].name.lower()}"
                break
    return said
