"""An endless stream of shuffled batches whose order is a pure function of the seed and the position."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from sparring.data.dataset import Dataset, decode, decode_source
from sparring.data.given import encode
from sparring.data.tables import conditions
from sparring.draws import mix


class Batch(NamedTuple):
    """What a recipe learns from at once.

    Attributes:
        x: samples, float32 (b, *spec.shape) in spec.range.
        given: their classes and columns, float32 (b, spec.given), as data/given.py describes; (b, 0) without any. Where
            they are to be made from pictures, those: float32 (b, *spec.source), in -1..1.
    """

    x: torch.Tensor
    given: torch.Tensor


def some(dataset: Dataset, rows: np.ndarray) -> Batch:
    """The samples at `rows` (n,), whole numbers, as the networks see them, on the CPU."""
    return Batch(decode(torch.from_numpy(dataset.take(rows % len(dataset)))), given_of(dataset, rows))


def given_of(dataset: Dataset, rows: np.ndarray) -> torch.Tensor:
    """What is given with the samples at `rows` (n,), whole numbers -> float32 on the CPU, as in Batch."""
    if dataset.source is not None:
        return decode_source(dataset.spec, torch.from_numpy(dataset.source.take(rows % len(dataset.source))))
    if not dataset.spec.given:
        return torch.zeros(len(rows), 0)
    if dataset.spec.kind == "table":
        return conditions.met(dataset.spec, dataset.take(rows))
    columns = None if dataset.columns is None else dataset.columns[rows]
    return encode(dataset.spec, None if dataset.labels is None else dataset.labels[rows], columns)


class Order:
    """An endless sequence of epochs, each a fresh permutation of `count` rows; a function of the seed alone."""

    def __init__(self, count: int, seed: int, purpose: str = "order") -> None:
        self.count, self.seed, self.purpose = count, seed, purpose
        self._kept: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def rows(self, start: int, n: int) -> np.ndarray:
        """Rows at places start..start+n-1: whole numbers (n,)."""
        epochs, within = np.divmod(np.arange(start, start + n), self.count)
        return np.concatenate([self._epoch(int(e))[within[epochs == e]] for e in np.unique(epochs)])

    def _epoch(self, epoch: int) -> np.ndarray:
        if self._kept[0] != epoch:
            shuffler = np.random.default_rng(mix(self.purpose, self.seed, epoch))
            self._kept = (epoch, shuffler.permutation(self.count))
        return self._kept[1]


class Batches:
    """Batch number `position` of an endless sequence of epochs, each a fresh permutation of the data.

    A batch may straddle two epochs, so every sample is shown equally often and a batch may be larger than the data.
    Each share (process, micro-batch) gets its own slice of every batch. Resuming needs the position and nothing else.

    Args:
        dataset: what to read.
        batch: samples in a whole batch, over all shares; divisible by `shares`.
        seed: of the shuffling.
        device: where batches are sent before they are decoded.
        share, shares: which slice of every batch is ours.
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
        self.dataset, self.batch, self.seed = dataset, batch, seed
        self.device = torch.device(device)
        self.share, self.shares = share, shares
        self.position = 0
        self._order = Order(len(dataset), seed)
        self._resident = self._move_rows()

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        """-> batch / shares samples and what is given with them, on the device."""
        mine = self.batch // self.shares
        start = self.position * self.batch + self.share * mine
        self.position += 1
        rows = self._order.rows(start, mine)
        given = given_of(self.dataset, rows).to(self.device)
        if self._resident is not None:
            return Batch(decode(self._resident[torch.from_numpy(rows).to(self.device)]), given)
        raw = torch.from_numpy(self.dataset.take(rows))
        if self.device.type == "cuda":
            raw = raw.pin_memory()
        return Batch(decode(raw.to(self.device, non_blocking=True)), given)

    def _move_rows(self) -> torch.Tensor | None:
        """Keep the whole data on a CUDA device when it fits in a quarter of the free memory: no copies per step."""
        if self.device.type != "cuda":
            return None
        free, _ = torch.cuda.mem_get_info(self.device)
        row_bytes = self.dataset.rows[:1].nbytes
        return resident(self.dataset, self.device) if len(self.dataset) * row_bytes <= free // 4 else None


def resident(dataset: Dataset, device: torch.device) -> torch.Tensor:
    """All samples as stored, (count, *spec.shape) on the device, sent a block at a time: no second copy in memory."""
    kind = torch.from_numpy(dataset.take(np.arange(1))).dtype
    rows = torch.empty((len(dataset), *dataset.spec.shape), dtype=kind, device=device)
    start = 0
    for block in dataset.blocks():
        rows[start : start + len(block)] = torch.from_numpy(block)
        start += len(block)
    return rows
