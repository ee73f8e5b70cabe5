"""Random numbers are a function of (seed, step), however the batch is shared out."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch

from sparring.draws import Draws, mix, seed_everything

CPU = torch.device("cpu")


def numbers(draws: Draws, step: int, n: int = 4) -> list[torch.Tensor]:
    """What a round might ask for, in an order that mixes the two kinds."""
    draws.at(step)
    return [draws.normal(n, 3), draws.uniform(n), draws.normal(n, 2, 2)]


@pytest.mark.parametrize("shares", [2, 4])
def test_the_shares_put_together_are_the_whole_draw(shares: int) -> None:
    whole = numbers(Draws(5, 0, 1), 7, 8)
    parts = [numbers(Draws(5, share, shares), 7, 8 // shares) for share in range(shares)]
    for i, tensor in enumerate(whole):
        assert torch.equal(torch.cat([part[i] for part in parts]), tensor)


def test_the_same_step_gives_the_same_numbers_whatever_came_before() -> None:
    draws = Draws(5, 0, 1)
    first = numbers(draws, 3)
    draws.normal(100)
    torch.manual_seed(99)
    for again in (numbers(draws, 3), numbers(Draws(5, 0, 1), 3)):
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_fresh_draws_stand_at_step_0() -> None:
    assert torch.equal(Draws(5, 0, 1).normal(4, 3), numbers(Draws(5, 0, 1), 0)[0])


def test_other_steps_and_other_seeds_give_other_numbers() -> None:
    seen = [numbers(Draws(seed, 0, 1), step)[0] for seed in range(4) for step in range(4)]
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(seen, 2))


def test_one_call_after_another_gives_fresh_numbers() -> None:
    draws = Draws(0, 0, 1)
    assert not torch.equal(draws.normal(4), draws.normal(4))
    assert not torch.equal(draws.uniform(4), draws.uniform(4))


def test_normal_is_standard_normal_and_uniform_fills_the_unit_interval() -> None:
    draws = Draws(0, 0, 1)
    normal, uniform = draws.normal(20_000), draws.uniform(20_000)
    assert normal.dtype == uniform.dtype == torch.float32
    assert normal.mean().item() == pytest.approx(0, abs=0.03)
    assert normal.std().item() == pytest.approx(1, abs=0.03)
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() < 1
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.01)


def test_common_numbers_are_those_of_the_step_for_every_share_whatever_its_size() -> None:
    def common(share: int, shares: int, step: int) -> list[float]:
        draws = Draws(5, share, shares)
        draws.at(step)
        first = draws.common()
        draws.normal(4 + share)
        return [first, draws.common()]

    whole = common(0, 1, 7)
    assert all(common(share, 4, 7) == whole for share in range(4))
    assert whole[0] != whole[1]
    assert common(0, 1, 8)[0] not in whole
    draws = Draws(5, 0, 1)
    numbers = [draws.common() for _ in range(2000)]
    assert 0 <= min(numbers) < 0.01 < 0.99 < max(numbers) < 1
    assert sum(numbers) / 2000 == pytest.approx(0.5, abs=0.03)


def test_draws_do_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    numbers(Draws(0, 0, 1), 1)
    assert torch.equal(torch.get_rng_state(), before)


def everywhere() -> tuple[float, float, float]:
    """A number from each global generator."""
    return torch.rand(()).item(), float(np.random.rand()), random.random()


def test_seed_everything_sets_torch_numpy_and_random() -> None:
    seed_everything(1, 2, 3, CPU)
    first = everywhere()
    assert all(a != b for a, b in zip(first, everywhere(), strict=True)), "the control: they move on"
    seed_everything(1, 2, 3, CPU)
    assert everywhere() == first


@pytest.mark.parametrize("other", [(2, 2, 3), (1, 3, 3), (1, 2, 4), (2, 1, 3)])
def test_seed_step_and_process_each_change_every_generator(other: tuple[int, int, int]) -> None:
    seed_everything(1, 2, 3, CPU)
    first = everywhere()
    seed_everything(*other, CPU)
    assert all(a != b for a, b in zip(first, everywhere(), strict=True))


def test_mix_tells_permuted_arguments_apart() -> None:
    assert len({mix("a", *order) for order in itertools.permutations((1, 2, 3))}) == 6


def test_mix_spreads_small_numbers_over_all_63_bits() -> None:
    seeds = [mix("a", a, b) for a in range(40) for b in range(1, 41)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    for bit in range(63):
        share = sum(seed >> bit & 1 for seed in seeds) / len(seeds)
        assert share == pytest.approx(0.5, abs=0.07)


def test_no_two_purposes_share_a_seed() -> None:
    """Not by leaving numbers out, adding zeros or going past 32 bits either: noise must not equal dropout."""
    wanted = [(p, *n) for p in ("a", "b") for n in ((), (0,), (0, 0), (5,), (5, 0), (0, 5), (2**32,), (0, 1), (1, 0))]
    assert len({mix(*each) for each in wanted}) == len(wanted)
    seed_everything(3, 4, 0, CPU)
    assert not torch.equal(torch.randn(8, 4), numbers(Draws(3, 0, 1), 4)[0])
