"""The parts of the degradation model: each does to pictures what it says."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.data.degrade import FIRST, SECOND, Spot, bell, blurred, kernels, noisy, resized, sinc
from sparring.draws import Draws


class Fixed(Draws):
    """Uniform numbers whose first columns are given; the rest of them, and the normal ones, are random."""

    def __init__(self, *columns: float) -> None:
        super().__init__(0, 0, 1)
        self.columns = columns

    def uniform(self, n: int, *shape: int) -> Tensor:
        numbers = super().uniform(n, *shape)
        columns = self.columns[: shape[0]]
        numbers[:, : len(columns)] = torch.tensor(columns)
        return numbers


def pictures(*shape: int) -> Tensor:
    """Noise in -1..1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def column(*values: float) -> Tensor:
    """(n, 1, 1), as kernels' settings are."""
    return torch.tensor(values).view(-1, 1, 1)


# Blur


def test_a_gaussian_spreads_by_its_sigmas_in_its_direction() -> None:
    across, along, angle = column(2.0, 1.0, 2.5), column(1.0, 2.0, 1.2), column(0.0, 0.0, math.pi / 6)
    kernel = bell(across, along, angle, column(1, 1, 1), column(0, 0, 0) > 0, column(10, 10, 10))
    place = torch.arange(-10, 11).float()
    for i, part in enumerate(kernel):
        columns = (part.sum(0) * place**2).sum()
        rows = (part.sum(1) * place**2).sum()
        cos, sin = math.cos(angle[i]), math.sin(angle[i])
        assert columns == pytest.approx(float((cos * across[i]) ** 2 + (sin * along[i]) ** 2), rel=0.02)
        assert rows == pytest.approx(float((sin * across[i]) ** 2 + (cos * along[i]) ** 2), rel=0.02)


def test_powers_and_plateaus_have_their_shapes() -> None:
    sigma, flat = column(3, 3, 3, 3), column(0, 0, 0, 1) > 0
    kernel = bell(sigma, sigma, column(0, 0, 0, 0), column(0.5, 1, 4, 2), flat, column(10, 10, 10, 10))
    line = kernel[:, 10] / kernel[:, 10, 10:11]
    at_sigma = line[:, 13]
    assert torch.allclose(at_sigma, torch.tensor([math.exp(-0.5)] * 3 + [0.5]))
    assert line[0, 11] < line[1, 11] < line[2, 11], "the higher the power, the flatter in the middle"
    assert line[0, 16] > line[1, 16] > line[2, 16], "and the steeper outside"
    assert line[3, 16] == pytest.approx(1 / 17)


def test_random_kernels_are_as_often_of_each_kind_as_the_authors_have_them() -> None:
    found = kernels(4000, Draws(0, 0, 1), SECOND)
    assert found.shape == (4000, 21, 21)
    assert torch.allclose(found.sum((1, 2)), torch.ones(4000), atol=1e-5)
    assert torch.allclose(found, found.flip(1, 2), atol=1e-6), "they move nothing"
    assert (found[:, 10, 10] == 1).float().mean() == pytest.approx(0.2, abs=0.05), "a fifth hardly blurs or not at all"
    first = kernels(4000, Draws(0, 0, 1), FIRST)
    assert (first.flatten(1).min(1).values < -1e-4).float().mean() == pytest.approx(0.1, abs=0.02), "sinc filters"
    wide = first[(first[:, 10, 13:] > 0).any(1)]
    even = torch.isclose(wide, wide.mT, atol=1e-6).flatten(1).all(1)
    assert even.float().mean() == pytest.approx(0.9 * (0.45 + 0.12 + 0.12) + 0.1, abs=0.05)
    extent = (first != 0).any(1).sum(1)
    assert {int(n) for n in extent} >= set(range(7, 22, 2)), "of all sizes from 7 to 21"


@pytest.mark.parametrize(
    ("which", "shape", "beside"),
    [
        (0.1, 0.2, math.exp(-0.5 / 2.72**2)),  # a Gaussian, whatever the power
        (0.9, 0.2, math.exp(-0.5 / 2.72**2)),
        (0.1, 0.75, math.exp(-0.5 / 2.72**1.9)),  # a generalised one of 0.5 + 0.45
        (0.9, 0.75, math.exp(-0.5 / 2.72**7.4)),  # and of 1 + 2.7
        (0.1, 0.9, 1 / (1 + 1 / 2.72**2)),  # a plateau of 1
        (0.9, 0.9, 1 / (1 + 1 / 2.72**3.8)),  # and of 1.9
    ],
)
def test_random_kernels_have_the_authors_powers(which: float, shape: float, beside: float) -> None:
    """The numbers stand for: which side of 1, what the power is, the shape, alike in all directions, the sigma."""
    kernel = kernels(1, Fixed(which, 0.9, shape, 0.1, 0.9), FIRST)[0]
    assert kernel[10, 11] / kernel[10, 10] == pytest.approx(beside, rel=1e-3)


def test_a_sinc_filter_rings_beside_an_edge_and_a_gaussian_does_not() -> None:
    edge = torch.tensor([-0.5, 0.5]).repeat_interleave(32).expand(2, 1, 64, 64)
    rings = sinc(column(math.pi / 3), column(10))
    smooth = bell(column(2), column(2), column(0), column(1), column(0) > 0, column(10))
    ringing, smoothed = blurred(edge, torch.cat([rings, smooth]))
    assert 0.53 < ringing.max() < 0.7
    assert smoothed.max() < 0.5001
    assert torch.allclose(ringing[:, :, :12], torch.tensor(-0.5), atol=0.02), "far from it all is as it was"
    assert torch.allclose(sinc(column(math.pi), column(10))[0, 10, 10], torch.tensor(math.pi / 4), atol=0.1)


