"""Paths, truncation and inversion, on a generator that is known in full."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from made_up import pictures
from sparring import config, latents
from sparring.errors import SparringError
from sparring.gan import GAN

SPEC = pictures(1, 8, 8).spec


@dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    """Of the generator below."""

    latent: int = 8


class Known(GAN):
    """A fixed smooth function of the latent."""

    def __init__(self) -> None:
        super().__init__(SPEC, Config())
        chance = torch.Generator().manual_seed(0)
        self.generator = nn.Linear(8, 64)
        self.generator.weight.data = torch.randn(64, 8, generator=chance) / 4
        self.generator.requires_grad_(False)

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return torch.tanh(self.generator(noise)).view(-1, *SPEC.shape)


class WithItsOwn(Known):
    def truncate(self, noise: Tensor, given: Tensor, psi: float) -> Tensor:
        return torch.full((len(noise), *SPEC.shape), psi)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def nothing(n: int) -> Tensor:
    return torch.zeros(n, 0)


# ---------------------------------------------------------------- truncation


def test_truncation_scales_the_latent_and_one_changes_nothing() -> None:
    gan, noise = Known(), normal(5, 8)
    assert torch.equal(latents.sample(gan, noise, nothing(5)), gan.sample(noise, nothing(5)))
    assert torch.equal(latents.sample(gan, noise, nothing(5), 0.5), gan.sample(noise / 2, nothing(5)))
    alike = latents.sample(gan, noise, nothing(5), 0)
    assert torch.equal(alike, alike[:1].expand_as(alike))


def test_less_truncation_is_more_variation() -> None:
    gan, noise = Known(), normal(64, 8)
    spread = [float(latents.sample(gan, noise, nothing(64), psi).std(0).mean()) for psi in (0, 0.3, 0.7, 1, 1.5)]
    assert spread == sorted(set(spread))


def test_a_gan_may_truncate_in_its_own_way() -> None:
    gan, noise = WithItsOwn(), normal(3, 8)
    assert (latents.sample(gan, noise, nothing(3), 0.25) == 0.25).all()
    assert torch.equal(latents.sample(gan, noise, nothing(3), 1), gan.sample(noise, nothing(3)))


@pytest.mark.parametrize("psi", [-0.1, 1.6, math.nan, math.inf])
def test_truncations_without_meaning_are_refused(psi: float) -> None:
    with pytest.raises(SparringError, match=r"give one from 0 \(all alike\) over 1 \(as trained\) to 1\.5"):
        latents.sample(Known(), normal(1, 8), nothing(1), psi)


# ---------------------------------------------------------------- paths


def angles(frames: Tensor) -> Tensor:
    """Between each two neighbours, in radians."""
    unit = frames.flatten(1).double()
    unit = unit / unit.norm(dim=1, keepdim=True)
    return 2 * torch.asin(((unit[1:] - unit[:-1]).norm(dim=1) / 2).clamp(max=1))


def test_a_path_meets_its_keys_and_goes_at_constant_speed_between_them() -> None:
    keys = normal(4, 100)
    frames = latents.path(keys, 10)
    assert frames.shape == (31, 100)
    assert frames.dtype == keys.dtype
    torch.testing.assert_close(frames[::10], keys)
    assert torch.equal(frames[-1], keys[-1])
    for leg, whole in zip(angles(frames).view(3, 10), angles(keys), strict=True):
        torch.testing.assert_close(leg, (whole / 10).expand(10), rtol=1e-4, atol=0)


def test_a_path_never_leaves_the_shell_where_latents_lie() -> None:
    """A straight line would: half way between two normal latents it is 0.7 times as long."""
    keys = normal(6, 100)
    length = latents.path(keys, 16).norm(dim=1)
    for leg, (a, b) in zip(length[:-1].view(5, 16), pairwise(keys), strict=True):
        ends = sorted([float(a.norm()), float(b.norm())])
        assert leg.min() >= ends[0] - 1e-4
        assert leg.max() <= ends[1] + 1e-4
        torch.testing.assert_close(leg.diff(), (leg[1] - leg[0]).expand(15), atol=1e-4, rtol=0)
    assert ((keys[0] + keys[1]) / 2).norm() < 0.85 * length.min()


def test_neighbouring_frames_are_nearer_than_the_ends() -> None:
    keys = normal(2, 3, 4, 4)  # a latent may have any shape
    frames = latents.path(keys, 8)
    assert frames.shape == (9, 3, 4, 4)
    steps = (frames[1:] - frames[:-1]).flatten(1).norm(dim=1)
    assert steps.max() < (frames[-1] - frames[0]).norm() / 4
    to_end = (frames - frames[-1]).flatten(1).norm(dim=1)
    assert (to_end.diff() < 0).all()


@pytest.mark.parametrize("times", [1.0, 2.0, 1 + 1e-6])
def test_parallel_keys_differ_in_length_alone(times: float) -> None:
    key = normal(1, 16)
    frames = latents.path(torch.cat([key, times * key]), 4)
    for i, frame in enumerate(frames):
        torch.testing.assert_close(frame, key[0] * (1 + (times - 1) * i / 4))


def test_opposite_keys_are_joined_by_an_arc() -> None:
    key = normal(1, 16)
    frames = latents.path(torch.cat([key, -key]), 6)
    torch.testing.assert_close(angles(frames), torch.full((6,), math.pi / 6).double(), rtol=1e-4, atol=0)
    torch.testing.assert_close(frames.norm(dim=1), key.norm().expand(7))
    assert torch.equal(frames[-1], -key[0])


@pytest.mark.parametrize("keys", [[[1.0], [-2.0]], [[0.0, 0.0], [3.0, 4.0]], [[3.0, 4.0], [0.0, 0.0]]])
def test_keys_between_which_there_is_no_arc_are_met_all_the_same(keys: list[list[float]]) -> None:
    frames = latents.path(torch.tensor(keys), 4)
    assert frames.isfinite().all()
    torch.testing.assert_close(frames[[0, -1]], torch.tensor(keys))


def test_a_nearly_parallel_path_loses_no_digits() -> None:
    a = torch.nn.functional.normalize(normal(1, 16).double())
    b = a + 1e-7 * torch.eye(16).double()[:1]
    legs = angles(latents.path(torch.cat([a, b]), 4))
    torch.testing.assert_close(legs, angles(torch.cat([a, b])).expand(4) / 4, rtol=1e-3, atol=0)


def test_what_is_given_fades_from_key_to_key() -> None:
    keys = torch.tensor([[1.0, 0.0, 5.0], [0.0, 1.0, 7.0], [0.0, 1.0, 3.0]])
    shown = latents.between(keys, 2)
    expected = [[1, 0, 5], [0.5, 0.5, 6], [0, 1, 7], [0, 1, 5], [0, 1, 3]]
    assert shown.tolist() == expected
    assert latents.between(nothing(3), 2).shape == (5, 0)


# ---------------------------------------------------------------- inversion


def test_the_generators_own_sample_is_found_again() -> None:
    """Far nearer than the nearest of as many random latents as the search begins with, and its latent too."""
    gan, hidden = Known(), normal(1, 8, seed=9)
    picture = gan.sample(hidden, nothing(1))
    found = latents.invert(gan, picture)
    many = normal(latents.CANDIDATES, 8, seed=5)
    random = min(
        latents.difference(picture, made[None]) for made in gan.sample(many, nothing(latents.CANDIDATES)).unbind()
    )
    assert random > 10, "or else this tests nothing"
    assert found.error < random / 10
    assert found.error == latents.difference(picture, found.sample)
    assert (found.noise - hidden).norm() < 0.2 * hidden.norm()
    torch.testing.assert_close(gan.sample(found.noise, found.given), found.sample)


def test_the_prior_keeps_the_latent_of_an_unlikely_picture_where_latents_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    gan, bright = Known(), Known().sample(6 * normal(1, 8), nothing(1))
    near = latents.invert(gan, bright).noise.norm()
    monkeypatch.setattr(latents, "PRIOR", 0.0)
    assert latents.invert(gan, bright).noise.norm() > 1.2 * near


def test_the_seed_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latents, "STEPS", 5)
    gan, picture = Known(), torch.rand(1, *SPEC.shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    first, again, other = (latents.invert(gan, picture, seed).noise for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_sample_of_the_same_seed_is_not_among_the_starts() -> None:
    """Or else inverting a run's own samples would flatter the run."""
    gan = Known()
    begin = latents.mix("inversion", 0)
    assert (gan.latents(latents.CANDIDATES, begin)[:, None] - gan.latents(64, 0)).abs().sum(2).min() > 0.1


def test_the_difference_counts_bytes() -> None:
    one, other = (torch.full((1, *SPEC.shape), value) for value in (-1.0, 1.0))
    assert latents.difference(one, other) == 255
    other[..., :4] = -1.0
    assert latents.difference(one, other) == 127.5
    assert latents.difference(one, one + 1 / 1000) == 0, "less than a file can hold"
