"""What nearest neighbours tell of two clouds of features: realism, coverage, memorising, diversity.

No kept library has these, so they are our own, checked against plain numpy. Features are matrices (n, d), one sample a
row; the large ones may be mapped from a file, and are read in parts. Distances are Euclidean, in float64 on the CPU.
Every function raises SparringError where samples are too few, where d differs, or where a value is not finite.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import SparringError
from sparring.metrics.distances import check, check_alike

ENTRIES = 2**22  # distances held at once: 32 MiB of float64, however many samples there are


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
        pairs: (index of a fake, of the training sample nearest to it, of the nearest held-out one), first the fake
            that is nearer to a training sample by the largest factor.
    """

    ratio: float
    pairs: tuple[tuple[int, int, int], ...]


def _matrix(features: Tensor, name: str, fewest: int) -> Tensor:
    check(features, name, fewest)
    return features.detach().cpu().double()


def nearest(a: Tensor, b: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """How far the k-th nearest row of `b` is from each row of `a` (n,), and which it is (n,); b is read in parts.

    The distance is recomputed from the difference: those from matrix products miss 0 for equal rows.
    """
    found = [_nearest_of_some(rows, b, k) for rows in a.split(max(1, ENTRIES // min(len(b), ENTRIES)))]  # type: ignore[no-untyped-call]
    which = torch.cat(found)
    return (a - b[which].double()).norm(dim=1), which


def _nearest_of_some(rows: Tensor, b: Tensor, k: int) -> Tensor:
    best, which = torch.empty(len(rows), 0, dtype=torch.float64), torch.empty(len(rows), 0, dtype=torch.int64)
    size = max(1, ENTRIES // len(rows))
    for start in range(0, len(b), size):
        distances = torch.cdist(rows, b[start : start + size].double())
        numbers = torch.arange(start, start + distances.shape[1]).expand_as(distances)
        best, which = torch.cat([best, distances], 1), torch.cat([which, numbers], 1)
        kept = best.topk(min(k, best.shape[1]), largest=False)
        best, which = kept.values, which.gather(1, kept.indices)
    return which[:, k - 1]


def neighbourhoods(real: Tensor, fake: Tensor, k: int = 5) -> Neighbourhoods:
    """Precision and recall (Kynkäänniemi et al. 2019, eq. 1-2), density and coverage (Naeem et al. 2020).

    A sample's ball reaches to the k-th nearest other sample of its own cloud; the border is not part of it, as in
    Naeem's code. Memory is bounded; the time grows with (n + m)².

    Args:
        real, fake: (n, d) and (m, d), n and m more than k. Recall falls as fakes become fewer: compare equal numbers.
    """
    x, y = _matrix(real, "real", k + 1), _matrix(fake, "fake", k + 1)
    check_alike(x, y)
    real_radius, fake_radius = _radii(x, k), _radii(y, k)
    balls, recalled, covered = torch.zeros(len(y)), [], []
    for rows, radius in zip(x.split(size := max(1, ENTRIES // len(y))), real_radius.split(size), strict=True):  # type: ignore[no-untyped-call]
        distances = torch.cdist(rows, y)
        inside = distances < radius[:, None]
        balls += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distances < fake_radius).any(1))
    return Neighbourhoods(
        precision=(balls > 0).double().mean().item(),
        recall=torch.cat(recalled).double().mean().item(),
        density=balls.double().mean().item() / k,
        coverage=torch.cat(covered).double().mean().item(),
    )


def _radii(x: Tensor, k: int) -> Tensor:
    """How far each row's k-th nearest other row is; rounded as `neighbourhoods` rounds, lest borders move."""
    blocks = x.split(max(1, ENTRIES // len(x)))  # type: ignore[no-untyped-call]
    return torch.cat([torch.cdist(rows, x).kthvalue(k + 1, dim=1).values for rows in blocks])  # the first is itself


def memorising(train: Tensor, held_out: Tensor, fake: Tensor, pairs: int = 8) -> Memorising:
    """Are the fakes nearer to what the generator was trained on than to what it never saw?

    The median distance from a fake to the nearest training sample, over that to the nearest held-out one. More
    samples lie nearer, so this is divided by the same ratio for the held-out samples themselves (each left out in
    its turn). Thinning the training set to the held-out one's size would do that too, but would lose the very
    samples that were copied. After the data-copying test of Meehan, Chaudhuri & Dasgupta (2020).

    Args:
        train, held_out, fake: (n, d), (m, d), (l, d); m at least 2. `train` may be large, and mapped from a file.
        pairs: how many of the fakes that are most like copies to name.

    Raises:
        SparringError: also where half the held-out samples have a twin in the training set or among themselves,
            or half the fakes have one among them.
    """
    check(train, "training", 1)
    h, y = _matrix(held_out, "held-out", 2), _matrix(fake, "fake", 1)
    check_alike(train, h, y)
    to_train, in_train = nearest(y, train)
    to_held, in_held = nearest(y, h)
    honest_train, honest_held = nearest(h, train)[0].median(), nearest(h, h, 2)[0].median()
    if min(to_held.median(), honest_train, honest_held) == 0:
        raise SparringError(
            "half of the distances to held-out samples are 0: remove duplicates before splitting the data"
        )
    ratio = to_train.median() / to_held.median() / (honest_train / honest_held)
    closest = (to_train / to_held.clamp(min=1e-12)).argsort(stable=True)[:pairs].tolist()
    return Memorising(ratio.item(), tuple((i, int(in_train[i]), int(in_held[i])) for i in closest))


def diversity(features: Tensor) -> float:
    """Mean Euclidean distance between two different samples of (n, d), n at least 2; 0 where all are one."""
    x = _matrix(features, "given", 2)
    blocks = x.split(max(1, ENTRIES // len(x)))  # type: ignore[no-untyped-call]
    return sum(torch.cdist(rows, x).sum().item() for rows in blocks) / (len(x) * (len(x) - 1))
