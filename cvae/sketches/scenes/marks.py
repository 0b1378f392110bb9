"""What stands beside digits without being one: frames, rules, cells, holes, print, things that lie there.

Each takes a page, the box (left, top, right, bottom) of a digit and a colour of ink, and paints.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cvae.sketches.scenes import colours
from cvae.sketches.scenes.page import Page, box, cloud, smooth_step

Box = tuple[float, float, float, float]


def thickness(page: Page, most: float = 0.012) -> float:
    """Return the width of a printed or drawn line."""
    return page.rng.uniform(0.5, max(1.0, most * page.side))


def middle(at: Box) -> tuple[float, float]:
    """Return the centre of a box."""
    return (at[0] + at[2]) / 2, (at[1] + at[3]) / 2


def frame(page: Page, at: Box, colour: np.ndarray) -> None:
    """A rectangle around the digit, near or far, printed or by hand."""
    rng, w, h = page.rng, at[2] - at[0], at[3] - at[1]
    gap = rng.uniform(0.08, 1.2) * max(w, h)
    x, y = page.turned(middle(at), page.turn + rng.normal(0, 0.02))
    away = box(
        x + rng.normal(0, 0.1) * gap, y, w / 2 + gap * rng.uniform(0.8, 1.3), h / 2 + gap, rng.choice([0, 0.2]) * gap
    )
    line = thickness(page)
    page.paint(smooth_step(line / 2 - np.abs(away + _wobble(page)), line), colour)


def circle(page: Page, at: Box, colour: np.ndarray) -> None:
    """A ring around the digit, closed or nearly."""
    rng, w, h = page.rng, at[2] - at[0], at[3] - at[1]
    rx, ry = w / 2 + rng.uniform(0.15, 0.9) * h, h / 2 + rng.uniform(0.15, 0.6) * h
    if rng.random() < 0.6:
        rx = ry = np.hypot(w, h) / 2 + rng.uniform(0.08, 0.7) * h
    x, y = page.turned(middle(at), rng.normal(0, 0.1))
    r = np.hypot(x / rx, y / ry)
    line = thickness(page, 0.02)
    cover = smooth_step(line / 2 - np.abs((r - 1) * (rx + ry) / 2 + _wobble(page)), line)
    if rng.random() < 0.2:
        cover = cover * (np.abs(np.arctan2(y, x) - rng.uniform(-3, 3)) > rng.uniform(0.1, 0.5))
    page.paint(cover, colour)


def _wobble(page: Page) -> np.ndarray | float:
    return (
        page.rng.uniform(0, 0.01) * page.side * cloud(page.rng, page.ink.shape, 4) if page.rng.random() < 0.4 else 0.0
    )


def rules(page: Page, at: Box, colour: np.ndarray) -> None:
    """Lines of a writing pad, or a grid of squares, in their own colour or in the ink's."""
    rng = page.rng
    step = np.exp(rng.uniform(np.log(0.025), np.log(0.2))) * page.side
    x, y = page.turned((rng.uniform(0, step), rng.uniform(0, step)))
    kind, line = rng.random(), thickness(page, 0.008)
    away = np.abs(y % step - step / 2)
    if kind < 0.35:
        away = np.minimum(away, np.abs(x % step - step / 2))
    cover = smooth_step(line / 2 - away, line)
    if kind > 0.85:  # dots where lines would cross
        cover = smooth_step(line - np.hypot(x % step - step / 2, y % step - step / 2), line)
    page.paint(cover * rng.uniform(0.3, 1), colour)


def cells(page: Page, at: Box, colour: np.ndarray) -> None:
    """A row of cells of a form, or a calendar, with the digit inside one of them."""
    rng, w, h = page.rng, at[2] - at[0], at[3] - at[1]
    cw, ch = w + rng.uniform(0.2, 1.5) * h, h * rng.uniform(1.15, 2.3)
    columns, rows = (rng.integers(0, 4, 2), (0, 0)) if rng.random() < 0.5 else rng.integers(0, 9, (2, 2))
    x, y = page.turned(middle(at))
    inside = (x > -(columns[0] + 0.5) * cw - 1) & (x < (columns[1] + 0.5) * cw + 1)
    inside &= (y > -(rows[0] + 0.5) * ch - 1) & (y < (rows[1] + 0.5) * ch + 1)
    line = thickness(page)
    away = np.minimum(np.abs((x + cw / 2 + cw / 2) % cw - cw / 2), np.abs((y + ch / 2 + ch / 2) % ch - ch / 2))
    page.paint(inside * smooth_step(line / 2 - away, line), colour)


