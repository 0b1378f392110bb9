"""How the finder of faces was taught: faces of LFW turned, scaled and laid on other grounds.

python -m cvae.faces.teaching --data-dir DIR writes finder.safetensors, in a quarter of an hour on a core. Only people
of the training part are seen. The shipped weights were taught in two parts: 2,170 steps of an earlier recipe, without
grain, noise as a ground and double weight of the size; then `--start` those `--steps 1440`.
"""

import argparse
import math
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from cvae import data
from cvae.data import lfw_files as lfw
from cvae.faces.finder import LARGEST, SMALLEST, STRIDE, USUAL, WEIGHTS, Finder, loaded

SIDE = 125  # pixels of a picture of the set here
FACE = SIDE * lfw.CROP / lfw.SIDE  # edge of the face in it
CANVAS = 96  # pixels of a side of what is made
SLOTS = 2  # faces in a picture at most
BATCH = 32
STEPS, WARM, FALL, LR = 3600, 100, 0.4, 2e-3  # steps, of a rising rate of learning, share of a falling one, the rate
EMA = 0.995  # of the averaged weights
WEIGH = 1.0, 1.0, 2.0, 1.0, 1.0  # in the error: of the place across and down, the size, cosine and sine of the turn


def main() -> None:
    """Teach a finder and write its weights."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data-dir", type=Path)
    p.add_argument("--start", type=Path, help="weights to go on from, instead of random ones")
    p.add_argument("--steps", type=int, default=STEPS)
    p.add_argument("--to", type=Path, default=WEIGHTS)
    args = p.parse_args()
    pictures = torch.from_numpy(data.lfw(args.data_dir, "train", SIDE, lfw.SIDE, download=True).images.copy())
    torch.manual_seed(0)
    finder = taught(loaded(args.start) if args.start else Finder(), pictures, args.steps)
    save_file({k: v.half() if v.is_floating_point() else v for k, v in finder.state_dict().items()}, args.to)


def taught(finder: Finder, pictures: Tensor, steps: int) -> Finder:
    """Return a finder that went on to learn from pictures (N, 3, SIDE, SIDE) uint8 of faces: its averaged weights."""
    finder.train()
    optimizer = torch.optim.AdamW(finder.parameters(), lr=LR, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_rate, steps=steps))
    average = AveragedModel(finder, multi_avg_fn=get_ema_multi_avg_fn(EMA), use_buffers=True)
    generator = torch.Generator().manual_seed(0)
    for _ in (bar := tqdm(range(steps))):
        x, places = scenes(pictures, BATCH, generator)
        with torch.autocast("cpu", torch.bfloat16):
            answers = finder(x)
        loss = error(answers.float(), places)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(finder.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(finder)
        bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
    finder.load_state_dict(average.module.state_dict())
    return finder.eval()


def _rate(step: int, steps: int) -> float:
    """Return the share of the rate of learning at a step: it rises, stays, and falls to zero."""
    return min(1.0, (step + 1) / WARM, (steps - step) / (FALL * steps))


def scenes(pictures: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return n made pictures (n, 3, CANVAS, CANVAS) and their faces (n, SLOTS, 5): there or not, x, y, edge, turn."""
    x = _grounds(pictures, n, generator)
    places = torch.zeros(n, SLOTS, 5)
    count = torch.multinomial(torch.tensor([0.25, 0.55, 0.2]), n, replacement=True, generator=generator)
    for slot in range(SLOTS):
        there = (count > slot).float()
        place = _places(n, slot, count, generator)
        faces = _some(pictures, n, generator)
        laid, mask = _laid(faces, place, generator)
        mask = mask * there[:, None, None, None]
        x = x + mask * (laid - x)
        places[:, slot] = torch.cat([there[:, None], place], dim=1)
    return _photographed(x, generator), places


def _some(pictures: Tensor, n: int, generator: torch.Generator) -> Tensor:
    chosen = pictures[torch.randint(len(pictures), (n,), generator=generator)].float() / 255
    return torch.where(torch.rand(n, 1, 1, 1, generator=generator) < 0.5, chosen.flip(3), chosen)


def _places(n: int, slot: int, count: Tensor, generator: torch.Generator) -> Tensor:
    """Return middle, edge and turn of a face for each picture, (n, 4); of two, each has its half of the picture."""
    r = torch.rand(n, 4, generator=generator)
    two = count > 1
    edge = SMALLEST * (LARGEST / SMALLEST) ** r[:, 0]
    edge = torch.where(two, edge.clamp(max=24), edge)
    x, y = (CANVAS * (0.06 + 0.88 * r[:, k]) for k in (1, 2))
    half = CANVAS / 2
    x = torch.where(two, half * slot + edge * 0.7 + (half - 1.4 * edge).clamp(min=0) * r[:, 1], x)
    level = torch.rand(n, generator=generator) < 0.3
    turn = torch.where(level, 0.3 * (2 * r[:, 3] - 1), math.pi * (2 * r[:, 3] - 1))
    return torch.stack([x, y, edge, turn], dim=1)


