"""What spoils a picture, drawn anew for every example: noise, of which a model cleans it, and holes, which one fills.

Pictures x are (N, C, H, W) in [0, 1]. Masks `visible` are bool (N, 1, H, W): True = known.
"""

import math

import torch
from torch import Tensor

LARGEST = {"gaussian": 0.8, "salt-and-pepper": 0.5, "blur": 3.0, "strokes": 6.0}  # strengths run from 0 to these
SHARES = {"gaussian": 0.35, "salt-and-pepper": 0.35, "blur": 0.1, "strokes": 0.2}  # in training
HOLE_SHARES = {"box": 0.2, "centre": 0.1, "half": 0.2, "quadrants": 0.3, "brush": 0.2}  # in training
SMALLEST_BOX, LARGEST_BOX = 6, 20
BLUR_RADIUS = 8  # pixels; nearly three standard deviations of the strongest blur


def corrupt(x: Tensor, kind: str, strength: Tensor | float, generator: torch.Generator | None = None) -> Tensor:
    """Return x spoiled by one kind of LARGEST, with one strength for all or one per picture (N,).

    gaussian: standard deviation of the noise, clipped to [0, 1] afterwards. salt-and-pepper: share of the pixels that
    become 0 or 1. blur: standard deviation in pixels. strokes: expected number of thin lines in black or white.
    ValueError for an unknown kind.
    """
    if kind not in LARGEST:
        raise ValueError(f"the kind of corruption must be one of {', '.join(LARGEST)}; got {kind!r}.")
    strength = torch.as_tensor(strength, dtype=x.dtype).expand(len(x))[:, None, None, None]
    return {"gaussian": _gaussian, "salt-and-pepper": _salt_and_pepper, "blur": _blur, "strokes": _strokes}[kind](
        x, strength, generator
    )


def recipe(kind: str, strength: float, size: tuple[int, int], generator: torch.Generator) -> dict[str, Tensor]:
    """Return what spoils any one picture (1, 1, H, W) as `corrupt` does, for a program that cannot draw its numbers.

    Either `kernel` (K,), with which rows and then columns are convolved; or `factor` and `term`, both (H, W): x becomes
    factor * x + term, clipped to [0, 1]. ValueError for an unknown kind.
    """
    black, white = torch.zeros(1, 1, *size), torch.ones(1, 1, *size)
    if kind == "blur":
        return {"kernel": _gaussian_kernel(torch.tensor([strength]))[0]}
    if kind == "gaussian":  # what it makes of black and white is clipped
        return {"factor": white[0, 0], "term": strength * torch.randn(black.shape, generator=generator)[0, 0]}
    start = generator.get_state()
    term = corrupt(black, kind, strength, generator)
    generator.set_state(start)
    return {"factor": (corrupt(white, kind, strength, generator) - term)[0, 0], "term": term[0, 0]}


