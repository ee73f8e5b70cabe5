"""What stands beside the channels of sequences: whose and when they are, and what follows from when. None is learnt."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import scales
from sparring.data.tables.field import Field, Kind

if TYPE_CHECKING:
    import pandas as pd

STARTS = 1000  # of the data's, that are remembered
MICRO = 1e-6  # seconds
MONTH = 27 * 86400.0  # seconds; steps that are longer may be of unequal length, as months are
PREFIX = "sampled-"
PARTS = ("year", "month", "day", "hour", "minute", "second", "day_of_week", "day_of_year", "quarter")
TRIED = 300  # rows on which time zones are tried before all rows
OFFSETS = 4  # between the hours of a place and those of UTC: summer and winter, and half an hour


@dataclass(frozen=True)
class Timeline:
    """The card of these columns.

    Attributes:
        columns: the names of all columns that come back, the channels' too, in the order of the data.
        entity: the column of whose a sequence is; empty where there is none.
        next: the first whole number that is no entity of the data; None where those are no whole numbers.
        prefix: else, what stands before the number of a new entity.
        time: the column of when each row was; None where there is none. Dates count microseconds.
        starts: when sequences of the data began, as `time` counts.
        step: from a row to the next, as `time` counts.
        every: of months, quarters and years pandas' name for them; else empty.
        parts: of each column that is a part of the time its name, the part and its type.
        zone: the time zone in which they are.
    """

    columns: tuple[str, ...]
    entity: str = ""
    next: int | None = None
    prefix: str = PREFIX
    time: Field | None = None
    starts: tuple[float, ...] = ()
    step: float = 1.0
    every: str = ""
    parts: tuple[tuple[str, str, str], ...] = ()
    zone: str = "UTC"

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Timeline:
        """The inverse of `dataclasses.asdict` by way of JSON, which knows no tuples."""
        kept: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        kept["time"] = None if kept["time"] is None else Field.from_dict(kept["time"])
        return cls(**{**kept, "parts": tuple(tuple(part) for part in kept["parts"])})

    def table(self, channels: Mapping[str, object], n: int, steps: int, first: int, seed: int) -> dict[str, object]:
        """n sequences, one below the other, with all columns in their order.

        Args:
            channels: by name, (n * steps,) each.
            steps: rows of a sequence.
            first: the number of the first sequence; new entities are called by it.
            seed: of the starts; the first k do not depend on n.
        """
        made = dict(channels)
        if self.entity:
            numbers = np.repeat(np.arange(first, first + n), steps)
            named = [f"{self.prefix}{number + 1}" for number in numbers] if self.next is None else numbers + self.next
            made[self.entity] = named
        if self.time is not None:
            from sparring.draws import mix  # which imports torch

            drawn = np.random.default_rng(mix("starts", seed, first)).integers(0, len(self.starts), n)
            values = self._times(steps)[drawn].reshape(-1)
            made[self.time.name] = scales.write(values, np.zeros(len(values), bool), self.time)
            made |= self._parts(values)
        return {name: made[name] for name in self.columns}

    def _times(self, steps: int) -> np.ndarray:
        """When each row is that follows a start: (starts, steps) float64."""
        import pandas as pd

        starts = np.asarray(self.starts)
        times: np.ndarray = starts[:, None] + np.arange(steps) * self.step
        if not self.every:
            return times
        begun = pd.to_datetime(np.rint(starts).astype(np.int64), unit="us")
        ranges = [pd.date_range(start, periods=steps, freq=self.every).as_unit("us").asi8 for start in begun]
        times[:] = np.stack(ranges)
        return times

    def _parts(self, values: np.ndarray) -> dict[str, object]:
        import pandas as pd

        there = pd.to_datetime(np.rint(values).astype(np.int64) if self.parts else [], unit="us", utc=True)
        there = there.tz_convert(self.zone)
        return {name: np.asarray(getattr(there, part)).astype(dtype) for name, part, dtype in self.parts}


def parts(frame: pd.DataFrame, names: Sequence[str], when: np.ndarray) -> tuple[str, dict[str, str]]:
    """Which columns equal a part of the time in every row, as an hour does. -> (the time zone, the part of each)

    Args:
        frame: the table.
        names: of columns of numbers.
        when: (n,) seconds since 1970.
    """
    import pandas as pd

    numbers = {name: frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names}
    moments = pd.to_datetime(pd.Series(when), unit="s", utc=True).dt.round("us")

    def found(zone: str, rows: np.ndarray) -> dict[str, str]:
        there = moments.iloc[rows].dt.tz_convert(zone).dt
        values = {part: getattr(there, part).to_numpy() for part in PARTS}
        return {
            name: part
            for name, column in numbers.items()
            if (part := next((part for part in PARTS if np.array_equal(values[part], column[rows])), ""))
        }

    everywhere, some = np.arange(len(when)), np.linspace(0, len(when) - 1, TRIED).astype(int)
    best = found("UTC", everywhere)
    hours = moments.iloc[some].dt.hour.to_numpy()
    away = [len(np.unique((column[some] - hours) % 24)) for name, column in numbers.items() if name not in best]
    if min(away, default=OFFSETS + 1) > OFFSETS or not moments.iloc[some].dt.hour.nunique() > OFFSETS:
        return "UTC", best
    import zoneinfo

    tried = {zone: found(zone, some) for zone in sorted(zoneinfo.available_timezones() - {"localtime"})}
    for zone in sorted(tried, key=lambda zone: (-len(tried[zone]), "/" not in zone, "US/" in zone)):
        if len(tried[zone]) <= len(best):
            break
        if len(there := found(zone, everywhere)) == len(tried[zone]):
            return zone, there
    return "UTC", best


def every(when: np.ndarray, step: float) -> str:
    """pandas' name for steps of whole months, quarters or years, of dates in order (n,) in seconds; else empty."""
    import pandas as pd

    if step < MONTH or len(when) < 3:
        return ""
    with warnings.catch_warnings():  # of a future in which it returns an object
        warnings.simplefilter("ignore")
        found: Any = pd.infer_freq(pd.DatetimeIndex(pd.to_datetime(when, unit="s"))) or ""
    return str(getattr(found, "freqstr", found))


