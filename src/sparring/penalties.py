"""Gradient penalties on the critic: pure functions of a critic and a batch; always in float32 and eager mode."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sparring.twice import Twice

Critic = Callable[[torch.Tensor], torch.Tensor]


def r1(critic: Critic, real: torch.Tensor) -> torch.Tensor:
    """E ||grad_x D(x)||^2 over a batch (b, ...) of data, summed over a sample's values (Mescheder et al. 2018, eq. 9).

    The caller multiplies by gamma / 2, and by the interval when the penalty is applied lazily (Karras et al. 2020).
    torch.compile cannot differentiate twice, hence the eager mode. -> scalar
    """
    x = real.detach().float().requires_grad_(True)
    return _gradient(critic, x).square().flatten(1).sum(1).mean()


def interpolated(critic: Critic, real: torch.Tensor, fake: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """E (||grad D(x')|| - 1)^2 at x' = e x + (1 - e) G(z) (Gulrajani et al. 2017, "WGAN-GP", algorithm 1). -> scalar

    Args:
        critic: pictures (b, ...) -> scores (b,); without BatchNorm, which would tie the samples together.
        real, fake: (b, ...) each; no gradient flows back to them.
        share: (b,) uniform numbers e in 0..1.
    """
    e = share.view(-1, *[1] * (real.dim() - 1))
    x = (e * real.detach().float() + (1 - e) * fake.detach().float()).requires_grad_(True)
    norm = (_gradient(critic, x).flatten(1).square().sum(1) + 1e-12).sqrt()  # the root has no gradient at 0
    return (norm - 1).square().mean()


def _gradient(critic: Critic, x: torch.Tensor) -> torch.Tensor:
    """Of the scores' sum in x, itself differentiable."""
    with torch.autocast(x.device.type, enabled=False), torch.compiler.set_stance("force_eager"), Twice():
        (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient
