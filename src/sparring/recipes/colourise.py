"""Colourise: colours for black-and-white pictures, learnt from colour pictures.

pix2pix in the colour space Lab (Isola et al. 2017, section 4): the generator is given the lightness and makes the other
two channels; the critic sees all three. The lightness that comes out is the one that went in. The networks, the losses
and the paper's numbers are those of the recipe pix2pix; distances are in units of 110, since a and b reach so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks.lab import from_lab, lightness, to_lab
from sparring.networks.patchgan import PatchGAN, bearable
from sparring.networks.unet import UNet, any_size


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of colourising."""

    batch: int = 8
    """Pictures in a batch, over all processes and micro-batches together. The paper's: 1."""
    width: int = 24
    """Channels at the generator's finest level. The paper's: 64."""
    norm: Literal["instance", "none"] = "none"
    """In the generator: each map of a picture by its own mean and deviation, which takes away how bright a place is, or
    none, which also makes large pictures cheaper to do in tiles."""
    critic_width: int = 16
    """Channels after the critic's first layer. The paper's: 64."""
    critic_layers: int = 2
    """How often the critic halves the sides: its patches are of 1, 16, 34, 70 pixels for 0, 1, 2, 3 (the paper's)."""
    adversarial: float = 1.0
    """Weight of the generator's adversarial loss; without it the critic takes no turns, and colours come out pale."""
    l1: float = 20.0
    """Weight of the mean distance to the true colours; the less, the bolder. The paper's: 100."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.5, 0.999), final=0.05)
    """The generator's optimiser. The paper's: lr 2e-4, constant for half of the run."""
    critic: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The critic's optimiser. The paper's: lr 2e-4."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = (self.adversarial, self.l1)
        if min(weights) < 0 or not max(weights):
            raise SparringError(
                "`adversarial` and `l1` are weights: 0 or more, and one of them above 0; they are "
                f"{' and '.join(map(str, weights))}"
            )


class Colourise(GAN):
    """See the module's text."""

    translates = True
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.shape[0] != 3:
            raise SparringError(
                f"{spec.name} holds {'grey' if spec.shape[0] == 1 else 'partly transparent'} pictures: colours are "
                "learnt from pictures in colour; give such, or --channels 3 to pass over what is transparent"
            )
        size = (spec.shape[1], spec.shape[2])
        self.generator = UNet(1, 2, size, config.width, config.norm)
        self.critic = PatchGAN(3, config.critic_width, bearable(config.critic_layers, *size))
        self.multiple, self.reach = self.generator.multiple, self.generator.reach

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        lab = to_lab(next(batches).x)
        fake = self.coloured(lab[:, :1])
        if self.config.adversarial:
            real, false = self.critic(torch.cat([lab, fake.detach()])).chunk(2)
            yield "critic", {"real": losses.towards_one(real), "fake": losses.towards_zero(false)}
        terms = {}
        if self.config.l1:
            terms["l1"] = self.config.l1 * l1_loss(fake[:, 1:], lab[:, 1:])
        if self.config.adversarial:
            terms["fool"] = self.config.adversarial * losses.towards_one(self.critic(fake))
        yield "generator", terms

    def coloured(self, light: Tensor) -> Tensor:
        """Lightness (n, 1, h, w) in -1..1 -> the same with the generator's two channels of colour, (n, 3, h, w)."""
        return torch.cat([light, any_size(self.generator, light, self.multiple)], 1)

    def asked(self, batch: Batch) -> Tensor:
        return lightness(batch.x)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        """Lightness (n, 1, h, w) in -1..1 -> pictures in colour (n, 3, h, w) in -1..1."""
        return from_lab(self.coloured(given))

    def translate(self, pictures: Tensor) -> Tensor:
        """Pictures (n, 3, h, w) or (n, 1, h, w) in -1..1, whose own colours are passed over -> (n, 3, h, w)."""
        return super().translate(lightness(pictures))

    def critique(self, samples: Tensor, given: Tensor) -> Tensor | None:
        """The mean over a picture's patches."""
        return self.critic.per_picture(to_lab(samples)) - 0.5 if self.config.adversarial else None
