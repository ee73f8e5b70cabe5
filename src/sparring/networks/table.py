"""Networks for tables: perceptrons that make and judge rows in which a 1 stands for each code (tables/field.py)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.data.tables.field import Layout

TAU = 0.2  # the temperature that CTGAN was published with


def expand(layout: Layout, rows: Tensor) -> Tensor:
    """Stored rows (b, layout.width) -> what networks see, (b, layout.expanded) float32: places, then a 1 a code."""
    places = len(layout.numbers)
    starts = torch.tensor([places, *layout.sizes[:-1]], device=rows.device).cumsum(0)
    expanded = rows.new_zeros(len(rows), layout.expanded)
    expanded[:, :places] = rows[:, :places]
    return expanded.scatter_(1, rows[:, places:].round().long() + starts, 1.0)


def gumbel(normal: Tensor) -> Tensor:
    """Standard normal numbers -> as many of the Gumbel distribution, -log(-log u) with u = Phi(normal), elementwise.

    By 1 - u, which is exact where u is near 1: large values decide which code wins, and small ones (under -2.8, which
    one in 16 million is) never do.
    """
    above = torch.special.erfc(normal * math.sqrt(0.5)) / 2
    return -(-torch.log1p(-above.clamp(max=1 - 2**-24))).log()


class Blocks(nn.Module):
    """Where the codes lie in an expanded row: behind the places, one block for each code of the layout, in its order.

    Attributes:
        places: how many numbers come before the blocks.
        sizes: of the blocks.
        block: (sum of the sizes,) which block each number belongs to.
        member: (sum of the sizes, blocks) the same as ones and zeros: a product with it adds up each block.
    """

    block: Tensor
    member: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.places, self.sizes = len(layout.numbers), list(layout.sizes)
        block = torch.repeat_interleave(torch.tensor(self.sizes))
        self.register_buffer("block", block, persistent=False)
        self.register_buffer("member", one_hot(block, len(self.sizes)).float(), persistent=False)

    def soft(self, raw: Tensor, chance: Tensor, tau: float = TAU) -> Tensor:
        """What a generator gives -> rows that its critic can be shown, with a gradient.

        Args:
            raw: (b, expanded): places before tanh, and each code's logit.
            chance: (b, sum of the sizes) Gumbel numbers.
            tau: temperature of the Gumbel-softmax (Jang et al. 2017, eq. 2); near 0 the rows come close to codes.

        Returns:
            (b, expanded) float32: places in -1..1, and in each block shares in 0..1 that add up to 1.
        """
        logits = (raw[:, self.places :].float() + chance) / tau
        shares: Tensor = BlockSoftmax.apply(logits, self.block, self.member)  # type: ignore[no-untyped-call]
        return torch.cat([torch.tanh(raw[:, : self.places].float()), shares], 1)

    def hard(self, raw: Tensor, chance: Tensor) -> Tensor:
        """The same as stored rows (b, places + blocks) float32: the code of each block is the largest of its sums."""
        logits = raw[:, self.places :].float() + chance
        parts = torch.split(logits, self.sizes, 1)
        codes = [part.argmax(1) for part in parts]
        return torch.cat([torch.tanh(raw[:, : self.places].float()), torch.stack(codes, 1).float()], 1)

    def surprise(self, raw: Tensor, given: Tensor) -> Tensor:
        """Cross-entropy of the asked field, -log of the chance that it gets the code asked for, (b,).

        Args:
            raw: (b, expanded) as the generator gives it.
            given: (b, codes of the discrete fields), with a single 1 in each row.
        """
        width = given.shape[1]
        logits, member = raw[:, -width:].float(), self.member[-width:]
        elsewhere = (given @ member) @ member.T == 0
        return logits.masked_fill(elsewhere, -torch.inf).logsumexp(1) - (given * logits).sum(1)


class BlockSoftmax(torch.autograd.Function):
    """Softmax of each block by itself: a product for all sums in place of an operation a block; differentiable once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, block: Tensor, member: Tensor) -> Tensor:
        """x (b, n), block (n,), member (n, blocks) -> (b, n)"""
        largest = x.new_full((len(x), member.shape[1]), -torch.inf)
        largest.scatter_reduce_(1, block.expand_as(x), x, "amax")
        with torch.autocast(x.device.type, enabled=False):
            e = (x - largest.index_select(1, block)).exp_()
            y = e / (e @ member).index_select(1, block)
        ctx.save_for_backward(y, block, member)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """y (g - sum over the block of y g)"""
        y, block, member = ctx.saved_tensors
        weighed = y * gradient
        return weighed - y * (weighed @ member).index_select(1, block), None, None


