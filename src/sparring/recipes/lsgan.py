"""LSGAN: DCGAN's networks with least squares instead of a logarithm; for pictures.

Mao et al. 2017, "Least Squares Generative Adversarial Networks", with the targets a=0 for fakes and b=c=1 (eq. 9): a
fake that already passes for real still has a gradient, towards the border. The critic's border lies at 1/2. The
defaults differ from the paper as the recipe dcgan's do from its own. `--paper` brings back its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import dcgan


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of LSGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "width": 64,
        "r1": 0.0,
        "augment": "none",
        "ema": 0.0,
        "generator": {"lr": 1e-3, "betas": (0.5, 0.999), "final": 1.0},
        "critic": {"lr": 1e-3, "betas": (0.5, 0.999), "final": 1.0},
    }

    latent: int = 100
    """Numbers in a latent."""
    width: int = 32
    """Channels at the finest map of both networks; coarser maps have 2, 4 and 8 times as many."""
    r1: float = 0.1
    """Weight gamma of the penalty gamma/2 E||grad D(x)||^2 on real pictures; 0 for none, as in the paper."""
    r1_every: int = 8
    """Rounds between penalties; each then counts this many times over."""
    generator: config.Adam = config.Adam(lr=2e-3, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=4e-3, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""


class LSGAN(GAN):
    """See the module's text."""

    penalised = "r1"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        self.generator = dcgan.Generator(config.latent, spec.shape, config.width, "relu", "batch")
        self.critic = dcgan.Critic(spec.shape, config.width, "leaky_relu", "batch")

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x = self.augment(next(batches).x)
        fake = self.generator(self.noise(x))
        real, false = self.critic(x), self.critic(self.augment(fake.detach()))
        terms = {"real": losses.towards_one(real), "fake": losses.towards_zero(false)}
        every = self.config.r1_every
        if self.config.r1 and self.count % every == 0:
            terms["r1"] = every * self.config.r1 * self.penalty / 2 * penalties.r1(self.critic, x)
        yield "critic", terms
        yield "generator", {"fool": losses.towards_one(self.critic(self.augment(fake)))}

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """Scores, shifted so that the border between the targets 0 and 1 lies at 0."""
        scores: Tensor = self.critic(samples) - 0.5
        return scores
