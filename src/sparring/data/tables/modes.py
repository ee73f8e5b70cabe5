"""The modes of a column of numbers: a mixture of Gaussians that finds out itself how many it needs.

The model is that of scikit-learn's BayesianGaussianMixture with a Dirichlet process as its prior, by which CTGAN (Xu et
al. 2019, arXiv 1907.00503, section 4.2) normalises numbers: Blei and Jordan 2006, "Variational inference for Dirichlet
process mixtures", and Bishop 2006, section 10.2. It is fitted to values and how often each occurs rather than to rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST = 10  # modes at the start; those that hardly any row needs are dropped
CONCENTRATION = 1e-3  # of the Dirichlet process: the lower, the fewer modes
LEAST_WEIGHT = 5e-3  # of a mode that is kept
BINS = 1000  # more distinct values than this are put together by rank
TURNS = 200
CLOSE = 1e-5  # of the mean log-likelihood, in nats: a smaller change between two turns ends the search
SAME = 1e-15  # of the greatest value: what spreads less is one value
FLOOR = 1e-6  # least variance of a mode, as a share of the column's


class Modes(NamedTuple):
    """The Gaussians of a mixture, the least mean first: means, deviations > 0, weights of sum 1; (k,) each."""

    means: np.ndarray
    deviations: np.ndarray
    weights: np.ndarray


class _Posterior(NamedTuple):
    """What is believed once the shares are known; (k,) each, in Bishop's letters but for the stick's two."""

    stick: np.ndarray
    rest: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    nu: np.ndarray
    variance: np.ndarray


def count(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finite values (n,) float64 -> distinct ones, ascending, and how often each occurs; (u,) float64 both.

    More than 1,000 distinct values are put together into bins, by rank, and by value, or else those far out would be
    averaged with many that are not. A bin's value is its mean.
    """
    ordered = np.sort(values)
    firsts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(firsts) <= BINS:
        return ordered[firsts], np.diff(firsts, append=len(values)).astype(np.float64)
    ranks = np.linspace(0, len(values), BINS * 9 // 10, endpoint=False).astype(np.int64)
    even = np.searchsorted(ordered, np.linspace(ordered[0], ordered[-1], BINS // 10 + 1)[:-1])
    edges = np.unique(firsts[np.searchsorted(firsts, np.concatenate([ranks, even]), side="right") - 1])
    counts = np.diff(edges, append=len(values)).astype(np.float64)
    return np.add.reduceat(ordered, edges) / counts, counts


def fit(values: np.ndarray, counts: np.ndarray) -> Modes:
    """The mixture that distinct values (u,), ascending, with their counts (u,) come from. The same data gives the same.

    The figures are rounded to what the data can tell, so that they do not differ with the processor.
    """
    total = counts.sum()
    size = float(np.abs(values).max())
    units = values / size if size >= np.finfo(float).tiny else np.zeros_like(values)  # whose squares are numbers yet
    centre = float((counts * units).sum() / total)
    spread = float(np.sqrt((counts * (units - centre) ** 2).sum() / max(total - 1, 1)))
    if len(values) == 1 or spread < SAME:
        return Modes(values[:1], np.array([max(size, 1.0) * 1e-3]), np.ones(1))
    found, weights = _search((units - centre) / spread, counts)
    centre, spread = centre * size, spread * size
    kept = weights > min(LEAST_WEIGHT, weights.max() / 2)
    order = np.argsort(found.mean[kept], kind="stable")
    deviations = np.sqrt(found.variance[kept][order]) * spread
    means = centre + found.mean[kept][order] * spread
    places = 5 - np.floor(np.log10(deviations)).astype(int)
    rounded = [
        np.array([round(float(value), int(digits)) for value, digits in zip(of, places, strict=True)])
        for of in (means, deviations)
    ]
    return Modes(rounded[0], rounded[1], np.round(weights[kept][order] / weights[kept].sum(), 9))


def _search(x: np.ndarray, counts: np.ndarray) -> tuple[_Posterior, np.ndarray]:
    """Variational inference on values (u,) of mean 0 and variance 1: beliefs, and the modes' expected weights (k,)."""
    powers = np.stack([np.ones_like(x), x, x * x], axis=1)  # (u, 3)
    weighted = powers * counts[:, None]
    sums = _clusters(x, weighted)
    last = -np.inf
    for _ in range(TURNS):
        beliefs = _believe(sums)
        log = powers @ _logarithms(beliefs)  # (u, k)
        top = log.max(axis=1, keepdims=True)
        shares = np.exp(np.subtract(log, top, out=log), out=log)
        whole = shares.sum(axis=1, keepdims=True)
        shares /= whole
        likelihood = float(counts @ (top + np.log(whole))[:, 0]) / counts.sum()
        sums = shares.T @ weighted
        if abs(likelihood - last) < CLOSE:
            break
        last = likelihood
    beliefs = _believe(sums)
    return beliefs, _weights(beliefs)


def _believe(sums: np.ndarray) -> _Posterior:
    """Each mode's count, sum and sum of squares (k, 3) -> what is believed of it; before, mean 0 and variance 1."""
    n = sums[:, 0] + 1e-12
    means = sums[:, 1] / n
    scatter = np.maximum(sums[:, 2] - n * means**2, 0) + FLOOR * n
    beta = 1 + n
    variance = (1 + scatter + n / beta * means**2) / beta
    later = np.concatenate([np.cumsum(n[:0:-1])[::-1], [0]])
    return _Posterior(1 + n, CONCENTRATION + later, beta, n * means / beta, beta, variance)


def _logarithms(of: _Posterior) -> np.ndarray:
    """Expected log of weight times density, as a polynomial of the value: its coefficients (3, k)."""
    both = _digamma(of.stick + of.rest)
    breaks = np.concatenate([[0], np.cumsum(_digamma(of.rest) - both)[:-1]])
    constant = _digamma(of.stick) - both + breaks
    constant += 0.5 * (np.log(2 / (of.nu * of.variance)) + _digamma(of.nu / 2) - 1 / of.beta - np.log(2 * np.pi))
    return np.stack([constant - of.mean**2 / of.variance / 2, of.mean / of.variance, -0.5 / of.variance])


def _weights(of: _Posterior) -> np.ndarray:
    left = of.rest / (of.stick + of.rest)
    weights = of.stick / (of.stick + of.rest) * np.concatenate([[1], np.cumprod(left[:-1])])
    shares: np.ndarray = weights / weights.sum()
    return shares


def _digamma(x: np.ndarray) -> np.ndarray:
    """The logarithmic derivative of the gamma function at x > 0, (k,): the asymptotic series at x + 6, stepped back."""
    far = x + 6
    square = 1 / far**2
    series = np.log(far) - 0.5 / far - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    result: np.ndarray = series - (1 / (x[:, None] + np.arange(6))).sum(axis=1)
    return result


def _clusters(x: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """Where the search begins: (k, 3) sums of the clusters of k-means, the largest first.

    On a line a cluster is an interval, so all that k-means does is differences of cumulative sums. It begins with all
    in one cluster, and splits the one whose split takes away most of the squares: rare values far from the others,
    which quantiles would never single out, get their own.
    """
    total = np.concatenate([np.zeros((1, 3)), np.cumsum(weighted, axis=0)])
    edges = np.array([0, len(x)])
    while len(edges) <= min(MOST, len(x)):
        edges = _settled(x, total, np.sort(np.append(edges, _best_split(total, edges))))
    sums: np.ndarray = np.diff(total[edges], axis=0)
    largest: np.ndarray = sums[np.argsort(-sums[:, 0], kind="stable")]
    return largest


def _best_split(total: np.ndarray, edges: np.ndarray) -> int:
    """The place whose edge lowers the sum of squares within clusters most."""
    places = np.setdiff1d(np.arange(1, len(total) - 1), edges)
    at = np.searchsorted(edges, places)
    before, after = total[places] - total[edges[at - 1]], total[edges[at]] - total[places]
    both = before + after
    gain = sum(part[:, 1] ** 2 / part[:, 0] for part in (before, after)) - both[:, 1] ** 2 / both[:, 0]
    return int(places[gain.argmax()])


def _settled(x: np.ndarray, total: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Lloyd's algorithm: each edge goes midway between the means beside it, as often as that changes anything."""
    for _ in range(20):
        sums = np.diff(total[edges], axis=0)
        means = sums[:, 1] / sums[:, 0]
        moved = np.concatenate([[0], np.searchsorted(x, (means[1:] + means[:-1]) / 2), [len(x)]])
        if (np.diff(moved) <= 0).any() or np.array_equal(moved, edges):
            break
        edges = moved
    return edges
