"""Augmentation: what each operation does to a picture, how often, and how gradients and shares come through it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from sparring.augment import OPERATIONS, POLICY, Adaptive, augment
from sparring.draws import Draws
from sparring.errors import SparringError
from sparring.penalties import r1

BRIGHTNESS, SATURATION, CONTRAST, TRANSLATION, CUTOUT = range(len(OPERATIONS))


class Only(Draws):
    """Random numbers by which exactly one operation is chosen, for every sample."""

    def __init__(self, operation: int) -> None:
        super().__init__(0, 0, 1)
        self.operation = operation

    def uniform(self, n: int, *shape: int) -> Tensor:
        numbers = super().uniform(n, *shape)
        numbers[:, :, 0] = 0.9
        numbers[:, self.operation, 0] = 0.0
        return numbers


def pictures(b: int = 64, c: int = 3, h: int = 16, w: int = 24) -> Tensor:
    """Noise in -1..1, of which no value is 0."""
    x = torch.rand(b, c, h, w, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.where(x.abs() < 0.01, 0.5, x)


def done(operation: int, x: Tensor) -> Tensor:
    """x after one operation alone."""
    return augment(x, 0.5, Only(operation))


def changed(x: Tensor, y: Tensor) -> Tensor:
    """Which samples differ anywhere."""
    return (x != y).flatten(1).any(1)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("strength", [0.0, torch.tensor(0.0)])
def test_at_strength_0_nothing_changes_not_even_the_sign_of_a_zero(channels: int, strength: float | Tensor) -> None:
    x = pictures(c=channels)
    x[:, :, 3] = -0.0
    y = augment(x, strength, Draws(0, 0, 1))
    assert torch.equal(y.view(torch.int32), x.view(torch.int32))
    assert augment(x, 1.0, Draws(0, 0, 1), ()) is x, "and without a policy at any strength"


@pytest.mark.parametrize("part", POLICY)
def test_at_strength_1_every_part_changes_the_pictures_by_itself(part: str) -> None:
    x = pictures(256)
    share = changed(x, augment(x, 1.0, Draws(0, 0, 1), (part,))).float().mean()
    if part == "translation":  # of 5 times 7 shifts, all equally likely, one is none
        assert share == pytest.approx(1 - 1 / 35, abs=0.04)
    else:
        assert share == 1


@pytest.mark.parametrize("strength", [0.2, 0.7])
def test_each_operation_meets_the_share_of_samples_that_the_strength_says(strength: float) -> None:
    x = pictures(2000, h=8, w=8)
    for policy, operations in ((("cutout",), 1), (("colour",), 3), (("colour", "cutout"), 4)):
        met = changed(x, augment(x, torch.tensor(strength), Draws(0, 0, 1), policy)).float().mean()
        assert met == pytest.approx(1 - (1 - strength) ** operations, abs=0.04)


def test_brightness_adds_one_number_up_to_a_half_to_the_whole_picture() -> None:
    x = pictures(512)
    added = (done(BRIGHTNESS, x) - x).flatten(1)
    assert (added.max(1).values - added.min(1).values).max() < 1e-6
    assert -0.5 <= added.min() < -0.49
    assert 0.49 < added.max() <= 0.5
    assert added.mean() == pytest.approx(0, abs=0.04)


def test_saturation_stretches_each_pixel_about_its_own_grey_up_to_twice() -> None:
    x = pictures(512)
    y = done(SATURATION, x)
    assert torch.allclose(y.mean(1), x.mean(1), atol=1e-6)
    before, after = ((z - z.mean(1, keepdim=True)).flatten(1) for z in (x, y))
    factor = (before * after).sum(1) / before.square().sum(1)
    assert torch.allclose(after, factor[:, None] * before, atol=1e-5)
    assert 0 <= factor.min() < 0.01
    assert 1.99 < factor.max() < 2
    assert factor.mean() == pytest.approx(1, abs=0.08)


def test_saturation_leaves_grey_pictures_alone() -> None:
    assert torch.equal(done(SATURATION, pictures(c=1)), pictures(c=1))


def test_contrast_stretches_a_picture_about_its_mean_by_up_to_a_half() -> None:
    x = pictures(512)
    y = done(CONTRAST, x)
    assert torch.allclose(y.mean((1, 2, 3)), x.mean((1, 2, 3)), atol=1e-6)
    factor = y.flatten(1).std(1) / x.flatten(1).std(1)
    assert 0.5 <= factor.min() < 0.51
    assert 1.49 < factor.max() <= 1.5
    mean = x.mean((1, 2, 3), keepdim=True)
    assert torch.allclose(y - mean, factor.view(-1, 1, 1, 1) * (x - mean), atol=1e-5)


@pytest.mark.parametrize("operation", [BRIGHTNESS, SATURATION, CONTRAST])
def test_colour_neither_reads_nor_changes_transparency(operation: int) -> None:
    x = pictures(c=4)
    y = done(operation, x)
    assert torch.equal(y[:, 3], x[:, 3])
    assert torch.equal(y[:, :3], done(operation, x[:, :3]))
    assert changed(x, y).all()


def moved(picture: Tensor, down: int, right: int) -> Tensor:
    """One picture (c, h, w), moved by hand, with 0 where nothing came from."""
    _, h, w = picture.shape
    result = torch.zeros_like(picture)
    result[:, max(down, 0) : h + min(down, 0), max(right, 0) : w + min(right, 0)] = picture[
        :, max(-down, 0) : h + min(-down, 0), max(-right, 0) : w + min(-right, 0)
    ]
    return result


def test_translation_moves_by_up_to_an_eighth_and_fills_with_0_all_shifts_alike() -> None:
    x = pictures(700, c=4)
    y = done(TRANSLATION, x)
    shifts = [(down, right) for down in range(-2, 3) for right in range(-3, 4)]  # an eighth of 16 and of 24
    counts = dict.fromkeys(shifts, 0)
    for before, after in zip(x, y, strict=True):
        (fits,) = [shift for shift in shifts if torch.equal(moved(before, *shift), after)]
        counts[fits] += 1
    assert min(counts.values()) > 5, "20 each are expected"
    assert max(counts.values()) < 40


@pytest.mark.parametrize(("h", "w"), [(16, 24), (10, 9), (9, 11)])
def test_cutout_empties_one_square_of_half_the_side_whose_centre_is_anywhere(h: int, w: int) -> None:
    x = pictures(3000, 2, h, w)[:, :1]
    y = done(CUTOUT, x)[:, 0]
    hole = y == 0
    assert torch.equal(y[~hole], x[:, 0][~hole])
    rows, columns = hole.any(2), hole.any(1)
    assert torch.equal(hole, rows[:, :, None] & columns[:, None, :]), "it is a rectangle"
    for inside, side in ((rows, h), (columns, w)):
        length = side // 2
        starts = range(-(length // 2), side + 1 - length % 2 - length // 2)
        possible = [tuple(start <= place < start + length for place in range(side)) for start in starts]
        assert set(map(tuple, inside.tolist())) == set(possible)
        assert inside.float().sum(1).mean() == pytest.approx(sum(map(sum, possible)) / len(possible), rel=0.05)


def test_colour_comes_first_so_a_hole_stays_empty_whatever_order_the_policy_is_named_in() -> None:
    x = pictures()
    y = augment(x, 1.0, Draws(0, 0, 1))
    assert ((y == 0).all(1).flatten(1).float().mean(1) >= 16 / 256).all(), "a corner of the hole is the least of it"
    assert torch.equal(y, augment(x, 1.0, Draws(0, 0, 1), ("colour", "translation", "cutout")))


def test_a_part_takes_the_same_numbers_whatever_else_is_in_the_policy() -> None:
    """So that a call uses up the same amount, and leaves the noise that is drawn after it as it was."""
    alone, among = Draws(3, 0, 1), Draws(3, 0, 1)
    augment(pictures(), 0.5, alone, ("cutout",))
    augment(pictures(), 1.0, among)
    assert torch.equal(alone.normal(4), among.normal(4))


def test_on_average_colour_leaves_a_picture_as_it_is() -> None:
    x = pictures(1).expand(4000, -1, -1, -1)
    y = augment(x, 1.0, Draws(0, 0, 1), ("colour",))
    assert (y.mean(0) - x[0]).abs().max() < 0.08
    assert y.isfinite().all()
    assert y.std() > x.std()


def test_the_same_seed_and_step_give_the_same_pictures_and_others_others() -> None:
    def at(seed: int, step: int) -> Tensor:
        draws = Draws(seed, 0, 1)
        draws.at(step)
        return augment(pictures(), 1.0, draws)

    torch.manual_seed(1)
    first = at(3, 4)
    torch.manual_seed(2)
    assert torch.equal(first, at(3, 4))
    assert not torch.equal(first, at(3, 5))
    assert not torch.equal(first, at(4, 4))


def test_two_shares_put_together_are_the_whole() -> None:
    x = pictures(8)
    whole = augment(x, 0.6, Draws(5, 0, 1))
    parts = [augment(part, 0.6, Draws(5, share, 2)) for share, part in enumerate(x.chunk(2))]
    assert torch.equal(torch.cat(parts), whole)
    assert not torch.equal(torch.cat(parts[::-1]), whole)


@pytest.mark.parametrize(("channels", "strength"), [(1, 1.0), (3, 0.5), (4, 1.0)])
def test_first_and_second_derivatives_are_those_of_finite_differences(channels: int, strength: float) -> None:
    x = pictures(2, channels, 5, 8).double().requires_grad_(True)

    def through(x: Tensor) -> Tensor:
        y = augment(x, strength, Draws(1, 0, 1))
        return (y * y.square()).mean((1, 2, 3))  # cubed, or the second derivative of what is linear would be 0

    assert gradcheck(through, (x,))
    assert gradgradcheck(through, (x,))


def test_a_penalty_on_the_gradient_reaches_the_critic_through_it() -> None:
    x, critic = pictures(4, 3, 8, 8), nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Tanh(), nn.Linear(8, 1))
    plain = r1(critic, x)
    penalty = r1(lambda x: critic(augment(x, 1.0, Draws(0, 0, 1))), x)
    penalty.backward()  # type: ignore[no-untyped-call]
    assert penalty.item() != pytest.approx(plain.item(), rel=1e-3)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in critic[1].parameters())


def test_bfloat16_and_channels_last_pictures_pass() -> None:
    x = pictures().bfloat16()
    assert augment(x, 1.0, Draws(0, 0, 1)).dtype == torch.bfloat16
    y = pictures().to(memory_format=torch.channels_last)
    assert torch.allclose(augment(y, 1.0, Draws(0, 0, 1)), augment(pictures(), 1.0, Draws(0, 0, 1)), atol=1e-6)


class Nowhere(Draws):
    """Random numbers without values: whoever looks at one, and so would wait for a device, fails."""

    def uniform(self, n: int, *shape: int) -> Tensor:
        return torch.empty(n, *shape, device="meta")


def test_the_device_is_never_waited_for() -> None:
    x = torch.empty(4, 4, 16, 16, device="meta")
    with pytest.raises(RuntimeError):  # the control
        bool((x > 0).any())
    for strength in (0.5, torch.empty((), device="meta")):
        assert augment(x, strength, Nowhere(0, 0, 1)).shape == x.shape


def test_points_and_unknown_parts_are_refused_in_a_sentence() -> None:
    with pytest.raises(SparringError, match="only pictures"):
        augment(torch.zeros(4, 2), 0.5, Draws(0, 0, 1))
    with pytest.raises(SparringError, match="`color`; perhaps you meant colour"):
        augment(pictures(), 0.5, Draws(0, 0, 1), ("color",))


def test_the_controller_rises_from_0_to_1_over_its_span_and_stays_within_its_limits() -> None:
    control = Adaptive(span=1000, limit=1.0)
    assert control.strength == 0
    control.update(-1.0, 100)
    assert control.strength == 0, "it does not fall below 0"
    control.update(0.61, 500)
    assert control.strength == pytest.approx(0.5)
    control.update(0.59, 200)
    assert control.strength == pytest.approx(0.3)
    control.update(0.9, 800)
    assert control.strength == 1.0, "it does not rise above its limit"
    papers = Adaptive()
    papers.update(1.0, 250_000)
    assert papers.strength == pytest.approx(0.5), "500,000 images from 0 to 1"
    papers.update(1.0, 250_000)
    assert papers.strength == 0.8, "what the paper calls safe"


@pytest.mark.parametrize("sign", [0.6, math.nan])
def test_on_its_target_or_without_a_measurement_the_controller_keeps_still(sign: float) -> None:
    control = Adaptive(span=1000)
    control.load_state_dict({"strength": 0.4})
    control.update(sign, 100)
    assert control.strength == 0.4


def test_the_controller_finds_the_strength_at_which_the_sign_is_on_target() -> None:
    """A critic that overfits less the more it is augmented: r falls from 0.9 to 0.1."""
    control = Adaptive(span=10_000)
    for _ in range(400):
        control.update(0.9 - 0.8 * control.strength, 64)
    assert control.strength == pytest.approx(0.375, abs=64 / 10_000)


def test_a_controller_goes_on_from_its_state() -> None:
    first, second = Adaptive(span=1000), Adaptive(span=1000)
    first.update(1.0, 123)
    second.load_state_dict(first.state_dict())
    first.update(1.0, 50)
    second.update(1.0, 50)
    assert first.strength == second.strength > 0.1
