"""Layers that take fewer operations give what torch's own layers give, and the same gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sparring.networks.doubling import Doubling, ToFew
from sparring.networks.unet import InstanceNorm


def plain(layer: nn.Conv2d, before: list[nn.Module]) -> nn.Sequential:
    """Torch's own convolution with the weights of `layer`, behind other layers."""
    own = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size[0], bias=layer.bias is not None)  # type: ignore[arg-type]
    own.load_state_dict(layer.state_dict())
    return nn.Sequential(*before, own)


def alike(ours: nn.Module, theirs: nn.Module, x: Tensor) -> None:
    """Outputs, and gradients of the input and of the weights, are equal."""
    found = []
    for layer in (ours, theirs):
        given = x.clone().requires_grad_()
        out = layer(given)
        out.mul(torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
        found.append([out, given.grad, *(p.grad for p in layer.parameters())])
    for mine, its in zip(*found, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sides", [(1, 1), (1, 5), (6, 4)])
@pytest.mark.parametrize("edge", [nn.ReflectionPad2d(1), nn.ReplicationPad2d(1), nn.ZeroPad2d(1)])
@pytest.mark.parametrize("bias", [True, False])
def test_doubling_is_repeating_each_place_and_convolving(sides: tuple[int, int], edge: nn.Module, bias: bool) -> None:
    layer = Doubling(3, 5, bias, "zeros" if isinstance(edge, nn.ZeroPad2d) else "replicate")
    alike(layer, plain(layer, [nn.Upsample(scale_factor=2), edge]), torch.randn(2, 3, *sides))


@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_to_few_channels_is_a_convolution(kernel: int, bias: bool) -> None:
    layer = ToFew(4, 3, kernel, bias=bias)
    alike(layer, plain(layer, []), torch.randn(2, 4, 5 + kernel, 7 + kernel))


def test_doubling_takes_fewer_than_half_of_the_products() -> None:
    layer, x = Doubling(8, 8), torch.randn(1, 8, 64, 64)
    counts = []
    for network in (layer, plain(layer, [nn.Upsample(scale_factor=2), nn.ReplicationPad2d(1)])):
        with FlopCounterMode(display=False) as counter:
            network(x)
        counts.append(counter.get_total_flops())
    assert counts[0] < 0.5 * counts[1]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_torchs_in_both_layouts(layout: torch.memory_format) -> None:
    x = (3 * torch.randn(2, 4, 6, 5) + 1).contiguous(memory_format=layout)
    alike(InstanceNorm(4), nn.InstanceNorm2d(4), x)
