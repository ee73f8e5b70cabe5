"""Are rows made up, or taken from the training rows? Distances between rows, and what an attacker learns by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sparring.metrics.tables.columns import Coded

PROBES = 2000  # rows from which distances are measured
ROWS, BLOCK = 64, 4096  # rows compared at once: what is between stays in the processor's cache
FAR = 3.0  # where a missing number lies: further than 1 from all others, which counts as 1


class Privacy(NamedTuple):
    """What tells copies from rows of one's own.

    Attributes:
        memorising: how near made rows come to training rows, as against held-out ones: 0 copies, about 1 is honest;
            None where it cannot be measured.
        copies: the share of the made rows that equal a training row.
        distance: the median distance from a made row to the nearest training row, in 0..1.
        attack: the area under the curve of an attacker who takes rows that lie near a made one for training rows:
            0.5 is guessing, 1 knows them all.
    """

    memorising: float | None
    copies: float
    distance: float
    attack: float


class Ruler:
    """Measures distances between rows: the mean over the columns of Gower's (1971) differences.

    Numbers differ by their difference over the range that they have in the training rows, at most 1; categories by 0
    or 1; a missing value by 0 from a missing one and by 1 from all others.

    Args:
        train: the rows whose ranges count.
    """

    def __init__(self, train: Coded) -> None:
        there = ~np.isnan(train.numbers)
        self.low = np.where(there, train.numbers, np.inf).min(0, initial=np.inf)
        self.range = np.where(there, train.numbers, -np.inf).max(0, initial=-np.inf) - self.low

    def nearest(self, rows: Coded, others: Coded, leave_out: bool = False) -> np.ndarray:
        """How far each of n rows is from the nearest of the others: (n,) float32 in 0..1; 0 is equal.

        Args:
            rows, others: in memory that stays flat, and time that grows with n times m.
            leave_out: both are the same rows, and each is measured to the nearest but itself.
        """
        (x, a), (y, b) = self._prepared(rows), self._prepared(others)
        best = np.full(len(rows), np.inf, np.float32)
        for start in range(0, len(rows), ROWS):
            for block in range(0, len(others), BLOCK):
                here, there = slice(start, start + ROWS), slice(block, block + BLOCK)
                found = _distances(x[:, here], y[:, there], a[:, here], b[:, there])
                if leave_out:
                    own = np.arange(start, min(start + ROWS, len(rows)))
                    own = own[(own >= block) & (own < block + found.shape[1])]
                    found[own - start, own - block] = np.inf
                np.minimum(best[here], found.min(1), out=best[here])
        return best / np.float32(max(len(x) + len(a), 1))

    def _prepared(self, rows: Coded) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (k, n) float32 over their range, and codes (d, n) in as few bits as they need."""
        with np.errstate(invalid="ignore", divide="ignore"):
            scaled = (rows.numbers - self.low) / np.where(self.range > 0, self.range, 1)
        scaled = np.where(self.range > 0, scaled, np.where(scaled == 0, 0, np.sign(scaled)))
        scaled = np.where(np.isnan(rows.numbers), FAR + 1, np.clip(scaled, -1, 2))
        kind = np.int16 if rows.codes.max(initial=0) < np.iinfo(np.int16).max else np.int32
        return np.ascontiguousarray(scaled.T, np.float32), np.ascontiguousarray(rows.codes.T, kind)


def _distances(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Numbers (k, n), (k, m) and codes (d, n), (d, m) -> sums of differences (n, m) float32."""
    shape = (x if len(x) else a).shape[1], (y if len(y) else b).shape[1]
    unlike = np.zeros(shape, np.uint16)
    for mine, others in zip(a, b, strict=True):
        unlike += mine[:, None] != others
    total = unlike.astype(np.float32)
    step = np.empty(shape, np.float32)
    for mine, others in zip(x, y, strict=True):
        np.subtract(mine[:, None], others, out=step)
        np.abs(step, out=step)
        np.minimum(step, 1, out=step)
        total += step
    return total


class Guard:
    """Measures privacy against fixed training and held-out rows.

    Args:
        train: all that was learnt from; a copy hides in a part of it.
        held_out: at least two rows that were not; none of them equals a training row.
    """

    def __init__(self, train: Coded, held_out: Coded) -> None:
        self.train, self.held_out, self.ruler = train, held_out.some(PROBES), Ruler(train)
        self.members = train.some(len(self.held_out))
        self.honest_train = self.ruler.nearest(self.held_out, train)
        self.honest_held = self.ruler.nearest(self.held_out, self.held_out, leave_out=True)

    def measure(self, made: Coded) -> Privacy:
        """All of it for made rows; the more there are, the more the attacker knows: give as many as training rows."""
        some = made.some(PROBES)
        to_train, to_held = self.ruler.nearest(some, self.train), self.ruler.nearest(some, self.held_out)
        known = [self.ruler.nearest(rows, made) for rows in (self.members, self.held_out)]
        return Privacy(
            self._memorising(to_train, to_held),
            float((to_train == 0).mean()),
            float(np.median(to_train)),
            attack(*known),
        )

    def _memorising(self, to_train: np.ndarray, to_held: np.ndarray) -> float | None:
        """The median distance to training over that to held-out rows, over the same ratio of held-out rows.

        There are more training rows, so they lie nearer; the second ratio makes up for that. Where many rows are equal
        medians are 0, and means are taken.
        """
        for middle in (np.median, np.mean):
            train, held, honest_train, honest_held = (
                float(middle(part)) for part in (to_train, to_held, self.honest_train, self.honest_held)
            )
            if min(held, honest_train, honest_held) > 0:
                return train / held / (honest_train / honest_held)
        return None


def attack(members: Sequence[float] | np.ndarray, others: Sequence[float] | np.ndarray) -> float:
    """The chance that a training row is nearer to the made ones than another row, ties counting half."""
    a, b = np.asarray(members), np.sort(np.asarray(others))
    nearer = len(b) - np.searchsorted(b, a, side="right")
    ties = np.searchsorted(b, a, side="right") - np.searchsorted(b, a, side="left")
    return float((nearer + ties / 2).mean() / len(b))
