"""Numbers that are asked for and hardly ever made: the rows that come nearest are given them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sparring.data.tables import chance, scales
from sparring.data.tables.field import Field
from sparring.data.tables.wishes import Wish
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

GRID = 1000  # points between two bounds at which a column's density is looked at


class Bounds(NamedTuple):
    """What all wishes on one column of numbers leave of it: low <= value <= high, or that it is missing."""

    field: Field
    wishes: tuple[Wish, ...]
    low: float
    high: float
    missing: bool


def bounds(field: Field, asked: Sequence[Wish]) -> Bounds:
    """What wishes on a column of numbers ask together.

    Raises:
        SparringError: where no value fulfils all of them.
    """
    text = " and ".join(wish.text for wish in asked)
    numbers = [(wish.sign, wish.number) for wish in asked if wish.number is not None]
    missing = any(wish.number is None and wish.sign == "=" for wish in asked)
    if missing and len({(wish.sign, wish.number) for wish in asked}) > 1:
        raise SparringError(f"no row can have {text}: a missing value is nothing else")
    low = max([field.low, *(number for sign, number in numbers if sign in ("=", ">", ">="))])
    high = min([field.high, *(number for sign, number in numbers if sign in ("=", "<", "<="))])
    if field.kind != "continuous":
        low = max([np.ceil(low), *(np.floor(number) + 1 for sign, number in numbers if sign == ">")])
        high = min([np.floor(high), *(np.ceil(number) - 1 for sign, number in numbers if sign == "<")])
    never = {number for sign, number in numbers if sign in ("!=", "<", ">")}
    if low > high or (low == high and low in never):
        raise SparringError(f"no row can have {text}: they contradict each other")
    return Bounds(field, tuple(asked), float(low), float(high), missing)


def apart(of: Bounds, column: pd.Series) -> np.ndarray:
    """How far each value (n,) is from what is asked, in deviations of the column; infinite where it is missing."""
    field = of.field
    values = scales.read(column, field)
    if of.missing:
        return np.where(np.isnan(values), 0.0, 1.0)
    scaled = scales.to_scale(values, field)
    low, high = scales.to_scale(np.array([of.low, of.high]), field)
    means, weights = np.array(field.means), np.array(field.shares[: len(field.means)]) + 1e-12
    centre = np.average(means, weights=weights) if len(means) else 0.0
    spread = np.average(np.square(field.deviations) + (means - centre) ** 2, weights=weights) if len(means) else 1.0
    far: np.ndarray = np.abs(scaled - np.clip(scaled, low, high)) / np.sqrt(spread)
    return np.where(np.isnan(far), np.inf, far)


def moved(of: Bounds, column: pd.Series, keys: np.ndarray) -> pd.Series:
    """The column with values that are asked for, where they are not yet.

    Between two bounds they are drawn as frequent as in the data, by the column's modes.

    Args:
        of: the bounds.
        column: as files hold it.
        keys: (n,) uint64, of the rows.
    """
    values, held = scales.read(column, of.field), np.logical_and.reduce([wish.holds(column) for wish in of.wishes])
    drawn = _drawn(of, chance.uniform(keys, "nearby"))
    missing = np.where(held, np.isnan(values), of.missing)
    return scales.write(np.where(held, values, drawn), missing, of.field).set_axis(column.index)


def _drawn(of: Bounds, chances: np.ndarray) -> np.ndarray:
    """Numbers between the bounds by the column's modes, cut off there: the inverse of their cumulated density."""
    field = of.field
    low, high = scales.to_scale(np.array([of.low, of.high]), field)
    grid = np.linspace(low, high, GRID)
    away = (grid[:, None] - np.array(field.means)) / np.array(field.deviations)
    logs = np.log(np.array(field.shares[: len(field.means)]) / np.array(field.deviations) + 1e-300) - away**2 / 2
    density = np.exp(logs - logs.max()).sum(1) if logs.size else np.ones(GRID)
    steps = np.append(0, np.cumsum((density[1:] + density[:-1]) / 2))
    if not steps[-1] > 0:
        steps = np.arange(GRID, dtype=np.float64)
    drawn: np.ndarray = np.clip(scales.from_scale(np.interp(chances * steps[-1], steps, grid), field), of.low, of.high)
    return drawn
