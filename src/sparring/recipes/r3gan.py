"""R3GAN: a loss that compares real and fake in pairs, with the critic held flat at both; takes classes.

Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline". The critic learns that each real picture
is more real than the fake it is paired with (RpGAN), which leaves no gain in dropping a mode, and both R1 and R2 keep
its gradient small, at real and at fake pictures, in every round: with these the game converges, and needs no tricks.
Classes and columns, where the data has any, are given to both networks.

The defaults are for minutes on a CPU: the paper's loss on DCGAN's networks (BatchNorm in the generator, none in the
critic), penalties every other round, and larger learning rates, which fall along half a cosine over the planned run, as
the penalty does. The paper's own residual networks, without any normalisation, are --networks residual, and are for
long runs: a round of them takes several times as long on a CPU, and the first few hundred teach less. `--paper` brings
back the paper's settings for 32 pixels; for 256 pixels give --paper --width 96 --batch 256 --gamma 150 --ema 500000.
Its beta2 rises from 0.9 to 0.99 beside them, and here it does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import r3gan, resnet

LOW, HIGH = (64, 2.0), (256, 150.0)  # pixels a side and the paper's gamma for them, on FFHQ
SMALL = 0.3  # gamma for DCGAN's networks, seen at 16 pixels
DECAY = 0.1  # of gamma, over the run; the paper's


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of R3GAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "batch": 512,
        "networks": "residual",
        "width": 768,
        "gamma": 0.05,
        "penalty_every": 1,
        "ema": 5_000_000.0,
        "generator": {"lr": 2e-4, "final": 0.25},
        "critic": {"lr": 2e-4, "final": 0.25},
    }

    networks: Literal["dcgan", "residual"] = "dcgan"
    """dcgan: strided convolutions; residual: the paper's, several times as slow, for long runs on a GPU."""
    latent: int = 64
    """Numbers in a latent."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps have 2, 4, 8 ... times as many."""
    widest: int = 768
    """No map of the residual networks has more channels than this; the paper's."""
    deep: int = 2
    """Residual blocks a stage, in residual networks; the paper's."""
    gamma: float | None = None
    """Weight of the penalties gamma/2 (R1 + R2) at the start; it falls to a tenth. By default 0.3 for dcgan networks,
    and for residual ones the paper's for faces: 2 up to 64 pixels, 150 from 256, and between them a straight line in
    the logarithms. For CIFAR-10, in batches of 512, the paper has 0.05."""
    strictness: float = 1.0
    """What gamma is multiplied by."""
    penalty_every: int = 2
    """Rounds between penalties, each of which then counts this many times over. Residual networks need one
    in each."""
    generator: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=4e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""


def gamma_for(side: float) -> float:
    """The paper's gamma for pictures of this many pixels a side, interpolated; beyond its sizes that of the nearest.

    For residual networks: on digits of 16 pixels, in batches of 64, few digits could be read after 500 rounds with
    0.05, and most with 2.

    >>> gamma_for(16), gamma_for(64), round(gamma_for(128), 1), gamma_for(512)
    (2.0, 2.0, 17.3, 150.0)
    """
    share = math.log(side / LOW[0]) / math.log(HIGH[0] / LOW[0])
    share = min(max(share, 0.0), 1.0)
    return float(LOW[1] ** (1 - share) * HIGH[1] ** share)


class R3GAN(GAN):
    """See the module's text."""

    conditional = True
    penalised = "strictness"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c, side = config, math.sqrt(spec.shape[1] * spec.shape[2])
        self.generator: nn.Module
        self.critic: nn.Module
        if c.networks == "residual":
            usual = gamma_for(side)
            self.generator = r3gan.Generator(c.latent, spec.given, spec.shape, c.width, c.widest, c.deep)
            self.critic = r3gan.Critic(spec.given, spec.shape, c.width, c.widest, c.deep)
        else:
            usual = SMALL
            self.generator = resnet.dcgan_generator(c.latent, spec.shape, c.width, spec.given)
            self.critic = resnet.dcgan_critic(spec.shape, c.width, spec.given)
        self.gamma = c.strictness * (usual if c.gamma is None else c.gamma)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x, given = next(batches)
        with torch.no_grad():
            fake = self.generator(self.noise(x), given)
        every = self.config.penalty_every
        if self.count % every == 0:
            scores, steepness = self.judge_with_gradient(torch.cat([x, fake.float()]), given)
            terms = {"penalty": every * self.gamma_now() * self.penalty * steepness}  # gamma/2 (R1 + R2)
        else:
            scores, terms = self.judge(torch.cat([x, fake]), given), {}
        real, false = scores.chunk(2)
        yield "critic", {"pairs": losses.relativistic(real, false), **terms}

        x, given = next(batches)
        with torch.no_grad():
            real = self.critic(self.augment(x), given)
        fake = self.generator(self.noise(x), given)
        yield "generator", {"pairs": losses.relativistic(self.critic(self.augment(fake), given), real)}

    def judge(self, both: Tensor, given: Tensor) -> Tensor:
        """Scores (2b,) of as many reals as fakes in one pass, each half augmented by itself; one `given` a pair."""
        shown = torch.cat([self.augment(half) for half in both.chunk(2)])
        scores: Tensor = self.critic(shown, torch.cat([given, given]))
        return scores

    def judge_with_gradient(self, both: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """The scores, and half of R1 + R2: the mean squared gradient in the pictures before they are augmented."""
        seen: list[Tensor] = []

        def critic(x: Tensor) -> Tensor:
            seen.append(self.judge(x, given))  # the loss goes through the penalty's own pass, which saves another
            return seen[0]

        steepness = penalties.r1(critic, both)
        return seen[0], steepness

    def gamma_now(self) -> float:
        """Half a cosine from gamma to a tenth of it over the planned rounds; without a plan in rounds it stays."""
        over = min(self.count / self.config.steps, 1.0) if self.config.steps else 0.0
        return self.gamma * (DECAY + (1 - DECAY) * 0.5 * (1 + math.cos(math.pi * over)))

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        """Residual networks have no last activation, as in the paper: what lies beyond -1..1 is cut off here."""
        pictures: Tensor = self.generator(noise, given).clamp(-1, 1)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        scores: Tensor = self.critic(samples, given)
        return scores
