"""A data set as every reader hands it over: raw rows on disk or in memory, and the Spec that describes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from sparring.data.spec import Spec

BLOCK = 8 << 20  # bytes of rows that are read at once where all are read


@dataclass(frozen=True)
class Dataset:
    """Samples in their stored form, or a part of them.

    Attributes:
        spec: the card that recipes size their networks from; of the part, where this is one.
        rows: (n, *spec.shape); uint8 for pictures, usually memory-mapped, so that memory stays flat as the data
            grows; float32 for points, already in spec.range. A part has the rows of the whole: read by `take`.
        labels: (count,) int64, indices into spec.classes; None where the data has no labels.
        notes: plain sentences on what was done to the data on the way in (modes unified, 16 bits reduced to 8).
        columns: (count, c) float32, the values of spec.columns in their order and as they were given; None where the
            data has none.
        groups: (count,) int64; samples of one group come from one source, so they are never parted between training
            and held-out data. None where nothing is known of it.
        held: (count,) bool, true for the samples that the data itself says are for testing; None where it says
            nothing, and in the parts that `split` makes.
        chosen: (count,) int64, ascending: the places in `rows` of a part's samples; None for the whole.
        source: the pictures that samples are to be made from: of pairs the i-th belongs to the i-th sample, of sides
            they are a set of their own; None where there are none. Where spec.labels says so its rows are
            (n, 1, height, width) uint8, the places of labels in spec.labels.
    """

    spec: Spec
    rows: np.ndarray
    labels: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())
    groups: np.ndarray | None = None
    held: np.ndarray | None = None
    columns: np.ndarray | None = None
    chosen: np.ndarray | None = None
    source: Dataset | None = None

    def __len__(self) -> int:
        return self.spec.count

    def take(self, indices: np.ndarray) -> np.ndarray:
        """A copy of the samples at `indices`, whole numbers (n,) in 0..count-1 -> (n, *spec.shape), as stored.

        Of pictures that are stored larger than networks see them, the centre.
        """
        rows = self.whole(indices)
        if rows.shape[1:] == self.spec.shape:
            return rows
        (top, left), (height, width) = _margins(rows.shape, self.spec.shape), self.spec.shape[1:]
        return rows[:, :, top : top + height, left : left + width]

    def whole(self, indices: np.ndarray) -> np.ndarray:
        """The same, with the margins that random crops are made of: (n, *rows.shape[1:])."""
        rows: np.ndarray = self.rows[indices if self.chosen is None else self.chosen[indices]]
        return rows

    def blocks(self) -> Iterator[np.ndarray]:
        """All samples in their order, as copies of some 8 MB each (n, *spec.shape): a pass in flat memory."""
        at_once = max(1, BLOCK // max(1, self.rows[:1].nbytes))
        for start in range(0, len(self), at_once):
            yield self.take(np.arange(start, min(start + at_once, len(self))))


def _margins(stored: tuple[int, ...], seen: tuple[int, ...]) -> tuple[int, int]:
    """How much of a stored picture lies above and to the left of its centre."""
    return (stored[-2] - seen[-2]) // 2, (stored[-1] - seen[-1]) // 2


def decode_source(spec: Spec, raw: torch.Tensor) -> torch.Tensor:
    """Stored pictures that samples are made from -> what the networks see: (b, *spec.source), labels one-hot."""
    if not spec.labels:
        return decode(raw)
    hot = torch.nn.functional.one_hot(raw[:, 0].long(), len(spec.labels))
    return hot.permute(0, 3, 1, 2).float()


def decode(raw: torch.Tensor) -> torch.Tensor:
    """Stored values -> what the networks see: uint8 (b, ...) in 0..255 becomes float32 in -1..1; floats pass."""
    return raw.float().div_(127.5).sub_(1) if raw.dtype == torch.uint8 else raw


def encode(samples: torch.Tensor) -> np.ndarray:
    """The inverse of `decode` for pictures: float (b, c, h, w) in -1..1, clamped, becomes uint8 in 0..255."""
    return samples.detach().float().cpu().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).numpy()
