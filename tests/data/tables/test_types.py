"""Types come back: from data frames and from columnar files, and what cannot come back stays plain."""

from __future__ import annotations

import datetime
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparring.data.source import open_data
from sparring.data.tables import codec, types
from sparring.data.tables.field import Field

N = 120
CHANCE = np.random.default_rng(0)
INTS = CHANCE.integers(0, 100, N)
FLOATS = np.round(CHANCE.normal(size=N), 2)
WORDS = CHANCE.choice(["a", "b", "c"], N)
DAYS = pd.Timestamp("2020-01-01") + pd.to_timedelta(CHANCE.integers(0, 900, N), unit="D")
SECONDS = pd.to_timedelta(CHANCE.integers(0, 90_000, N), unit="s")
TIMES = [datetime.time(int(at) % 24, 30) for at in INTS]
DECIMALS = [Decimal(f"{at:.2f}") for at in FLOATS]
VALUES = {
    "numbers": (
        INTS,
        "int8 uint16 int64 Int64 UInt8 float32 float64 Float32 Float64 object "
        "int64[pyarrow] uint8[pyarrow] float[pyarrow] double[pyarrow]",
    ),
    "decimals": (FLOATS, "float32 Float64 object double[pyarrow]"),
    "text": (WORDS, "object str string string[python] category large_string[pyarrow]"),
    "bools": (INTS > 50, "bool boolean object bool[pyarrow]"),
    "dates": (DAYS, "datetime64[s] datetime64[ns] object timestamp[us][pyarrow] date32[day][pyarrow]"),
    "zoned": (DAYS.tz_localize("Europe/Berlin"), "datetime64[ns,Europe/Berlin] timestamp[us,tz=UTC][pyarrow]"),
    "durations": (SECONDS, "timedelta64[s] timedelta64[ns] duration[ms][pyarrow]"),
    "categories": (INTS % 4, "category Sparse[int64]"),
    "constant": (np.full(N, 5), "Int64 object"),
    "keys": (np.arange(N), "Int64 int32"),
    "codes": (np.array([f"a{at:03}" for at in range(N)]), "string object"),
}
HOLES = "Int64 UInt8 Float64 boolean string object category int64[pyarrow] bool[pyarrow] large_string[pyarrow]"


def made(column: pd.Series) -> pd.Series:
    """A column learnt, encoded, decoded and restored, as rows of a GAN are."""
    data = open_data(pd.DataFrame({"a": column, "beside": INTS}))
    again = type(data.spec).from_dict(data.spec.to_dict())
    return types.restore(codec.decode(again.fields, data.rows), again.fields)["a"]


def columns() -> list[Any]:
    found = []
    for what, (values, kinds) in VALUES.items():
        for kind in kinds.split():
            column = pd.Series(values).astype(kind.replace(",", ", "))
            found.append(pytest.param(column, id=f"{what} {kind}"))
            if kind in HOLES.split() and what not in ("keys", "codes"):
                holes = column.astype(object).mask(np.arange(N) % 7 == 0, None)
                found.append(pytest.param(holes.astype(column.dtype), id=f"{what} {kind} with holes"))
    return found


@pytest.mark.parametrize("column", columns())
def test_a_data_frame_s_types_come_back(column: pd.Series) -> None:
    back = made(column)
    assert back.dtype == column.dtype
    assert back.isna().any() == column.isna().any()
    if column.dtype == object:
        assert {type(value) for value in back.dropna()} == {type(value) for value in column.dropna()}
    if column.nunique() <= 20:
        assert set(back.dropna()) <= set(column.dropna())


@pytest.mark.parametrize(
    ("values", "kind"),
    [(DECIMALS, Decimal), ([day.date() for day in DAYS], datetime.date), (TIMES, datetime.time), (INTS.tolist(), int)],
    ids=["decimals", "dates", "times", "integers"],
)
def test_objects_come_back_as_such(values: list[Any], kind: type) -> None:
    column = pd.Series([None if at % 9 == 0 else value for at, value in enumerate(values)], dtype=object)
    back = made(column)
    assert back.dtype == object
    assert {type(value) for value in back} == {kind, type(None)}
    assert back.dropna().between(column.dropna().min(), column.dropna().max()).all()
    assert kind is not Decimal or {-value.as_tuple().exponent for value in back.dropna()} == {2}