def random_corruption(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return x with a kind and a strength of its own for every picture, strengths uniform over their whole range."""
    kinds = torch.multinomial(torch.tensor(list(SHARES.values())), len(x), replacement=True, generator=generator)
    strengths = torch.rand(len(x), generator=generator)
    out = x.clone()
    for i, kind in enumerate(SHARES):
        chosen = kinds == i
        if chosen.any():
            out[chosen] = corrupt(x[chosen], kind, LARGEST[kind] * strengths[chosen], generator)
    return out


def _gaussian(x: Tensor, strength: Tensor, generator: torch.Generator | None) -> Tensor:
    return (x + strength * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def _salt_and_pepper(x: Tensor, strength: Tensor, generator: torch.Generator | None) -> Tensor:
    r = torch.rand(x.shape, generator=generator)
    return torch.where(r < strength, (r < strength / 2).to(x.dtype), x)


def _blur(x: Tensor, strength: Tensor, generator: torch.Generator | None) -> Tensor:
    """Convolve rows, then columns, with the Gaussian of each picture; what lies outside the picture counts as black."""
    n, channels, height, width = x.shape
    kernel = _gaussian_kernel(strength.flatten()).repeat_interleave(channels, 0)[:, None]  # (N C, 1, 2 R + 1)
    flat = x.reshape(1, n * channels, height, width)
    for shape, padding in (((1, -1), (0, BLUR_RADIUS)), ((-1, 1), (BLUR_RADIUS, 0))):
        flat = torch.nn.functional.conv2d(flat, kernel.unflatten(-1, shape), padding=padding, groups=n * channels)
    return flat.view(x.shape)


def _gaussian_kernel(strength: Tensor) -> Tensor:
    """Return the weights (N, 2 R + 1) of Gaussians with these standard deviations (N,) in pixels."""
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=strength.dtype)
    kernel = (-0.5 * (offsets / strength.clamp(min=1e-3)[:, None]) ** 2).exp()
    return kernel / kernel.sum(1, keepdim=True)


def _strokes(x: Tensor, strength: Tensor, generator: torch.Generator | None) -> Tensor:
    most = math.ceil(LARGEST["strokes"])
    for _ in range(most):
        drawn = torch.rand(len(x), 1, 1, 1, generator=generator) < strength / most
        colour = (torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5).to(x.dtype)
        line = _polyline(len(x), x.shape[2:], 2, torch.full((len(x),), 1.4), generator)
        x = torch.where(drawn, x + line * (colour - x), x)
    return x


def _polyline(
    n: int, size: tuple[int, ...], points: int, thickness: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Return n random lines through `points` places as coverage (n, 1, H, W) in [0, 1]; thickness (n,) in pixels."""
    device = thickness.device
    corners = torch.rand(n, points, 2, 1, 1, generator=generator, device=device)
    y, x = corners[:, :, 0] * size[0], corners[:, :, 1] * size[1]  # (n, points, 1, 1)
    rows, columns = (torch.arange(length, device=device) + 0.5 for length in size)
    to_y, to_x = rows[:, None] - y[:, :-1], columns - x[:, :-1]  # (n, segments, H, 1) and (n, segments, 1, W)
    down, across = y.diff(dim=1), x.diff(dim=1)
    t = ((to_y * down + to_x * across) / (down**2 + across**2).clamp(min=1e-6)).clamp(0, 1)
    squared = (to_y - t * down) ** 2 + (to_x - t * across) ** 2
    distance = squared.amin(1, keepdim=True).sqrt()  # (n, 1, H, W), to the nearest segment
    return (thickness.view(-1, 1, 1, 1) / 2 + 0.5 - distance).clamp(0, 1)


def random_visible(
    n: int, size: tuple[int, int], generator: torch.Generator | None = None, device: torch.device | str = "cpu"
) -> Tensor:
    """Return n masks (n, 1, H, W) of the kinds of HOLE_SHARES; each hides at least one pixel and leaves one."""
    makers = {"box": _boxes, "centre": _centres, "half": _halves, "quadrants": _quadrants, "brush": _brush}
    draw, reached = torch.rand(n, 1, 1, 1, generator=generator, device=device), 0.0
    visible = torch.ones(n, 1, *size, dtype=torch.bool, device=device)
    for kind, share in HOLE_SHARES.items():  # all kinds of each: to count which are which would wait for a card
        visible = torch.where(draw >= reached, makers[kind](n, size, generator, device), visible)
        reached += share
    return visible


def training_holes(
    kind: str,
    n: int,
    size: tuple[int, int],
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return masks (n, 1, H, W) of one kind of DataConfig.hole: any of `random_visible`, or always the centre."""
    return (random_visible if kind == "any" else _centres)(n, size, generator, device)


def centre_hole(size: tuple[int, int] = (28, 28), side: int = 10, device: torch.device | str = "cpu") -> Tensor:
    """Return the mask (1, H, W) that hides the middle side x side pixels, fewer where nothing but a rim were left."""
    visible = torch.ones(1, *size, dtype=torch.bool, device=device)
    side = min(side, *(length - 2 for length in size))
    top, left = ((length - side) // 2 for length in size)
    visible[:, top : top + side, left : left + side] = False
    return visible


def quadrants_visible(
    names: tuple[str, ...], size: tuple[int, int] = (28, 28), device: torch.device | str = "cpu"
) -> Tensor:
    """Return the mask (1, H, W) in which only these quadrants are visible, named as in "top left"."""
    visible = torch.zeros(1, *size, dtype=torch.bool, device=device)
    halves = {"top": slice(0, size[0] // 2), "bottom": slice(size[0] // 2, None)}
    sides = {"left": slice(0, size[1] // 2), "right": slice(size[1] // 2, None)}
    for name in names:
        row, column = name.split()
        visible[:, halves[row], sides[column]] = True
    return visible


def preset_holes(size: tuple[int, int] = (28, 28)) -> dict[str, Tensor]:
    """Return the masks (1, H, W) of usual holes by name; the last three hide one, two and three quadrants."""
    top, bottom, left, right = QUADRANTS[:2], QUADRANTS[2:], QUADRANTS[::2], QUADRANTS[1::2]
    return {
        "Centre": centre_hole(size),
        "Top half": quadrants_visible(bottom, size),
        "Bottom half": quadrants_visible(top, size),
        "Left half": quadrants_visible(right, size),
        "1 quadrant": quadrants_visible(QUADRANTS[:3], size),
        "2 quadrants": quadrants_visible(left, size),
        "3 quadrants": quadrants_visible(("bottom left",), size),
    }


QUADRANTS = ("top left", "top right", "bottom left", "bottom right")


def _boxes(n: int, size: tuple[int, int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    largest = min(LARGEST_BOX, 3 * min(size) // 4)
    smallest = min(SMALLEST_BOX, largest // 2)
    sides = torch.randint(smallest, largest + 1, (n, 2), generator=generator, device=device)
    r = torch.rand(n, 2, generator=generator, device=device)
    inside = torch.ones(n, 1, *size, dtype=torch.bool, device=device)
    for axis, length in enumerate(size):
        first = (r[:, axis] * (length - sides[:, axis] + 1)).long()[:, None]
        place = torch.arange(length, device=device)[None]
        covered = (place >= first) & (place < first + sides[:, axis, None])  # (n, length)
        inside &= covered[:, None, :, None] if axis == 0 else covered[:, None, None, :]
    return ~inside


def _centres(n: int, size: tuple[int, int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    return centre_hole(size, device=device).expand(n, 1, *size)


def _halves(n: int, size: tuple[int, int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    pairs = [QUADRANTS[:2], QUADRANTS[2:], QUADRANTS[::2], QUADRANTS[1::2]]
    masks = torch.stack([quadrants_visible(pair, size, device) for pair in pairs])
    return masks[torch.randint(len(masks), (n,), generator=generator, device=device)]


def _quadrants(n: int, size: tuple[int, int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    masks = [quadrants_visible((name,), size, device) for name in QUADRANTS]
    either = torch.stack([*masks, *(~mask for mask in masks)])  # one visible, or all but one
    return either[torch.randint(len(either), (n,), generator=generator, device=device)]


def _brush(n: int, size: tuple[int, int], generator: torch.Generator | None, device: torch.device | str) -> Tensor:
    thickness = (3 + 5 * torch.rand(n, generator=generator, device=device)) * min(1.0, min(size) / 28)
    return _polyline(n, size, 4, thickness, generator) < 0.5
