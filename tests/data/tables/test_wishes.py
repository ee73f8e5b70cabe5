"""What is asked of rows: read by the words, held by the values, and refused in a sentence."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables import codec, kinds, wishes
from sparring.data.tables.check import check
from sparring.data.tables.field import Field
from sparring.errors import SparringError


def frame(count: int = 200) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    return check(
        pd.DataFrame(
            {
                "id": np.arange(count) + 1,
                "age": np.r_[18, 90, chance.integers(18, 91, count - 2)],
                "pay": np.where(chance.random(count) < 0.2, np.nan, chance.normal(50, 9, count)),
                "income": np.where(chance.random(count) < 0.3, ">50K", "<=50K"),
                "rooms": np.arange(count) % 4 + 1,
                "born": pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(count) % 90, "D"),
                "seen": [f"{day:02d}.03.2021" for day in np.arange(count) % 30 + 1],
                "size of room": np.where(
                    np.arange(count) % 5 == 0, None, np.where(np.arange(count) % 2, "big", "New York")
                ),
                "planet": "Earth",
            }
        ),
        "it",
    )


@pytest.fixture(scope="module")
def fields() -> tuple[Field, ...]:
    return codec.fit(frame(), kinds.infer(frame(), ["seen=date"]))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("age=30", lambda f: f.age == 30),
        ("age >= 30", lambda f: f.age >= 30),
        ("age!=30", lambda f: f.age != 30),
        ("age<30.5", lambda f: f.age < 30.5),
        ("pay>50", lambda f: f.pay > 50),
        ("pay!=50", lambda f: f.pay.notna()),
        ("pay=", lambda f: f.pay.isna()),
        ("pay!=", lambda f: f.pay.notna()),
        ("income=>50K", lambda f: f.income == ">50K"),
        ("income==>50K", lambda f: f.income == ">50K"),
        ("income=<=50K", lambda f: f.income == "<=50K"),
        ("income='>50k'", lambda f: f.income == ">50K"),
        ("income!=>50K", lambda f: f.income != ">50K"),
        ("rooms>2", lambda f: f.rooms > 2),
        ("rooms=3.0", lambda f: f.rooms == 3),
        ("born<2000-02-01", lambda f: f.born < "2000-02-01"),
        ("born=2000-02-01", lambda f: f.born == "2000-02-01"),
        ("seen>=15.03.2021", lambda f: f.seen.str[:2].astype(int) >= 15),
        ("seen>=2021-03-15", lambda f: f.seen.str[:2].astype(int) >= 15),
        ("size of room = New York", lambda f: f["size of room"] == "New York"),
        ("size of room!=big", lambda f: f["size of room"] == "New York"),
        ("size of room=", lambda f: f["size of room"].isna()),
        ("planet=Earth", lambda f: f.age > 0),
    ],
)
def test_a_wish_holds_where_pandas_says_so(fields: tuple[Field, ...], text: str, rows) -> None:
    (wish,) = wishes.read(fields, text)
    whole = frame()
    expected = rows(whole).fillna(False).to_numpy(dtype=bool)
    assert expected.any()
    assert (wish.holds(whole[wish.field.name]) == expected).all()


def test_a_mapping_asks_for_values(fields: tuple[Field, ...]) -> None:
    asked = wishes.read(fields, {"income": ">50K", "age": 30, "pay": None, "rooms": np.float64(2)})
    assert [wish.text for wish in asked] == ["income=>50K", "age=30", "pay=", "rooms=2.0"]
    assert wishes.read(fields, ["age=30", "pay="]) == wishes.read(fields, {"age": 30, "pay": np.nan})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("incme=>50K", "no column `incme`; perhaps you meant income"),
        ("income=>60K", "`income` is never `>60K`; perhaps you meant >50K"),
        ("income>1", "`income` has no order"),
        ("age=300", "no row can have age=300: in the data it goes from 18 to 90"),
        ("age<18", "no row can have age<18"),
        ("age=30.5", "holds whole numbers"),
        ("age=old", "`age` holds numbers, and `old` is none"),
        ("age=", "`age` is never missing"),
        ("age<", "compares with nothing"),
        ("born=soon", "`born` holds dates, and `soon` is none: in the data it goes from 2000-01-01"),
        ("rooms>4", "no row has rooms>4"),
        ("planet=Mars", "`planet` is always `Earth`"),
        ("planet=", "never missing: it is always Earth"),
        ("id=3", "`id` is an identifier, made anew"),
        ("income", "`income` is no condition: write column=value"),
    ],
)
def test_what_cannot_be_is_a_sentence(fields: tuple[Field, ...], text: str, says: str) -> None:
    with pytest.raises(SparringError, match=re.escape(says)):
        wishes.read(fields, text)