class Generator(nn.Module):
    """Latents beside conditions (b, fan_in) -> raw rows (b, layout.expanded), for `blocks.soft` and `blocks.hard`.

    Residual blocks as in CTGAN: linear, norm, ReLU, and the output is joined to the input. The norm is LayerNorm in
    place of the paper's BatchNorm, so that a row does not depend on the others of its batch, nor on their condition.

    Args:
        layout: of the table.
        fan_in: numbers in a latent and a condition together.
        width: units of each block.
        depth: blocks.
    """

    def __init__(self, layout: Layout, fan_in: int, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = Blocks(layout)
        fans = [fan_in + i * width for i in range(depth + 1)]
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(fan, width), nn.LayerNorm(width)) for fan in fans[:-1])
        self.out = nn.Linear(fans[-1], layout.expanded)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([torch.relu(layer(x)), x], 1)
        raw: Tensor = self.out(x)
        return raw


class Critic(nn.Module):
    """Rows (b, fan_in) -> a score for each pack of `pac` rows, (b / pac,).

    Who sees several rows at once sees whether they vary (Lin et al. 2018, "PacGAN"). LeakyReLU (slope 0.2) and dropout
    make the score linear in the input but for kinks, so its gradient is a product of matrices, exact, which `contrast`
    gives without differentiating twice. The last layer has no bias, which Wasserstein losses, being differences of
    scores, would never move.

    Args:
        fan_in: numbers in a row and its condition.
        pac: rows in a pack.
        width: units of each hidden layer.
        depth: hidden layers, one at least.
        dropout: the share of units left out in training.
    """

    def __init__(self, fan_in: int, pac: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.pac, self.width, self.dropout = pac, width, dropout
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([fan_in * pac, *[width] * depth]))
        self.out = nn.Linear(width, 1, bias=False)

    def forward(self, x: Tensor, chance: Tensor | None = None) -> Tensor:
        """-> scores (b / pac,)

        Args:
            x: (b, fan_in), b a multiple of pac.
            chance: (b / pac, depth, width) in 0..1; a unit is left out where it is below `dropout`. None keeps all.
        """
        return self._judge(self._first(x), chance)[0]

    def contrast(
        self, real: Tensor, fake: Tensor, share: Tensor, chance: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of real packs and of fake ones, (b / pac,) each, and the gradient of the score between them.

        The gradient is that of each pack's score in its rows, (b / pac, pac * fan_in), at share * real +
        (1 - share) * fake. What the first layer, being affine, makes of such a point lies between what it makes of the
        two, so points between cost no product there.

        Args:
            real, fake: (b, fan_in) each.
            share: (b / pac, 1) in 0..1.
            chance: (3 * b / pac, depth, width): of real, fake and those between, as for `forward`.
        """
        ours, theirs = self._first(torch.cat([real, fake])).chunk(2)
        between, packs = theirs + share * (ours - theirs), len(share)
        scores, slopes = self._judge(torch.cat([ours, theirs, between]), chance, packs)
        return scores[:packs], scores[packs : 2 * packs], self._gradient(slopes)

    def _first(self, x: Tensor) -> Tensor:
        first: Tensor = self.layers[0](x.reshape(len(x) // self.pac, -1))
        return first

    def _judge(self, x: Tensor, chance: Tensor | None, last: int = 0) -> tuple[Tensor, list[Tensor]]:
        """What the first layer gives -> scores, and the slopes of the hidden units, (last, width) a layer, for the
        last packs.
        """
        slopes, begin = [], len(x) - last
        for i, layer in enumerate([*self.layers[1:], self.out]):
            kept = None if chance is None else (chance[:, i] >= self.dropout) / (1 - self.dropout)
            if last:
                slope = 0.6 + 0.4 * x[begin:].detach().float().sign()  # 1 above 0, 0.2 below; torch.where takes longer
                slopes.append(slope if kept is None else slope * kept[begin:])
            x = torch.nn.functional.leaky_relu(x, 0.2)
            x = layer(x if kept is None else x * kept)
        return x.flatten(), slopes

    def _gradient(self, slopes: Sequence[Tensor]) -> Tensor:
        """Of each pack's score in its rows, (packs, pac * fan_in), from the slopes of the hidden units."""
        with torch.autocast(slopes[0].device.type, enabled=False):
            gradient: Tensor = self.out.weight
            for layer, slope in zip(reversed(self.layers), reversed(slopes), strict=True):
                assert isinstance(layer, nn.Linear)
                gradient = (gradient * slope) @ layer.weight
        return gradient
