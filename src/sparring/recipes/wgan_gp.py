"""WGAN-GP: a critic that measures the Wasserstein distance, its slope held near 1; steady, for pictures and tables.

Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", algorithm 1, with DCGAN's networks; the critic has no
BatchNorm, since the penalty is on the slope at each picture by itself. Scores mean something only in their differences,
so a small penalty on their size (Karras et al. 2018, "Progressive Growing of GANs", appendix A.1) keeps them from
drifting away together. A round has five critic turns, so it takes three to four times as long as one of the recipe
dcgan. For tables the networks are perceptrons, and CTGAN's way of making rows is kept; nothing can be asked for.
`--paper` brings back the paper's numbers for pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.data.tables.field import Layout
from sparring.gan import GAN, Turn
from sparring.networks import dcgan, table
from sparring.networks.mlp import MLP


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of WGAN-GP."""

    PAPER: ClassVar[dict[str, Any]] = {
        "drift": 0.0,
        "width": 64,
        "augment": "none",
        "ema": 0.0,
        "generator": {"lr": 1e-4, "final": 1.0},
        "critic": {"lr": 1e-4, "final": 1.0},
    }

    gradient_penalty: float = 10.0
    """Weight lambda of the penalty E(||grad D|| - 1)^2 between real pictures and fakes; the paper's: 10."""
    drift: float = 0.001
    """Weight of the penalty E D(x)^2, which keeps all scores from drifting; 0 for none, as in the paper."""
    critic_turns: int = 5
    """Turns of the critic in a round, each on a batch of its own; the paper's n_critic."""
    latent: int = 100
    """Numbers in a latent."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps, and the hidden layers for tables, have up
    to 8 times as many."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.9), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.9), final=0.05)
    """The critic's optimiser."""


class WGANGP(GAN):
    """See the module's text."""

    kinds = ("pictures", "table")
    penalised = "gradient_penalty"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.layout = Layout(spec.fields)
        self.generator: table.Generator | dcgan.Generator
        self.critic: nn.Module
        if spec.kind == "table":
            hidden = [8 * config.width] * 2
            self.noise_shape = (config.latent + sum(self.layout.sizes),)
            self.generator = table.Generator(self.layout, config.latent, hidden[0], len(hidden))
            self.critic = nn.Sequential(MLP([self.layout.expanded, *hidden, 1], "leaky_relu"), nn.Flatten(0))
        else:
            self.generator = dcgan.Generator(config.latent, spec.shape, config.width, "relu", "batch")
            self.critic = dcgan.Critic(spec.shape, config.width, "leaky_relu", "none")

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        for _ in range(self.config.critic_turns):
            x = self.augment(self.seen(next(batches).x))
            with torch.no_grad():
                fake = self.augment(self.fake(self.noise(x)))
            yield "critic", self.against(x, fake)
        fake = self.fake(self.noise(x))
        yield "generator", {"fool": losses.raise_scores(self.critic(self.augment(fake)))}

    def seen(self, x: Tensor) -> Tensor:
        """Samples as the critic sees them: rows with a 1 for each code, pictures as they are."""
        return table.expand(self.layout, x) if self.spec.kind == "table" else x

    def fake(self, noise: Tensor) -> Tensor:
        """The same of fakes, with a gradient."""
        if isinstance(self.generator, table.Generator):
            return self.generator.blocks.soft(*self.raw(noise))
        pictures: Tensor = self.generator(noise)
        return pictures

    def raw(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Of a table: -> (what the generator gives, Gumbel numbers for the codes)"""
        latent, chance = noise[:, : self.config.latent], noise[:, self.config.latent :]
        return self.generator(latent), table.gumbel(chance)

    def against(self, x: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The critic's terms."""
        real, false = self.critic(torch.cat([x, fake])).chunk(2)
        terms = {"real": losses.critic_real(real), "fake": losses.critic_fake(false)}
        share = self.draws.uniform(len(x))
        slope = penalties.interpolated(self.critic, x, fake, share)
        terms["gradient_penalty"] = self.config.gradient_penalty * self.penalty * slope
        if self.config.drift:
            terms["drift"] = self.config.drift * real.square().mean()
        return terms

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        if isinstance(self.generator, table.Generator):
            return self.generator.blocks.hard(*self.raw(noise))
        return self.fake(noise)

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """Scores as they are: only their differences mean something, and no border between real and fake lies at 0.

        So the accuracies that a checkup shows say little here, as does the sign that adaptive augmentation follows.
        """
        scores: Tensor = self.critic(self.seen(samples))
        return scores
