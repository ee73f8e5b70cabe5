"""How near one cloud of features lies to another: pure functions of matrices (n, d), one sample a row.

Everything is computed in float64 on the CPU, so a value does not depend on the device that made the features.
Every function raises SparringError where samples are too few, where d differs, or where a value is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.draws import mix
from sparring.errors import SparringError

ENTRIES = 2**23  # distances held at once: 64 MiB of float64, however many samples there are
FEWEST_SUBSETS = 10  # a standard error from fewer subsets is itself too uncertain


class Estimate(NamedTuple):
    """A number and the standard error of it."""

    value: float
    standard_error: float


class Neighbourhoods(NamedTuple):
    """What k-nearest-neighbour balls say; shares lie in 0..1, density is 1 where both clouds are alike.

    Attributes:
        precision: share of the fakes that lie in some real sample's ball: are they realistic?
        recall: share of the reals that lie in some fake's ball: could they have been generated?
        density: in how many real balls a fake lies, over k; unlike precision it is not fooled by one outlier.
        coverage: share of the real balls that hold a fake; unlike recall it is not fooled by outlying fakes.
    """

    precision: float
    recall: float
    density: float
    coverage: float


class Memorising(NamedTuple):
    """Whether fakes lie nearer to the training samples than honest new samples would.

    Attributes:
        ratio: 0 for copies of training samples, about 1 for samples as new as the held-out ones; more where the
            fakes are far from both.
        pairs: (index of a fake, index of the training sample nearest to it), the closest pair first.
    """

    ratio: float
    pairs: tuple[tuple[int, int], ...]


def _matrix(features: Tensor, name: str, fewest: int = 1) -> Tensor:
    """Features as float64 on the CPU, or the sentence that says why no number can be had from them."""
    if features.dim() != 2:
        raise SparringError(f"the {name} features must be a matrix (n, d), and their shape is {tuple(features.shape)}")
    if len(features) < fewest:
        raise SparringError(f"this needs at least {fewest} {name} samples; there are {len(features)}")
    matrix = features.detach().cpu().double()  # in this order: not every device knows float64
    if not matrix.isfinite().all():
        raise SparringError(f"the {name} features hold values that are not finite")
    return matrix


def _alike(first: Tensor, *others: Tensor) -> None:
    """Features of different networks cannot be compared."""
    widths = [matrix.shape[1] for matrix in (first, *others)]
    if len(set(widths)) > 1:
        raise SparringError(f"features of {' and '.join(map(str, widths))} numbers cannot be compared")


class Moments:
    """Mean and covariance of features that come batch by batch: memory is d×d however many there are.

    Batches are merged by the pairwise update of Chan, Golub & LeVeque (1983), which, unlike a sum of squares, loses
    no digits where the mean is large.

    Attributes:
        count: samples so far.
        mean: (d,) float64.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros(0, dtype=torch.float64)
        self._scatter = torch.zeros(0, 0, dtype=torch.float64)

    def add(self, batch: Tensor) -> Moments:
        """Take in features (b, d) with b >= 1; returns itself.

        Raises:
            SparringError: where they are no matrix, not finite, or of another d than before.
        """
        matrix = _matrix(batch, "batch's")
        if not self.count:
            width = matrix.shape[1]
            self.mean, self._scatter = matrix.new_zeros(width), matrix.new_zeros(width, width)
        _alike(self.mean[None], matrix)
        total, centre = self.count + len(matrix), matrix.mean(0)
        delta, centred = centre - self.mean, matrix - centre
        self._scatter += centred.T @ centred + torch.outer(delta, delta) * (self.count * len(matrix) / total)
        self.mean = self.mean + delta * (len(matrix) / total)
        self.count = total
        return self

    @property
    def covariance(self) -> Tensor:
        """(d, d) float64, unbiased (over n - 1). SparringError where there are fewer than 2 samples."""
        if self.count < 2:
            raise SparringError(f"a covariance needs at least 2 samples; there are {self.count}")
        return self._scatter / (self.count - 1)


