"""Conditions: as frequent as in the data, the same for every n, and what the words asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from made_up import table
from sparring.data import given
from sparring.data.batches import given_of
from sparring.data.spec import Spec
from sparring.data.tables.conditions import draw, met, parse
from sparring.data.tables.field import Field
from sparring.errors import SparringError

PEOPLE = table().spec
ODD = replace(
    PEOPLE,
    name="odd",
    fields=(
        Field("income", "categorical", "object", 2, (0.8, 0.2), values=("<=50K", ">50K")),
        Field("a=b", "categorical", "object", 2, (0.5, 0.5), values=("x=y", "x, y")),
        Field("a", "categorical", "object", 3, (0.5, 0.3, 0.2), missing=True, values=("b=x=y", "")),
        Field("job", "categorical", "object", 3, (0.5, 0.3, 0.2), missing=True, values=("clerk", "Clerk")),
        Field("size", "ordinal", "float64", 2, (0.5, 0.5), values=(30.0, 40.5)),
        Field(
            "town", "categorical", "object", 2, (0.5, 0.5), values=("A", "B", "C"), groups=(0, 1, 1), counts=(5, 3, 2)
        ),
        Field("number", "identifier", "int64", values=()),
        Field("same", "constant", "int64", values=(3,)),
    ),
)


def test_draws_are_a_field_alike_and_its_codes_as_frequent_as_in_the_data() -> None:
    rows = draw(PEOPLE, 40_000, seed=1)
    assert rows.shape == (40_000, 5)
    assert (rows.sum(1) == 1).all()
    city, retired = (next(field for field in PEOPLE.fields if field.name == name) for name in ("city", "retired"))
    expected = torch.tensor([*city.shares, *retired.shares]) / 2
    torch.testing.assert_close(rows.mean(0), expected, atol=0.01, rtol=0)
    assert torch.equal(draw(PEOPLE, 100, seed=1), rows[:100])
    assert not torch.equal(draw(PEOPLE, 100, seed=2), rows[:100])
    assert torch.equal(given.draw(PEOPLE, 9, 1), rows[:9])
    assert torch.equal(given.sweep(PEOPLE, 9, 1), rows[:9])


def test_codes_that_no_row_has_are_never_drawn() -> None:
    field = Field("x", "categorical", "object", 3, (0.0, 1.0, 0.0), values=("a", "b", "c"))
    assert draw(replace(PEOPLE, fields=(field,)), 1000, 0).mean(0).tolist() == [0, 1, 0]


def test_real_rows_are_given_conditions_that_they_meet_the_fields_in_turn() -> None:
    data = table()
    rows = np.array([5, 2, 9])
    known = given_of(data, rows)
    assert torch.equal(known, met(data.spec, data.rows[rows]))
    expected = [int(data.rows[5, 4]), 3 + int(data.rows[2, 5]), int(data.rows[9, 4])]
    assert known.argmax(1).tolist() == expected
    assert (known.sum(1) == 1).all()


@pytest.mark.parametrize(
    ("wish", "name", "code"),
    [
        ("income=>50K", "income", 1),
        ("income = >50K", "income", 1),
        ("a=b=x=y", "a=b", 0),
        ("a=b=x, y", "a=b", 1),
        ("a=", "a", 1),
        ("job=", "job", 2),
        ("job=Clerk", "job", 1),
        ("job=CLERK", "job", 0),
        ("size=30", "size", 0),
        ("size=40.50", "size", 1),
        ("town=C", "town", 1),
    ],
)
def test_words_mean_a_field_and_a_code(wish: str, name: str, code: int) -> None:
    field, found = parse(ODD, wish)
    assert (field.name, found) == (name, code)


def test_a_wish_is_one_row_for_all_samples() -> None:
    rows = given.parse(PEOPLE, "retired=true", 4)
    assert rows.tolist() == [[0, 0, 0, 0, 1]] * 4
    assert given.parse(PEOPLE, "city=Oslo", 1).tolist() == [[0, 1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("spec", "wish", "sentence"),
    [
        (PEOPLE, "town=Oslo", "people has no column `town`; there are age, city, pay, retired"),
        (PEOPLE, "citty=Oslo", "no column `citty`; perhaps you meant city"),
        (PEOPLE, "city=Olso", "`city` is never `Olso`; perhaps you meant Oslo"),
        (PEOPLE, "city=Paris", "`city` is never `Paris`; there are Rome, Oslo, Bern"),
        (PEOPLE, "city=", "`city` is never missing; there are Rome, Oslo, Bern"),
        (PEOPLE, "age=30", "`age` is a number or a date, and only categories can be asked for: city, retired"),
        (PEOPLE, "Oslo", "`Oslo` is no condition: write column=value, such as city=Rome"),
        (ODD, "same=3", "`same` is constant"),
        (ODD, "number=3", "`number` is an identifier"),
    ],
)
def test_mistakes_are_said_in_a_sentence(spec: Spec, wish: str, sentence: str) -> None:
    with pytest.raises(SparringError) as mistake:
        parse(spec, wish)
    assert sentence in str(mistake.value)
