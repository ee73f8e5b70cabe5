"""Critics of enlarged pictures, which take crops of any size: SRGAN's, and the U-Net of Real-ESRGAN.

Both can be shown a picture less its own shrunk and enlarged self: what shrinking takes away, and enlarging has to
invent. In the picture itself that is next to nothing beside the rest, and a critic is long in finding it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.networks.enlarging import initialise
from sparring.networks.spectral import spectral as normalise_spectrum
from sparring.networks.unet import EDGE, WIDEST

SLOPE = 0.2
LOUDER = 8.0  # times what shrinking takes away, which is some hundredths of -1..1


def lost(x: Tensor, scale: int) -> Tensor:
    """What shrinking pictures (b, c, h, w) by a scale takes away, amplified; a scale of 1 leaves them as they are."""
    if scale == 1:
        return x
    small = F.interpolate(x, scale_factor=1 / scale, mode="bicubic", antialias=True)
    return (x - F.interpolate(small, x.shape[2:], mode="bicubic")) * LOUDER


class Critic(nn.Module):
    """Pictures (b, channels, h, w) of any size -> a map of scores (b, 1, h', w'), each of one patch.

    SRGAN's (Ledig et al. 2017, figure 4), modelled on VGG: pairs of 3×3 convolutions of which the second halves the
    sides, then two layers that the paper has over the whole picture, and which score each place of the last map here.
    There is no BatchNorm, so a picture's scores do not depend on its company. A side of n comes out as n / 2 rounded
    up, for each pair.

    Args:
        channels: of the pictures.
        width: channels of the first pair; each further one has twice as many, up to 8 times. The paper's: 64.
        layers: how many pairs. The paper's: 4.
        spectral: whether to normalise each weight's spectrum (networks/spectral.py).
        scale: whose `lost` is looked at.

    Attributes:
        reach: the side of a patch in pixels: 1, 5, 13, 29, 61 for 0 to 4 layers.
    """

    def __init__(self, channels: int, width: int = 32, layers: int = 3, spectral: bool = False, scale: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.stages = nn.ModuleList()
        before = channels
        for i in range(layers):
            after = width * min(2**i, WIDEST)
            same, halved = nn.Conv2d(before, after, 3, 1, 1), nn.Conv2d(after, after, 3, 2, 1)
            self.stages.append(nn.Sequential(same, nn.LeakyReLU(SLOPE), halved, nn.LeakyReLU(SLOPE)))
            before = after
        dense = width * min(2**layers, WIDEST)
        self.stages.append(nn.Sequential(nn.Conv2d(before, dense, 1), nn.LeakyReLU(SLOPE)))
        self.head = nn.Conv2d(dense, 1, 1)
        self.reach = 4 * 2**layers - 3
        initialise(self, SLOPE)
        if spectral:
            normalise_spectrum(self)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(x)[-1])
        return scores

    def features(self, x: Tensor) -> list[Tensor]:
        """The maps behind each pair, finest first, and what the scores are made of: for matching features."""
        maps, x = [], lost(x, self.scale)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def per_picture(self, x: Tensor) -> Tensor:
        """The mean score of each picture, (b,)."""
        return torch.mean(self(x), (1, 2, 3))


class UNetCritic(nn.Module):
    """Pictures (b, channels, h, w) of any size -> a score for each pixel, (b, 1, h, w).

    Real-ESRGAN's (Wang et al. 2021, section 3.4): convolutions of 4×4 halve the sides; bilinear enlargement and 3×3
    lead back, and add what went in at each level. All weights but the first and the last are spectrally normalised.

    Args:
        channels: of the pictures.
        width: channels at the full size; each level has twice as many, up to 8 times. The paper's: 64.
        depth: how often the sides are halved. The paper's: 3.
        scale: whose `lost` is looked at.
    """

    def __init__(self, channels: int, width: int = 32, depth: int = 3, scale: int = 1) -> None:
        super().__init__()
        self.scale = scale
        wide = [width * min(2**i, WIDEST) for i in range(depth + 1)]
        levels = list(pairwise(wide))
        self.first = nn.Sequential(nn.Conv2d(channels, width, 3, 1, 1), nn.LeakyReLU(SLOPE))
        self.down = nn.ModuleList(_rectified(nn.Conv2d(fine, coarse, 4, 2, 1, bias=False)) for fine, coarse in levels)
        self.up = nn.ModuleList(
            _rectified(nn.Conv2d(coarse, fine, 3, 1, 1, bias=False)) for fine, coarse in reversed(levels)
        )
        self.fine = nn.Sequential(*[_rectified(nn.Conv2d(width, width, 3, 1, 1, bias=False)) for _ in range(2)])
        self.head = nn.Conv2d(width, 1, 3, 1, 1)
        initialise(self, SLOPE)
        for part in (self.down, self.up, self.fine):
            normalise_spectrum(part)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(x)[-1])
        return scores[..., : x.shape[2], : x.shape[3]]

    def features(self, x: Tensor) -> list[Tensor]:
        """The maps on the way down, on the way up again, and what the scores are made of: for matching features.

        The sides are those of the picture, but of one that is too small to be halved so often, at least 2**depth.
        """
        x, least = lost(x, self.scale), 2 ** len(self.down)
        below, right = max(least - x.shape[2], 0), max(least - x.shape[3], 0)
        if below or right:
            x = F.pad(x, (0, right, 0, below), EDGE)
        maps = [self.first(x)]
        for down in self.down:
            maps.append(down(maps[-1]))
        for up, level in zip(self.up, reversed(maps[:-1]), strict=True):
            grown = F.interpolate(maps[-1], level.shape[2:], mode="bilinear", align_corners=False)
            maps.append(up(grown) + level)
        maps.append(self.fine(maps[-1]))
        return maps

    def per_picture(self, x: Tensor) -> Tensor:
        """The mean score of each picture, (b,)."""
        return torch.mean(self(x), (1, 2, 3))


def _rectified(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.LeakyReLU(SLOPE))
