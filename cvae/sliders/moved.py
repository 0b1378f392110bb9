"""How well sliders do what they say, on styles that they were not fitted on."""

import torch
from torch import Tensor, nn

from cvae.models import LatentModel
from cvae.morphology import KEYS
from cvae.sliders import curves
from cvae.sliders.curves import READ, K, Sliders
from cvae.sliders.fitting import Labelled, labelled, styles

PLACES = 5  # from end to end, called -2, -1, 0, 1 and 2
SEED = 1_000_000  # far from those of the fit


def figures(sliders: Sliders, model: LatentModel, judge: nn.Module, n: int = 1000, seed: int = SEED) -> dict[str, dict]:
    """Return, by the key of each slider, what is measured on n random styles of each label moved from end to end.

    styles: how many have the slider. rank: the mean of each style's Spearman correlation of the slider and its own
    measure. changes: the way of that in spreads. drift: the mean absolute change of each other measure at both ends, in
    spreads. judged: the share of the styles that the judge reads at both ends as their label, start: unmoved. The label
    is the one that the model was given, or else the one that the guide reads.
    """
    u, y = styles(model, n * READ, seed)
    start = labelled(model, judge, u, y)
    movable, figures = curves.movable(sliders, u, y, start.v), {}
    for k, key in enumerate(KEYS):
        if key in sliders.kept and movable[:, k].any():
            figures[key] = _moved(sliders, model, judge, start.where(movable[:, k]), k)
    return figures


def _moved(sliders: Sliders, model: LatentModel, judge: nn.Module, start: Labelled, k: int) -> dict:
    known = curves.read(sliders, start.u, start.y)
    values, points = curves.ways(sliders, start.u, start.y, start.v[:, k], torch.full_like(known, k))
    least, most = sliders.least[known, k, None], sliders.most[known, k, None]
    led = curves.along(values, points, least + (most - least) * torch.linspace(0, 1, PLACES))
    there = labelled(model, judge, led.flatten(0, 1), None if start.y is None else start.y.repeat_interleave(PLACES))
    v = (there.v / sliders.spread).view(-1, PLACES, K)
    read = there.log_p.argmax(1).view(-1, PLACES) == known[:, None]
    drift = (v[:, [0, -1]] - (start.v / sliders.spread)[:, None]).abs().nanmean(0)  # (2, K)
    return {
        "styles": len(led),
        "rank": float(ranks(v[:, :, k]).mean()),
        "changes": float((v[:, -1, k] - v[:, 0, k]).nanmean()),
        "drift": {key: [round(float(d), 3) for d in drift[:, i]] for i, key in enumerate(KEYS) if i != k},
        "judged": [float(read[:, end].float().mean()) for end in (0, -1)],
        "start": float((start.log_p.argmax(1) == known).float().mean()),
        "unit": float(sliders.spread[k]),
    }


def ranks(v: Tensor) -> Tensor:
    """Return Spearman's correlation (N,) of each row of v (N, P) with 1, 2, ... P; 0 where all values are equal."""
    own = (v[:, :, None] > v[:, None]).float().sum(2) + ((v[:, :, None] == v[:, None]).float().sum(2) - 1) / 2
    own, place = own - own.mean(1, keepdim=True), torch.arange(v.shape[1]) - (v.shape[1] - 1) / 2
    return (own * place).sum(1) / (own.norm(dim=1) * place.norm()).clamp(min=1e-9)
