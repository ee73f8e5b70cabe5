"""SRResNet's own: its blocks, what its pixel shuffles begin with, and where its multiplications are."""

from __future__ import annotations

import torch
from torch import nn

from sparring.networks.srresnet import Residual, SRResNet


def test_there_are_as_many_blocks_as_asked_for_and_no_norms() -> None:
    net = SRResNet(3, 16, 5, 4)
    assert sum(isinstance(module, Residual) for module in net.modules()) == 5
    assert not any("Norm" in type(module).__name__ for module in net.modules())


def test_a_block_adds_to_what_it_is_given() -> None:
    block, maps = Residual(4), torch.randn(1, 4, 5, 5)
    given = maps.clone()
    torch.testing.assert_close(block(maps), given + block.layers(given))
    assert torch.equal(maps, given)


def test_a_pixel_shuffle_begins_as_nearest_enlargement() -> None:
    for scale in (2, 3, 8):
        net = SRResNet(3, 32, 1, scale)
        maps = torch.randn(1, 32, 4, 5)
        with torch.no_grad():
            grown = net.enlarging[:3](maps)
        factor = 3 if scale == 3 else 2
        assert torch.equal(
            grown, grown[..., ::factor, ::factor].repeat_interleave(factor, 2).repeat_interleave(factor, 3)
        )
        assert len(set(grown[0, :, 0, 0].tolist())) > 4, "channels differ"


def test_most_multiplications_are_at_the_small_size() -> None:
    """By default: a convolution at four times the sides costs sixteen times as much."""
    net, spent = SRResNet(3), {}

    def count(module: nn.Module, given: tuple[torch.Tensor], made: torch.Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        side = made.shape[3]
        spent[side] = spent.get(side, 0) + module.weight.numel() * side**2

    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)  # type: ignore[arg-type]
    net(torch.zeros(1, 3, 8, 8))
    assert set(spent) == {8, 16, 32}
    assert spent[8] > 2 * (spent[16] + spent[32])


def test_a_network_whose_last_activations_are_all_negative_goes_on_learning() -> None:
    """With plain ReLUs it would give bicubic enlargement for ever, as was seen at high learning rates."""
    network = SRResNet(3, 16, 1, 2)
    with torch.no_grad():
        network.last[0].bias.fill_(-100.0)
    network(torch.rand(1, 3, 8, 8)).sum().backward()
    assert network.first.weight.grad.abs().sum() > 0
