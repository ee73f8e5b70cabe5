"""The one format that all dates of a text column are written in; and by it, from text to dates and back.

A format is strftime's, but for two things that this has not got: %3f is a second's fraction of three digits, and
%z[+02:00] any offset from UTC, in place of which this one is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# Where a date fits two of them, as 03/04/2024 does, the first that fits all values is taken.
DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m"),
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y"),
    *("%d %b %Y", "%d-%b-%Y", "%b-%Y", "%b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
ZONE = re.compile(r"(?<=:\d\d)\S*?(Z|[+-]\d\d:?\d\d)$")
FRACTION = re.compile(r"%(\d)f")
OFFSETS = re.compile(r"%z\[(.+)\]")
EARLIEST, LATEST = 1900_01_01, 2100_12_31  # among whole numbers that are dates
MOST = 40  # characters of a date
FIRST = 200  # values that are tried before all
GOOD = 0.9  # of the values that are dates, above which the rest are mistakes


def form(values: pd.Series) -> tuple[str, str | None]:
    """The strftime format of a column of text, and a value that it does not fit.

    Args:
        values: text, none missing, or numbers; each value once is enough.

    Returns:
        The format and None where it fits all; the format and the first odd value where it fits at least nine tenths;
        and ("", None) where these are no dates. A zone that all share, such as Z, is part of the format. Of numbers
        the format is %Y%m%d, where all are such dates of the years 1900 to 2100.
    """
    if values.dtype.kind in "iuf":
        return ("%Y%m%d" if _are_days(values) else ""), None
    some = values.iloc[:FIRST]
    short = some[(some.str.len() <= MOST) & some.str.contains(r"\d", regex=True)]
    if len(short) < GOOD * len(some):
        return "", None
    best, odd = "", None
    for candidate in _candidates(short.iloc[0]):
        if _fits(some, candidate).mean() < GOOD:
            continue
        good = _fits(values, candidate)
        if good.all():
            return _exactly(values, candidate), None
        if not best and good.mean() >= GOOD:
            best, odd = candidate, str(values[~good].iloc[0])
    return best, odd


def read(column: pd.Series, form: str) -> pd.Series:
    """Text or numbers of a format as dates without a zone, in the time of the offset that is written; else NaT."""
    import pandas as pd

    if column.dtype.kind in "iuf":
        column = column.astype("Int64").astype("string")
    offset = OFFSETS.search(form)
    if not offset:
        return pd.to_datetime(column, format=FRACTION.sub("%f", form), errors="coerce")
    world = pd.to_datetime(column, format=_plain(form), errors="coerce", utc=True)
    return world.dt.tz_localize(None) + _shift(offset[1])


def write(dates: pd.DatetimeIndex, form: str) -> np.ndarray:
    """The inverse of `read`: text (n,), as objects."""
    import pandas as pd

    fraction = FRACTION.search(form)
    form = OFFSETS.sub(lambda offset: offset[1], form)
    if not fraction:
        return np.asarray(dates.strftime(form), dtype=object)
    before, after = form[: fraction.start()], form[fraction.end() :]
    parts = dates.as_unit("ns").asi8 % 10**9 // 10 ** (9 - int(fraction[1]))
    texts = [str(part).zfill(int(fraction[1])) for part in parts.tolist()]
    starts, ends = dates.strftime(before), dates.strftime(after) if after else [""] * len(texts)
    made = [f"{start}{text}{end}" for start, text, end in zip(starts, texts, ends, strict=True)]
    return np.array([None if lost else text for text, lost in zip(made, pd.isna(dates), strict=True)], dtype=object)


def _plain(form: str) -> str:
    """The nearest format that pandas knows."""
    return OFFSETS.sub("%z", FRACTION.sub("%f", form))


def _shift(offset: str) -> pd.Timedelta:
    """How far ahead of UTC an offset is, such as +02:00 or Z."""
    import pandas as pd

    away = datetime.strptime(offset, "%z").utcoffset()
    return pd.Timedelta(away)


def _exactly(values: pd.Series, candidate: str) -> str:
    """A format with as many digits of a fraction as the values have, and with the offset that most have."""
    if "%f" in candidate:
        lengths = values.str.extract(r":\d\d\.(\d+)", expand=False).str.len()
        candidate = candidate.replace("%f", f"%{lengths.iloc[0]}f") if lengths.nunique() == 1 else candidate
    if "%z" in candidate:
        most = values.str.extract(ZONE, expand=False).value_counts().index[0]
        candidate = candidate.replace("%z", f"%z[{most}]")
    return candidate


def _are_days(values: pd.Series) -> bool:
    """Whether numbers are all dates as 20040204."""
    sizes = values.astype("float64")  # half of that cannot even be compared with a date
    if not len(sizes) or sizes.min() < EARLIEST or sizes.max() > LATEST or (sizes % 1 != 0).any():
        return False
    return bool(read(values, "%Y%m%d").notna().all())


def _fits(values: pd.Series, candidate: str) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(values, format=candidate, errors="coerce", utc="%z" in candidate).notna()


def _candidates(text: str) -> Iterator[str]:
    """The formats that one value fits."""
    zone = ZONE.search(text)
    for candidate, end in product(_formats(), (zone[1], "%z") if zone else ("",)):
        try:
            datetime.strptime(text, candidate + end)
        except ValueError:
            continue
        yield candidate + end


def _formats() -> Iterator[str]:
    for day in DAYS:
        yield day
        for time in TIMES:
            yield f"{day} {time}"
            yield f"{day}T{time}"
    yield from TIMES
