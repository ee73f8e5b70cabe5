"""The convolutional networks of DCGAN (Radford, Metz & Chintala 2016), for any resolution from 8 up."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from sparring.networks.mlp import activation
from sparring.networks.shapes import halved, stages

Norm = Literal["batch", "none"]
WIDEST = 8  # no layer has more than this many times the base width


def initialise(module: nn.Module) -> None:
    """Weights ~ N(0, 0.02), BatchNorm's scale ~ N(1, 0.02), as in the paper (section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def _channels(width: int, k: int) -> list[int]:
    """Channels after each of k halvings: width, 2 width, ... up to WIDEST times width."""
    return [width * min(2**i, WIDEST) for i in range(max(k, 1))]


def _normalise(norm: Norm, channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if norm == "batch" else []


class Generator(nn.Module):
    """Latents (b, latent) -> pictures (b, *shape) in -1..1, by fractionally strided convolutions.

    Args:
        latent: numbers in a latent.
        shape: (channels, height, width) of a picture.
        width: channels before the last layer; each coarser map has twice as many, up to 8 times.
        between: activation between layers.
        norm: "batch" puts BatchNorm after every layer but the last.
    """

    def __init__(self, latent: int, shape: tuple[int, ...], width: int, between: str, norm: Norm) -> None:
        super().__init__()
        colours, self.height, self.width = shape
        k, base = stages(self.height, self.width)
        wide = _channels(width, k)[::-1]
        layers: list[nn.Module] = [
            nn.Linear(latent, wide[0] * base[0] * base[1], bias=norm == "none"),  # a projection, as in figure 1
            nn.Unflatten(1, (wide[0], *base)),
            *_normalise(norm, wide[0]),
            activation(between),
        ]
        for fan_in, fan_out in pairwise(wide):
            layers += [
                nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1, bias=norm == "none"),
                *_normalise(norm, fan_out),
                activation(between),
            ]
        last = nn.ConvTranspose2d(wide[-1], colours, 4, 2, 1) if k else nn.Conv2d(wide[-1], colours, 3, 1, 1)
        self.layers = nn.Sequential(*layers, last, nn.Tanh())
        self.apply(initialise)

    def forward(self, z: Tensor) -> Tensor:
        pictures: Tensor = self.layers(z)
        return pictures[..., : self.height, : self.width]


class Critic(nn.Module):
    """Pictures (b, *shape) -> scores (b,), by strided convolutions: a body, whose flat features a linear head weighs.

    Args:
        shape: (channels, height, width) of a picture.
        width: channels after the first layer; each coarser map has twice as many, up to 8 times.
        between: activation between layers.
        norm: "batch" puts BatchNorm after every layer but the first and the last, as in the paper.

    Attributes:
        features: how many numbers the body gives for a picture.
    """

    def __init__(self, shape: tuple[int, ...], width: int, between: str, norm: Norm) -> None:
        super().__init__()
        colours, height, side = shape
        k, _ = stages(height, side)
        wide = _channels(width, k)
        first = nn.Conv2d(colours, wide[0], 4, 2, 1) if k else nn.Conv2d(colours, wide[0], 3, 1, 1)
        layers: list[nn.Module] = [first, activation(between)]
        for fan_in, fan_out in pairwise(wide):
            layers += [
                nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=norm == "none"),
                *_normalise(norm, fan_out),
                activation(between),
            ]
        left = halved(height, side, k)
        self.features = wide[-1] * left[0] * left[1]
        self.body = nn.Sequential(*layers, nn.Flatten(1))
        self.head = nn.Linear(self.features, 1)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.body(x)).flatten()
        return scores
