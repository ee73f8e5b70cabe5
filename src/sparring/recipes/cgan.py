"""Conditional GAN: a DCGAN that makes what it is asked for; for pictures with classes, flags or numbers.

Two ways to tell the critic what was asked for. `--conditioning projection` is that of Miyato & Koyama 2018, "cGANs with
Projection Discriminator": the score is a part for the picture alone and the inner product of its features with an
embedding of what is given. `--conditioning concat` is that of Mirza & Osindero 2014, "Conditional Generative
Adversarial Nets": the embedding is joined to the critic's input. The generator gets latent and embedding side by side
in both. An embedding is a linear layer on the row of what is given, so a class, several labels at once and numbers are
all the same to it. The loss, the networks' sizes and the defaults are those of the recipe dcgan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import conditional, dcgan


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of the conditional GAN."""

    conditioning: Literal["projection", "concat"] = "projection"
    """How the critic learns what was asked for: by projection (2018) or joined to its input (2014)."""
    latent: int = 100
    """Numbers in a latent."""
    embedding: int = 32
    """Numbers in the embedding that is joined to the latent, and in concat's beside the colours."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps have 2, 4 and 8 times as many."""
    critic_norm: dcgan.Norm = "batch"
    """BatchNorm in the critic, or none."""
    r1: float = 0.1
    """Weight gamma of the penalty gamma/2 E||grad D(x|y)||^2 on real pictures; 0 for none, as in both papers."""
    r1_every: int = 8
    """Rounds between penalties; each then counts this many times over."""
    generator: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser. Miyato & Koyama: lr 2e-4, betas 0 0.9."""
    critic: config.Adam = config.Adam(lr=4e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""


class CGAN(GAN):
    """See the module's text."""

    conditional = True
    penalised = "r1"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        self.generator = conditional.Generator(spec, c.latent, c.embedding, c.width)
        self.critic: nn.Module
        if c.conditioning == "projection":
            self.critic = conditional.ProjectionCritic(spec, c.width, c.critic_norm)
        else:
            self.critic = conditional.ConcatCritic(spec, c.embedding, c.width, c.critic_norm)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x, y = next(batches)
        x, fake = self.augment(x), self.generator(self.noise(x), y)
        real, false = self.judge(x, self.augment(fake.detach()), y)
        terms = {"real": losses.tell_real(real), "fake": losses.tell_fake(false)}
        every = self.config.r1_every
        if self.config.r1 and self.count % every == 0:
            slope = penalties.r1(lambda pictures: self.critic(pictures, y), x)
            terms["r1"] = every * self.config.r1 * self.penalty / 2 * slope
        yield "critic", terms
        yield "generator", {"fool": losses.non_saturating(self.critic(self.augment(fake), y))}

    def judge(self, x: Tensor, fake: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of both: in one pass, which is faster, unless BatchNorm would mix their statistics."""
        if self.config.critic_norm == "batch":
            return self.critic(x, y), self.critic(fake, y)
        real, false = self.critic(torch.cat([x, fake]), torch.cat([y, y])).chunk(2)
        return real, false

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise, given)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """How real the samples are as what was asked for: a good 7 scores low where a 3 was asked for."""
        scores: Tensor = self.critic(samples, given)
        return scores
