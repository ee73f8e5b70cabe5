"""Translated pictures beside the true ones: copies of the truth win, and the baselines stand beside."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from made_up import pairs
from sparring import config
from sparring.asking import Questions
from sparring.data.dataset import decode
from sparring.data.spec import Spec
from sparring.gan import GAN
from sparring.metrics.truth import against_truth


class Made(GAN):
    """Makes of its n-th picture the n-th of those that it was given beforehand."""

    translates = True

    def __init__(self, spec: Spec, pictures: Tensor) -> None:
        super().__init__(spec, config.Config())
        self.generator = nn.Linear(1, 1)
        self.pictures, self.next = pictures, 0

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        self.next += len(given)
        return self.pictures[self.next - len(given) : self.next]


def measured(pictures: Tensor, channels: int = 3, kind: str = "pairs"):  # type: ignore[no-untyped-def]
    dataset = pairs(channels=channels, count=24, kind=kind)
    questions = Questions(Made(dataset.spec, pictures), dataset, 24, seed=0)
    questions.gan.pictures = pictures[questions.rows % len(pictures)]
    mean = torch.zeros(1, *dataset.spec.shape)
    return against_truth(questions, mean, "cpu")


TRUE = decode(torch.from_numpy(pairs(count=24).rows))


def test_the_truth_itself_is_best_and_the_baselines_are_measured_alike() -> None:
    found = measured(TRUE)
    assert found["PSNR"].made.value == 100
    assert found["L1"].made.value == 0
    assert found["SSIM"].made.value == pytest.approx(1)
    grey, unchanged = measured(torch.zeros_like(TRUE)), measured(-TRUE)
    for name in ("PSNR", "L1", "SSIM"):
        assert found[name].mean == pytest.approx(grey[name].made.value)
        assert found[name].mean != found[name].unchanged
    assert found["L1"].unchanged == pytest.approx(unchanged["L1"].made.value, rel=0.2)  # the sources are negatives


def test_pictures_in_another_order_are_no_truth() -> None:
    assert measured(TRUE.roll(1, 0))["PSNR"].made.value < measured(TRUE)["PSNR"].made.value / 2


def test_grey_sources_are_held_against_colours_as_grey() -> None:
    assert measured(TRUE, channels=1)["PSNR"].unchanged is not None


def test_sides_have_no_truth() -> None:
    assert measured(TRUE, kind="sides") == {}
