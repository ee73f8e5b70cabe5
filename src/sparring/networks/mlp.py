"""Multi-layer perceptrons."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.2, inplace=True),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation(name: str) -> nn.Module:
    """relu, leaky_relu (slope 0.2, as GANs use it), tanh or sigmoid; in place where the gradient allows it."""
    return ACTIVATIONS[name]()


class MLP(nn.Module):
    """Fully connected layers: (b, widths[0]) -> (b, widths[-1]), an activation between each two."""

    def __init__(self, widths: list[int], between: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
            if i:
                layers.append(activation(between))
            layers.append(nn.Linear(fan_in, fan_out))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out
