"""Fréchet distance, kernel distance and Inception score, computed by torchmetrics from features that are there already.

Features are matrices (n, d), one sample a row; they may be mapped from a file, and are read in parts. Everything is
computed in float64 on the CPU, so a value does not depend on the device that made the features. Every function raises
SparringError where samples are too few, where d differs, or where a value is not finite.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sparring.draws import mix
from sparring.errors import SparringError

ROWS = 4096  # read at once: 40 MiB in float64 at 1280 numbers a feature
MOST = 10_000  # samples that a kernel distance looks at
ALONE = False  # of several processes that train together only one judges: torchmetrics must not wait for the others
FEWEST_SUBSETS = 10  # a standard error from fewer subsets is itself too uncertain


class Estimate(NamedTuple):
    """A number and the standard error of it."""

    value: float
    standard_error: float


class _Given(nn.Module):
    """In place of the feature network that torchmetrics would call: the features are given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def check(features: Tensor, name: str, fewest: int = 1) -> None:
    """Raise the sentence that says why no number can be had from features, if none can."""
    if features.dim() != 2:
        raise SparringError(f"the {name} features must be a matrix (n, d), and their shape is {tuple(features.shape)}")
    if len(features) < fewest:
        raise SparringError(f"this needs at least {fewest} {name} samples; there are {len(features)}")
    if not all(bool(part.isfinite().all()) for part in features.split(ROWS)):  # type: ignore[no-untyped-call]
        raise SparringError(f"the {name} features hold values that are not finite")


def check_alike(first: Tensor, *others: Tensor) -> None:
    """Features of different networks cannot be compared."""
    widths = [matrix.shape[1] for matrix in (first, *others)]
    if len(set(widths)) > 1:
        raise SparringError(f"features of {' and '.join(map(str, widths))} numbers cannot be compared")


def parts(features: Tensor) -> Iterator[Tensor]:
    """The rows in order, some thousands at a time, as float64 on the CPU."""
    for part in features.split(ROWS):  # type: ignore[no-untyped-call]
        yield part.detach().cpu().double()  # in this order: not every device knows float64


def frechet(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance of the Gaussians fitted to two clouds (Heusel et al. 2017, eq. 6; squared, as is usual).

    |m1 - m2|² + Tr(S1 + S2 - 2 (S1 S2)^½), in 0..inf. It is biased upwards where samples are few: compare only
    values of equally many, and of several times d.

    Args:
        real, fake: (n, d) and (m, d), n and m at least 2.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    check(real, "real", 2)
    check(fake, "fake", 2)
    check_alike(real, fake)
    origin = next(parts(real)).mean(0)  # torchmetrics sums squares, which lose digits far from 0
    metric = FrechetInceptionDistance(_Given(real.shape[1]), sync_on_compute=ALONE)
    for features, is_real in ((real, True), (fake, False)):
        for part in parts(features):
            metric.update(part - origin, real=is_real)
    return max(float(metric.compute()), 0.0)


def kernel_distance(real: Tensor, fake: Tensor, size: int = 1000, seed: int = 0) -> Estimate:
    """KID: the mean unbiased MMD² with the kernel (x·y/d + 1)³ over random subsets (Binkowski et al. 2018, section 4).

    The expectation for two clouds of one distribution is exactly 0, so a value may lie below it. The subsets are
    disjoint, unlike in torchmetrics' own class: overlapping ones are not independent, and the spread of their values
    then says little about how far another sample's value would lie. The expectation is the same.

    Args:
        real, fake: (n, d) and (m, d), n and m at least 20; of more than 10,000, as many are drawn.
        size: samples in a subset; less where needed for ten subsets.
        seed: which samples are drawn, and come together.
    """
    from torchmetrics.image.kid import poly_mmd

    fewest = 2 * FEWEST_SUBSETS
    check(real, "real", fewest)
    check(fake, "fake", fewest)
    check_alike(real, fake)
    fewer = min(len(real), len(fake), MOST)
    size = min(size, fewer // FEWEST_SUBSETS)
    generator = torch.Generator().manual_seed(mix("kernel distance", seed))
    x, y = (_drawn(features, fewer // size * size, generator) for features in (real, fake))
    pairs = zip(x.split(size), y.split(size), strict=True)  # type: ignore[no-untyped-call]
    return _estimate(torch.stack([poly_mmd(a, b) for a, b in pairs]))


def _drawn(features: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n rows in random order, float64 on the CPU."""
    chosen = torch.randperm(len(features), generator=generator)[:n]
    return features[chosen.to(features.device)].detach().cpu().double()


def _estimate(values: Tensor) -> Estimate:
    """The mean of independent values and its standard error."""
    return Estimate(values.mean().item(), values.std().item() / math.sqrt(len(values)))


def inception_score(probabilities: Tensor, splits: int = 10, seed: int = 0) -> Estimate:
    """exp(E KL(p(y|x) || p(y))), in 1..classes (Salimans et al. 2016, section 4): sure of each, varied over all.

    The mean over random parts of the rows. Papers print the deviation between the parts, which is the standard error
    times the root of `splits`.

    Args:
        probabilities: (n, classes), each row a classifier's distribution, not its logits.
        splits: how many parts, in 2..n.
        seed: which rows make a part.

    Raises:
        SparringError: where rows are no distributions, or there are too few of them.
    """
    from torchmetrics.image.inception import InceptionScore

    check(probabilities, "classified", splits)
    p = probabilities.detach().cpu().double()
    if (p < 0).any() or ((p.sum(1) - 1).abs() > 1e-3).any():
        raise SparringError("an inception score needs probabilities: each row must be positive and sum to 1")
    if splits < 2:
        raise SparringError(f"an inception score needs at least 2 splits to have a standard error, not {splits}")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it keeps what it is given, which is small here
        torch.default_generator.manual_seed(mix("inception score", seed))
        metric = InceptionScore(_Given(p.shape[1]), splits=splits, sync_on_compute=ALONE)
        metric.update(p.clamp(min=1e-38).log())
        mean, deviation = metric.compute()
    return Estimate(float(mean), float(deviation) / math.sqrt(splits))
