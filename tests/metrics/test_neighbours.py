"""Nearest neighbours of feature clouds: against plain numpy, by hand, and for what they mean."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.errors import SparringError
from sparring.metrics import neighbours
from sparring.metrics.neighbours import diversity, memorising, nearest, neighbourhoods


def cloud(n: int, d: int = 8, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    """Samples of a Gaussian with `shift` for a mean and `scale` for a deviation in each of d directions."""
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, d)))


def plain_neighbourhoods(x: np.ndarray, y: np.ndarray, k: int) -> tuple[float, float, float, float]:
    def gaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None] - b[None], axis=2)

    x_radius, y_radius = np.sort(gaps(x, x))[:, k], np.sort(gaps(y, y))[:, k]
    cross = gaps(x, y)
    in_real, in_fake = cross < x_radius[:, None], cross < y_radius[None]
    return in_real.any(0).mean(), in_fake.any(1).mean(), in_real.sum(0).mean() / k, in_real.any(1).mean()


@pytest.mark.parametrize("entries", [1, 300, 2**22])
def test_the_kth_nearest_is_numpys_however_few_distances_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    monkeypatch.setattr(neighbours, "ENTRIES", entries)
    x, y = cloud(20, 3, shift=1e4), cloud(50, 3, seed=1, shift=1e4)
    gaps = np.linalg.norm(x.numpy()[:, None] - y.numpy()[None], axis=2)
    for k in (1, 4):
        far, which = nearest(x, y.float().double(), k)
        assert np.allclose(far, np.sort(gaps)[:, k - 1], atol=0.01)
        assert far.tolist() == pytest.approx(
            [float((a - y[i].float().double()).norm()) for a, i in zip(x, which, strict=True)]
        )


# ---------------------------------------------------------------- precision, recall, density, coverage


@pytest.mark.parametrize("entries", [1, 200, 2**23])
def test_neighbourhoods_agree_with_plain_numpy_however_few_distances_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    monkeypatch.setattr(neighbours, "ENTRIES", entries)
    x, y = cloud(60, 4), cloud(45, 4, seed=1, shift=0.7)
    found = neighbourhoods(x, y, k=3)
    assert found == pytest.approx(plain_neighbourhoods(x.numpy(), y.numpy(), 3), rel=1e-6)
    assert all(0 < value < 1 for value in (found.precision, found.recall, found.coverage))


def test_a_cloud_covers_itself() -> None:
    assert neighbourhoods(cloud(200), cloud(200)) == pytest.approx((1, 1, 1, 1))


def test_another_draw_of_the_same_distribution_scores_well_in_all_four() -> None:
    found = neighbourhoods(cloud(1000, 4), cloud(1000, 4, seed=1))
    assert min(found.precision, found.recall, found.coverage) > 0.9
    assert found.density == pytest.approx(1, abs=0.1)


def test_a_collapsed_generator_has_high_precision_and_low_recall() -> None:
    real = cloud(500)
    found = neighbourhoods(real, real[:1] + cloud(500, seed=1, scale=0.01))
    assert found.precision > 0.95
    assert found.recall < 0.05
    assert found.coverage < 0.2


def test_noise_far_away_has_no_precision_and_no_density() -> None:
    assert neighbourhoods(cloud(300), cloud(300, seed=1, shift=100)) == (0, 0, 0, 0)


def test_density_is_less_fooled_by_an_outlier_than_precision() -> None:
    real = torch.cat([cloud(400, 2), torch.tensor([[30.0, 30.0]])])  # whose ball is as wide as the gap
    found = neighbourhoods(real, cloud(300, 2, seed=1, shift=15))
    assert found.precision > 0.9
    assert found.density < 0.5


# ---------------------------------------------------------------- memorising


@pytest.mark.parametrize("held", [1500, 300])
def test_an_honest_sampler_is_about_1_and_a_memorising_one_is_caught_whatever_the_held_out_size(held: int) -> None:
    """In three directions, where five times the samples lie 0.6 as far; far from 0, where products lose digits."""
    train, held_out = cloud(1500, 3, shift=1000), cloud(held, 3, seed=1, shift=1000)
    copies = train[torch.randperm(1500, generator=torch.Generator().manual_seed(0))[:400]]
    assert 0.8 < memorising(train, held_out, cloud(400, 3, seed=2, shift=1000)).ratio < 1.25
    assert memorising(train, held_out, copies).ratio == 0
    assert memorising(train, held_out, copies + cloud(400, 3, seed=3, scale=0.003)).ratio < 0.1


def test_the_closest_pairs_name_the_copies_in_order_even_where_products_lose_the_digits() -> None:
    train, fake = cloud(200, shift=1e4), cloud(50, seed=2, shift=1e4)
    copies = ((7, 150), (3, 20), (40, 90), (11, 5), (0, 199))
    for rank, (mine, theirs) in enumerate(copies):
        fake[mine] = train[theirs] + rank * 1e-3 if rank else train[theirs]
    found = memorising(train, cloud(200, seed=1, shift=1e4), fake, pairs=5)
    assert tuple(pair[:2] for pair in found.pairs) == copies
    assert found.ratio > 0.8  # five copies in fifty hardly move the median


def test_duplicates_in_the_held_out_data_are_named_instead_of_judged() -> None:
    with pytest.raises(SparringError, match="remove duplicates"):
        memorising(cloud(50), cloud(50), cloud(50, seed=1))


# ---------------------------------------------------------------- diversity


def test_diversity_is_the_mean_distance_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    square = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for entries in (1, 1000):
        monkeypatch.setattr(neighbours, "ENTRIES", entries)
        assert diversity(square) == pytest.approx((4 + 2 * math.sqrt(2)) / 6)
    assert diversity(torch.ones(9, 3)) == 0


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("judge", [neighbourhoods])
def test_mistakes_are_one_sentence(judge: Callable[[Tensor, Tensor], object]) -> None:
    broken = cloud(50)
    broken[3, 2] = float("nan")
    for fake, said in (
        (cloud(50, 4), "8 and 4 numbers"),
        (cloud(1), r"at least \d+"),
        (broken, "not finite"),
        (torch.zeros(50, 2, 4), "must be a matrix"),
    ):
        with pytest.raises(SparringError, match=said):
            judge(cloud(50), fake)
