"""Residual networks for pictures, as in Miyato et al. 2018 (appendix B.4), for any resolution from 8 up.

And the ways in which these and DCGAN's take what is given with a picture, its class and columns (data/given.py): the
generator by the scales and shifts of its BatchNorms (Dumoulin et al. 2017), the critic by projection (Miyato & Koyama
2018). Channels double from the finest map to the coarsest, up to 8 times the width, as the paper's do for pictures of
48 and 128 pixels; for 32 it takes 256 (critic: 128) for all.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from sparring.networks import dcgan
from sparring.networks.doubling import Doubling
from sparring.networks.shapes import stages


def channels(width: int, k: int) -> list[int]:
    """Channels of the maps from the finest to the coarsest, k halvings below: width, 2 width, ... 8 width; k + 1."""
    return [width * min(2**i, dcgan.WIDEST) for i in range(k + 1)]


def initialise(module: nn.Module) -> None:
    """Glorot's uniform weights, times the square root of 2 where an activation follows: in 3x3 convolutions."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        rectified = isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
        nn.init.xavier_uniform_(module.weight, 2**0.5 if rectified else 1.0)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class ConditionalBatchNorm(nn.Module):
    """BatchNorm whose scale and shift depend on what is given: maps (b, c, h, w), (b, given) -> (b, c, h, w).

    At first it does not: every class begins with the same.
    """

    def __init__(self, norm: nn.BatchNorm2d, given: int) -> None:
        super().__init__()
        self.norm = norm
        self.change = nn.Parameter(torch.zeros(given, 2 * norm.num_features)) if given else None

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        out: Tensor = self.norm(x)
        if self.change is None:
            return out
        scale, shift = (given @ self.change)[:, :, None, None].chunk(2, 1)
        return out * (1 + scale) + shift


class Up(nn.Module):
    """A residual block that doubles the sides of a map: (b, before, h, w) -> (b, after, 2h, 2w)."""

    def __init__(self, before: int, after: int, given: int) -> None:
        super().__init__()
        self.first = ConditionalBatchNorm(nn.BatchNorm2d(before), given)
        self.second = ConditionalBatchNorm(nn.BatchNorm2d(after), given)
        self.enter = Doubling(before, after, edge="zeros")
        self.leave = nn.Conv2d(after, after, 3, 1, 1)
        self.short = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        inner: Tensor = self.enter(self.first(x, given).relu())
        inner = self.leave(self.second(inner, given).relu())
        short: Tensor = self.short(x)
        return inner + interpolate(short, scale_factor=2)  # the same as doubling first, at a quarter of the cost


class Down(nn.Module):
    """A residual block without a norm: (b, before, h, w) -> (b, after, h/2, w/2), or of the same size.

    Args:
        before, after: channels.
        halve: whether to halve the sides, by means of 2x2 values.
        first: whether this is the first block: it meets pictures, which are not to be rectified.
    """

    def __init__(self, before: int, after: int, halve: bool = True, first: bool = False) -> None:
        super().__init__()
        self.halve, self.rectify = halve, not first
        self.enter = nn.Conv2d(before, after, 3, 1, 1)
        self.leave = nn.Conv2d(after, after, 3, 1, 1)
        self.short = nn.Conv2d(before, after, 1) if halve or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.leave(self.enter(x.relu() if self.rectify else x).relu())
        if self.halve:
            inner, x = avg_pool2d(inner, 2), avg_pool2d(x, 2)
        short: Tensor = self.short(x)
        return inner + short


class _Sum(nn.Module):
    """Maps (b, c, h, w) -> (b, c): the sum over all places."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


class Generator(nn.Sequential):
    """Layers of which some are given the class too: latents (b, latent), (b, given) -> pictures (b, *shape) in -1..1.

    Args:
        shape: of a picture; what the layers make beyond it is cut off.
        layers: the last of them bounds the pictures.
    """

    def __init__(self, shape: tuple[int, ...], *layers: nn.Module) -> None:
        super().__init__(*layers)
        _, self.height, self.width = shape

    def forward(self, z: Tensor, given: Tensor) -> Tensor:  # type: ignore[override]
        for layer in self:
            z = layer(z, given) if isinstance(layer, ConditionalBatchNorm | Up) else layer(z)
        return z[..., : self.height, : self.width]


def residual_generator(latent: int, shape: tuple[int, ...], width: int, given: int) -> Generator:
    """The paper's: a linear layer to the smallest map, an `Up` for each doubling, a convolution and tanh.

    Args:
        latent: numbers in a latent.
        shape: (channels, height, width) of a picture.
        width: channels of the finest map.
        given: how many numbers are given; 0 for none.
    """
    k, base = stages(*shape[1:])
    wide = channels(width, k)[::-1]
    net = Generator(
        shape,
        nn.Linear(latent, wide[0] * base[0] * base[1]),
        nn.Unflatten(1, (wide[0], *base)),
        *(Up(before, after, given) for before, after in pairwise(wide)),
        ConditionalBatchNorm(nn.BatchNorm2d(wide[-1]), given),
        nn.ReLU(),
        nn.Conv2d(wide[-1], shape[0], 3, 1, 1),
        nn.Tanh(),
    )
    net.apply(initialise)
    return net


def dcgan_generator(latent: int, shape: tuple[int, ...], width: int, given: int) -> Generator:
    """DCGAN's layers, with BatchNorms that are given the class. Arguments as for `residual_generator`."""
    layers = dcgan.Generator(latent, shape, width, "relu", "batch").layers
    normed = (ConditionalBatchNorm(at, given) if isinstance(at, nn.BatchNorm2d) else at for at in layers)
    return Generator(shape, *normed)


class Critic(nn.Module):
    """Pictures (b, *shape), (b, given) -> scores (b,): a linear head, and how well the picture fits what is given.

    The head has no bias: the hinges of data and of fakes would pull at it equally, and the body's biases do as well.

    Args:
        body: pictures -> features (b, features).
        features: how many these are.
        given: how many numbers are given; with 0 of them only the head scores.
    """

    def __init__(self, body: nn.Module, features: int, given: int) -> None:
        super().__init__()
        self.body, self.head = body, nn.Linear(features, 1, bias=False)
        self.project = nn.Linear(given, features, bias=False) if given else None
        initialise(self.head)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        features = self.body(x)
        scores: Tensor = self.head(features).flatten()
        return scores if self.project is None else scores + (self.project(given) * features).sum(1)


def residual_critic(shape: tuple[int, ...], width: int, given: int) -> Critic:
    """The paper's: a `Down` for each halving and one more that keeps the size, then the sum over all places."""
    k, _ = stages(*shape[1:])
    wide = [shape[0], *channels(width, k)[:k], channels(width, k)[-1]]
    blocks = [Down(before, after, halve=i < k, first=i == 0) for i, (before, after) in enumerate(pairwise(wide))]
    body = nn.Sequential(*blocks, nn.ReLU(), _Sum())
    body.apply(initialise)
    return Critic(body, wide[-1], given)


def dcgan_critic(shape: tuple[int, ...], width: int, given: int) -> Critic:
    """DCGAN's, without BatchNorm."""
    plain = dcgan.Critic(shape, width, "leaky_relu", "none")
    return Critic(plain.body, plain.features, given)
