"""Numbers and dates as float64 on a scale that modes fit, and back into columns of their type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import dates, numbers
from sparring.data.tables.cells import of_type, type_name
from sparring.data.tables.field import Field

if TYPE_CHECKING:
    import pandas as pd

DAY = 86400.0
UNITS = (DAY, 3600.0, 60.0, 1.0, 1e-3, 1e-6, 1e-9)  # of dates, in seconds
TICKS = {"D": DAY, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}  # of numpy's dates
DIGITS = 8  # behind the point, up to which a column may have a number of its own
SAMPLE = 1000


def read(column: pd.Series, field: Field) -> np.ndarray:
    """A column of numbers or dates -> (n,) float64, NaN where the value is missing; dates count `field.unit`s."""
    if field.kind == "date":
        return _counted(instants(column, field.form, local=field.unit == DAY), field.unit)
    values: np.ndarray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def write(values: np.ndarray, missing: np.ndarray, field: Field) -> pd.Series:
    """The inverse of `read`: values (n,) float64, kept in bounds, rounded as the column was, and missing where told."""
    import pandas as pd

    values = np.clip(values, field.low, field.high)
    if field.kind == "date":
        return _dated(np.rint(values), missing, field)
    if field.kind == "integer":
        values = np.rint(values)
    elif field.decimals is not None:
        some = np.abs(values) < numbers.WHOLE  # beyond it there are no digits behind the point
        values[some] = np.round(values[some], field.decimals)
    dtype = of_type(field.dtype)
    width: Any = getattr(dtype, "numpy_dtype", dtype)  # of a nullable type
    if width.kind in "iu":
        values = _whole(values, width)
        return pd.Series(pd.arrays.IntegerArray(values, missing)) if width is not dtype else pd.Series(values)
    if missing.any():
        values = np.where(missing, np.nan, values)
    return pd.Series(values.astype(width) if width.kind == "f" else values).astype(dtype)


def _whole(values: np.ndarray, width: np.dtype[Any]) -> np.ndarray:
    """Floats as whole numbers of a type, none beyond its ends, which floats of 64 bits do not meet."""
    ends = np.iinfo(width)
    high = np.nextafter(float(ends.max), 0) if float(ends.max) > ends.max else float(ends.max)
    whole: np.ndarray = np.clip(np.nan_to_num(values), float(ends.min), high).astype(width)
    return whole


def to_scale(values: np.ndarray, field: Field) -> np.ndarray:
    """Values (n,) float64 as modes are fitted to."""
    if field.scale == "plain":
        return values if field.unit == 1 or field.kind == "date" else values / field.unit
    scaled: np.ndarray = np.sign(values) * np.log1p(np.abs(values) / field.unit)
    return scaled


def from_scale(values: np.ndarray, field: Field) -> np.ndarray:
    """The inverse of `to_scale`."""
    if field.scale == "plain" and (field.unit == 1 or field.kind == "date"):
        return values
    with np.errstate(over="ignore"):  # what is beyond all numbers is beyond the bounds, too
        if field.scale == "plain":
            return values * field.unit
        plain: np.ndarray = np.sign(values) * np.expm1(np.minimum(np.abs(values), 700.0)) * field.unit
        return plain


def decimals(values: np.ndarray, kind: np.dtype[Any]) -> int | None:
    """The digits behind the point that finite values (n,) float64 have, 0..8; None where they have more.

    Args:
        values: as `read` gives them.
        kind: the floating type that they were in: 0.1 in 32 bits is not 0.1 in 64.
    """
    values = values[np.abs(values) < numbers.WHOLE]
    some = values[:: max(1, len(values) // SAMPLE)]
    slack = 4 * np.finfo(kind).eps if kind.kind == "f" else 0.0
    for digits in range(DIGITS + 1):
        if all((np.abs(np.round(part, digits) - part) <= slack * np.abs(part)).all() for part in (some, values)):
            return digits
    return None


def unit(column: pd.Series, form: str) -> float:
    """The coarsest unit, in seconds, that all dates of a column are whole numbers of.

    Days of dates with a time zone are counted there, for its midnights are none elsewhere; what is finer is counted in
    UTC, where no hour comes twice.
    """
    there = instants(column, form, local=True)
    zoned = getattr(column.dtype, "tz", None) is not None
    if not zoned or _is_whole(there, DAY):
        return next(size for size in UNITS if _is_whole(there, size))
    world = instants(column, form, local=False)
    return next(size for size in UNITS[1:] if _is_whole(world, size))


def instants(column: pd.Series, form: str, *, local: bool) -> np.ndarray:
    """Dates, or what `dates.read` makes some by `form`, -> (n,) datetime64, in their zone's time or in UTC."""
    if form:
        column = dates.read(column, form)
    if getattr(column.dtype, "tz", None) is not None:
        column = column.dt.tz_localize(None) if local else column.dt.tz_convert("UTC").dt.tz_localize(None)
    found: np.ndarray = column.to_numpy()
    return found


def _is_whole(moments: np.ndarray, size: float) -> bool:
    tick = TICKS[np.datetime_data(moments.dtype)[0]]
    if size <= tick:
        return True
    counts = moments[~np.isnat(moments)].astype(np.int64)
    return bool((counts % round(size / tick) == 0).all())


def _counted(moments: np.ndarray, size: float) -> np.ndarray:
    ratio = TICKS[np.datetime_data(moments.dtype)[0]] / size
    counts = moments.astype(np.int64).astype(np.float64)
    counts = counts * round(ratio) if ratio >= 1 else counts / round(1 / ratio)
    counts[np.isnat(moments)] = np.nan
    return counts


def _dated(counts: np.ndarray, missing: np.ndarray, field: Field) -> pd.Series:
    """Whole numbers of the field's unit since 1970 -> dates of its type."""
    import pandas as pd

    tick, size = next((name, size) for name, size in TICKS.items() if size <= min(field.unit, 1.0))
    moments = (np.nan_to_num(counts).astype(np.int64) * round(field.unit / size)).astype(f"datetime64[{tick}]")
    moments[missing] = np.datetime64("NaT")
    column = pd.Series(moments)
    if field.form:
        return _written(column, field)
    dtype = of_type(field.dtype)
    if (zone := getattr(dtype, "tz", None)) is None:
        return column.astype(dtype)
    if field.unit == DAY:
        there = column.dt.tz_localize(zone, ambiguous=np.ones(len(column), bool), nonexistent="shift_forward")
        return there.astype(dtype)
    return column.dt.tz_localize("UTC").dt.tz_convert(zone).astype(dtype)


def _written(column: pd.Series, field: Field) -> pd.Series:
    """Dates as text, or as numbers; each is written once, for that takes longer than all else."""
    import pandas as pd

    places, found = pd.factorize(column)
    texts = pd.Series(dates.write(pd.DatetimeIndex(found), field.form), dtype=object)
    kind = of_type(field.dtype)
    if getattr(kind, "kind", "") in "iuf":
        texts = texts.astype("int64")
    texts = texts.astype(kind)
    return pd.Series(pd.api.extensions.take(texts.array, places, allow_fill=True))


def name(column: pd.Series) -> str:
    """The name of a number's type; of a category's, that of what it holds, for new numbers would be none of them."""
    import pandas as pd

    dtype: Any = column.dtype
    return type_name(dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype)
