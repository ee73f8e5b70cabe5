"""Tables come back from their rows as they went in: types, categories, missing cells, numbers, dates, order."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparring.data.tables import cells, codec
from sparring.data.tables.field import Field, Layout
from sparring.data.tables.kinds import Decision, infer

N = 400
RANDOM = np.random.default_rng(0)
TEXT = np.array(["red", "green", "blue", "a, b", "ü"], dtype=object)


def with_gaps(values: object, share: float = 0.2) -> pd.Series:
    """A column with missing cells."""
    column = pd.Series(values).copy()
    column[np.random.default_rng(1).random(len(column)) < share] = None
    return column


def there_and_back(frame: pd.DataFrame, asked: tuple[str, ...] = ()) -> tuple[tuple[Field, ...], pd.DataFrame]:
    fields = codec.fit(frame, infer(frame, asked))
    stored = json.loads(json.dumps([dataclasses.asdict(field) for field in fields]))
    fields = tuple(Field.from_dict(card) for card in stored)
    rows = codec.encode(fields, frame)
    assert rows.dtype == np.float32
    assert rows.shape == (len(frame), Layout(fields).width)
    assert np.abs(rows[:, : len(Layout(fields).numbers)]).max(initial=0) <= 1
    for at, field in enumerate(Layout(fields).learnt, len(Layout(fields).numbers)):
        assert set(rows[:, at]) <= set(range(field.codes))
        assert sum(field.shares) == pytest.approx(1)
        assert len(field.shares) == field.codes
    return fields, codec.decode(fields, rows)


EXACT = {
    "int64": RANDOM.integers(-50, 1000, N),
    "uint8": RANDOM.integers(0, 256, N).astype("uint8"),
    "Int64 with gaps": with_gaps(pd.Series(RANDOM.integers(0, 90, N), dtype="Int64")),
    "whole floats with gaps": with_gaps(RANDOM.integers(0, 90, N).astype(float)),
    "hundredths": np.round(RANDOM.gamma(2, 40, N), 2),
    "hundredths with gaps": with_gaps(np.round(RANDOM.gamma(2, 40, N), 2)),
    "tenths in 32 bits": np.round(RANDOM.normal(10, 4, N), 1).astype("float32"),
    "mostly zero": np.where(RANDOM.random(N) < 0.6, 0, RANDOM.integers(100, 900, N)),
    "bool": RANDOM.random(N) < 0.3,
    "boolean with gaps": with_gaps(pd.Series(RANDOM.random(N) < 0.3, dtype="boolean")),
    "yes or no": np.where(RANDOM.random(N) < 0.3, "yes", "no"),
    "0 or 1": RANDOM.integers(0, 2, N),
    "text": RANDOM.choice(TEXT, N),
    "text with gaps": with_gaps(pd.Series(RANDOM.choice(TEXT, N))),
    "few numbers": RANDOM.integers(1, 6, N),
    "few fractions with gaps": with_gaps(RANDOM.integers(1, 6, N) / 4),
    "category": pd.Series(RANDOM.choice(TEXT[:3], N), dtype=pd.CategoricalDtype(["red", "unused", "green", "blue"])),
    "ordered with gaps": with_gaps(
        pd.Series(RANDOM.choice([3, 1, 2], N), dtype=pd.CategoricalDtype([3, 1, 2], ordered=True))
    ),
    "one category": pd.Series(["b"] * N, dtype=pd.CategoricalDtype(["a", "b"])),
    "intervals": pd.cut(pd.Series(RANDOM.random(N)), 4),
    "days": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 900, N), "D")),
    "days with gaps": with_gaps(pd.Series(pd.Timestamp("1850-01-01") + pd.to_timedelta(RANDOM.integers(0, 9, N), "D"))),
    "minutes": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 90000, N), "min")),
    "days in Berlin": pd.Series(pd.date_range("2021-01-01", periods=N, tz="Europe/Berlin")),
    "hours in Berlin": pd.Series(pd.date_range("2021-10-25", periods=N, freq="h", tz="Europe/Berlin")),
    "days as text": pd.Series(pd.date_range("2021-01-01", periods=N)).dt.strftime("%d.%m.%Y"),
    "text days with gaps": with_gaps(pd.Series(pd.date_range("2021-01-01", periods=N)).dt.strftime("%Y-%m-%d")),
    "constant": np.full(N, 3.5),
    "constant text": np.full(N, "same"),
    "nothing": np.full(N, np.nan),
}


@pytest.mark.parametrize("name", EXACT)
def test_it_comes_back_exactly(name: str) -> None:
    column = pd.Series(EXACT[name])
    frame = pd.DataFrame({"x": column, "beside": RANDOM.integers(0, 3, N)})
    fields, back = there_and_back(frame)
    clipped = np.abs(codec.encode(fields, frame)[:, 0]) > 0.98
    kept = ~clipped if fields[0].is_number else np.ones(N, bool)
    assert kept.mean() > 0.99
    pd.testing.assert_frame_equal(back[kept], frame[kept])


def test_columns_keep_their_order() -> None:
    frame = pd.DataFrame({name: EXACT[name] for name in ("text", "int64", "bool", "hundredths", "constant")})
    assert list(there_and_back(frame)[1]) == list(frame)


def test_a_continuous_number_comes_back_nearly_and_within_bounds() -> None:
    values = RANDOM.normal(5, 2, 2000)
    fields, back = there_and_back(pd.DataFrame({"x": values}))
    error = np.abs(back["x"] - values)
    assert (error < 1e-4 * 2).mean() > 0.999
    assert fields[0].decimals is None
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, fields[0].codes - 1.0]], np.float32)
    made = codec.decode(fields, rows)["x"]
    assert made.between(values.min(), values.max()).all()


def test_long_tails_come_back_relatively_exact() -> None:
    values = np.exp(RANDOM.normal(0, 3, 3000)) * RANDOM.choice([-1, 1], 3000)
    fields, back = there_and_back(pd.DataFrame({"x": values}))
    assert fields[0].scale == "log"
    near = np.abs(back["x"] - values) <= 1e-4 * np.abs(values) + 1e-4 * fields[0].unit
    assert near.mean() > 0.995


def test_whole_numbers_are_rounded_not_cut_and_stay_in_bounds() -> None:
    card = Field("x", "integer", "int64", 1, (1.0,), means=(10.0,), deviations=(1.0,), low=8, high=12)
    made = codec.decode([card], np.array([[0.2, 0], [-0.2, 0], [1, 0], [-1, 0]], np.float32))
    assert made["x"].tolist() == [11, 9, 12, 8]


def test_equal_rows_are_encoded_alike_in_any_order() -> None:
    frame = pd.DataFrame({"x": RANDOM.normal(0, 1, N), "y": RANDOM.integers(0, 5, N)})
    twice = pd.concat([frame, frame.iloc[::-1]], ignore_index=True)
    fields = codec.fit(twice, infer(twice))
    rows = codec.encode(fields, twice)
    np.testing.assert_array_equal(rows[:N], rows[N:][::-1])
    np.testing.assert_array_equal(rows[5:9], codec.encode(fields, twice.iloc[5:9]))


def test_the_mode_is_drawn_from_those_that_could_have_made_the_value() -> None:
    card = Field(
        "x", "continuous", "float64", 2, (0.75, 0.25), means=(-1.0, 1.0), deviations=(1.0, 1.0), low=-9, high=9
    )
    between = pd.DataFrame({"x": RANDOM.normal(0, 1e-6, 20_000)})
    first = codec.encode([card], between)[:, 1]
    assert first.mean() == pytest.approx(0.25, abs=0.02)
    other = codec.encode([card], between, seed=1)[:, 1]
    assert (first != other).mean() == pytest.approx(2 * 0.75 * 0.25, abs=0.02)


def test_the_shares_of_a_numbers_codes_are_those_of_its_rows() -> None:
    frame = pd.DataFrame({"x": with_gaps(np.where(RANDOM.random(N) < 0.6, 0, RANDOM.integers(100, 900, N)))})
    fields, _ = there_and_back(frame)
    found = np.bincount(codec.encode(fields, frame)[:, 1].astype(int), minlength=fields[0].codes) / N
    assert fields[0].values == (0.0,)
    np.testing.assert_allclose(found[-2:], fields[0].shares[-2:])
    np.testing.assert_allclose(found, fields[0].shares, atol=0.08)


def test_what_the_fields_do_not_know_follows_the_rule() -> None:
    frame = pd.DataFrame({"gap": with_gaps(RANDOM.choice(TEXT, N)), "full": ["a"] * 300 + ["b"] * 100})
    frame["number"] = RANDOM.normal(0, 1, N)
    fields = codec.fit(frame, infer(frame))
    new = pd.DataFrame({"gap": ["new"], "full": ["new"], "number": [1e9]})
    back = codec.decode(fields, codec.encode(fields, new))
    assert back["gap"].isna().all()
    assert back["full"].tolist() == ["a"]
    assert back["number"][0] <= frame["number"].max()
    lost = pd.DataFrame({"gap": [None], "full": [None], "number": [np.nan]}).astype({"gap": "str", "full": "str"})
    assert codec.decode(fields, codec.encode(fields, lost))["number"].notna().all()


def test_ten_thousand_categories_take_few_codes_and_come_back_as_frequent() -> None:
    counts = RANDOM.multinomial(200_000, 1 / np.arange(1, 10_001) / (1 / np.arange(1, 10_001)).sum())
    values = np.repeat([f"v{n:05d}" for n in range(10_000)], counts)
    frame = pd.DataFrame({"x": RANDOM.permutation(values), "y": RANDOM.integers(0, 3, len(values))})
    fields, back = there_and_back(frame)
    assert fields[0].codes <= 250
    before, after = (table["x"].value_counts().reindex(frame["x"].unique()).fillna(0) for table in (frame, back))
    assert set(back["x"]) <= set(frame["x"])
    statistic = ((after - before) ** 2 / before).sum()
    assert statistic < len(before) + 4 * np.sqrt(2 * len(before))
    own = pd.Series(fields[0].groups).duplicated(keep=False)
    alone = {value for value, shared in zip(fields[0].values, own, strict=True) if not shared}
    known = frame["x"].isin(alone)
    assert known.mean() > 0.3
    assert (back["x"][known] == frame["x"][known]).all()


def test_identifiers_and_wide_columns_do_not_depend_on_the_blocks_they_are_made_in() -> None:
    frame = pd.DataFrame({"id": [f"K{n:04d}" for n in range(1500)], "x": np.arange(1500) % 300 * 7})
    frame["key"] = with_gaps([f"{n * 7919 % 10**6:06d}" for n in range(1500)], 0.3)
    asked = ("x=categorical", "key=identifier")
    fields, whole = there_and_back(frame, asked)
    rows = codec.encode(fields, frame)
    parts = [codec.decode(fields, rows[:100]), codec.decode(fields, rows[100:], first=100)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    assert whole["id"].tolist()[:2] == ["K1500", "K1501"]
    assert whole["key"].dropna().is_unique
    assert whole["key"].isna().mean() == pytest.approx(frame["key"].isna().mean(), abs=0.05)
    assert not set(whole["key"].dropna()) & set(frame["key"].dropna())


def test_numbers_beyond_53_bits_never_leave_their_type() -> None:
    frame = pd.DataFrame(
        {"x": RANDOM.integers(2**62, 2**63 - 1, N), "y": RANDOM.integers(0, 2**64 - 1, N, dtype="uint64")}
    )
    decisions = {name: Decision("integer", "") for name in frame}
    fields = codec.fit(frame, decisions)
    back = codec.decode(fields, codec.encode(fields, frame))
    np.testing.assert_allclose(back.to_numpy(float), frame.to_numpy(float), rtol=1e-4)


@pytest.mark.parametrize("dtype", ["string", "Float64", "float32", "Int16", "datetime64[s]", "object"])
def test_types_are_named_so_that_they_can_be_made_again(dtype: str) -> None:
    values = {"datetime64[s]": ["2020-01-01", "2021-01-01"], "object": ["a", "b"], "string": ["a", "b"]}
    column = pd.Series(values.get(dtype, [1, 2]), dtype=dtype)
    found, places = cells.categories(column)
    pd.testing.assert_series_equal(cells.fill(found, places, cells.type_name(column.dtype)), column)


cell_values = st.one_of(st.none(), st.text(max_size=4)), st.one_of(st.none(), st.floats(-1e9, 1e9, width=32))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(*cell_values, st.integers(-(2**40), 2**40), st.booleans()), min_size=10, max_size=40),
    st.integers(1, 5),
)
def test_any_table_comes_back(rows: list[tuple[object, ...]], times: int) -> None:
    frame = pd.DataFrame(rows * times, columns=["text", "number", "whole", "flag"])
    frame["text"] = frame["text"].astype("str" if pd.__version__ >= "3" else object)
    frame["number"] = frame["number"].astype(float)
    decisions = {
        "text": Decision("categorical" if frame["text"].notna().any() else "constant", ""),
        "number": Decision("continuous" if frame["number"].notna().any() else "constant", ""),
        "whole": Decision("integer", ""),
        "flag": Decision("boolean", ""),
    }
    fields = codec.fit(frame, decisions)
    stored = codec.encode(fields, frame)
    back = codec.decode(fields, stored)
    pd.testing.assert_frame_equal(back[["text", "flag"]], frame[["text", "flag"]])
    assert (back.dtypes == frame.dtypes).all()
    assert (back["number"].isna() == frame["number"].isna()).all()
    for at, field in enumerate(Layout(fields).numbers):
        values, kept = frame[field.name].to_numpy(float), np.abs(stored[:, at]) < 0.98
        spread = np.nanstd(values) + 1e-12 * (1 + np.nanmax(np.abs(values)))
        error = np.abs(back[field.name].to_numpy(float) - values)[kept]
        assert np.nanmax(error, initial=0) <= 1e-4 * spread + (0.5 if field.kind == "integer" else 0)


@pytest.mark.parametrize("ordered", [False, True])
def test_a_category_that_no_row_has_is_never_made_and_stays_in_the_type(ordered: bool) -> None:
    kind = pd.CategoricalDtype(["lo", "mid", "hi"], ordered=ordered)
    fields, back = there_and_back(pd.DataFrame({"x": pd.Series(["hi", "lo", None] * 20, dtype=kind), "y": range(60)}))
    assert fields[0].values == ("lo", "hi")
    assert fields[0].codes == 3, "and one for a missing value"
    assert back["x"].dtype == kind
    assert back["x"].tolist()[:2] == ["hi", "lo"]
    with_all = dataclasses.replace(fields[0], levels=())
    assert with_all.learnt == fields[0].learnt, "so that the same rows are the same data, whatever their type names"
