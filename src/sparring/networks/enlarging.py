"""What the networks that enlarge pictures share: the stages, their widths and first weights, and how far they see."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.errors import SparringError
from sparring.networks.unet import EDGE

STAGES = {2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}  # how a scale is reached: by doublings, or by one tripling
NARROWEST = 16  # channels below which the finest maps do not fall
FAINT = 0.003  # of He's first weights in the last layer: an untrained network is half of one of 256 levels off


def stages(scale: int) -> list[int]:
    """The factors by which a picture is enlarged one after the other; SparringError for a scale that has none."""
    if scale not in STAGES:
        raise SparringError(f"pictures are enlarged {', '.join(map(str, STAGES))} times; the scale is {scale}")
    return STAGES[scale]


def widths(width: int, scale: int) -> list[int]:
    """Channels behind each stage: half of those before it, so that no size of map costs much more than another.

    >>> widths(64, 8), widths(32, 4), widths(8, 3)
    ([32, 16, 16], [16, 16], [8])
    """
    return [max(width // 2**i, min(width, NARROWEST)) for i in range(1, len(stages(scale)) + 1)]


def reach(steps: Sequence[tuple[int, int]]) -> int:
    """How many pixels of the small picture an enlarged pixel sees in each direction, at most over all its neighbours.

    (Networks here see at least 3, and so more than the 2 of bicubic enlargement.)

    Args:
        steps: from the small picture to the large one: how far convolutions see at a size, and how many times larger
            what they make becomes then.
    """
    far, scale = 0, math.prod(factor for _, factor in steps)
    for phase in range(scale):
        low = high = phase
        for radius, factor in reversed(steps):
            low, high = low // factor - radius, high // factor + radius
        far = max(far, -low, high)
    return far


def bicubic(pictures: Tensor, scale: int) -> Tensor:
    """Pictures (b, c, h, w) -> (b, c, h * scale, w * scale), which leaves -1..1 by a little beside edges.

    torch's own, sharper than the one of other software (a = -0.75 in place of -0.5), and nearer to the truth.
    """
    return F.interpolate(pictures, scale_factor=scale, mode="bicubic", align_corners=False)


def convolution(before: int, after: int) -> nn.Conv2d:
    """A convolution of 3×3 that keeps the size. Edges are repeated: zeros there would darken an enlarged frame."""
    return nn.Conv2d(before, after, 3, 1, 1, padding_mode=EDGE)


@torch.no_grad()
def initialise(network: nn.Module, slope: float = 0.0) -> None:
    """Every convolution's weights ~ N(0, 2 / ((1 + slope²) fan_in)), so that maps keep their size (He et al. 2015).

    Args:
        network: without norms, which would make N(0, 0.02) do.
        slope: of the activations below 0.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, slope)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@torch.no_grad()
def soften(layer: nn.Module, share: float) -> None:
    """Multiply a convolution's first weights: what many blocks add up then starts small."""
    assert isinstance(layer, nn.Conv2d)
    layer.weight.mul_(share)


@torch.no_grad()
def even_out(layer: nn.Module, factor: int) -> None:
    """Let a pixel shuffle begin as nearest enlargement, without a grid (ICNR, Aitken et al. 2017).

    Args:
        layer: the convolution before it.
        factor: of the shuffle; factor² channels one after the other become one.
    """
    assert isinstance(layer, nn.Conv2d)
    layer.weight.copy_(layer.weight[:: factor**2].repeat_interleave(factor**2, 0))
