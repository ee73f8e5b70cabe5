"""Randomness as a pure function of (seed, step): nothing random needs saving, and any step can be replayed.

A whole batch is drawn from a generator seeded by the run's seed and the step's number; each process and each
micro-batch takes its own slice of it. So a resumed run, two processes and four micro-batches all see the very
numbers that one uninterrupted process would have seen.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def mix(purpose: str, *numbers: int) -> int:
    """Hash a purpose and whole numbers into one seed in 0..2**63-1; other purposes give unrelated seeds."""
    digest = hashlib.blake2b(repr((purpose, *numbers)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seed_everything(seed: int, step: int, process: int, device: torch.device) -> None:
    """Set every global generator (torch's, numpy's, random's), for dropout and for recipes' own use."""
    number = mix("globals", seed, step, process)
    torch.default_generator.manual_seed(number)  # torch.manual_seed asks every kind of device, and takes a millisecond
    if device.type == "cuda":
        torch.cuda.manual_seed(number)
    elif device.type == "mps":
        torch.mps.manual_seed(number)
    np.random.seed(number % 2**32)
    random.seed(number)


class Draws:
    """One share's view of the random numbers of a step.

    Args:
        seed: the run's seed.
        share: which slice of each whole-batch draw is ours, in 0..shares-1.
        shares: processes times micro-batches.
        device: where the numbers are made.
    """

    def __init__(self, seed: int, share: int, shares: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.share, self.shares, self.device = seed, share, shares, torch.device(device)
        self.generator = torch.Generator(self.device)
        self.at(0)

    def at(self, step: int) -> None:
        """Go to the start of a step: the same step gives the same numbers, in the order they are asked for."""
        self.generator.manual_seed(mix("draws", self.seed, step))
        self._common = random.Random(mix("common", self.seed, step))

    def normal(self, n: int, *shape: int) -> torch.Tensor:
        """Standard normal numbers, (n, *shape) float32: rows share*n to (share+1)*n of the whole batch's."""
        whole = torch.randn(n * self.shares, *shape, generator=self.generator, device=self.device)
        return whole[self.share * n : (self.share + 1) * n]

    def uniform(self, n: int, *shape: int) -> torch.Tensor:
        """Uniform numbers in 0..1, (n, *shape) float32, shared out like `normal`."""
        whole = torch.rand(n * self.shares, *shape, generator=self.generator, device=self.device)
        return whole[self.share * n : (self.share + 1) * n]

    def common(self) -> float:
        """A uniform number in 0..1 that is the same for every share, made without the device: shapes may follow it."""
        return self._common.random()
