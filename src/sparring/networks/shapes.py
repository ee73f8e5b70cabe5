"""How many times a resolution is halved: the one rule from which every network's stages follow."""

from __future__ import annotations

import math

SMALLEST = 4  # the base map's shorter side is at least this


def stages(height: int, width: int) -> tuple[int, tuple[int, int]]:
    """-> (k, (h0, w0)): k halvings of height x width and the base map that k doublings bring back to at least that.

    h0 = ceil(height / 2**k), so a side that 2**k does not divide comes back too long, and the generator crops it.

    >>> stages(32, 32), stages(28, 28), stages(48, 64), stages(30, 30)
    ((3, (4, 4)), (2, (7, 7)), (3, (6, 8)), (2, (8, 8)))
    """
    k = max(0, int(math.log2(min(height, width) / SMALLEST)))
    return k, (math.ceil(height / 2**k), math.ceil(width / 2**k))


def halved(height: int, width: int, k: int) -> tuple[int, int]:
    """The map that k strided convolutions (kernel 4, stride 2, padding 1) leave of height x width."""
    return height // 2**k, width // 2**k