def frechet(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance of the Gaussians fitted to two clouds (Heusel et al. 2017, eq. 6; squared, as is usual).

    |m1 - m2|² + Tr(S1 + S2 - 2 (S1 S2)^½), in 0..inf. It is biased upwards where samples are few: compare only
    values of equally many, and of several times d.

    Args:
        real, fake: (n, d) and (m, d), n and m at least 2.

    Raises:
        SparringError: where there are fewer, where d differs, or where a value is not finite.
    """
    return frechet_of(Moments().add(real), Moments().add(fake))


def frechet_of(real: Moments, fake: Moments) -> float:
    """`frechet` from moments gathered batch by batch; the same formula and the same errors."""
    first, second = real.covariance, fake.covariance
    _alike(first, second)
    # S1 S2 has the eigenvalues of S1^½ S2 S1^½, which is symmetric: they are real, and rounding alone takes one
    # below 0. A matrix square root of the product instead drifts into complex numbers where samples are few.
    values, vectors = torch.linalg.eigh(first)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    distance = (real.mean - fake.mean).square().sum() + first.trace() + second.trace() - 2 * overlap
    return max(float(distance), 0.0)


def mmd(real: Tensor, fake: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³ (Binkowski et al. 2018, section 4).

    The U-statistic of Gretton et al. (2012, eq. 3): a sample is never compared with itself, so the expectation
    for two clouds of one distribution is exactly 0, and a value may lie below it.

    Args:
        real, fake: (n, d) and (m, d), n and m at least 2. n×m numbers are held at once.
    """
    x, y = _matrix(real, "real", 2), _matrix(fake, "fake", 2)
    _alike(x, y)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Tensor) -> Tensor:
        k = kernel(a, a)
        return (k.sum() - k.trace()) / (len(a) * (len(a) - 1))

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())


