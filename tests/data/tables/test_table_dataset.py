"""A frame as a data set: what it is told by, and that a changed table is another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sparring.data.spec import Spec
from sparring.data.split import split
from sparring.data.tables import codec
from sparring.data.tables.dataset import table
from sparring.data.tables.field import Layout


def people(count: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"P{n:05d}" for n in range(count)],
            "age": random.integers(18, 90, count),
            "town": random.choice(["Ulm", "Hof", "Au"], count),
            "pay": np.where(random.random(count) < 0.3, np.nan, np.round(random.gamma(2, 900, count), 2)),
        }
    )


def test_it_is_told_by_its_spec() -> None:
    data = table("people", people())
    spec = Spec.from_dict(data.spec.to_dict())
    assert spec == data.spec
    assert (spec.kind, spec.name, spec.count, spec.range) == ("table", "people", 300, (-1.0, 1.0))
    assert [field.kind for field in spec.fields] == ["identifier", "integer", "categorical", "continuous"]
    assert data.rows.shape == (300, *spec.shape) == (300, Layout(spec.fields).width)
    assert data.rows.dtype == np.float32
    assert spec.given == 3
    back = codec.decode(spec.fields, data.rows)
    pd.testing.assert_series_equal(back["town"], people()["town"])


def test_its_hash_is_of_the_values_and_of_what_they_are_taken_for() -> None:
    frame = people()
    same = table("people", frame).spec.hash
    assert table("others", frame.copy()).spec.hash == same
    changed = frame.copy()
    changed.loc[7, "age"] += 1
    hashes = {
        same,
        table("people", changed).spec.hash,
        table("people", frame.iloc[::-1].reset_index(drop=True)).spec.hash,
        table("people", frame.rename(columns={"age": "years"})).spec.hash,
        table("people", frame, ["age=categorical"]).spec.hash,
    }
    assert len(hashes) == 5


def test_equal_rows_are_never_both_trained_on_and_held_out() -> None:
    frame = people(400).drop(columns="id")
    doubled = pd.concat([frame, frame], ignore_index=True)
    training, held = split(table("people", doubled), 0.25)
    assert held is not None
    known = {row.tobytes() for row in training.take(np.arange(len(training)))}
    assert not any(row.tobytes() in known for row in held.take(np.arange(len(held))))
    assert len(held) == 200


def test_notes_say_what_is_not_learnt() -> None:
    frame = people(1000).assign(code=[f"c{n % 400}" for n in range(1000)])
    frame.attrs["notes"] = ("A note.",)
    assert table("people", frame).notes == (
        "A note.",
        "Identifiers are made anew and never learnt: id.",
        "The 400 values of code share 250 codes: rare ones are drawn by their frequency.",
    )


def test_its_spec_is_of_plain_values_alone() -> None:
    """A checkpoint that holds numpy's numbers could not be read again, as nothing but plain values is unpickled."""
    frame = people()
    frame["town"] = frame["town"].where(np.arange(300) % 7 > 0, None)
    frame["owns"] = pd.array(np.where(np.arange(300) % 5 > 0, np.arange(300) % 2 == 0, None), dtype="boolean")
    frame["id"] = frame["id"].where(np.arange(300) % 9 > 0, None)

    def kinds(value: object) -> set[type]:
        if isinstance(value, dict | list):
            return set().union(*map(kinds, value.values() if isinstance(value, dict) else value))
        return {type(value)}

    spec = table("people", frame, rules=["town+owns fixed", "0 <= age"]).spec
    assert kinds(spec.to_dict()) <= {str, int, float, bool, type(None)}
