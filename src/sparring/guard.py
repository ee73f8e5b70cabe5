"""Keeps NaN and infinity out of the weights, without asking the device for an answer at every step."""

from __future__ import annotations

import torch
from torch import nn


class Guard:
    """Marks turns whose loss or gradient is not finite, so that their optimiser skips them, and counts such rounds.

    Everything is kept on the device; `look` reads it, and on a GPU the trainer looks only now and then.

    Args:
        module: its floating-point buffers (BatchNorm's statistics) are put back when a round was not finite.
        device: where the counters live.
    """

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._buffers = [b for b in module.buffers() if b.is_floating_point()]
        self._good = [b.clone() for b in self._buffers]
        self._bad = torch.zeros((), device=device)
        self._streak = torch.zeros((), device=device)
        self._worst = torch.zeros((), device=device)
        self._skipped = torch.zeros((), device=device)

    def turn(self, terms: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
        """-> 1 where this turn must be skipped, else 0, as the float tensor that fused optimisers call found_inf.

        Args:
            terms: (k,) the turn's loss terms, already averaged over the processes.
            norm: scalar, the norm of the player's averaged gradient.
        """
        bad = 1.0 - torch.isfinite(terms.sum() + norm).float()
        self._bad = torch.maximum(self._bad, bad)
        return bad

    @torch.no_grad()
    def end_round(self) -> None:
        """Count the round, and take back what a round that was not finite did to the buffers."""
        bad = self._bad
        self._skipped += bad
        self._streak = (self._streak + bad) * bad
        self._worst = torch.maximum(self._worst, self._streak)
        self._bad = torch.zeros_like(bad)
        poisoned = bad > 0
        for buffer, good in zip(self._buffers, self._good, strict=True):
            torch.where(poisoned, good, buffer, out=good)
            buffer.copy_(good)

    def look(self) -> tuple[int, int]:
        """-> (rounds skipped so far, longest run of skipped rounds since the last look). Waits for the device."""
        skipped, worst = (int(value) for value in torch.stack([self._skipped, self._worst]).tolist())
        self._worst = self._streak.clone()
        return skipped, worst

    def skipped(self) -> int:
        """Rounds skipped so far. Unlike `look`, it leaves the streaks to whoever heals. Waits for the device."""
        return int(self._skipped.item())

    @torch.no_grad()
    def reset(self, skipped: int) -> None:
        """Start afresh from weights just loaded, with `skipped` rounds on the account."""
        for counter in (self._bad, self._streak, self._worst):
            counter.zero_()
        self._skipped.fill_(skipped)
        for buffer, good in zip(self._buffers, self._good, strict=True):
            good.copy_(buffer)
