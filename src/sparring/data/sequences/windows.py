"""Stretches of time cut into sequences of equal length, and back into a table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sparring.data.dataset import Dataset
from sparring.data.sequences.read import Order, Readings, read
from sparring.data.spec import Spec
from sparring.data.tables import scales
from sparring.data.tables.field import Field
from sparring.data.tables.wording import Dialect
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

APART = 4  # sequences begin a quarter of their length after one another
BLOCK = 7  # lengths of a sequence in a block, which lies on one side of the split; a week of days
LEAST = 10  # sequences
SEQUENCE, STEP = "sequence", "step"  # columns of a table of sequences


def sequences(name: str, frame: pd.DataFrame, order: Order) -> Dataset:
    """Cut a table into sequences, which stay in memory.

    Each stretch without a gap is cut into blocks of about 7 lengths of a sequence, and each block into sequences that
    begin a quarter of their length after one another. No sequence reaches into another block, and blocks are never
    parted between training and held-out data: so a held-out sequence shares no row with one that was trained on.

    Args:
        name: of the data, for folders and titles.
        frame: as `check.check` leaves it.
        order: which columns tell whose a row is and when, and how long a sequence is.

    Returns:
        Rows (n, channels, window) float32 in -1..1: each channel is scaled from its least to its greatest value.
        The card of a channel has its bounds, its type and decimals, and as `deviations` those of a step's change, as
        scaled. `groups` are the blocks.

    Raises:
        SparringError: as `read.read` does, and where fewer than 10 sequences are found.
    """
    readings = read(frame, order)
    cut, groups = windows(readings, order.window)
    if len(cut) < LEAST:
        longest = max((len(stretch.values) for stretch in readings.stretches), default=0)
        raise SparringError(
            f"There are {len(cut)} sequences of {order.window} rows without a gap in {name}, and {LEAST} are needed: "
            f"the longest stretch has {longest:,} rows; ask for shorter ones with --window, or name the right --entity "
            "and --time."
        )
    rows = _scaled(cut)
    fields = _cards(frame, readings.columns, cut, rows)
    shape = (len(fields), order.window)
    wordings, dialect = frame.attrs.get("wordings", {}), frame.attrs.get("dialect", Dialect())
    fields = tuple(replace(field, wording=wordings.get(field.name, field.wording)) for field in fields)
    digest = _hash(rows, groups, fields)
    spec = Spec("sequences", name, shape, (-1.0, 1.0), len(rows), hash=digest, fields=fields, dialect=dialect)
    notes = (*frame.attrs.get("notes", ()), *readings.notes, _told(readings, len(rows), order))
    return Dataset(spec, rows, notes=notes, groups=groups)


def windows(readings: Readings, window: int) -> tuple[np.ndarray, np.ndarray]:
    """-> (sequences (n, channels, window) float64 without missing values, the block of each (n,) int64)"""
    cut: list[np.ndarray] = [np.empty((0, len(readings.columns), window))]
    groups, block = [np.empty(0, np.int64)], 0
    for stretch in readings.stretches:
        count = len(stretch.values)
        if count < window:
            continue
        edges = np.linspace(0, count, max(1, count // (BLOCK * window)) + 1).astype(int)
        for first, last in pairwise(edges):
            every = np.lib.stride_tricks.sliding_window_view(stretch.values[first:last], window, axis=0)
            some = every[:: max(1, window // APART)]
            whole = some[~np.isnan(some).any((1, 2))]
            cut.append(whole)
            groups.append(np.full(len(whole), block))
            block += 1
    return np.concatenate(cut), np.concatenate(groups)


def table(spec: Spec, rows: np.ndarray, first: int = 0) -> pd.DataFrame:
    """Sequences (n, channels, window) in -1..1 as a table: a row for each step, one sequence below the other.

    Args:
        spec: whose fields say how each channel is written.
        rows: as stored.
        first: the number of the first sequence.

    Returns:
        The columns `sequence` (numbers from `first`), `step` (from 0) and the channels, with their types.
    """
    import pandas as pd

    n, _, steps = rows.shape
    columns: dict[str, object] = {
        _free(SEQUENCE, spec): np.repeat(np.arange(first, first + n), steps),
        _free(STEP, spec): np.tile(np.arange(steps), n),
    }
    for field, values in zip(spec.fields, np.moveaxis(rows, 1, 0), strict=True):
        plain = (values.reshape(-1).astype(np.float64) + 1) / 2 * (field.high - field.low) + field.low
        columns[field.name] = scales.write(plain, np.zeros(len(plain), bool), field)
    return pd.DataFrame(columns)


def _free(name: str, spec: Spec) -> str:
    """A name that no channel has."""
    while any(field.name == name for field in spec.fields):
        name += "_"
    return name


def _scaled(cut: np.ndarray) -> np.ndarray:
    """Sequences (n, channels, window) -> the same in -1..1, each channel by its least and greatest value; float32."""
    low, high = cut.min((0, 2)), cut.max((0, 2))
    span = np.where(high > low, high - low, 1.0)[:, None]
    rows: np.ndarray = ((cut - low[:, None]) / span * 2 - 1).astype(np.float32)
    return rows


def _hash(rows: np.ndarray, groups: np.ndarray, fields: tuple[Field, ...]) -> str:
    digest = hashlib.sha256(rows.astype("<f4").data)
    digest.update(groups.astype("<i8").data)
    digest.update(json.dumps([field.learnt for field in fields]).encode())
    return digest.hexdigest()


def _cards(frame: pd.DataFrame, columns: Sequence[str], cut: np.ndarray, rows: np.ndarray) -> tuple[Field, ...]:
    """Of the channels, from their values as they are and as scaled, each (n, channels, window)."""
    steps = np.diff(rows, axis=2).std((0, 2))
    return tuple(
        _card(frame[column], cut[:, channel], float(step))
        for channel, (column, step) in enumerate(zip(columns, steps, strict=True))
    )


def _card(column: pd.Series, values: np.ndarray, step: float) -> Field:
    """Of a channel, from its values (n, window)."""
    whole = column.dtype.kind in "iu"
    dtype = str(column.dtype).lower() if whole and not column.isna().any() else "float64"
    known = column.dropna().to_numpy(dtype=np.float64)
    kind = column.to_numpy().dtype if column.dtype.kind == "f" else np.dtype("float64")
    decimals = scales.decimals(known, kind)
    low, high = float(values.min()), float(values.max())
    whole = whole or decimals == 0
    return Field(
        str(column.name),
        "integer" if whole else "continuous",
        dtype,
        low=low,
        high=high,
        decimals=decimals,
        deviations=(step,),
    )


def _told(readings: Readings, count: int, order: Order) -> str:
    entities = len({stretch.entity for stretch in readings.stretches})
    of = "" if order.entity is None else f" of {entities:,} different {order.entity}"
    rows = sum(len(stretch.values) for stretch in readings.stretches)
    return (
        f"{rows:,} rows in {len(readings.stretches):,} stretches without a gap{of} give {count:,} sequences of "
        f"{order.window} rows, each beginning {max(1, order.window // APART)} rows after the last."
    )
