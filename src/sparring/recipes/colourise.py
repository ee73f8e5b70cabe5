"""Colourise: colours for black-and-white pictures, learnt from colour pictures.

pix2pix in the colour space Lab (Isola et al. 2017, section 4): the generator is given the lightness and makes the other
two channels; the critic sees all three. The lightness that comes out is the one that went in. The networks, the losses
and what `--paper` brings back are those of the recipe pix2pix; distances are in units of 110, since a and b reach so
far.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring import config
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks.lab import from_lab, lightness, to_lab
from sparring.networks.patchgan import PatchGAN, bearable
from sparring.networks.unet import Norm, UNet, Upsample, any_size
from sparring.recipes import pix2pix


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of colourising."""

    PAPER: ClassVar[dict[str, Any]] = {
        name: value for name, value in pix2pix.Config.PAPER.items() if name != "matching"
    }
    PAPER_LENGTH = pix2pix.Config.PAPER_LENGTH

    batch: int = 8
    """Pictures in a batch, over all processes and micro-batches together."""
    width: int = 24
    """Channels at the generator's finest level."""
    norm: Norm = "none"
    """In the generator: each map of a picture by its own mean and deviation, which takes away how bright a place is;
    batch, in the critic too, by those of the batch, and in use by the picture's own; or none, which also makes large
    pictures cheaper to do in tiles."""
    dropout: float = 0.0
    """Share of values that the generator's coarsest levels leave out, in use too."""
    upsample: Upsample = "resize"
    """How the generator doubles sides: transposed convolutions leave a grid until they have learnt not to."""
    critic_width: int = 16
    """Channels after the critic's first layer."""
    critic_layers: int = 2
    """How often the critic halves the sides: its patches are of 1, 16, 34, 70 pixels for 0, 1, 2, 3."""
    loss: Literal["lsgan", "vanilla", "hinge"] = "lsgan"
    """The adversarial loss: least squares, the original game's logarithms, or hinges."""
    adversarial: float = 1.0
    """Weight of the generator's adversarial loss; without it the critic takes no turns, and colours come out pale."""
    l1: float = 20.0
    """Weight of the mean distance to the true colours; the less, the bolder."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.5, 0.999), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The critic's optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise SparringError(f"`dropout` is a share, in 0..1 and below 1; it is {self.dropout}")
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
        c, size = config, (spec.shape[1], spec.shape[2])
        self.generator = UNet(1, 2, size, c.width, c.norm, c.dropout, c.upsample)
        layers = bearable(c.critic_layers, *size)
        self.critic = PatchGAN(3, c.critic_width, layers, "batch" if c.norm == "batch" else "instance")
        *self.costs, self.border = pix2pix.LOSSES[c.loss]
        self.multiple, self.reach = self.generator.multiple, self.generator.reach

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        lab = to_lab(next(batches).x)
        fake = self.coloured(lab[:, :1])
        of_real, of_fake, fool = self.costs
        if self.config.adversarial:
            real, false = self.judge(lab, fake.detach())
            yield "critic", {"real": of_real(real), "fake": of_fake(false)}
        terms = {}
        if self.config.l1:
            terms["l1"] = self.config.l1 * l1_loss(fake[:, 1:], lab[:, 1:])
        if self.config.adversarial:
            terms["fool"] = self.config.adversarial * fool(self.critic(fake))
        yield "generator", terms

    def judge(self, lab: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of both: in one pass, which is faster, unless BatchNorm would mix their statistics."""
        if self.config.norm == "batch":
            return self.critic(lab), self.critic(fake)
        real, false = self.critic(torch.cat([lab, fake])).chunk(2)
        return real, false

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
        return self.critic.per_picture(to_lab(samples)) - self.border if self.config.adversarial else None
