"""RRDBNet: the generator of ESRGAN (Wang et al. 2018), of residual-in-residual dense blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.networks.doubling import Doubling
from sparring.networks.enlarging import FAINT, bicubic, convolution, initialise, reach, soften, stages, widths
from sparring.networks.unet import EDGE

ADDED = 0.2  # the share of a block's change that is added to what it was given; the paper's
SLOPE = 0.2
BEGIN = 0.1  # of He's first weights within the blocks; the paper's (section 3.1, "smaller initialization")
DENSE = 5  # convolutions in a dense block
TRIPLE = 3  # dense blocks in a residual-in-residual block


class Dense(nn.Module):
    """Maps (b, c, h, w) -> the same plus a share of what five convolutions make, each of all maps so far.

    Args:
        channels: c.
        growth: channels that each but the last adds to the maps.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        after = [growth] * (DENSE - 1) + [channels]
        self.layers = nn.ModuleList(nn.Conv2d(channels + i * growth, n, 3) for i, n in enumerate(after))

    def forward(self, x: Tensor) -> Tensor:
        maps, made = [], x
        for i, layer in enumerate(self.layers):
            maps.append(F.pad(made, (1, 1, 1, 1), EDGE))  # each map is padded once, not again for every layer
            made = layer(torch.cat(maps, 1))
            if i < DENSE - 1:
                made = F.leaky_relu(made, SLOPE, inplace=True)
        return torch.add(x, made, alpha=ADDED)


class RRDB(nn.Module):
    """Maps (b, c, h, w) -> the same plus a share of what three dense blocks make of them."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[Dense(channels, growth) for _ in range(TRIPLE)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.blocks(x), alpha=ADDED)


class RRDBNet(nn.Module):
    """Pictures (b, channels, h, w) in -1..1, of any size -> (b, channels, h * scale, w * scale), not clamped.

    As with SRResNet (srresnet.py), what it makes is added to the bicubic picture, begins with next to nothing, and the
    maps narrow as they grow; the paper's has no base and keeps its width.

    Args:
        channels: of the pictures.
        width: channels between the blocks; each stage of enlarging halves it, down to 16. The paper's: 64.
        growth: channels that a convolution adds within a dense block. The paper's: 32.
        blocks: how many residual-in-residual blocks, of 15 convolutions each. The paper's: 23.
        scale: how many times larger pictures come out: 2, 3, 4 or 8.

    Attributes:
        multiple: what h and w must be multiples of.
        scale: as given.
        reach: how many pixels of the small picture a pixel of the large one sees in each direction.

    Raises:
        SparringError: for another scale.
    """

    def __init__(self, channels: int, width: int = 32, growth: int = 16, blocks: int = 4, scale: int = 4) -> None:
        super().__init__()
        factors, wide = stages(scale), [width, *widths(width, scale)]
        self.first = convolution(channels, width)
        self.body = nn.Sequential(*[RRDB(width, growth) for _ in range(blocks)], convolution(width, width))
        enlarging: list[nn.Module] = []
        for before, after, factor in zip(wide, wide[1:], factors, strict=False):
            enlarging += [*enlarged(before, after, factor), nn.LeakyReLU(SLOPE, True)]
        self.enlarging = nn.Sequential(*enlarging)
        self.last = nn.Sequential(
            convolution(wide[-1], wide[-1]), nn.LeakyReLU(SLOPE, True), convolution(wide[-1], channels)
        )
        self.multiple, self.scale = 1, scale
        radii = [TRIPLE * DENSE * blocks + 2, *[1] * (len(factors) - 1), 3]  # first and body; a stage; stage and last
        self.reach = reach(list(zip(radii, [*factors, 1], strict=True)))
        initialise(self, SLOPE)
        for layer in self.body.modules():
            if isinstance(layer, nn.Conv2d):
                soften(layer, BEGIN)
        soften(self.body[-1], (1 + ADDED) ** -blocks)  # each block begins by making its maps 1.2 times as large
        soften(self.last[-1], FAINT)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.first(x)
        maps = maps + self.body(maps)
        change: Tensor = self.last(self.enlarging(maps))
        return bicubic(x, self.scale) + change


def enlarged(before: int, after: int, factor: int) -> list[nn.Module]:
    """Each place repeated, then a convolution: maps of `factor` times the sides."""
    if factor == 2:
        return [Doubling(before, after)]
    return [nn.Upsample(scale_factor=factor), convolution(before, after)]
