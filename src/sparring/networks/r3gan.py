"""The residual networks of R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!"), for any size from 8 up.

They have no normalisation, no attention and no noise but the latent: residual blocks alone, resampled between with the
filter [1, 3, 3, 1]. What keeps them stable is how they start: every block is the identity, and its inner weights are
the smaller, the more blocks there are (Zhang et al. 2019, "Fixup Initialization").
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from sparring.networks.mlp import activation
from sparring.networks.shapes import halved, stages

GROUP = 16  # channels that a 3x3 convolution mixes; on a CPU this is faster than mixing them all
EXPANSION = 2  # a block is this many times as wide inside
GAIN = math.sqrt(2 / (1 + 0.2**2))  # what a leaky ReLU of slope 0.2 takes from the spread


def spread(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights ~ N(0, gain / sqrt(fan in)), so that what comes out varies gain times as much as what goes in."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))


def channels(width: int, widest: int, k: int) -> list[int]:
    """Channels of the map of full size and after each of k halvings: width, 2 width, ... up to widest."""
    return [max(width, min(width * 2**i, widest)) for i in range(k + 1)]


def mix(fan_in: int, fan_out: int) -> nn.Conv2d:
    """A 1x1 convolution without bias: (b, fan_in, h, w) -> (b, fan_out, h, w)."""
    layer = nn.Conv2d(fan_in, fan_out, 1, bias=False)
    spread(layer)
    return layer


class Block(nn.Module):
    """x + W3 f(W2 f(W1 x + b1) + b2): (b, width, h, w) -> the same; W1 and W3 are 1x1, W2 is 3x3 in groups of 16.

    Args:
        width: channels of the map.
        blocks: residual blocks in the whole network.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        groups = math.ceil(EXPANSION * width / GROUP)
        inner = GROUP * groups
        layers = [
            nn.Conv2d(width, inner, 1),
            nn.Conv2d(inner, inner, 3, padding=1, groups=groups),
            nn.Conv2d(inner, width, 1, bias=False),
        ]
        for layer in layers[:2]:
            spread(layer, GAIN * blocks**-0.25)  # Fixup's exponent, -1 / (2m - 2), for m = 3 layers
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(layers[2].weight)
        self.layers = nn.Sequential(layers[0], activation("leaky_relu"), layers[1], activation("leaky_relu"), layers[2])

    def forward(self, maps: Tensor) -> Tensor:
        changed: Tensor = maps + self.layers(maps)
        return changed


def blocks(width: int, here: int, total: int) -> list[nn.Module]:
    """The blocks of one stage."""
    return [Block(width, total) for _ in range(here)]


class Resample(nn.Module):
    """Halves or doubles a map, each channel by itself, with the filter [1, 3, 3, 1]; beyond the edge lies 0.

    Args:
        width: channels of the map.
        up: whether (b, width, h, w) becomes (b, width, 2h, 2w), else (b, width, h // 2, w // 2).
    """

    kernel: Tensor

    def __init__(self, width: int, up: bool) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / (4 if up else 8)
        self.up = up
        self.register_buffer("kernel", line.outer(line).expand(width, 1, 4, 4).contiguous(), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        resample = conv_transpose2d if self.up else conv2d
        return resample(maps, self.kernel.to(maps.dtype), stride=2, padding=1, groups=maps.shape[1])


class Generator(nn.Module):
    """Latents (b, latent) and what is given with them (b, given) -> pictures (b, *shape), about -1..1 but unbounded.

    Args:
        latent: numbers in a latent.
        given: how many numbers are given beside it; 0 for none.
        shape: (channels, height, width) of a picture.
        width: channels of the map of full size; each coarser map has twice as many.
        widest: but never more than this.
        deep: residual blocks a stage.
    """

    def __init__(self, latent: int, given: int, shape: tuple[int, ...], width: int, widest: int, deep: int) -> None:
        super().__init__()
        colours, self.height, self.width = shape
        k, base = stages(self.height, self.width)
        wide = channels(width, widest, k)[::-1]
        total = deep * (k + 1)
        self.embed = nn.Linear(given, latent, bias=False) if given else None
        self.project = nn.Linear(2 * latent if given else latent, wide[0], bias=False)
        self.basis = nn.Parameter(torch.randn(wide[0], *base))  # what each channel shows where it is 1
        for layer in (self.embed, self.project):
            if layer is not None:
                spread(layer)
        layers = blocks(wide[0], deep, total)
        for fan_in, fan_out in pairwise(wide):
            if fan_in != fan_out:  # before the map grows, which is cheaper
                layers.append(mix(fan_in, fan_out))
            layers += [Resample(fan_out, up=True), *blocks(fan_out, deep, total)]
        self.layers = nn.Sequential(*layers, mix(wide[-1], colours))

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        if self.embed is not None:
            z = torch.cat([z, self.embed(given)], 1)
        pictures: Tensor = self.layers(self.basis * self.project(z)[:, :, None, None])
        return pictures[..., : self.height, : self.width]


class Critic(nn.Module):
    """Pictures (b, *shape) and what is given with them (b, given) -> scores (b,): the generator's mirror image.

    The flat features that the last map is weighed into are scored by a linear head and, where something is given, by
    their product with an embedding of that (Miyato & Koyama 2018, "cGANs with Projection Discriminator").

    Args:
        given, shape, width, widest, deep: as the generator's.

    Attributes:
        features: how many numbers the body gives for a picture.
    """

    def __init__(self, given: int, shape: tuple[int, ...], width: int, widest: int, deep: int) -> None:
        super().__init__()
        colours, height, side = shape
        k, _ = stages(height, side)
        wide = channels(width, widest, k)
        total = deep * (k + 1)
        layers: list[nn.Module] = [mix(colours, wide[0])]
        for fan_in, fan_out in pairwise(wide):
            layers += [*blocks(fan_in, deep, total), Resample(fan_in, up=False)]
            if fan_in != fan_out:
                layers.append(mix(fan_in, fan_out))
        left = halved(height, side, k)
        self.features = wide[-1]
        whole = nn.Conv2d(wide[-1], wide[-1], left, groups=wide[-1], bias=False)  # each channel's map to one number
        spread(whole)
        self.body = nn.Sequential(*layers, *blocks(wide[-1], deep, total), whole, nn.Flatten(1))
        self.head = nn.Linear(self.features, 1, bias=False)
        spread(self.head)
        self.embed = nn.Linear(given, self.features, bias=False) if given else None
        if self.embed is not None:
            spread(self.embed, 1 / math.sqrt(self.features))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        features = self.body(x)
        scores: Tensor = self.head(features).flatten()
        return scores if self.embed is None else scores + (features * self.embed(given)).sum(1)
