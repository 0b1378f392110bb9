"""The marks and lights of the made photographs in sketch_kinds.py; each paints on a sheet."""

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.sketch_kinds import DARK, Sheet, soft

At = tuple[float, float]


def rules(
    sheet: Sheet, colour: tuple, step: float = 55, width: float = 2, turn: float = 0.0, grid: bool = False
) -> None:
    """Lines across the whole picture, and down it too for a grid."""
    w, h = sheet.size
    reach, start = w + h, sheet.rng.uniform(0, step)
    ys = np.arange(start - h, 2 * h, step)
    lines = [[(-reach, y - reach * turn), (reach, y + reach * turn)] for y in ys]
    xs = np.arange(start - w, 2 * w, step) if grid else ()
    lines += [[(x + reach * turn, -reach), (x - reach * turn, reach)] for x in xs]
    sheet.lines(lines, colour, width)


def rectangle(sheet: Sheet, at: At, half: At, colour: tuple, width: float) -> None:
    """A frame around (x, y)."""
    sheet.line(_corners(at, half), colour, width)


def _corners(at: At, half: At) -> list[At]:
    (x, y), (a, b) = at, half
    corners = [(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)]
    return [*corners, *corners[:2]]


def frame(sheet: Sheet, at: At, height: float, near: bool) -> None:
    """A frame close to the digit, or far from it."""
    gap = sheet.rng.uniform(0.6, 0.75) if near else sheet.rng.uniform(0.9, 1.3)
    rectangle(
        sheet, at, (gap * height * sheet.rng.uniform(0.75, 1.1), gap * height), sheet.ink, sheet.rng.uniform(2, 5)
    )


def ring(sheet: Sheet, at: At, height: float) -> None:
    """A circle around the digit."""
    r = height * sheet.rng.uniform(0.66, 0.95)
    turn = np.linspace(0, 6.3, 90)
    squeeze = sheet.rng.uniform(0.9, 1.15)
    sheet.line(
        [(at[0] + r * squeeze * np.cos(t), at[1] + r * np.sin(t)) for t in turn], sheet.ink, sheet.rng.uniform(3, 7)
    )


def underline(sheet: Sheet, at: At, height: float, apart: float, width: float = 7) -> None:
    """A line below the digit, in its ink."""
    reach, y = height * sheet.rng.uniform(0.4, 0.7), at[1] + height * (0.5 + apart)
    sheet.line([(at[0] - reach, y + sheet.rng.normal(0, 4)), (at[0] + reach, y)], sheet.ink, width)


def cells(sheet: Sheet, at: At, height: float, columns: range, rows: range, colour: tuple = DARK) -> None:
    """Cells of a form or a calendar with the digit inside one of them."""
    w, h = height * sheet.rng.uniform(1.2, 1.9), height * sheet.rng.uniform(1.35, 1.9)
    centres = [(at[0] + i * w, at[1] + j * h) for i in columns for j in rows]
    sheet.lines([_corners(centre, (w / 2, h / 2)) for centre in centres], colour, 2.5)


def holes(sheet: Sheet, dark: tuple = (30, 28, 30)) -> None:
    """Holes punched along the left edge, and a red line beside them."""
    w, h = sheet.size
    rules(sheet, (190, 200, 225), 50, 1.5)
    sheet.line([(0.12 * w, 0), (0.12 * w, h)], (220, 120, 120), 2)
    for y in np.linspace(0.15, 0.85, int(sheet.rng.integers(2, 5))):
        spot = np.hypot(sheet.x - 0.055 * w, sheet.y - y * h)
        sheet.paint((0.028 * w - spot + 0.5).clip(0, 1), dark)


def pen(sheet: Sheet, at: At, height: float) -> None:
    """A pen that lies beside the digit."""
    w, h = sheet.size
    left = at[0] > w / 2
    x = at[0] + (-1 if left else 1) * (0.75 * height + 40)
    x = float(np.clip(x, 20, w - 20))
    lean = sheet.rng.uniform(-0.15, 0.15) * h
    colour = tuple(sheet.rng.integers(0, 200, 3))
    sheet.line([(x - lean, 0.12 * h), (x + lean, 0.85 * h)], colour, sheet.rng.uniform(14, 34))
    sheet.line([(x + lean * 0.98, 0.84 * h), (x + lean * 1.07, 0.89 * h)], (30, 30, 30), 8)


def dot(sheet: Sheet, at: At, height: float) -> None:
    """A full stop after the digit."""
    spot = np.hypot(sheet.x - at[0] - 0.62 * height, sheet.y - at[1] - 0.45 * height)
    sheet.paint((sheet.rng.uniform(0.035, 0.06) * height - spot + 0.5).clip(0, 1), sheet.ink)


