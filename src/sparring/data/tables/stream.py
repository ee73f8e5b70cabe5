"""Training by sampling: rows of tables, drawn so that rare categories are seen as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from sparring.data.batches import Batch, Batches
from sparring.data.dataset import Dataset, decode
from sparring.data.tables.conditions import hot, pick
from sparring.data.tables.field import Layout
from sparring.draws import mix


class Sampled(Batches):
    """Batch number `position` of an endless sequence, each row drawn for a condition (CTGAN, section 4.3).

    A discrete field is as likely as any other, a category of it as the logarithm of 1 + its count, and a row as any
    other that has the category. A batch is a function of the seed and the position alone.

    Args:
        dataset: a table with at least one discrete field.
        batch, seed, device, share, shares: as of Batches.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch: int,
        seed: int,
        device: torch.device | str = "cpu",
        share: int = 0,
        shares: int = 1,
    ) -> None:
        super().__init__(dataset, batch, seed, device, share, shares)
        sizes = [field.codes for field in Layout(dataset.spec.fields).discrete]
        kind = np.min_scalar_type(max(sizes) - 1)  # of 8 or 16 bits, which are sorted by counting
        found = np.concatenate([block[:, block.shape[1] - len(sizes) :].astype(kind) for block in dataset.blocks()])
        # the rows, ordered by their code, one field after another
        self.order = np.stack([column.argsort(kind="stable").astype(np.int32) for column in found.T]).ravel()
        counts = [np.bincount(column, minlength=size) for column, size in zip(found.T, sizes, strict=True)]
        self.steps = np.cumsum(likelihoods(counts))
        self.counts = np.concatenate(counts)
        self.starts = np.cumsum(self.counts) - self.counts  # right over all fields, each of which has every row once

    def __next__(self) -> Batch:
        """-> batch / shares rows and the conditions that they meet, on the device."""
        chance = np.random.default_rng(mix("sampling", self.seed, self.position)).random((self.batch, 2))
        mine = self.batch // self.shares
        chance = chance[self.share * mine : (self.share + 1) * mine]
        self.position += 1
        asked = pick(self.steps, chance[:, 0])
        rows = self.order[self.starts[asked] + (chance[:, 1] * self.counts[asked]).astype(np.int64)].astype(np.int64)
        given = hot(self.dataset.spec, asked).to(self.device)
        if self._resident is not None:
            return Batch(self._resident[torch.from_numpy(rows).to(self.device)], given)
        return Batch(decode(torch.from_numpy(self.dataset.take(rows)).to(self.device)), given)


def likelihoods(counts: Sequence[np.ndarray]) -> np.ndarray:
    """How often each code is asked for, (given,), from the counts of each field's codes (codes,): sum 1."""
    logarithms = [np.log1p(count) for count in counts]
    return np.concatenate([logs / logs.sum() for logs in logarithms]) / len(counts)