@pytest.mark.parametrize("size", [(33, 47), (40, 40), (3, 5)])
def test_blurring_is_the_convolution_of_each_picture_with_its_kernel(size: tuple[int, int]) -> None:
    x, kernel = pictures(4, 3, *size), kernels(4, Draws(3, 0, 1), FIRST)
    padded = F.pad(x, (10,) * 4, mode="replicate").view(1, 12, size[0] + 20, size[1] + 20)
    wanted = F.conv2d(padded, kernel.repeat_interleave(3, 0)[:, None], groups=12).view_as(x)
    assert torch.allclose(blurred(x, kernel), wanted, atol=1e-5)


# Resizing

WAYS = {"area": 0.1, "bilinear": 0.5, "bicubic": 0.9}


def spot(start: float, size: float, canvas: int) -> list[Spot]:
    return [Spot(torch.tensor([start]), torch.tensor([size]), canvas)] * 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("side", [12, 48])
def test_resizing_is_torchs(way: str, side: int) -> None:
    x = pictures(1, 3, 24, 24)
    mine = resized(x, spot(0, 24, 24), spot(0, side, side), torch.tensor([WAYS[way]]))
    align = {} if way == "area" else {"align_corners": False}
    theirs = F.interpolate(x, (side, side), mode=way, **align)
    inside = slice(4, -4)  # torch treats what cubic lines miss beyond the edge otherwise
    assert torch.allclose(mine[..., inside, inside], theirs[..., inside, inside], atol=1e-5)
    assert (mine - theirs).abs().max() < 0.15


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("factor", [0.4, 1.0, 1.5])
def test_a_slope_stays_where_it_was_and_around_it_the_edge_is_repeated(way: str, factor: float) -> None:
    slope = torch.linspace(-1, 1, 64).expand(1, 1, 64, 64)
    size = math.floor(40 * factor)
    before, after = spot(7, 40, 64), spot(11, size, 90)
    y = resized(slope, before, after, torch.tensor([WAYS[way]]))
    assert y.shape == (1, 1, 90, 90)
    place = (torch.arange(size) + 0.5) / size * 40 + 7  # of the old pixels, counted from their edges
    wanted = -1 + 2 * (place - 0.5) / 63
    assert torch.allclose(y[0, 0, 20, 11 : 11 + size], wanted, atol=0.02)
    assert torch.allclose(y[0, 0, 20, :11], y[0, 0, 20, 11])
    assert torch.allclose(y[0, 0, 20, 11 + size :], y[0, 0, 20, 10 + size])


# Noise


@pytest.mark.parametrize(("strength", "sigma"), [(0.0, 1.0), (0.5, 15.5), (1.0, 30.0)])
def test_gaussian_noise_has_its_sigma_whatever_the_brightness(strength: float, sigma: float) -> None:
    x = torch.tensor([-0.2, 0.2]).view(2, 1, 1, 1).expand(2, 3, 64, 64)
    noise = (noisy(x, Fixed(0.2, strength, 0.9), FIRST) - x) * 127.5
    assert noise.mean().abs() < 0.5
    assert noise.flatten(1).std(1).tolist() == pytest.approx([sigma, sigma], rel=0.03)
    assert abs(float(torch.corrcoef(noise[0].flatten(1))[0, 1])) < 0.05, "each channel has its own"


def test_poisson_noise_grows_with_the_root_of_the_brightness_and_leaves_black_alone() -> None:
    light = torch.tensor([0.0, 0.1, 0.4])
    x = (light * 2 - 1).view(3, 1, 1, 1).expand(3, 3, 64, 64)
    noise = (noisy(x, Fixed(0.7, 0.3, 0.9), FIRST) - x) / 2
    multiple = 0.05 + 0.3 * 2.95
    assert noise.flatten(1).std(1).tolist() == pytest.approx((multiple * (light / 256).sqrt()).tolist(), rel=0.03)
    assert not noise[0].any()


@pytest.mark.parametrize("kind", [0.2, 0.7])
def test_grey_noise_is_the_same_in_all_channels(kind: float) -> None:
    x = torch.tensor([-0.3, 0.1, 0.2]).view(1, 3, 1, 1).expand(2, 3, 32, 32)
    noise = noisy(x, Fixed(kind, 0.5, 0.1), FIRST) - x
    assert torch.allclose(noise[:, 0], noise[:, 1], atol=1e-6)
    assert torch.allclose(noise[:, 0], noise[:, 2], atol=1e-6)


def test_noise_is_grey_in_two_fifths_and_of_each_kind_in_half_of_the_pictures() -> None:
    x = torch.tensor([-1.0, 0.0]).view(1, 1, 1, 2).expand(2000, 3, 8, 2)
    noise = noisy(x, Draws(0, 0, 1), FIRST) - x
    grey = (noise[:, 0, :, 1] - noise[:, 1, :, 1]).abs().amax(1) < 1e-6
    assert grey.float().mean() == pytest.approx(0.4, abs=0.04)
    black_too = noise[..., 0].flatten(1).any(1)
    assert (black_too & ~grey).float().sum() / (~grey).sum() == pytest.approx(0.5, abs=0.04)
