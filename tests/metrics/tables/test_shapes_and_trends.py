"""Shapes and trends: equal to sdmetrics where that is installed, 1 for equal tables, and not to be fooled."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from sparring.data.tables.field import Field
from sparring.metrics.tables.columns import Coded, code, judged, names, shuffled
from sparring.metrics.tables.shapes import missing_rates, shapes, variation
from sparring.metrics.tables.trends import correlations, trends

TYPES = {"integer": "numerical", "continuous": "numerical", "date": "datetime", "boolean": "boolean"}


def test_equal_tables_score_one(cards: Sequence[Field], train: Any) -> None:
    rows = code(cards, train)
    assert np.allclose(shapes(rows, rows), 1)
    found = trends(rows, rows)
    assert found.mean == pytest.approx(1)
    assert np.allclose(found.real, found.made, equal_nan=True)
    at = names(cards).index
    assert found.real[at("years"), at("pay")] > 0.8, "they are made so"
    assert np.isnan(found.scores[at("place"), at("rich")]), "unrelated pairs do not count"


def test_shuffled_columns_keep_their_shapes_and_lose_their_trends(cards: Sequence[Field], train: Any) -> None:
    rows = code(cards, train)
    lost = shuffled(rows, 0)
    assert np.allclose(shapes(rows, lost), 1)
    assert np.allclose(missing_rates(rows), missing_rates(lost))
    found = trends(rows, lost)
    assert found.mean is not None
    assert found.mean < 0.75
    assert np.nanmax(np.abs(found.made[~np.eye(len(found.made), dtype=bool)])) < 0.2


def test_the_order_of_rows_and_columns_changes_nothing(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    real, made = code(cards, train), code(cards, held_out)
    turned = held_out.iloc[::-1][list(reversed(held_out.columns))]
    again = code(tuple(reversed(cards)), turned)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(made, again, strict=True))
    assert np.array_equal(shapes(real, made), shapes(real, again))
    assert trends(real, made).mean == trends(real, again).mean


def test_a_category_that_is_none_is_seen(cards: Sequence[Field], train: Any) -> None:
    made = train.assign(place=np.where(train["place"] == "Bern", "Paris", train["place"]))
    at = names(cards).index("place")
    score = shapes(code(cards, train), code(cards, made))[at]
    assert score == pytest.approx(1 - (train["place"] == "Bern").mean())


def test_made_columns_that_are_gone_score_nothing(cards: Sequence[Field], train: Any) -> None:
    made = train.assign(job=None, pay=np.nan)
    real, fakes = code(cards, train), code(cards, made)
    scores = dict(zip(names(cards), shapes(real, fakes), strict=True))
    assert scores["job"] == 0
    assert scores["pay"] == 0
    assert scores["place"] == 1
    assert np.isnan(variation(np.array([-1]), np.array([0]))), "nothing real to compare with"
    change = dict(zip(names(cards), missing_rates(fakes) - missing_rates(real), strict=True))
    assert change["job"] > 0.9
    assert change["place"] == 0


def test_a_constant_made_column_is_no_relation(cards: Sequence[Field], train: Any) -> None:
    found = trends(code(cards, train), code(cards, train.assign(pay=30_000.0)))
    at = names(cards).index
    pair = at("years"), at("pay")
    assert found.scores[pair] == pytest.approx(1 - found.real[pair] / 2)


def test_correlations_of_dates_lose_no_digits() -> None:
    chance = np.random.default_rng(0)
    a = chance.normal(size=500)
    b = a + chance.normal(size=500)
    numbers = np.stack([1.7e9 + a, b, np.where(chance.random(500) < 0.2, np.nan, a)], 1)
    found = correlations(numbers)
    assert found[0, 1] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-6)
    both = ~np.isnan(numbers[:, 2])
    assert found[1, 2] == pytest.approx(np.corrcoef(a[both], b[both])[0, 1], abs=1e-9)


def test_wide_columns_are_counted_sparsely() -> None:
    """Two columns of 5,000 categories have 25 million cells, of which few have a row."""
    chance = np.random.default_rng(0)
    a = chance.integers(0, 5000, 2000)
    rows = Coded(np.empty((2000, 0)), np.stack([a, (a * 7) % 5000], 1))
    apart = Coded(rows.numbers, np.stack([a, chance.permutation(rows.codes[:, 1])], 1))
    assert trends(rows, rows).mean == pytest.approx(1)
    assert trends(rows, apart).scores[0, 1] < 0.05


def test_both_are_those_of_sdmetrics(cards: Sequence[Field], train: Any, held_out: Any) -> None:
    pytest.importorskip("sdmetrics", reason="pip install sdmetrics")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sdmetrics.reports.single_table import QualityReport

        kinds = {field.name: {"sdtype": TYPES.get(field.kind, "categorical")} for field in cards}
        report = QualityReport()
        report.generate(train.copy(), held_out.copy(), {"columns": kinds}, verbose=False)
        columns, pairs = report.get_details("Column Shapes"), report.get_details("Column Pair Trends")
    real, made = code(cards, train), code(cards, held_out)
    expected = dict(zip(columns["Column"], columns["Score"], strict=True))
    mine = dict(zip(names(cards), shapes(real, made), strict=True))
    assert mine == pytest.approx(expected, abs=1e-6)
    assert len(judged(cards)[0]) == 4
    found, at = trends(real, made), names(cards).index
    counted = 0
    for one, other, score in zip(pairs["Column 1"], pairs["Column 2"], pairs["Score"], strict=True):
        ours = found.scores[at(one), at(other)]
        assert ours == pytest.approx(score, abs=1e-6, nan_ok=True), (one, other)
        counted += not np.isnan(score)
    assert counted >= 5, "the table has pairs that count"
    quality = np.mean([np.nanmean(list(mine.values())), found.mean])
    assert quality == pytest.approx(report.get_score(), abs=1e-6)
