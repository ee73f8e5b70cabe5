"""How many times a resolution is halved: the one rule from which every network's stages follow."""

from __future__ import annotations

import math

BASE = 4  # halve while the shorter side of the map stays at least this
DEPTH = 3  # but small pictures are halved up to this often while the shorter side stays at least half of BASE


def stages(height: int, width: int) -> tuple[int, tuple[int, int]]:
    """-> (k, (h0, w0)): k halvings of height x width and the base map that k doublings bring back to at least that.

    h0 = ceil(height / 2**k), so a side that 2**k does not divide comes back too long, and the generator crops it.
    Pictures of 16 pixels get three stages, not two: two make digits that are harder to read.

    >>> stages(32, 32), stages(28, 28), stages(48, 64), stages(16, 16), stages(8, 8)
    ((3, (4, 4)), (3, (4, 4)), (3, (6, 8)), (3, (2, 2)), (2, (2, 2)))
    """
    side = min(height, width)
    k = max(_halvings(side, BASE), min(_halvings(side, BASE // 2), DEPTH))
    return k, (math.ceil(height / 2**k), math.ceil(width / 2**k))


def _halvings(side: int, smallest: int) -> int:
    return max(0, int(math.log2(side / smallest)))


def halved(height: int, width: int, k: int) -> tuple[int, int]:
    """The map that k strided convolutions (kernel 4, stride 2, padding 1) leave of height x width."""
    return height // 2**k, width // 2**k