def underline(page: Page, at: Box, colour: np.ndarray) -> None:
    """One or two lines below the digit, above it or through it, touching or apart."""
    rng, w, h = page.rng, at[2] - at[0], at[3] - at[1]
    y = at[3] + rng.uniform(-0.03, 0.35) * h if rng.random() < 0.75 else at[1] - rng.uniform(0.05, 0.3) * h
    reach = max(w, 0.5 * h) * rng.uniform(0.4, 1.2)
    cx = middle(at)[0] + rng.normal(0, 0.1) * w
    line = rng.uniform(0.5, max(1, 0.09 * h))
    for i in range(1 + (rng.random() < 0.2)):
        lean = rng.normal(0, 0.05) * h
        page.paint(
            page.segment((cx - reach, y + lean + i * 0.12 * h), (cx + reach, y - lean + i * 0.12 * h), line), colour
        )


def strike(page: Page, at: Box, colour: np.ndarray) -> None:
    """A thin line through the digit, of another colour than its ink where that is drawn so."""
    rng, (x, y), h = page.rng, middle(at), at[3] - at[1]
    reach, lean = rng.uniform(0.5, 1.2) * h, rng.normal(0, 0.2) * h
    y += rng.uniform(-0.3, 0.3) * h
    page.paint(page.segment((x - reach, y - lean), (x + reach, y + lean), thickness(page)), colour)


def holes(page: Page, at: Box, colour: np.ndarray) -> None:
    """Holes punched in a margin, the table or black showing through, and often a line beside them."""
    rng, s = page.rng, page.side
    r, edge, step = rng.uniform(0.012, 0.045) * s, rng.uniform(0.03, 0.1) * s, rng.uniform(0.12, 0.5) * s
    dark = rng.uniform(0, 0.3, 3).astype(np.float32) if rng.random() < 0.7 else colours.ground(rng)
    upright, far = rng.random() < 0.75, rng.random() < 0.25
    x, y = (page.x, page.y) if upright else (page.y, page.x)
    x = float(x.max()) - x if far else x
    spots = np.hypot(x - edge, (y + rng.uniform(0, step)) % step - step / 2)
    page.paint(smooth_step(r - spots), dark)


def margin(page: Page, at: Box, colour: np.ndarray) -> None:
    """A line from edge to edge beside the digit."""
    rng, line = page.rng, thickness(page)
    x, y = page.turned((at[0], at[1]))
    red = np.array((0.85, 0.3, 0.3), np.float32)
    gap = rng.uniform(0.15, 1.2) * (at[3] - at[1])
    away = np.abs(x + gap) if rng.random() < 0.7 else np.abs(x - gap - (at[2] - at[0]))
    page.paint(smooth_step(line / 2 - away, line), red if rng.random() < 0.6 else colour)


def text(page: Page, at: Box, colour: np.ndarray) -> None:
    """A few printed characters, clearly smaller than the digit: a time, a date, a page number, words."""
    rng, h = page.rng, at[3] - at[1]
    height = min(rng.uniform(0.12, 0.42) * h, 0.1 * page.side) + 3
    says = SAYINGS[rng.integers(len(SAYINGS))](rng)
    font = ImageFont.load_default(height * 1.35)
    left, top, right, bottom = font.getbbox(says)
    picture = Image.new("L", page.ink.shape[::-1])
    wide, high = page.ink.shape[1] - (right - left), page.ink.shape[0] - (bottom - top)
    x, y = _apart_from(rng, at, (right - left, bottom - top), (wide, high))
    if x is None:
        return
    ImageDraw.Draw(picture).text((x - left, y - top), says, fill=255, font=font)
    page.paint(np.asarray(picture, np.float32) / 255, colour)


