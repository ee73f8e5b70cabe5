"""Real-ESRGAN: enlarges pictures that were blurred, shrunk, noisy and compressed, and mends them.

Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data": small pictures for
training are made of large ones by two rounds of blur, resizing, noise and JPEG, and a U-Net with spectral norm scores
every pixel. The generator is the residual one of the recipe srgan, as in the authors' own compact models, for it takes
a fraction of ESRGAN's time. Both stages are one run, each with its checkpoint. `--paper` brings back the paper's
numbers, though not its generator; they are for features of VGG19, whose weights are no part of this: give --perceptual
vgg:FILE beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring import config, enlarging, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks.spectral import tighten
from sparring.networks.srcritic import UNetCritic
from sparring.networks.srresnet import SRResNet


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of Real-ESRGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "width": 64,
        "critic_width": 64,
        "pixel_stage": 5 / 7,
        "l1": 1.0,
        "coarse": 0.0,
        "texture": 0.0,
        "likeness": 1.0,
        "adversarial": 0.1,
        "pixel": {"lr": 2e-4, "final": 1.0},
        "generator": {"lr": 1e-4, "betas": (0.9, 0.99), "final": 1.0},
        "critic": {"lr": 1e-4, "betas": (0.9, 0.99), "final": 1.0},
    }
    PAPER_LENGTH = "1,000,000 rounds and then 400,000"

    scale: Literal[2, 3, 4, 8] = 4
    """How many times as high and as wide pictures become."""
    crop: str | None = "96"
    """Large crops that training sees: a side, or height x width; multiples of the scale."""
    size: str | None = None
    """Tiles that photographs are cut into: a side, or height x width; by default about a third more than the crop."""
    flip: bool = True
    """Mirror half of the crops."""
    batch: int = 16
    """Crops in a batch, over all processes and micro-batches together."""
    degrade: Literal["none", "real"] = "real"
    """How small pictures are made of large ones: shrunk alone, or for real ones that were blurred, shrunk, noisy and
    compressed twice on their way."""
    width: int = 32
    """Channels of the generator."""
    blocks: int = 8
    """Residual blocks of the generator. The paper's network is that of ESRGAN."""
    critic_width: int = 16
    """Channels at the critic's full size."""
    pixel_stage: float = 0.6
    """Share of the run in which the generator learns alone; 1 leaves out the adversarial stage, 0 the first."""
    perceptual: str = "efficientnet-lite0"
    """The network whose features of pictures are compared: efficientnet-lite0, vgg:FILE, critic, or none."""
    l1: float = 4.5
    """Weight of the mean distance to the true pixels in the adversarial stage; in the first it is all."""
    coarse: float = 2.0
    """Weight of the mean distances of shrunk pictures, down to the small picture's size, times the scale."""
    texture: float = 0.2
    """Weight of the distance of spectra, beyond what the small picture can hold."""
    likeness: float = 0.05
    """Weight of the distance that `perceptual` tells."""
    adversarial: float = 0.02
    """Weight of the generator's adversarial loss; without it the critic takes no turns."""
    pixel: config.Adam = config.Adam(lr=5e-4, betas=(0.9, 0.99), final=0.02)
    """The generator's optimiser while it learns alone."""
    generator: config.Adam = config.Adam(lr=3e-4, betas=(0.5, 0.99), final=0.05)
    """The generator's optimiser in the adversarial stage."""
    critic: config.Adam = config.Adam(lr=1e-3, betas=(0.5, 0.99), final=0.1)
    """The critic's optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        enlarging.check(self)


class RealESRGAN(GAN):
    """See the module's text."""

    kinds = ("pictures", "pairs")
    translates = True
    native = True
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        enlarging.refuse(spec, c)
        self.generator = SRResNet(spec.shape[0], c.width, c.blocks, c.scale)
        self.critic = UNetCritic(spec.shape[0], c.critic_width, scale=c.scale)
        self.scale, self.reach = c.scale, self.generator.reach

    def players(self) -> dict[str, list[nn.Module]]:
        return {"pixel": [self.generator], "generator": [self.generator], "critic": [self.critic]}

    @cached_property
    def unlike(self) -> enlarging.Unlike | None:
        """Made when training begins: whoever only enlarges needs no feature network, nor the file that it is in."""
        return enlarging.unlikeness(self.config, self.critic)

    def stage(self, progress: float) -> tuple[str, float]:
        return enlarging.two_stages(progress, self.config.pixel_stage)

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        batch, c, unlike = next(batches), self.config, self.unlike
        real, fake = batch.x, self.generator(enlarging.small(batch, c, self.draws))
        if self.stage(self.progress)[0] == enlarging.PIXEL:
            yield "pixel", {"l1": l1_loss(fake, real)}
            return
        if c.adversarial:
            if self.draws.share % c.accumulate == 0:  # a turn's other micro-batches see the same weights
                tighten(self.critic)
            of_real, of_fake = self.critic(torch.cat([real, fake.detach()])).chunk(2)
            yield "critic", {"real": losses.tell_real(of_real), "fake": losses.tell_fake(of_fake)}
        terms = enlarging.likeness(fake, real, c, unlike)
        if c.adversarial:
            terms["fool"] = c.adversarial * losses.non_saturating(self.critic(fake))
        yield "generator", terms

    def asked(self, batch: Batch) -> Tensor:
        return enlarging.asked(batch, self.config)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        """Small pictures (n, c, h, w) -> large ones (n, c, h * scale, w * scale), in -1..1."""
        large: Tensor = self.generator(given)
        return large.clamp(-1, 1)

    def critique(self, samples: Tensor, given: Tensor) -> Tensor | None:
        """The mean over a picture's places; None while there is no critic yet."""
        plays = self.config.adversarial and self.stage(self.progress)[0] != enlarging.PIXEL
        return self.critic.per_picture(samples) if plays else None
