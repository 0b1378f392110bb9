"""Where faces are in a picture, how large and how turned: a small network over a pyramid of sizes.

It has one answer for every square of STRIDE x STRIDE pixels: whether the middle of a face lies there, where exactly,
its size and its turn. Its weights lie beside this file; `cvae.faces.teaching` made them.
"""

import math
from dataclasses import astuple, dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = Path(__file__).with_name("finder.safetensors")
STRIDE = 4  # pixels of a square that has one answer
USUAL = 20.0  # pixels of an edge whose logarithm is answered with 0
NEAR = 31  # pixels of a side of the surroundings that brightness and contrast are taken relative to
WIDTHS, DILATIONS = (12, 24, 40), (1, 2, 4, 1)
SIDES = (48, 68, 96, 136, 192, 272, 384, 640)  # longest side of the picture at each step of the pyramid
SMALLEST, LARGEST = 9.0, 42.0  # edges of faces, in pixels of a step, that the network was taught
ALIKE = 0.3, 0.3, 0.6  # edges apart, logarithm of the sizes' ratio, radians: within these two are of the same face
VIEW = 96  # pixels of a side of a second look at a face
FIRST, PROMISING = 24.0, 0.25  # edge of the face in the first one, and score there from which there are others
LOOKS = tuple(product((16.0, 20.0, 24.0, 30.0, 36.0), (-0.3, 0.0, 0.3)))  # edge of it in the others, and radians askew
CLEAR, ASTRAY = 4, 0.6  # power of its score that a look weighs, radians off the median at which it weighs nothing
DOUBT = 0.75, 0.5  # what deviations of 1 of the logarithm of sizes and of turns take from a score
SURE, LIKELY, POSSIBLE = 0.5, 0.3, 0.12  # scores from which a face is one, is rather one than not, may be one
MOST = 12  # faces that are looked at a second time


@dataclass(frozen=True)
class Face:
    """The middle and the edge of a face's square, eyebrows to lower lip, in pixels of the picture.

    `turn` is how far it is turned clockwise, in radians; `score` in [0, 1] how sure that is.
    """

    x: float
    y: float
    edge: float
    turn: float
    score: float

    def within(self, times: float) -> "Face":
        """Return the same face with a square of so many times the edge."""
        return replace(self, edge=times * self.edge)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The upright square of this middle and edge: left, upper, right, lower."""
        half = self.edge / 2
        return self.x - half, self.y - half, self.x + half, self.y + half


class Finder(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1] -> (N, 6, H / 4, W / 4).

    Channels: the logit of a face's middle, how far it lies off the square's middle to the right and down (in squares),
    the logarithm of the face's edge, the cosine and the sine of its turn, clockwise.
    """

    def __init__(self) -> None:
        super().__init__()
        steps = zip((3, *WIDTHS), WIDTHS, (2, 2, 1), strict=False)
        self.stem = nn.Sequential(*(_layer(of, to, stride) for of, to, stride in steps))
        self.blocks = nn.ModuleList(_layer(WIDTHS[-1], WIDTHS[-1], 1, dilation) for dilation in DILATIONS)
        self.head = nn.Conv2d(WIDTHS[-1], 6, 1)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias[:1], -4.0)  # a face is rare

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(evened(x))
        for block in self.blocks:
            h = h + block(h)
        return self.head(h)


def _layer(of: int, to: int, stride: int, dilation: int = 1) -> nn.Module:
    convolution = nn.Conv2d(of, to, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(to), nn.ReLU())


def evened(x: Tensor) -> Tensor:
    """Return pictures (N, 3, H, W) relative to brightness and contrast around each pixel, so that dark is as bright."""
    grey = x.mean(1, keepdim=True)
    mean, square = _around(torch.cat([grey, grey**2], dim=1)).split(1, dim=1)
    return (x - mean) / ((square - mean**2).clamp(min=0).sqrt() + 0.02)


def _around(x: Tensor) -> Tensor:
    """Return the mean of the surroundings of each pixel, in rows and then in columns."""
    for sides in ((NEAR, 1), (1, NEAR)):
        x = F.avg_pool2d(x, sides, 1, [side // 2 for side in sides], count_include_pad=False)
    return x


@torch.inference_mode()
def find(picture: Image.Image) -> list[Face]:
    """Return the faces in a picture of any kind, the surest first; those below SURE may be none."""
    picture = picture.convert("RGB")
    faces: list[Face] = []
    for side in SIDES:
        if side <= 1.5 * max(picture.size) or side == SIDES[0]:
            faces += _seen(picture, side)
    faces = _apart(sorted(_agreed(faces), key=lambda face: -face.score))[:MOST]
    halves = _halves(picture)
    firsts = [_look(halves, face, FIRST) for face in faces if face.score > POSSIBLE]
    looked = [_measured(halves, first) for first in firsts if first is not None and first.score > PROMISING]
    return [face for face in _apart(sorted(looked, key=lambda face: -face.score)) if face.score > POSSIBLE]


def in_order(faces: list[Face]) -> list[Face]:
    """Return the faces that are sure, the largest first; if none is, the others, of those about as large the surer."""
    sure = [face for face in faces if face.score >= SURE]
    return sorted(sure, key=lambda face: -face.edge) or sorted(faces, key=lambda face: -face.edge * face.score**2)


def loaded(weights: Path) -> Finder:
    """Return the finder whose weights, of half precision, lie in a file."""
    finder = Finder()
    finder.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in load_file(weights).items()})
    return finder


@cache
def _finder() -> Finder:
    return loaded(WEIGHTS).eval().requires_grad_(False)


