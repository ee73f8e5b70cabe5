"""Constraints: what they let through, how they come back from a checkpoint, and what the data is refused for."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from sparring.data.spec import Spec
from sparring.data.tables import constraints
from sparring.data.tables.check import check
from sparring.data.tables.dataset import table
from sparring.errors import SparringError


def frame() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    n = 120
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(chance.integers(0, 500, n), "D")
    city = chance.choice(["Rome", "Oslo", "Bern"], n)
    return check(
        pd.DataFrame(
            {
                "start": start,
                "end": (start + pd.to_timedelta(chance.integers(0, 50, n), "D")).strftime("%d.%m.%Y"),
                "age": chance.integers(20, 80, n),
                "most": chance.integers(90, 200, n).astype(float),
                "city": city,
                "country": pd.Series(city).map({"Rome": "IT", "Oslo": "NO", "Bern": None}),
                "zip": chance.integers(10000, 99999, n).astype(str),
            }
        ),
        "it",
    )


TEXTS = ["start <= end", "0 <= age < most", "city+country fixed", "zip matches [0-9]{5}", "city != country"]


def test_each_says_which_rows_keep_it() -> None:
    whole = frame()
    spec = Spec.from_dict(json.loads(json.dumps(table("it", whole, rules=TEXTS).spec.to_dict())))
    assert [rule.text for rule in spec.constraints] == TEXTS
    assert set(spec.constraints[2].seen) == {("Rome", "IT"), ("Oslo", "NO"), ("Bern", None)}
    other = whole.iloc[:6].copy()
    other["start"] = pd.to_datetime(["2020-01-05", "2020-01-06", None, *["2020-01-01"] * 3])
    other["end"] = ["05.01.2020", "05.01.2020", "05.01.2020", None, "01.02.2019", "02.01.2020"]
    other["age"] = [0, 50, -1, 99, 100, 100]
    other["most"] = [1, 50, 90, 100, np.nan, 101]
    other["city"] = ["Rome", "Rome", "Bern", "Bern", None, "Ulm"]
    other["country"] = ["IT", "NO", None, "NO", None, "NO"]
    other["zip"] = ["12345", "1234", "123456", "1234a", None, "00000"]
    kept = [constraints.read(spec.fields, rule).holds(other).tolist() for rule in spec.constraints]
    assert kept == [
        [True, False, True, True, False, True],
        [True, False, False, True, True, True],
        [True, False, True, False, False, False],
        [True, False, False, False, True, True],
        [True] * 6,
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("age <= 50", "rows break `age <= 50` (rows "),
        ("zip matches 1.*", "rows break `zip matches 1.*`"),
        ("begin <= end", "`begin <= end`: there is no column `begin`, and as a value: `end` holds dates"),
        ("city+contry fixed", "no column `contry`; perhaps you meant country"),
        ("city fixed", "fixes nothing"),
        ("zip matches [0-9", "no regular expression"),
        ("city < country", "none is more"),
        ("age < start", "compares dates with numbers"),
        ("age", 'is no constraint: write it as "start <= end"'),
        ("city = Ulm", "`city` is never `Ulm`"),
    ],
)
def test_what_cannot_be_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(SparringError, match=re.escape(says)):
        table("it", frame(), rules=[text])
