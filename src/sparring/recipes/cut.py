"""CUT: pictures of one kind made into another, learnt from two sets that know nothing of each other, one way only.

Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation": instead of going there and back, each
patch of what comes out must be more like the patch that it came from than like others of the same picture, by features
of the generator's own encoder. One generator and one critic, so a round takes less than half of CycleGAN's. `--fast` is
the paper's FastCUT: more weight on that and none on leaving pictures of the right kind alone; half of the pictures go
in mirrored, and should come out mirrored. Networks are smaller than the paper's, and change the picture that they are
given instead of making one anew, which takes a fraction of the time to learn. `--paper` brings back the paper's
numbers; learning rates then stay as they begin, while the authors' fall in the second half of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks.change import changed
from sparring.networks.patches import Heads, mirrored, places
from sparring.networks.patchgan import PatchGAN, bearable
from sparring.networks.translator import ResNet, Upsample
from sparring.networks.unet import any_size


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of CUT."""

    PAPER: ClassVar[dict[str, Any]] = {
        "batch": 1,
        "width": 64,
        "blocks": 9,
        "skip": False,
        "critic_width": 64,
        "critic_layers": 3,
        "heads": 256,
        "ema": 0.0,
        "generator": {"lr": 2e-4, "final": 1.0},
        "critic": {"lr": 2e-4, "final": 1.0},
    }
    PAPER_LENGTH = "400 passes over the data, 200 with --fast"

    batch: int = 4
    """Pictures of each side in a batch, over all processes and micro-batches together."""
    fast: bool = False
    """FastCUT: other defaults of `nce` and `identity`, and mirrored pictures should become what the others become."""
    width: int = 16
    """Channels at the generator's finest level."""
    blocks: int = 4
    """Residual blocks of the generator."""
    upsample: Upsample = "resize"
    """How the generator doubles sides: transposed convolutions may leave a grid."""
    skip: bool = True
    """Change the picture that is given, instead of making one anew, as the paper does."""
    critic_width: int = 32
    """Channels after the critic's first layer."""
    critic_layers: int = 2
    """How often the critic halves the sides: its patches are of 1, 16, 34, 70 pixels for 0, 1, 2, 3."""
    adversarial: float = 1.0
    """Weight of the generator's adversarial loss; without it the critic takes no turns."""
    nce: float | None = None
    """Weight of knowing patches of what comes out by what went in; by default 0.5, with --fast 10."""
    identity: float | None = None
    """Weight of the same for pictures that are already of the kind to make; by default 0.5, with --fast 0."""
    patches: int = 256
    """Places of a layer that are compared, at most; each picture has its own."""
    heads: int = 64
    """Numbers in which patches are compared."""
    generator: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The optimiser of the generator and of the heads that compare patches."""
    critic: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.999), final=0.05)
    """The critic's optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = (self.adversarial, *self.contrasts)
        if min(weights) < 0 or not max(weights[:2]):
            raise SparringError(
                "`adversarial`, `nce` and `identity` are weights: 0 or more, and one of the first two above 0; they "
                f"are {', '.join(map(str, weights))}"
            )

    @property
    def contrasts(self) -> tuple[float, float]:
        """The weights of both contrasts: `nce` and `identity`, or what the paper has in their places."""
        usual = (10.0, 0.0) if self.fast else (0.5, 0.5)
        return usual[0] if self.nce is None else self.nce, usual[1] if self.identity is None else self.identity


class CUT(GAN):
    """See the module's text."""

    kinds = ("sides", "pairs")
    translates = True
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        channels, *size = spec.shape
        if spec.source[0] != channels or spec.labels:
            raise SparringError(
                "cut looks at what goes in and at what comes out with one network, so both sides must be pictures of "
                f"as many channels; they have {spec.source[0]}{' labels' if spec.labels else ''} and {channels}: "
                f"{'' if spec.labels else f'give --channels {spec.source[0]}, or '}take cyclegan"
            )
        self.generator = ResNet(channels, channels, c.width, c.blocks, upsample=c.upsample)
        self.critic = PatchGAN(channels, c.critic_width, bearable(c.critic_layers, *size))
        self.layers, self.multiple, self.reach = (
            self.generator.nce_layers,
            self.generator.multiple,
            self.generator.reach,
        )
        with torch.no_grad():
            maps = self.generator.features(torch.zeros(1, channels, self.multiple, self.multiple), self.layers)
        self.heads = Heads([each.shape[1] for each in maps], c.heads)
        self.nce, self.identity = c.contrasts

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator, self.heads], "critic": [self.critic]}

    def shipped(self) -> dict[str, nn.Module]:
        return {"generator": self.generator}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        y, x = map(self.whole, next(batches))  # the paper's letters: G makes of x what is like y
        n, weight = len(x), 2 * self.config.adversarial  # the paper's squares come without the half of ours
        mirror = self.draws.uniform(n) < 0.5 if self.config.fast else None
        asked = x if mirror is None else mirrored([x], mirror)[0]
        asked = torch.cat([asked, *[y] * bool(self.identity)])
        made, maps = self.generator.with_features(asked, self.layers)
        made = changed(asked, made) if self.config.skip else made
        fake = made[:n]
        if weight:
            real, false = self.critic(torch.cat([y, fake.detach()])).chunk(2)
            yield "critic", {"real": losses.towards_one(real), "fake": losses.towards_zero(false)}
        terms = {}
        if weight:
            terms["fool"] = weight * losses.towards_one(self.critic(fake))
        keys, *keys_same = parts(maps, n)
        queries, *queries_same = parts(self.generator.features(made, self.layers), n)
        if mirror is not None:
            keys, queries = self.known(x), tuple(mirrored(queries, mirror))
        if self.nce:
            terms["nce"] = self.nce * self.contrast(queries, keys)
        if self.identity:
            terms["identity"] = self.identity * self.contrast(queries_same[0], keys_same[0])
        yield "generator", terms

    def whole(self, pictures: Tensor) -> Tensor:
        """Pictures with their edges repeated up to sides that the generator can halve."""
        height, width = pictures.shape[2:]
        return F.pad(pictures, (0, -width % self.multiple, 0, -height % self.multiple), "replicate")

    @torch.no_grad()
    def known(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """The features of pictures, not to be learnt from. -> (n, c, h, w) for each layer"""
        return tuple(self.generator.features(pictures, self.layers))

    def contrast(self, queries: Sequence[Tensor], keys: Sequence[Tensor]) -> Tensor:
        """How hard it is to tell, among patches of what went in, which one a patch of what came out is made of.

        Args:
            queries, keys: features of what came out and of what went in, (n, c, h, w) for each layer.

        Returns:
            A scalar: the mean over layers, pictures and places; log(places) if nothing can be told.
        """
        where = places(queries, self.config.patches, self.draws)
        found = self.heads(queries, where)
        with torch.no_grad():
            right = self.heads(keys, where)
        return torch.stack([losses.patch_nce(q, k) for q, k in zip(found, right, strict=True)]).mean()

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        made = any_size(self.generator, given, self.multiple)
        return changed(given, made) if self.config.skip else made

    def critique(self, samples: Tensor, given: Tensor) -> Tensor | None:
        """The mean over a picture's patches; what it was made from is not looked at."""
        return self.critic.per_picture(samples) - 0.5 if self.config.adversarial else None


def parts(maps: Sequence[Tensor], n: int) -> list[tuple[Tensor, ...]]:
    """Features of several batches of n pictures, a layer each -> those of each batch."""
    return [*zip(*(torch.split(of_layer, n) for of_layer in maps), strict=True)]
