"""A table whose rows follow one another: which column says whose a row is, which when, and which are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sparring.config import nearest
from sparring.data.sequences import timeline
from sparring.data.tables import dates
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

SPARSE = 0.5  # share of missing values above which a column is left out
LATE = 1.5  # usual steps between two rows, above which there is a gap between them
RARE = 0.001  # share of the values at each end, beyond which a channel's mistakes may lie
BRIDGED = 8  # missing values in succession are filled in up to this fraction of a sequence's length


@dataclass(frozen=True)
class Order:
    """How the rows of a table follow one another, as the user says it.

    Attributes:
        entity: the column that tells whose a row is, such as a patient or a station; None where all are of one.
        time: the column that tells when: numbers or dates; None where the rows are in order.
        window: rows of a sequence, 2 or more.
    """

    entity: str | None = None
    time: str | None = None
    window: int = 24


@dataclass(frozen=True)
class Stretch:
    """Rows of one entity that follow one another without a gap.

    Attributes:
        entity: its number, from 0.
        values: (n, channels) float64; NaN where more values are missing in succession than are filled in.
        when: (n,) float64, ascending: numbers, or seconds since 1970; where there is no time, the numbers of the rows.
    """

    entity: int
    values: np.ndarray
    when: np.ndarray


@dataclass(frozen=True)
class Readings:
    """All that is measured, in the order of time.

    Attributes:
        columns: names of the channels.
        stretches: what was measured.
        notes: plain sentences on what was left out and filled in.
        step: usually from a row to the next, as `Stretch.when` counts.
        form: the strftime format of a time in text, else empty.
        zone, parts: the columns that are a part of the time, and of which time zone's; see `timeline.parts`.
    """

    columns: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    notes: tuple[str, ...]
    step: float
    form: str
    zone: str
    parts: dict[str, str]


def read(frame: pd.DataFrame, order: Order) -> Readings:
    """The columns of numbers, apart for each entity and in the order of time.

    Missing values are filled in on a line between those before and after, up to an eighth of a sequence's length in
    succession. Values far beyond all others are brought nearer. Rows further apart than 1.5 usual steps (the median
    over all entities) do not follow one another.

    Args:
        frame: as `check.check` leaves it.
        order: whose columns it must have.

    Raises:
        SparringError: for a column that is not there, times that are neither numbers nor dates, two rows of one
            entity at one time, and where no column of numbers varies.
    """
    for name in (order.entity, order.time):
        if name is not None and name not in frame:
            raise SparringError(f"The table has no column {name}{nearest(name, list(frame))}")
    whose = np.zeros(len(frame), np.int64) if order.entity is None else _numbered(frame[order.entity])
    when = np.arange(len(frame), dtype=np.float64)
    form, zone, parts = "", "UTC", dict[str, str]()
    if order.time is not None:
        form = form_of(frame[order.time])
        when = instants(frame[order.time], form)
        zone, parts = _parts(frame, order, when)
    names, notes = _channels(frame, order, parts, zone)
    known = (whose >= 0) & ~np.isnan(when)
    if unknown := int((~known).sum()):
        notes.append(f"{unknown:,} rows were left out, as it is not known whose or when they are.")
    sequence = np.flatnonzero(known)[np.lexsort((when[known], whose[known]))]
    whose, when = whose[sequence], when[sequence]
    values = np.stack([frame[name].to_numpy(dtype=np.float64, na_value=np.nan)[sequence] for name in names], 1)
    notes += [_fenced(name, channel) for name, channel in zip(names, values.T, strict=True)]
    starts, step = _starts(whose, when, order)
    stretches, filled = [], 0
    for first, last in zip(starts, [*starts[1:], len(values)], strict=True):
        bridged = bridge(values[first:last], max(1, order.window // BRIDGED))
        filled += int((np.isnan(values[first:last]) & ~np.isnan(bridged)).sum())
        stretches.append(Stretch(int(whose[first]), bridged, when[first:last]))
    if filled:
        notes.append(f"{filled:,} of {values.size:,} values were missing and lie on a line between their neighbours.")
    said = tuple(note for note in notes if note)
    return Readings(tuple(names), tuple(stretches), said, step, form, zone, parts)


def form_of(column: pd.Series) -> str:
    """The strftime format of a column that tells the time in text; empty for numbers and pandas' own dates.

    Raises:
        SparringError: for what tells no time.
    """
    if column.dtype.kind in "iufM":
        return ""
    form, odd = dates.form(column.dropna().drop_duplicates().astype(str))
    if odd is not None or not form:
        wrong = column.dropna().iloc[0] if odd is None else odd
        raise SparringError(f'The column {column.name} tells the time, and "{wrong}" is neither a number nor a date.')
    return form


def instants(column: pd.Series, form: str) -> np.ndarray:
    """When each row was: numbers as they are, dates in seconds; (n,) float64, NaN where missing."""
    if column.dtype.kind in "iuf":
        numbers: np.ndarray = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers
    return seconds(column, form)


def _parts(frame: pd.DataFrame, order: Order, when: np.ndarray) -> tuple[str, dict[str, str]]:
    """The columns of whole numbers that follow from dates; see `timeline.parts`."""
    known = np.flatnonzero(~np.isnan(when))
    if frame[order.time].dtype.kind in "iuf" or not len(known):
        return "UTC", {}
    others = [name for name in frame if name not in (order.entity, order.time)]
    whole = [str(name) for name in others if frame[name].dtype.kind in "iu" and not frame[name].isna().any()]
    return timeline.parts(frame.iloc[known], whole, when[known])


def seconds(column: pd.Series, form: str) -> np.ndarray:
    """Dates, as text of a format that `dates` knows or as pandas' own -> (n,) float64 seconds, NaN where missing."""
    import pandas as pd

    moments = pd.to_datetime(dates.read(column, form) if form else column, utc=True)
    since: np.ndarray = ((moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(dtype=np.float64)
    return since


def bridge(values: np.ndarray, most: int) -> np.ndarray:
    """(n, c) with up to `most` NaN in succession, between two values, replaced on the line between these."""
    made = values.copy()
    for channel in made.T:
        missing = np.isnan(channel)
        if not missing.any() or missing.all():
            continue
        known = np.flatnonzero(~missing)
        gaps = np.diff(known)
        short = np.repeat(gaps <= most + 1, gaps)  # of the rows from the first known to before the last
        within = np.zeros(len(channel), bool)
        within[known[0] : known[-1]] = short
        at = np.flatnonzero(missing & within)
        channel[at] = np.interp(at, known, channel[known])
    return made


def _fenced(name: str, channel: np.ndarray) -> str:
    """Bring values that lie far beyond all others (n,), in place, to where far begins. -> a note, or nothing

    Far is the distance from the lowest to the highest thousandth, beyond these: one mistake would otherwise leave all
    other values no room on the scale.
    """
    low, high = np.nanquantile(channel, [RARE, 1 - RARE])
    if high == low:
        return ""
    fence = (2 * low - high, 2 * high - low)
    beyond = (channel < fence[0]) | (channel > fence[1])
    if not beyond.any():
        return ""
    worst = channel[beyond][np.abs(channel[beyond] - (low + high) / 2).argmax()]
    channel[:] = np.clip(channel, *fence)
    return (
        f"{beyond.sum():,} values of {name} lie far beyond the others (up to {worst:,.6g}) and count as "
        f"{' or '.join(f'{end:,.6g}' for end in np.unique(channel[beyond]))}."
    )


def _channels(frame: pd.DataFrame, order: Order, parts: dict[str, str], zone: str) -> tuple[list[str], list[str]]:
    """The columns that are learnt, and what is said of the others."""
    names, text, empty, same = [], [], [], []
    for name, column in frame.items():
        if name in (order.entity, order.time) or name in parts:
            continue
        if column.dtype.kind not in "iuf":
            text.append(str(name))
        elif column.isna().mean() > SPARSE:
            empty.append(str(name))
        elif column.nunique() < 2:
            same.append(str(name))
        else:
            names.append(str(name))
    if not names:
        raise SparringError("No column is left to learn: sequences are made of columns of numbers that vary.")
    reasons = {"they hold no numbers": text, "most values are missing": empty, "they hold one value": same}
    notes = [f"Left out, as {reason}: {', '.join(left)}." for reason, left in reasons.items() if left]
    if parts:
        there = "" if zone == "UTC" else f" in a time zone that fits, {zone}"
        notes.append(f"Not learnt but computed from {order.time}{there}: {', '.join(parts)}.")
    return names, notes


def _numbered(column: pd.Series) -> np.ndarray:
    """(n,) int64, a number for each value from 0; -1 where missing."""
    codes: np.ndarray = column.factorize()[0].astype(np.int64)
    return codes


def _starts(whose: np.ndarray, when: np.ndarray, order: Order) -> tuple[list[int], float]:
    """Where a stretch begins among rows in order, and the usual step from a row to the next."""
    same, apart = whose[1:] == whose[:-1], np.diff(when)
    if order.time is not None and (twice := np.flatnonzero(same & (apart == 0))).size:
        of = "" if order.entity is None else f" of one {order.entity}"
        column = "give the column of whose they are with --entity" if order.entity is None else "leave one out"
        raise SparringError(f"{len(twice) + 1:,} rows or more{of} are of one {order.time} with another: {column}.")
    usual = float(np.median(apart[same])) if same.any() else 0.0
    return [0, *(np.flatnonzero(~same | (apart > LATE * usual)) + 1).tolist()] if len(whose) else [], usual
