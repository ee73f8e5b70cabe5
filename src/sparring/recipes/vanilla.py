"""The original GAN: two multi-layer perceptrons, for points and small pictures.

The game of Goodfellow et al. 2014, "Generative Adversarial Networks", algorithm 1 with one critic turn a round.
The generator's loss is by default the paper's practical one (section 3), which does not saturate; `--loss minimax`
plays the game as it is written in equation 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks.mlp import MLP

Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid"]


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of the vanilla GAN."""

    loss: Literal["non_saturating", "minimax"] = "non_saturating"
    """The generator's loss: non_saturating learns from a winning critic, minimax is the paper's equation 1."""
    latent: int = 32
    """Numbers in a latent."""
    width: int = 256
    """Units in each hidden layer of both networks."""
    depth: int = 3
    """Hidden layers in each network."""
    generator_activation: Activation = "relu"
    """Between the generator's layers."""
    critic_activation: Activation = "leaky_relu"
    """Between the critic's layers."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.99))
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.99))
    """The critic's optimiser."""


class Vanilla(GAN):
    """See the module's text."""

    kinds = ("pictures", "points")
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        hidden = [config.width] * config.depth
        self.generator = MLP([config.latent, *hidden, prod(spec.shape)], config.generator_activation)
        self.critic = MLP([prod(spec.shape), *hidden, 1], config.critic_activation)

    def players(self) -> dict[str, list[torch.nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x, given = next(batches)
        fake = self.sample(self.noise(x), given)
        real, false = (self.critique(self.augment(samples), given) for samples in (x, fake.detach()))
        yield "critic", {"real": losses.tell_real(real), "fake": losses.tell_fake(false)}
        fool = losses.minimax if self.config.loss == "minimax" else losses.non_saturating
        yield "generator", {"fool": fool(self.critique(self.augment(fake), given))}

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        """Pictures pass through tanh into -1..1; points are unbounded, as the Gaussians they come from are."""
        out = self.generator(noise)
        out = torch.tanh(out) if self.spec.kind == "pictures" else out
        return out.view(-1, *self.spec.shape)

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        scores: Tensor = self.critic(samples.flatten(1)).flatten()
        return scores