def kernel_distance(real: Tensor, fake: Tensor, size: int = 1000, seed: int = 0) -> Estimate:
    """KID: the mean of `mmd` over random subsets (Binkowski et al. 2018), and its standard error.

    The subsets are disjoint, unlike in the authors' code: overlapping ones are not independent, and the spread of
    their values then says little about how far another sample's value would lie. The expectation is the same.

    Args:
        real, fake: (n, d) and (m, d), n and m at least 20.
        size: samples in a subset; less where needed for ten subsets.
        seed: which samples come together.
    """
    x, y = _matrix(real, "real", 2 * FEWEST_SUBSETS), _matrix(fake, "fake", 2 * FEWEST_SUBSETS)
    fewer = min(len(x), len(y))
    size = min(size, fewer // FEWEST_SUBSETS)
    subsets = fewer // size
    generator = torch.Generator().manual_seed(mix("kernel distance", seed))
    x, y = (m[torch.randperm(len(m), generator=generator)[: subsets * size]] for m in (x, y))
    return _estimate([mmd(a, b) for a, b in zip(x.tensor_split(subsets), y.tensor_split(subsets), strict=True)])


def _estimate(values: list[float]) -> Estimate:
    """The mean of independent values and its standard error."""
    every = torch.tensor(values, dtype=torch.float64)
    return Estimate(every.mean().item(), every.std().item() / math.sqrt(len(values)))


def _distances(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Euclidean distances (rows, m) from some rows of `a` to all of `b`, until every row had its turn."""
    rows = max(1, ENTRIES // len(b))
    for start in range(0, len(a), rows):
        part = slice(start, min(start + rows, len(a)))
        yield part, torch.cdist(a[part], b)


def _nearest(a: Tensor, b: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """How far the k-th nearest row of `b` is from each row of `a` (n,), and which it is (n,)."""
    found = [distances.kthvalue(k, dim=1) for _, distances in _distances(a, b)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def neighbourhoods(real: Tensor, fake: Tensor, k: int = 5) -> Neighbourhoods:
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 1-2), density and coverage (Naeem et al. 2020).

    A sample's ball reaches to the k-th nearest other sample of its own cloud; the border is not part of it, as in
    Naeem's code. Memory is bounded; the time grows with (n + m)².

    Args:
        real, fake: (n, d) and (m, d), n and m more than k.
    """
    x, y = _matrix(real, "real", k + 1), _matrix(fake, "fake", k + 1)
    _alike(x, y)
    real_radius, fake_radius = _nearest(x, x, k + 1)[0], _nearest(y, y, k + 1)[0]  # the nearest of all is itself
    balls = torch.zeros(len(y))
    recalled, covered = torch.zeros(len(x)), torch.zeros(len(x))
    for rows, distances in _distances(x, y):
        inside = distances < real_radius[rows, None]
        balls += inside.sum(0)
        covered[rows] = inside.any(1).float()
        recalled[rows] = (distances < fake_radius).any(1).float()
    return Neighbourhoods(
        precision=(balls > 0).double().mean().item(),
        recall=recalled.double().mean().item(),
        density=balls.double().mean().item() / k,
        coverage=covered.double().mean().item(),
    )


def inception_score(probabilities: Tensor, splits: int = 10) -> Estimate:
    """exp(E KL(p(y|x) || p(y))), in 1..classes (Salimans et al. 2016, section 4): sure of each, varied over all.

    The mean over consecutive parts of the rows, which must be in random order. Papers print the deviation between
    the parts, which is the standard error times the root of `splits`.

    Args:
        probabilities: (n, classes), each row a classifier's distribution, not its logits.
        splits: how many parts, in 2..n.

    Raises:
        SparringError: where rows are no distributions, or there are too few of them.
    """
    p = _matrix(probabilities, "classified", splits)
    if (p < 0).any() or ((p.sum(1) - 1).abs() > 1e-3).any():
        raise SparringError("an inception score needs probabilities: each row must be positive and sum to 1")
    if splits < 2:
        raise SparringError(f"an inception score needs at least 2 splits to have a standard error, not {splits}")
    parts = p.tensor_split(splits)
    return _estimate([(part.xlogy(part) - part.xlogy(part.mean(0))).sum(1).mean().exp().item() for part in parts])


def memorising(train: Tensor, held_out: Tensor, fake: Tensor, pairs: int = 8) -> Memorising:
    """Are the fakes nearer to what the generator was trained on than to what it never saw?

    The median distance from a fake to the nearest training sample, over that to the nearest held-out one. More
    samples lie nearer, so this is divided by the same ratio for the held-out samples themselves (each left out in
    its turn). Thinning the training set to the held-out one's size would do that too, but would lose the very
    samples that were copied. After the data-copying test of Meehan, Chaudhuri & Dasgupta (2020).

    Args:
        train, held_out, fake: (n, d), (m, d), (l, d); m at least 2.
        pairs: how many of the closest pairs to name.

    Raises:
        SparringError: also where half the held-out samples have a twin in the training set or among themselves,
            or half the fakes have one among them.
    """
    x, h, y = _matrix(train, "training", 1), _matrix(held_out, "held-out", 2), _matrix(fake, "fake", 1)
    _alike(x, h, y)
    to_train, index = _exactly(y, x, 1)
    to_held, honest_train, honest_held = (_exactly(*way)[0].median() for way in ((y, h, 1), (h, x, 1), (h, h, 2)))
    if min(to_held, honest_train, honest_held) == 0:
        raise SparringError(
            "half of the distances to held-out samples are 0: remove duplicates before splitting the data"
        )
    ratio = to_train.median() / to_held / (honest_train / honest_held)
    closest = to_train.argsort(stable=True)[:pairs].tolist()
    return Memorising(ratio.item(), tuple((i, int(index[i])) for i in closest))


def _exactly(a: Tensor, b: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """`_nearest`, with distances recomputed from differences: those from matrix products miss 0 for equal rows."""
    index = _nearest(a, b, k)[1]
    return (a - b[index]).norm(dim=1), index


def diversity(features: Tensor) -> float:
    """Mean Euclidean distance between two different samples of (n, d), n at least 2; 0 where all are one."""
    x = _matrix(features, "given", 2)
    total = sum(distances.sum().item() for _, distances in _distances(x, x))
    return total / (len(x) * (len(x) - 1))