def print_lines(page: Page, at: Box, colour: np.ndarray) -> None:
    """Lines of small print above or below the digit."""
    rng, h = page.rng, at[3] - at[1]
    height = min(0.04 * page.side, 0.15 * h) * rng.uniform(0.7, 1.3) + 3
    font = ImageFont.load_default(height)
    picture = Image.new("L", page.ink.shape[::-1])
    canvas, left = ImageDraw.Draw(picture), rng.uniform(-0.1, 0.3) * page.side
    letters = list("abcdefghiklmnoprstuvw    0123456789")
    for y in np.arange(rng.uniform(0, 2) * height, page.ink.shape[0], rng.uniform(1.2, 2) * height):
        if y + 1.3 * height < at[1] or y > at[3] + 0.3 * height:
            canvas.text((left, y), "".join(rng.choice(letters, rng.integers(8, 50))), fill=255, font=font)
    page.paint(np.asarray(picture, np.float32) / 255, colour)


def _apart_from(rng: np.random.Generator, at: Box, size: tuple, most: tuple) -> tuple:
    """Return a place whose box does not touch the digit's, often near the picture's edge; None where there is none."""
    for _ in range(8):
        share = (
            rng.random(2) if rng.random() < 0.4 else rng.choice([0.04, 0.96], 2) if rng.random() < 0.7 else (0.5, 0.95)
        )
        x, y = share[0] * most[0], share[1] * most[1]
        gap = 0.12 * (at[3] - at[1])
        if x + size[0] < at[0] - gap or x > at[2] + gap or y + size[1] < at[1] - gap or y > at[3] + gap:
            return x, y
    return None, None


def _digits(rng: np.random.Generator, n: int) -> str:
    return "".join(map(str, rng.integers(0, 10, n)))


SAYINGS: list[Callable[[np.random.Generator], str]] = [
    lambda rng: f"{_digits(rng, 2)}:{_digits(rng, 2)}",
    lambda rng: f"{_digits(rng, 2)}.{_digits(rng, 2)}.20{_digits(rng, 2)}",
    lambda rng: f"20{_digits(rng, 2)}-{_digits(rng, 2)}-{_digits(rng, 2)}",
    lambda rng: "".join(rng.choice(list("abcdefghiklmnoprstuvw   "), rng.integers(3, 16))),
    lambda rng: f"Page {_digits(rng, 2)}",
    lambda rng: f"No. {_digits(rng, 4)}",
]


def bar(page: Page, at: Box, colour: np.ndarray) -> None:
    """A pen, a pencil, a ruler or a finger lying beside the digit."""
    rng, s, h = page.rng, page.side, at[3] - at[1]
    cx, cy = middle(at)
    turn, side = rng.uniform(-1.7, 1.7), rng.choice([-1, 1])
    width = rng.uniform(0.02, 0.14) * s
    gap = rng.uniform(0.1, 0.8) * h + width / 2 + (abs(np.cos(turn)) * (at[2] - at[0]) + abs(np.sin(turn)) * h) / 2
    ox, oy = cx + side * gap * np.cos(turn), cy + side * gap * np.sin(turn)  # its middle line passes through here
    ax, ay = -np.sin(turn), np.cos(turn)
    start, length = rng.uniform(-0.6, 0.3) * s, rng.uniform(0.4, 1.3) * s
    a, b = (ox + start * ax, oy + start * ay), (ox + (start + length) * ax, oy + (start + length) * ay)
    skin = np.array((0.85, 0.65, 0.53), np.float32) * rng.uniform(0.5, 1.1)
    body = (
        colour if rng.random() < 0.35 else skin if rng.random() < 0.2 else colours.hue(rng, rng.random(), rng.random())
    )
    if rng.random() < 0.4:  # its shadow
        page.paint(page.segment(a, b, width * 1.4) * 0.3, body * 0)
    page.paint(page.segment(a, b, width), body)
    if rng.random() < 0.4:  # a cap or a tip
        m = (a[0] + 0.25 * (b[0] - a[0]), a[1] + 0.25 * (b[1] - a[1]))
        page.paint(page.segment(a, m, width), colours.hue(rng, rng.random(), rng.random()))


def dots(page: Page, at: Box, colour: np.ndarray) -> None:
    """A full stop, specks, crumbs or ink splashes."""
    rng, h = page.rng, at[3] - at[1]
    for _ in range(rng.integers(1, 5)):
        r = rng.uniform(0.015, 0.09) * h
        x, y = _apart_from(rng, at, (2 * r, 2 * r), (page.ink.shape[1], page.ink.shape[0]))
        if rng.random() < 0.4:
            x, y = at[2] + rng.uniform(0.1, 0.4) * h, at[3] - rng.uniform(-0.1, 0.15) * h
        if x is not None:
            page.paint(smooth_step(r - np.hypot(page.x - x, page.y - y), 2 * r), colour)


