"""What a generator is asked for where nobody asks: latents, and what is given as often as in the data.

A translator is asked to translate pictures of the data.
"""

from __future__ import annotations

import numpy as np
import torch

from sparring.data.batches import some
from sparring.data.dataset import Dataset
from sparring.data.given import draw
from sparring.draws import mix
from sparring.gan import GAN

Asked = tuple[torch.Tensor, torch.Tensor]


class Questions:
    """At most n latents, each with what is given; fewer where a data set has fewer pictures to translate.

    Args:
        gan: whose `sample` will be given them.
        dataset: where pictures to translate come from; passed over for recipes that do not translate.
        n: how many.
        seed: of the latents, of what is drawn, and of which pictures are taken.
    """

    def __init__(self, gan: GAN, dataset: Dataset, n: int, seed: int) -> None:
        self.gan, self.dataset = gan, dataset
        if gan.translates:
            there = len(dataset) if dataset.source is None else len(dataset.source)
            self.rows = np.random.default_rng(mix("pictures to translate", seed)).permutation(there)[:n]
            self.latents, self.count = gan.latents(len(self.rows), seed), len(self.rows)
        else:
            self.latents, self.given, self.count = gan.latents(n, seed), draw(gan.spec, n, seed), n

    def __len__(self) -> int:
        return self.count

    def keep(self, places: np.ndarray) -> None:
        """Go on with some of the pictures to translate alone, in this order."""
        self.rows, self.latents, self.count = self.rows[places], self.latents[places], len(places)

    def take(self, places: slice | np.ndarray) -> Asked:
        """-> latents (k, *noise_shape) and what is given (k, ...), on the CPU."""
        if self.gan.translates:
            return self.latents[places], self.gan.asked(some(self.dataset, self.rows[places]))
        return self.latents[places], self.given[places]
