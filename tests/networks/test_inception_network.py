"""The Inception of FID: its size, its layers' names, and TensorFlow 1's way to resize."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sparring.networks.inception import Block, Inception, resized


def plainly_resized(picture: np.ndarray, side: int) -> np.ndarray:
    """(h, w) -> (side, side), one pixel after the other."""
    h, w = picture.shape
    out = np.empty((side, side))
    for i in range(side):
        for j in range(side):
            y, x = i * h / side, j * w / side
            top, left = int(y), int(x)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            dy, dx = y - top, x - left
            above = picture[top, left] * (1 - dx) + picture[top, right] * dx
            below = picture[bottom, left] * (1 - dx) + picture[bottom, right] * dx
            out[i, j] = above * (1 - dy) + below * dy
    return out


@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 13), (50, 21), (29, 29)])
def test_resizing_agrees_with_plain_numpy(height: int, width: int) -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (2, 3, height, width))
    found = resized(torch.from_numpy(picture), 29)
    assert found.shape == (2, 3, 29, 29)
    assert np.allclose(found[1, 2].numpy(), plainly_resized(picture[1, 2], 29), atol=1e-3)
    assert found.dtype == torch.float64


def test_it_has_the_published_size_and_its_layers_the_published_names() -> None:
    with torch.device("meta"):
        network = Inception()
    assert sum(weight.numel() for weight in network.parameters()) == 23_850_960  # 21 785 568 and 1008 scores
    names = network.state_dict()
    assert len([name for name in names if name.endswith("conv.weight")]) == 94
    assert {
        "Conv2d_1a_3x3.conv.weight",
        "Mixed_5b.branch3x3dbl_3.bn.running_var",
        "Mixed_6a.branch3x3.conv.weight",
        "Mixed_6e.branch7x7dbl_5.bn.bias",
        "Mixed_7a.branch7x7x3_4.conv.weight",
        "Mixed_7c.branch3x3dbl_3b.conv.weight",
        "Mixed_7c.branch_pool.conv.weight",
        "fc.bias",
    } <= set(names)
    assert network.features(torch.zeros(2, 3, 299, 299, device="meta")).shape == (2, 2048)
    assert network(torch.zeros(2, 3, 299, 299, device="meta")).shape == (2, 1008)


def test_the_average_does_not_count_padding_and_the_last_block_takes_the_maximum() -> None:
    def pooled(highest: bool) -> torch.Tensor:
        block = Block(1, [[[("branch1x1", 1, (1, 1))]]], 1, highest).eval()
        nn.init.ones_(block.branch_pool.conv.weight)
        maps = torch.ones(1, 1, 5, 5)
        maps[0, 0, 2, 2] = 10
        with torch.no_grad():
            found: torch.Tensor = block(maps)[0, 1]
        return found

    assert pooled(False)[0, 0].item() == pytest.approx(1, abs=1e-3)
    assert pooled(False)[1, 1].item() == pytest.approx(2, abs=3e-3)
    assert pooled(True)[1, 1].item() == pytest.approx(10, abs=1e-2)
