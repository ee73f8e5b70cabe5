"""The U-Net: sizes, how far it sees, where norms and biases stand, and the paper's way of using it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sees import farthest
from torch import nn

from sparring.networks.unet import BatchNorm, InstanceNorm, Norm, Thinning, UNet, Upsample, any_size

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


@given(st.tuples(st.integers(4, 40), st.integers(4, 40)), st.sampled_from(["instance", "batch", "none"]))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_pictures_of_every_multiple_keep_their_size(size: tuple[int, int], norm: Norm) -> None:
    net = UNet(3, 2, size, 4, norm)
    for rows, columns in ((1, 1), (2, 1), (1, 3)):
        made = net(torch.randn(2, 3, rows * net.multiple, columns * net.multiple))
        assert made.shape == (2, 2, rows * net.multiple, columns * net.multiple)
        assert -1 <= made.min() < made.max() <= 1
    made.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize(
    ("size", "multiple"), [((64, 64), 64), ((48, 64), 32), ((300, 1000), 256), ((2000, 2000), 256), ((1, 5), 2)]
)
def test_the_shorter_side_is_halved_to_one_place_or_eight_times(size: tuple[int, int], multiple: int) -> None:
    assert UNet(1, 1, size, 1).multiple == multiple


@pytest.mark.parametrize("side", [4, 16])
@pytest.mark.parametrize("upsample", ["resize", "transposed"])
def test_reach_is_how_far_an_output_pixel_sees(side: int, upsample: Upsample) -> None:
    net = UNet(3, 3, (side, side), 3, "none", upsample=upsample)
    assert farthest(net, 8 * side, net.multiple) == net.reach


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_the_smallest_map_of_one_place_still_says_something(norm: Norm) -> None:
    """A norm there would make it zero, or fail."""
    net = UNet(3, 3, (16, 16), 4, norm)
    net(torch.randn(1, 3, 16, 16)).square().sum().backward()
    smallest = [module for module in net.down.modules() if isinstance(module, nn.Conv2d)][-1]
    assert smallest.weight.grad is not None
    assert smallest.weight.grad.abs().max() > 0


def test_repeating_and_convolving_leaves_no_grid_where_transposed_convolutions_do() -> None:
    """Inside an even picture all pixels should come out alike; transposed weights give each of four phases another."""

    @torch.no_grad()
    def grid(upsample: Upsample) -> float:
        torch.manual_seed(0)
        inside = UNet(1, 1, (4, 4), 8, "none", upsample=upsample)(torch.ones(1, 1, 64, 64))[..., 24:40, 24:40]
        return float(inside.std() / inside.abs().mean())

    assert grid("resize") < 1e-4
    assert grid("transposed") > 0.01


@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_a_convolution_has_a_bias_unless_a_norm_would_take_it_away(norm: Norm) -> None:
    net = UNet(3, 3, (32, 32), 4, norm)
    parts = [m for m in net.modules() if isinstance(m, (*CONVOLUTIONS, nn.InstanceNorm2d, BatchNorm))]
    parts = [m for m in parts if not (norm == "batch" and isinstance(m, nn.InstanceNorm2d))]  # which is in a BatchNorm
    normed = [part for part, after in pairwise(parts) if not isinstance(after, CONVOLUTIONS)]
    there = {"none": 0, "instance": 3 + 3, "batch": 3 + 4}[norm]
    assert len(normed) == there, "not at the finest level, nor of or for what comes from the smallest map"
    for part in parts:
        if isinstance(part, CONVOLUTIONS):
            assert (part.bias is None) == (part in normed)


def test_every_level_is_linked_to_its_own() -> None:
    """Cut off from below, an output pixel still sees its neighbourhood through the finest link."""
    net = UNet(3, 3, (16, 16), 3, "none")
    with torch.no_grad():
        for up in net.up[:-1]:
            for p in up.parameters():
                p.zero_()
    assert farthest(net, 64, 4) == 3


def test_initial_weights_have_the_authors_spread() -> None:
    torch.manual_seed(0)
    net = UNet(3, 3, (32, 32), 16, "batch")
    for module in net.modules():
        if isinstance(module, CONVOLUTIONS):
            assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert module.bias is None or not module.bias.any()
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.mean().item() == pytest.approx(1, abs=0.02)


def test_a_single_place_passes_batch_norm_while_learning() -> None:
    norm, place = BatchNorm(3).train(), torch.randn(1, 3, 1, 1)
    torch.testing.assert_close(norm(place), place)
    torch.testing.assert_close(norm(torch.cat([place, 2 * place])).mean(0), torch.zeros(3, 1, 1), atol=1e-5, rtol=0)


def test_in_use_the_papers_network_goes_by_each_pictures_own_statistics() -> None:
    net = UNet(3, 3, (16, 16), 8, "batch", 0.5)
    pictures = torch.randn(3, 3, 16, 16) * torch.tensor([0.1, 1, 5]).view(3, 1, 1, 1)
    assert not torch.equal(net(pictures), net(pictures)), "in training dropout changes from call to call"
    net.eval()
    together = net(pictures)
    torch.testing.assert_close(net(pictures[1:2]), together[1:2])
    assert sum(isinstance(module, Thinning) for module in UNet(3, 3, (256, 256), 1, "batch", 0.5).modules()) == 3


def test_batch_norm_learns_over_the_batch() -> None:
    norm, maps = BatchNorm(2), torch.randn(4, 2, 3, 3) + torch.arange(4.0).view(4, 1, 1, 1)
    learning = norm(maps)
    torch.testing.assert_close(learning.mean((0, 2, 3)), torch.zeros(2), atol=1e-6, rtol=0)
    assert learning[0].mean() < learning[3].mean()
    with torch.no_grad():
        norm.together.weight.copy_(torch.tensor([2.0, 3.0]))
        norm.together.bias.copy_(torch.tensor([-1.0, 1.0]))
    used = norm.eval()(maps)
    torch.testing.assert_close(used.mean((2, 3)), torch.tensor([[-1.0, 1.0]]).expand(4, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        used.std((2, 3), correction=0), torch.tensor([[2.0, 3.0]]).expand(4, 2), rtol=1e-3, atol=0
    )


def test_thinning_goes_on_in_use_and_gives_the_same_whenever_asked() -> None:
    thinning, maps = Thinning(0.5), torch.ones(3, 40, 8, 8)
    assert not torch.equal(thinning(maps), thinning(maps))
    used = thinning.eval()(maps)
    assert torch.equal(used, thinning(maps))
    assert torch.equal(used[:1], thinning(maps[:1]))
    assert set(used.unique().tolist()) == {0, 2}
    assert used.mean().item() == pytest.approx(1, abs=0.1)


def test_instance_norm_lets_a_map_of_one_place_pass() -> None:
    dot, maps = torch.randn(2, 3, 1, 1), torch.randn(2, 3, 1, 4) * 7 + 5
    assert torch.equal(InstanceNorm(3)(dot), dot)
    torch.testing.assert_close(InstanceNorm(3)(maps).mean(3), torch.zeros(2, 3, 1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (13, 10), (9, 1), (1, 1)])
def test_pictures_of_any_size_are_mirrored_at_the_far_edges_and_cut_back(size: tuple[int, int]) -> None:
    seen = []

    class Look(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x

    pictures = torch.randn(2, 3, *size)
    assert torch.equal(any_size(Look(), pictures, 8), pictures)
    assert seen[0].shape[2] % 8 == seen[0].shape[3] % 8 == 0
    if size == (13, 10):
        assert torch.equal(seen[0][:, :, 13], torch.cat([pictures, pictures.flip(3)[..., 1:7]], 3)[:, :, 11])
