"""How far a network sees, by its gradients."""

from __future__ import annotations

import torch
from torch import nn


def farthest(network: nn.Module, side: int, period: int) -> int:
    """Pixels between an output pixel and the farthest input pixel that changes it, over `period` neighbours."""
    x = torch.randn(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    out, far = network.double()(x), 0
    for column in range(side // 2, side // 2 + period):
        (gradient,) = torch.autograd.grad(out[0, :, side // 2, column].sum(), x, retain_graph=True)
        seen = gradient.abs().sum((0, 1, 2)).nonzero().flatten()
        far = max(far, column - int(seen.min()), int(seen.max()) - column)
    return far
