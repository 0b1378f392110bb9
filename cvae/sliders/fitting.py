"""Fitting the sliders of a model: the guide on labelled samples of it, then how far each slider goes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from cvae import morphology, tasks
from cvae.models import LatentModel
from cvae.morphology import KEYS
from cvae.sliders import curves
from cvae.sliders.curves import LOOP, READ, K, Sliders

SAMPLES = 30_000  # of the prior, half of them WIDER, so that the guide knows where curves end
WIDER = 1.3
ON_CURVES = 20_000  # points of curves of a first guide, where it was led astray
WIDTH = 96  # of the guide
EPOCHS, BATCH, RATE = 40, 250, 6e-3
CLAMP = -8.0  # least log probability of a reading that is learned
READING = 0.2  # its weight beside the measures
BATCH_DECODED = 500
USUAL = 0.05  # the share of a label's digits beyond either end of a slider
SMALL = 0.2  # the same of digits with a loop, below a slider of loops: a smaller one closes on the way
TRIED = 150  # styles of each label, on which ends are chosen
FRACTIONS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.3)  # of the way from the usual to the end
MOVES = 1.0  # spreads that a slider moves its own measure by between its ends, at least, in the mean of a label
READS, DRIFTS = 0.985, 0.27  # what an end keeps: the share that is read as before; spreads that another measure drifts
LOOPED = 0.5  # the share of a label's digits that have a loop, below which its digits have no slider of loops


@dataclass(frozen=True)
class Labelled:
    """Points u (N, D), labels y (N,) or None, the measures v (N, K) of their pictures, the judge's log_p (N, READ)."""

    u: Tensor
    y: Tensor | None
    v: Tensor
    log_p: Tensor

    @property
    def read(self) -> Tensor:
        """Return the label of each, (N,): the model's, else the judge's."""
        return self.log_p.argmax(1) if self.y is None else self.y

    def where(self, rows: Tensor) -> "Labelled":
        """Return only the points where rows (N,) is true."""
        return Labelled(self.u[rows], None if self.y is None else self.y[rows], self.v[rows], self.log_p[rows])


@torch.inference_mode()
def labelled(model: LatentModel, judge: nn.Module, u: Tensor, y: Tensor | None) -> Labelled:
    """Return points u (N, D), y (N,) or None, with what is measured and read of their pictures."""
    parts = []
    for rows in torch.arange(len(u)).split(BATCH_DECODED):
        x = tasks.decode(model, u[rows], None if y is None else y[rows])
        parts.append((morphology.measure(x), judge(x).log_softmax(1).clamp(min=CLAMP)))
    v, log_p = (torch.cat(part) for part in zip(*parts, strict=True))
    return Labelled(u.clone(), None if y is None else y.clone(), v.clone(), log_p.clone())


