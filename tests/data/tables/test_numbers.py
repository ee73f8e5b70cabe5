from __future__ import annotations

import numpy as np
import pytest

from sparring.data.tables.numbers import is_heavy, spikes

GENERATOR = np.random.default_rng(0)
COUNT = 5000


def test_spikes_stand_out_of_a_spread_column() -> None:
    spread = GENERATOR.gamma(2, 1000, COUNT)
    assert spikes(spread) == ()
    assert spikes(np.concatenate([spread, np.zeros(COUNT)])) == (0.0,)
    # Heaping: hours worked a week, most often 40, sometimes 45, and everything about them.
    hours = GENERATOR.integers(1, 100, COUNT)
    assert spikes(np.concatenate([hours, np.full(4000, 40), np.full(1000, 45), [-1.0]])) == (40.0, 45.0)


def test_the_top_of_a_hill_is_no_spike() -> None:
    hill = GENERATOR.normal(0, 4, COUNT).round()
    assert (np.unique(hill, return_counts=True)[1] > 0.09 * COUNT).any()
    assert spikes(hill) == ()
    assert spikes(GENERATOR.poisson(12, COUNT)) == ()


def test_a_column_of_few_values_has_no_spikes() -> None:
    assert spikes(np.array([0.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0])) == ()


@pytest.mark.parametrize(
    ("values", "heavy"),
    [
        (GENERATOR.normal(size=COUNT), False),
        (GENERATOR.exponential(size=COUNT), False),
        (GENERATOR.uniform(size=COUNT), False),
        (GENERATOR.lognormal(size=COUNT), False),
        (np.append(GENERATOR.normal(size=COUNT), 1e9), False),  # one mistyped value
        (GENERATOR.lognormal(0, 2.5, COUNT), True),
        (-GENERATOR.lognormal(0, 2.5, COUNT), True),
        (GENERATOR.pareto(1, COUNT), True),
        (GENERATOR.standard_cauchy(COUNT), True),
        (np.zeros(COUNT), False),
        (GENERATOR.pareto(1, 50), False),  # too few to tell
    ],
)
def test_long_tails(values: np.ndarray, heavy: bool) -> None:
    assert is_heavy(values) is heavy
