"""What every frame is brought to, wherever it came from: plain types, and nothing that cannot be learnt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import amounts, types
from sparring.data.tables.wording import Wording
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

UNNAMED = re.compile(r"Unnamed: \d+")  # what pandas calls a column without a name


def check(
    frame: pd.DataFrame,
    where: str,
    notes: Sequence[str] = (),
    kinds: Mapping[Any, Any] | None = None,
    wordings: Mapping[str, Wording] | None = None,
) -> pd.DataFrame:
    """A frame with rows 0..n-1 and columns of plain types: numbers, bools, text, dates, categories.

    Whole numbers and bools of which some are missing keep pandas' nullable types, Int64 and boolean. Objects become
    what they hold: dates, numbers, text. Durations become seconds. What was done is in `.attrs["notes"]`, a tuple of
    sentences, and for `types.restore` what columns were before that in `.attrs["types"]`, their names to its names;
    `.attrs["wordings"]` are those of `wordings`, and of text that holds amounts or durations, which become numbers.

    Args:
        frame: of any index; not changed.
        where: what the messages call it.
        notes: what the reader did.
        kinds: pandas' types that columns come back in, by name, or else plain; None for the frame's own.
        wordings: how columns are spelt where a reader has looked for amounts already.

    Raises:
        SparringError: without rows or columns, for equal names, infinite values, and cells that hold several types,
            lists, bytes and the like.
    """
    import pandas as pd

    told, columns, before, worded = list(notes), {}, {}, dict(wordings or {})
    for at, name in enumerate(_names(frame, where)):
        column = frame.iloc[:, at]
        if UNNAMED.fullmatch(name) and _is_left_out(column, name, where):
            told.append(f"Column {at + 1}, which has no name and numbers the rows or is empty, was left out.")
            continue
        plain = _plain(column, name, where)
        if wordings is None and (found := _amounts(name, plain)):
            plain, worded[name] = _plain(found.values, name, where), found.wording
            told += found.notes
        columns[name] = _checked(plain, name, where)
        kind = column.dtype if kinds is None else kinds.get(frame.columns[at])
        before[name] = "" if kind is None else types.name(kind, column, columns[name])
        if column.dtype.kind == "m":
            told.append(f"The durations of {name} are learnt in seconds.")
    # No index is compared and no column copied twice.
    whole = pd.DataFrame({name: column.array for name, column in columns.items()}, copy=False)
    whole.attrs |= {"notes": tuple(told), "types": before, "wordings": worded}
    return whole


def _names(frame: pd.DataFrame, where: str) -> list[str]:
    """The columns' names, once they are told apart and there are rows below them."""
    import pandas as pd

    if isinstance(frame.columns, pd.MultiIndex):
        raise SparringError(f"There are several lines of column names in {where}: give each column one name.")
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SparringError(f'Several columns of {where} are called "{twice}": call each otherwise.')
    if not names:
        raise SparringError(f"There are no columns in {where}: a table has at least one.")
    if not len(frame):
        raise SparringError(f"There are no rows below the column names of {where}: a table has at least one.")
    return names


def _is_left_out(column: pd.Series, name: str, where: str) -> bool:
    known = column.dropna()
    if not len(known):
        return True
    if known.dtype.kind in "iu" and len(known) == len(column):
        values = known.to_numpy(dtype=np.int64)
        if values[0] in (0, 1) and (np.diff(values) == 1).all():
            return True
    raise SparringError(
        f'Column {int(name.split()[1]) + 1} of {where} has no name (its first value is "{known.iloc[0]}"): give it one.'
    )


def _plain(column: pd.Series, name: str, where: str) -> pd.Series:
    """The column in pandas' ordinary types, unless whole numbers or bools are missing."""
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return column
    if isinstance(kind, pd.ArrowDtype):
        column = _from_arrow(column)
    if column.dtype == np.dtype(object):
        column = _from_objects(column, name, where)
    kind = column.dtype
    if kind.kind == "m":
        return column.dt.total_seconds()
    if isinstance(kind, pd.api.extensions.ExtensionDtype) and kind.kind in "iufb":
        width = getattr(kind, "subtype", None) or kind.numpy_dtype  # of a sparse or of a nullable type
        if kind.kind == "f":
            return pd.Series(column.to_numpy(dtype=width, na_value=np.nan))
        if not column.isna().any():
            return column.astype(width)
    return _as_text(column) if pd.api.types.is_string_dtype(kind) else column


