"""Wide columns: a bounded number of codes, from which all values come back as frequent as they were."""

from __future__ import annotations

import numpy as np
import pytest

from sparring.data.tables import wide


def zipf(values: int) -> np.ndarray:
    return np.maximum(1, 1e6 / np.arange(1, values + 1)).astype(np.int64)


@pytest.mark.parametrize("counts", [zipf(10_000), np.full(10_000, 3), np.array([10**6, *[1] * 400]), np.eye(300)[0]])
def test_codes_are_bounded_and_all_used(counts: np.ndarray) -> None:
    groups = wide.groups(counts.astype(np.int64), 250)
    assert groups.max() < 250
    assert (np.bincount(groups) > 0).all()


def test_frequent_values_have_their_own_code_and_the_rest_share_evenly() -> None:
    counts = zipf(10_000)
    groups = wide.groups(counts, 250)
    sizes = np.bincount(groups)
    rows = np.bincount(groups, counts)
    assert (sizes[groups[:20]] == 1).all()
    assert rows[sizes > 1].max() < 3 * np.median(rows[sizes > 1])


def test_those_that_share_stand_beside_each_other() -> None:
    groups = wide.groups(np.full(1000, 5), 100)
    assert (np.diff(groups) >= 0).all()


def test_values_are_chosen_by_their_frequency_within_their_code() -> None:
    random = np.random.default_rng(0)
    counts = random.integers(0, 50, 1000)
    groups = wide.groups(counts, 40)
    codes = np.repeat(groups, counts)
    chosen = np.bincount(wide.choose(groups, counts, codes, random.random(len(codes))), minlength=1000)
    np.testing.assert_array_equal(np.bincount(groups, chosen), np.bincount(groups, counts))
    assert chosen[counts == 0].sum() == 0
    expected = counts[counts > 0]
    statistic = ((chosen[counts > 0] - expected) ** 2 / expected).sum()
    assert statistic < len(expected) + 4 * np.sqrt(2 * len(expected))  # chi-square, about four deviations


def test_missing_stays_missing() -> None:
    assert wide.choose(np.array([0, 0]), np.array([1, 1]), np.array([-1, 0]), np.array([0.9, 0.9])).tolist() == [-1, 1]
