"""Of how many made photographs of each kind the digit is read right: python benchmarks/sketches.py --n 100

It is read right where `preprocess.to_digit` and `tasks.classify` with `cvae-conv` give its label; of several digits
in one picture, any. It also counts in how many pictures `preprocess.to_digits` finds as many digits as there are, and
in how many all of them are read right.
"""

import argparse
import re
import sys
import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import sketch_marks as marks
from benchmarks.machine import table
from benchmarks.sketch_kinds import BLUE, DARK, WHITE, Digits, Kind, Made, plain
from benchmarks.sketch_places import PLACES

YELLOW, GREEN, KRAFT = (255, 235, 60), (190, 248, 90), (190, 152, 106)


def _after(mark, **options):
    return partial(plain, after=partial(mark, **options))


def _form(sheet, at, height):
    marks.cells(sheet, at, height, range(-1, 3), range(1))


def _calendar(sheet, at, height):
    marks.cells(sheet, at, height, range(-6, 7), range(-6, 7), (60, 60, 66))


GOOD = {  # read right before there was a network
    "plain": plain,
    "thin pen": partial(plain, width=4.0),
    "fat pen": partial(plain, width=40.0, low=0.5),
    "light rules": partial(plain, before=partial(marks.rules, colour=(205, 212, 228))),
    "light grid": partial(plain, before=partial(marks.rules, colour=(205, 215, 222), step=40, grid=True)),
    "soft gradient": _after(marks.gradient),
    "red": partial(plain, ink=(200, 40, 40)),
    "green": partial(plain, ink=(30, 130, 60)),
    "light blue": partial(plain, ink=(110, 170, 225)),
    "pink": partial(plain, ink=(235, 120, 170)),
    "tiny": partial(plain, low=0.09, high=0.14, width=None),
    "blackboard": partial(plain, ground=(38, 60, 50), ink=(225, 225, 220)),
    "whiteboard glare": partial(plain, ground=WHITE, after=marks.glare),
    "pencil": partial(plain, ink=(140, 140, 142), width=5.0),
    "sticky note": partial(plain, ground=(250, 235, 120)),
    "crumpled": partial(plain, before=marks.crumples, width=None),
    "show-through": partial(plain, before=marks.through),
    "moire": _after(marks.moire),
    "noisy": partial(plain, noise=14.0, width=None),
}
BAD = {  # failed before
    "phone's shadow": _after(marks.phone),
    "shadow's edge, pen": partial(plain, after=marks.edge, width=4.5),
    "shadow's edge, marker": partial(plain, after=marks.edge, width=None),
    "frame far": _after(marks.frame, near=False),
    "frame near": _after(marks.frame, near=True),
    "circled": _after(marks.ring),
    "underlined": _after(marks.underline, apart=0.12),
    "underline touches": _after(marks.underline, apart=0.0),
    "form cells": partial(plain, low=0.2, high=0.3, size=(900, 500), after=_form),
    "calendar grid": partial(plain, low=0.12, high=0.2, after=_calendar),
    "rules in the ink's colour": partial(plain, ink=BLUE, before=partial(marks.rules, colour=BLUE)),
    "dark rules": partial(plain, ink=DARK, before=partial(marks.rules, colour=(90, 95, 120), width=2.5)),
    "punched holes": partial(plain, before=marks.holes, size=(900, 700)),
    "a pen lies there": partial(plain, after=marks.pen, size=(900, 800)),
    "faint pencil": partial(plain, ground=(222, 219, 215), ink=(192, 190, 187), width=6.0, noise=1.5),
    "yellow highlighter": partial(plain, ink=YELLOW, width=26.0, low=0.4),
    "green highlighter": partial(plain, ink=GREEN, width=26.0, low=0.4),
    "orange on kraft": partial(plain, ground=KRAFT, ink=(228, 120, 44), width=None),
    "red on green": partial(plain, ground=(68, 150, 72), ink=(195, 62, 55), width=None),
    "a dot after": _after(marks.dot),
    "15 degrees": partial(plain, turn=0.26),
}
FURTHER = {  # made after the rules and the network were
    "ruled paper, turned": partial(plain, before=partial(marks.rules, colour=(120, 130, 160), turn=0.12)),
    "coffee ring": partial(plain, before=marks.coffee),
    "hand's shadow": _after(marks.hand),
    "blinds' shadow": _after(marks.blinds),
    "whiteboard with a tray": partial(plain, ground=WHITE, after=marks.tray, low=0.25, high=0.4),
    "coloured graph paper": partial(plain, before=partial(marks.rules, colour=(70, 160, 120), step=28, grid=True)),
    "ink that bleeds": _after(marks.bleed),
    "chalk with smears": partial(plain, ground=(48, 50, 54), ink=(222, 222, 218), before=marks.smears),
    "envelope with a stamp": partial(plain, ground=(225, 205, 170), before=marks.stamp, size=(900, 600)),
    "receipt": partial(plain, ground=WHITE, size=(450, 900), low=0.4, high=0.7, before=marks.print_lines),
    "arrow beside": partial(plain, after=marks.arrow, size=(900, 650)),
    "struck through": _after(marks.strike),
    "folded letter": _after(marks.creases),
    "spiral pad": partial(plain, before=marks.spiral, low=0.3, high=0.45),
}
KINDS: dict[str, dict[str, Kind]] = {"right before": GOOD, "wrong before": BAD, "further": FURTHER}
for group, kinds in PLACES.items():
    KINDS[group] |= kinds


