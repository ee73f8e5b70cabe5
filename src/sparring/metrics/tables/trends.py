"""Do columns have as much to do with each other as the real ones? As in sdmetrics' column pair trends, 0.32."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparring.metrics.tables.columns import Coded

CORRELATED, ASSOCIATED = 0.5, 0.3  # what real pairs must exceed to count, as in sdmetrics' quality report
BINS = 10  # of a number beside a category
SPARSE = 4  # cells a row, from which only those with a row are counted


class Trends(NamedTuple):
    """All pairs of c columns, numbers first; symmetric, (c, c) float64.

    Attributes:
        scores: in 0..1, where 1 is alike; NaN for pairs that do not count, and on the diagonal.
        real, made: of two numbers Pearson's correlation, else Cramér's V, which is in 0..1; NaN where undefined.
    """

    scores: np.ndarray
    real: np.ndarray
    made: np.ndarray

    @property
    def mean(self) -> float | None:
        """Over the pairs that count; None where none does, for then there is nothing to keep."""
        counting = self.scores[np.triu(np.isfinite(self.scores), 1)]
        return float(counting.mean()) if len(counting) else None


def trends(real: Coded, made: Coded) -> Trends:
    """Compare every pair of columns.

    Two numbers score 1 - |r - s| / 2 of their correlations over the rows that have both. Other pairs score 1 minus the
    total variation of their joint table, in which missing is a category, and a number is cut into ten bins between
    its own least and greatest value in its own table. Pairs count where the real correlation exceeds 0.5 or the real
    association 0.3, so that the many unrelated pairs, which anyone gets right, do not hide the others. Where made
    numbers are constant their correlation counts as 0; sdmetrics leaves such pairs out.
    """
    k = real.numbers.shape[1]
    size = k + real.codes.shape[1]
    scores, was, now = (np.full((size, size), np.nan) for _ in range(3))
    was[:k, :k], now[:k, :k] = correlations(real.numbers), correlations(made.numbers)
    alike = 1 - np.abs(was - np.nan_to_num(now)) / 2
    scores[:k, :k] = np.where(np.abs(was[:k, :k]) > CORRELATED, alike[:k, :k], np.nan)
    cells = [np.concatenate([binned(rows.numbers), rows.codes + 1], 1) for rows in (real, made)]
    kinds = np.maximum(*(part.max(0, initial=0) for part in cells)) + 1
    for j in range(k, size):
        for i in range(j):
            a, b = (part[:, i] * kinds[j] + part[:, j] for part in cells)
            score, was[i, j], now[i, j] = _compare(a, b, int(kinds[i]), int(kinds[j]))
            scores[i, j] = score if was[i, j] > ASSOCIATED else np.nan
            for matrix in (scores, was, now):
                matrix[j, i] = matrix[i, j]
    np.fill_diagonal(scores, np.nan)
    return Trends(scores, was, now)


def correlations(numbers: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each pair of columns (n, k), over the rows that have both -> (k, k); NaN if constant."""
    there = ~np.isnan(numbers)
    lowest = np.where(there.any(0), np.nanmin(np.where(there, numbers, np.inf), 0), 0)
    highest = np.where(there.any(0), np.nanmax(np.where(there, numbers, -np.inf), 0), 0)
    reach = np.where(highest > lowest, highest - lowest, 1)
    scaled = (numbers - lowest) / reach  # sums of squares of seconds since 1970 would lose all digits
    x = np.where(there, scaled - np.where(there, scaled, 0).sum(0) / np.maximum(there.sum(0), 1), 0)
    m = there.astype(np.float64)
    n, sums, squares = m.T @ m, x.T @ m, (x * x).T @ m
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = squares - sums * sums / n
        spread[spread < 1e-12 * np.maximum(squares, 1e-300)] = np.nan
        r: np.ndarray = (x.T @ x - sums * sums.T / n) / np.sqrt(spread * spread.T)
    r.clip(-1, 1, out=r)
    return r


def binned(numbers: np.ndarray) -> np.ndarray:
    """Numbers (n, k) as bins 1..11: ten of equal width, the greatest value and what is missing being the eleventh.

    That these two share one is sdmetrics' way, kept so that the values can be compared.
    """
    bins = np.empty(numbers.shape, np.int64)
    for at, values in enumerate(numbers.T):
        bins[:, at] = np.digitize(values, np.histogram_bin_edges(values[~np.isnan(values)], BINS))
    return bins


def _compare(real: np.ndarray, made: np.ndarray, rows: int, columns: int) -> tuple[float, float, float]:
    """Cells (n,) and (m,) of two joint tables -> 1 - their total variation, and Cramér's V of each."""
    if rows * columns <= SPARSE * (len(real) + len(made)):
        where = np.arange(rows * columns)
    else:
        where, places = np.unique(np.concatenate([real, made]), return_inverse=True)
        real, made = places[: len(real)], places[len(real) :]
    counts = [np.bincount(cells, minlength=len(where)) for cells in (real, made)]
    shares = [count / max(count.sum(), 1) for count in counts]
    strengths = (_cramer(share, where // columns, where % columns, rows, columns) for share in shares)
    return 1 - float(np.abs(shares[0] - shares[1]).sum()) / 2, next(strengths), next(strengths)


def _cramer(shares: np.ndarray, row: np.ndarray, column: np.ndarray, rows: int, columns: int) -> float:
    """Cramér's V of a joint table given by its cells; NaN where a side has one value."""
    some = shares > 0
    shares, row, column = shares[some], row[some], column[some]
    of_row, of_column = np.bincount(row, shares, rows), np.bincount(column, shares, columns)
    least = min((of_row > 0).sum(), (of_column > 0).sum()) - 1
    if least < 1:
        return float("nan")
    excess = float((shares * shares / (of_row[row] * of_column[column])).sum()) - 1
    return float(np.sqrt(max(excess, 0.0) / least))