def shade(sheet: Sheet, inside: np.ndarray, softness: float, strength: float) -> None:
    """A shadow where `inside`, in pixels, is above 0."""
    sheet.rgb *= (1 - strength * (inside / softness + 0.5).clip(0, 1))[..., None]


def phone(sheet: Sheet, *_: object) -> None:
    """The shadow of a phone held above the paper."""
    (w, h), rng = sheet.size, sheet.rng
    x, y = sheet.x - rng.uniform(0.3, 0.7) * w, sheet.y - rng.uniform(0.7, 1.0) * h
    outside = np.maximum(abs(x) - rng.uniform(0.15, 0.28) * w, abs(y) - rng.uniform(0.3, 0.6) * h)
    shade(sheet, -outside, rng.uniform(15, 60), rng.uniform(0.25, 0.55))


def edge(sheet: Sheet, *_: object) -> None:
    """A shadow that ends in a sharp line."""
    (w, h), rng = sheet.size, sheet.rng
    turn = rng.uniform(-0.5, 0.5) + rng.choice([0, np.pi, np.pi / 2])
    along = (sheet.x - rng.uniform(0.2, 0.8) * w) * np.cos(turn) + (sheet.y - rng.uniform(0.2, 0.8) * h) * np.sin(turn)
    shade(sheet, along, rng.uniform(2, 25), rng.uniform(0.3, 0.6))


def gradient(sheet: Sheet, *_: object) -> None:
    """Light that falls off to one side."""
    turn = sheet.rng.uniform(-3, 3)
    along = sheet.x / sheet.size[0] * np.cos(turn) + sheet.y / sheet.size[1] * np.sin(turn)
    sheet.rgb *= (1 - 0.5 * (along - along.min()) / np.ptp(along))[..., None]


def hand(sheet: Sheet, *_: object) -> None:
    """The shadow of a hand, on paper that is lit from one side."""
    (w, h), rng = sheet.size, sheet.rng
    gradient(sheet)
    palm = 0.25 * w - np.hypot(sheet.x - rng.uniform(0.2, 0.9) * w, sheet.y - 0.95 * h)
    for i in range(4):
        x = (0.2 + 0.15 * i) * w + rng.normal(0, 15)
        reach = np.hypot(sheet.x - x, (sheet.y - h).clip(-rng.uniform(0.5, 0.75) * h, 0) - (sheet.y - h))
        palm = np.maximum(palm, 0.035 * w - reach)
    shade(sheet, palm, 18, rng.uniform(0.25, 0.5))


def blinds(sheet: Sheet, *_: object) -> None:
    """Bars of shadow, as blinds throw them."""
    rng, turn = sheet.rng, sheet.rng.uniform(0.1, 0.6)
    along, step = sheet.x * np.sin(turn) + sheet.y * np.cos(turn), rng.uniform(90, 170)
    shade(sheet, np.abs(along % step - step / 2) - step / 4, rng.uniform(8, 25), rng.uniform(0.2, 0.4))


def glare(sheet: Sheet, *_: object) -> None:
    """The reflection of a lamp."""
    (w, h), rng = sheet.size, sheet.rng
    spot = np.exp(-((sheet.x - rng.uniform(0, w)) ** 2 + (sheet.y - rng.uniform(0, h)) ** 2) / (2 * (0.18 * w) ** 2))
    sheet.paint(spot, (255, 255, 255), 0.6)


def coffee(sheet: Sheet, *_: object) -> None:
    """The ring that a cup leaves."""
    (w, h), rng = sheet.size, sheet.rng
    away = (
        np.hypot(sheet.x - rng.uniform(0.1, 0.9) * w, sheet.y - rng.uniform(0.1, 0.9) * h) - rng.uniform(0.15, 0.3) * w
    )
    away = away + 6 * soft(rng, sheet.x.shape, 12)
    sheet.paint(np.exp(-((away / 9) ** 2)) + 0.25 * (away < 0), (150, 105, 60), rng.uniform(0.3, 0.6))


def tray(sheet: Sheet, *_: object) -> None:
    """A whiteboard's frame and tray, with markers on it."""
    w, h = sheet.size
    sheet.line([(0, 0.94 * h), (w, 0.94 * h)], (120, 122, 126), 0.07 * h)
    for x in (0.15, 0.3, 0.62):
        colour = tuple(sheet.rng.integers(0, 220, 3))
        sheet.line([(x * w, 0.925 * h), ((x + 0.12) * w, 0.925 * h)], colour, 0.022 * h)
    glare(sheet)


def smears(sheet: Sheet, *_: object) -> None:
    """What a sponge leaves of chalk on a board."""
    rng = sheet.rng
    haze = soft(rng, sheet.x.shape, 5).clip(0) * (1 + 0.5 * soft(rng, sheet.x.shape, 90))
    sheet.paint((0.12 * haze).clip(0, 0.4), (230, 230, 230))


