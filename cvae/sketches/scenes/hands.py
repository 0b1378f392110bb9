"""Digits that MNIST seldom has: European hands, print, seven segments."""

import numpy as np

LINES = {  # class -> ways to write it, each of strokes through these points, x to the right and y downward
    0: ["0.3,0 0.05,0.25 0,0.5 0.06,0.8 0.3,1 0.53,0.8 0.6,0.5 0.55,0.2 0.3,0"],
    1: ["0.25,0 0.25,1", "0,0.35 0.35,0 0.35,1", "0,0.2 0.3,0 0.3,1;0,1 0.6,1", "0,0.5 0.4,0 0.4,1"],
    2: ["0,0.25 0.1,0.05 0.3,0 0.55,0.1 0.58,0.3 0.4,0.6 0,1 0.62,1", "0,0.2 0.3,0 0.6,0.2 0.5,0.5 0,1 0.6,0.98"],
    3: [
        "0,0.1 0.3,0 0.55,0.15 0.5,0.38 0.22,0.48 0.55,0.6 0.6,0.82 0.35,1 0,0.92",
        "0,0 0.6,0 0.25,0.4 0.55,0.55 0.6,0.8 0.3,1 0,0.9",
    ],
    4: [
        "0.45,1 0.45,0 0,0.68 0.65,0.68",
        "0.1,0 0,0.55 0.6,0.55;0.5,0.1 0.48,1",
        "0.3,0 0,0.6 0.6,0.6;0.42,0.35 0.42,1",
    ],
    5: [
        "0.6,0 0.1,0 0.05,0.45 0.35,0.38 0.58,0.55 0.55,0.85 0.3,1 0,0.9",
        "0.1,0 0.05,0.42 0.4,0.4 0.58,0.65 0.4,0.97 0,0.93;0.1,0 0.62,0.02",
    ],
    6: ["0.5,0 0.2,0.2 0.02,0.6 0.1,0.92 0.35,1 0.58,0.8 0.5,0.55 0.25,0.52 0.05,0.7"],
    7: [
        "0,0 0.6,0 0.25,1",
        "0,0.05 0.6,0 0.25,1;0.1,0.5 0.6,0.45",
        "0,0.15 0.02,0 0.6,0 0.4,0.4 0.3,1;0.12,0.5 0.58,0.5",
    ],
    8: ["0.5,0.12 0.28,0 0.06,0.15 0.12,0.38 0.45,0.58 0.55,0.82 0.3,1 0.02,0.82 0.12,0.6 0.48,0.35 0.5,0.12"],
    9: [
        "0.55,0.25 0.35,0 0.08,0.12 0.08,0.42 0.35,0.5 0.55,0.25 0.55,1",
        "0.55,0.25 0.3,0 0.05,0.25 0.25,0.5 0.55,0.25 0.5,0.7 0.35,0.95 0.05,0.95",
    ],
}
SEGMENTS = {  # the corners of a seven-segment display, and which segments are lit for each class
    "a": ((0.06, 0), (0.44, 0)),
    "b": ((0.5, 0.06), (0.5, 0.44)),
    "c": ((0.5, 0.56), (0.5, 0.94)),
    "d": ((0.06, 1), (0.44, 1)),
    "e": ((0, 0.56), (0, 0.94)),
    "f": ((0, 0.06), (0, 0.44)),
    "g": ((0.06, 0.5), (0.44, 0.5)),
}
LIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def strokes(label: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return one way to write a digit, its points shaken and joined by smooth lines."""
    way = LINES[label][rng.integers(len(LINES[label]))]
    parts = [np.array([p.split(",") for p in part.split()], np.float32) for part in way.split(";")]
    shake = rng.uniform(0.005, 0.04)
    return [_smooth(part + rng.normal(0, shake, part.shape)) for part in parts]


def printed(label: int) -> np.ndarray:
    """Return a printed digit as MNIST would hold it, uint8 (28, 28)."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (28, 28))
    ImageDraw.Draw(picture).text((14, 14), str(label), fill=255, font=ImageFont.load_default(26), anchor="mm")
    return np.asarray(picture)


def segments(label: int) -> list[np.ndarray]:
    """Return a digit as a seven-segment display shows it."""
    return [np.array(SEGMENTS[name], np.float32) for name in LIT[label]]


def _smooth(points: np.ndarray) -> np.ndarray:
    """Round the corners of a line twice by Chaikin's rule, its ends kept."""
    for _ in range(2):
        near, far = 0.8 * points[:-1] + 0.2 * points[1:], 0.2 * points[:-1] + 0.8 * points[1:]
        points = np.concatenate([points[:1], np.stack([near, far], 1).reshape(-1, 2), points[-1:]])
    return points.astype(np.float32)
