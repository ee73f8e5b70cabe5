"""The networks of FastGAN: any shape, excitation over stages, scores of windows, and pictures drawn from memory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import mse_loss

from sparring.networks.fastgan import Critic, Excitation, Generator, quarter

SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(5, 50), st.integers(5, 50))


@given(SHAPES, st.integers(1, 4))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_latents_become_pictures_and_pictures_scores_and_pictures_again(
    shape: tuple[int, int, int], width: int
) -> None:
    generator, critic = Generator(6, shape, width), Critic(shape, width)
    pictures = generator(torch.randn(3, 6))
    assert pictures.shape == (3, *shape)
    assert -1 <= pictures.min() <= pictures.max() <= 1
    maps = critic.maps(pictures)
    scores, pairs = critic.judge(maps), critic.rebuild(maps, pictures, torch.tensor([0, 1, 3]))
    assert scores.shape[0] == 3
    assert scores.dim() == 2
    for drawn, true in pairs:
        assert drawn.shape == true.shape
        assert true.numel() > 0
    (scores.sum() + sum(drawn.square().sum() for drawn, _ in pairs)).backward()
    assert all(p.grad is not None for net in (generator, critic) for p in net.parameters())


@given(SHAPES)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_a_critic_sees_every_pixel(shape: tuple[int, int, int]) -> None:
    critic, x = Critic(shape, 4).eval(), torch.randn(1, *shape, requires_grad=True)
    critic(x).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).all()


def test_as_many_windows_are_scored_as_in_the_paper() -> None:
    """5 x 5 of them, from a map of 8 x 8; fewer where pictures are small."""
    for side, windows in ((8, 1), (16, 1), (32, 25), (64, 25), (128, 25)):
        assert Critic((3, side, side), 1)(torch.randn(1, 3, side, side)).shape == (1, windows), side


def test_in_evaluation_a_picture_and_a_score_depend_on_their_own_sample_only() -> None:
    generator, critic = Generator(6, (3, 12, 20), 4).eval(), Critic((3, 12, 20), 4).eval()
    latents = torch.randn(4, 6)
    pictures = generator(latents)
    torch.testing.assert_close(generator(latents[2:3]), pictures[2:3])
    torch.testing.assert_close(critic(pictures[2:3]), critic(pictures)[2:3])


def test_excitation_weighs_whole_channels_by_what_is_far_off() -> None:
    torch.manual_seed(0)
    excite, near = Excitation(5, 3, (6, 8)), torch.rand(2, 3, 24, 32) + 1
    far = torch.randn(2, 5, 6, 8)
    shares = excite(far, near) / near
    torch.testing.assert_close(shares, shares[:, :, :1, :1].expand_as(shares))
    assert (shares > 0).all()
    assert (shares < 1).all()
    assert (excite(far.flip(0), near) / near - shares).abs().amax((0, 2, 3)).min() > 1e-3, "every channel is weighed"


@pytest.mark.parametrize("side", [(4, 4), (7, 5), (33, 17), (2, 64)])
def test_excitation_sees_the_whole_of_a_large_map_in_few_weights(side: tuple[int, int]) -> None:
    excite, far = Excitation(2, 3, side), torch.randn(1, 2, *side, requires_grad=True)
    excite(far, torch.ones(1, 3, 1, 1)).sum().backward()
    assert far.grad is not None
    assert (far.grad != 0).float().mean() > 0.9  # rows and columns that do not divide are left out
    first = excite.weigh[0]
    assert isinstance(first, nn.Conv2d)
    assert first.weight[0, 0].numel() <= 49


@pytest.mark.parametrize(("side", "pairs"), [(8, 1), (32, 1), (64, 1), (128, 2), (256, 3)])
def test_the_generator_excites_over_four_stages_where_they_exist(side: int, pairs: int) -> None:
    """From 4 to 64, 8 to 128 and 16 to 256, as in the paper; smaller pictures from the coarsest to the finest map."""
    generator = Generator(4, (1, side, side), 1)
    assert len(generator.excite) == pairs
    latents, seen = torch.randn(2, 4), []
    handles = [
        excite.register_forward_hook(lambda _, maps, __: seen.append(maps[1].shape[-1] // maps[0].shape[-1]))
        for excite in generator.excite
    ]
    before = generator(latents)
    assert seen == [min(16, 2 ** len(generator.doublings))] * pairs
    for handle in handles:
        handle.remove()
    for excite in generator.excite:
        excite.register_forward_hook(lambda _, maps, __: maps[1])
        after = generator(latents)
        assert not torch.equal(before, after), "without it the picture is another"
        before = after


def test_a_quarter_is_the_corner_that_was_asked_for() -> None:
    x = torch.arange(4 * 20).view(4, 1, 4, 5)
    parts = quarter(x, torch.tensor([0, 1, 2, 3]), 2, 2)
    assert [part.flatten().tolist() for part in parts] == [
        [0, 1, 5, 6],
        [22, 23, 27, 28],
        [50, 51, 55, 56],
        [72, 73, 77, 78],
    ]


def test_the_part_that_is_rebuilt_is_where_its_map_lies() -> None:
    """What is drawn changes with the pixels of its own quarter, and not with those of the opposite corner."""
    torch.manual_seed(0)
    critic, x = Critic((1, 64, 64), 4).eval(), torch.randn(1, 1, 64, 64)
    critic.excite = nn.ModuleList([Sealed() for _ in critic.excite])  # which look at the whole picture

    def drawn(picture: torch.Tensor) -> torch.Tensor:
        part: torch.Tensor = critic.rebuild(critic.maps(picture), picture, torch.tensor([0]))[1][0]
        return part

    far, near = x.clone(), x.clone()
    far[..., 60:, 60:] += 1
    near[..., :4, :4] += 1
    assert torch.equal(drawn(far), drawn(x))
    assert not torch.equal(drawn(near), drawn(x))


class Sealed(nn.Module):
    """Excitation that lets all pass."""

    def forward(self, far: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
        return near


def test_a_critic_can_learn_to_draw_what_it_saw() -> None:
    torch.manual_seed(0)
    critic, x = Critic((1, 16, 16), 8), torch.nn.functional.interpolate(torch.rand(8, 1, 4, 4) * 2 - 1, scale_factor=4)
    which = torch.arange(8) % 4
    optimiser = torch.optim.Adam(critic.parameters(), 5e-3)
    for _ in range(80):
        pairs = critic.rebuild(critic.maps(x), x, which)
        optimiser.zero_grad()
        torch.stack([mse_loss(drawn, true) for drawn, true in pairs]).sum().backward()
        optimiser.step()
    for drawn, true in critic.rebuild(critic.maps(x), x, which):
        assert mse_loss(drawn, true) < 0.2 * true.var()
