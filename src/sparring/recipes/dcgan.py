"""DCGAN: convolutional networks for pictures; small, quick, and the usual place to start.

Networks of Radford, Metz & Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", with the non-saturating loss. The defaults differ from the paper where that shows better pictures
in a minute on a CPU: a lazy R1 penalty on the critic's gradient at real pictures (Mescheder et al. 2018) keeps it from
running away, which allows ten to twenty times the learning rate, falling to a twentieth over the run. `--paper` brings
back the paper's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import dcgan

Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid"]


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of DCGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "batch": 128,
        "width": 64,
        "r1": 0.0,
        "augment": "none",
        "ema": 0.0,
        "generator": {"lr": 2e-4, "betas": (0.5, 0.999), "final": 1.0},
        "critic": {"lr": 2e-4, "betas": (0.5, 0.999), "final": 1.0},
    }

    latent: int = 100
    """Numbers in a latent."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps have 2, 4 and 8 times as many."""
    generator_norm: dcgan.Norm = "batch"
    """BatchNorm in the generator, or none."""
    critic_norm: dcgan.Norm = "batch"
    """BatchNorm in the critic, or none."""
    generator_activation: Activation = "relu"
    """Between the generator's layers."""
    critic_activation: Activation = "leaky_relu"
    """Between the critic's layers."""
    r1: float = 0.1
    """Weight gamma of the penalty gamma/2 E||grad D(x)||^2 on real pictures; 0 for none, as in the paper."""
    r1_every: int = 8
    """Rounds between penalties; each then counts this many times over."""
    generator: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=4e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser; twice the generator's rate, as in Heusel et al. 2017 (TTUR)."""


class DCGAN(GAN):
    """See the module's text."""

    penalised = "r1"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        self.generator = dcgan.Generator(c.latent, spec.shape, c.width, c.generator_activation, c.generator_norm)
        self.critic = dcgan.Critic(spec.shape, c.width, c.critic_activation, c.critic_norm)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x = self.augment(next(batches).x)
        fake = self.generator(self.noise(x))
        real, false = self.judge(x, self.augment(fake.detach()))
        terms = {"real": losses.tell_real(real), "fake": losses.tell_fake(false)}
        every = self.config.r1_every
        if self.config.r1 and self.count % every == 0:
            terms["r1"] = every * self.config.r1 * self.penalty / 2 * penalties.r1(self.critic, x)
        yield "critic", terms
        yield "generator", {"fool": losses.non_saturating(self.critic(self.augment(fake)))}

    def judge(self, x: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of both: in one pass, which is faster, unless BatchNorm would mix their statistics."""
        if self.config.critic_norm == "batch":
            return self.critic(x), self.critic(fake)
        real, false = self.critic(torch.cat([x, fake])).chunk(2)
        return real, false

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        scores: Tensor = self.critic(samples)
        return scores
