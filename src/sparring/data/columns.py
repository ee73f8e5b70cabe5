"""Numbers and tags that come with the samples: read from a table's cells or an array, checked, and described."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sparring.data.spec import Column
from sparring.errors import SparringError

TAG_COLUMNS = ("labels", "tags")
MOST = 1000  # columns: what a recipe is given is as wide
QUANTILES = 101


class Numbers(NamedTuple):
    """What comes with the samples: (count, c) float32 or None, the c names, and notes on what was taken."""

    values: np.ndarray | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def describe(name: str, values: np.ndarray) -> Column:
    """The card of a column of finite float32 numbers (n,): a flag where it holds 0 and 1 alone.

    It is the same to the bit on every machine, for a run is resumed only where the data's card has not changed.
    """
    exact = values.astype(np.float64)
    mean = math.fsum(exact) / len(exact)  # numpy's sums are rounded as the processor's registers are wide
    if np.isin(exact, (0, 1)).all():
        return Column(name, "flag", mean, 1.0, (0.0, 1.0))
    ranks = np.linspace(0, 1, QUANTILES)
    quantiles = tuple(np.quantile(exact, ranks, method="inverted_cdf").tolist())
    deviation = math.sqrt(math.fsum((exact - mean) ** 2) / len(exact))
    return Column(name, "number", mean, deviation, quantiles)


def cards(values: np.ndarray | None, names: Sequence[str]) -> tuple[Column, ...]:
    """A card for each column of (n, c); none where there are no columns."""
    return () if values is None else tuple(describe(name, values[:, at]) for at, name in enumerate(names))


def from_cells(
    head: Sequence[str], lines: Sequence[Sequence[str]], others: list[int], where: str, comma: str
) -> Numbers:
    """Read those columns of a table that have no other meaning.

    A column that holds numbers alone is taken as it is. Of one called labels or tags, every cell holds any number of
    names with ; or | between them: each name becomes a column of 0 and 1. Whatever else there is is left out.

    Args:
        head: the names of all columns.
        lines: the cells, as many in each line as the header has.
        others: which columns to read.
        where: what the messages call the table.
        comma: what stands between the cells. Where it is a semicolon, numbers may have decimal commas.

    Raises:
        SparringError: for an empty cell or a value that is not finite in a column of numbers, for equal names, and
            for more than 1000 of them.
    """
    tags = next((at for at in others if head[at].strip().lower() in TAG_COLUMNS), None)
    names, values, left_out = [], [], []
    for at in others:
        if at == tags:
            continue
        name, cells = head[at].strip(), [line[at].strip() for line in lines]
        numbers = _numbers(cells, comma == ";") if name else None  # spreadsheets' row numbers have no name
        if numbers is None:
            left_out.append(name or "(without a name)")
        else:
            names.append(name)
            values.append(_complete(numbers, cells, name, where))
    flags, given = _tags([] if tags is None else [line[tags] for line in lines])
    names += flags
    _check_names(names, where)
    if flags:
        values += list(_marks(flags, given).T)
    return Numbers(np.stack(values, axis=1) if values else None, tuple(names), (*_told(names), *_told_out(left_out)))


def _numbers(cells: list[str], decimal_commas: bool) -> np.ndarray | None:
    """Cells as float32 (n,), NaN for an empty one; None where one holds something else, or all are empty."""
    numbers = []
    for cell in cells:
        plain = cell.replace(",", ".") if decimal_commas else cell
        try:
            numbers.append(math.nan if not cell else float(plain.replace("_", "?")))  # to float, 1_2 is 12
        except ValueError:
            return None
    with np.errstate(over="ignore"):
        return np.array(numbers).astype(np.float32) if any(cells) else None


def _complete(numbers: np.ndarray, cells: list[str], name: str, where: str) -> np.ndarray:
    """The numbers themselves, once all are finite."""
    for at in np.flatnonzero(~np.isfinite(numbers))[:1]:
        if not cells[at]:
            raise SparringError(
                f'Line {at + 2} of {where} lacks a value in the column "{name}": fill it in, or drop the line or the '
                "column."
            )
        raise SparringError(
            f'Line {at + 2} of {where} has "{cells[at]}" in the column "{name}": give a finite number, or drop the '
            "line or the column."
        )
    return numbers


def _tags(cells: list[str]) -> tuple[list[str], list[set[str]]]:
    """All names in the cells, in alphabetical order, and those in each cell."""
    given = [{name.strip() for name in re.split("[;|]", cell)} - {""} for cell in cells]
    return sorted(set().union(*given), key=lambda name: (name.casefold(), name)), given


def _marks(names: list[str], given: list[set[str]]) -> np.ndarray:
    place = {name: at for at, name in enumerate(names)}
    marks = np.zeros((len(given), len(names)), np.float32)
    for row, own in zip(marks, given, strict=True):
        row[[place[name] for name in own]] = 1
    return marks


def from_array(columns: np.ndarray, names: np.ndarray | None, count: int, where: str) -> Numbers:
    """An array of numbers (count, c), a row a sample, with c names or else "column1" and so on.

    Raises:
        SparringError: for another shape or dtype, for values that are not finite, and for names that are no names.
    """
    if columns.ndim != 2 or len(columns) != count or columns.dtype.kind not in "fiub":
        raise SparringError(
            f"The columns in {where} are {columns.dtype} of shape {columns.shape}; they must be numbers of shape "
            f"({count}, c), a row a sample."
        )
    width = columns.shape[1]
    if names is not None and (names.shape != (width,) or names.dtype.kind != "U"):
        raise SparringError(
            f"The column_names in {where} are {names.dtype} of shape {names.shape}; they must be strings of shape "
            f"({width},), one a column."
        )
    called = [f"column{at + 1}" for at in range(width)] if names is None else [str(name).strip() for name in names]
    _check_names(called, where)
    with np.errstate(over="ignore"):
        values = columns.astype(np.float32)
    for row, at in np.argwhere(~np.isfinite(values))[:1]:
        raise SparringError(
            f'Row {row} of the columns in {where} has {columns[row, at]} in "{called[at]}": give finite numbers, or '
            "drop the sample or the column."
        )
    return Numbers(values, tuple(called), _told(called)) if width else Numbers()


def _check_names(names: Sequence[str], where: str) -> None:
    if len(names) > MOST:
        raise SparringError(
            f"{where} has {len(names):,} columns and tags to condition on, and at most {MOST:,} are taken: drop the "
            "rarest."
        )
    if "" in names:
        raise SparringError(f"A column of {where} has no name: give it one.")
    for name, times in Counter(names).items():
        if times > 1:
            raise SparringError(f'Several columns or tags of {where} are called "{name}": call each otherwise.')


def _told(names: Sequence[str]) -> tuple[str, ...]:
    """The note on the columns that were taken; none where there are none."""
    if len(names) < 2:
        return tuple(f"The column {name} is a condition for recipes that take it." for name in names)
    return (f"The columns {_listed(names)} are conditions for recipes that take them.",)


def _told_out(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    were = "column {} was" if len(names) == 1 else "columns {} were"
    return (f"The {were.format(_listed(names))} left out: a condition has a name and holds numbers alone.",)


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
