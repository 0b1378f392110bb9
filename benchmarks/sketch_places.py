"""Made photographs whose kind lies in where the digit is: sheets on tables, edges, several digits, files."""

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from benchmarks import sketch_marks as marks
from benchmarks.sketch_kinds import DARK, PAPER, Digits, Kind, Made, Sheet, pen_of, placed, plain, soft
from cvae.sketches.scenes import glyphs, hands


def wooden(sheet: Sheet) -> None:
    """Grain of a table."""
    grain = np.sin(sheet.y * 0.12 + 3 * soft(sheet.rng, sheet.x.shape, 5)) + 0.6 * soft(sheet.rng, sheet.x.shape, 200)
    sheet.rgb *= (1 + 0.08 * grain)[..., None]


def on_table(
    rng: np.random.Generator,
    digits: Digits,
    share: float = 0.4,
    table: tuple = (80, 54, 40),
    turn: float = 0.12,
    width: float | None | str = "any",
    away: float = 0.08,
    two: bool = False,
    after: Callable[[Sheet, tuple, float], None] | None = None,
) -> Made:
    """A sheet that covers this share of the picture, with a digit on it, so far `away` from the middle at most."""
    sheet = Sheet(rng, digits, (900, 900), table)
    wooden(sheet)
    ratio = rng.uniform(0.8, 1.25)
    half = 450 * np.sqrt(share) * np.array([ratio, 1 / ratio])
    centre = 450 + 900 * away * rng.uniform(-1, 1, 2)
    angle = rng.uniform(-1, 1) * turn
    if two:
        _lay(sheet, centre + rng.choice([-1, 1], 2) * rng.uniform(0.7, 1.3, 2) * half, half, rng.uniform(-0.5, 0.5))
    _lay(sheet, centre, half, angle)
    at, height = _on_sheet(rng, centre, half)
    colour, usual = pen_of(rng)
    sheet.write(at, height, colour, usual if width == "any" else width, angle + rng.normal(0, 0.08))
    sheet.ink = colour
    if after:
        after(sheet, at, height)
    return sheet.done()


def _on_sheet(rng: np.random.Generator, centre: np.ndarray, half: np.ndarray) -> tuple[tuple, float]:
    """Return where on a sheet a digit stands, inside the picture, and how high it is."""
    height = rng.uniform(0.7, 1.15) * half.min()
    low, high = (centre - half).clip(0) + 0.6 * height, (centre + half).clip(0, 900) - 0.6 * height
    middle = (low + high) / 2
    return tuple((middle + rng.uniform(np.minimum(low, middle), np.maximum(high, middle))) / 2), height


