"""Damage and holes: their strength, their shapes, and that the same seed gives the same."""

import pytest
import torch

from cvae.data import corruptions

DIGIT = torch.zeros(1, 1, 28, 28)
DIGIT[..., 8:20, 12:16] = 1.0


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("kind", corruptions.LARGEST)
def test_damage_stays_in_range_grows_with_strength_and_repeats(kind):
    x = DIGIT.expand(64, 1, 28, 28)
    errors = []
    for share in (0.0, 0.3, 1.0):
        spoiled = corruptions.corrupt(x, kind, share * corruptions.LARGEST[kind], seeded())
        assert spoiled.shape == x.shape and spoiled.min() >= 0 and spoiled.max() <= 1
        assert torch.equal(spoiled, corruptions.corrupt(x, kind, share * corruptions.LARGEST[kind], seeded()))
        errors.append(float(((spoiled - x) ** 2).mean()))
    assert errors[0] < 1e-6 < errors[1] < errors[2]


def test_salt_and_pepper_changes_its_share_of_the_pixels():
    grey = torch.full((100, 1, 28, 28), 0.5)
    spoiled = corruptions.corrupt(grey, "salt-and-pepper", 0.25, seeded())
    assert (spoiled != 0.5).float().mean() == pytest.approx(0.25, abs=0.01)
    assert (spoiled == 1).float().mean() == pytest.approx(0.125, abs=0.01)


def test_blur_keeps_the_ink_and_each_picture_its_own_strength():
    blurred = corruptions.corrupt(DIGIT.expand(2, 1, 28, 28), "blur", torch.tensor([0.0, 1.5]))
    torch.testing.assert_close(blurred[0], DIGIT[0])
    assert blurred[1].max() < 1 and blurred[1].sum() == pytest.approx(DIGIT.sum().item(), rel=1e-3)


@pytest.mark.parametrize("kind", corruptions.LARGEST)
@pytest.mark.parametrize("size", [(28, 28), (9, 14)])
def test_a_recipe_spoils_any_picture_as_corrupt_does(kind, size):
    x, strength = torch.rand(1, 1, *size, generator=seeded()), 0.8 * corruptions.LARGEST[kind]
    made = corruptions.recipe(kind, strength, size, seeded())
    if kind == "blur":
        square = torch.outer(made["kernel"], made["kernel"])[None, None]
        spoiled = torch.nn.functional.conv2d(x, square, padding=len(made["kernel"]) // 2)
    else:
        spoiled = (made["factor"] * x + made["term"]).clamp(0, 1)
    torch.testing.assert_close(spoiled, corruptions.corrupt(x, kind, strength, seeded()))


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="one of gaussian, salt-and-pepper, blur, strokes; got 'rain'"):
        corruptions.corrupt(DIGIT, "rain", 0.1)


def test_random_damage_is_drawn_anew_for_every_picture():
    x = DIGIT.expand(300, 1, 28, 28)
    spoiled = corruptions.random_corruption(x, seeded())
    assert len({row.numpy().tobytes() for row in spoiled}) > 270
    assert not torch.equal(spoiled, corruptions.random_corruption(x, torch.Generator().manual_seed(1)))


def test_random_holes_hide_some_and_leave_some():
    visible = corruptions.random_visible(2000, (28, 28), seeded())
    hidden = (~visible).flatten(1).sum(1)
    assert visible.dtype == torch.bool and hidden.min() >= 20 and hidden.max() < 784
    kinds = {mask.numpy().tobytes() for mask in visible}
    assert {mask.numpy().tobytes() for mask in corruptions.preset_holes().values()} <= kinds


def test_preset_holes_hide_what_their_names_say():
    hidden = {name: int((~visible).sum()) for name, visible in corruptions.preset_holes().items()}
    assert hidden == {
        "Centre": 100,
        "Top half": 392,
        "Bottom half": 392,
        "Left half": 392,
        "1 quadrant": 196,
        "2 quadrants": 392,
        "3 quadrants": 588,
    }
    centre = corruptions.centre_hole()
    assert not centre[0, 9:19, 9:19].any() and centre.sum() == 684
    assert not corruptions.preset_holes()["Top half"][0, :14].any()
    assert corruptions.preset_holes()["3 quadrants"][0, 14:, :14].all()  # the task "1 quadrant" of Pyro's tutorial


@pytest.mark.parametrize("side", [8, 9, 16, 64])
def test_holes_leave_something_of_pictures_of_any_size(side):
    for visible in (
        *corruptions.preset_holes((side, side)).values(),
        *corruptions.random_visible(300, (side, side), seeded()),
    ):
        assert visible.any() and not visible.all()
    assert (~corruptions.centre_hole((side, side))).sum() == min(10, side - 2) ** 2


@pytest.mark.parametrize("kind", corruptions.LARGEST)
def test_damage_of_a_small_picture(kind):
    spoiled = corruptions.corrupt(torch.rand(4, 3, 8, 8, generator=seeded()), kind, corruptions.LARGEST[kind], seeded())
    assert spoiled.shape == (4, 3, 8, 8) and spoiled.isfinite().all()
