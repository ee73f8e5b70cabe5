"""A data set as every reader hands it over: raw rows on disk or in memory, and the Spec that describes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from sparring.data.spec import Spec


@dataclass(frozen=True)
class Dataset:
    """Samples in their stored form, one a row.

    Attributes:
        spec: the card that recipes size their networks from.
        rows: (count, *spec.shape); uint8 for pictures, usually memory-mapped, so that memory stays flat as the
            data grows; float32 for points, already in spec.range.
        labels: (count,) int64, indices into spec.classes; None where the data has no labels.
        notes: plain sentences on what was done to the data on the way in (modes unified, 16 bits reduced to 8).
    """

    spec: Spec
    rows: np.ndarray
    labels: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return self.spec.count


def decode(raw: torch.Tensor) -> torch.Tensor:
    """Stored values -> what the networks see: uint8 (b, ...) in 0..255 becomes float32 in -1..1; floats pass."""
    return raw.float().div_(127.5).sub_(1) if raw.dtype == torch.uint8 else raw


def encode(samples: torch.Tensor) -> np.ndarray:
    """The inverse of `decode` for pictures: float (b, c, h, w) in -1..1, clamped, becomes uint8 in 0..255."""
    return samples.detach().float().cpu().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).numpy()