def arrow(sheet: Sheet, at: At, height: float) -> None:
    """An arrow that points at the digit."""
    side = 1 if at[0] < sheet.size[0] / 2 else -1
    x, y, s = at[0] + side * 0.75 * height, at[1] + sheet.rng.normal(0, 0.1) * height, side * 0.45 * height
    w = sheet.rng.uniform(4, 8)
    sheet.line([(x + s, y), (x, y)], sheet.ink, w)
    sheet.line([(x + 0.3 * s, y - 0.3 * abs(s)), (x, y), (x + 0.3 * s, y + 0.3 * abs(s))], sheet.ink, w)


def strike(sheet: Sheet, at: At, height: float) -> None:
    """A thin line through the digit in another ink."""
    reach, lean = 0.75 * height, sheet.rng.normal(0, 0.12) * height
    colour = (200, 40, 40) if sheet.ink[0] < 100 else (40, 60, 200)
    sheet.line([(at[0] - reach, at[1] + lean), (at[0] + reach, at[1] - lean)], colour, sheet.rng.uniform(3, 6))


def creases(sheet: Sheet, *_: object) -> None:
    """Folds of a letter: a dark and a bright line each."""
    w, h = sheet.size
    for y in (0.33, 0.67):
        lean = sheet.rng.normal(0, 0.02) * h
        sheet.line([(0, y * h - lean), (w, y * h + lean)], (150, 150, 146), 3, 0.6)
        sheet.line([(0, y * h - lean + 4), (w, y * h + lean + 4)], (255, 255, 255), 3, 0.8)
    shade(sheet, (sheet.y - h / 3) * np.where(sheet.y < 2 * h / 3, 1, -1), 30, 0.08)


def crumples(sheet: Sheet, *_: object) -> None:
    """Paper that was a ball."""
    folds = sum(np.abs(soft(sheet.rng, sheet.x.shape, k)) for k in (4, 7, 11)) / 3
    sheet.rgb *= (1 - 0.14 * folds)[..., None]


def moire(sheet: Sheet, *_: object) -> None:
    """The stripes of a photographed screen."""
    a, b = sheet.rng.uniform(0.1, 0.8, 2)
    sheet.rgb *= (1 + 0.05 * np.sin(a * sheet.x + b * sheet.y))[..., None]


def through(sheet: Sheet, *_: object) -> None:
    """Writing that shows from the other side."""
    before = sheet.rgb.copy()
    for _ in range(6):
        at = tuple(sheet.rng.uniform(0, s) for s in sheet.size)
        sheet.says("words behind"[::-1], at, 60, (120, 120, 120), 0.6)
    blurred = Image.fromarray(sheet.rgb.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(4))
    sheet.rgb = before + 0.15 * (np.asarray(blurred, np.float32) - before)


def bleed(sheet: Sheet, *_: object) -> None:
    """Ink that runs along the fibres."""
    blurred = Image.fromarray(sheet.rgb.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(7))
    share = (0.5 + 0.3 * soft(sheet.rng, sheet.x.shape, 60)).clip(0, 1)[..., None]
    sheet.rgb = np.minimum(sheet.rgb, share * np.asarray(blurred, np.float32) + (1 - share) * sheet.rgb)


def stamp(sheet: Sheet, *_: object) -> None:
    """A stamp in the corner of an envelope, and waves of a postmark."""
    w, h = sheet.size
    rectangle(sheet, (0.88 * w, 0.15 * h), (0.08 * w, 0.11 * h), (90, 60, 60), 3)
    inside = (abs(sheet.x - 0.88 * w) < 0.065 * w) & (abs(sheet.y - 0.15 * h) < 0.09 * h)
    sheet.paint(inside.astype(np.float32), tuple(sheet.rng.integers(60, 220, 3)))
    for i in range(4):
        xs = np.linspace(0.55, 0.85, 40)
        sheet.line([(x * w, (0.08 + 0.03 * i) * h + 8 * np.sin(60 * x)) for x in xs], (70, 70, 80), 3, 0.8)


def print_lines(sheet: Sheet, *_: object) -> None:
    """Lines of small print above and below, as on a receipt."""
    w, h = sheet.size
    for y in (*np.arange(0.03, 0.2, 0.04), *np.arange(0.82, 0.98, 0.04)):
        text = "".join(sheet.rng.choice(list("abcdeiklmnorstu  0123456789"), 22))
        sheet.says(text, (w / 2, y * h), 0.028 * h, (90, 90, 95))


def spiral(sheet: Sheet, *_: object) -> None:
    """The wire of a spiral pad along the upper edge."""
    xs = np.arange(15, sheet.size[0], 42)
    spots = np.hypot((sheet.x - 15 + 21) % 42 - 21, sheet.y - 40)
    sheet.paint((9 - spots).clip(0, 1), (25, 25, 25))
    sheet.lines([[(x, 38), (x + 6, 0)] for x in xs], (150, 150, 155), 5)