def test_types_that_text_does_not_tell_apart() -> None:
    pa = pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    kinds = [pa.string(), pa.decimal128(10, 2), pa.dictionary(pa.int32(), pa.string()), pa.time64("us"), pa.float16()]
    for kind, values in zip(kinds, [WORDS, DECIMALS, WORDS, TIMES, FLOATS.astype("float16")], strict=True):
        column = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values).cast(kind)))
        assert made(column).dtype == column.dtype
    for storage in ("python", "pyarrow"):
        for na_value in (pd.NA, np.nan):
            text = pd.StringDtype(storage, na_value=na_value)
            assert made(pd.Series(WORDS).astype(text)).dtype == text
            category = pd.Series(WORDS).astype(text).astype("category")
            assert made(category).dtype == category.dtype
    ordered = pd.Series(pd.Categorical(WORDS, ["b", "c", "a"], ordered=True))
    assert made(ordered).dtype == ordered.dtype


def frame() -> pd.DataFrame:
    days = [day.date() for day in DAYS]
    whole = pd.DataFrame(
        {
            "Int64": pd.Series(INTS).astype("Int64"),
            "int8": INTS.astype("int8"),
            "float32": FLOATS.astype("float32"),
            "Float64": pd.Series(FLOATS).astype("Float64").mask(INTS < 20),
            "boolean": pd.Series(INTS > 50).astype("boolean"),
            "bool": INTS > 50,
            "str": pd.Series(WORDS).astype("str"),
            "string": pd.Series(WORDS).astype("string"),
            "category": pd.Series(WORDS).astype("category"),
            "arrow": pd.Series(INTS).astype("int64[pyarrow]"),
            "dates": days,
            "decimals": DECIMALS,
            "zoned": DAYS.tz_localize("UTC").as_unit("us"),
            "took": SECONDS.as_unit("us"),
        }
    )
    return whole.set_axis(pd.Index(np.arange(N) * 3, name="key"))


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
def test_a_file_s_types_come_back(tmp_path: Path, ending: str) -> None:
    from sparring.data.tables.write import write

    pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    source, out = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    load = pd.read_parquet if ending == ".parquet" else pd.read_feather
    given = frame() if ending == ".parquet" else frame().reset_index()
    given.to_parquet(source) if ending == ".parquet" else given.to_feather(source)
    data = open_data(source)
    rows = types.restore(codec.decode(data.spec.fields, data.rows), data.spec.fields)
    write([rows.iloc[:50], rows.iloc[50:]], str(out))
    assert load(out).dtypes.to_dict() == load(source).reset_index(drop=ending != ".parquet").dtypes.to_dict()


def test_integers_with_holes_of_a_writer_without_pandas_stay_whole(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    from pyarrow import parquet

    values = [None if at % 7 == 0 else int(value) for at, value in enumerate(INTS)]
    parquet.write_table(pa.table({"a": values, "b": INTS}), tmp_path / "x.parquet")
    data = open_data(tmp_path / "x.parquet")
    rows = types.restore(codec.decode(data.spec.fields, data.rows), data.spec.fields)
    assert rows.dtypes.astype(str).to_dict() == {"a": "Int64", "b": "int64"}


def test_text_files_have_no_types_to_come_back(tmp_path: Path) -> None:
    frame()[["Int64", "Float64", "string"]].to_csv(tmp_path / "x.csv", index=False)
    assert {field.was for field in open_data(tmp_path / "x.csv").spec.fields} == {""}


def test_older_cards_load_and_the_same_values_of_another_type_are_the_same_data() -> None:
    card = asdict(Field("a", "integer", "int64"))
    del card["was"]
    assert Field.from_dict(card) == Field("a", "integer", "int64")
    nullable = frame()[["Int64", "boolean", "string"]]
    plain = nullable.astype({"Int64": "int64", "boolean": "bool", "string": "str"})
    assert [field.was for field in open_data(nullable).spec.fields] == ["Int64", "boolean", "string"]
    assert open_data(nullable).spec.hash == open_data(plain).spec.hash


def test_a_type_that_is_not_known_here_stays_plain() -> None:
    field = replace(Field("a", "integer", "int64"), was="Int65")
    assert types.restore(pd.DataFrame({"a": [1, 2]}), [field])["a"].dtype == "int64"
