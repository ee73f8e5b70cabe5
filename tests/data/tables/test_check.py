from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables.check import check
from sparring.errors import SparringError


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([datetime.date(2024, 1, 2), None], "datetime64"),
        ([Decimal("1.25"), None], "float64"),
        ([True, None], "boolean"),
        ([1, None], "Int64"),
        ([1, 2.5], "float64"),
        (pd.Series([1, 2], dtype="Int64"), "int64"),
        (pd.Series([1, None], dtype="Int16"), "Int16"),
        (pd.Series([1.5, None], dtype="Float32"), "float32"),
        (pd.Series([1, 2], dtype="int64[pyarrow]"), "int64"),
        (pd.Series([True, False], dtype="boolean"), "bool"),
        (pd.Series([1, 2], dtype="int8"), "int8"),
        (pd.Series([1, 2], dtype="datetime64[s]"), "datetime64[s]"),
        (pd.to_timedelta([90, None], unit="s").to_series(), "float64"),
        (pd.Series([1, None], dtype="uint8[pyarrow]"), "UInt8"),
        (pd.Series([1, 2], dtype="uint8[pyarrow]"), "uint8"),
        (pd.Series([1, None], dtype="timestamp[ms][pyarrow]"), "datetime64[ms]"),
        (pd.Series([1, None], dtype="timestamp[ms, tz=UTC][pyarrow]"), "datetime64[ns, UTC]"),
        (pd.Series(pd.Categorical(["b", "a"], ["b", "a"], ordered=True)), "category"),
    ],
)
def test_every_column_gets_a_plain_type(values: Any, kind: str) -> None:
    if not isinstance(values, pd.Series):
        values = pd.Series(values, dtype=object)
    if "pyarrow" in str(values.dtype):
        pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    before = values.isna().tolist()
    column = check(pd.DataFrame({"a": values}), "it")["a"]
    assert str(column.dtype).startswith(kind)
    assert column.isna().tolist() == before


def test_text_keeps_what_is_missing_missing() -> None:
    text = pd.Series(["x", "y"]).dtype
    for kind in (object, "string"):
        column = check(pd.DataFrame({"a": pd.Series(["x", None], dtype=kind)}), "it")["a"]
        assert column.dtype == text
        assert column.isna().tolist() == [False, True]


def test_the_frame_that_is_given_stays_as_it_is_and_its_index_is_left_out() -> None:
    frame = pd.DataFrame({0: [1.0, 2.0], "b": pd.Series([True, None], dtype=object)}, index=[7, 5])
    frame = frame.set_index(pd.Index([7, 5], name="id"))
    before = frame.copy(deep=True)
    plain = check(frame, "it")
    pd.testing.assert_frame_equal(frame, before)
    assert list(plain.columns) == ["0", "b"]
    assert plain.index.tolist() == [0, 1]


def test_durations_are_seconds_and_the_notes_are_the_readers_alone() -> None:
    frame = pd.DataFrame({"took": pd.to_timedelta([90.5, None], unit="s")})
    frame.attrs["notes"] = "the user's own"
    plain = check(frame, "it", ("Read.",))
    assert plain.took.tolist()[0] == 90.5
    assert plain.attrs["notes"] == ("Read.", "The durations of took are learnt in seconds.")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(), "no columns in it"),
        (pd.DataFrame({"a": []}), "no rows below the column names"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), 'Several columns of it are called "a"'),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several lines of column names"),
        (pd.DataFrame({"a": [1, 2, "x"]}, dtype=object), r"mixes int and str \('x' in row 3\)"),
        (pd.DataFrame({"a": ["x", "y", 2.5, 2.5, 1, None]}, dtype=object), r"mixes str, float and int \(1 in row 5\)"),
        (pd.DataFrame({"a": [None, "x", "y", 2]}, dtype=object), r"mixes str and int \(2 in row 4\)"),
        (pd.DataFrame({"a": [[1], [2]]}), "values of the type list"),
        (pd.DataFrame({"a": [b"x", b"y"]}), "values of the type bytes"),
        (pd.DataFrame({"a": [2**70, 1]}, dtype=object), "do not fit into 64 bits"),
        (pd.DataFrame({"a": [1.0, np.nan, -np.inf]}), 'Row 3 of it has -inf in the column "a"'),
        (pd.DataFrame({"a": [1j]}), "type complex128, which is not learnt"),
        (pd.DataFrame({"a": pd.period_range("2024-01", periods=2, freq="M")}), "type period"),
    ],
)
def test_what_cannot_be_learnt(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(SparringError, match=message):
        check(frame, "it")
