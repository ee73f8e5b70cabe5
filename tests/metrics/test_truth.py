"""Translated pictures beside the true ones: copies of the truth win, and the baselines stand beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_bank import Look
from test_restoration import lazy, photos
from torch import Tensor, nn

from made_up import pairs, pictures
from sparring import config
from sparring.asking import Questions
from sparring.data.batches import Batch
from sparring.data.dataset import Dataset, decode, encode
from sparring.data.degrade import enlarge, shrink
from sparring.data.spec import Spec
from sparring.gan import GAN
from sparring.metrics.judge import Judge
from sparring.metrics.restoration import psnr
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


# ---------------------------------------------------------------- larger pictures from small ones


class Enlarger(Translator):
    """Makes pictures larger: bicubically, unless the tests make up what comes out."""

    def __init__(self, spec: Spec, scale: int = 2) -> None:
        super().__init__(spec)
        self.scale = scale

    def asked(self, batch: Batch) -> Tensor:
        return batch.given if self.spec.source else shrink(batch.x, self.scale)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return enlarge(given, self.scale)


def tiles(true: Tensor, small: np.ndarray | None = None) -> Dataset:
    """Photographs as data, and small ones (n, c, h, w) uint8 that they are to be made from."""
    rows = encode(true)
    spec = Spec("pictures", "photographs", rows.shape[1:], (-1.0, 1.0), len(rows), (), f"tiles {float(true.sum())}")
    if small is None:
        return Dataset(spec, rows)
    source = Dataset(replace(spec, shape=small.shape[1:], hash="small"), small)
    return Dataset(replace(spec, kind="pairs", source=small.shape[1:]), rows, source=source)


def enlarged(made: Tensor, dataset: Dataset, scale: int = 2) -> dict[str, Beside]:
    """Of pictures, one for each of the data, in its order."""
    questions = Questions(Enlarger(dataset.spec, scale), dataset, len(dataset), seed=0)
    return against_truth(questions, made[questions.rows], torch.zeros(1, *dataset.spec.shape))


def shrunk(true: Tensor, how: Image.Resampling) -> np.ndarray:
    """Photographs at half the size, by Pillow."""
    small = [Image.fromarray(row.transpose(1, 2, 0)).resize((40, 40), how) for row in encode(true)]
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in small])


def test_enlarged_pictures_are_held_against_the_truth_and_beside_bicubic_ones() -> None:
    true = photos()[::2]
    found = enlarged(true, tiles(true))
    assert not {"PSNR", "L1", "ab error", "colourfulness"} & set(found)
    assert {beside.mean for beside in found.values()} == {None}
    decibels = found["PSNR[Y, border 2, bicubic]"]
    assert decibels.made.value == 100
    assert decibels.unchanged == pytest.approx(psnr(lazy(true, 2), true, "Y", 2), rel=1e-6)
    assert found["distance[efficientnet-lite0]"].made.value == 0
    assert found["energy above half the band"].made.value == found["energy above half the band"].made.true == 1
    assert found["energy above half the band"].unchanged < 0.1  # type: ignore[operator]
    likeness = found["KD[efficientnet-lite0, patches of 32]"]
    assert likeness.made.value == likeness.made.true < likeness.unchanged  # type: ignore[operator]
    lazily = enlarged(lazy(true, 2), tiles(true))
    for name, beside in lazily.items():
        assert beside.made.value == pytest.approx(beside.unchanged, rel=1e-4), name
    shuffled = enlarged(true.roll(1, 0), tiles(true))
    assert shuffled["PSNR[Y, border 2, bicubic]"].made.value < 20
    assert shuffled["distance[efficientnet-lite0]"].made.value > found["distance[efficientnet-lite0]"].unchanged


@pytest.mark.parametrize(
    ("how", "said"), [("BICUBIC", "bicubic"), ("NEAREST", "other kernel"), ("BOX", "other kernel")]
)
def test_the_kernel_of_small_pictures_that_a_user_brings_is_found_out(how: str, said: str) -> None:
    true = photos()[:4]
    found = enlarged(true, tiles(true, shrunk(true, Image.Resampling[how])))
    assert f"PSNR[RGB, border 2, {said}]" in found
    assert found[f"PSNR[RGB, border 2, {said}]"].unchanged < 50  # type: ignore[operator]


def test_a_picture_that_was_cut_out_of_a_larger_one_may_differ_at_its_edges() -> None:
    true = photos()[:4]
    small = encode(shrink(true, 2))
    small[:, :, :2], small[..., -2:] = 0, 0
    assert "PSNR[RGB, border 2, bicubic]" in enlarged(true, tiles(true, small))
    small[:, :, 20, 20] = 0
    assert "PSNR[RGB, border 2, other kernel]" in enlarged(true, tiles(true, small))


def test_grey_and_the_smallest_pictures_are_judged_as_far_as_they_go() -> None:
    data = pictures(1, 8, 8)
    assert "PSNR[grey, border 3, bicubic]" in enlarged(decode(torch.from_numpy(data.rows)), data, scale=4)


def test_a_judge_hands_on_the_figures_with_their_errors_and_says_the_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    train, held = tiles(photos()[:25]), tiles(photos()[25:])
    found = Judge(train, held, Look()).evaluate(Enlarger(train.spec), 55)
    assert found.protocol["scale"] == 2
    decibels, likeness = (found.metrics[f"{name}]"] for name in ("PSNR[Y, border 2, bicubic", "KD[look"))
    assert decibels.value == pytest.approx(decibels.unchanged, rel=1e-6)
    assert (decibels.error, decibels.floor, decibels.mean_picture) == (None, None, None)
    assert likeness.unchanged is None
    patched = found.to_dict()["metrics"]["KD[efficientnet-lite0, patches of 32]"]
    assert set(patched) == {"value", "error", "floor", "unchanged"}
    assert next(iter(found.metrics)) == "KD[look]"