def of_time(column: pd.Series, form: str, starts: np.ndarray, end: float) -> tuple[Field, tuple[float, ...]]:
    """The card of a column that tells the time, and the starts as it counts.

    Args:
        column: numbers, or dates, as text of the strftime format `form` or as pandas' own.
        starts: (n,) numbers, or seconds since 1970.
        end: how long after the last start a sequence may end.
    """
    numbers = column.dtype.kind in "iuf"
    some = np.unique(starts)
    some = some[np.linspace(0, len(some) - 1, min(len(some), STARTS)).astype(int)] / (1.0 if numbers else MICRO)
    low, high = float(some[0]), float(some[-1]) + end / (1.0 if numbers else MICRO)
    if not numbers:
        field = Field(str(column.name), "date", scales.name(column), unit=MICRO, form=form, low=low, high=high)
        return field, tuple(some.tolist())
    known = column.dropna().to_numpy(dtype=np.float64)
    whole = column.dtype.kind in "iu" and not column.isna().any()
    dtype = str(column.dtype).lower() if whole else "float64"
    decimals = scales.decimals(known, np.dtype("float64"))
    kind: Kind = "integer" if whole or decimals == 0 else "continuous"
    return Field(str(column.name), kind, dtype, decimals=decimals, low=low, high=high), tuple(some.tolist())


def of_entity(column: pd.Series) -> tuple[int | None, str]:
    """`next` and `prefix` of a Timeline."""
    known = column.dropna()
    if known.dtype.kind in "iu":
        return int(known.max()) + 1, PREFIX
    prefix, texts = PREFIX, known.astype(str)
    while texts.str.startswith(prefix).any():  # rows that were sampled themselves
        prefix = f"new-{prefix}"
    return None, prefix
