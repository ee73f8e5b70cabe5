"""The two scores of sequences tell good ones from bad ones."""

from __future__ import annotations

import torch

from sparring.metrics.sequences import discriminative, predictive, shuffled, told_apart, var


def waves(count: int, seed: int) -> torch.Tensor:
    """(count, 2, 12): the second channel is where the first was a step before."""
    phase = torch.rand(count, 1, generator=torch.Generator().manual_seed(seed)) * 6.3
    steps = torch.arange(13) / 2
    wave = (phase + steps).sin() * 0.8
    return torch.stack([wave[:, 1:], wave[:, :-1]], 1)


def test_real_ones_are_not_told_apart_and_shuffled_ones_are() -> None:
    real, other = waves(200, 0), waves(200, 1)
    assert discriminative(real, other, rounds=80) < 0.2
    assert discriminative(real, other.roll(1, 0)[:, :, torch.randperm(12)], rounds=80) > 0.35


def test_what_learns_from_unrelated_channels_predicts_worse() -> None:
    real, other = waves(200, 0), waves(200, 1)
    torn = torch.stack([other[:, 0], other[torch.randperm(200), 1]], 1)
    good, bad = (predictive(fake, real, rounds=120) for fake in (other, torn))
    assert good < 0.1 < bad
    assert predictive(other, real, rounds=120) == good


def test_a_vector_autoregression_is_one_and_keeps_what_channels_have_to_do_with_each_other() -> None:
    real = waves(400, 0)
    made, torn = var(real), shuffled(real)
    assert made.shape == torn.shape == real.shape
    assert made.abs().max() <= 1
    lag = [float((x[:, 1, 1:] - x[:, 0, :-1]).abs().mean()) for x in (real, made, torn)]
    assert lag[0] < 1e-6
    assert lag[1] < 0.1 < lag[2], "the second channel is the first a step before"
    assert torch.equal(torn[:, 0].sort(0).values, real[:, 0].sort(0).values)
    assert var(real[:, :1]).shape == (400, 1, 12)


def test_several_judges_are_one_mean() -> None:
    real, other = waves(60, 0), waves(60, 1)
    each = [discriminative(real, other, seed, 10) for seed in range(2)]
    assert told_apart(real, other, 2, 10) == sum(each) / 2
