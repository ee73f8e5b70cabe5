"""Perceptrons and the activations by name."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sparring.networks.mlp import MLP, activation


@pytest.mark.parametrize(
    ("name", "at_minus_one"), [("relu", 0.0), ("leaky_relu", -0.2), ("tanh", -0.76159), ("sigmoid", 0.26894)]
)
def test_activations_are_what_their_names_say(name: str, at_minus_one: float) -> None:
    assert activation(name)(torch.tensor([-1.0])).item() == pytest.approx(at_minus_one, abs=1e-4)


def test_an_activation_lies_between_each_two_layers_and_not_after_the_last() -> None:
    net = MLP([3, 5, 7, 2], "tanh")
    kinds = [type(layer) for layer in net.layers]
    assert kinds == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert net(torch.zeros(4, 3)).shape == (4, 2)


def test_in_place_activations_still_give_the_right_gradient() -> None:
    torch.manual_seed(0)
    net = MLP([2, 8, 8, 1], "leaky_relu").double()
    x = torch.randn(3, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(net, (x,))
    assert torch.autograd.gradgradcheck(net, (x,))
