"""RRDBNet's own: dense blocks that see all maps so far, shares of what they add, and the paper's size."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sparring.networks.rrdb import RRDB, Dense, RRDBNet


def test_a_dense_block_is_the_papers() -> None:
    """Wang et al. 2018, figure 4: by torch's own padding and one convolution after the other."""
    torch.manual_seed(0)
    block, x = Dense(8, 4), torch.randn(2, 8, 6, 5)
    maps = x
    for i, layer in enumerate(block.layers):
        assert isinstance(layer, nn.Conv2d)
        made = F.conv2d(F.pad(maps, (1, 1, 1, 1), "replicate"), layer.weight, layer.bias)
        maps = torch.cat([maps, F.leaky_relu(made, 0.2)], 1) if i < 4 else made
    torch.testing.assert_close(block(x), x + 0.2 * maps)
    assert [layer.weight.shape[:2] for layer in block.layers] == [(4, 8), (4, 12), (4, 16), (4, 20), (8, 24)]


def test_a_residual_in_residual_block_adds_a_fifth_of_three_dense_blocks() -> None:
    block, x = RRDB(4, 2), torch.randn(1, 4, 5, 5)
    assert len(block.blocks) == 3
    torch.testing.assert_close(block(x), x + 0.2 * block.blocks(x))


@pytest.mark.parametrize(("blocks", "width", "growth"), [(4, 32, 16), (2, 8, 4)])
def test_there_are_fifteen_convolutions_a_block(blocks: int, width: int, growth: int) -> None:
    body = RRDBNet(3, width, growth, blocks, 4).body
    assert sum(isinstance(module, nn.Conv2d) for module in body.modules()) == 15 * blocks + 1
    assert not any("Norm" in type(module).__name__ for module in body.modules())


def test_the_papers_body_has_the_papers_parameters() -> None:
    """23 blocks of three dense blocks: 719,808 weights and biases a block (64 channels, growth 32)."""
    assert sum(p.numel() for p in RRDB(64, 32).parameters()) == 3 * (
        9 * 32 * (64 + 96 + 128 + 160) + 9 * 192 * 64 + 192
    )


def test_more_blocks_do_not_make_the_start_louder() -> None:
    """Each begins as 1.2 times what it is given, which would be 66 times after the paper's 23."""
    maps, added = torch.randn(1, 16, 8, 8), []
    for blocks in (1, 23):
        torch.manual_seed(0)
        net = RRDBNet(3, 16, 4, blocks, 2)
        with torch.no_grad():
            added.append(float(net.body(maps).std()))
    assert added[0] == pytest.approx(0.14, rel=0.3), "a tenth of He's, which double the mean square"
    assert added[1] == pytest.approx(0.14, rel=0.3)
