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
from sparring.metrics.truth import COMPARED, Beside, against_truth, keeping


class Translator(GAN):
    """One that is asked, and whose answers the tests make up."""

    translates = True

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, config.Config())
        self.generator = nn.Linear(1, 1)


def measured(pictures: Tensor, channels: int = 3, kind: str = "pairs") -> dict[str, Beside]:
    """Of pictures (24, 3, 16, 16), one for each of the data, in its order."""
    dataset = pairs(channels=channels, count=24, kind=kind)
    questions = Questions(Translator(dataset.spec), dataset, 24, seed=0)
    return against_truth(questions, pictures[questions.rows % len(pictures)], torch.zeros(1, *dataset.spec.shape))


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


def test_what_is_compared_is_kept_while_all_goes_on() -> None:
    batches = [torch.full((100, 1, 2, 2), float(i)) for i in range(5)]
    kept: list[Tensor] = []
    assert [int(batch[0, 0, 0, 0]) for batch in keeping(kept, iter(batches))] == [0, 1, 2, 3, 4]
    assert COMPARED <= sum(map(len, kept)) < COMPARED + 100
