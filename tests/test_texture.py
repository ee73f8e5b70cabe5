"""What asks enlarged pictures for as much fine detail as true ones have."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sparring import enlarging
from sparring.data.degrade import shrink
from sparring.metrics.restoration import energy


def grainy(n: int, side: int = 32) -> Tensor:
    """Pictures (n, 3, side, side) of smooth colours under grain of every frequency."""
    random = torch.Generator().manual_seed(0)
    smooth = interpolate(torch.rand(n, 3, 4, 4, generator=random) - 0.5, (side, side), mode="bicubic")
    return smooth + 0.1 * torch.randn(n, 1, side, side, generator=random)


def blurred(x: Tensor, scale: int) -> Tensor:
    return interpolate(shrink(x, scale), scale_factor=scale, mode="bicubic")


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_truth_is_nearest_and_both_blur_and_grain_are_farther(scale: int) -> None:
    true = grainy(4, 48)
    grain = 0.1 * torch.randn(true.shape, generator=torch.Generator().manual_seed(1))
    blur = enlarging.texture(blurred(true, scale), true, scale)
    assert enlarging.texture(true, true, scale) == 0
    assert 0 < enlarging.texture((true + blurred(true, scale)) / 2, true, scale) < blur
    assert 0 < enlarging.texture(true + grain, true, scale) < enlarging.texture(true + 3 * grain, true, scale)


def test_what_small_pictures_hold_is_not_its_business() -> None:
    """Waves of four pixels and more are what half the sides can hold: here one of eight is there, or it is not."""
    true = grainy(2)
    wave = 0.2 * torch.sin(torch.arange(32) * torch.pi / 4).expand(2, 3, 32, 32)
    blur = enlarging.texture(blurred(true, 2), true, 2)
    assert enlarging.texture(true + wave, true, 2) < 0.01 * blur
    assert enlarging.texture(true + wave, true, 8) > 0.05 * blur


def test_where_detail_lies_is_not_its_business_but_its_frequency_is() -> None:
    """A lattice has the energy of grain in a single frequency."""
    true, other = (0.1 * torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    lattice = torch.ones(64, 64)
    lattice[::2] *= -1
    lattice[:, ::2] *= -1
    alike = (0.1 * lattice).expand(8, 1, 64, 64)
    assert enlarging.texture(other, true, 2) < 0.5 * enlarging.texture(alike, true, 2)


def best_gain(made: Tensor, true: Tensor) -> Tensor:
    """What the made pictures have to be multiplied by, to be as like the true ones as can be."""
    gain = torch.ones(1, requires_grad=True)
    optimiser = torch.optim.Adam([gain], lr=0.2)
    for step in range(120):
        optimiser.param_groups[0]["lr"] = 0.2 * (1 - step / 120)
        optimiser.zero_grad()
        enlarging.texture(gain * made, true, 2).backward()
        optimiser.step()
    return gain.detach()


def test_learning_by_it_alone_gives_as_much_energy_as_is_true_on_average() -> None:
    """Not less, as distances of pixels or amplitudes do, where the same picture could be any of several true ones."""
    loud = torch.tensor([0.5, 1.5]).repeat(8).view(16, 1, 1, 1)  # which of the two it is cannot be known
    grain = 0.1 * torch.randn(16, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert float(best_gain(grain, loud * grain).square()) == pytest.approx(1.25, abs=0.05)


def test_invented_grain_gets_the_energy_of_the_true_and_not_more_than_twice_that() -> None:
    random = torch.Generator().manual_seed(0)
    true, other = (0.1 * torch.randn(16, 1, 32, 32, generator=random) for _ in range(2))
    faint = 0.2 * other
    assert 0.9 < energy(best_gain(faint, true) * faint, true) < 2


def test_twice_the_contrast_counts_twice_and_not_four_times_nor_once() -> None:
    """So that the finest frequencies, which are faint, count for less than others, but not for nothing."""
    true = 0.1 * torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    once, twice = (enlarging.texture(0.5 * times * true, times * true, 4) for times in (1, 2))
    assert float(twice / once) == pytest.approx(2, rel=0.15)


def test_grey_pictures_smaller_than_a_square_have_one_too() -> None:
    true = torch.rand(1, 1, 6, 5) - 0.5
    made = (0.5 * true).requires_grad_()
    enlarging.texture(made, true, 2).backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0


def test_it_is_told_in_full_precision_where_the_networks_are_not() -> None:
    true, made = grainy(2), (0.5 * grainy(2)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = enlarging.texture(made, true, 2)
    assert torch.equal(rounded, enlarging.texture(made, true, 2))


@pytest.mark.parametrize(("scale", "sizes"), [(2, [2]), (3, [3]), (4, [4, 2]), (8, [8, 4, 2])])
def test_coarse_differences_count_by_how_much_pictures_were_shrunk_and_by_the_scale(
    scale: int, sizes: list[int]
) -> None:
    true = grainy(2, 48)
    assert enlarging.coarse(true, true, scale) == 0
    assert float(enlarging.coarse(true - 0.1, true, scale)) == pytest.approx(0.1 * scale * sum(sizes), rel=1e-4)


def test_coarse_differences_are_those_that_half_the_sides_can_hold() -> None:
    true = grainy(2)
    places = torch.arange(32)
    fine, middle = (0.1 * torch.cos(places * torch.pi / half).expand(2, 3, 32, 32) for half in (1, 3))
    assert enlarging.coarse(true + fine, true, 4) < 0.15 * enlarging.coarse(true + middle, true, 4)
    assert enlarging.coarse(true + middle, true, 2) > 0.04, "waves of six pixels are seen at half the sides"


def test_coarse_differences_are_told_in_full_precision_and_learnt_from() -> None:
    """The difference of two numbers of 16 bits has more digits than such a number holds."""
    true, made = grainy(2).bfloat16(), (0.5 * grainy(2)).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        told = enlarging.coarse(made, true, 4)
    assert torch.equal(told, enlarging.coarse(made.float(), true.float(), 4))
    told.backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
