"""The types that the user's columns had before `check` made them plain: by name, and back into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import wording
from sparring.data.tables.field import Field

if TYPE_CHECKING:
    import pandas as pd

OBJECTS = re.compile(r"object of ([^\[]+)(?:\[(\d+)\])?")
TEXT = re.compile(r"(string|str)\[(python|pyarrow)\]")
ARROW = re.compile(r"arrow (.+)")
DURATION = re.compile(r"timedelta64\[(\w+)\]")
DECIMAL = re.compile(r"decimal(128|256)\((\d+), (\d+)\)")
DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
TICKS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # in a second


def name(kind: Any, column: pd.Series, plain: pd.Series) -> str:
    """What `restore` needs to make a column of the type `kind` again; empty where the plain column is of it.

    Args:
        kind: pandas' type in the user's table.
        column: the values as they were read; of Python objects it is told what they are.
        plain: the same as `check` leaves them.
    """
    import pandas as pd

    if kind == plain.dtype or isinstance(plain.dtype, pd.CategoricalDtype):
        return ""
    if isinstance(kind, np.dtype) and kind.kind in "iub" and plain.isna().any():
        return ""  # such as Parquet's integers with holes, which numpy has no type for
    if kind != np.dtype(object):
        return label(kind)
    holds = pd.api.types.infer_dtype(column, skipna=True)
    return f"object of {holds}" + (f"[{_digits(column)}]" if holds == "decimal" else "")


def label(kind: Any) -> str:
    """A name from which `known` makes a type again: pandas' own, but where that stands for another type."""
    import pandas as pd

    if known(str(kind)) == kind:
        return str(kind)
    if isinstance(kind, pd.StringDtype):
        return f"{kind.name}[{kind.storage}]"
    return f"arrow {kind.pyarrow_dtype}" if isinstance(kind, pd.ArrowDtype) else str(kind)


def known(text: str) -> Any:
    """The type that `label` has named; None where there is none such here."""
    import pandas as pd

    try:
        if match := ARROW.fullmatch(text):
            return pd.ArrowDtype(_arrow_type(match[1]))
        if match := TEXT.fullmatch(text):
            return pd.StringDtype(match[2], **({"na_value": np.nan} if match[1] == "str" else {}))
        return pd.api.types.pandas_dtype(text)
    except (ImportError, NotImplementedError, TypeError, ValueError):
        return None


def restore(frame: pd.DataFrame, fields: Sequence[Field]) -> pd.DataFrame:
    """A table of plain types, as `codec.decode` makes it, with the types that the user's table had.

    Python objects become such again, with None for what is missing. A type that this pandas does not know, or that
    needs pyarrow where there is none, stays plain.
    """
    import pandas as pd

    columns = {field.name: _restored(_amounts(frame[field.name], field), field.was) for field in fields}
    columns = {name: column.set_axis(frame.index) for name, column in columns.items()}
    return pd.DataFrame(columns, copy=False)  # of columns, for arrays of objects would be looked through for text


def _amounts(column: pd.Series, field: Field) -> pd.Series:
    """Numbers that were text in the user's table as such again."""
    return wording.spelt(column, field.wording) if field.wording.is_text else column


def _restored(column: pd.Series, was: str) -> pd.Series:
    import pandas as pd

    if not was:
        return column
    if match := OBJECTS.fullmatch(was):
        return _objects(column, match[1], int(match[2] or 0))
    kind = known(was)
    if kind is None:
        return column
    if isinstance(kind, pd.ArrowDtype):
        return _arrow(column, kind)
    if match := DURATION.fullmatch(was):
        return _durations(column, match[1])
    return column.astype(kind)


def _arrow_type(text: str) -> Any:
    """Arrow's type of its own name for it."""
    import pandas as pd
    import pyarrow as pa

    if match := DECIMAL.fullmatch(text):
        return (pa.decimal128 if match[1] == "128" else pa.decimal256)(int(match[2]), int(match[3]))
    if match := DICTIONARY.fullmatch(text):
        return pa.dictionary(_arrow_type(match[2]), _arrow_type(match[1]), match[3] == "1")
    if text == "string":  # which pandas takes for its own
        return pa.string()
    return pd.ArrowDtype.construct_from_string(f"{text}[pyarrow]").pyarrow_dtype


def _arrow(column: pd.Series, kind: pd.ArrowDtype) -> pd.Series:
    import pyarrow as pa

    of = kind.pyarrow_dtype
    if pa.types.is_decimal(of):
        column = _objects(column, "decimal", of.scale)
    elif pa.types.is_time(of):
        column = _objects(column, "time")
    elif pa.types.is_duration(of):
        column = _durations(column, of.unit)
    return column.astype(kind)


def _durations(column: pd.Series, unit: str) -> pd.Series:
    """Seconds as durations, NaT where they are missing."""
    import pandas as pd

    seconds = column.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = np.rint(np.nan_to_num(seconds) * TICKS[unit]).astype(np.int64).astype(f"timedelta64[{unit}]")
    whole[np.isnan(seconds)] = np.timedelta64("NaT")
    return pd.Series(whole)


def _objects(column: pd.Series, holds: str, digits: int = 0) -> pd.Series:
    """A column of Python objects, None where they are missing."""
    import pandas as pd

    makers: dict[str, Callable[[Any], Any]] = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "floating": float,
        "mixed-integer-float": float,
        "decimal": lambda value: Decimal(f"{value:.{digits}f}"),
        "date": lambda moment: moment.date(),
        "time": time.fromisoformat,
    }
    make = makers.get(holds, lambda value: value)
    made = np.empty(len(column), object)
    made[:] = [None if lost else make(value) for value, lost in zip(column, column.isna(), strict=True)]
    return pd.Series(made, dtype=object)


def _digits(column: pd.Series) -> int:
    """Digits behind the point of decimals, as many as the longest has."""
    return max(max(0, -int(value.as_tuple().exponent)) for value in column.dropna())
