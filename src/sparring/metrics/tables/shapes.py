"""Is each column distributed as the real one? 1 minus a distance of distributions, as in sdmetrics' column shapes."""

from __future__ import annotations

import numpy as np

from sparring.metrics.tables.columns import MISSING, Coded

DECIMALS = 14  # beyond which numbers are equal, as in sdmetrics
TINY = 1e-6  # size of the largest number, below which none is rounded


def shapes(real: Coded, made: Coded) -> np.ndarray:
    """A score for each column, numbers first: (k + d,) float64 in 0..1, where 1 is alike.

    Of numbers 1 minus the Kolmogorov-Smirnov distance, of categories 1 minus the total variation, both of the values
    that are there: missing ones are judged by `missing_rates`. NaN where the real column is all missing; 0 where
    only the made one is, which sdmetrics leaves out.
    """
    numbers = [kolmogorov(a, b) for a, b in zip(real.numbers.T, made.numbers.T, strict=True)]
    discrete = [variation(a, b) for a, b in zip(real.codes.T, made.codes.T, strict=True)]
    return np.array([*numbers, *discrete], dtype=np.float64)


def kolmogorov(real: np.ndarray, made: np.ndarray) -> float:
    """1 - the largest difference of the two cumulative distributions of numbers (n,) and (m,), NaN left out."""
    a, b = (np.sort(values[~np.isnan(values)]) for values in (real, made))
    if not len(a) or not len(b):
        return 0.0 if len(a) else np.nan
    if max(-a[0], a[-1]) >= TINY:  # numbers that are all smaller would be rounded to none at all
        a, b = (np.round(values, DECIMALS) for values in (a, b))
    both = np.concatenate([a, b])
    below = (np.searchsorted(values, both, side="right") / len(values) for values in (a, b))
    return 1 - float(np.abs(next(below) - next(below)).max())


def variation(real: np.ndarray, made: np.ndarray) -> float:
    """1 - half the sum of the differences of the categories' shares, codes (n,) and (m,), missing ones left out."""
    a, b = (codes[codes != MISSING] for codes in (real, made))
    if not len(a) or not len(b):
        return 0.0 if len(a) else np.nan
    kinds = int(max(a.max(), b.max())) + 1
    shares = (np.bincount(codes, minlength=kinds) / len(codes) for codes in (a, b))
    return 1 - float(np.abs(next(shares) - next(shares)).sum()) / 2


def missing_rates(rows: Coded) -> np.ndarray:
    """The share of each column that is missing, numbers first: (k + d,) in 0..1."""
    return np.concatenate([np.isnan(rows.numbers).mean(0), (rows.codes == MISSING).mean(0)])
