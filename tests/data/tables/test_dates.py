from __future__ import annotations

import pandas as pd
import pytest

from sparring.data.tables.dates import form


@pytest.mark.parametrize(
    "wanted",
    [
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y%m%d",
        "%b %d, %Y",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S+02:00",
        "%Y-%m-%d %H:%M:%S.%f",
        "%d.%m.%Y %H:%M",
        "%m/%d/%Y %I:%M %p",
        "%H:%M",
    ],
)
def test_a_format_is_found_and_writes_the_dates_as_they_were(wanted: str) -> None:
    days = pd.Series(pd.date_range("2024-01-01 00:30:01", "2025-12-31", periods=500))
    values = days.dt.strftime(wanted)
    found, odd = form(values)
    assert (found, odd) == (wanted, None)
    assert pd.to_datetime(values, format=found).dt.strftime(found).equals(values)


def test_values_that_fit_two_formats_are_decided_by_those_that_fit_one() -> None:
    assert form(pd.Series(["03/04/2024", "05/06/2024", "25/12/2024"]))[0] == "%d/%m/%Y"
    assert form(pd.Series(["03/04/2024", "05/06/2024", "12/25/2024"]))[0] == "%m/%d/%Y"


def test_an_odd_value_is_named() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=30).strftime("%Y-%m-%d"))
    assert form(pd.concat([days, pd.Series(["soon"])])) == ("%Y-%m-%d", "soon")
    assert form(pd.concat([days, pd.Series(["2024-02-30"])])) == ("%Y-%m-%d", "2024-02-30")
    assert form(pd.concat([days, pd.Series(["soon"] * 10)])) == ("", None)


@pytest.mark.parametrize("text", ["Bachelors", "12", "1.5", "AB-1234", "", "2024-01-01 in Paris", "10-20", "1234567"])
def test_what_is_no_date(text: str) -> None:
    assert form(pd.Series([text] * 3)) == ("", None)


def test_mixed_zones_are_no_one_format() -> None:
    values = [f"2024-01-{day:02} 10:00:00+0{1 + day % 2}:00" for day in range(1, 29)]
    assert form(pd.Series(values)) == ("", None)
