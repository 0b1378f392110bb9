"""What is done to a batch of pictures before a model sees it: drawn as 0 or 1, moved, mirrored."""

import math

import torch
from torch import Tensor

from cvae.config import DataConfig
from cvae.data import corruptions

BENDS = 4, 4  # places of a picture whose displacement is drawn; between them it is smooth


def varied(
    x: Tensor, config: DataConfig, movement: float | Tensor = 0.0, generator: torch.Generator | None = None
) -> Tensor:
    """Return pictures x (N, C, H, W) in [0, 1] as training sees them: varied as the configuration says, drawn anew.

    `movement` in [0, 1] is how far pictures are moved at this moment of the training, as a share of the most.
    """
    if config.mirror:
        x = mirror(x, generator)
    if config.shift:
        x = shift(x, config.shift, generator)
    if config.turn or config.zoom:
        x = turn(x, config.turn, config.zoom, generator)
    if config.blur:
        x = corruptions.corrupt(x, "blur", config.blur * torch.rand(len(x), generator=generator), generator)
    if config.augment:
        x = augment(x, generator)
    if config.movement and (isinstance(movement, Tensor) or movement > 0):
        x = move(x, config.movement * movement, config.elastic * movement, generator)
    return binarize(x, generator) if config.binarize else x


def binarize(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw 0 or 1 for every pixel with the pixel as its probability (dynamic binarisation); same shape as x."""
    return (torch.rand(x.shape, generator=generator, device=x.device) < x).to(x.dtype)


def mirror(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Mirror half of the pictures (N, C, H, W), left to right, at random; same shape back."""
    chosen = torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device) < 0.5
    return torch.where(chosen, x.flip(3), x)


def shift(x: Tensor, most: int, generator: torch.Generator | None = None) -> Tensor:
    """Shift each picture (N, C, H, W) by up to `most` whole pixels each way, its edge mirrored; same shape back."""
    wide = torch.nn.functional.pad(x, (most,) * 4, mode="reflect")
    height, width = x.shape[2:]
    places = torch.randint(2 * most + 1, (len(x), 2), generator=generator, device=x.device)
    every = wide.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2 most + 1, 2 most + 1, H, W), a view
    return every[torch.arange(len(x), device=x.device), :, places[:, 0], places[:, 1]]


def augment(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Turn, scale and shift each picture a little at random; x (N, C, H, W) in [0, 1], same shape back.

    Up to 12 degrees, 12 % in size, 3 of 28 pixels in position: what leaves a digit the digit it is.
    """
    return _moved(x, 0.21, 0.12, 0.2, generator)


def turn(x: Tensor, degrees: float, zoom: float, generator: torch.Generator | None = None) -> Tensor:
    """Turn the first half of the pictures (N, C, H, W) by at most some degrees, scale them by at most a share `zoom`.

    Smoothly, their edges mirrored, and shifted by up to one pixel in 64; same shape back, in [0, 1].
    """
    half = len(x) // 2
    angle = math.radians(degrees)
    moved = _moved(x[:half], angle, zoom, 0.03, generator, mode="bicubic", padding_mode="reflection")
    return torch.cat([moved.clamp(0, 1), x[half:]])


def move(
    x: Tensor, movement: float | Tensor, elastic: float | Tensor = 0.0, generator: torch.Generator | None = None
) -> Tensor:
    """Move each picture (N, C, H, W) at random, and its parts apart; same shape back.

    A movement of 1 turns by up to 0.15 radians, scales by up to 10 % and shifts by up to 7 % of half the side. In the
    same share `elastic` is the standard deviation of how far a part is moved (Simard, Steinkraus and Platt 2003).
    """
    n, _, height, width = x.shape
    coarse = torch.randn(n, 2, *BENDS, generator=generator, device=x.device)
    bent = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    ways = 0.07 * elastic * bent.permute(0, 2, 3, 1)
    return _moved(x, 0.15 * movement, 0.1 * movement, 0.07 * movement, generator, ways)


def _moved(
    x: Tensor,
    angle: float | Tensor,
    scale: float | Tensor,
    shift: float | Tensor,
    generator: torch.Generator | None,
    ways: float | Tensor = 0.0,
    **how: str,
) -> Tensor:
    """Move each picture by at most an angle in radians, a share of its size and a share of half its side.

    `ways` (N, H, W, 2) move its parts too, in shares of half the side.
    """
    r = torch.rand(4, len(x), generator=generator, device=x.device) * 2 - 1  # (4, N) in [-1, 1]
    turned, scaled = angle * r[0], 1 + scale * r[1]
    cos, sin = turned.cos() * scaled, turned.sin() * scaled
    theta = torch.stack([cos, -sin, shift * r[2], sin, cos, shift * r[3]], dim=1).view(-1, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, list(x.shape), align_corners=False)
    return torch.nn.functional.grid_sample(x, grid + ways, align_corners=False, **how)
