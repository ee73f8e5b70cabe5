"""The networks of R3GAN: any shape, blocks that begin as nothing, weights that keep the spread, and the filter."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sparring.networks.r3gan import EXPANSION, GAIN, GROUP, Block, Critic, Generator, Resample

SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(8, 40), st.integers(8, 40))


def grown(net: nn.Module) -> nn.Module:
    """The network with blocks that do something: what they begin with is zero."""
    for module in net.modules():
        if isinstance(module, Block):
            last = module.layers[-1]
            assert isinstance(last, nn.Conv2d)
            nn.init.normal_(last.weight, 0.0, 0.1)
    return net


@given(SHAPES, st.integers(1, 5), st.sampled_from([0, 3]), st.integers(1, 2))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_latents_become_pictures_and_pictures_scores_of_any_shape(
    shape: tuple[int, int, int], width: int, wishes: int, deep: int
) -> None:
    generator, critic = Generator(6, wishes, shape, width, 12, deep), Critic(wishes, shape, width, 12, deep)
    rows = torch.randn(3, wishes)
    pictures = grown(generator)(torch.randn(3, 6), rows)
    assert pictures.shape == (3, *shape)
    scores = grown(critic)(pictures, rows)
    assert scores.shape == (3,)
    scores.sum().backward()
    assert all(p.grad is not None and p.grad.any() for net in (generator, critic) for p in net.parameters())


@given(SHAPES)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_a_critic_sees_every_pixel(shape: tuple[int, int, int]) -> None:
    critic, x = Critic(0, shape, 4, 16, 1), torch.randn(1, *shape, requires_grad=True)
    critic(x, torch.zeros(1, 0)).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).all()


def test_a_score_and_a_picture_depend_on_their_own_sample_only() -> None:
    generator, critic = grown(Generator(6, 2, (3, 12, 20), 4, 16, 1)), grown(Critic(2, (3, 12, 20), 4, 16, 1))
    latents, rows = torch.randn(4, 6), torch.randn(4, 2)
    pictures = generator(latents, rows)
    torch.testing.assert_close(generator(latents[2:3], rows[2:3]), pictures[2:3])
    torch.testing.assert_close(critic(pictures[2:3], rows[2:3]), critic(pictures, rows)[2:3])


def test_a_block_begins_as_the_identity_and_does_not_stay_so() -> None:
    block, maps = Block(24, 4), torch.randn(2, 24, 5, 7)
    assert torch.equal(block(maps), maps)
    assert not torch.equal(grown(block)(maps), maps)


@pytest.mark.parametrize("width", [3, 8, 20, 48])
def test_a_blocks_inner_channels_come_in_whole_groups_of_sixteen(width: int) -> None:
    _, _, middle, _, _ = Block(width, 1).layers
    assert isinstance(middle, nn.Conv2d)
    assert middle.in_channels // middle.groups == GROUP
    assert EXPANSION * width <= middle.in_channels < EXPANSION * width + GROUP


@pytest.mark.parametrize("blocks", [1, 16])
def test_the_more_blocks_the_smaller_their_inner_weights(blocks: int) -> None:
    torch.manual_seed(0)
    first, _, second, _, _ = Block(64, blocks).layers
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    for layer, fan_in in ((first, 64), (second, 9 * GROUP)):
        assert layer.weight.std().item() == pytest.approx(GAIN * blocks**-0.25 / math.sqrt(fan_in), rel=0.05)
        assert layer.bias is not None
        assert not layer.bias.any()


def test_the_filter_is_the_outer_product_of_1_3_3_1_and_keeps_what_is_even() -> None:
    dot = torch.zeros(1, 2, 8, 8)
    dot[0, 1, 4, 4] = 1.0
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    spot = Resample(2, up=True)(dot)
    torch.testing.assert_close(spot[0, 1, 7:11, 7:11], line.outer(line) / 16)
    assert spot.sum().item() == pytest.approx(4.0), "one pixel became four pixels' worth"
    assert not spot[0, 0].any(), "each channel by itself"
    half = Resample(2, up=False)(torch.ones(1, 2, 8, 8))
    assert half.shape == (1, 2, 4, 4)
    torch.testing.assert_close(half[..., 1:-1, 1:-1], torch.ones(1, 2, 2, 2))


def test_halving_is_the_transpose_of_doubling() -> None:
    up, down = Resample(3, up=True), Resample(3, up=False)
    small, large = torch.randn(1, 3, 5, 6), torch.randn(1, 3, 10, 12)
    assert ((up(small) * large).sum() / 4).item() == pytest.approx((small * down(large)).sum().item(), rel=1e-4)


def test_channels_double_up_to_the_widest() -> None:
    generator, critic = Generator(6, 0, (3, 64, 64), 4, 20, 1), Critic(0, (3, 64, 64), 4, 20, 1)
    widths = [
        [int(m.layers[0].in_channels) for m in net.modules() if isinstance(m, Block)] for net in (generator, critic)
    ]
    assert widths == [[20, 20, 16, 8, 4], [4, 8, 16, 20, 20]]


def test_the_first_map_is_a_learnt_pattern_a_channel_as_strong_as_the_latent_says() -> None:
    generator = Generator(6, 0, (1, 8, 8), 4, 16, 1)
    maps: list[torch.Tensor] = []
    generator.layers[0].register_forward_pre_hook(lambda _, given: maps.append(given[0]))
    z = torch.randn(2, 6)
    generator(z, torch.zeros(2, 0))
    torch.testing.assert_close(maps[0], torch.einsum("bc,chw->bchw", z @ generator.project.weight.T, generator.basis))
    torch.testing.assert_close(maps[0] * 2, (generator(2 * z, torch.zeros(2, 0)), maps[1])[1])


def test_each_number_that_is_given_changes_the_picture_and_the_score() -> None:
    torch.manual_seed(0)
    generator, critic = Generator(6, 3, (1, 16, 16), 8, 32, 1), Critic(3, (1, 16, 16), 8, 32, 1)
    z, x = torch.randn(1, 6).expand(4, 6), torch.randn(1, 1, 16, 16).expand(4, 1, 16, 16)
    rows = torch.cat([torch.zeros(1, 3), torch.eye(3)])
    pictures, scores = generator(z, rows), critic(x, rows)
    assert all((picture - pictures[0]).abs().max() > 0.1 for picture in pictures[1:])
    assert (scores[1:] - scores[0]).abs().min() > 1e-3
    features = critic.body(x[:1])
    torch.testing.assert_close(scores[0], critic.head(features).flatten()[0], msg="of nothing given the head remains")
    assert critic.embed is not None
    torch.testing.assert_close(scores[1:] - scores[0], (features @ critic.embed.weight).flatten())
