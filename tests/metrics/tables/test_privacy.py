"""Copies are caught, honest rows are not, and distances are Gower's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_up_people import people

from sparring.data.tables.field import Field
from sparring.metrics.tables.columns import Coded, code, shuffled
from sparring.metrics.tables.privacy import Guard, Ruler, attack


def gower(a: tuple[list[float], list[int]], b: tuple[list[float], list[int]], ranges: list[float]) -> float:
    """The distance of two rows, cell by cell."""
    total = 0.0
    for x, y, reach in zip(a[0], b[0], ranges, strict=True):
        if np.isnan(x) or np.isnan(y):
            total += np.isnan(x) != np.isnan(y)
        else:
            total += min(abs(x - y) / reach, 1) if reach else float(x != y)
    return (total + sum(x != y for x, y in zip(a[1], b[1], strict=True))) / (len(a[0]) + len(a[1]))


def test_distances_are_those_of_a_loop_over_cells() -> None:
    chance = np.random.default_rng(0)

    def rows(count: int, stretch: float) -> Coded:
        numbers = chance.normal(0, stretch, (count, 3))
        numbers[chance.random((count, 3)) < 0.2] = np.nan
        numbers[:, 2] = 5.0 if stretch == 1 else chance.choice([5.0, 6.0], count)  # constant where learnt
        return Coded(numbers, chance.integers(-1, 3, (count, 2)))

    train, made = rows(150, 1), rows(70, 2)
    ranges = [float(np.nanmax(column) - np.nanmin(column)) for column in train.numbers.T]
    plain = [[(list(x), list(c)) for x, c in zip(*part, strict=True)] for part in (train, made)]
    expected = [min(gower(row, other, ranges) for other in plain[0]) for row in plain[1]]
    assert Ruler(train).nearest(made, train) == pytest.approx(expected, abs=1e-6)
    alone = [
        min(gower(row, other, ranges) for j, other in enumerate(plain[0]) if i != j) for i, row in enumerate(plain[0])
    ]
    assert Ruler(train).nearest(train, train, leave_out=True) == pytest.approx(alone, abs=1e-6)


def test_a_copy_is_caught_and_honest_rows_are_not(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    known, kept = code(cards, train), code(cards, held_out)
    guard = Guard(known, kept)
    copy, honest = guard.measure(known), guard.measure(code(cards, people(1500, 2)))
    assert copy.memorising == 0
    assert copy.copies == 1
    assert copy.distance == 0
    assert copy.attack > 0.99
    assert honest.memorising == pytest.approx(1, abs=0.1)
    assert honest.copies < 0.005, "where pay is missing, chance makes some rows equal"
    assert honest.attack == pytest.approx(0.5, abs=0.05)
    assert guard.measure(shuffled(known, 0)).attack == pytest.approx(0.5, abs=0.05)


def test_a_copy_among_many_rows_of_ones_own_shows(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    """A third of copies leaves the median distance as it was, but not their share."""
    pd = pytest.importorskip("pandas")
    mixed = pd.concat([train.iloc[:500], people(1000, 2)], ignore_index=True)
    found = Guard(code(cards, train), code(cards, held_out)).measure(code(cards, mixed))
    assert found.copies == pytest.approx(1 / 3, abs=0.03)
    assert found.attack > 0.6


def test_a_copy_with_a_little_noise_is_caught(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    chance = np.random.default_rng(5)
    noisy = train.assign(pay=train["pay"] + chance.normal(0, 100, len(train)))
    found = Guard(code(cards, train), code(cards, held_out)).measure(code(cards, noisy))
    assert found.copies < 0.1
    assert found.memorising is not None
    assert found.memorising < 0.3


def test_missing_values_count() -> None:
    table = Coded(np.array([[1.0, np.nan], [2.0, 3.0], [3.0, 4.0]]), np.array([[-1], [0], [1]]))
    nearest = Ruler(table).nearest(Coded(np.array([[1.0, np.nan], [1.0, 4.0]]), np.array([[-1], [-1]])), table)
    assert nearest[0] == 0, "missing equals missing"
    assert nearest[1] == pytest.approx(1 / 3), "and differs from all else"


def test_rows_that_are_mostly_equal_cannot_be_measured() -> None:
    same = Coded(np.zeros((80, 1)), np.zeros((80, 1), np.int64))
    assert Guard(same, same.take(np.arange(60))).measure(same).memorising is None


def test_the_attack_is_a_coin_where_all_is_equal() -> None:
    assert attack([0.0, 0.0], [0.0, 0.0, 0.0]) == 0.5
    assert attack([0.0, 0.1], [0.2, 0.3]) == 1
    assert attack([0.4], [0.2, 0.3]) == 0
