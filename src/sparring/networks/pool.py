"""A history of fakes, so that the critic does not forget what the generator made before (Shrivastava et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.draws import Draws


class Pool(nn.Module):
    """Fakes (b, *shape) -> fakes (b, *shape), of which half are older ones once the history is full; detached.

    Every place of the batch has a history of its own, so processes and micro-batches need not talk: each changes its
    own places alone, and a batch shared out comes to what a whole one does.

    Args:
        size: fakes to keep, over all places together; at least one a place. CycleGAN's: 50. 0 passes fakes through.
        batch: places: samples in a whole batch, over all processes and micro-batches.
        shape: of a fake.

    Attributes:
        slots: the names of the buffers, whose first side is the batch's places.
    """

    slots = ("kept", "filled")
    kept: Tensor
    filled: Tensor

    def __init__(self, size: int, batch: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.size, length = size, max(1, size // batch) if size else 0
        # Flat, since torch would refuse to lay five sides out as channels_last.
        self.register_buffer("kept", torch.zeros(batch, length, torch.Size(shape).numel()))
        self.register_buffer("filled", torch.zeros(batch, dtype=torch.long))

    @torch.no_grad()
    def forward(self, fakes: Tensor, draws: Draws) -> Tensor:
        """Until a place's history is full: keep the new one and give it back. Then, half the time, trade it for an old.

        Args:
            fakes: of this share of the batch, which `draws.share` names.
            draws: where chance comes from; a call takes two numbers a fake.
        """
        if not self.size:
            return fakes.detach()
        mine = slice(draws.share * len(fakes), (draws.share + 1) * len(fakes))
        kept, filled = self.kept[mine], self.filled[mine]
        length, chance, new = kept.shape[1], draws.uniform(len(fakes), 2), fakes.to(kept.dtype).flatten(1)
        full = filled == length
        place = torch.where(full, (chance[:, 0] * length).long(), filled.clamp(max=length - 1))
        at = place[:, None, None].expand(-1, 1, kept.shape[2])
        old = kept.gather(1, at)[:, 0]
        traded = (full & (chance[:, 1] < 0.5))[:, None]
        kept.scatter_(1, at, torch.where(traded | ~full[:, None], new, old)[:, None])
        filled += (~full).long()
        return torch.where(traded, old, new).view_as(fakes)
