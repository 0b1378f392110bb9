"""Twenty pictures meaner than those of sketches.py, each another kind: python benchmarks/mean_sketches.py --seed 5

Prints what is read in each, by `preprocess.to_digits` and `tasks.classify` with `cvae-conv`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import sketch_marks as marks
from benchmarks.machine import table
from benchmarks.sketch_kinds import BLUE, DARK, PAPER, Digits, Made, Sheet, soft
from benchmarks.sketches import supply

SIZE = (760, 760)


def _sheet(rng, digits: Digits, ground=PAPER) -> tuple[Sheet, tuple, float]:
    """Return a sheet, and where a digit shall stand on it and how high."""
    sheet = Sheet(rng, digits, SIZE, ground)
    sheet.ink = DARK
    return sheet, (rng.uniform(320, 440), rng.uniform(330, 430)), rng.uniform(280, 380)


def newspaper(rng, digits):
    sheet, at, height = _sheet(rng, digits, (222, 218, 208))
    for y in range(30, 760, 34):
        sheet.says("".join(rng.choice(list("abcdeinorst lm"), 42)), (380, y), 22, (95, 95, 95))
    sheet.write(at, height, (25, 60, 160), 34)
    return sheet.done()


def box_with_tape(rng, digits):
    sheet, at, height = _sheet(rng, digits, (182, 142, 98))
    sheet.rgb *= (1 + 0.03 * np.sin(sheet.x * 0.5))[..., None]
    sheet.line([(0, 120), (760, 150)], (214, 190, 140), 90, 0.8)
    sheet.write(at, height, (50, 40, 35), 22)
    return sheet.done()


def palm(rng, digits):
    sheet, at, height = _sheet(rng, digits, (224, 176, 150))
    sheet.rgb *= (1 + 0.07 * soft(rng, sheet.x.shape, 5))[..., None]
    for bend in (0.2, 0.5, 0.75):
        xs = np.linspace(0, 760, 40)
        points = [(x, 760 * bend + 70 * np.sin(x / 180 + 9 * bend)) for x in xs]
        sheet.line(points, (176, 118, 98), 5, 0.6)
    sheet.write(at, height, (40, 60, 150), 9)
    return sheet.done()


def jeans(rng, digits):
    sheet, at, height = _sheet(rng, digits, (52, 66, 104))
    sheet.rgb *= (1 + 0.16 * np.sin((sheet.x + sheet.y) * 0.8) + 0.06 * soft(rng, sheet.x.shape, 90))[..., None]
    sheet.write(at, height, (205, 70, 80), 24)
    return sheet.done()


def bricks(rng, digits):
    sheet, at, height = _sheet(rng, digits, (150, 74, 58))
    sheet.rgb *= (1 + 0.12 * soft(rng, sheet.x.shape, 60))[..., None]
    rows = range(0, 760, 76)
    sheet.lines([[(0, y), (760, y)] for y in rows], (188, 180, 170), 9)
    ups = [[(x + 80 * (y // 76 % 2), y), (x + 80 * (y // 76 % 2), y + 76)] for y in rows for x in range(0, 800, 160)]
    sheet.lines(ups, (188, 180, 170), 9)
    sheet.write(at, height, (240, 240, 236), 30)
    return sheet.done()


def sand(rng, digits):
    sheet, at, height = _sheet(rng, digits, (206, 184, 146))
    ground = sheet.rgb.copy()
    cover = sheet.write(at, height, (150, 128, 94), 30)
    sheet.rgb = ground * (1 + 0.1 * rng.normal(0, 1, cover.shape) - 0.35 * cover)[..., None]
    sheet.rgb += 60 * np.roll(cover, (-9, -9), (0, 1))[..., None] * (1 - cover)[..., None]
    return sheet.done()


def window(rng, digits):
    sheet, at, height = _sheet(rng, digits, (150, 160, 170))
    sheet.rgb *= (1 - 0.25 * sheet.y / 760 + 0.12 * soft(rng, sheet.x.shape, 4))[..., None]
    sheet.write(at, height, (66, 74, 82), 26)
    for x in rng.uniform(at[0] - 120, at[0] + 120, 3):
        sheet.line([(x, at[1] + 60), (x + 4, at[1] + rng.uniform(120, 260))], (90, 98, 106), 5, 0.7)
    return sheet.done()


def screen(rng, digits):
    sheet, at, height = _sheet(rng, digits, (18, 20, 26))
    sheet.write(at, height, (70, 250, 120), 20)
    sheet.rgb *= (0.75 + 0.25 * np.sin(sheet.x * 2.1) * np.sin(sheet.y * 2.1))[..., None]
    marks.glare(sheet)
    return sheet.done()


def bulbs(rng, digits):
    sheet, at, height = _sheet(rng, digits, (30, 28, 32))
    ground = sheet.rgb.copy()
    sheet.write(at, height, (255, 170, 40), 34)
    round_ = np.hypot((sheet.x % 22) - 11, (sheet.y % 22) - 11) < 9
    sheet.rgb = np.where(round_[..., None], sheet.rgb, ground)
    return sheet.done()


def stitches(rng, digits):
    sheet, at, height = _sheet(rng, digits, (228, 214, 190))
    sheet.rgb *= (1 + 0.05 * np.sin(sheet.x * 0.9) * np.sin(sheet.y * 0.9))[..., None]
    ground = sheet.rgb.copy()
    sheet.write(at, height, (170, 40, 60), 12)
    gaps = (sheet.x - sheet.y) % 34 < 8
    sheet.rgb[gaps] = ground[gaps]
    return sheet.done()


def dabs(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    ground = sheet.rgb.copy()
    cover = sheet.write(at, height, DARK, 38)
    spots = (np.hypot((sheet.x % 24) - 12, (sheet.y % 24) - 12) < 9) & (cover > 0.5)
    sheet.rgb = np.where(spots[..., None], sheet.rgb, ground)
    return sheet.done()


def hollow(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    ground = sheet.rgb.copy()
    cover = sheet.write(at, height, DARK, 44)
    inner = cover.copy()
    for shift in ((6, 0), (-6, 0), (0, 6), (0, -6)):
        inner = np.minimum(inner, np.roll(cover, shift, (0, 1)))
    sheet.rgb = np.where(inner[..., None] > 0.5, ground, sheet.rgb)
    return sheet.done()


def two_inks(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    cover = sheet.write(at, height, BLUE, 14)
    sheet.paint(cover * (sheet.y > at[1]), (190, 40, 40))
    return sheet.done()


def drop_shadow(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    before = len(sheet.labels)
    ground = sheet.rgb.copy()
    cover = sheet.write(at, height, DARK, 26)
    sheet.rgb = ground * (1 - 0.35 * np.roll(cover, (16, 16), (0, 1)))[..., None]
    sheet.paint(cover, (200, 50, 40))
    assert len(sheet.labels) == before + 1
    return sheet.done()


def plate(rng, digits):
    sheet, at, height = _sheet(rng, digits, (120, 124, 130))
    marks.rectangle(sheet, (380, 380), (330, 250), (30, 30, 32), 10)
    inside = (abs(sheet.x - 380) < 326) & (abs(sheet.y - 380) < 246)
    sheet.paint(inside.astype(np.float32), (240, 214, 70))
    for x, y in ((90, 170), (670, 170), (90, 590), (670, 590)):
        sheet.paint((np.hypot(sheet.x - x, sheet.y - y) < 14).astype(np.float32), (80, 80, 84))
    sheet.write(at, height, (20, 20, 22), 40)
    return sheet.done()


def axes(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    sheet.line([(60, 30), (60, 720), (740, 720)], DARK, 4)
    sheet.lines([[(52, y), (68, y)] for y in range(60, 720, 60)], DARK, 4)
    sheet.lines([[(x, 712), (x, 728)] for x in range(120, 740, 60)], DARK, 4)
    xs = np.linspace(60, 740, 60)
    sheet.line([(x, 690 - 40 * np.sin(x / 60)) for x in xs], (200, 90, 40), 4)
    sheet.write(at, height, DARK, 10)
    return sheet.done()


def monitor(rng, digits):
    sheet, at, height = _sheet(rng, digits, (24, 26, 32))
    for y in range(20, 760, 40):
        sheet.says("".join(rng.choice(list("abc(){}=;_  xyz"), 34)), (380, y), 26, (120, 200, 140))
    inside = (abs(sheet.x - at[0]) < 0.85 * height) & (abs(sheet.y - at[1]) < 0.75 * height)
    sheet.paint(inside.astype(np.float32), (252, 232, 110))
    sheet.write(at, 0.75 * height, (40, 40, 60), 12)
    return sheet.done()


def tally(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    sheet.lines([[(40 + 26 * i, 600), (46 + 26 * i, 690)] for i in range(4)], DARK, 6)
    sheet.line([(25, 680), (150, 605)], DARK, 6)
    sheet.write((at[0] + 60, at[1] - 60), height, DARK, 12)
    return sheet.done()


def plaid(rng, digits):
    sheet, at, height = _sheet(rng, digits, (215, 60, 60))
    for along in (sheet.x, sheet.y):
        sheet.rgb *= (1 - 0.3 * ((along % 120) < 50))[..., None]
        sheet.paint(((along % 120) < 6).astype(np.float32), (245, 235, 220))
    sheet.write(at, height, (20, 20, 24), 36)
    return sheet.done()


def night(rng, digits):
    sheet, at, height = _sheet(rng, digits)
    sheet.write(at, height, DARK, 16)
    lamp = np.exp(-(((sheet.x - 620) ** 2 + (sheet.y - 120) ** 2) / 300**2))
    sheet.rgb *= (0.12 + 0.6 * lamp)[..., None]
    return sheet.done(noise=6)


KINDS = (newspaper, box_with_tape, palm, jeans, bricks, sand, window, screen, bulbs, stitches, dabs, hollow, two_inks)
KINDS += (drop_shadow, plate, axes, monitor, tally, plaid, night)


def read(model, made: Made) -> list[int]:
    """Return the digits that are read in a picture, the first before the others; none where it is refused."""
    import torch

    from cvae import preprocess, tasks

    try:
        x = torch.cat([one.digit for one in preprocess.to_digits(made.image)])
    except ValueError:
        return []
    return tasks.classify(model, x, generator=torch.Generator().manual_seed(0)).argmax(1).tolist()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the pictures")
    options = parser.parse_args()
    from cvae import checkpoints

    model, digits = checkpoints.load_run("cvae-conv"), supply()
    rows = [("kind", "digit", "read", "right")]
    for i, kind in enumerate(KINDS):
        made = kind(np.random.default_rng([options.seed, i]), digits)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            made.image.save(options.keep / f"{kind.__name__}_{made.labels[0]}.png")
        numbers = read(model, made)
        right = "yes" if numbers[:1] == list(made.labels) else "no"
        name, says = kind.__name__.replace("_", " "), " ".join(map(str, numbers)) or "none"
        rows.append((name, f"{made.labels[0]}", says, right))
    right = sum(row[-1] == "yes" for row in rows)
    table(f"twenty mean pictures, seed {options.seed}", [*rows, ("together", "", "", f"{right} of {len(KINDS)}")])


if __name__ == "__main__":
    main()
