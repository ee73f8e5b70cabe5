"""The networks of StyleGAN2: equalised weights, modulation, resampling, and that every input counts."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from sparring.networks import stylegan2
from sparring.networks.shapes import stages
from sparring.networks.stylegan2 import Critic, Generator, Modulated

SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(5, 40), st.integers(5, 40))


PATCHES = st.sampled_from([1, 2])


def generator(shape: tuple[int, ...] = (3, 12, 20), wishes: int = 0, rate: float = 1.0, patch: int = 1) -> Generator:
    return Generator(6, wishes, shape, width=4, widest=8, style=5, depth=2, rate=rate, patch=patch)


def critic(shape: tuple[int, ...] = (3, 12, 20), wishes: int = 0, group: int = 1, patch: int = 1) -> Critic:
    return Critic(shape, wishes, width=4, widest=8, group=group, patch=patch)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(SHAPES, st.sampled_from([0, 3]), PATCHES)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_latents_become_pictures_and_pictures_scores_of_any_shape(
    shape: tuple[int, int, int], wishes: int, patch: int
) -> None:
    artist, judge = generator(shape, wishes, patch=patch), critic(shape, wishes, group=2, patch=patch)
    wanted = torch.randn(3, wishes)
    pictures = artist(torch.randn(3, 6), wanted)
    assert pictures.shape == (3, *shape)
    assert -1 <= pictures.min() <= pictures.max() <= 1
    scores = judge(pictures, wanted)
    assert scores.shape == (3,)
    scores.sum().backward()
    assert all(p.grad is not None for net in (artist, judge) for p in net.parameters())


@given(SHAPES, PATCHES)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_a_critic_sees_every_pixel(shape: tuple[int, int, int], patch: int) -> None:
    x = torch.randn(1, *shape, requires_grad=True)
    critic(shape, patch=patch)(x, torch.zeros(1, 0)).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).all()


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 13, 24), (1, 5, 5)])
def test_patches_of_two_pixels_leave_out_the_finest_maps_and_each_pixel_is_still_drawn_by_itself(
    shape: tuple[int, int, int],
) -> None:
    fine, coarse = ((generator(shape, patch=patch), critic(shape, patch=patch)) for patch in (1, 2))
    assert coarse[0].layers == fine[0].layers - 2
    assert len(coarse[1].blocks) == len(fine[1].blocks) - 1
    seen: list[tuple[int, ...]] = []
    coarse[0].stages[-1].convolutions[-1].register_forward_hook(lambda _, __, maps: seen.append(tuple(maps.shape[2:])))
    picture = coarse[0](normal(1, 6), torch.zeros(1, 0))
    k, base = stages(*shape[1:])
    assert seen == [tuple(side * 2 ** (k - 1) for side in base)]
    even = shape[2] // 2 * 2
    assert not torch.allclose(picture[..., 0:even:2], picture[..., 1:even:2], atol=1e-3)


@pytest.mark.parametrize("demodulated", [True, False])
def test_modulation_equals_weights_of_each_samples_own(demodulated: bool) -> None:
    """Equations 1 and 3 of the paper, as they are written."""
    layer = Modulated(5, 4, 3, style=6, demodulated=demodulated)
    maps, styles = normal(3, 5, 7, 8), normal(3, 6, seed=1)
    nn.init.normal_(layer.bias)
    scales = layer.scales(styles)
    rows = []
    for one, scale in zip(maps, scales, strict=True):
        own = layer.convolution.weight / sqrt(5 * 9) * scale[:, None, None]
        if demodulated:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        rows.append(conv2d(one[None], own, layer.bias, padding=1))
    torch.testing.assert_close(layer(maps, styles), torch.cat(rows))


@pytest.mark.parametrize("demodulated", [True, False])
def test_a_doubling_modulation_equals_weights_of_each_samples_own_and_keeps_the_spread(demodulated: bool) -> None:
    layer = Modulated(5, 4, 4, style=6, demodulated=demodulated, doubling=True)
    maps, styles = normal(3, 5, 7, 8), normal(3, 6, seed=1)
    scales = layer.scales(styles)
    own = layer.convolution.weight * layer.convolution.scale * scales[:, None, :, None, None]
    if demodulated:
        own = own / (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    wanted = [
        conv_transpose2d(m[None], 2 * w.transpose(0, 1), stride=2, padding=1) for m, w in zip(maps, own, strict=True)
    ]
    torch.testing.assert_close(layer(maps, styles), torch.cat(wanted), atol=1e-5, rtol=1e-4)
    if demodulated:
        wide = Modulated(64, 32, 4, style=6, doubling=True)(normal(8, 64, 6, 6), normal(8, 6))
        assert wide.shape == (8, 32, 12, 12)
        assert wide[..., 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.1)


def test_demodulation_takes_the_size_of_the_style_out() -> None:
    layer, maps = Modulated(16, 8, 3, style=4), normal(2, 16, 6, 6)
    before = layer(maps, normal(2, 4))
    with torch.no_grad():
        layer.scales.weight.mul_(10)
        assert layer.scales.bias is not None
        layer.scales.bias.mul_(10)
    torch.testing.assert_close(layer(maps, normal(2, 4)), before, rtol=1e-3, atol=1e-4)


def test_weights_are_kept_with_a_spread_of_one_and_keep_the_variance_of_what_passes() -> None:
    torch.manual_seed(0)
    for layer, x in (
        (stylegan2.Linear(400, 300), torch.randn(500, 400)),
        (stylegan2.Convolution(64, 64, 3), torch.randn(8, 64, 20, 20)),
    ):
        assert layer.weight.std().item() == pytest.approx(1, rel=0.05)
        out = layer(x)[..., 1:-1, 1:-1] if x.dim() == 4 else layer(x)
        assert out.std().item() == pytest.approx(1, rel=0.1)
        assert stylegan2.active(out).square().mean().item() == pytest.approx(1, rel=0.15)


def test_a_rate_changes_how_fast_a_layer_learns_but_not_what_it_starts_as() -> None:
    outs, moves = [], []
    for rate in (1.0, 0.1):
        torch.manual_seed(0)
        layer, x = stylegan2.Linear(50, 40, bias=0.5, rate=rate), normal(30, 50)
        optimiser = torch.optim.Adam(layer.parameters(), 1e-3)
        outs.append(layer(x).detach())
        layer(x).square().sum().backward()
        optimiser.step()
        moves.append((layer(x).detach() - outs[-1]).abs().mean().item())
    torch.testing.assert_close(*outs)
    assert moves[0] / moves[1] == pytest.approx(10, rel=0.05)


def test_doubling_and_halving_are_by_the_kernel_of_the_paper() -> None:
    dot = torch.zeros(1, 1, 8, 8)
    dot[..., 3, 4] = 1
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    wide = torch.zeros(1, 1, 16, 16)
    wide[..., 5:9, 7:11] = line[:, None] * line / 16
    torch.testing.assert_close(stylegan2.enlarged(dot, (16, 16)), wide)
    maps = normal(2, 3, 10, 7)
    narrow = stylegan2.halved_maps(maps)
    assert narrow.shape == (2, 3, 5, 3)
    torch.testing.assert_close(narrow[..., 1, 1], (maps[..., 1:5, 1:5] * (line[:, None] * line)).sum((2, 3)) / 64)


def test_every_style_changes_the_picture_and_one_style_for_all_is_the_same_as_many_alike() -> None:
    artist = generator((3, 16, 16))
    w = normal(2, 5)
    alike = w[:, None].repeat(1, artist.layers, 1)
    picture = artist.draw(w)
    torch.testing.assert_close(artist.draw(alike), picture)
    for layer in range(artist.layers):
        changed = alike.clone()
        changed[:, layer] += 3
        assert not torch.allclose(artist.draw(changed), picture, atol=1e-4), f"style {layer} is not used"


def test_the_length_of_a_latent_does_not_matter_and_its_direction_does() -> None:
    artist, z = generator(), normal(2, 6)
    none = torch.zeros(2, 0)
    torch.testing.assert_close(artist(3 * z, none), artist(z, none), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(artist(-z, none), artist(z, none), atol=1e-3)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_wish_changes_the_picture_and_the_score(place: int) -> None:
    artist, judge = generator(wishes=3), critic(wishes=3)
    wanted = torch.zeros(2, 3)
    wanted[:, (place + 1) % 3] = 1
    other = wanted.clone()
    other[:, place] = 1
    z, x = normal(2, 6), normal(2, 3, 12, 20)
    assert not torch.allclose(artist(z, wanted), artist(z, other), atol=1e-4)
    assert not torch.allclose(judge(x, wanted), judge(x, other), atol=1e-4)


def test_a_score_is_the_heads_plus_the_features_times_the_embedding() -> None:
    judge, x = critic(wishes=2), normal(2, 3, 12, 20)
    seen: list[Tensor] = []
    judge.head.register_forward_hook(lambda _, inputs, out: seen.extend([inputs[0], out]))
    score = judge(x, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    features, plain = seen
    assert judge.embedding is not None
    expected = plain.flatten() + (features * judge.embedding.weight.T / sqrt(2)).sum(1) / sqrt(features.shape[1])
    torch.testing.assert_close(score, expected)


def test_the_spread_is_that_of_neighbours_in_the_batch() -> None:
    maps = torch.zeros(5, 2, 3, 3)
    maps[0], maps[1] = 1.0, 3.0  # deviation 1
    maps[4] = 1.0
    spread = stylegan2.group_spread(maps, 2)
    torch.testing.assert_close(spread, torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0]), atol=2e-4, rtol=0)
    maps[4] = 5.0  # alone in the last group, which the first sample fills up
    assert stylegan2.group_spread(maps, 2)[4].item() == pytest.approx(2, abs=1e-3)


def test_a_critic_with_groups_tells_equal_pictures_from_different_ones() -> None:
    x, none = normal(4, 3, 12, 20), torch.zeros(4, 0)
    same = x[:1].repeat(4, 1, 1, 1)
    alone, grouped = critic(group=1), critic(group=4)
    torch.testing.assert_close(alone(same, none)[0], alone(x, none)[0])
    assert not torch.allclose(grouped(same, none)[0], grouped(x, none)[0], atol=1e-4)
    pairs = critic(group=2)
    torch.testing.assert_close(pairs(x[2:], none[2:]), pairs(x, none)[2:])


def test_channels_double_up_to_the_widest() -> None:
    assert stylegan2.channels(16, 128, 5) == [16, 32, 64, 128, 128, 128]
    assert stylegan2.channels(32, 8, 1) == [32, 32]
