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
from sparring.data.sequences import timeline
from sparring.data.sequences.read import Order, Readings, read
from sparring.data.sequences.timeline import Timeline
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
    cut, groups, begun = windows(readings, order.window)
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
    spec = Spec(
        "sequences", name, shape, (-1.0, 1.0), len(rows), hash=_hash(rows, groups, fields), fields=fields,
        dialect=dialect, timeline=_timeline(frame, readings, order, begun),
    )  # fmt: skip
    notes = (*frame.attrs.get("notes", ()), *readings.notes, _told(readings, len(rows), order))
    return Dataset(spec, rows, notes=notes, groups=groups)


def windows(readings: Readings, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> (sequences (n, channels, window) float64, no value missing, the block of each (n,) int64, when each begins)"""
    cut: list[np.ndarray] = [np.empty((0, len(readings.columns), window))]
    groups, begun, block = [np.empty(0, np.int64)], [np.empty(0)], 0
    for stretch in readings.stretches:
        count = len(stretch.values)
        if count < window:
            continue
        edges = np.linspace(0, count, max(1, count // (BLOCK * window)) + 1).astype(int)
        for first, last in pairwise(edges):
            every = np.lib.stride_tricks.sliding_window_view(stretch.values[first:last], window, axis=0)
            places = np.arange(0, len(every), max(1, window // APART))
            places = places[~np.isnan(every[places]).any((1, 2))]
            cut.append(every[places])
            groups.append(np.full(len(places), block))
            begun.append(stretch.when[first + places])
            block += 1
    return np.concatenate(cut), np.concatenate(groups), np.concatenate(begun)


def table(spec: Spec, rows: np.ndarray, first: int = 0, seed: int = 0) -> pd.DataFrame:
    """Sequences (n, channels, window) in -1..1 as a table: a row for each step, one sequence below the other.

    Args:
        spec: whose fields say how each channel is written.
        rows: as stored.
        first: the number of the first sequence.
        seed: of the times at which they start.

    Returns:
        The column `sequence` (numbers from `first`), without a time `step` (from 0), and the columns of the data in
        their order and with their types: the channels, an entity that the data does not have for each sequence, and
        times that go on from one at which a sequence of the data began.
    """
    import pandas as pd

    n, _, steps = rows.shape
    columns: dict[str, object] = {
        _free(SEQUENCE, spec): np.repeat(np.arange(first, first + n), steps),
    }
    if spec.timeline is None or spec.timeline.time is None:
        columns[_free(STEP, spec)] = np.tile(np.arange(steps), n)
    channels: dict[str, object] = {}
    for field, values in zip(spec.fields, np.moveaxis(rows, 1, 0), strict=True):
        plain = (values.reshape(-1).astype(np.float64) + 1) / 2 * (field.high - field.low) + field.low
        channels[field.name] = scales.write(plain, np.zeros(len(plain), bool), field)
    whole = channels if spec.timeline is None else spec.timeline.table(channels, n, steps, first, seed)
    return pd.DataFrame({**columns, **whole})


def _free(name: str, spec: Spec) -> str:
    """A name that no column has."""
    taken = {field.name for field in spec.fields} | set(spec.timeline.columns if spec.timeline else ())
    while name in taken:
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


def _timeline(frame: pd.DataFrame, readings: Readings, order: Order, begun: np.ndarray) -> Timeline:
    """The card of what stands beside the channels."""
    kept = {order.entity, order.time, *readings.parts, *readings.columns}
    card = Timeline(tuple(str(name) for name in frame if name in kept))
    if order.entity is not None:
        following, prefix = timeline.of_entity(frame[order.entity])
        card = replace(card, entity=order.entity, next=following, prefix=prefix)
    if order.time is None:
        return card
    column, longest = frame[order.time], max(readings.stretches, key=lambda stretch: len(stretch.when))
    field, starts = timeline.of_time(column, readings.form, begun, 2 * readings.step * order.window)
    dates = field.kind == "date"
    return replace(
        card,
        time=field,
        starts=starts,
        step=readings.step / (timeline.MICRO if dates else 1.0),
        every=timeline.every(longest.when, readings.step) if dates else "",
        parts=tuple((name, part, str(frame[name].dtype).lower()) for name, part in readings.parts.items()),
        zone=readings.zone,
    )


def _told(readings: Readings, count: int, order: Order) -> str:
    entities = len({stretch.entity for stretch in readings.stretches})
    of = "" if order.entity is None else f" of {entities:,} {order.entity}"
    rows = sum(len(stretch.values) for stretch in readings.stretches)
    count_of = len(readings.stretches)
    gaps = "without a gap" if count_of == entities else f"in {count_of:,} stretches between gaps"
    return (
        f"{rows:,} rows{of} {gaps} give {count:,} windows of {order.window} rows, each beginning "
        f"{max(1, order.window // APART)} rows after the last. "
        f"A group is a block of about {BLOCK * order.window:,} rows; no window reaches from one into another."
    )
