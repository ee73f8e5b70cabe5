"""The one format that all dates of a text column are written in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

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
MOST = 40  # characters of a date
FIRST = 200  # values that are tried before all
GOOD = 0.9  # of the values that are dates, above which the rest are mistakes


def form(values: pd.Series) -> tuple[str, str | None]:
    """The strftime format of a column of text, and a value that it does not fit.

    Args:
        values: text, none missing; each value once is enough.

    Returns:
        The format and None where it fits all; the format and the first odd value where it fits at least nine tenths;
        and ("", None) where these are no dates. A zone that all share, such as Z, is part of the format.
    """
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
            return candidate, None
        if not best and good.mean() >= GOOD:
            best, odd = candidate, str(values[~good].iloc[0])
    return best, odd


def _fits(values: pd.Series, candidate: str) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(values, format=candidate, errors="coerce").notna()


def _candidates(text: str) -> Iterator[str]:
    """The formats that one value fits."""
    zone = ZONE.search(text)
    end = zone[1].replace("%", "%%") if zone else ""
    for candidate in _formats():
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
