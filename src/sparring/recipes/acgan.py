"""AC-GAN: a critic that also names what it sees; for pictures with classes, flags or numbers.

Odena, Olah & Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs": the critic scores a picture
without being told what it should show, and guesses that from the same features; both players gain by right guesses, of
real pictures and of fakes. The paper has classes alone (cross-entropy); flags (binary cross-entropy) and numbers
(squared error, in standard deviations) are guessed here too. It rewards pictures that are easy to name, so those of a
class come to be more alike than real ones: the recipe cgan has no such pull. The defaults are those of the recipe
dcgan; `--paper` brings back the paper's optimiser, and takes neither a penalty nor an average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from sparring import config, losses, penalties
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.gan import GAN, Losses, Turn
from sparring.networks import conditional


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of AC-GAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "r1": 0.0,
        "augment": "none",
        "ema": 0.0,
        "generator": {"lr": 2e-4, "betas": (0.5, 0.999), "final": 1.0},
        "critic": {"lr": 2e-4, "betas": (0.5, 0.999), "final": 1.0},
    }

    guessing: float = 1.0
    """Weight of the losses of wrong guesses beside the adversarial one; the paper's: 1."""
    latent: int = 100
    """Numbers in a latent."""
    embedding: int = 32
    """Numbers in the embedding of what is given, which is joined to the latent."""
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


class ACGAN(GAN):
    """See the module's text."""

    conditional = True
    penalised = "r1"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        c = config
        self.generator = conditional.Generator(spec, c.latent, c.embedding, c.width)
        self.critic = conditional.LabellingCritic(spec, c.width, "batch")

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        x, y = next(batches)
        x, fake = self.augment(x), self.generator(self.noise(x), y)
        (real, named), (false, misnamed) = self.critic(x), self.critic(self.augment(fake.detach()))
        terms = {"real": losses.tell_real(real), "fake": losses.tell_fake(false)}
        terms |= self.wrong(named, y, "real") | self.wrong(misnamed, y, "fake")
        every = self.config.r1_every
        if self.config.r1 and self.count % every == 0:
            terms["r1"] = every * self.config.r1 * self.penalty / 2 * penalties.r1(lambda p: self.critic(p)[0], x)
        yield "critic", terms
        score, guess = self.critic(self.augment(fake))
        yield "generator", {"fool": losses.non_saturating(score)} | self.wrong(guess, y, "fake")

    def wrong(self, guess: Tensor, y: Tensor, whose: str) -> Losses:
        """The weighted costs of guesses (b, spec.given) where y was given, by name; means over samples and columns."""
        classes, columns = len(self.spec.classes), self.spec.columns
        flags = [classes + i for i, column in enumerate(columns) if column.kind == "flag"]
        numbers = [classes + i for i, column in enumerate(columns) if column.kind != "flag"]
        costs = {}
        if classes:
            costs["class"] = cross_entropy(guess[:, :classes], y[:, :classes])
        if flags:
            costs["flags"] = binary_cross_entropy_with_logits(guess[:, flags], y[:, flags])
        if numbers:
            costs["numbers"] = mse_loss(guess[:, numbers], y[:, numbers])
        return {f"{name}_{whose}": self.config.guessing * cost for name, cost in costs.items()}

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        pictures: Tensor = self.generator(noise, given)
        return pictures

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """How real the samples are, whatever was asked for."""
        scores: Tensor = self.critic(samples)[0]
        return scores
