"""Whose rows are whose, in which order, and what is filled in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sparring.data.sequences.read import Order, bridge, read
from sparring.errors import SparringError


def readings(frame: pd.DataFrame, **order: object) -> list[list[float]]:
    """The first channel of each stretch."""
    found = read(frame, Order(**order))  # type: ignore[arg-type]
    return [stretch.values[:, 0].tolist() for stretch in found.stretches]


def test_rows_are_sorted_by_whose_and_when_they_are() -> None:
    frame = pd.DataFrame({"who": list("baabba"), "hour": [3, 2, 1, 1, 2, 3], "x": [33.0, 12, 11, 31, 32, 13]})
    assert readings(frame, entity="who", time="hour") == [[31, 32, 33], [11, 12, 13]]


def test_without_a_time_the_rows_are_in_order() -> None:
    frame = pd.DataFrame({"who": [1, 2, 1, 2], "x": [5.0, 7, 4, 6]})
    assert readings(frame, entity="who") == [[5, 4], [7, 6]]


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M", None])
def test_a_missing_hour_parts_two_stretches_however_dates_are_written(form: str | None) -> None:
    hours = pd.Series(pd.to_datetime("2024-03-30 20:00") + pd.to_timedelta([0, 1, 2, 4, 5], unit="h"))
    frame = pd.DataFrame({"when": hours.dt.strftime(form) if form else hours, "x": [0.0, 1, 2, 4, 5]})
    assert readings(frame, time="when") == [[0, 1, 2], [4, 5]]


def test_short_gaps_lie_on_a_line_and_long_ones_and_ends_stay_missing() -> None:
    nan = np.nan
    channel = np.array([nan, 1, nan, nan, 4, nan, nan, nan, 8, nan])[:, None]
    made = bridge(channel, 2)[:, 0]
    np.testing.assert_allclose(made, [nan, 1, 2, 3, 4, nan, nan, nan, 8, nan])
    assert np.isnan(channel[2]).all(), "what was given is left as it is"


def test_what_cannot_be_learnt_is_left_out_and_said() -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3], "name": list("abc"), "rare": [np.nan, np.nan, 1], "same": [2, 2, 2]})
    found = read(frame, Order())
    assert found.columns == ("x",)
    told = " ".join(found.notes)
    assert "no numbers: name" in told
    assert "missing: rare" in told
    assert "one value: same" in told


def test_a_mistake_far_from_all_else_does_not_set_the_scale() -> None:
    x = np.random.default_rng(0).normal(10, 1, 2000)
    x[700] = 1048.0
    found = read(pd.DataFrame({"wind": x}), Order())
    assert found.stretches[0].values.max() < 30
    assert "1 values of wind lie far beyond the others (up to 1,048)" in " ".join(found.notes)


def test_rows_of_nobody_are_left_out() -> None:
    frame = pd.DataFrame({"who": ["a", None, "a"], "x": [1.0, 2, 3]})
    assert readings(frame, entity="who") == [[1, 3]]


@pytest.mark.parametrize(
    ("columns", "order", "told"),
    [
        ({"x": [1.0, 2]}, {"time": "tim"}, "no column tim"),
        ({"when": ["soon", "later"], "x": [1.0, 2]}, {"time": "when"}, '"soon" is neither a number nor a date'),
        ({"when": [1, 1], "x": [1.0, 2]}, {"time": "when"}, "--entity"),
        ({"name": ["a", "b"]}, {}, "columns of numbers that vary"),
    ],
)
def test_mistakes_are_said(columns: dict[str, list[object]], order: dict[str, str], told: str) -> None:
    with pytest.raises(SparringError, match=told):
        read(pd.DataFrame(columns), Order(**order))  # type: ignore[arg-type]
