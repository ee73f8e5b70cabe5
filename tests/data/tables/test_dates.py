from __future__ import annotations

import pandas as pd
import pytest

from sparring.data.tables import codec, kinds
from sparring.data.tables.dates import form, read, write


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


def decoded(column: pd.Series) -> pd.Series:
    """A column encoded and decoded, beside one that leaves it something to learn."""
    frame = pd.DataFrame({"a": column, "b": ["x", "y"] * (len(column) // 2)})
    fields = codec.fit(frame, kinds.infer(frame))
    assert fields[0].kind == "date"
    return codec.decode(fields, codec.encode(fields, frame))["a"]


@pytest.mark.parametrize("digits", [1, 3, 6])
def test_fractions_have_the_digits_of_the_data(digits: int) -> None:
    moments = pd.date_range("2024-01-01 00:00:00.7", periods=300, freq="7h") + pd.to_timedelta(range(300), unit="ms")
    texts = pd.Series([f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.nanosecond + moment.microsecond * 1000:09}"[: 20 + digits]
                       for moment in moments]) + "Z"  # fmt: skip
    found, odd = form(texts)
    assert (found, odd) == (f"%Y-%m-%dT%H:%M:%S.%{digits}fZ", None)
    assert write(pd.DatetimeIndex(read(texts, found)), found).tolist() == texts.tolist()
    assert decoded(texts).str.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{{digits}}}Z").all()


def test_several_offsets_are_one_time_and_are_written_with_the_most_frequent() -> None:
    hours = pd.Series(pd.date_range("2024-01-01", periods=700, freq="12h", tz="Europe/Berlin"))
    texts = hours.map(lambda moment: moment.isoformat())
    found, odd = form(texts)
    assert (found, odd) == ("%Y-%m-%dT%H:%M:%S%z[+02:00]", None)
    there = read(texts, found)
    pd.testing.assert_series_equal(
        there,
        (hours.dt.tz_convert("UTC").dt.tz_localize(None) + pd.Timedelta("2h")),
        check_dtype=False,
        check_freq=False,
    )
    again = pd.Series(write(pd.DatetimeIndex(there), found))
    assert (pd.to_datetime(again, utc=True) == hours.dt.tz_convert("UTC")).all()
    assert decoded(texts).str.endswith("+02:00").all()


def test_a_few_strange_offsets_are_no_mistake() -> None:
    texts = [f"2024-01-{1 + at % 28:02} 10:00:00{'Z' if at == 7 else '+0100'}" for at in range(56)]
    assert form(pd.Series(texts).drop_duplicates()) == ("%Y-%m-%d %H:%M:%S%z[+0100]", None)


@pytest.mark.parametrize("kind", ["int64", "Int64", "float64", "int32"])
def test_whole_numbers_that_are_dates(kind: str) -> None:
    days = (
        pd.Series(pd.date_range("1999-11-05", periods=400, freq="11D"))
        .dt.strftime("%Y%m%d")
        .astype("int64")
        .astype(kind)
    )
    if kind in ("Int64", "float64"):
        days[3] = None
    made = decoded(days)
    assert str(made.dtype) == kind
    assert made.isna().tolist() == days.isna().tolist()
    assert (
        pd.to_datetime(made.dropna().astype("int64").astype(str), format="%Y%m%d").between("1999-11-05", "2012").all()
    )


@pytest.mark.parametrize("odd", [20240230, 18991231, 21010101, 20241301, 5])
def test_one_whole_number_that_is_no_date_makes_all_numbers(odd: int) -> None:
    days = pd.Series(pd.date_range("1999-11-05", periods=400, freq="11D")).dt.strftime("%Y%m%d").astype("int64")
    assert form(pd.concat([days, pd.Series([odd])])) == ("", None)
