"""Convolutions along time: networks for sequences of numbers, after WaveGAN's, for any length from 2 up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

SHORTEST = 6  # steps of the coarsest map, or up to twice as many
WIDEST = 4  # no layer has more than this many times the base width
TAPS = 5  # of every convolution
OWN = 4  # numbers of a latent for each step alone
LEAST = 1e-3  # change of a step, below which a channel's changes are not enlarged further


def lengths(steps: int) -> list[int]:
    """Steps of the maps from the coarsest to the finest: each half as long, rounded up, as the next.

    >>> lengths(24), lengths(2)
    ([6, 12, 24], [2])
    """
    found = [steps]
    while (half := (found[0] + 1) // 2) >= SHORTEST:
        found.insert(0, half)
    return found


class Generator(nn.Module):
    """Latents (b, latent + OWN * steps) -> sequences (b, channels, steps) in -1..1.

    The first numbers of a latent say what the whole is like; they become a coarse map, which is repeated and convolved
    until it is fine. Of the others each step has OWN, for what happens at it alone.

    Args:
        latent: numbers of a latent for the whole.
        shape: (channels, steps) of a sequence.
        width: channels of the finest map; each coarser one has twice as many, up to 4 times.
    """

    def __init__(self, latent: int, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        channels, self.steps = shape
        self.latent, self.lengths = latent, lengths(self.steps)
        wide = _channels(width, len(self.lengths))[::-1]
        self.project = nn.Sequential(nn.Linear(latent, wide[0] * self.lengths[0]), nn.ReLU())
        self.convolutions = nn.ModuleList(
            nn.Sequential(_convolution(fan_in, fan_out, bias=False), nn.BatchNorm2d(fan_out), nn.ReLU())
            for fan_in, fan_out in pairwise(wide)
        )
        self.own = nn.Sequential(_convolution(wide[-1] + OWN, width, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.out = _convolution(width, channels)

    def forward(self, z: Tensor) -> Tensor:
        whole, own = z[:, : self.latent], z[:, self.latent :]
        x: Tensor = self.project(whole)
        x = x.view(len(x), -1, 1, self.lengths[0])
        for steps, convolution in zip(self.lengths[1:], self.convolutions, strict=True):
            x = convolution(interpolate(x, size=(1, steps), mode="nearest"))
        x = self.own(torch.cat([x, own.reshape(len(own), OWN, 1, self.steps).to(x.dtype)], 1))
        sequences: Tensor = torch.tanh(self.out(x)).squeeze(2)
        return sequences


class Critic(nn.Module):
    """Sequences (b, channels, steps) -> scores (b,). It sees each channel, and how it changes from step to step.

    Args:
        shape: (channels, steps) of a sequence.
        width: channels of the finest map; each coarser one has twice as many, up to 4 times.
        changes: how much each channel mostly changes at a step: changes are shown in this unit's halves.
    """

    unit: Tensor

    def __init__(self, shape: tuple[int, ...], width: int, changes: Sequence[float]) -> None:
        super().__init__()
        channels, steps = shape
        wide = _channels(width, len(lengths(steps)))
        layers: list[nn.Module] = [_convolution(2 * channels, width), nn.LeakyReLU(0.2)]
        for fan_in, fan_out in pairwise([width, *wide[1:], wide[-1]]):
            layers += [_convolution(fan_in, fan_out, stride=2), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Flatten(1))
        left = steps
        for _ in wide:
            left = (left + 1) // 2
        self.head = nn.Linear(wide[-1] * left, 1)
        self.register_buffer("unit", 2 * torch.tensor(changes).clamp(min=LEAST)[:, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        changes = pad(x.diff(dim=2), (1, 0)) / self.unit
        together = torch.cat([x, changes], 1).unsqueeze(2)
        scores: Tensor = self.head(self.layers(together)).flatten()
        return scores


def _channels(width: int, maps: int) -> list[int]:
    """Of each map, from the finest on."""
    return [width * min(2**i, WIDEST) for i in range(maps)]


def _convolution(fan_in: int, fan_out: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """Along time; in two dimensions, for these are cheap to differentiate twice (twice.py)."""
    return nn.Conv2d(fan_in, fan_out, (1, TAPS), (1, stride), (0, TAPS // 2), bias=bias)
