"""Batches of pictures, and of pictures to make them from, cropped and mirrored at random."""

from __future__ import annotations

import numpy as np
import torch

from sparring.data.batches import Batch, Batches, Order, given_of
from sparring.data.dataset import Dataset, decode, decode_source
from sparring.draws import mix


class Sided(Batches):
    """As Batches, of pictures that are cropped and mirrored: of data with a source, or stored larger than seen.

    With a source `given` is what `x` is to be made from. Both of a pair are cropped and mirrored alike, and where they
    are of two sizes, crops begin where a pixel of the smaller does; of two sides each is shuffled, cropped and mirrored
    by itself. The crops are as large as spec.shape, out of pictures that may be stored larger.

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
        self.source, self.flip = dataset.source, flip
        super().__init__(dataset, batch, seed, device, share, shares)
        self._others = Order(len(dataset if self.source is None else self.source), seed, "order of the source")

    def __next__(self) -> Batch:
        """-> batch / shares pictures (b, *spec.shape) and what to make them from (b, *spec.source), on the device."""
        mine = self.batch // self.shares
        start = self.position * self.batch + self.share * mine
        chance = np.random.default_rng(mix("crops", self.seed, self.position)).random((2, self.batch, 3))
        chance = chance[:, self.share * mine : (self.share + 1) * mine]
        self.position += 1
        rows, spec = self._order.rows(start, mine), self.dataset.spec
        paired = spec.kind == "pairs"
        step = spec.shape[1] // spec.source[1] if paired else 1
        x = self._seen(window(self.dataset.whole(rows), spec.shape, chance[0], self.flip, step))
        if self.source is None:
            return Batch(decode(x), given_of(self.dataset, rows).to(self.device))
        others = rows if paired else self._others.rows(start, mine)
        given = window(self.source.whole(others), spec.source, chance[0 if paired else 1], self.flip)
        return Batch(decode(x), decode_source(spec, self._seen(given)))

    def _seen(self, crops: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(crops).to(self.device)

    def _move_rows(self) -> torch.Tensor | None:
        return None  # crops are made on the CPU


def window(pictures: np.ndarray, shape: tuple[int, ...], chance: np.ndarray, flip: bool, step: int = 1) -> np.ndarray:
    """Pictures (n, c, H, W) -> crops (n, c, h, w), each at a place of its own, some of them mirrored.

    Args:
        shape: (channels, h, w), h and w at most H and W; its channels may be those that labels will have.
        chance: (n, 3) in 0..1, for the row, the column and the mirroring.
        flip: whether to mirror.
        step: rows and columns between the places at which a crop may begin. Of the same pictures `step` times smaller,
            the same chances then give the crops of the same places.
    """
    n, _, stored_height, stored_width = pictures.shape
    height, width = shape[1:]
    top = (chance[:, 0] * ((stored_height - height) // step + 1)).astype(np.int64) * step
    left = (chance[:, 1] * ((stored_width - width) // step + 1)).astype(np.int64) * step
    rows, columns = top[:, None] + np.arange(height), left[:, None] + np.arange(width)
    if flip:
        columns = np.where(chance[:, 2:] < 0.5, columns[:, ::-1], columns)
    crops = pictures[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2))
