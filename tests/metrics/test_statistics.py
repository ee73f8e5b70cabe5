"""Statistics of feature clouds: against plain numpy, against values worked out by hand, and for their meaning."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.errors import SparringError
from sparring.metrics import statistics
from sparring.metrics.statistics import (
    Moments,
    diversity,
    frechet,
    frechet_of,
    inception_score,
    kernel_distance,
    memorising,
    mmd,
    neighbourhoods,
)


def cloud(n: int, d: int = 8, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    """Samples of a Gaussian with `shift` for a mean and `scale` for a deviation in each of d directions."""
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, d)))


# ---------------------------------------------------------------- the plain references


def plain_frechet(x: np.ndarray, y: np.ndarray) -> float:
    from scipy.linalg import sqrtm

    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    between = ((x.mean(0) - y.mean(0)) ** 2).sum()
    return float(between + np.trace(a) + np.trace(b) - 2 * np.trace(np.real(sqrtm(a @ b))))


def plain_mmd(x: np.ndarray, y: np.ndarray) -> float:
    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    same = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    same += sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return same - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def plain_neighbourhoods(x: np.ndarray, y: np.ndarray, k: int) -> tuple[float, float, float, float]:
    def gaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a[:, None] - b[None], axis=2)

    x_radius, y_radius = np.sort(gaps(x, x))[:, k], np.sort(gaps(y, y))[:, k]
    cross = gaps(x, y)
    in_real, in_fake = cross < x_radius[:, None], cross < y_radius[None]
    return in_real.any(0).mean(), in_fake.any(1).mean(), in_real.sum(0).mean() / k, in_real.any(1).mean()


# ---------------------------------------------------------------- Fréchet


def test_frechet_agrees_with_scipys_matrix_square_root() -> None:
    x, y = cloud(60, 6), cloud(50, 6, seed=1, shift=0.5, scale=2) @ cloud(6, 6, seed=2)
    assert frechet(x, y) == pytest.approx(plain_frechet(x.numpy(), y.numpy()), rel=1e-9)


def test_frechet_of_two_gaussians_is_the_analytic_value() -> None:
    """Per direction (m1 - m2)² + (s1 - s2)²: here 8 × (0.5² + 1²)."""
    assert frechet(cloud(40_000), cloud(40_000, seed=1, shift=0.5, scale=2)) == pytest.approx(10, rel=0.02)


@pytest.mark.parametrize("n", [500, 20])
def test_a_cloud_is_at_no_distance_from_itself_even_with_fewer_samples_than_directions(n: int) -> None:
    assert 0 <= frechet(cloud(n, 64), cloud(n, 64)) < 1e-5


def test_frechet_is_symmetric_and_grows_with_the_shift() -> None:
    x = cloud(300)
    near, far = (frechet(x, cloud(300, seed=1, shift=shift)) for shift in (0.5, 1.0))
    assert 0 < near < far
    assert frechet(cloud(300, seed=1, shift=0.5), x) == pytest.approx(near)


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_moments_do_not_depend_on_the_batch_size_even_far_from_0(size: int) -> None:
    x = cloud(1000, shift=1e5)
    moments = Moments()
    for batch in x.split(size):  # type: ignore[no-untyped-call]
        moments.add(batch)
    assert moments.count == 1000
    assert torch.allclose(moments.mean, x.mean(0), rtol=1e-12)
    assert torch.allclose(moments.covariance, torch.cov(x.T), rtol=1e-8, atol=1e-9)
    assert frechet_of(moments, Moments().add(cloud(500))) == pytest.approx(frechet(x, cloud(500)), rel=1e-9)


# ---------------------------------------------------------------- the kernel distance


def test_mmd_agrees_with_the_double_sum_of_the_paper() -> None:
    x, y = cloud(13, 5), cloud(17, 5, seed=1, shift=1)
    assert mmd(x, y) == pytest.approx(plain_mmd(x.numpy(), y.numpy()), rel=1e-10)


def test_kernel_distance_estimates_what_all_samples_together_give() -> None:
    x, y = cloud(2000), cloud(1500, seed=1, shift=0.5)
    value, error = kernel_distance(x, y)
    assert 0 < error < value / 5
    assert abs(value - mmd(x, y)) < 3 * error
    assert kernel_distance(x, y, size=50)[0] == pytest.approx(value, rel=0.2)
    assert kernel_distance(x, y) == (value, error)
    assert kernel_distance(x, y, seed=1) != (value, error)


def test_two_halves_of_one_set_are_within_three_standard_errors_of_0_and_the_errors_are_honest() -> None:
    standardised = []
    for seed in range(60):
        first, second = cloud(800, seed=seed).chunk(2)
        value, error = kernel_distance(first, second, seed=seed)
        standardised.append(value / error)
    assert abs(standardised[0]) < 3
    assert np.mean(np.abs(standardised) < 3) > 0.95  # fifty overlapping subsets of 200 give 0.45
    assert 0.7 < np.std(standardised) < 1.6


# ---------------------------------------------------------------- precision, recall, density, coverage


@pytest.mark.parametrize("entries", [1, 200, 2**23])
def test_neighbourhoods_agree_with_plain_numpy_however_few_distances_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    monkeypatch.setattr(statistics, "ENTRIES", entries)
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


# ---------------------------------------------------------------- the inception score


def test_the_inception_score_is_1_for_the_undecided_and_the_number_of_classes_for_the_ideal() -> None:
    assert inception_score(torch.full((100, 5), 0.2)) == pytest.approx((1, 0))
    assert inception_score(torch.eye(5).repeat(20, 1)) == pytest.approx((5, 0))
    assert inception_score(torch.eye(5)[:1].repeat(20, 1)) == pytest.approx((1, 0))  # sure, but always the same


def test_the_inception_score_is_the_papers_formula_part_by_part() -> None:
    p = torch.softmax(cloud(40, 3), 1)
    parts = [q * (np.log(q) - np.log(q.mean(0))) for q in np.split(p.numpy(), 4)]
    scores = [np.exp(part.sum(1).mean()) for part in parts]
    assert inception_score(p, splits=4) == pytest.approx((np.mean(scores), np.std(scores, ddof=1) / 2))


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
        fake[mine] = train[theirs] + rank * 1e-6
    found = memorising(train, cloud(200, seed=1, shift=1e4), fake, pairs=5)
    assert found.pairs == copies
    assert found.ratio > 0.8  # five copies in fifty hardly move the median


def test_duplicates_in_the_held_out_data_are_named_instead_of_judged() -> None:
    with pytest.raises(SparringError, match="remove duplicates"):
        memorising(cloud(50), cloud(50), cloud(50, seed=1))


# ---------------------------------------------------------------- diversity


def test_diversity_is_the_mean_distance_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    square = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for entries in (1, 1000):
        monkeypatch.setattr(statistics, "ENTRIES", entries)
        assert diversity(square) == pytest.approx((4 + 2 * math.sqrt(2)) / 6)
    assert diversity(torch.ones(9, 3)) == 0


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("judge", [frechet, kernel_distance, mmd, neighbourhoods])
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


def test_logits_a_single_split_and_batches_of_another_width_are_refused() -> None:
    with pytest.raises(SparringError, match="sum to 1"):
        inception_score(cloud(20, 3))
    with pytest.raises(SparringError, match="at least 2 splits"):
        inception_score(torch.full((20, 2), 0.5), splits=1)
    with pytest.raises(SparringError, match="cannot be compared"):
        Moments().add(cloud(5, 3)).add(cloud(5, 4))
    with pytest.raises(SparringError, match="at least 2 samples"):
        _ = Moments().covariance
