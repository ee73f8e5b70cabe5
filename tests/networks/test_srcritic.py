"""Critics of enlarged pictures: any crop, how far a score sees, features, and where spectra are normalised."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from sparring.networks.srcritic import Critic, UNetCritic, lost

SIZES = [(1, 1), (3, 5), (2, 9), (8, 8), (23, 17), (32, 24)]


@pytest.mark.parametrize(("layers", "side"), [(0, 1), (1, 5), (2, 13), (3, 29), (4, 61)])
def test_a_score_sees_a_patch_of_the_side_that_it_says(layers: int, side: int) -> None:
    critic = Critic(2, 3, layers).double()
    x = torch.randn(1, 2, 2 * side + 32, 2 * side + 32, dtype=torch.float64, requires_grad=True)
    scores = critic(x)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert x.grad is not None
    assert int((x.grad.abs().sum((0, 1, 2)) > 0).sum()) == critic.reach == side


@pytest.mark.parametrize("size", SIZES)
def test_any_crop_is_scored_in_patches_or_pixel_by_pixel(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    for layers in (1, 3):
        assert Critic(3, 4, layers)(x).shape == (2, 1, *(-(-side // 2**layers) for side in size))
    for depth in (1, 3):
        assert UNetCritic(3, 4, depth)(x).shape == (2, 1, *size)


@pytest.mark.parametrize("critic", [Critic(3, 8), Critic(3, 8, spectral=True), UNetCritic(3, 8)])
def test_a_pictures_scores_do_not_depend_on_its_company(critic: Critic | UNetCritic) -> None:
    x = torch.randn(4, 3, 21, 18)
    torch.testing.assert_close(critic(x[1:2]), critic(x)[1:2])
    assert torch.equal(critic.per_picture(x), critic(x).mean((1, 2, 3)))


@pytest.mark.parametrize("critic", [Critic(3, 16), UNetCritic(3, 16)])
def test_without_norms_the_first_scores_still_tell_pictures_apart(critic: Critic | UNetCritic) -> None:
    """Weights of a spread of 0.02 would leave a thousandth of it."""
    x = torch.randn(8, 3, 32, 32, requires_grad=True)
    scores = critic(x)
    assert 0.03 < float(scores.detach().std()) < 10
    scores.sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in critic.parameters())
    assert x.grad is not None
    assert bool((x.grad != 0).all())


def test_features_are_what_the_scores_are_made_of() -> None:
    x = torch.randn(2, 3, 24, 32)
    critic = Critic(3, 4, 3)
    maps = critic.features(x)
    assert [m.shape[1:] for m in maps] == [(4, 12, 16), (8, 6, 8), (16, 3, 4), (32, 3, 4)]
    torch.testing.assert_close(critic.head(maps[-1]), critic(x))
    assert Critic(3, 1, 6).features(x)[-1].shape[1] == 8, "at most eight times as many"
    unet = UNetCritic(3, 4, 3)
    maps = unet.features(x)
    down = [(4, 24, 32), (8, 12, 16), (16, 6, 8), (32, 3, 4)]
    assert [m.shape[1:] for m in maps] == [*down, *down[2::-1], down[0]]
    torch.testing.assert_close(unet.head(maps[-1]), unet(x))


def test_the_u_nets_levels_are_added_to_their_own() -> None:
    """Cut off from below, a score still sees its neighbourhood, through the finest level alone."""
    critic = UNetCritic(1, 4, 3).double()
    for up in critic.up:
        up.register_forward_hook(lambda module, given, made: torch.zeros_like(made))
    x = torch.randn(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    critic(x)[0, 0, 16, 16].backward()
    assert x.grad is not None
    assert int((x.grad.abs().sum((0, 1, 2)) > 0).sum()) == 9, "four convolutions of 3×3"


def test_a_small_picture_is_scored_as_one_whose_edge_is_repeated() -> None:
    critic, x = UNetCritic(3, 4, 3), torch.randn(1, 3, 5, 12)
    longer = torch.cat([x, x[:, :, -1:].expand(-1, -1, 3, -1)], 2)
    torch.testing.assert_close(critic(x), critic(longer)[:, :, :5])


def test_spectra_are_normalised_where_the_papers_are() -> None:
    def normalised(critic: nn.Module) -> list[bool]:
        return [parametrize.is_parametrized(m) for m in critic.modules() if isinstance(m, nn.Conv2d)]

    assert not any(normalised(Critic(3, 4, 2)))
    assert normalised(Critic(3, 4, 2, spectral=True)) == [True] * 6
    assert normalised(UNetCritic(3, 4, 3)) == [False, *[True] * 8, False], "all but the first and the last"
    for module in UNetCritic(3, 4).modules():
        if isinstance(module, nn.Conv2d) and parametrize.is_parametrized(module):
            assert float(torch.linalg.matrix_norm(module.weight.detach().flatten(1), 2)) == pytest.approx(1, abs=0.25)


def test_a_critic_of_a_scale_sees_what_shrinking_takes_away_and_little_else() -> None:
    """The fine of a picture, and neither its colour nor what bicubic enlargement can tell."""
    noise = torch.rand(2, 3, 32, 32) * 2 - 1
    smooth = torch.nn.functional.interpolate(noise[..., :4, :4], (32, 32), mode="bicubic")
    assert torch.equal(lost(noise, 1), noise)
    assert lost(smooth, 2).abs().mean() < 0.05 * lost(noise, 2).abs().mean()
    torch.testing.assert_close(lost(noise + 0.3, 2), lost(noise, 2), atol=1e-4, rtol=0)
    plain, fine = Critic(3, 8, 2), Critic(3, 8, 2, scale=2)
    fine.load_state_dict(plain.state_dict())
    torch.testing.assert_close(fine(noise), plain(lost(noise, 2)))
    unet = UNetCritic(3, 8, 1, scale=2)
    torch.testing.assert_close(unet(noise + 0.3), unet(noise), atol=1e-3, rtol=0)
