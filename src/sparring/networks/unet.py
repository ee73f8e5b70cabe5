"""The U-Net of pix2pix (Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks").

And what all networks that make pictures from pictures share: their norms, their first weights, and any size of picture.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring.draws import mix
from sparring.networks.doubling import Doubling

Norm = Literal["instance", "batch", "none"]
Upsample = Literal["resize", "transposed"]
WIDEST = 8  # no layer has more than this many times the base width
DEEPEST = 8  # halvings at most: pictures of 256 pixels come down to one place, as in the paper
# What lies beyond a map's edge: zeros there, doubled again and again, leave a frame around pictures.
EDGE: Literal["replicate"] = "replicate"
THINNED = 3  # levels with dropout, from the coarsest


class InstanceNorm(nn.InstanceNorm2d):
    """Maps (b, c, h, w), each moved and scaled to mean 0 and deviation 1; a map of one place passes as it is."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] == (1, 1):
            return x
        if x.is_contiguous():  # the same, and faster on a CPU; not where channels lie last
            return F.group_norm(x, x.shape[1], eps=self.eps)
        return super().forward(x)


class BatchNorm(nn.Module):
    """BatchNorm over the batch while learning, and afterwards by each picture's own statistics.

    The paper's networks stay in training mode when they are used, with one picture at a time (its section 3.4): that is
    what this gives, in whatever company a picture comes; and while learning where there is but one place in all, which
    has no deviation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.together, self.alone = nn.BatchNorm2d(channels), InstanceNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.numel() > x.shape[1]:
            out: Tensor = self.together(x)
            return out
        scale, shift = self.together.weight[:, None, None], self.together.bias[:, None, None]
        return torch.addcmul(shift, self.alone(x), scale)


class Thinning(nn.Module):
    """Dropout that goes on when the network is used, as in the paper, where it is all the noise that there is.

    What is left out then follows from the size of the map alone, so a picture gives the same whenever it is asked for.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.dropout(x, self.share)
        chance = torch.rand(x.shape[1:], generator=torch.Generator().manual_seed(mix("thinning", *x.shape[1:])))
        return x * (chance.to(x) >= self.share) / (1 - self.share)


def normalise(norm: Norm, channels: int) -> list[nn.Module]:
    """The layers, one or none, that follow a convolution."""
    kinds = {"instance": InstanceNorm, "batch": BatchNorm}
    return [kinds[norm](channels)] if norm in kinds else []


def initialise(module: nn.Module) -> None:
    """Weights ~ N(0, 0.02), BatchNorm's scale ~ N(1, 0.02), biases 0, as in the authors' code."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def any_size(network: nn.Module, pictures: Tensor, multiple: int) -> Tensor:
    """Apply a network that keeps the size, or wants sides that are multiples: mirror the far edges, then cut them off.

    Args:
        network: (b, c, h, w) -> (b, after, h, w) where h and w are multiples of `multiple`.
        pictures: (b, c, h, w) of any size.
    """
    height, width = pictures.shape[2:]
    below, right = -height % multiple, -width % multiple
    if below or right:
        pictures = F.pad(pictures, (0, right, 0, below), "reflect" if below < height and right < width else "replicate")
    made: Tensor = network(pictures)
    return made[..., :height, :width]


def doubling(before: int, after: int, upsample: Upsample, bias: bool) -> list[nn.Module]:
    """Maps (b, before, h, w) -> (b, after, 2h, 2w), each place made from its neighbours on either side."""
    if upsample == "resize":
        return [Doubling(before, after, bias)]
    return [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias)]


class UNet(nn.Module):
    """Pictures (b, before, h, w) -> (b, after, h, w) in -1..1: down to a small map and up again, all levels linked.

    Convolutions of kernel 4 and stride 2 halve the sides, and what doubles them again also sees what went into these at
    its level. There is no norm at the finest level, nor at the coarsest: a map of one place has no deviation, and of
    the four places made of it an instance norm would leave next to nothing. (BatchNorm stands there, as in the paper.)

    Args:
        before, after: channels of what goes in and comes out.
        size: (height, width) to learn at: its shorter side is halved until it would be less than one place.
        width: channels at the finest level; each coarser one has twice as many, up to 8 times. The paper's: 64.
        norm: between the layers.
        dropout: share of values that the coarsest levels leave out on the way up.
        upsample: how sides are doubled: "transposed" convolutions are the paper's, and leave a grid in pictures until
            they have learnt not to; repeating each place and convolving does not.

    Attributes:
        multiple: what h and w must be multiples of.
        reach: how many pixels an output pixel sees in each direction, besides what the norms tell it of all.
    """

    def __init__(
        self,
        before: int,
        after: int,
        size: tuple[int, int],
        width: int = 16,
        norm: Norm = "instance",
        dropout: float = 0.0,
        upsample: Upsample = "resize",
    ) -> None:
        super().__init__()
        depth = max(1, min(DEEPEST, int(math.log2(min(size)))))
        self.multiple, self.reach = 2**depth, 3 * (2**depth - 1)
        wide = [width * min(2**i, WIDEST) for i in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (fan_in, fan_out) in enumerate(pairwise([before, *wide])):
            normed: Norm = norm if 0 < i < depth - 1 else "none"
            convolution = nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=normed == "none", padding_mode=EDGE)
            rectified = [nn.LeakyReLU(0.2)] if i else []
            self.down.append(nn.Sequential(*rectified, convolution, *normalise(normed, fan_out)))
        for i in reversed(range(depth)):
            fan_in = wide[i] if i == depth - 1 else 2 * wide[i]
            fan_out = wide[i - 1] if i else after
            normed = "none" if i == 0 or (i == depth - 1 and norm == "instance") else norm
            doubled = doubling(fan_in, fan_out, upsample, bias=normed == "none")
            thinned = [Thinning(dropout)] if dropout and i >= depth - THINNED else []
            ending = [*normalise(normed, fan_out), *thinned] if i else [nn.Tanh()]
            self.up.append(nn.Sequential(nn.ReLU(), *doubled, *ending))
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        levels: list[Tensor] = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        levels.pop()
        for up in self.up:
            x = up(x)
            if levels:
                x = torch.cat([levels.pop(), x], 1)
        return x
