from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables.check import check
from sparring.data.tables.kinds import Decision, infer
from sparring.errors import SparringError

COUNT = 400
GENERATOR = np.random.default_rng(0)
REAL = GENERATOR.normal(size=COUNT)
WHOLE = GENERATOR.integers(-500, 500, COUNT)
DAYS = pd.Series(pd.date_range("2020-01-01", periods=COUNT))


def decided(values: Any, name: str = "a", *asked: str) -> Decision:
    frame = check(pd.DataFrame({name: values, "beside": REAL}), "it")
    return infer(frame, asked)[name]


def some(*values: Any) -> list[Any]:
    return [values[at % len(values)] for at in range(COUNT)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (REAL, "continuous"),
        (np.sort(REAL), "continuous"),  # all different, and never an identifier
        (np.arange(COUNT) + 0.0, "integer"),  # floats, so no counter
        (WHOLE, "integer"),
        (pd.array([*WHOLE[:-1], None], dtype="Int64"), "integer"),
        (WHOLE + 0.0, "integer"),
        (some(*range(16)), "ordinal"),  # years of schooling
        (some(1.0, 1.5, 2.0), "ordinal"),
        (some(*range(60)), "integer"),
        (some(7, None), "ordinal"),
        (some(0, 1), "boolean"),
        (some(0.0, 1.0, None), "boolean"),
        (some(True, False), "boolean"),
        (some(True, False, None), "boolean"),
        (some("Yes", "no"), "boolean"),
        (some("Male", "Female"), "categorical"),
        (some("x", None), "categorical"),
        (some("x"), "constant"),
        (some(3), "constant"),
        (some(None), "constant"),
        (some(np.nan), "constant"),
        (DAYS, "date"),
        (DAYS.dt.tz_localize("Europe/Berlin"), "date"),
        (DAYS.dt.strftime("%d.%m.%Y"), "date"),
        (some("2024-01-01", "2024-02-01"), "ordinal"),
        (pd.Categorical(some("low", "high"), ["low", "high"], ordered=True), "ordinal"),
        (pd.Categorical(some("low", "high")), "categorical"),
        ([str(uuid.UUID(int=at)) for at in range(COUNT)], "identifier"),
        ([f"AB-{at * 37 % 1000:04}" for at in range(COUNT)], "identifier"),
        (range(1000, 1000 + COUNT), "identifier"),
        (GENERATOR.permutation(COUNT), "identifier"),
        ([f"person {max(at, 4)}" for at in range(COUNT)], "identifier"),  # 99 % differ
        ([f"person {at // 2}" for at in range(COUNT)], "categorical"),
        (np.arange(COUNT) * 1000, "integer"),  # all different, but no counter, and the name tells nothing
    ],
)
def test_kinds(values: Any, kind: str) -> None:
    assert decided(values).kind == kind


@pytest.mark.parametrize(
    ("name", "step", "times", "kind"),
    [
        ("order_id", 1000, 1, "identifier"),
        ("orderId", 1000, 1, "identifier"),
        ("order-key", 1000, 1, "identifier"),
        ("paid", 1000, 1, "integer"),  # ends in the same letters, and is no hint
        ("year", 1, 1, "integer"),
        ("customer_id", 1000, 2, "categorical"),
        ("amount", 1000, 2, "integer"),
    ],
)
def test_names_are_hints_only(name: str, step: int, times: int, kind: str) -> None:
    assert decided(np.arange(COUNT) // times * step, name).kind == kind


def test_a_few_rows_of_few_values_are_no_ordinal() -> None:
    frame = pd.DataFrame({"a": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]})
    assert infer(frame)["a"].kind == "integer"


def test_spikes_and_tails_and_formats_come_along() -> None:
    gain = np.where(np.arange(COUNT) % 3, 0, np.abs(WHOLE) + 1000)
    assert decided(gain).spikes == (0.0,)
    assert "often 0 (66%)" in decided(gain).why
    assert decided(GENERATOR.pareto(1, COUNT)).heavy
    assert not decided(REAL).heavy
    # The spike hides no tail: what is beside it is looked at alone.
    assert decided(np.where(np.arange(COUNT) % 3, 0, GENERATOR.pareto(0.7, COUNT) * 1000)).heavy
    assert decided(DAYS.dt.strftime("%d.%m.%Y")).form == "%d.%m.%Y"