def stain(page: Page, at: Box, colour: np.ndarray) -> None:
    """A ring or blot of coffee, or a patch of another paper, under or beside the digit."""
    rng, s = page.rng, page.side
    r = rng.uniform(0.1, 0.4) * s
    x, y = page.turned((rng.uniform(0, 1) * page.ink.shape[1], rng.uniform(0, 1) * page.ink.shape[0]))
    away = np.hypot(x, y * rng.uniform(0.8, 1.2)) - r + 0.02 * s * cloud(rng, page.ink.shape, 6)
    blot = smooth_step(-away / rng.uniform(1, 6))
    ring = np.exp(-((away / rng.uniform(1, 5)) ** 2))
    brown = np.array((0.75, 0.6, 0.4), np.float32) * rng.uniform(0.7, 1.2)
    page.paint(blot * rng.uniform(0, 0.35) + ring * rng.uniform(0, 0.6), brown, mixes=True)


def scribble(page: Page, at: Box, colour: np.ndarray) -> None:
    """An arrow, a tick, a cross or a wave beside the digit."""
    rng, h = page.rng, at[3] - at[1]
    size = rng.uniform(0.15, 0.7) * h
    x, y = _apart_from(rng, at, (size, size), (page.ink.shape[1] - size, page.ink.shape[0] - size))
    if x is None:
        return
    shapes = [
        "0,.5 1,.5;.7,.2 1,.5 .7,.8",
        "0,.6 .3,1 1,0",
        "0,0 1,1;1,0 0,1",
        "0,.5 .2,.2 .4,.7 .6,.3 .8,.7 1,.4",
        "0,.5 1,.5",
        "1,.5 0,.5;.3,.2 0,.5 .3,.8",
    ]
    line = rng.uniform(0.6, max(1.0, 0.07 * h))
    for part in shapes[rng.integers(len(shapes))].split(";"):
        points = [tuple(map(float, p.split(","))) for p in part.split()]
        at_page = [(x + size * u, y + size * v) for u, v in points]
        for a, b in zip(at_page, at_page[1:], strict=False):
            page.paint(page.segment(a, b, line), colour)


def band(page: Page, at: Box, colour: np.ndarray) -> None:
    """Something along an edge of the picture: a tray, a spiral, a strip of tape, the edge of a screen."""
    rng = page.rng
    x, y = page.turned(
        (page.ink.shape[1] / 2, page.ink.shape[0] / 2),
        rng.choice([0, np.pi / 2, np.pi, -np.pi / 2]) + rng.normal(0, 0.03),
    )
    far = 0.5 * page.side * rng.uniform(0.75, 1.0)
    reach = max(
        abs(v)
        for v in (
            at[0] - page.ink.shape[1] / 2,
            at[2] - page.ink.shape[1] / 2,
            at[1] - page.ink.shape[0] / 2,
            at[3] - page.ink.shape[0] / 2,
        )
    )
    page.paint(
        smooth_step(x - max(far, reach + 3)) * rng.uniform(0.6, 1), colours.hue(rng, rng.uniform(0, 0.7), rng.random())
    )


def patch(page: Page, at: Box, colour: np.ndarray) -> None:
    """A stamp, a sticker or a picture beside the digit."""
    rng, h = page.rng, at[3] - at[1]
    w, k = rng.uniform(0.2, 0.9) * h, rng.uniform(0.2, 0.9) * h
    x, y = _apart_from(rng, at, (w, k), (page.ink.shape[1] - w, page.ink.shape[0] - k))
    if x is None:
        return
    u, v = page.turned((x + w / 2, y + k / 2))
    tone = colours.hue(rng, rng.random(), rng.random())
    picture = (
        tone * (1 + rng.uniform(0, 0.5) * np.sign(cloud(rng, page.ink.shape, int(rng.integers(8, 40)))))[..., None]
    )
    page.paint(smooth_step(-box(u, v, w / 2, k / 2)), picture.clip(0, 1).astype(np.float32))


UNDER = (rules, rules, rules, cells, margin, holes, stain, band)
OVER = (
    *(frame, frame, circle, circle, underline, underline, underline, strike, cells, text, text, print_lines),
    *(bar, bar, dots, dots, scribble, patch),
)
