"""SNGAN: a critic with spectral normalisation; steady without a gradient penalty, and takes classes.

Miyato, Kataoka, Koyama & Yoshida 2018, "Spectral Normalization for Generative Adversarial Networks": every weight of
the critic is divided by its greatest singular value, so that its scores change slowly with the picture, and the game is
played with the hinge loss (eq. 16-17). For pictures with classes or columns the critic scores by projection (Miyato &
Koyama 2018, "cGANs with Projection Discriminator") and the generator has conditional BatchNorm; --conditional no leaves
them out. For pictures of 8 to 256 pixels. The defaults are for minutes on a CPU: DCGAN's networks, one critic turn a
round instead of five, and ten to twenty times the learning rate, falling to a twentieth. The paper's residual networks
oscillate at these rates: `--paper` brings them back with the paper's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks import resnet
from sparring.networks.spectral import spectral, tighten


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of SNGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "networks": "resnet",
        "width": 64,
        "critic_turns": 5,
        "augment": "none",
        "ema": 0.0,
        "generator": {"lr": 2e-4, "betas": (0.0, 0.9), "final": 0.0},
        "critic": {"lr": 2e-4, "betas": (0.0, 0.9), "final": 0.0},
    }

    networks: Literal["dcgan", "resnet"] = "dcgan"
    """dcgan: strided convolutions; resnet: the paper's, many times as slow on a CPU, and wants low learning rates."""
    conditional: Literal["auto", "no"] = "auto"
    """auto makes pictures by class and columns where the data has such; no never does."""
    latent: int = 128
    """Numbers in a latent."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps have 2, 4 and 8 times as many."""
    critic_turns: int = 1
    """Turns of the critic, each with a fresh batch, to one of the generator."""
    generator: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=4e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.critic_turns < 1:
            raise SparringError(f"`critic_turns` must be 1 or more; it is {self.critic_turns}")


class SNGAN(GAN):
    """See the module's text."""

    conditional = True
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.conditional = config.conditional == "auto"
        self.given = spec.given if self.conditional else 0
        residual = config.networks == "resnet"
        generator = resnet.residual_generator if residual else resnet.dcgan_generator
        critic = resnet.residual_critic if residual else resnet.dcgan_critic
        self.generator = generator(config.latent, spec.shape, config.width, self.given)
        self.critic = spectral(critic(spec.shape, config.width, self.given))

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        for _ in range(self.config.critic_turns):
            x, given = next(batches)
            fake = self.sample(self.noise(x), given)
            if self.draws.share % self.config.accumulate == 0:  # a turn's other micro-batches see the same weights
                tighten(self.critic)
            both = torch.cat([self.augment(x), self.augment(fake.detach())])
            real, false = self.critique(both, torch.cat([given, given])).chunk(2)
            yield "critic", {"real": losses.hinge_real(real), "fake": losses.hinge_fake(false)}
        yield "generator", {"fool": losses.raise_scores(self.critique(self.augment(fake), given))}

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise, given)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        scores: Tensor = self.critic(samples, given)
        return scores
