"""The shape of a column of numbers: values that many rows have, and tails that are very long."""

from __future__ import annotations

import numpy as np

FEW = 20  # distinct values, up to which a number is learnt value by value
OFTEN = 0.05  # of the rows, from which a single value is a spike
STANDS_OUT = 4  # times as frequent as the values beside it
SPIKES = 8  # at most
FAR, NEAR = 1e100, 1e-100  # sizes beyond which squares and differences are no longer numbers
RANGE = 1e300  # of the sizes on a logarithmic scale: ratios much beyond it are no numbers
WHOLE = 2.0**53  # beyond which every float is whole, so that being so says nothing
LONG = 20  # middle halves between the median and the outermost thousandth


def yardstick(values: np.ndarray) -> float:
    """What to count finite numbers (n,) in so that their squares and differences are numbers, which mostly is 1.

    Where the largest size is beyond 1e100 or below 1e-100 it is a power of two near that, which rounds nothing.
    """
    largest = float(np.abs(values).max(initial=0.0))
    return 1.0 if largest == 0 or NEAR <= largest <= FAR else float(2.0 ** np.floor(np.log2(largest)))


def spikes(values: np.ndarray) -> tuple[float, ...]:
    """Single values that stand out of a spread column, such as 0 for no gain: up to eight, ascending.

    A spike has at least 5 % of the rows, and four times as many as the median of the two values on either side: the
    top of a hill is none, however few values the hill has.

    Args:
        values: (n,) finite numbers.
    """
    unique, counts = np.unique(values, return_counts=True)
    if len(unique) <= FEW:
        return ()
    padded = np.pad(counts.astype(np.float64), 2, constant_values=np.nan)
    beside = np.nanmedian([padded[at : len(counts) + at] for at in (0, 1, 3, 4)], axis=0)
    often = np.flatnonzero((counts >= max(OFTEN * len(values), 2)) & (counts >= STANDS_OUT * beside))
    most = often[np.argsort(-counts[often], kind="stable")][:SPIKES]
    return tuple(float(value) for value in np.sort(unique[most]))


def is_heavy(values: np.ndarray) -> bool:
    """Whether the tails are so long that modes on a plain scale would miss them, and a logarithm shortens them.

    Long means that the outermost thousandth begins more than 20 times as far from the median as the middle half is
    wide: a normal column has 2.3, an exponential one 5.7, a log-normal one of deviation 1 has 14, Pareto's of index 1
    has 370. Quantiles, unlike skewness and kurtosis, do not hang on one mistyped value.

    Args:
        values: (n,) finite numbers, without spikes.
    """
    if len(values) < 100:
        return False
    values = values / yardstick(values)
    size = np.abs(values)
    unit = max(np.quantile(size[size > 0], 0.1), size.max() / RANGE) if size.any() else 0.0
    plain = _reach(values)
    return bool(plain > LONG and unit > 0 and _reach(np.sign(values) * np.log1p(size / unit)) < plain / 2)


def _reach(values: np.ndarray) -> float:
    low, lower, middle, upper, high = np.quantile(values, (0.001, 0.25, 0.5, 0.75, 0.999))
    half = float(upper - lower)
    return float(max(high - middle, middle - low)) / half if half > 0 else 0.0
