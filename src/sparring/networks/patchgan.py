"""PatchGAN: a critic that scores each patch of a picture by itself (Isola et al. 2017, section 3.2.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.networks.spectral import spectral as normalise_spectrum
from sparring.networks.unet import WIDEST, Norm, initialise, normalise


def bearable(layers: int, height: int, width: int) -> int:
    """As many of `layers` as a picture of height x width bears: at least one score must be left of it.

    >>> bearable(3, 64, 64), bearable(3, 16, 20), bearable(2, 8, 8), bearable(2, 4, 4)
    (3, 2, 1, 0)
    """
    while layers and min(height, width) // 2**layers < 3:  # two convolutions of kernel 4 with an edge of 1
        layers -= 1
    return layers


class PatchGAN(nn.Module):
    """Pictures (b, before, h, w) -> a map of scores (b, 1, h', w'), each of one patch.

    Args:
        before: channels: of the picture, and of what it was made from where that is shown too.
        width: channels after the first convolution; each that halves the sides has twice as many, up to 8 times. The
            paper's: 64.
        layers: how many convolutions halve the sides; with 0 of them each pixel is scored alone. The paper's: 3.
        norm: behind each convolution but the first and the last.
        spectral: whether to normalise each weight's spectrum (networks/spectral.py).

    Attributes:
        reach: the side of a patch in pixels: 1, 16, 34, 70 for 0, 1, 2, 3 layers.
    """

    def __init__(
        self, before: int, width: int = 32, layers: int = 2, norm: Norm = "instance", spectral: bool = False
    ) -> None:
        super().__init__()
        kernel, edge = (4, 1) if layers else (1, 0)
        strides = [2] * layers + [1]
        wide = [before, *(width * min(2**i, WIDEST) for i in range(len(strides)))]
        if not layers:
            strides, wide = [1, 1], [before, width, 2 * width]
        self.stages = nn.ModuleList()
        for i, stride in enumerate(strides):
            normed: Norm = norm if i else "none"
            convolution = nn.Conv2d(wide[i], wide[i + 1], kernel, stride, edge, bias=normed == "none")
            self.stages.append(nn.Sequential(convolution, *normalise(normed, wide[i + 1]), nn.LeakyReLU(0.2)))
        self.head = nn.Conv2d(wide[-1], 1, kernel, 1, edge)
        self.reach = 1 if not layers else 9 * 2**layers - 2
        self.apply(initialise)
        if spectral:
            normalise_spectrum(self)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(x)[-1])
        return scores

    def features(self, x: Tensor) -> list[Tensor]:
        """The maps behind each convolution but the last, finest first: for matching features."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def per_picture(self, x: Tensor) -> Tensor:
        """The mean score of each picture, (b,)."""
        return torch.mean(self(x), (1, 2, 3))
