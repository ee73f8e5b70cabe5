"""Batches of pictures to make and of pictures to make them from, cropped and mirrored at random."""

from __future__ import annotations

import numpy as np
import torch

from sparring.data.batches import Batch, Batches, Order
from sparring.data.dataset import Dataset, decode, decode_source
from sparring.draws import mix


class Sided(Batches):
    """As Batches, of data with a source: `given` is what `x` is to be made from.

    Both of a pair are cropped and mirrored alike; of two sides each is shuffled, cropped and mirrored by itself. The
    crops are as large as spec.shape, out of pictures that may be stored larger.

    Args:
        flip: whether half of the pictures are mirrored.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch: int,
        seed: int,
        device: torch.device | str = "cpu",
        share: int = 0,
        shares: int = 1,
        flip: bool = True,
    ) -> None:
        assert dataset.source is not None
        self.source, self.flip = dataset.source, flip
        super().__init__(dataset, batch, seed, device, share, shares)
        self._others = Order(len(self.source), seed, "order of the source")

    def __next__(self) -> Batch:
        """-> batch / shares pictures (b, *spec.shape) and what to make them from (b, *spec.source), on the device."""
        mine = self.batch // self.shares
        start = self.position * self.batch + self.share * mine
        chance = np.random.default_rng(mix("crops", self.seed, self.position)).random((2, self.batch, 3))
        chance = chance[:, self.share * mine : (self.share + 1) * mine]
        self.position += 1
        paired = self.dataset.spec.kind == "pairs"
        rows = self._order.rows(start, mine)
        others = rows if paired else self._others.rows(start, mine)
        x = window(self.dataset.whole(rows), self.dataset.spec.shape, chance[0], self.flip)
        given = window(self.source.whole(others), self.dataset.spec.source, chance[0 if paired else 1], self.flip)
        made, source = (torch.from_numpy(part).to(self.device) for part in (x, given))
        return Batch(decode(made), decode_source(self.dataset.spec, source))

    def _move_rows(self) -> torch.Tensor | None:
        return None  # crops are made on the CPU


def window(pictures: np.ndarray, shape: tuple[int, ...], chance: np.ndarray, flip: bool) -> np.ndarray:
    """Pictures (n, c, H, W) -> crops (n, c, h, w), each at a place of its own, some of them mirrored.

    Args:
        shape: (channels, h, w), h and w at most H and W; its channels may be those that labels will have.
        chance: (n, 3) in 0..1, for the row, the column and the mirroring.
        flip: whether to mirror.
    """
    n, _, stored_height, stored_width = pictures.shape
    height, width = shape[1:]
    top = (chance[:, 0] * (stored_height - height + 1)).astype(np.int64)
    left = (chance[:, 1] * (stored_width - width + 1)).astype(np.int64)
    rows, columns = top[:, None] + np.arange(height), left[:, None] + np.arange(width)
    if flip:
        columns = np.where(chance[:, 2:] < 0.5, columns[:, ::-1], columns)
    crops = pictures[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2))
