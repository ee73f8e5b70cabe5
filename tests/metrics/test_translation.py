"""Figures of translated pictures: against plain numpy, by hand, and for what they mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.errors import SparringError
from sparring.metrics import translation
from sparring.metrics.translation import ab_error, colourfulness, compare, l1, overlap, psnr, retrieval, ssim


def photos(n: int = 6, channels: int = 3, side: int = 24, seed: int = 0) -> Tensor:
    """Smooth random pictures in -1..1."""
    noise = torch.randn(n, channels, side // 4, side // 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, (side, side), mode="bicubic").tanh()


def colour(red: float, green: float, blue: float, side: int = 12) -> Tensor:
    """A picture of one colour, whose channels are given in 0..255."""
    return (torch.tensor([red, green, blue]) / 127.5 - 1).view(1, 3, 1, 1).expand(1, 3, side, side)


@pytest.mark.parametrize("at_once", [1, 2000, 2**22])
def test_each_picture_counts_alike_however_few_are_worked_on_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(translation, "AT_ONCE", at_once)
    true, made = photos(), photos(seed=1)
    made[0] = true[0] + 0.01  # one good picture must not outweigh the others, as it would not in a pooled error
    gaps = (made - true).double().numpy() * 127.5
    assert l1(made, true) == pytest.approx(np.abs(gaps).mean(), rel=1e-5)
    decibels = 10 * np.log10(255**2 / (gaps**2).mean((1, 2, 3)))
    assert psnr(made, true) == pytest.approx(decibels.mean(), rel=1e-5)


def test_equal_pictures_get_the_best_of_everything_and_no_infinity() -> None:
    true = photos()
    figures = compare(true, true)
    assert {name: figure.value for name, figure in figures.items() if figure.true is None} == pytest.approx(
        {"PSNR": 100.0, "SSIM": 1.0, "L1": 0.0, "ab error": 0.0}, abs=1e-6
    )
    assert figures["colourfulness"].value == figures["colourfulness"].true
    assert all(len(figure.protocol) > 20 for figure in figures.values())


def test_a_shift_of_brightness_costs_decibels_but_hardly_any_structure_and_noise_costs_both() -> None:
    true = photos() * 0.3
    brighter = true + 0.1
    noisy = true + 0.1 * torch.randn(true.shape, generator=torch.Generator().manual_seed(0)).sign()
    assert psnr(brighter, true) == pytest.approx(psnr(noisy, true), abs=0.01)
    assert psnr(brighter, true) == pytest.approx(10 * math.log10(4 / 0.01), abs=0.01)
    assert ssim(brighter, true) > 0.95 > 0.75 > ssim(noisy, true)


def test_black_is_nothing_to_structural_similarity_although_it_is_minus_one_here() -> None:
    dark, light = colour(50, 50, 50), colour(150, 150, 150)
    c = (0.01 * 255) ** 2  # by the formula, for pictures without any structure
    assert ssim(dark, light) == pytest.approx((2 * 50 * 150 + c) / (50**2 + 150**2 + c), rel=1e-4)


def test_colours_are_judged_without_their_lightness() -> None:
    grey, dark = colour(128, 128, 128), colour(60, 60, 60)
    assert ab_error(grey, dark) == pytest.approx(0, abs=1e-3)
    red = colour(255, 0, 0)  # a = 80.1, b = 67.2 (published for sRGB and D65)
    assert ab_error(grey, red) == pytest.approx(math.hypot(80.1, 67.2), abs=0.2)


def test_colourfulness_is_hasler_and_suesstrunks() -> None:
    assert colourfulness(colour(90, 90, 90)) == pytest.approx(0, abs=1e-4)
    # One colour has no spread: 0.3 times the length of (red - green, (red + green) / 2 - blue).
    assert colourfulness(colour(200, 100, 50)) == pytest.approx(0.3 * math.hypot(100, 100), rel=1e-4)
    true = photos()
    x = (true.double().numpy() + 1) * 127.5
    rg, yb = x[:, 0] - x[:, 1], (x[:, 0] + x[:, 1]) / 2 - x[:, 2]
    spread = np.sqrt(rg.std((1, 2)) ** 2 + yb.std((1, 2)) ** 2)
    by_hand = spread + 0.3 * np.sqrt(rg.mean((1, 2)) ** 2 + yb.mean((1, 2)) ** 2)
    assert colourfulness(true) == pytest.approx(by_hand.mean(), rel=1e-5)
    grey = true.mean(1, keepdim=True)
    assert colourfulness(grey + 0.3 * (true - grey)) == pytest.approx(0.3 * colourfulness(true), rel=1e-3)


def test_overlap_is_intersection_over_union() -> None:
    made, true = torch.zeros(2, 4, 4, dtype=torch.bool), torch.zeros(2, 4, 4, dtype=torch.bool)
    assert overlap(made, true) == 1
    made[:, :2], true[:, 1:3] = True, True
    assert overlap(made, true) == pytest.approx(1 / 3)
    assert overlap(made, ~made) == 0


def test_retrieval_finds_what_is_nearer_to_its_own_than_to_any_other() -> None:
    true = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))
    assert retrieval(true + 0.01, true) == 1
    assert retrieval(true.roll(1, 0), true) == 0
    assert retrieval(true[:1].expand(50, -1), true) == pytest.approx(1 / 50)
    assert retrieval(true[:1].expand(50, -1), true[:1].expand(50, -1)) == 1, "equal ones cannot be told apart"


def test_what_pictures_do_not_allow_is_left_out() -> None:
    assert set(compare(photos(channels=1), photos(channels=1))) == {"PSNR", "L1", "SSIM"}
    assert set(compare(photos(side=8), photos(side=8))) == {"PSNR", "L1", "ab error", "colourfulness"}
    assert math.isfinite(ssim(photos(1), photos(1, seed=1))), "a single picture"


def test_mistakes_are_sentences() -> None:
    with pytest.raises(SparringError, match="6×3×24×24 and 5×3×24×24"):
        compare(photos(), photos(5))
    with pytest.raises(SparringError, match="not finite"):
        psnr(photos(), photos() * float("nan"))
    with pytest.raises(SparringError, match="window of 11"):
        ssim(photos(side=8), photos(side=8))
    with pytest.raises(SparringError, match=r"\(n, 3, h, w\)"):
        ab_error(photos(channels=1), photos(channels=1))
    with pytest.raises(SparringError, match="masks"):
        overlap(torch.ones(3), torch.ones(3))
    with pytest.raises(SparringError, match="numbers must be equal"):
        retrieval(torch.ones(3, 2), torch.ones(4, 2))
    with pytest.raises(SparringError, match="2 and 3"):
        retrieval(torch.ones(3, 3), torch.ones(3, 2))
