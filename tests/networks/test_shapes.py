"""The rule of stages, for every resolution from 8 to 256, square or not."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sparring.networks.shapes import BASE, DEPTH, halved, stages

SIDES = range(8, 257)


def test_the_rule_holds_for_every_resolution() -> None:
    for height in SIDES:
        for width in SIDES:
            k, (h0, w0) = stages(height, width)
            place = f"{height} x {width}"
            smallest = BASE if k > DEPTH else BASE // 2
            assert min(h0, w0) >= smallest, place
            assert height <= h0 * 2**k < height + 2**k, place
            assert width <= w0 * 2**k < width + 2**k, place
            once_more = min(height, width) / 2 ** (k + 1)
            assert once_more < (BASE if k >= DEPTH else BASE // 2), f"{place} could be halved once more"


@pytest.mark.parametrize(
    ("height", "width", "k", "base"),
    [
        (8, 8, 2, (2, 2)),
        (15, 15, 2, (4, 4)),
        (16, 16, 3, (2, 2)),
        (28, 28, 3, (4, 4)),
        (48, 64, 3, (6, 8)),
        (8, 256, 2, (2, 64)),
        (64, 64, 4, (4, 4)),
        (256, 256, 6, (4, 4)),
        (2, 2, 0, (2, 2)),
        (1, 1, 0, (1, 1)),
    ],
)
def test_resolutions_worked_out_by_hand(height: int, width: int, k: int, base: tuple[int, int]) -> None:
    assert stages(height, width) == (k, base)
    assert stages(width, height) == (k, base[::-1])


@pytest.mark.parametrize("k", [0, 1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 15), (31, 17), (30, 64)])
def test_halved_is_what_strided_convolutions_leave(height: int, width: int, k: int) -> None:
    x = torch.zeros(1, 1, height, width)
    for _ in range(k):
        x = nn.Conv2d(1, 1, 4, 2, 1)(x)
    assert halved(height, width, k) == tuple(x.shape[2:])