def _laid(faces: Tensor, place: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return pictures of faces at their places, and how far they cover what is below: all, a square or the head."""
    n = len(faces)
    x, y, edge, turn = place.unbind(1)
    scale = FACE / edge * CANVAS / SIDE  # of the canvas in pictures of the set
    cos, sin = scale * turn.cos(), scale * turn.sin()
    middle = torch.stack([2 * x / CANVAS - 1, 2 * y / CANVAS - 1], dim=1)
    linear = torch.stack([cos, sin, -sin, cos], dim=1).view(n, 2, 2)
    theta = torch.cat([linear, -linear @ middle[:, :, None]], dim=2)
    grid = F.affine_grid(theta, [n, 3, CANVAS, CANVAS], align_corners=False)
    small = F.interpolate(faces, scale_factor=0.5, mode="area")  # for faces that become small, against aliasing
    large, low = (F.grid_sample(v, grid, align_corners=False, padding_mode="reflection") for v in (faces, small))
    laid = torch.where((edge < 26)[:, None, None, None], low, large)
    square = (grid.abs().amax(3) < 1).float()
    stretch = 0.45 + 0.2 * torch.rand(n, 1, 1, generator=generator)
    radius = ((grid[..., 0] / stretch) ** 2 + ((grid[..., 1] + 0.05) / (1.3 * stretch)) ** 2).sqrt()
    head = ((1.1 - radius) * 8).clamp(0, 1)
    kind = torch.multinomial(torch.tensor([0.3, 0.4, 0.3]), n, replacement=True, generator=generator)[:, None, None]
    whole = (place[:, 2] > 16)[:, None, None]  # of a small one the mirrored surroundings would be faces again
    mask = torch.where(kind == 2, head, square)
    wide = (grid.abs().amax(3) < 1.5).float()
    return laid, torch.where((kind == 0) & whole, wide, mask)[:, None]


def _grounds(pictures: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Return pictures without a face: pieces of others in disorder, passing colours, shapes, noise."""
    kind = torch.multinomial(torch.tensor([0.2, 0.2, 0.2, 0.4]), n, replacement=True, generator=generator)
    coarse = torch.rand(n, 3, 4, 4, generator=generator)
    x = F.interpolate(coarse, (CANVAS, CANVAS), mode="bicubic").clamp(0, 1)
    x[kind == 1] = _shapes(x[kind == 1], generator)
    x[kind == 2] = _cloudy(x[kind == 2], generator)
    x[kind == 3] = _pieces(pictures, int((kind == 3).sum()), generator)
    return x


def _cloudy(x: Tensor, generator: torch.Generator) -> Tensor:
    """Lay noise of every scale on pictures, like leaves or wallpaper."""
    for side in (3, 6, 12, 24, 48, CANVAS):
        strength = 0.2 * torch.rand(len(x), 1, 1, 1, generator=generator)
        noise = torch.randn(len(x), 3, side, side, generator=generator)
        x = x + strength * F.interpolate(noise, (CANVAS, CANVAS), mode="bilinear")
    return x.clamp(0, 1)


def _pieces(pictures: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Return pieces of the rims and of the middles of pictures, each scaled and turned by its own right angle."""
    out = torch.empty(n, 3, CANVAS, CANVAS)
    sources = _some(pictures, 4 * n, generator)
    whole = lambda low, high: int(torch.randint(low, high, (1,), generator=generator))  # noqa: E731
    for i in range(n):
        parts = whole(1, 5)
        ends = [*(k * (CANVAS // parts) for k in range(parts)), CANVAS]
        for k in range(parts * parts):
            source, edge = sources[whole(0, 4 * n)], whole(14, 27)
            top, left = _apart(edge, generator)
            piece = source[None, :, top : top + edge, left : left + edge].rot90(whole(0, 4), (2, 3))
            rows, columns = (slice(ends[j], ends[j + 1]) for j in (k // parts, k % parts))
            size = rows.stop - rows.start, columns.stop - columns.start
            out[i, :, rows, columns] = F.interpolate(piece, size, mode="bilinear")[0]
    return out


def _apart(edge: int, generator: torch.Generator) -> tuple[int, int]:
    """Return the upper left corner of a piece: mostly at the rim, else of a part of a face."""
    r = torch.rand(3, generator=generator).tolist()
    free = SIDE - edge
    if r[0] < 0.25:
        return round(40 + r[1] * (65 - edge)), round(40 + r[2] * 20)
    if r[0] < 0.62:
        return round(r[1] * free), round(r[2] * 4) if r[1] < 0.5 else free - round(r[2] * 4)
    return (round(r[1] * 4) if r[0] < 0.7 else free - round(r[1] * 4)), round(r[2] * free)


def _shapes(x: Tensor, generator: torch.Generator) -> Tensor:
    """Lay ellipses and bars of one colour each on pictures."""
    n = len(x)
    line = torch.linspace(-1, 1, CANVAS)
    for _ in range(7):
        r = torch.rand(n, 9, 1, 1, generator=generator)
        u, v = line[None, None] - (2 * r[:, 0] - 1), line[None, :, None] - (2 * r[:, 1] - 1)
        angle = math.pi * r[:, 2]
        a, b = angle.cos() * u + angle.sin() * v, angle.cos() * v - angle.sin() * u
        a, b = a / (0.05 + 0.6 * r[:, 3] ** 2), b / (0.05 + 0.6 * r[:, 4] ** 2)
        inside = torch.where(r[:, 5] < 0.5, a**2 + b**2 < 1, (a.abs() < 1) & (b.abs() < 1))
        x = torch.where(inside[:, None], r[:, 6:9], x)
    return x


def _photographed(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures in another light: darker, of less contrast, tinted or grey, blurred, with noise."""
    n = len(x)
    r = torch.rand(n, 8, 1, 1, 1, generator=generator)
    x = _grainy(x, generator).clamp(0, 1) ** torch.where(r[:, 0] < 0.3, 1 + 1.5 * r[:, 1], 0.6 + 0.8 * r[:, 1])
    tint = 0.75 + 0.5 * torch.rand(n, 3, 1, 1, generator=generator)
    x = torch.where(r[:, 2] < 0.2, x.mean(1, keepdim=True), x * tint)
    x = x * torch.where(r[:, 3] < 0.3, 0.12 + 0.5 * r[:, 4], 1.0) + 0.1 * r[:, 5]
    soft = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    x = torch.where(r[:, 6] < 0.25, soft, x)
    return (x + 0.04 * r[:, 7] ** 2 * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def _grainy(x: Tensor, generator: torch.Generator) -> Tensor:
    """Lay grain on a quarter of the pictures, of one pixel or two, grey or of each colour."""
    n = len(x)
    r = torch.rand(n, 4, 1, 1, 1, generator=generator)
    fine = torch.randn(x.shape, generator=generator)
    coarse = F.interpolate(torch.randn(n, 3, CANVAS // 2, CANVAS // 2, generator=generator), (CANVAS, CANVAS))
    grain = torch.where(r[:, 1] < 0.5, fine, coarse)
    grain = torch.where(r[:, 2] < 0.5, grain[:, :1], grain)
    return x + torch.where(r[:, 0] < 0.25, 0.12 * r[:, 3], 0.0) * grain


def error(answers: Tensor, places: Tensor) -> Tensor:
    """Return how wrong answers (N, 6, H, W) are about the faces (N, SLOTS, 5); the focal loss of Zhou et al. 2019."""
    there, x, y, edge, turn = places[:, :, :, None, None].unbind(2)  # (N, SLOTS, 1, 1)
    rows, columns = (torch.arange(k) for k in answers.shape[2:])
    across, down = x / STRIDE - (columns + 0.5), y / STRIDE - (rows[:, None] + 0.5)  # (N, SLOTS, H, W) by broadcast
    distance = across**2 + down**2
    heat = (there * (-distance / (2 * (edge / STRIDE / 5) ** 2)).exp()).amax(1)
    near = there * (distance < (edge / STRIDE / 6).clamp(min=1) ** 2)
    probability = answers[:, 0].sigmoid().clamp(1e-5, 1 - 1e-5)
    right = ((across.abs() <= 0.5) & (down.abs() <= 0.5) & (there > 0)).any(1)
    positive = (1 - probability) ** 2 * probability.log()
    negative = (1 - heat) ** 4 * probability**2 * (1 - probability).log()
    count = right.sum().clamp(min=1)
    focal = -torch.where(right, positive, negative).sum() / count
    wanted = torch.stack(torch.broadcast_tensors(across, down, (edge / USUAL).log(), turn.cos(), turn.sin()), dim=2)
    apart = F.smooth_l1_loss(answers[:, None, 1:].expand_as(wanted), wanted, reduction="none", beta=0.1)
    apart = (apart * torch.tensor(WEIGH)[:, None, None]).sum(2)
    return focal + (near * apart).sum() / near.sum().clamp(min=1)


if __name__ == "__main__":
    main()
