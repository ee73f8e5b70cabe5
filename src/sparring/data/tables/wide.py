"""Columns of more categories than a network can have outputs for: several share a code, and chance tells them apart."""

from __future__ import annotations

import numpy as np

MOST = 250  # codes of a column


def groups(counts: np.ndarray, codes: int) -> np.ndarray:
    """Give values a code each where they are frequent, and else one for neighbours in their order.

    A value that is as frequent as a whole group would be has its own code. The others are cut, in their order, into
    groups of about as many rows each: what stands beside each other in it, such as postcodes, often goes together.

    Args:
        counts: (c,) how often each value occurs; they are in alphabetical or numerical order, or in one given.
        codes: how many there may be at most, at least 2.

    Returns:
        (c,) int64, each value's code; all of 0..max occur.
    """
    own = np.zeros(len(counts), bool)
    while True:  # what is taken out makes the rest's groups smaller, so that more values are as frequent
        left = codes - own.sum()
        more = ~own & (counts * (left - 1) > counts[~own].sum()) & (counts > 0)
        if left <= 2 or not more.any():
            break
        order = np.flatnonzero(more)[np.argsort(-counts[more], kind="stable")]
        own[order[: max(1, left // 2 - 1)]] = True
    before = np.cumsum(np.where(own, 0, counts)) - np.where(own, 0, counts)
    shared = np.minimum(before * left // max(1, int(counts[~own].sum())), left - 1)
    mixed = np.where(own, codes + np.arange(len(counts)), shared)
    found: np.ndarray = np.unique(mixed, return_inverse=True)[1]
    return found


def choose(groups: np.ndarray, counts: np.ndarray, codes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """For each row's code a value that has it, as frequent as in the data.

    Args:
        groups, counts: (c,) each value's code, and how often it occurs.
        codes: (n,) int64, of the rows; -1 passes.
        chance: (n,) in [0, 1).

    Returns:
        (n,) int64, places among the values.
    """
    order = np.argsort(groups, kind="stable")
    steps = np.cumsum(counts[order])
    sums = np.bincount(groups, counts)
    starts = np.cumsum(sums) - sums
    at = np.searchsorted(steps, starts[codes] + np.floor(chance * sums[codes]), side="right")
    return np.where(codes < 0, -1, order[np.minimum(at, len(order) - 1)])
