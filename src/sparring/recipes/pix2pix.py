"""pix2pix: one picture made from another, learnt from pairs: maps, sketches, labels, photos.

Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks": a generator that is told what to
come near to (L1) and a critic that is shown patches of both pictures of a pair (PatchGAN). The defaults differ from the
paper: least squares instead of a logarithm, sides doubled by repeating and convolving, and instance norm without
dropout. `--paper` brings back the paper's numbers, transposed convolutions, BatchNorm, which goes by the picture's own
statistics when used, as the authors' batches of one do, and dropout of a half, in use too. Learning rates then stay as
they begin, while the authors' fall along a straight line in the second half of the run.
Matching the critic's features is from Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs" (pix2pixHD), eq. 4, where its weight is 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks.patchgan import PatchGAN, bearable
from sparring.networks.translator import ResNet
from sparring.networks.unet import Norm, UNet, Upsample, any_size

# The critic's cost of data and of fakes, the generator's of fakes, and where the critic draws its border.
LOSSES = {
    "lsgan": (losses.towards_one, losses.towards_zero, losses.towards_one, 0.5),
    "vanilla": (losses.tell_real, losses.tell_fake, losses.non_saturating, 0.0),
    "hinge": (losses.hinge_real, losses.hinge_fake, losses.raise_scores, 0.0),
}


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of pix2pix."""

    PAPER: ClassVar[dict[str, Any]] = {
        "batch": 1,
        "width": 64,
        "norm": "batch",
        "dropout": 0.5,
        "upsample": "transposed",
        "critic_width": 64,
        "critic_layers": 3,
        "loss": "vanilla",
        "l1": 100.0,
        "matching": 0.0,
        "ema": 0.0,
        "generator": {"lr": 2e-4, "final": 1.0},
        "critic": {"lr": 2e-4, "final": 1.0},
    }
    PAPER_LENGTH = "200 passes over the data"

    batch: int = 8
    """Pairs in a batch, over all processes and micro-batches together."""
    network: Literal["unet", "resnet"] = "unet"
    """The generator: a U-Net, which sees the whole picture, or residual blocks, which see a neighbourhood."""
    width: int = 24
    """Channels at the generator's finest level."""
    norm: Norm = "instance"
    """In the generator: each map of a picture by its own mean and deviation; batch, in the critic too, by those of the
    batch, and in use by the picture's own; or none, which keeps how bright a place is and makes large pictures cheaper
    to do in tiles."""
    dropout: float = 0.0
    """Share of values that the coarsest levels of a U-Net leave out, in use too."""
    blocks: int = 4
    """Residual blocks of a resnet."""
    upsample: Upsample = "resize"
    """How the generator doubles sides: transposed convolutions leave a grid until they have learnt not to."""
    critic_width: int = 32
    """Channels after the critic's first layer."""
    critic_layers: int = 2
    """How often the critic halves the sides: its patches are of 1, 16, 34, 70 pixels for 0, 1, 2, 3."""
    loss: Literal["lsgan", "vanilla", "hinge"] = "lsgan"
    """The adversarial loss: least squares, the original game's logarithms, or hinges."""
    adversarial: float = 1.0
    """Weight of the generator's adversarial loss; without it the critic takes no turns, and nothing of it is
    matched."""
    l1: float = 10.0
    """Weight of the mean distance to the true picture, whose values lie in -1..1; the less, the more is invented."""
    matching: float = 5.0
    """Weight of matching the critic's features of the true picture, as in pix2pixHD."""
    generator: config.Adam = config.Adam(lr=1e-3, betas=(0.5, 0.999), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The critic's optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise SparringError(f"`dropout` is a share, in 0..1 and below 1; it is {self.dropout}")
        weights = (self.adversarial, self.l1, self.matching)
        if min(weights) < 0 or not max(weights[:2]):
            raise SparringError(
                "`adversarial`, `l1` and `matching` are weights: 0 or more, and one of the first above 0; they are "
                f"{' and '.join(map(str, weights))}"
            )


class Pix2Pix(GAN):
    """See the module's text."""

    kinds = ("pairs",)
    translates = True
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        before, (after, height, width) = spec.source[0], spec.shape
        self.generator: UNet | ResNet
        if c.network == "unet":
            self.generator = UNet(before, after, (height, width), c.width, c.norm, c.dropout, c.upsample)
        else:
            self.generator = ResNet(before, after, c.width, c.blocks, c.norm, c.upsample)
        layers = bearable(c.critic_layers, height, width)
        self.critic = PatchGAN(before + after, c.critic_width, layers, "batch" if c.norm == "batch" else "instance")
        self.multiple, self.reach = self.generator.multiple, self.generator.reach
        self.plays = bool(c.adversarial)
        *self.costs, self.border = LOSSES[c.loss]

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        y, x = next(batches)  # the paper's letters: y is to be made from x
        fake = self.made(x)
        of_real, of_fake, fool = self.costs
        if self.plays:
            real, false = self.judge(x, y, fake.detach())
            yield "critic", {"real": of_real(real), "fake": of_fake(false)}
        terms = {}
        if self.config.l1:
            terms["l1"] = self.config.l1 * l1_loss(fake, y)
        if self.plays:
            maps = self.critic.features(torch.cat([x, fake], 1))
            terms["fool"] = self.config.adversarial * fool(self.critic.head(maps[-1]))
        if self.plays and self.config.matching:
            terms["matching"] = self.config.matching * self.unlike(maps, torch.cat([x, y], 1))
        yield "generator", terms

    def made(self, x: Tensor) -> Tensor:
        """Pictures of any size (n, *spec.source) -> what the generator makes of them, (n, *spec.shape)."""
        return any_size(self.generator, x, self.multiple)

    def judge(self, x: Tensor, y: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of both: in one pass, which is faster, unless BatchNorm would mix their statistics."""
        if self.config.norm == "batch":
            return self.critic(torch.cat([x, y], 1)), self.critic(torch.cat([x, fake], 1))
        real, false = self.critic(torch.cat([torch.cat([x, x]), torch.cat([y, fake])], 1)).chunk(2)
        return real, false

    def unlike(self, maps: list[Tensor], pair: Tensor) -> Tensor:
        """How far the critic's features of a fake are from those of the true pair (pix2pixHD's weights). -> scalar"""
        with torch.no_grad():
            true = self.critic.features(pair)
        distances = [l1_loss(ours, theirs) for ours, theirs in zip(maps, true, strict=True)]
        return 4 * torch.stack(distances).mean()

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return self.made(given)

    def critique(self, samples: Tensor, given: Tensor) -> Tensor | None:
        """The mean over a picture's patches, as the critic sees it beside what it was made from."""
        return self.critic.per_picture(torch.cat([given, samples], 1)) - self.border if self.plays else None
