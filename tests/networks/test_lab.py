"""Lab: published colours, there and back, and lightness that is kept where no screen has the colour."""

from __future__ import annotations

import pytest
import torch

from sparring.networks.lab import from_lab, lightness, to_lab

# Of sRGB's corners, as Lindbloom's calculator and scikit-image give them, to 0.1.
KNOWN = {
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.73, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (0, 255, 255): (91.11, -48.09, -14.13),
    (255, 0, 255): (60.32, 98.23, -60.82),
    (255, 255, 0): (97.14, -21.55, 94.48),
    (255, 255, 255): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (119, 119, 119): (50.03, 0, 0),
}
SCALE = torch.tensor([50.0, 110.0, 110.0]).view(3, 1, 1)
ZERO = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)


def colours(count: int = 4096) -> torch.Tensor:
    return torch.rand(1, 3, count, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("colour", KNOWN)
def test_published_colours(colour: tuple[int, int, int]) -> None:
    picture = torch.tensor(colour).view(1, 3, 1, 1) / 127.5 - 1
    lab = (to_lab(picture) + ZERO) * SCALE
    assert lab.flatten().tolist() == pytest.approx(KNOWN[colour], abs=0.1)


def test_greys_have_no_colour_and_one_channel_means_three() -> None:
    grey = torch.linspace(-1, 1, 256).view(1, 1, 16, 16)
    lab = to_lab(grey.expand(1, 3, 16, 16))
    assert lab[:, 1:].abs().max() < 1e-5
    torch.testing.assert_close(lightness(grey), lab[:, :1])


def test_there_and_back_is_nothing() -> None:
    pictures = colours()
    assert (from_lab(to_lab(pictures)) - pictures).abs().max() < 1e-4
    torch.testing.assert_close(lightness(pictures), to_lab(pictures)[:, :1])
    assert to_lab(pictures).abs().max() <= 1


def test_whatever_colour_is_asked_for_the_lightness_is_kept_and_the_hue_nearly() -> None:
    lab = colours()
    made = from_lab(lab)
    assert -1 <= made.min() <= made.max() <= 1
    assert (lightness(made) - lab[:, :1]).abs().max() * 50 < 0.01
    asked, got = lab[:, 1:], to_lab(made)[:, 1:]
    coloured = got.square().sum(1).sqrt() > 0.1
    cosine = torch.nn.functional.cosine_similarity(asked, got, dim=1)[coloured]
    assert coloured.float().mean() > 0.5
    assert cosine.median() > 0.9


def test_lightness_beyond_black_and_white_is_black_and_white() -> None:
    lab = torch.tensor([[-1.5, 0.3, 0.3], [1.5, -0.3, 0.2]]).view(2, 3, 1, 1)
    torch.testing.assert_close(from_lab(lab), torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1))


def test_gradients_are_right_and_finite_at_the_corners_too() -> None:
    inside = (colours(3).double() * 0.5).requires_grad_(True)
    precise = torch.float64
    assert torch.autograd.gradcheck(lambda x: to_lab(x.to(precise)), inside, atol=1e-2, eps=1e-2, rtol=0.05)
    corners = torch.tensor([-1.0, 1.0]).view(1, 1, 2, 1).expand(1, 3, 2, 1).clone().requires_grad_(True)
    from_lab(to_lab(corners)).sum().backward()
    assert corners.grad is not None
    assert torch.isfinite(corners.grad).all()


def test_autocast_does_not_coarsen_it() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert (from_lab(to_lab(colours())) - colours()).abs().max() < 1e-4
