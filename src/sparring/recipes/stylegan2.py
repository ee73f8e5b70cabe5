"""StyleGAN2: styles that scale the weights of each layer; for larger pictures, and for latents to edit.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", with the settings of Karras et al. 2020,
"Training Generative Adversarial Networks with Limited Data" as a guide. Classes and columns are joined to the latent
and projected in the critic. What differs from the papers:

- No noise is added to the layers, so a sample follows from its latent alone.
- R1 is a term of the critic's own turn every 16 rounds, not an optimiser's step more: Adam takes one step a round, as
  without it, and its settings need no correction.
- Maps are doubled by transposed convolutions whose outputs are not smoothed: with smoothed ones a short run on MNIST
  at 16 pixels collapsed, and with these it did not.
- R1's weight follows the second paper's rule, but is never below 0.1, which small pictures need.
- Path length regularisation (--path-length 2) compares a batch with its own mean, not with a running one, so that there
  is nothing for processes to share.
- For minutes on a CPU, networks are narrow, their finest maps have half the picture's size, and learning rates are four
  times as large and fall over the run. `--paper` brings back the papers' numbers for 256 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Turn
from sparring.networks import stylegan2

RULE = 2e-4  # of R1's weight: the second paper's, found at 256 pixels and more
LEAST = 0.1  # on 1,600 digits of 16 pixels the rule alone gives 0.0008, and the critic overfits
PATH_EVERY = 4  # rounds between path length penalties, as in the paper
CENTRE = 1024  # latents whose mean is the centre that truncation draws towards


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of StyleGAN2."""

    PAPER: ClassVar[dict[str, Any]] = {
        "latent": 512,
        "style": 512,
        "mapping_rate": 0.01,
        "width": 64,
        "patch": 1,
        "widest": 512,
        "path_length": 2.0,
        "mixing": 0.9,
        "generator": {"lr": 2.5e-3, "final": 1.0},
        "critic": {"lr": 2.5e-3, "final": 1.0},
    }

    latent: int = 64
    """Numbers in a latent."""
    style: int = 128
    """Numbers in a style, which the mapping network makes of a latent."""
    depth: int = 2
    """Layers of the mapping network; 8 in the first paper, 2 in the second."""
    mapping_rate: float = 0.1
    """What the mapping network's learning rate is multiplied by."""
    width: int = 24
    """Channels at the finest map of both networks; coarser maps have 2, 4, ... times as many."""
    patch: Literal[1, 2] = 2
    """Pixels a side that a place of the finest map shows; 2 saves a good half of the time."""
    widest: int = 128
    """But no map has more channels than this."""
    group: int = 4
    """Pictures whose spread the critic sees; in batches below 16 a quarter of the batch; 1 for none."""
    r1: float = 1.0
    """R1 penalty: gamma is this times the larger of 0.1 and 0.0002 height width / batch; 0 for none."""
    r1_every: int = 16
    """Rounds between penalties; each then counts this many times over."""
    path_length: float = 0.0
    """Weight of path length regularisation, every 4 rounds; the second paper has none for 32 pixels."""
    mixing: float = 0.0
    """Share of fakes whose finer layers take the style of another latent; the second paper has none for 32 pixels."""
    generator: config.Adam = config.Adam(lr=1e-2, betas=(0.0, 0.99), final=0.05)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=1e-2, betas=(0.0, 0.99), final=0.05)
    """The critic's optimiser."""


class StyleGAN2(GAN):
    """See the module's text."""

    conditional = True
    penalised = "r1"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        self.generator = stylegan2.Generator(
            c.latent, spec.given, spec.shape, c.width, c.widest, c.style, c.depth, c.mapping_rate, c.patch
        )
        group = max(1, min(c.group, c.batch // 4))
        self.critic = stylegan2.Critic(spec.shape, spec.given, c.width, c.widest, group, c.patch)
        self.gamma = c.r1 * max(LEAST, RULE * spec.shape[1] * spec.shape[2] / c.batch)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x, given = next(batches)
        x = self.augment(x)
        fake = self.generator.draw(self.styles(x, given))
        real, false = self.judge(x, self.augment(fake.detach()), given)
        terms = {"real": losses.tell_real(real), "fake": losses.tell_fake(false)}
        every = self.config.r1_every
        if self.gamma and self.count % every == 0:
            r1 = penalties.r1(lambda pictures: self.critic(pictures, given), x)
            terms["r1"] = every * self.gamma * self.penalty / 2 * r1
        yield "critic", terms
        terms = {"fool": losses.non_saturating(self.critic(self.augment(fake), given))}
        if self.config.path_length and self.count % PATH_EVERY == 0:
            terms["path"] = PATH_EVERY * self.config.path_length * self.path(x, given)
        yield "generator", terms

    def styles(self, x: Tensor, given: Tensor) -> Tensor:
        """Fresh styles, one a layer, (b, layers, style): where they are mixed, fine layers have another than coarse."""
        w: Tensor = self.generator.mapping(self.noise(x), given)[:, None]
        if self.config.mixing:
            other = self.generator.mapping(self.noise(x), given)[:, None]
            chosen, place = self.draws.uniform(len(x), 2).T[..., None]
            cut = 1 + (place * (self.generator.layers - 1)).long()
            fine = torch.arange(self.generator.layers, device=x.device) >= cut
            w = torch.where((fine & (chosen < self.config.mixing))[..., None], other, w)
        return w.expand(-1, self.generator.layers, -1)

    def judge(self, x: Tensor, fake: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of both: in one pass, which is faster, unless a group of neighbours would hold some of each."""
        if len(x) % self.critic.group:
            return self.critic(x, given), self.critic(fake, given)
        real, false = self.critic(torch.cat([x, fake]), torch.cat([given, given])).chunk(2)
        return real, false

    def path(self, x: Tensor, given: Tensor) -> Tensor:
        """E (||J^T y|| - a)^2, with J = dG/dw, y normal pictures, and a the batch's mean of the norms (equation 4)."""
        with torch.autocast(x.device.type, enabled=False), torch.compiler.set_stance("force_eager"):
            w = self.generator.mapping(self.noise(x), given)
            y = self.draws.normal(*x.shape) / (x.shape[2] * x.shape[3]) ** 0.5
            (slopes,) = torch.autograd.grad((self.generator.draw(w) * y).sum(), w, create_graph=True)
            lengths: Tensor = (slopes.square().sum(1) + 1e-12).sqrt()
            return (lengths - lengths.mean().detach()).square().mean()

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise, given)
        return pictures

    def truncate(self, noise: Tensor, given: Tensor, psi: float) -> Tensor:
        """Like `sample`, but each w is moved towards the mean of the w with the same classes and columns.

        The mean is that of a thousand fixed latents, taken anew: a running one would differ between processes.

        Args:
            noise, given: (n, latent) and (n, spec.given).
            psi: how much of the distance is left: 1 is `sample`, 0 shows the mean alone.
        """
        latents = self.latents(CENTRE, 0).to(noise.device)
        w = self.generator.mapping(noise, given)
        wishes, which = torch.unique(given, dim=0, return_inverse=True) if self.spec.given else (given[:1], 0)
        means = torch.stack([self.generator.mapping(latents, wish.expand(CENTRE, -1)).mean(0) for wish in wishes])
        pictures: Tensor = self.generator.draw(means[which].lerp(w, psi))
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        scores: Tensor = self.critic(samples, given)
        return scores
