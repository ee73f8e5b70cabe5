"""The whole contract of a recipe: who plays, what a round of the game is, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from sparring.augment import augment
from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.draws import Draws
from sparring.errors import SparringError

Losses = dict[str, torch.Tensor]
Turn = tuple[str, Losses]


class GAN(nn.Module):
    """A method. Networks are attributes; `players` says who learns together, `step` how, `sample` what comes out.

    Rules that keep every process and micro-batch in the same turn: in `step`, branch on `self.count`, `self.progress`
    and `self.config`, never on data; never yield inside `no_grad` or `autocast`; draw random numbers from `self.noise`
    and `self.draws`; and leave `backward`, optimisers, averaging and files to the trainer.

    Attributes:
        kinds: the kinds of data that the recipe can learn (Spec.kind).
        conditional: whether the recipe uses what is given beside noise: classes and columns (data/given.py).
        ships: the players whose networks `sample` needs; the EMA follows these, and bundles hold these.
        native: whether it learns from crops of pictures at their own size (data/tiles.py), and not of pictures made
            alike.
        count: rounds played so far, for lazy penalties and warm-ups.
        progress: how much of the run is over, in 0..1 (set by the trainer), for recipes that learn in stages.
        draws: this round's random numbers (set by the trainer).
        noise_shape: the shape of one latent.
        translates: whether it makes pictures from pictures: `given` is then one, and there is no latent.
        multiple, scale, reach: of translators: what the sides of a picture must be multiples of, how many times larger
            comes out what goes in, and how many pixels of its input an output pixel sees in each direction.
        penalty: what the trainer multiplies the recipe's gradient penalty by; the recipe names its field `penalised`.
        augmentation: the strength of augmentation, in 0..1 (set by the trainer).
    """

    kinds: ClassVar[tuple[str, ...]] = ("pictures",)
    conditional: bool = False
    translates: ClassVar[bool] = False
    native: ClassVar[bool] = False
    ships: ClassVar[tuple[str, ...]] = ("generator",)
    penalised: ClassVar[str | None] = None
    config: Any
    count: int
    progress: float
    draws: Draws

    def __init__(self, spec: Spec, config: Any) -> None:
        super().__init__()
        self.spec, self.config, self.count, self.progress = spec, config, 0, 0.0
        self.draws = Draws(config.seed, 0, 1)
        self.noise_shape: tuple[int, ...] = (0 if self.translates else config.latent,)
        self.multiple, self.scale, self.reach = 1, 1, 0
        self.penalty, self.augmentation = 1.0, 0.0

    def players(self) -> dict[str, list[nn.Module]]:
        """Player's name -> the networks that learn together; the config field of that name is their optimiser."""
        raise NotImplementedError(f"{type(self).__name__} must say who plays: define `players`")

    def step(self, batches: Iterator[Batch]) -> Iterator[Turn]:
        """One round of the game: yield (player, {term: loss}) in the order of the paper's algorithm box.

        Args:
            batches: endless; each `next` gives a fresh Batch: samples x (b, *spec.shape) in spec.range, and what is
                given with them (b, spec.given).
        """
        raise NotImplementedError(f"{type(self).__name__} must say how it learns: define `step`")

    def stage(self, progress: float) -> tuple[str, float]:
        """The stage of training in which a run is when so much of it is over, and how much of that stage is, in 0..1.

        Learning rates fall anew in each, and each that ends leaves a checkpoint of its name; one without a name is all.
        """
        return "", progress

    def sample(self, noise: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Latents (n, *noise_shape) -> samples (n, *spec.shape) in spec.range. No randomness of its own.

        Args:
            noise: the latents.
            given: (n, spec.given) classes and columns to show; a recipe that is not conditional passes over it. A
                translator is given the pictures to translate, (n, *spec.source).
        """
        raise NotImplementedError(f"{type(self).__name__} must say what it makes: define `sample`")

    def asked(self, batch: Batch) -> torch.Tensor:
        """What `sample` is to be given to make something in the place of a batch's samples.

        What comes with them; but a recipe that learns from pictures alone makes it of the pictures: their lightness.
        """
        return batch.given

    def translate(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures as a user has them (n, c, h, w), sides being multiples of `multiple` -> what becomes of them.

        (n, c', h * scale, w * scale) in -1..1. What comes in has the channels of spec.source, or of spec.shape where a
        recipe learns from pictures alone.
        """
        return self.sample(pictures.new_zeros(len(pictures), 0), pictures)

    def critique(self, samples: torch.Tensor, given: torch.Tensor) -> torch.Tensor | None:
        """How real the critic holds samples (n, *spec.shape) to be: (n,), above 0 for real where it draws a border.

        For the watchdog and the live page; a recipe without it is watched by its samples and losses alone.
        """
        return None

    def augment(self, samples: torch.Tensor) -> torch.Tensor:
        """Samples (b, *spec.shape) as the critic should see them: changed at random where augmentation is on."""
        return augment(samples, self.augmentation, self.draws) if self.augmentation else samples

    def noise(self, real: torch.Tensor) -> torch.Tensor:
        """Fresh standard normal latents for a batch like `real`: (len(real), *noise_shape)."""
        return self.draws.normal(len(real), *self.noise_shape)

    def latents(self, n: int, seed: int | np.random.Generator) -> torch.Tensor:
        """Latents for sampling, (n, *noise_shape), on the CPU; the first k do not depend on n, nor on the device.

        A generator of numpy's goes on from call to call, so that many latents can be had some at a time.
        """
        numbers = np.random.default_rng(seed).standard_normal((n, *self.noise_shape), dtype=np.float32)
        return torch.from_numpy(numbers)

    def lay_out(self) -> None:
        """Lay weights out in memory as the config says: another layout rounds sums in another order."""
        last = self.config.memory_format == "channels_last"
        self.to(memory_format=torch.channels_last if last else torch.contiguous_format)  # type: ignore[call-overload]

    def shipped(self) -> dict[str, nn.Module]:
        """The networks that `sample` needs, by the name of their attribute."""
        wanted = {id(net) for who in self.ships for net in self.players()[who]}
        found = {name: net for name, net in self.named_children() if id(net) in wanted}
        if len(found) < len(wanted):
            raise SparringError(
                f"{type(self).__name__}: every network of the players {self.ships} must be an attribute of the GAN "
                "itself (a ModuleList counts as one network)"
            )
        return found
