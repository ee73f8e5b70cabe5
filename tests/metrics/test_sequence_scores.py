"""The two scores of sequences tell good ones from bad ones."""

from __future__ import annotations

import torch

from sparring.metrics.sequences import discriminative, predictive


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