def supply() -> Digits:
    """Return MNIST's test digits."""
    from cvae import data

    digits = data.mnist(train=False)
    return Digits(digits.images[:, 0].numpy(), digits.labels.numpy())


def pictures(name: str, seed: int, n: int, digits: Digits) -> Iterator[Made]:
    """Yield n pictures of the kind of this name, the same for the same seed."""
    kind = next(kinds[name] for kinds in KINDS.values() if name in kinds)
    for i in range(n):
        yield kind(np.random.default_rng([seed, i, zlib.crc32(name.encode())]), digits)


def reads(model, made: Made) -> tuple[int | None, bool, bool]:
    """Return what is read in a picture, None where it is refused; whether as many digits as there are; whether all."""
    import torch

    from cvae import preprocess, tasks

    try:
        x = torch.cat([one.digit for one in preprocess.to_digits(made.image)])
    except ValueError:
        return None, False, False
    read = tasks.classify(model, x, generator=torch.Generator().manual_seed(0)).argmax(1).tolist()
    return read[0], len(read) == len(made.labels), sorted(read) == sorted(made.labels)


def measured(model: Any, name: str, digits: Digits, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the row of a kind; pictures that are read wrong are kept where a folder for them is named."""
    right = refused = counted = complete = 0
    seconds = 0.0
    for i, made in enumerate(pictures(name, options.seed, options.n, digits)):
        started = time.perf_counter()
        read, many, every = reads(model, made)
        seconds += time.perf_counter() - started
        right, refused = right + (read in made.labels), refused + (read is None)
        counted, complete = counted + many, complete + every
        if options.keep and read not in made.labels:
            made.image.save(options.keep / f"{re.sub('[^a-z0-9]+', '_', name)}_{made.labels[0]}_{read}_{i}.png")
    return name, f"{right}", f"{refused}", f"{counted}", f"{complete}", f"{1000 * seconds / options.n:.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="", help="only kinds whose name contains this")
    parser.add_argument("--groups", nargs="*", default=list(KINDS), help="only these groups")
    parser.add_argument("--keep", type=Path, help="a folder for the pictures that are read wrong")
    parser.add_argument("--rules", action="store_true", help="by the rules alone, without the network")
    options = parser.parse_args()
    from cvae import checkpoints
    from cvae.sketches import network

    if options.rules:
        network.model = lambda: None

    model, digits = checkpoints.load_run("cvae-conv"), supply()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    for group in options.groups:
        chosen = [name for name in KINDS[group] if options.kinds in name]
        rows = [("kind", f"read right, of {options.n}", "refused", "as many as there are", "all read right", "ms")]
        rows += [measured(model, name, digits, options) for name in chosen]
        total = sum(int(row[1]) for row in rows[1:])
        rows.append(("together", f"{total} of {options.n * len(chosen)}", "", "", "", ""))
        table(group, rows)


if __name__ == "__main__":
    main()
