"""WGAN: a critic that measures the Wasserstein distance, its weights clipped; for pictures, and for comparison.

Arjovsky, Chintala & Bottou 2017, "Wasserstein Generative Adversarial Networks", algorithm 1: several critic turns a
round, before each of which the critic's weights are clipped to a box, which bounds its slope. Clipping wastes much of
what a critic can do; the recipe wgan_gp does without, and this one is here because so much refers to it. The defaults
differ from the paper in the optimiser, Adam without momentum instead of RMSprop, and in its rates; `--paper` brings
back these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import dcgan


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of WGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "width": 64,
        "augment": "none",
        "ema": 0.0,
        "generator": {"lr": 5e-5, "final": 1.0},
        "critic": {"lr": 5e-5, "final": 1.0},
    }

    clipping: float = 0.01
    """The critic's weights stay within plus and minus this; the paper's c = 0.01."""
    critic_turns: int = 5
    """Turns of the critic in a round, each on a batch of its own; the paper's n_critic."""
    latent: int = 100
    """Numbers in a latent."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps have 2, 4 and 8 times as many."""
    generator: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser. The paper's is RMSprop: Adam with betas 0 0.99, but for its start."""
    critic: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""


class WGAN(GAN):
    """See the module's text."""

    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.generator = dcgan.Generator(config.latent, spec.shape, config.width, "relu", "batch")
        self.critic = dcgan.Critic(spec.shape, config.width, "leaky_relu", "batch")

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        for _ in range(self.config.critic_turns):
            x = self.augment(next(batches).x)
            with torch.no_grad():
                fake = self.generator(self.noise(x))
            self.clip()
            real, false = self.critic(x), self.critic(self.augment(fake))
            yield "critic", {"real": losses.critic_real(real), "fake": losses.critic_fake(false)}
        self.clip()
        fake = self.generator(self.noise(x))
        yield "generator", {"fool": losses.raise_scores(self.critic(self.augment(fake)))}

    @torch.no_grad()
    def clip(self) -> None:
        """Clip the critic's weights before it is asked.

        That is after its last turn, as in algorithm 1, and it touches no weights between a loss and its gradient.
        Clipping again changes nothing, so micro-batches and processes agree.
        """
        for weight in self.critic.parameters():
            if weight.requires_grad:  # those that are frozen stay as they are
                weight.clamp_(-self.config.clipping, self.config.clipping)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """Scores as they are: only their differences mean something, and no border between real and fake lies at 0.

        So the accuracies that a checkup shows say little here, as does the sign that adaptive augmentation follows.
        """
        scores: Tensor = self.critic(samples)
        return scores
