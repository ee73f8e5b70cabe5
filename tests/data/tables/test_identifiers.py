"""New identifiers look like the old ones, are none of them, and never repeat."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables import identifiers


def made(known: pd.Series, count: int, seed: int = 0) -> list[object]:
    """Identifiers that are asked for in two parts."""
    pattern = identifiers.learn(known)
    half = count // 3
    parts = identifiers.make(pattern, 0, half, seed), identifiers.make(pattern, half, count - half, seed)
    fresh = np.concatenate(parts).tolist()
    assert fresh == identifiers.make(pattern, 0, count, seed).tolist()
    assert len(set(fresh)) == count
    assert not set(fresh) & set(known)
    return fresh


def drawn(template: str, count: int) -> pd.Series:
    """Texts in which 9 stands for any digit and A for any letter."""
    random = np.random.default_rng(0)
    letters = {"9": list("0123456789"), "A": list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    columns = [random.choice(letters.get(letter, [letter]), count) for letter in template]
    return pd.Series(["".join(row) for row in zip(*columns, strict=True)]).drop_duplicates()


def test_numbers_go_on_after_the_highest() -> None:
    assert made(pd.Series([3, 1, 2]), 4) == [4, 5, 6, 7]
    assert made(pd.Series([7.0, 900.0]), 2) == [901, 902]


def test_numbers_stay_within_their_type() -> None:
    known = pd.Series(np.random.default_rng(0).integers(1, 2**31 - 1, 1000), dtype="int32")
    known.iloc[0] = 2**31 - 2
    assert max(made(known, 5000)) < 2**31  # type: ignore[type-var]


@pytest.mark.parametrize("form", ["uuid", "UUID"])
def test_uuids_are_uuids(form: str) -> None:
    known = pd.Series([str(uuid.UUID(int=n**9 + 1, version=4)) for n in range(50)])
    fresh = made(known.str.upper() if form == "UUID" else known, 1000)
    assert all(uuid.UUID(str(text)).version == 4 for text in fresh)
    assert all(str(text).isupper() == (form == "UUID") for text in fresh)
    assert fresh != made(known, 1000, seed=1)


@pytest.mark.parametrize("template", ["AB-9999", "9999-99", "AAA999", "x_99999.A", "99:99:9A", "[9]\\^-9(A9)"])
def test_texts_keep_their_shape(template: str) -> None:
    known = drawn(template, 60)
    shape = "".join({"9": "[0-9]", "A": "[A-Z]"}.get(letter, re.escape(letter)) for letter in template)
    assert all(re.fullmatch(shape, str(text)) for text in made(known, 100))


def test_counters_count_on_past_their_digits() -> None:
    known = pd.Series([f"ID{n:06d}" for n in range(1, 1000)])
    assert made(known, 3) == ["ID001000", "ID001001", "ID001002"]
    known = pd.Series([f"AB-{n:04d}" for n in range(5000, 9999)])
    assert made(known, 3) == ["AB-9999", "AB-10000", "AB-10001"]


def test_numbers_of_several_lengths_go_on() -> None:
    assert made(pd.Series([f"user{n}@home" for n in range(95, 123)]), 2) == ["user123@home", "user124@home"]
    assert made(pd.Series([f"u{n}" for n in range(2, 999)]), 3) == ["u999", "u1000", "u1001"]


def test_nothing_repeats_when_the_shape_is_full() -> None:
    known = drawn("99A", 2000)
    fresh = made(known, 6000)
    assert {len(str(text)) for text in fresh} == {3, 4}


@pytest.mark.parametrize(
    "known",
    [
        ["ann@x.org", "bob@y.org", "carl@zz.com", "dora@ex.net"],
        ["", "a", "bb"],
        ["one"],
        ["Ä ö", "ß !", "€ 9"],
        ["f" * 40, "0" * 40, "a1" * 20],
        ["A long remark that nobody else has made.", "Another, much longer remark that differs from all the others!"],
    ],
)
def test_whatever_text_there_is_new_ones_are_new(known: list[str]) -> None:
    made(pd.Series(known), 3000)


def test_codes_of_several_lengths_do_not_meet() -> None:
    random = np.random.default_rng(0)
    known = pd.Series([f"{'AB'[n % 2]}{n:0{length}d}" for n in range(90) for length in (2, 3)]).drop_duplicates()
    made(known.iloc[random.permutation(len(known))], 2000)
