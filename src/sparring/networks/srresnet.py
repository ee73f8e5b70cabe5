"""SRResNet: the residual generator of SRGAN (Ledig et al. 2017), without BatchNorm (as Lim et al. 2017, EDSR)."""

from __future__ import annotations

from torch import Tensor, nn

from sparring.networks.enlarging import (
    FAINT,
    bicubic,
    convolution,
    even_out,
    initialise,
    reach,
    soften,
    stages,
    widths,
)

SLOPE = 0.1  # below 0: at high learning rates all of the last ReLUs were seen to die, and bicubic enlargement was left
ADDED = 0.1  # of He's first weights in the last convolution of all that is added to something


class Residual(nn.Module):
    """Maps (b, c, h, w) -> the same plus what two convolutions make of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(channels, channels), nn.LeakyReLU(SLOPE, inplace=True), convolution(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.layers(x)
        return x + change


class SRResNet(nn.Module):
    """Pictures (b, channels, h, w) in -1..1, of any size -> (b, channels, h * scale, w * scale), not clamped.

    The network makes what bicubic enlargement lacks, and begins with next to nothing: an untrained one gives the
    bicubic picture to about half of one of 256 levels. Unlike the paper's it narrows where maps grow, has a convolution
    of 3×3 twice at the full size instead of 9×9 once, and leaky ReLU in the place of PReLU, all of
    which saves time.

    Args:
        channels: of the pictures.
        width: channels of the residual blocks; each stage of enlarging halves it, down to 16. The paper's: 64.
        blocks: how many residual blocks. The paper's: 16.
        scale: how many times larger pictures come out: 2, 3, 4 or 8.

    Attributes:
        multiple: what h and w must be multiples of.
        scale: as given.
        reach: how many pixels of the small picture a pixel of the large one sees in each direction.

    Raises:
        SparringError: for another scale.
    """

    def __init__(self, channels: int, width: int = 32, blocks: int = 8, scale: int = 4) -> None:
        super().__init__()
        factors, wide = stages(scale), [width, *widths(width, scale)]
        self.first = convolution(channels, width)
        self.body = nn.Sequential(*[Residual(width) for _ in range(blocks)], convolution(width, width))
        enlarging: list[nn.Module] = []
        for before, after, factor in zip(wide, wide[1:], factors, strict=False):
            enlarging += [
                convolution(before, after * factor**2),
                nn.PixelShuffle(factor),
                nn.LeakyReLU(SLOPE, inplace=True),
            ]
        self.enlarging = nn.Sequential(*enlarging)
        self.last = nn.Sequential(
            convolution(wide[-1], wide[-1]), nn.LeakyReLU(SLOPE, inplace=True), convolution(wide[-1], channels)
        )
        self.multiple, self.scale = 1, scale
        radii = [2 * blocks + 3, *[1] * (len(factors) - 1), 2]  # first, body and first stage; then a stage; then last
        self.reach = reach(list(zip(radii, [*factors, 1], strict=True)))
        self._begin(factors)

    def _begin(self, factors: list[int]) -> None:
        """The first weights."""
        initialise(self, SLOPE)
        for module in self.body:
            soften(module.layers[-1] if isinstance(module, Residual) else module, ADDED)
        before = [module for module in self.enlarging if isinstance(module, nn.Conv2d)]
        for layer, factor in zip(before, factors, strict=True):
            even_out(layer, factor)
        soften(self.last[-1], FAINT)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.first(x)
        maps = maps + self.body(maps)
        change: Tensor = self.last(self.enlarging(maps))
        return bicubic(x, self.scale) + change