def _seen(picture: Image.Image, side: int) -> list[Face]:
    """Return what the finder sees in a picture whose longest side is made this long, in pixels of the picture."""
    scale = side / max(picture.size)
    size = [max(16, STRIDE * round(scale * length / STRIDE)) for length in picture.size]
    small = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    across, down = (whole / part for whole, part in zip(picture.size, size, strict=True))
    usual = (face for face in _answers(small) if SMALLEST <= face.edge <= LARGEST)
    return [
        replace(face, x=face.x * across, y=face.y * down, edge=face.edge * math.sqrt(across * down)) for face in usual
    ]


def _answers(picture: Image.Image) -> list[Face]:
    """Return the places where the finder's score is highest around, in pixels of the picture it is given."""
    x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
    answer = _finder()(x)[0]
    score = answer[0].sigmoid()
    highest = F.max_pool2d(score[None], 3, 1, 1)[0]
    rows, columns = ((score == highest) & (score > POSSIBLE / 2)).nonzero(as_tuple=True)
    faces = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        _, across, down, size, cos, sin = answer[:, row, column].tolist()
        middle = STRIDE * (column + 0.5 + across), STRIDE * (row + 0.5 + down)
        edge = USUAL * math.exp(max(-3.0, min(3.0, size)))
        faces.append(Face(*middle, edge, math.atan2(sin, cos), float(score[row, column])))
    return faces


def _agreed(faces: list[Face]) -> list[Face]:
    """Return each face as the mean of those of about its place, size and turn: a real one is seen at several steps.

    Each weighs the square of its score; the sum of these is the score of the mean.
    """
    if not faces:
        return []
    x, y, edge, turn, score = np.array([astuple(face) for face in faces]).T
    apart = np.hypot(x - x[:, None], y - y[:, None]) / np.minimum(edge, edge[:, None])
    larger = np.log(edge / edge[:, None])
    turned = (turn - turn[:, None] + np.pi) % (2 * np.pi) - np.pi
    alike = (apart < ALIKE[0]) & (abs(larger) < ALIKE[1]) & (abs(turned) < ALIKE[2])
    total = (alike * score**2).sum(1)
    share = alike * score**2 / total[:, None]
    columns = share @ x, share @ y, edge * np.exp((share * larger).sum(1)), turn + (share * turned).sum(1), total
    return [Face(*values) for values in np.stack(columns, axis=1).tolist()]


def _halves(picture: Image.Image) -> list[Image.Image]:
    """Return the picture at its size, half of it, a quarter and so on, so that large faces are not jagged in a look."""
    halves = [picture]
    while min(halves[-1].size) >= VIEW:
        halves.append(halves[-1].reduce(2))
    return halves


def _measured(halves: list[Image.Image], first: Face) -> Face:
    """Return a face, as it was first seen, as it is seen when it is laid upright and askew, at several sizes.

    Place, size and turn are means in which what is clearly seen weighs most. The mean of the scores tells how sure it
    is, and less the more sizes and turns deviate.
    """
    looks = [_look(halves, replace(first, turn=first.turn + by), edge) for edge, by in LOOKS]
    seen = [look for look in looks if look is not None]
    if not seen:
        return replace(first, score=0.0)
    turns = np.array([math.remainder(look.turn - first.turn, 2 * math.pi) for look in seen])
    scores = np.array([look.score for look in seen])
    sizes = np.log([look.edge for look in seen])
    middle = np.quantile(turns, 0.5, method="nearest")
    weights = scores**CLEAR * (abs(turns - middle) < ASTRAY)
    values = [look.x for look in seen], [look.y for look in seen], sizes, turns
    x, y, size, turn = (float(np.average(value, weights=weights)) for value in values)
    apart = math.sqrt(np.average((sizes - size) ** 2, weights=weights))
    askew = math.sqrt(np.average((turns - turn) ** 2, weights=scores**CLEAR))
    score = max(0.0, float(scores.sum()) / len(LOOKS) - DOUBT[0] * apart - DOUBT[1] * askew)
    return Face(x, y, math.exp(size), math.remainder(first.turn + turn, 2 * math.pi), score)


def _look(halves: list[Image.Image], face: Face, edge: float) -> Face | None:
    """Return the face that is seen where one was, when that one is laid upright and made so large; None if none is."""
    half = min(len(halves) - 1, max(0, math.floor(math.log2(face.edge / edge))))
    middle = VIEW / 2
    a, b = (face.edge / edge * part for part in (math.cos(face.turn), math.sin(face.turn)))
    way = np.array([[a, -b, face.x - a * middle + b * middle], [b, a, face.y - b * middle - a * middle]])
    scaled = (way / 2**half).ravel().tolist()
    small = halves[half].transform((VIEW, VIEW), Image.Transform.AFFINE, scaled, Image.Resampling.BILINEAR)
    near = [seen for seen in _answers(small) if math.hypot(seen.x - middle, seen.y - middle) < edge / 2]
    if not near:
        return None
    seen = max(near, key=lambda seen: seen.score)
    x, y = (way @ [seen.x, seen.y, 1.0]).tolist()
    return Face(x, y, face.edge / edge * seen.edge, face.turn + seen.turn, seen.score)


def _apart(faces: list[Face]) -> list[Face]:
    """Return faces, the surest first, without those that lie over a surer one."""
    kept: list[Face] = []
    for face in faces:
        if all(math.hypot(face.x - k.x, face.y - k.y) > 0.6 * max(face.edge, k.edge) for k in kept):
            kept.append(face)
    return kept
