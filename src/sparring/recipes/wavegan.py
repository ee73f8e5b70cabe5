"""WaveGAN: convolutions along time; for sequences of numbers, such as a day's weather or what a machine measures.

After Donahue, McAuley & Puckette 2019, "Adversarial Audio Synthesis": DCGAN's networks in one dimension, with the
critic and the gradient penalty of WGAN-GP (Gulrajani et al. 2017, algorithm 1). Unlike there several channels are
measured at few steps, so the filters are short; the critic also sees how each channel changes from step to step, and
the generator has some noise for each step. The averaged generator is much the better one. A round has several critic
turns. It learns a table whose rows follow one another: --time tells which column says when they were, --entity whose
they are, --window how many rows a sequence has. `--paper` brings back the paper's numbers, and takes no average.
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
from sparring.gan import GAN, Turn
from sparring.networks import sequence


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of WaveGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "drift": 0.0,
        "critic_turns": 5,
        "ema": 0.0,
        "generator": {"lr": 1e-4, "betas": (0.5, 0.9), "final": 1.0},
        "critic": {"lr": 1e-4, "betas": (0.5, 0.9), "final": 1.0},
    }

    gradient_penalty: float = 10.0
    """Weight lambda of the penalty E(||grad D|| - 1)^2 between real sequences and fakes; the paper's: 10."""
    drift: float = 0.001
    """Weight of the penalty E D(x)^2, which keeps all scores from drifting (Karras et al. 2018); 0 for none."""
    critic_turns: int = 3
    """Turns of the critic in a round, each on a batch of its own."""
    latent: int = 32
    """Numbers in a latent for a whole sequence; each of its steps has 4 more of its own."""
    width: int = 24
    """Channels at the finest map of both networks; coarser maps have 2 and 4 times as many."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.9), final=0.1)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.9), final=0.1)
    """The critic's optimiser."""


class WaveGAN(GAN):
    """See the module's text."""

    kinds = ("sequences",)
    penalised = "gradient_penalty"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.noise_shape = (config.latent + sequence.OWN * spec.shape[1],)
        self.generator = sequence.Generator(config.latent, spec.shape, config.width)
        self.critic = sequence.Critic(spec.shape, config.width, [field.deviations[0] for field in spec.fields])

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        for _ in range(self.config.critic_turns):
            x = next(batches).x
            with torch.no_grad():
                fake = self.generator(self.noise(x))
            yield "critic", self.against(x, fake)
        yield "generator", {"fool": losses.raise_scores(self.critic(self.generator(self.noise(x))))}

    def against(self, x: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The critic's terms."""
        real, false = self.critic(torch.cat([x, fake])).chunk(2)
        slope = penalties.interpolated(self.critic, x, fake, self.draws.uniform(len(x)))
        terms = {"real": losses.critic_real(real), "fake": losses.critic_fake(false)}
        terms["gradient_penalty"] = self.config.gradient_penalty * self.penalty * slope
        if self.config.drift:
            terms["drift"] = self.config.drift * real.square().mean()
        return terms

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        sequences: Tensor = self.generator(noise).float()
        return sequences

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """Scores as they are: only their differences mean something, and no border between real and fake lies at 0.

        So the accuracies that a checkup shows say little here.
        """
        scores: Tensor = self.critic(samples)
        return scores