def _lay(sheet: Sheet, centre: np.ndarray, half: np.ndarray, angle: float) -> None:
    """Lay a sheet of paper on the table."""
    c, s = np.cos(angle), np.sin(angle)
    corners = [centre + np.array([[c, -s], [s, c]]) @ (half * sign) for sign in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    shadow = [tuple(2 * (corner + 5)) for corner in corners]
    sheet.paint(sheet.cover(lambda d: d.polygon(shadow, fill=130)), (10, 10, 10), 0.5)
    paper = np.array(PAPER) + sheet.rng.normal(0, 6, 3)
    sheet.paint(sheet.cover(lambda d: d.polygon([tuple(2 * corner) for corner in corners], fill=255)), tuple(paper))


def at_edge(rng: np.random.Generator, digits: Digits, cut: float = 0.0, corner: bool = False) -> Made:
    """A digit that touches the picture's edge, loses a share of its height to it, or stands in a corner."""
    sheet = Sheet(rng, digits, (600, 600), PAPER)
    height = rng.uniform(0.3, 0.5) * 600
    inside = height * (0.5 - cut) + (14 if corner else 0)
    at = (rng.uniform(0.3, 0.7) * 600, 600 - inside)
    if corner:
        at = (0.5 * height + 14, 600 - inside)
    sheet.write(at, height, *pen_of(rng))
    return sheet.done()


def several(rng: np.random.Generator, digits: Digits, n: int = 2, after: Callable | None = None) -> Made:
    """Digits side by side."""
    sheet = Sheet(rng, digits, (450 * n, 600), PAPER)
    colour, width = pen_of(rng)
    sheet.ink = colour
    for i in range(n):
        height = rng.uniform(0.35, 0.6) * 600
        sheet.write(
            (225 + 450 * i + rng.normal(0, 15), 300 + rng.normal(0, 30)), height, colour, width, rng.normal(0, 0.1)
        )
    return sheet.done()


def stamped(rng: np.random.Generator, digits: Digits) -> Made:
    """A time stamp in a corner, as cameras print it."""
    sheet = Sheet(rng, digits, (900, 900), PAPER)
    at, height = (rng.uniform(330, 560), rng.uniform(380, 580)), rng.uniform(0.3, 0.5) * 900
    sheet.write(at, height, *pen_of(rng))
    clock = f"{rng.integers(10, 24)}:{rng.integers(10, 60)}"
    says = (clock, f"{rng.integers(10, 29)}.{rng.integers(10, 13)}.20{rng.integers(10, 30)}")[rng.integers(2)]
    colour = (DARK, (235, 140, 40))[rng.integers(2)]
    sheet.says(says, (900 * rng.choice([0.13, 0.86]), 900 * rng.choice([0.05, 0.95])), rng.uniform(36, 60), colour)
    return sheet.done()


def figure(rng: np.random.Generator, digits: Digits, segments: bool = False) -> Made:
    """A printed digit, or one of a seven-segment display."""
    sheet = Sheet(rng, digits, (600, 600), (160, 178, 150) if segments else PAPER)
    label, height = int(rng.integers(10)), rng.uniform(0.35, 0.6) * 600
    sheet.labels.append(label)
    at = tuple(rng.uniform(0.4, 0.6, 2) * 600)
    if segments:
        glyph = glyphs.of_lines(hands.segments(label))
        width = height * rng.uniform(0.07, 0.12)
        sheet.paint(placed(glyph, sheet.size, at, height, width, 0.0), (25, 30, 28))
    else:
        sheet.says(str(label), at, 1.4 * height, (20, 20, 22))
    return sheet.done()


def cropped(rng: np.random.Generator, digits: Digits) -> Made:
    """A digit cut out with hardly any ground around it."""
    made = plain(rng, digits, width=None, low=0.5, high=0.6, turn=0.0)
    dark = np.asarray(made.image.convert("L")) < 150
    rows, columns = np.flatnonzero(dark.sum(1) > 2), np.flatnonzero(dark.sum(0) > 2)
    gap = int(rng.integers(1, 8))
    box = (columns[0] - gap, rows[0] - gap, columns[-1] + gap, rows[-1] + gap)
    return Made(made.image.crop(tuple(map(int, box))), made.labels)


def strip(rng: np.random.Generator, digits: Digits) -> Made:
    """A digit in a strip ten times as wide as high."""
    return plain(rng, digits, size=(3000, 300), low=0.5, high=0.75)


def transparent(rng: np.random.Generator, digits: Digits) -> Made:
    """Ink alone, on a ground that is not there."""
    label, glyph = digits.draw(rng)
    cover = placed(glyph, (500, 500), (250, 250), rng.uniform(200, 350), None if rng.random() < 0.5 else 10.0, 0.0)
    picture = Image.new("RGBA", (500, 500), (*((30, 30, 160), (250, 250, 250), (0, 0, 0))[rng.integers(3)], 0))
    picture.putalpha(Image.fromarray((255 * cover).astype(np.uint8)))
    return Made(picture, (label,))


def changed(rng: np.random.Generator, digits: Digits, how: Callable[[Image.Image], Image.Image]) -> Made:
    """A plain picture after something was done to it."""
    made = plain(rng, digits)
    return Made(how(made.image), made.labels)


def _squeezed(image: Image.Image) -> Image.Image:
    import io

    file = io.BytesIO()
    image.save(file, "JPEG", quality=8)
    return Image.open(file).convert("RGB")


def _blurred(image: Image.Image) -> Image.Image:
    from PIL import ImageFilter

    return image.filter(ImageFilter.GaussianBlur(7))


def _enlarged(image: Image.Image) -> Image.Image:
    return image.resize((4000, 3000), Image.Resampling.BILINEAR)


def broken(rng: np.random.Generator, digits: Digits) -> Made:
    """Strokes with gaps."""
    sheet = Sheet(rng, digits, (700, 700), PAPER)
    ground = sheet.rgb.copy()
    height = rng.uniform(0.35, 0.55) * 700
    sheet.write((350 + rng.normal(0, 40), 350 + rng.normal(0, 40)), height, DARK)
    gaps = np.abs((sheet.x + sheet.y + rng.uniform(0, 99)) % 110) < 9
    sheet.rgb[gaps] = ground[gaps]
    return sheet.done()


PLACES: dict[str, dict[str, Kind]] = {
    "right before": {
        "corner": partial(at_edge, corner=True),
        "touches the edge": at_edge,
        "JPEG quality 8": partial(changed, how=_squeezed),
        "out of focus": partial(changed, how=_blurred),
        "12 megapixels": partial(changed, how=_enlarged),
        "transparent ground": transparent,
        "broken strokes": broken,
        "printed": figure,
        "seven segments": partial(figure, segments=True),
        "tight crop": cropped,
        "strip": strip,
    },
    "wrong before": {
        **{f"sheet of {share} % on a table": partial(on_table, share=share / 100) for share in (20, 30, 40, 50)},
        "sheet on a black table": partial(on_table, table=(26, 20, 17)),
        "sheet, straight": partial(on_table, turn=0.0),
        "sheet, thin pen": partial(on_table, width=4.5),
        "time stamp": stamped,
        "cut by the edge": partial(at_edge, cut=0.05),
        "two digits": several,
    },
    "further": {
        "sheet cut by the edge": partial(on_table, share=0.5, away=0.25),
        "two sheets": partial(on_table, two=True, share=0.25),
        "light table": partial(on_table, table=(190, 170, 140)),
        "sheet with a phone's shadow": partial(on_table, share=0.5, after=marks.phone),
        "sheet with a frame": partial(on_table, share=0.5, after=partial(marks.frame, near=True)),
        "three digits": partial(several, n=3),
    },
}