def _from_arrow(column: pd.Series) -> pd.Series:
    """A column backed by pyarrow in pandas' own types, or as Python objects where it has none."""
    import pandas as pd

    kind = column.dtype
    if kind.kind in "iub":
        nullable = kind.numpy_dtype.name.replace("int", "Int").replace("u", "U").replace("bool", "boolean")
        return column.astype(nullable)
    if kind.kind == "f":
        return pd.Series(column.to_numpy(dtype=kind.numpy_dtype, na_value=np.nan))
    if kind.kind in "mM":
        zone = getattr(kind.pyarrow_dtype, "tz", None)
        return column.astype(pd.DatetimeTZDtype("ns", zone) if zone else kind.numpy_dtype)
    return column if kind.kind == "U" else column.astype(object)


def _amounts(name: str, column: pd.Series) -> amounts.Amounts | None:
    """Amounts and durations; numbers that stand alone in text are text on purpose, such as postal codes."""
    import pandas as pd

    if not pd.api.types.is_string_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    found = amounts.read(name, column.astype("string"))
    return found if found and found.wording.is_text else None


def _as_text(column: pd.Series) -> pd.Series:
    """Text in the type that this pandas gives to text: str since 3, object before."""
    import pandas as pd

    kind = pd.Series(["", None]).dtype
    if column.dtype == kind:
        return column
    text: pd.Series = column.astype(object).where(column.notna(), None).astype(kind)
    return text


def _from_objects(column: pd.Series, name: str, where: str) -> pd.Series:
    """A column of Python objects as what they are."""
    import pandas as pd

    holds = pd.api.types.infer_dtype(column, skipna=True)
    missing = column.isna()
    if holds == "string":
        return _as_text(column.where(~missing, None))
    if holds == "empty":
        return pd.Series(np.full(len(column), np.nan))
    if holds == "boolean":
        return column.astype("boolean")
    if holds in ("integer", "floating", "mixed-integer-float", "decimal"):
        return _from_numbers(column, holds, name, where)
    if holds in ("date", "datetime", "datetime64"):
        return _from_dates(column, name, where)
    if holds == "time":
        return _as_text(column.map(str, na_action="ignore").where(~missing, None))
    raise SparringError(_mixed(column[~missing], name, where))


def _from_numbers(column: pd.Series, holds: str, name: str, where: str) -> pd.Series:
    try:
        return column.astype("Int64" if holds == "integer" else "float64")
    except (ValueError, TypeError, OverflowError):
        raise SparringError(
            f'The column "{name}" of {where} holds numbers that do not fit into 64 bits: make them text, or scale them.'
        ) from None


def _from_dates(column: pd.Series, name: str, where: str) -> pd.Series:
    import pandas as pd

    try:
        return pd.to_datetime(column)
    except (ValueError, TypeError, OverflowError) as error:
        raise SparringError(
            f'The column "{name}" of {where} holds dates that do not go together ({error}): give all in one time zone.'
        ) from None


def _mixed(known: pd.Series, name: str, where: str) -> str:
    """What to say of a column of objects: the rarest type among them is the one to name."""
    types = known.map(lambda value: type(value).__name__)
    amounts = types.value_counts()
    if len(amounts) == 1:
        return (
            f'The column "{name}" of {where} holds values of the type {amounts.index[0]}: a cell of a table is a '
            "number, a text, a date or true or false; leave the column out or turn it into one of them."
        )
    rare = amounts.index[-1]
    row = int(np.flatnonzero((types == rare).to_numpy())[0])
    return (
        f'The column "{name}" of {where} mixes {_listed(amounts.index.tolist())} ({known.iloc[row]!r} in row '
        f"{int(known.index[row]) + 1}): make all of one type."
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _checked(column: pd.Series, name: str, where: str) -> pd.Series:
    """The column itself, once its type is one that can be learnt and its values are finite."""
    import pandas as pd

    kind: Any = column.dtype
    known = isinstance(kind, pd.CategoricalDtype | pd.DatetimeTZDtype) or pd.api.types.is_string_dtype(kind)
    if not known and kind.kind not in "iufbM":
        raise SparringError(
            f'The column "{name}" of {where} is of pandas\' type {kind}, which is not learnt: turn it into numbers, '
            "text or dates, or leave it out."
        )
    if kind.kind == "f":
        for row in np.flatnonzero(np.isinf(column.to_numpy()))[:1]:
            raise SparringError(
                f'Row {row + 1} of {where} has {column.iloc[row]} in the column "{name}": give finite numbers, or '
                "leave the cell empty."
            )
    return column
