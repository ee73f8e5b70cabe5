"""More rows without a GAN: how many, whose values they have, and what becomes of missing ones."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sparring.data.tables import balance
from sparring.errors import SparringError


@pytest.mark.parametrize("n", [1, 7, 60, 61, 500])
def test_so_many_rows_are_dealt_to_the_rarest_first(n: int) -> None:
    counts = np.array([90, 10, 50])
    more = balance.lacking(counts, n)
    assert more.sum() == n
    level = counts + more
    assert level[more > 0].max() - level.min() <= 1
    assert (level[more == 0] >= level[more > 0].max() - 1).all()


def rows() -> tuple[np.ndarray, np.ndarray]:
    """40 rows of class 0, and 12 of class 1 whose two numbers are equal and lie in 10..20."""
    chance = np.random.default_rng(0)
    low, high = chance.random((40, 2)), chance.uniform(10, 20, 12)
    code = np.repeat([1.0, 2.0, np.nan], [2, 2, 8])
    numbers = np.concatenate([low, np.stack([high, high], 1)])
    numbers[44:48, 1] = np.nan
    return np.column_stack([numbers, np.append(np.zeros(40), code)]), np.repeat([0, 1], [40, 12])


MORE = np.array([0, 200])


def test_copies_are_rows_of_their_class() -> None:
    x, y = rows()
    made, classes = balance.duplicates(x, y, MORE, 3)
    np.testing.assert_array_equal(made[:52], x)
    assert classes[52:].tolist() == [1] * 200
    known = {row.tobytes() for row in x[y == 1]}
    assert {row.tobytes() for row in made[52:]} == known


def test_columns_apart_keep_their_values_and_lose_what_they_have_to_do_with_each_other() -> None:
    x, y = rows()
    made, classes = balance.apart(x, y, MORE, 3)
    np.testing.assert_array_equal(made[:52], x)
    assert classes[52:].tolist() == [1] * 200
    assert np.isin(made[52:, 0], x[40:, 0]).all()
    both = made[52:, :2][~np.isnan(made[52:, 1])]
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.3


def test_smote_goes_between_rows_and_missing_values_come_back() -> None:
    x, y = rows()
    made, classes = balance.smote(x, y, MORE, 3, np.array([False, False, True]))
    np.testing.assert_array_equal(made[:52], x)
    assert classes[52:].tolist() == [1] * 200
    new = made[52:]
    assert np.isnan(new[:, 1]).any()
    assert set(new[~np.isnan(new[:, 2]), 2]) <= {1.0, 2.0}
    assert np.isnan(new[:, 2]).any()
    assert new[:, 0].min() >= 10
    assert len(np.unique(new[:, 0])) > 100  # none of which the data has


@pytest.mark.parametrize("categories", [(False, False), (True, True)])
def test_smote_of_numbers_alone_and_of_categories_alone(categories: tuple[bool, bool]) -> None:
    x = np.random.default_rng(0).integers(0, 3, (30, 2)).astype(float)
    made, classes = balance.smote(x, np.repeat([0, 1], [20, 10]), np.array([0, 10]), 0, np.array(categories))
    assert np.bincount(classes).tolist() == [20, 20]
    assert not np.isnan(made).any()


def test_without_imbalanced_learn_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imblearn", None)
    with pytest.raises(SparringError, match="pip install 'sparring\\[tables\\]'"):
        balance.load()


def test_smote_refuses_a_class_of_one_row() -> None:
    x = np.arange(12.0).reshape(6, 2)
    with pytest.raises(SparringError, match="needs two"):
        balance.smote(x, np.array([0, 0, 0, 0, 0, 1]), np.array([0, 4]), 0, np.array([False, False]))
