"""CycleGAN: pictures of one kind made into another, and back, learnt from two sets that know nothing of each other.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks": G makes y of x and F
x of y; there and back again must come to the picture that one started from. Patches are judged by least squares, and
critics also see older fakes (Shrivastava et al. 2017). As in the authors' code the generators play first. Networks are
smaller than the paper's, double sides by resizing, which leaves no grid, and change the picture that they are given
instead of making one anew, which takes a fraction of the time to learn. Without that, a picture that already is of the
kind to make should pass unchanged (the paper's section 5.2), which keeps colours. `--paper` brings back the paper's
networks and numbers; learning rates then stay as they begin, while the authors' fall in the second half of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks.change import changed
from sparring.networks.patchgan import PatchGAN, bearable
from sparring.networks.pool import Pool
from sparring.networks.translator import ResNet, Upsample
from sparring.networks.unet import any_size


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of CycleGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "batch": 1,
        "width": 64,
        "blocks": 9,
        "upsample": "transposed",
        "skip": False,
        "critic_width": 64,
        "critic_layers": 3,
        "cycle": 10.0,
        "ema": 0.0,
        "generator": {"lr": 2e-4, "final": 1.0},
        "critic": {"lr": 2e-4, "final": 1.0},
    }
    PAPER_LENGTH = "200 passes over the data"

    batch: int = 4
    """Pictures of each side in a batch, over all processes and micro-batches together."""
    width: int = 16
    """Channels at the generators' finest level."""
    blocks: int = 4
    """Residual blocks of each generator. The paper has 6 for pictures of 128 pixels, 9 for 256."""
    upsample: Upsample = "resize"
    """How generators double sides: transposed convolutions, which are the paper's, may leave a grid."""
    skip: bool = True
    """Change the picture that is given, where both sides have as many channels; the paper's networks make one anew."""
    critic_width: int = 32
    """Channels after the critics' first layer."""
    critic_layers: int = 2
    """How often the critics halve the sides: their patches are of 1, 16, 34, 70 pixels for 0, 1, 2, 3."""
    adversarial: float = 1.0
    """Weight of the generators' adversarial losses; without them the critics take no turns."""
    cycle: float = 5.0
    """Weight of the mean distance between a picture, whose values lie in -1..1, and what comes back of it."""
    identity: float | None = None
    """Weight, as a share of `cycle`, of leaving a picture as it is that is already of the kind to make. By default 0;
    without `skip` 0.5 where both sides have as many channels."""
    pool: int = 50
    """Fakes of each side in the critics' history; at least one for each place of the batch."""
    generator: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The generators' optimiser."""
    critic: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The critics' optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = (self.adversarial, self.cycle, self.identity or 0.0)
        if min(weights) < 0 or not max(weights[:2]):
            raise SparringError(
                "`adversarial`, `cycle` and `identity` are weights: 0 or more, and one of the first two above 0; they "
                f"are {', '.join(map(str, weights))}"
            )


class CycleGAN(GAN):
    """See the module's text."""

    kinds = ("sides", "pairs")
    translates = True
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        x, y = spec.source[0], spec.shape[0]
        layers = bearable(c.critic_layers, *spec.shape[1:])
        self.generator = ResNet(x, y, c.width, c.blocks, upsample=c.upsample)
        self.way_back = ResNet(y, x, c.width, c.blocks, upsample=c.upsample)
        self.critic = PatchGAN(y, c.critic_width, layers)
        self.critic_back = PatchGAN(x, c.critic_width, layers)
        self.history = Pool(c.pool, c.batch, spec.shape)
        self.history_back = Pool(c.pool, c.batch, spec.source)
        self.multiple, self.reach = self.generator.multiple, self.generator.reach
        alike = x == y and not spec.labels
        if c.identity and not alike:
            raise SparringError(
                "an identity loss wants pictures of as many channels on both sides, and what is given here has "
                f"{x}{' labels' if spec.labels else ''}, what is made {y}: leave out --identity"
            )
        self.skips = c.skip and alike
        usual = 0.5 if alike and not c.skip else 0.0
        self.identity = c.cycle * (usual if c.identity is None else c.identity)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator, self.way_back], "critic": [self.critic, self.critic_back]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        y, x = next(batches)  # the paper's letters: G makes y of x, and F x of y
        kept = bool(self.identity)
        # Three passes in the place of six: what is known by then goes along.
        fake_y, *same_y = together(self.forth, x, *[y] * kept)
        fake_x, again_x, *same_x = together(self.back, y, fake_y, *[x] * kept)
        again_y = self.forth(fake_x)
        terms, weight = {}, 2 * self.config.adversarial  # the paper's squares come without the half of ours
        if weight:
            terms["fool"] = weight * losses.towards_one(self.critic(fake_y))
            terms["fool_back"] = weight * losses.towards_one(self.critic_back(fake_x))
        if self.config.cycle:
            terms["cycle"] = self.config.cycle * l1_loss(again_x, x)
            terms["cycle_back"] = self.config.cycle * l1_loss(again_y, y)
        if kept:
            terms["identity"] = self.identity * l1_loss(same_y[0], y)
            terms["identity_back"] = self.identity * l1_loss(same_x[0], x)
        yield "generator", terms
        if weight:
            real, false = together(self.critic, y, self.history(fake_y, self.draws))
            terms = {"real": losses.towards_one(real), "fake": losses.towards_zero(false)}
            real, false = together(self.critic_back, x, self.history_back(fake_x, self.draws))
            yield "critic", terms | {"real_back": losses.towards_one(real), "fake_back": losses.towards_zero(false)}

    def forth(self, pictures: Tensor) -> Tensor:
        """Pictures of any size (n, *spec.source) -> what they become, (n, *spec.shape): the paper's G."""
        return self.through(self.generator, pictures)

    def back(self, pictures: Tensor) -> Tensor:
        """The other way round: pictures of any size (n, *spec.shape) -> (n, *spec.source), the paper's F."""
        return self.through(self.way_back, pictures)

    def through(self, network: ResNet, pictures: Tensor) -> Tensor:
        made = any_size(network, pictures, self.multiple)
        return changed(pictures, made) if self.skips else made

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return self.forth(given)

    def critique(self, samples: Tensor, given: Tensor) -> Tensor | None:
        """The mean over a picture's patches; what it was made from is not looked at."""
        return self.critic.per_picture(samples) - 0.5 if self.config.adversarial else None


def together(network: Callable[[Tensor], Tensor], *pictures: Tensor) -> tuple[Tensor, ...]:
    """What a network makes of several batches of one size, in one pass."""
    return network(torch.cat(pictures)).chunk(len(pictures))
