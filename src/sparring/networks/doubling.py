"""Convolutions of nearest-neighbour doubled maps, and to few channels: torch's own functions with fewer operations."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Doubling(nn.Conv2d):
    """Each place repeated to 2 x 2, then a convolution of kernel 3: (b, before, h, w) -> (b, after, 2h, 2w).

    Neighbours that are repeated are multiplied once, by the sum of the weights that would meet them: a transposed
    convolution of kernel 4, with 16 products a place of the small map in the place of 36.

    Args:
        before, after: channels.
        bias: whether to add one.
        edge: what lies beyond the map: its last places again (to mirror a doubled map gives the same), or zeros.
    """

    def __init__(
        self, before: int, after: int, bias: bool = True, edge: Literal["replicate", "zeros"] = "replicate"
    ) -> None:
        super().__init__(before, after, 3, bias=bias)
        self.edge = edge

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.flip(2, 3).transpose(0, 1)
        kernel = F.pad(kernel, (0, 1)) + F.pad(kernel, (1, 0))
        kernel = F.pad(kernel, (0, 0, 0, 1)) + F.pad(kernel, (0, 0, 1, 0))
        if self.edge == "zeros":
            return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)
        return F.conv_transpose2d(F.pad(x, (1,) * 4, "replicate"), kernel, self.bias, stride=2, padding=3)


class ToFew(nn.Conv2d):
    """A convolution to few channels, done for 2 x 2 places at once, for processors fill their lanes with channels.

    Takes no padding; the sides of what comes out must be even.
    """

    def forward(self, x: Tensor) -> Tensor:
        shifted = [F.pad(self.weight, (right, 1 - right, down, 1 - down)) for down in (0, 1) for right in (0, 1)]
        kernel = torch.stack(shifted, 1).flatten(0, 1)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(x, kernel, bias, stride=2), 2)
