"""Areas under curves, and how far one way to learn is ahead of another on the same held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DRAWN = 500  # times that held-out rows are drawn anew
COVERED = 0.95


class Difference(NamedTuple):
    """How far one is ahead of another, and the interval of 95 % around it."""

    mean: float
    low: float
    high: float


class Areas(NamedTuple):
    """Areas of one way to learn.

    Attributes:
        splits: (k,), on each split's held-out rows.
        drawn: (DRAWN,), the mean over the splits, of held-out rows drawn anew.
    """

    splits: np.ndarray
    drawn: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.splits.mean())


def areas(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """-> (area under the ROC curve, average precision), each (b,), of rows that count by `weights`

    Args:
        truth: (n,) bool; some rows are true and some are not.
        scores: (n,), higher where truth is likelier; equal ones count half.
        weights: (b, n), how often each row counts.
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    weights, truth = weights[:, order], truth[order]
    hits = np.add.reduceat(weights * truth, starts, axis=1).astype(np.float64)
    misses = np.add.reduceat(weights * ~truth, starts, axis=1).astype(np.float64)
    found, wrong = hits.cumsum(1), misses.cumsum(1)
    below = wrong[:, -1:] - wrong + misses / 2  # misses that a hit stands above, half of its equals
    roc = (hits * below).sum(1) / (found[:, -1] * wrong[:, -1])
    precision = found / np.maximum(found + wrong, 1)
    return roc, (hits * precision).sum(1) / found[:, -1]


def redrawn(y: np.ndarray, seed: int) -> np.ndarray:
    """How often each held-out row counts: (1 + DRAWN, n), once each in the first line, then drawn within its class."""
    chance = np.random.default_rng(seed)
    counts = np.ones((1 + DRAWN, len(y)), np.int64)
    for one in np.unique(y):
        rows = np.flatnonzero(y == one)
        counts[1:, rows] = chance.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), DRAWN)
    return counts


def together(splits: Sequence[np.ndarray]) -> Areas:
    """Areas (1 + DRAWN,) of each split in one."""
    every = np.stack(splits)
    return Areas(every[:, 0], every[:, 1:].mean(0))


def ahead(one: Areas, other: Areas) -> Difference:
    """How far `one` is ahead of `other`, both on the same splits and the same draws of their held-out rows.

    The interval is the wider of two, to either side: over splits by Student's t with the variance of Nadeau and Bengio
    (2003), as the splits' training rows are mostly the same; and over held-out rows by drawing them anew.
    """
    from scipy.stats import t  # type: ignore[import-untyped]

    gap, k = one.splits - other.splits, len(one.splits)
    if not (gap.any() or (one.drawn - other.drawn).any()):
        return Difference(0.0, 0.0, 0.0)
    mean = float(gap.mean())
    half = float(t.ppf((1 + COVERED) / 2, k - 1) * np.sqrt(gap.var(ddof=1) * (1 / k + 1 / (k - 1))))
    low, high = np.quantile(one.drawn - other.drawn, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Difference(mean, min(mean - half, float(low)), max(mean + half, float(high)))
