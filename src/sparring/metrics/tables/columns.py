"""A data frame as arrays that can be compared: numbers with NaN, and categories as codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sparring.data.tables import cells, scales
from sparring.data.tables.field import Field
from sparring.data.tables.numbers import yardstick
from sparring.draws import mix

if TYPE_CHECKING:
    import pandas as pd

MISSING = -1  # of a code


class Coded(NamedTuple):
    """Rows of a table in a form that all measures share.

    Attributes:
        numbers: (n, k) float64, NaN where a value is missing; dates count their field's unit, and numbers of an
            enormous or a tiny size the power of two that `measure` gives.
        codes: (n, d) int64, a place in the field's values; one more for a value that is none of them; -1 if missing.
    """

    numbers: np.ndarray
    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: np.ndarray) -> Coded:
        """The rows at these places, or of this mask."""
        return Coded(self.numbers[rows], self.codes[rows])

    def some(self, most: int) -> Coded:
        """At most so many rows, always the same ones, but by chance: sorted rows in regular steps would be too even."""
        if len(self) <= most:
            return self
        return self.take(np.sort(np.random.default_rng(mix("rows", most)).permutation(len(self))[:most]))

    def halves(self) -> tuple[Coded, Coded]:
        """All rows in two parts, drawn in the same way."""
        order = np.random.default_rng(mix("halves", len(self))).permutation(len(self))
        middle = len(self) // 2
        return self.take(np.sort(order[:middle])), self.take(np.sort(order[middle:]))


def judged(fields: Sequence[Field]) -> tuple[list[Field], list[Field]]:
    """The numbers and the discrete fields, each in the order of their names; what is not learnt is not judged."""
    ordered = sorted(fields, key=lambda field: field.name)
    return [field for field in ordered if field.is_number], [field for field in ordered if field.is_discrete]


def names(fields: Sequence[Field]) -> list[str]:
    """Of the columns that are judged: numbers first, as every measure has them."""
    numbers, discrete = judged(fields)
    return [field.name for field in numbers + discrete]


def code(fields: Sequence[Field], frame: pd.DataFrame) -> Coded:
    """A frame as arrays, its rows sorted, so that the order of its rows and columns changes no measure.

    Args:
        fields: the table's cards.
        frame: with a column for each of them, in any order.
    """
    numbers, discrete = judged(fields)
    values = np.empty((len(frame), len(numbers)))
    codes = np.empty((len(frame), len(discrete)), np.int64)
    for at, field in enumerate(numbers):
        values[:, at] = scales.read(frame[field.name], field) / measure(field)
    for at, field in enumerate(discrete):
        column = frame[field.name]
        codes[:, at] = places = cells.find(column, field.values)
        codes[(places < 0) & column.notna().to_numpy(), at] = len(field.values)
    order = np.lexsort((*codes.T, *values.T)) if values.size or codes.size else np.arange(len(frame))
    return Coded(values[order], codes[order])


def measure(field: Field) -> float:
    """What a field's numbers are counted in, so that their squares are numbers: mostly 1."""
    return yardstick(np.array([field.low, field.high]))


def shuffled(rows: Coded, seed: int) -> Coded:
    """Each column shuffled by itself: all shapes stay, and what columns have to do with each other is lost."""
    chance = np.random.default_rng(seed)
    return Coded(chance.permuted(rows.numbers, axis=0), chance.permuted(rows.codes, axis=0))
