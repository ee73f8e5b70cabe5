"""Spectral normalisation: the greatest singular value becomes 1, and the estimate moves only when it is told to."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from sparring.networks.spectral import spectral, tighten


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return spectral(nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.ReLU(), nn.Flatten(1), nn.Linear(8 * 4, 5)))


def greatest(layer: nn.Module) -> float:
    """The greatest singular value of a layer's weight, reckoned exactly."""
    assert isinstance(layer.weight, torch.Tensor)
    return float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2))


def test_the_greatest_singular_value_becomes_one() -> None:
    net = network()
    for _ in range(100):
        tighten(net)
    assert greatest(net[0]) == pytest.approx(1, abs=1e-4)
    assert greatest(net[3]) == pytest.approx(1, abs=1e-4)


def test_the_start_is_near_already_and_the_weights_scale_does_not_matter() -> None:
    net, large = network(), network()
    with torch.no_grad():
        for layer in (large[0], large[3]):
            layer.parametrizations.weight.original.mul_(50)
    assert greatest(net[0]) == pytest.approx(1, abs=0.1)
    torch.testing.assert_close(large[0].weight, net[0].weight)


def test_the_estimate_follows_weights_that_change_by_one_iteration_a_call() -> None:
    net = network()
    with torch.no_grad():
        original = net[3].parametrizations.weight.original
        original.copy_(torch.randn_like(original))
    errors = [abs(greatest(net[3]) - 1)]
    for _ in range(60):
        tighten(net)
        errors.append(abs(greatest(net[3]) - 1))
    assert errors[0] > 0.2
    assert errors[1] > 1e-4, "one call is one iteration, not a full reckoning"
    assert errors[-1] < 1e-3


def test_looking_changes_nothing_and_tightening_changes_the_buffers_alone() -> None:
    net = network()
    with torch.no_grad():
        net[3].parametrizations.weight.original[0] *= 3
    before, x = copy.deepcopy(net.state_dict()), torch.randn(2, 3, 4, 4)
    assert torch.equal(net.train()(x), net.train()(x))
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    tighten(net)
    moved = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    assert moved
    assert all(key.endswith((".u", ".v")) for key in moved)


def test_the_gradient_passes_through_the_singular_value_and_not_through_its_vectors() -> None:
    """Appendix A, eq. 12: scaling the weight changes nothing, so the gradient is at right angles to it."""
    net = network()
    original = net[3].parametrizations.weight.original
    net(torch.randn(4, 3, 4, 4)).square().sum().backward(inputs=list(net.parameters()))
    assert original.grad is not None
    assert original.grad.norm() > 0
    assert float((original.grad * original.detach()).sum()) == pytest.approx(0, abs=1e-4)


def test_the_estimate_stays_in_float32_under_autocast() -> None:
    net = network()
    with torch.autocast("cpu", torch.bfloat16):
        weight = net[3].weight
        tighten(net)
    assert weight.dtype == torch.float32
    assert all(value.dtype == torch.float32 for value in net.state_dict().values())
