"""Which pictures are equal or mirror images of one another, so that none of them is held out beside a trained one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

KIND = np.dtype([("exact", "<u8"), ("print", "<u8"), ("flat", "?")])


class Kin(NamedTuple):
    """Equal numbers for samples that belong together, (count,) int64 each.

    Attributes:
        same: that must never be on both sides of the split, as in `split.choose`.
        near: by which whole groups become one.
    """

    same: np.ndarray
    near: np.ndarray


def prints(rows: np.ndarray) -> np.ndarray:
    """Rows uint8 (n, c, h, w) -> (n,) of KIND.

    exact: of the pixels; print: the same for a picture and its mirror image; flat: whether it is of one colour, as a
    map of the sea may be, which tells nothing of where it is from.
    """
    found = np.empty(len(rows), KIND)
    for at, row in enumerate(rows):
        exact = _digest(row)
        flat = bool((row == row[:, :1, :1]).all())
        found[at] = exact, min(exact, _digest(row[..., ::-1])), flat
    return found


def _digest(row: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")


def of_side(marks: Iterable[np.ndarray]) -> Kin:
    """Pictures of one side, told by their `prints` in blocks: equal ones and mirror images belong together."""
    own = numbered(np.concatenate(list(marks))["print"])
    return Kin(own, own)


def of_pairs(given: Iterable[np.ndarray], made: Iterable[np.ndarray]) -> Kin:
    """Pairs, told by the `prints` of both sides: those belong together of which either picture is equal or mirrored.

    A picture of one colour ties pairs only where both of their pictures are equal; and whole groups not even then.
    """
    sides = [np.concatenate(list(marks)) for marks in (given, made)]
    near = joined(*(_unless_flat(marks) for marks in sides))
    equal = np.unique(np.stack([marks["exact"] for marks in sides], 1), axis=0, return_inverse=True)[1].reshape(-1)
    return Kin(joined(near, equal), near)


def of_grouped(marks: Iterable[np.ndarray]) -> Kin:
    """Pictures in groups, such as the tiles of photographs: equal ones belong together, but whole groups not for that
    a white sky is in both."""
    own = np.concatenate(list(marks))
    return Kin(numbered(own["exact"]), _unless_flat(own, "exact"))


def _unless_flat(marks: np.ndarray, by: str = "print") -> np.ndarray:
    own = numbered(marks[by])
    return numbered(np.where(marks["flat"], own.max() + 1 + np.arange(len(own)), own))


def numbered(values: np.ndarray) -> np.ndarray:
    """Any values (n,) -> (n,) int64, numbered from 0 in the values' order."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def joined(*relations: np.ndarray) -> np.ndarray:
    """Samples that any relation calls equal become one, as often as it takes: whole numbers (n,) each -> (n,)."""
    relations = tuple(numbered(relation) for relation in relations)
    units = relations[0]
    while True:
        merged = units
        for relation in (*relations[1:], relations[0]):
            merged = _lowest(merged, relation)
        if np.array_equal(merged, units):
            return numbered(units)
        units = merged


def _lowest(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    lowest = np.full(by.max() + 1, values.max())
    np.minimum.at(lowest, by, values)
    found: np.ndarray = lowest[by]
    return found
