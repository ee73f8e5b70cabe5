"""Gradient penalties on the critic: pure functions of a critic and a batch; always in float32 and eager mode."""

from __future__ import annotations

from collections.abc import Callable

import torch


def r1(critic: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor) -> torch.Tensor:
    """E ||grad_x D(x)||^2 over a batch (b, ...) of data, summed over a sample's values (Mescheder et al. 2018, eq. 9).

    The caller multiplies by gamma / 2, and by the interval when the penalty is applied lazily (Karras et al. 2020).
    torch.compile cannot differentiate twice, hence the eager mode. -> scalar
    """
    x = real.detach().float().requires_grad_(True)
    with torch.autocast(x.device.type, enabled=False), torch.compiler.set_stance("force_eager"):
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