def styles(model: LatentModel, n: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Return n random styles u (n, D), and labels (n,) in turn for a model that takes them."""
    u = tasks.normal(model, n, generator=torch.Generator().manual_seed(seed))
    return u, torch.arange(n) % model.config.n_classes if model.config.n_classes else None


def fit(
    model: LatentModel, judge: nn.Module, seed: int = 0, says: Callable[[str], None] = print, samples: int = SAMPLES
) -> Sliders:
    """Return the sliders of a model of digits that keep what the classifier `judge` reads; `says` gets progress.

    ValueError for a model with fewer latents than there are measures, which cannot hold all but one of them still.
    """
    if (dims := model.config.latent_dim) < K:
        raise ValueError(f"sliders with names need {K} latents or more, one for each measure; this model has {dims}.")
    u, y = styles(model, samples, seed)
    u[samples // 2 :] *= WIDER
    says(f"measuring {samples:,} samples")
    known = labelled(model, judge, u, y)
    first = _usual(known, samples // 2, model)
    sliders = replace(first, guide=_guide(model, known, first.spread, seed))
    says("measuring where its curves lead")
    known = _joined(known, _on_curves(model, judge, sliders, samples * ON_CURVES // SAMPLES, seed + 1))
    sliders = replace(first, guide=_guide(model, known, first.spread, seed))
    says("choosing how far each slider goes")
    return bounded(sliders, model, judge, seed + 2)


def _usual(known: Labelled, n: int, model: LatentModel) -> Sliders:
    """Return sliders without a guide that go as far as the first n digits of each label usually do."""
    fine = ~known.v[:n].isnan().any(1)
    v, read, u = known.v[:n][fine], known.read[:n][fine], known.u[:n][fine]
    classes = [v[read == label] for label in range(READ)]
    spread = torch.stack([rows.var(0) for rows in classes]).mean(0).sqrt().clamp(min=1e-3)
    looped = v.clone()
    looped[v[:, LOOP] == 0, LOOP] = torch.nan
    rows = [looped[read == label] for label in range(READ)]
    least, most = (torch.stack([part.nanquantile(q, 0) for part in rows]) for q in (USUAL, 1 - USUAL))
    least[:, LOOP] = torch.stack([part[:, LOOP].nanquantile(SMALL) for part in rows])
    few = torch.tensor([float((rows[:, LOOP] > 0).float().mean()) < LOOPED for rows in classes])
    least[few, LOOP] = most[few, LOOP] = 0
    within = v - torch.stack([rows.mean(0) for rows in classes])[read]
    both = torch.corrcoef(torch.cat([u, within], dim=1).T)[: u.shape[1], u.shape[1] :] ** 2
    empty = curves.guide(model.config.latent_dim, model.config.n_classes, WIDTH)
    return Sliders(empty, spread, least, most, both.nan_to_num(0), KEYS)


def _guide(model: LatentModel, known: Labelled, spread: Tensor, seed: int) -> nn.Sequential:
    """Return a guide fitted to labelled points."""
    fine = ~known.v.isnan().any(1)
    wanted = known.v[fine] / spread
    centre = wanted.mean(0)
    target = torch.cat([wanted - centre, known.log_p[fine]], dim=1)
    given = curves.told(known.u[fine], None if known.y is None else known.y[fine], model.config.n_classes)
    weight = torch.cat([torch.ones(K), torch.full((READ,), READING)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = curves.guide(model.config.latent_dim, model.config.n_classes, WIDTH)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters())
    batches = max(1, len(given) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(given), generator=generator).tensor_split(batches):
            loss = (nn.functional.smooth_l1_loss(net(given[rows]), target[rows], reduction="none") * weight).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        list(net.parameters())[-1][:K] += centre  # the last bias
    return net.requires_grad_(False).eval()


def _on_curves(model: LatentModel, judge: nn.Module, sliders: Sliders, n: int, seed: int) -> Labelled:
    """Return n labelled points towards the ends of curves, each of another style and a random measure."""
    u, y = styles(model, n, seed)
    generator = torch.Generator().manual_seed(seed)
    known, k = curves.read(sliders, u, y), torch.randint(K, (n,), generator=generator)
    end = torch.where(torch.rand(n, generator=generator) < 0.5, sliders.least[known, k], sliders.most[known, k])
    end = end / sliders.spread[k] + torch.rand(n, generator=generator) - 0.5
    rows = torch.arange(n)
    now = sliders.guide(curves.told(u, y, sliders.labels))[rows, k]
    change = torch.zeros(n, K)
    change[rows, k] = (end - now) * (0.5 + 0.5 * torch.rand(n, generator=generator))
    batches = rows.split(BATCH_DECODED)
    parts = [curves.walk(sliders, u[b], None if y is None else y[b], change[b])[:, -1] for b in batches]
    return labelled(model, judge, torch.cat(parts), y)


def _joined(a: Labelled, b: Labelled) -> Labelled:
    y = None if a.y is None or b.y is None else torch.cat([a.y, b.y])
    return Labelled(torch.cat([a.u, b.u]), y, torch.cat([a.v, b.v]), torch.cat([a.log_p, b.log_p]))


def bounded(sliders: Sliders, model: LatentModel, judge: nn.Module, seed: int) -> Sliders:
    """Return the sliders with their ends drawn in until the reading stays, label by label, and the other measures."""
    u, y = styles(model, TRIED * READ, seed)
    start = labelled(model, judge, u, y)
    movable = curves.movable(sliders, u, y, start.v)
    parts = [_drawn_in(sliders, model, judge, start.where(movable[:, k]), k) for k in range(K)]
    least, most = (torch.stack(ends, dim=1) for ends in zip(*parts, strict=True))  # (READ, K)
    kept = tuple(key for k, key in enumerate(KEYS) if (most > least)[:, k].any())
    return replace(sliders, least=least, most=most, kept=kept)


def _drawn_in(sliders: Sliders, model: LatentModel, judge: nn.Module, start: Labelled, k: int) -> tuple[Tensor, Tensor]:
    """Return both ends (READ,) of the slider of measure k for each label, alike where the label has none."""
    ends, middle = [sliders.least[:, k], sliders.most[:, k]], (sliders.least[:, k] + sliders.most[:, k]) / 2
    if not len(start.u):
        return middle, middle
    usable, moved, labels = ends[1] > ends[0], torch.zeros(READ), curves.read(sliders, start.u, start.y)
    for side, parts in enumerate(zip(*_tried(sliders, model, judge, start, k), strict=True)):  # (F, N), (F, N, K)
        share, way = _share(*parts, labels, k)
        ends[side] = middle + share * (ends[side] - middle)
        usable, moved = usable & (share > 0), moved + way
    return ends[0], torch.where(usable & (moved >= MOVES), ends[1], ends[0])


def _tried(sliders: Sliders, model: LatentModel, judge: nn.Module, start: Labelled, k: int) -> tuple[Tensor, Tensor]:
    """Return, at FRACTIONS of both sides, whether the label is still read (2, F, N), and the drift (2, F, N, K)."""
    known = curves.read(sliders, start.u, start.y)
    values, points = curves.ways(sliders, start.u, start.y, start.v[:, k], torch.full_like(known, k))
    middle = (sliders.least[known, k] + sliders.most[known, k])[:, None] / 2
    half = (sliders.most[known, k])[:, None] - middle
    at = torch.cat([middle - half * torch.tensor(FRACTIONS), middle + half * torch.tensor(FRACTIONS)], dim=1)
    led = curves.along(values, points, at)  # (N, 2F, D)
    n, f = at.shape
    y = None if start.y is None else start.y.repeat_interleave(f)
    there = labelled(model, judge, led.flatten(0, 1), y)
    reads = (there.log_p.argmax(1).view(n, f) == known[:, None]).float()
    reads[start.log_p.argmax(1) != known] = torch.nan  # misread from the start
    drift = ((there.v.view(n, f, K) - start.v[:, None]) / sliders.spread).abs()
    return reads.unflatten(1, (2, -1)).movedim(0, 2), drift.unflatten(1, (2, -1)).movedim(0, 2)


def _share(reads: Tensor, drift: Tensor, labels: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return for each label the largest of FRACTIONS, (READ,), that reading and other measures allow; 0 for none.

    Beside it the spreads (READ,) by which the label's own measure changes there.

    The reading has to stay label by label, no measure to drift too far in the mean over all that have the slider.
    """
    stays = torch.stack([reads[:, labels == label].nanmean(1) for label in range(READ)], dim=1) >= READS  # (F, READ)
    most = torch.where(stays.any(0), stays.float().argmax(0), len(FRACTIONS))  # (READ,): the first that stays
    others = [i for i in range(K) if i != k]
    for row in range(len(FRACTIONS)):
        chosen = most.clamp(min=row)  # (READ,)
        fits = chosen[labels] < len(FRACTIONS)
        if fits.any():
            moved = drift[chosen[labels][fits], fits.nonzero()[:, 0]]  # (N', K)
            if moved.nanmean(0)[others].max() <= DRIFTS:
                own = torch.stack([drift[:, labels == label, k].nanmean(1) for label in range(READ)])  # (READ, F)
                way = nn.functional.pad(own, (0, 1)).gather(1, chosen[:, None])[:, 0]
                return torch.tensor([*FRACTIONS, 0.0])[chosen], way.nan_to_num(0)
    return torch.zeros(READ), torch.zeros(READ)
