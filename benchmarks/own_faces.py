"""Faces as people bring them: how often the box is right, and how often it is wrong without a word.

python benchmarks/own_faces.py --data-dir DIR lays test people of LFW, whom neither the models nor the finder has seen,
on grounds of many kinds: PICTURES pictures of each of KINDS. With --part validation it lays those by whom one chooses.
"""

import argparse
import math
import os
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import median_and_p95, table  # noqa: E402

MODEL = "ae-conv-faces"
PICTURES = 30
KINDS = {  # degrees by which the face is turned, share of the picture's shorter side that the head's picture takes
    "upright": (0, 0.7),
    "tilted by 15 degrees": (15, 0.7),
    "tilted by 30 degrees": (30, 0.7),
    "lying": (90, 0.7),
    "a fifth of the picture": (0, 0.2),
    "dark": (0, 0.7),
    "two faces": (0, 0.45),
    "upside down": (180, 0.7),
}
MUST = dict(zip(KINDS, (29, 28, 27, 27, 26), strict=False))
OUTCOMES = "right", "of these unsure", "wrong, said", "wrong, unsaid"
OVERLAP = 0.5  # of the squares' areas, from which a box is right
ASKEW = 20  # degrees by which the turn may be wrong


def scene(heads: list[Image.Image], kind: str, rng: np.random.Generator) -> tuple[Image.Image, list[tuple]]:
    """Return a picture with faces and, for each, x, y, edge and degrees clockwise."""
    degrees, share = KINDS[kind]
    size = int(rng.integers(500, 1000)), int(rng.integers(500, 1000))
    picture = ground(size, rng)
    places = []
    for slot, head in enumerate(heads):
        side = share * min(size) * rng.uniform(0.9, 1.1)
        turn = math.radians(degrees * rng.choice([-1, 1]) + rng.uniform(-3, 3))
        reach = side / 2 * (abs(math.cos(turn)) + abs(math.sin(turn)))
        low, high = (reach, size[0] - reach) if len(heads) == 1 else sorted((reach, size[0] / 2 - side * 0.1))
        x = rng.uniform(low, max(low, high)) + (size[0] / 2 if slot else 0) * (len(heads) > 1)
        y = rng.uniform(reach, max(reach, size[1] - reach))
        paste(picture, head, (x, y), side, turn, rng)
        places.append((x, y, side * 80 / 250, math.degrees(turn)))
    if kind == "dark":
        picture = picture.point(lambda v: int(v * dim)) if (dim := rng.uniform(0.1, 0.25)) else picture
    return picture, places


def paste(picture, head: Image.Image, at: tuple[float, float], side: float, turn: float, rng) -> None:
    """Lay a picture of a head on another, turned: all of it, or the head with a soft rim."""
    mask = Image.new("L", head.size)
    if rng.random() < 0.5:
        mask.paste(255, (0, 0, *head.size))
    else:
        ImageDraw.Draw(mask).ellipse([45, 15, 205, 245], fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(6))
    size = (round(side),) * 2
    small = (p.resize(size, Image.Resampling.BICUBIC) for p in (head, mask))
    turned = [p.rotate(-math.degrees(turn), Image.Resampling.BICUBIC, expand=True) for p in small]
    left, top = (round(v - length / 2) for v, length in zip(at, turned[0].size, strict=True))
    picture.paste(turned[0], (left, top), turned[1])


