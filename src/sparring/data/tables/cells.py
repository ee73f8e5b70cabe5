"""Between pandas' columns and plain values: names of types, categories, missing cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import types

if TYPE_CHECKING:
    import pandas as pd

CATEGORY = re.compile(r"category\[(.*)\](, ordered)?")
INTERVAL = re.compile(r"[\[(](.+), (.+)([\])])")


def type_name(dtype: Any) -> str:
    """A type as text from which `fill` makes it again: pandas' name, or "category[int64], ordered"."""
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        return f"category[{types.label(dtype.categories.dtype)}]" + (", ordered" if dtype.ordered else "")
    return str(dtype)


def categories(column: pd.Series) -> tuple[list[Any], np.ndarray]:
    """The values of a column, each once, as JSON knows them, and each row's place among them.

    Of a categorical type they are in its order, but for the categories that no row has; else they ascend.

    Returns:
        c values: texts, numbers or bools; and (n,) int64, -1 where the value is missing.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories().cat
        return plain(used.categories), used.codes.to_numpy(dtype=np.int64)
    places, found = pd.factorize(column)
    values = plain(found)
    order = sorted(range(len(values)), key=lambda at: _sortable(values[at]))
    moved = np.append(np.argsort(order), -1).astype(np.int64)  # a missing value's -1 stays
    return [values[at] for at in order], moved[places]


def levels(column: pd.Series) -> tuple[Any, ...]:
    """All categories of a categorical type in their order, where no row has some of them; else nothing."""
    import pandas as pd

    if not isinstance(column.dtype, pd.CategoricalDtype) or column.nunique() == len(column.cat.categories):
        return ()
    return tuple(plain(column.cat.categories))


def find(column: pd.Series, values: Sequence[Any]) -> np.ndarray:
    """Each row's place among values that are known already, (n,) int64; -1 where it is missing or unknown."""
    import pandas as pd

    places, found = pd.factorize(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        found = found.categories.take(found.codes)
    known = {value: at for at, value in enumerate(values)}
    moved = np.array([*(known.get(value, -1) for value in plain(found)), -1], dtype=np.int64)
    placed: np.ndarray = moved[places]
    return placed


def plain(values: Any) -> list[Any]:
    """An index or array of pandas -> numbers, bools and texts."""
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    return [value if isinstance(value, str | int | float | bool) else str(value) for value in listed]


def fill(values: Sequence[Any], places: np.ndarray, dtype: str, levels: Sequence[Any] = ()) -> pd.Series:
    """A column of the values at `places` (n,), missing where that is -1, of the type that `type_name` has named.

    A categorical type has the categories `levels`, if there are any, and else the values.
    """
    import pandas as pd

    if match := CATEGORY.fullmatch(dtype):
        known = pd.CategoricalDtype(pd.Index(_typed(levels or values, match[1])), ordered=bool(match[2]))
        if levels:
            at = {value: place for place, value in enumerate(levels)}
            places = np.array([*(at[value] for value in values), -1])[places]
        return pd.Series(pd.Categorical.from_codes(places, dtype=known))
    if of_type(dtype) == np.dtype(object):
        return pd.Series(np.array([*values, None], dtype=object)[places], dtype=object)  # -1 is the last
    typed = _typed(values, dtype).array
    if (places < 0).any():
        return pd.Series(pd.api.extensions.take(typed, places, allow_fill=True))
    return pd.Series(typed.take(places))


def of_type(dtype: str) -> Any:
    """The pandas type of a name; object where this pandas knows none such."""
    kind = types.known(dtype)
    return np.dtype(object) if kind is None else kind


def _typed(values: Sequence[Any], dtype: str) -> pd.Series:
    """Plain values as a column of a type."""
    import pandas as pd

    kind = of_type(dtype)
    if isinstance(kind, pd.IntervalDtype):
        ends = [_ends(str(value)) for value in values]
        index = pd.IntervalIndex.from_tuples(ends, closed=kind.closed).astype(kind)
        return pd.Series(index)
    return pd.Series(list(values), dtype=object).astype(kind)


def _ends(text: str) -> tuple[float, float]:
    match = INTERVAL.fullmatch(text)
    assert match is not None
    return float(match[1]), float(match[2])


def _sortable(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value
