"""Random numbers that are a function of what they are for: the same row gets the same, wherever it stands.

Equal rows of a table are so encoded alike, and `split` never parts them; and a million rows that are decoded in blocks
are those that would have been decoded at once.
"""

from __future__ import annotations

import numpy as np

from sparring.draws import mix

STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64, by Sebastiano Vigna


def scrambled(numbers: np.ndarray) -> np.ndarray:
    """Whole numbers (n,) uint64 -> others, (n,) uint64, that look like drawn: splitmix64's output function."""
    x = numbers + STEP
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def joined(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Keys of rows and the next column's numbers, (n,) uint64 each -> keys of both, (n,) uint64."""
    return scrambled(scrambled(numbers) ^ keys)


def numbered(first: int, count: int) -> np.ndarray:
    """Keys (count,) uint64 of rows that are told apart by their number alone."""
    return np.arange(first, first + count, dtype=np.uint64)


def bits(keys: np.ndarray, purpose: str, *numbers: int) -> np.ndarray:
    """64 random bits for each key (n,) uint64, others for another purpose or number: (n,) uint64."""
    return scrambled(scrambled(keys) ^ np.uint64(mix(purpose, *numbers)))


def uniform(keys: np.ndarray, purpose: str, *numbers: int) -> np.ndarray:
    """A random number in [0, 1) for each key (n,) uint64: (n,) float64."""
    drawn: np.ndarray = (bits(keys, purpose, *numbers) >> np.uint64(11)) * 2.0**-53
    return drawn