def ground(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Return a ground: one colour, passing colours, shapes like a room's, or noise of many scales like leaves."""
    coarse = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
    kind = int(rng.integers(4))
    if kind == 0:
        return Image.new("RGB", size, tuple(int(v) for v in coarse[0, 0]))
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    if kind == 2:
        pen = ImageDraw.Draw(picture)
        for _ in range(25):
            x, y = (rng.uniform(0, length) for length in size)
            w, h = rng.uniform(10, 300, 2)
            draw = pen.ellipse if rng.random() < 0.4 else pen.rectangle
            draw([x, y, x + w, y + h], fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    if kind == 3:
        total = np.asarray(picture, np.float32)
        for scale in (4, 8, 16, 32, 64):
            noise = rng.normal(0, 25, (scale, scale, 3)).astype(np.float32)
            layers = [Image.fromarray(noise[..., c]).resize(size, Image.Resampling.BICUBIC) for c in range(3)]
            total = total + np.stack([np.asarray(layer) for layer in layers], -1)
        picture = Image.fromarray(total.clip(0, 255).astype(np.uint8))
    return picture


def right(face, places: list[tuple]) -> bool:
    """Tell whether a face is one of those that are there, in place, size and turn."""
    for x, y, edge, degrees in places:
        sides = [max(0.0, (edge + face.edge) / 2 - abs(a - b)) for a, b in ((x, face.x), (y, face.y))]
        both = min(sides[0], edge, face.edge) * min(sides[1], edge, face.edge)
        overlap = both / (edge**2 + face.edge**2 - both)
        askew = abs(math.degrees(math.remainder(face.turn - math.radians(degrees), 2 * math.pi)))
        if overlap > OVERLAP and askew < ASKEW:
            return True
    return False


def measure(data_dir: Path, seeds: list[int], part: str = "test") -> list[tuple[str, ...]]:
    """Return a row for each kind: right, right but said to be unsure, wrong with a word, wrong without one.

    Of several seeds the means; what was wrong without a word at each is printed.
    """
    from cvae import faces
    from cvae.checkpoints import load_run, run_dir
    from cvae.data import lfw_files as lfw

    model, space = load_run(MODEL), faces.load(run_dir(MODEL))
    folder = lfw.find(data_dir)
    if folder is None:
        raise SystemExit(f"the faces are not in {data_dir}.")
    people = sorted(f for f in lfw._listing(folder) if lfw.part_of(f.parent.name) == part)
    seconds: list[float] = []
    search = partial(faces.search, model, space)
    counts = np.array([counted(search, people, np.random.default_rng(seed), seconds) for seed in seeds])
    print(f"time to find it, median / p95: {median_and_p95(seconds)}")
    for seed, five in zip(seeds, counts[:, : len(MUST)], strict=True):
        print(
            f"seed {seed}, the first {len(MUST)} kinds: {five[:, 0].tolist()} right, {five[:, 3].sum()} wrong, unsaid"
        )
    means = [[f"{mean:.3g}" for mean in row] for row in counts.mean(0)]
    rows = [(kind, *row, str(MUST.get(kind, ""))) for kind, row in zip(KINDS, means, strict=True)]
    return [("kind", *OUTCOMES, "must reach"), *rows]


def counted(search, people: list[Path], rng: np.random.Generator, seconds: list[float]) -> list[list[int]]:
    """Return how often each of OUTCOMES comes, for each kind; append how long each search took, in milliseconds."""
    from cvae.faces import SURE

    rows = []
    for kind in KINDS:
        row = [0] * len(OUTCOMES)
        for _ in range(PICTURES):
            chosen = rng.choice(len(people), 2 if kind == "two faces" else 1, replace=False)
            picture, places = scene([Image.open(people[i]).convert("RGB") for i in chosen], kind, rng)
            begin = time.perf_counter()
            face = next(iter(search(picture)), None)
            seconds.append(1000 * (time.perf_counter() - begin))
            sure = face is not None and face.score >= SURE
            good = face is not None and right(face, places)
            for i, came in enumerate((good, good and not sure, not (good or sure), sure and not good)):
                row[i] += came
        rows.append(row)
    return rows


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data-dir", type=Path, default=os.environ.get("CVAE_DATA_DIR"))
    p.add_argument("--seed", type=int, nargs="+", default=[0], help="of several, the means are shown")
    p.add_argument("--part", choices=("validation", "test"), default="test", help="of the people")
    args = p.parse_args()
    rows = measure(Path(args.data_dir), args.seed, args.part)
    table(f"{PICTURES} pictures of each kind, of {args.part} people", rows)


if __name__ == "__main__":
    main()
