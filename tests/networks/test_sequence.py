"""Convolutions along time, for sequences of any length."""

from __future__ import annotations

import pytest
import torch

from sparring.networks.sequence import OWN, Critic, Generator, lengths


@pytest.mark.parametrize("steps", [2, 5, 24, 31])
def test_any_length_can_be_made_and_judged(steps: int) -> None:
    generator, critic = Generator(8, (3, steps), 4), Critic((3, steps), 4, (0.1, 0.2, 0.3))
    made = generator(torch.randn(5, 8 + OWN * steps))
    assert made.shape == (5, 3, steps)
    assert made.abs().max() <= 1
    assert critic(made).shape == (5,)
    assert lengths(steps)[-1] == steps


def test_a_step_of_its_own_noise_changes_that_step_and_its_neighbours_only() -> None:
    generator = Generator(8, (2, 24), 4).eval()
    noise = torch.randn(1, 8 + OWN * 24)
    other = noise.clone()
    other[0, 8 + 12] += 1  # of the first channel of noise, step 12
    moved = (generator(noise) - generator(other)).abs().sum(1)[0] > 1e-7
    assert moved[12]
    assert moved.nonzero().flatten().tolist() == [at for at in range(24) if moved[at] and abs(at - 12) <= 4]


def test_changes_are_shown_in_each_channels_own_unit() -> None:
    """A small wiggle moves the score more where changes are usually small."""
    torch.manual_seed(0)
    calm, lively = Critic((1, 24), 4, (0.01,)), Critic((1, 24), 4, (1.0,))
    lively.load_state_dict(calm.state_dict())
    flat = torch.zeros(1, 1, 24)
    wiggle = flat + 0.05 * torch.tensor([1.0, -1] * 12)
    assert (calm(wiggle) - calm(flat)).abs() > (lively(wiggle) - lively(flat)).abs()
