"""FastGAN: skip-layer excitation, and a critic that must remember what it saw; for a hundred to some thousand pictures.

Networks of Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis",
for 32 to 256 pixels and as little as a hundred of them. The critic scores windows of the picture by the hinge loss,
whose margin is drawn anew each time; it rebuilds each real picture from its own maps, so that it cannot make do with a
few details; and it sees everything through DiffAugment (Zhao et al. 2020) at full strength, shifted and recoloured.

It differs from the paper: pictures are rebuilt by their mean squared error, where the paper compares features of a VGG;
spectral normalisation is left out, since BatchNorm undoes a weight's scale anyhow, and a lazy R1 penalty stands in for
it; there is no noise within the generator, no flipping of pictures and no second, smaller picture for the critic.
`--paper` brings back its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sparring import config, losses, penalties
from sparring.augment import augment
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import fastgan

POLICY = ("colour", "translation")


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of FastGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "batch": 8,
        "latent": 256,
        "width": 32,
        "r1": 0.0,
        "generator": {"lr": 2e-4, "betas": (0.5, 0.999), "final": 1.0},
        "critic": {"lr": 2e-4, "betas": (0.5, 0.999), "final": 1.0},
    }

    batch: int = 16
    """Samples in a batch, over all processes and micro-batches together."""
    augment: Literal["none", "adaptive", "full"] = "full"
    """full shows the critic shifted and recoloured pictures always, as in the paper; adaptive, the more it overfits."""
    latent: int = 100
    """Numbers in a latent."""
    width: int = 16
    """Channels at the finest map of both networks; coarser ones have 2, 4, ... 16 times as many."""
    soften: float = 0.2
    """The hinge's margin is uniform in 1 - this..1; 0 is the plain hinge."""
    rebuild: float = 1.0
    """Weight of the mean squared error of the pictures that the critic rebuilds; 0 for none."""
    r1: float = 0.1
    """Weight gamma of the penalty gamma/2 E||grad D(x)||^2 on real pictures; 0 for none, as in the paper."""
    r1_every: int = 8
    """Rounds between penalties; each then counts this many times over."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""


class FastGAN(GAN):
    """See the module's text."""

    penalised = "r1"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.generator = fastgan.Generator(config.latent, spec.shape, config.width)
        self.critic = fastgan.Critic(spec.shape, config.width)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x = self.augment(next(batches).x)
        fake = self.generator(self.noise(x))
        maps = self.critic.maps(x)
        real, false = self.critic.judge(maps), self.critic(self.augment(fake.detach()))
        terms = {
            "real": losses.hinge_real(real + self.slack(real)),
            "fake": losses.hinge_fake(false - self.slack(false)),
        }
        if self.config.rebuild:
            which = (4 * self.draws.uniform(len(x))).long()
            errors = [mse_loss(drawn, true) for drawn, true in self.critic.rebuild(maps, x, which)]
            terms["rebuild"] = self.config.rebuild * torch.stack(errors).sum()
        every = self.config.r1_every
        if self.config.r1 and self.count % every == 0:
            terms["r1"] = every * self.config.r1 * self.penalty / 2 * penalties.r1(self.score, x)
        yield "critic", terms
        yield "generator", {"fool": losses.raise_scores(self.critic(self.augment(fake)))}

    def augment(self, samples: Tensor) -> Tensor:
        """Without the holes of DiffAugment, as in the paper: with them the critic learns much more slowly."""
        return augment(samples, self.augmentation, self.draws, POLICY) if self.augmentation else samples

    def slack(self, scores: Tensor) -> Tensor:
        """By how much each score may miss the margin of 1: (b, patches), uniform in 0..soften."""
        return self.config.soften * self.draws.uniform(*scores.shape)

    def score(self, samples: Tensor) -> Tensor:
        """Samples (b, *spec.shape) -> the mean score of their windows, (b,)."""
        scores: Tensor = self.critic(samples)
        return scores.mean(1)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        return self.score(samples)
