"""The residual translator: sizes, how far it sees, and the features that CUT compares."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sees import farthest
from torch import nn

from sparring.networks.translator import Mirror, ResNet, Upsample
from sparring.networks.unet import Norm

UPSAMPLES: list[Upsample] = ["resize", "transposed"]


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.sampled_from(["instance", "batch", "none"]),
    st.sampled_from(UPSAMPLES),
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_pictures_of_every_multiple_keep_their_size(fours: tuple[int, int], norm: Norm, upsample: Upsample) -> None:
    net = ResNet(1, 3, 4, 2, norm, upsample)
    pictures = torch.randn(2, 1, 4 * fours[0], 4 * fours[1])
    made = net(pictures)
    assert made.shape == (2, 3, *pictures.shape[2:])
    assert -1 <= made.min() < made.max() <= 1
    made.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("upsample", UPSAMPLES)
@pytest.mark.parametrize("blocks", [1, 3])
def test_reach_is_how_far_an_output_pixel_sees(upsample: Upsample, blocks: int) -> None:
    net = ResNet(3, 3, 3, blocks, "none", upsample)
    assert farthest(net, 96, net.multiple) == net.reach


@pytest.mark.parametrize("blocks", [1, 2, 4, 9])
@pytest.mark.parametrize("norm", ["instance", "none"])
def test_features_are_what_pictures_are_made_from(blocks: int, norm: Norm) -> None:
    net, pictures = ResNet(3, 3, 4, blocks, norm), torch.randn(2, 3, 16, 20)
    features = net.features(pictures, net.nce_layers)
    assert len(features) == len(net.nce_layers) >= 4
    assert [f.shape[1] for f in features[:3]] == [3, 8, 16]
    assert [f.shape[2] for f in features] == [22, 8, 4, *[4] * (len(features) - 3)]
    made, again = net.with_features(pictures, net.nce_layers)
    assert torch.equal(made, net(pictures))
    assert all(torch.equal(a, b) for a, b in zip(features, again, strict=True))
    last = len(net.encoder) - 1
    made, again = net.with_features(pictures, [0, last])
    torch.testing.assert_close(net.decoder(again[1]), made)
    sum(f.square().mean() for f in again).backward()  # type: ignore[union-attr]


def test_features_of_early_layers_do_not_run_the_later_ones() -> None:
    net = ResNet(3, 3, 4)
    net.encoder[-1] = nn.Identity()
    net.encoder[-1].forward = None  # type: ignore[method-assign, assignment]
    assert len(net.features(torch.randn(1, 3, 8, 8), [1])) == 1


def test_padding_mirrors_and_repeats_only_what_is_too_small_to_be_mirrored() -> None:
    line = torch.arange(4.0).expand(1, 1, 4, 4)
    assert Mirror(2)(line)[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert Mirror(1)(torch.ones(1, 2, 1, 1)).tolist() == torch.ones(1, 2, 3, 3).tolist()