def test_every_decision_has_a_reason_of_one_line() -> None:
    for values in (REAL, WHOLE, some("x"), some("x", "y"), DAYS, range(COUNT), some(None), some(7, None)):
        why = decided(values).why
        assert why
        assert "\n" not in why
        assert not why.endswith(".")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (some("x", "y"), "identifier"),
        (some("x", "y"), "ordinal"),
        (range(COUNT), "integer"),
        (range(COUNT), "continuous"),
        (range(COUNT), "categorical"),
        (some(1, 2), "boolean"),
        (some(1, 2), "categorical"),
        (some("2024-01-01", "2024-02-01"), "date"),
        (DAYS.dt.strftime("%d.%m.%Y"), "categorical"),
        (some(5), "constant"),
        (some(None), "constant"),
    ],
)
def test_a_wish_wins(values: Any, kind: str) -> None:
    decision = decided(values, "a=b", f"a=b={kind}")  # names may hold equals signs
    assert (decision.kind, decision.why) == (kind, "as asked")
    assert bool(decision.form) is (kind == "date")


@pytest.mark.parametrize(
    ("values", "wish", "message"),
    [
        (WHOLE, "a", "`a` asks for no kind: write it as a=categorical"),
        (WHOLE, "besides=date", "no column besides; perhaps you meant beside"),
        (WHOLE, "a=intger", "no kind intger; perhaps you meant integer"),
        (WHOLE, "a=number", "there are continuous, integer, date"),
        (some(1, 2, None, 2.5), "a=integer", 'a cannot be integer: row 4 has "2.5", and only whole numbers can be'),
        (some("x", "y"), "a=continuous", 'row 1 has "x"'),
        (some(True, False), "a=integer", 'row 1 has "True"'),
        (some("2024-01-01", "2024-01-02", "x"), "a=date", "only dates of one format"),
        (WHOLE, "a=date", "only dates of one format"),
        (some("x", "y", "z"), "a=boolean", 'row 3 has "z", and at most two values'),
        (some("x", "x", "y"), "a=constant", 'row 3 has "y"'),
        (some("x", None), "a=constant", "it is missing in row 2"),
        (REAL, "a=identifier", "only whole numbers and texts"),
        (DAYS, "a=categorical", "dates are learnt as dates"),
        (some(None), "a=integer", "every value is missing"),
    ],
)
def test_wishes_that_cannot_be_met(values: Any, wish: str, message: str) -> None:
    with pytest.raises(SparringError, match=message):
        decided(values, "a", wish)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([*map(str, WHOLE[:-1]), "abc"], 'The column "a" has "abc" in row 400 where most are numbers'),
        ([*DAYS.dt.strftime("%Y-%m-%d")[:-1], "soon"], '"soon" in row 400 where the others are dates as 2020-01-01'),
    ],
)
def test_a_text_amid_numbers_or_dates(values: list[str], message: str) -> None:
    with pytest.raises(SparringError, match=f"{message}.*a=categorical"):
        decided(values)
    assert decided(values, "a", "a=categorical").kind == "categorical"


def test_codes_may_mix_digits_and_letters() -> None:
    """France's departments: 01 to 95, and 2A and 2B."""
    codes = [f"{at:02}" for at in range(1, 96)] + ["2A", "2B"]
    assert decided(some(*codes)).kind == "categorical"


def test_tables_that_teach_nothing() -> None:
    with pytest.raises(SparringError, match="9 rows: at least 10"):
        infer(pd.DataFrame({"a": REAL[:9]}))
    with pytest.raises(SparringError, match=r"every column is a constant or an identifier \(id, c\)"):
        infer(pd.DataFrame({"id": range(20), "c": ["x"] * 20}))
