"""Distances of feature clouds: against plain numpy and scipy, against values worked out by hand, and for meaning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.errors import SparringError
from sparring.metrics import distances
from sparring.metrics.distances import frechet, inception_score, kernel_distance


def cloud(n: int, d: int = 8, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    """Samples of a Gaussian with `shift` for a mean and `scale` for a deviation in each of d directions."""
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, scale, (n, d)))


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


@pytest.mark.parametrize("rows", [3, 100, 10_000])
def test_frechet_does_not_depend_on_how_many_rows_are_read_at_once_even_far_from_0(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    near = frechet(cloud(1000), cloud(500, seed=1, scale=2))
    monkeypatch.setattr(distances, "ROWS", rows)
    assert frechet(cloud(1000, shift=1e5), cloud(500, seed=1, shift=1e5, scale=2)) == pytest.approx(near, rel=1e-6)


# ---------------------------------------------------------------- the kernel distance


def test_the_kernel_distance_is_the_mean_of_the_papers_double_sum_over_disjoint_subsets() -> None:
    x, y = cloud(20, 5), cloud(20, 5, seed=1, shift=1)
    order = [distances._drawn(torch.arange(20.0)[:, None], 20, g) for g in [torch.Generator().manual_seed(0)] * 2]
    assert sorted(order[0].flatten().tolist()) == list(range(20))
    whole = kernel_distance(x.repeat(10, 1), y.repeat(10, 1), size=20)
    assert abs(whole.value - plain_mmd(x.numpy(), y.numpy())) < 5 * whole.standard_error
    pair = [plain_mmd(x.numpy()[i : i + 2], y.numpy()[i : i + 2]) for i in range(0, 20, 2)]
    assert kernel_distance(x, y).value == pytest.approx(np.mean(pair), abs=6 * np.std(pair) / 10**0.5)


def test_kernel_distance_estimates_what_all_samples_together_give() -> None:
    x, y = cloud(2000), cloud(1500, seed=1, shift=0.5)
    value, error = kernel_distance(x, y)
    assert 0 < error < value / 5
    assert abs(value - plain_mmd(x.numpy()[:150], y.numpy()[:150])) < 12 * error
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


# ---------------------------------------------------------------- the inception score


def test_the_inception_score_is_1_for_the_undecided_and_the_number_of_classes_for_the_ideal() -> None:
    assert inception_score(torch.full((100, 5), 0.2)) == pytest.approx((1, 0))
    assert inception_score(torch.eye(5).repeat(2000, 1)).value == pytest.approx(5, rel=0.01)
    assert inception_score(torch.eye(5)[:1].repeat(20, 1)) == pytest.approx((1, 0))  # sure, but always the same


def test_the_inception_score_is_the_papers_formula_over_random_parts_that_the_seed_decides() -> None:
    p = torch.softmax(cloud(4000, 3), 1)
    q = p.numpy()
    value, error = inception_score(p, splits=4)
    assert value == pytest.approx(np.exp((q * (np.log(q) - np.log(q.mean(0)))).sum(1).mean()), abs=4 * error)
    before = torch.get_rng_state()
    assert inception_score(p, splits=4) == (value, error)
    assert inception_score(p, splits=4, seed=1) != (value, error)
    assert torch.equal(before, torch.get_rng_state())


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("judge", [frechet, kernel_distance])
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


def test_logits_and_a_single_split_are_refused() -> None:
    with pytest.raises(SparringError, match="sum to 1"):
        inception_score(cloud(20, 3))
    with pytest.raises(SparringError, match="at least 2 splits"):
        inception_score(torch.full((20, 2), 0.5), splits=1)
