"""Spectral normalisation (Miyato et al. 2018): a layer's weight divided by its greatest singular value.

Unlike torch's own, which goes on with its estimate at every forward pass in training mode, the estimate moves here when
`tighten` is called, and at no other time. So a look at the critic changes nothing, several micro-batches of a turn see
the same weights, and every process holds the same estimate to the bit: it follows from the weights alone.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

START = 15  # power iterations at the start, as torch's own makes

Network = TypeVar("Network", bound=nn.Module)


class Spectral(nn.Module):
    """W -> W / sigma(W), for a weight whose first side is what comes out; all others are taken for one (eq. 8).

    sigma = u' W v, where u and v are constants to the gradient (appendix A). In float32 also under autocast: in
    bfloat16 the estimate would tremble by half a percent.

    Args:
        weight: (n, ...) to estimate the first u (n,) and v (all other sides,) from; both are buffers.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.register_buffer("u", torch.zeros(matrix.shape[0], device=weight.device))
        self.register_buffer("v", normalize(torch.randn(matrix.shape[1], device=weight.device), dim=0))
        for _ in range(START):
            self.iterate(weight)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            return weight / torch.dot(self.u, weight.flatten(1) @ self.v)

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        """One step of the power iteration towards the greatest singular value (algorithm 1)."""
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            self.u.copy_(normalize(matrix @ self.v, dim=0))
            self.v.copy_(normalize(self.u @ matrix, dim=0))


def spectral(network: Network) -> Network:
    """The same network, with every linear and convolutional layer's weight spectrally normalised."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            parametrize.register_parametrization(layer, "weight", Spectral(layer.weight))
    return network


def tighten(network: nn.Module) -> None:
    """One power iteration for every normalised weight of a network.

    Once before each of its turns, and never between a forward pass and its backward pass.
    """
    for module in network.modules():
        if isinstance(module, parametrize.ParametrizationList) and isinstance(module[0], Spectral):
            assert isinstance(module.original, Tensor)
            module[0].iterate(module.original)
