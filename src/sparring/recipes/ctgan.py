"""CTGAN: rows of a table, and rows with a category that is asked for; the relations between columns are kept.

Xu et al. 2019, "Modeling Tabular Data using Conditional GAN": numbers as a mode and a place within it, training by
sampling (data/tables/stream.py), and a critic that can see packs of rows and measures the Wasserstein distance with a
penalty on its slope. The networks' sizes and the losses are the paper's. Beside it: LayerNorm in the generator, which
needs no batch; the penalty's gradient in closed form; and samples come from the averaged generator, with codes drawn by
Gumbel noise that is a part of the latent, so that a latent means one row. The generator sees that noise as well: each
code is drawn by noise of its own, and who knows how one falls can let the others follow it.

Unlike the paper's, the critic sees single rows (packs of 10 there) and keeps all of its units (dropout 0.5 there), the
learning rates begin at 5e-4 and fall (2e-4 throughout there), and the generator is judged by the fakes that the critic
has just learnt from (fresh ones there), which saves making them twice. `--paper` brings back all of these but the last,
and takes no average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sparring import config, losses
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.data.tables.field import Layout
from sparring.errors import SparringError
from sparring.gan import GAN, Turn
from sparring.networks import table


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Settings of CTGAN."""

    PAPER: ClassVar[dict[str, Any]] = {
        "pac": 10,
        "dropout": 0.5,
        "ema": 0.0,
        "generator": {"lr": 2e-4, "final": 1.0},
        "critic": {"lr": 2e-4, "final": 1.0},
    }
    PAPER_LENGTH = "300 passes over the data"

    batch: int = 500
    """Rows in a batch, over all processes and micro-batches together; each of their parts must be whole packs."""
    pac: int = 1
    """Rows that the critic sees at once; 10 tell it of variety, and 1 shows it each row by itself."""
    latent: int = 128
    """Numbers in a latent, beside one for each code."""
    width: int = 256
    """Units in each hidden layer of both networks."""
    depth: int = 2
    """Hidden layers in each network."""
    dropout: float = 0.0
    """Share of the critic's hidden units that are left out in each of its turns."""
    tau: float = 0.2
    """Temperature of the Gumbel-softmax; below it categories are sharper and their gradients rougher."""
    gradient_penalty: float = 10.0
    """Weight lambda of the penalty E(||grad D|| - 1)^2 between real and fake packs; the paper's: 10."""
    critic_turns: int = 1
    """Turns of the critic in a round, each on a batch of its own."""
    ema: float = 250_000
    """Half-life, in rows, of the average of the generator's weights that rows are made with."""
    generator: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.9), final=0.02)
    """The generator's optimiser."""
    critic: config.Adam = config.Adam(lr=5e-4, betas=(0.5, 0.9), final=0.02)
    """The critic's optimiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.pac, self.latent, self.width, self.depth, self.critic_turns) < 1:
            raise SparringError("`pac`, `latent`, `width`, `depth` and `critic_turns` must be 1 or more")
        if not 0 <= self.dropout < 1:
            raise SparringError(f"`dropout` is a share, in 0..1 and below 1; it is {self.dropout}")
        if self.tau <= 0:
            raise SparringError(f"`tau` must be above 0; it is {self.tau}")
        whole = self.pac * self.processes * self.accumulate
        if self.batch % whole:
            each = f"packs of {self.pac}, {self.processes} processes and {self.accumulate} micro-batches"
            fitting = max(round(self.batch / whole), 1) * whole
            raise SparringError(f"a batch of {self.batch} cannot be cut into {each}: choose --batch {fitting}")


class CTGAN(GAN):
    """See the module's text."""

    kinds = ("table",)
    conditional = True
    penalised = "gradient_penalty"
    config: Config

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__(spec, config)
        if spec.count < config.pac:
            raise SparringError(
                f"{spec.name} has {spec.count} rows to learn from, fewer than the critic sees at once: give --pac 1"
            )
        self.layout = Layout(spec.fields)
        self.noise_shape = (config.latent + sum(self.layout.sizes),)
        self.generator = table.Generator(self.layout, self.noise_shape[0] + spec.given, config.width, config.depth)
        seen = self.layout.expanded + spec.given
        self.critic = table.Critic(seen, config.pac, config.width, config.depth, config.dropout)

    def players(self) -> dict[str, list[nn.Module]]:
        return {"generator": [self.generator], "critic": [self.critic]}

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        for turn in range(self.config.critic_turns):
            x, y = next(batches)
            x = self.augment(table.expand(self.layout, x))  # which says that rows cannot be augmented
            with torch.set_grad_enabled(turn == self.config.critic_turns - 1):
                raw, chance = self.raw(self.noise(x), y)
                fake = torch.cat([self.soft(raw, chance), y], 1)
            yield "critic", self.against(torch.cat([x, y], 1), fake.detach())
        scores = self.critic(fake, self.left_out(len(y)))
        terms = {"fool": losses.raise_scores(scores)}
        if self.spec.given:
            terms["condition"] = self.generator.blocks.surprise(raw, y).mean()
        yield "generator", terms

    def against(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The critic's terms, of rows beside their conditions: real, fake and those between in one batch."""
        share = self.draws.uniform(len(real) // self.config.pac, 1)  # one a pack, which is one sample
        real_scores, fake_scores, gradient = self.critic.contrast(real, fake, share, self.left_out(len(real), 3))
        norm = (gradient.square().sum(1) + 1e-12).sqrt()
        penalty = self.config.gradient_penalty * self.penalty * (norm - 1).square().mean()
        terms = {"real": losses.critic_real(real_scores), "fake": losses.critic_fake(fake_scores)}
        return {**terms, "gradient_penalty": penalty}

    def left_out(self, rows: int, batches: int = 1) -> Tensor | None:
        """Which of the critic's units dropout leaves out: of `batches` batches one after the other, for `forward`."""
        c = self.config
        if not c.dropout:
            return None
        chance = self.draws.uniform(rows // c.pac, batches, c.depth, c.width)  # a pack's row holds all of its batches'
        return chance.transpose(0, 1).flatten(0, 1)

    def raw(self, noise: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """-> (what the generator gives, Gumbel numbers for the codes)"""
        return self.generator(torch.cat([noise, y], 1)), table.gumbel(noise[:, self.config.latent :])

    def soft(self, raw: Tensor, chance: Tensor) -> Tensor:
        """Rows as the critic sees them."""
        return self.generator.blocks.soft(raw, chance, self.config.tau)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return self.generator.blocks.hard(*self.raw(noise, given))

    def critique(self, samples: Tensor, given: Tensor) -> Tensor:
        """Each row gets the score of its pack, the rows being packed in their order; the last pack is filled up.

        So a row's score speaks of its neighbours too, and one odd row among ten is hardly seen. No unit is left out.
        """
        rows = torch.cat([table.expand(self.layout, samples), given], 1)
        packs = -(-len(rows) // self.config.pac)
        filled = rows[torch.arange(packs * self.config.pac, device=rows.device) % len(rows)]
        scores: Tensor = self.critic(filled)
        return scores.repeat_interleave(self.config.pac)[: len(rows)]
