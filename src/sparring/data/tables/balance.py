"""More rows of rare classes without a GAN: copies, columns drawn by themselves, and SMOTE-NC.

Rows are matrices here, as classifiers take them: numbers and the codes of categories, NaN where a value is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sparring.errors import SparringError

NEIGHBOURS = 5  # of SMOTE-NC, as published


def lacking(counts: np.ndarray, n: int | None = None) -> np.ndarray:
    """How many rows each class (classes,) gets: up to the most frequent one, or n in all, the rarest first.

    >>> lacking(np.array([90, 10, 50])).tolist(), lacking(np.array([90, 10, 50]), 60).tolist()
    ([0, 80, 40], [0, 50, 10])
    """
    if n is None:
        level: int = counts.max()
        return np.asarray(level - counts)
    ordered = np.sort(counts)
    filled = ordered * np.arange(1, len(counts) + 1) - np.cumsum(ordered)  # rows until the first k are level
    k = int(np.searchsorted(filled, n, side="right"))
    level, over = divmod(int(ordered[:k].sum()) + n, k)
    more: np.ndarray = np.maximum(level - counts, 0)
    more[np.argsort(counts, kind="stable")[:over]] += 1
    return more


def duplicates(x: np.ndarray, y: np.ndarray, more: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, c) and classes (n,), and below them `more` (classes,) rows of each class, drawn among its own."""
    chance = np.random.default_rng(seed)
    drawn = [chance.choice(np.flatnonzero(y == one), more[one]) for one in np.flatnonzero(more)]
    every = np.concatenate([np.arange(len(y)), *drawn])
    return x[every], y[every]


def apart(x: np.ndarray, y: np.ndarray, more: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As `duplicates`, but each value is drawn by itself, so that columns have nothing to do with each other."""
    chance = np.random.default_rng(seed)
    made = [
        np.stack([column[chance.integers(len(column), size=more[one])] for column in x[y == one].T], 1)
        for one in np.flatnonzero(more)
    ]
    return np.concatenate([x, *made]), np.append(y, np.repeat(np.arange(len(more)), more))


def smote(
    x: np.ndarray, y: np.ndarray, more: np.ndarray, seed: int, categories: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `duplicates`, but by SMOTE-NC (Chawla et al. 2002): between a row and a near one of its class.

    It knows no missing values: a missing number is the median, and that it is missing is a category of its own.

    Args:
        categories: which columns (c,) are codes.

    Raises:
        SparringError: without imbalanced-learn, and for a class of one row.
    """
    over_sampling = load()
    if np.bincount(y)[more > 0].min(initial=2) < 2:
        raise SparringError("a class has one row to learn from, and SMOTE-NC needs two")
    unknown = np.isnan(x)
    instead = np.where(categories, -1.0, [np.median(column[~np.isnan(column)]) for column in _some(x)])
    whole = np.where(unknown, instead, x)
    holed = np.flatnonzero(~categories & unknown.any(0))  # numbers that may be missing
    whole = np.concatenate([whole, unknown[:, holed]], 1)
    discrete = np.append(categories, np.ones(len(holed), bool))
    settings = {
        "sampling_strategy": {int(one): int((y == one).sum() + more[one]) for one in np.flatnonzero(more)},
        "k_neighbors": int(min(NEIGHBOURS, np.bincount(y)[more > 0].min() - 1)),
        "random_state": seed % 2**32,
    }
    if not discrete.any():
        maker = over_sampling.SMOTE(**settings)
    elif discrete.all():
        maker = over_sampling.SMOTEN(**settings)
    else:
        maker = over_sampling.SMOTENC(np.flatnonzero(discrete).tolist(), **settings)
    made, classes = maker.fit_resample(whole, y)
    back = made[:, : x.shape[1]].astype(np.float64)
    back[:, categories] = np.where(back[:, categories] < 0, np.nan, back[:, categories])
    back[:, holed] = np.where(made[:, x.shape[1] :] > 0, np.nan, back[:, holed])
    return back, classes


def load() -> Any:
    """imbalanced-learn's over-samplers.

    Raises:
        SparringError: where it is not installed.
    """
    try:
        from imblearn import over_sampling
    except ImportError:
        raise SparringError("SMOTE-NC needs imbalanced-learn: pip install 'sparring[tables]'") from None
    return over_sampling


def _some(x: np.ndarray) -> np.ndarray:
    """Columns, each with a known value at least."""
    return np.where(np.isnan(x).all(0), 0.0, x).T
