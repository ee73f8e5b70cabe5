"""A data frame as a data set to train on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.data.tables import codec, constraints, dates, kinds, mixed
from sparring.data.tables.field import Field, Layout
from sparring.data.tables.wording import Dialect

if TYPE_CHECKING:
    import pandas as pd


def table(name: str, frame: pd.DataFrame, asked: Sequence[str] = (), rules: Sequence[str] = ()) -> Dataset:
    """Settle the kind of each column, fit its card and encode all rows, which stay in memory.

    Args:
        name: of the data, for folders and titles.
        frame: as `check.check` leaves it; what it says was done (`.attrs["notes"]`) is among the data set's notes.
        asked: the user's wishes, such as "zip=categorical".
        rules: constraints that sampled rows are to keep, such as "start <= end".

    Returns:
        Rows (n, Layout.width) float32 as `tables.field` lays them out. The hash is over the values and the cards.

    Raises:
        SparringError: as `kinds.infer` and `constraints.fit` say.
    """
    decisions = kinds.infer(frame, asked)
    fields = codec.fit(frame, decisions)
    encoded = codec.encode_with_keys(fields, frame)
    digest = hashlib.sha256(encoded.keys.astype("<u8").data)
    digest.update(json.dumps([field.learnt for field in fields]).encode())
    spec = Spec(
        kind="table",
        name=name,
        shape=(Layout(fields).width,),
        range=(-1.0, 1.0),
        count=len(frame),
        hash=digest.hexdigest(),
        fields=fields,
        constraints=constraints.fit(fields, frame, rules),
        dialect=frame.attrs.get("dialect", Dialect()),
    )
    odd = [told for column, decision in decisions.items() if (told := mixed.note(column, frame[column], decision))]
    return Dataset(spec, encoded.rows, notes=(*frame.attrs.get("notes", ()), *odd, *_notes(fields)))


def _notes(fields: Sequence[Field]) -> list[str]:
    """What is done otherwise than a reader of the table would expect."""
    notes = []
    if fresh := [field.name for field in fields if field.kind == "identifier"]:
        notes.append(f"Identifiers are made anew and never learnt: {', '.join(fresh)}.")
    notes += [
        f"The times of {field.name} have several offsets from UTC: sampled ones have {offset[1]}, as most."
        for field in fields
        if field.kind == "date" and (offset := dates.OFFSETS.search(field.form))
    ]
    notes += [
        f"The {len(field.values):,} values of {field.name} share {field.codes} codes: rare ones are drawn by their "
        "frequency."
        for field in fields
        if field.groups
    ]
    return notes
