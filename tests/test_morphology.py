"""The measures of digits, on shapes whose measures are known."""

import math

import pytest
import torch

from cvae.morphology import KEYS, MEASURES, measure

FINE = 8  # drawn so many times larger, then averaged
PLACE = (torch.arange(28 * FINE) + 0.5) / FINE - 14
DOWN, ACROSS = torch.meshgrid(PLACE, PLACE, indexing="ij")


def drawn(inside: torch.Tensor) -> torch.Tensor:
    """Return a fine bool picture as one of 28x28, (1, 1, 28, 28)."""
    return torch.nn.functional.avg_pool2d(inside.float()[None, None], FINE)


def bar(width: float, height: float, slope: float = 0.0, bow: float = 0.0) -> torch.Tensor:
    """Return an upright bar; its middle line goes `slope` to the right for each pixel up and bulges by `bow` pixels."""
    half = height / 2
    return drawn(((ACROSS + slope * DOWN - bow * (1 - (DOWN / half) ** 2)).abs() < width / 2) & (DOWN.abs() < half))


def ring(outer: float, inner: float) -> torch.Tensor:
    away = (ACROSS**2 + DOWN**2).sqrt()
    return drawn((away < outer) & (away > inner))


def measured(x: torch.Tensor) -> dict[str, float]:
    return dict(zip(KEYS, measure(x)[0].tolist(), strict=True))


@pytest.mark.parametrize("degrees", [-35, -10, 0, 15, 40])
def test_slant_is_the_angle_to_the_upright(degrees):
    assert measured(bar(3, 20, math.tan(math.radians(degrees))))["slant"] == pytest.approx(degrees, abs=0.6)


@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_thickness_is_the_width_of_a_stroke(width):
    assert measured(bar(width, 20))["thickness"] == pytest.approx(width, rel=0.18)  # the ends are not deep
    assert measured(ring(9, 9 - width))["thickness"] == pytest.approx(width, abs=0.35)


@pytest.mark.parametrize("degrees", [-25, 0, 25])
@pytest.mark.parametrize("width", [6, 9, 12])
def test_width_undoes_the_slant(width, degrees):
    assert measured(bar(width, 16, math.tan(math.radians(degrees))))["width"] == pytest.approx(width, abs=1.0)


def test_width_of_a_ring_is_its_diameter():
    assert measured(ring(8, 6))["width"] == pytest.approx(16, abs=0.5)


def test_loop_is_as_wide_as_the_ground_inside():
    assert measured(ring(8, 5))["loop"] == pytest.approx(10, abs=0.3)
    assert measured(ring(6, 3.5))["loop"] == pytest.approx(7, abs=0.3)
    assert measured(bar(3, 20))["loop"] == 0
    two = drawn(((ACROSS.abs() < 5) & (DOWN.abs() < 10)) & ~((ACROSS.abs() < 2) & (DOWN.abs() < 8) & (DOWN.abs() > 1)))
    assert measured(two)["loop"] == pytest.approx(2 * math.sqrt(2 * 4 * 7 / math.pi), abs=0.4)
    open_ring = ring(8, 5)
    open_ring[..., 12:16, 14:] = 0
    assert measured(open_ring)["loop"] == 0


def test_a_picture_of_no_numbers_has_no_measures():
    assert measure(torch.full((1, 1, 28, 28), torch.nan)).isnan().all()


def test_loop_closes_step_by_step_as_a_gap_fills_with_ink():
    sizes = []
    for ink in (0.2, 0.4, 0.6, 0.8, 1.0):
        gap = ring(8, 5)
        gap[..., 12:16, 18:23] = ink
        sizes.append(measured(gap)["loop"])
    assert sizes == sorted(sizes) and sizes[0] == pytest.approx(10 * math.sqrt(0.2), abs=0.5)


def test_outlines_turn_once_around_a_disc_and_twice_in_a_ring():
    assert measured(drawn(ACROSS**2 + DOWN**2 < 64))["turn"] == pytest.approx(360, abs=15)
    assert measured(bar(4, 16))["turn"] == pytest.approx(360, abs=15)
    assert measured(ring(9, 6))["turn"] == pytest.approx(720, abs=25)
    wave = drawn(((ACROSS - 4 * torch.sin(DOWN / 10 * 2 * math.pi)).abs() < 1.8) & (DOWN.abs() < 10))
    assert measured(wave)["turn"] > measured(bar(3.6, 20, bow=3))["turn"] + 50 > 450


def test_top_is_the_share_of_the_ink_in_the_upper_half():
    assert measured(bar(4, 18))["top"] == pytest.approx(50, abs=0.5)
    heavy = drawn((ACROSS.abs() < torch.where(DOWN < 0, 6, 2)) & (DOWN.abs() < 9))  # 12 wide above, 4 below
    assert measured(heavy)["top"] == pytest.approx(75, abs=1.5)
    assert measured(heavy.flip(2))["top"] == pytest.approx(25, abs=1.5)


@pytest.mark.parametrize("slope", [-0.3, 0, 0.3])
@pytest.mark.parametrize("bow", [-4, 2, 5])
def test_bow_is_how_far_the_middle_bulges_whatever_the_slant(bow, slope):
    assert measured(bar(3, 20, slope, bow))["bow"] == pytest.approx(bow, abs=0.35)


def test_each_picture_is_measured_for_itself_and_one_without_ink_is_not_a_number():
    x = torch.cat([bar(3, 20), torch.zeros(1, 1, 28, 28), ring(8, 5)])
    v = measure(x)
    assert v.shape == (3, len(MEASURES)) and v[1].isnan().all()
    assert torch.allclose(v[[0, 2]], torch.cat([measure(x[:1]), measure(x[2:])]), atol=1e-4)
    assert measure(x[:0]).shape == (0, len(MEASURES))
