"""The guard against NaN: it counts, it puts buffers back, and a fused optimiser obeys it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from sparring.guard import Guard

NAN, INF = float("nan"), float("inf")
CPU = torch.device("cpu")


def turn(guard: Guard, terms: list[float], norm: float = 1.0) -> bool:
    return bool(guard.turn(torch.tensor(terms), torch.tensor(norm)))


def play(guard: Guard, rounds: str) -> None:
    """Rounds of two turns each; "x" is a round whose first turn is not finite, "." a good one."""
    for each in rounds:
        turn(guard, [NAN if each == "x" else 1.0])
        turn(guard, [1.0])
        guard.end_round()


@pytest.mark.parametrize(
    ("terms", "norm", "bad"),
    [
        ([1.0, -2.0], 3.0, False),
        ([0.0], 0.0, False),
        ([NAN, 1.0], 1.0, True),
        ([1.0, INF], 1.0, True),
        ([INF, -INF], 1.0, True),
        ([1.0], NAN, True),
        ([-INF], INF, True),
        ([1.0], INF, True),
    ],
)
def test_a_turn_is_bad_when_a_term_or_the_gradient_is_not_finite(terms: list[float], norm: float, bad: bool) -> None:
    assert turn(Guard(nn.Linear(1, 1), CPU), terms, norm) is bad


@pytest.mark.parametrize(
    ("rounds", "skipped", "worst"),
    [("", 0, 0), ("....", 0, 0), ("x", 1, 1), (".xx.x.", 3, 2), ("xxx", 3, 3), ("x.xx.xxxx..x", 8, 4)],
)
def test_skipped_rounds_and_the_longest_streak_are_counted(rounds: str, skipped: int, worst: int) -> None:
    guard = Guard(nn.Linear(1, 1), CPU)
    play(guard, rounds)
    assert guard.look() == (skipped, worst)


def test_two_bad_turns_in_a_round_are_one_skipped_round() -> None:
    guard = Guard(nn.Linear(1, 1), CPU)
    turn(guard, [NAN])
    turn(guard, [NAN])
    guard.end_round()
    assert guard.look() == (1, 1)


def test_looking_starts_a_new_longest_streak_and_goes_on_with_the_present_one() -> None:
    guard = Guard(nn.Linear(1, 1), CPU)
    play(guard, "xxx.x")
    assert guard.look() == (4, 3)
    assert guard.look() == (4, 1), "the present streak is not forgotten"
    play(guard, "x")
    assert guard.look() == (5, 2), "a streak may straddle a look"
    play(guard, "..")
    assert guard.look() == (5, 2), "it had reached 2 at the last look"
    assert guard.look() == (5, 0)


def test_a_bad_round_puts_the_buffers_back_to_the_last_good_round() -> None:
    norm = nn.BatchNorm1d(2)
    guard = Guard(norm, CPU)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(torch.tensor([3.0, 4.0]))
    play(guard, ".")
    assert norm.running_mean.tolist() == [3.0, 4.0], "a good round keeps what it learnt"
    norm.running_mean.fill_(NAN)
    norm.running_var.fill_(5.0)
    play(guard, "x")
    assert norm.running_mean.tolist() == [3.0, 4.0]
    assert norm.running_var.tolist() == [1.0, 1.0], "finite values of a bad round go too"
    norm.running_mean.fill_(6.0)
    play(guard, ".")
    assert norm.running_mean.tolist() == [6.0, 6.0]


def one_step(optimiser: torch.optim.Optimizer, weight: nn.Parameter, guard: Guard, gradient: float) -> None:
    weight.grad = torch.full_like(weight, gradient)
    optimiser.found_inf = guard.turn(torch.ones(1), weight.grad.norm())  # type: ignore[attr-defined]
    optimiser.step()
    guard.end_round()


def test_fused_adam_leaves_weights_and_its_own_state_alone_in_a_bad_turn() -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = torch.optim.Adam([weight], 0.1, fused=True)
    guard = Guard(nn.ParameterList([weight]), CPU)
    one_step(optimiser, weight, guard, 0.5)
    kept, state = weight.detach().clone(), copy.deepcopy(optimiser.state[weight])
    assert set(state) >= {"step", "exp_avg", "exp_avg_sq"}
    for gradient in (NAN, INF):
        one_step(optimiser, weight, guard, gradient)
        assert torch.equal(weight, kept)
        assert all(torch.equal(optimiser.state[weight][key], value) for key, value in state.items())
    one_step(optimiser, weight, guard, 0.5)
    assert not torch.equal(weight, kept), "the next good turn steps again"
    assert guard.look() == (2, 2)


def test_a_skipped_turn_leaves_no_trace_in_what_follows() -> None:
    weights = [nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2)]
    for weight, gradients in zip(weights, ([0.5, 0.1, -0.2], [0.5, NAN, 0.1, INF, -0.2]), strict=True):
        optimiser = torch.optim.Adam([weight], 0.1, fused=True)
        guard = Guard(nn.ParameterList([weight]), CPU)
        for gradient in gradients:
            one_step(optimiser, weight, guard, gradient)
    assert torch.equal(*weights)


def test_reset_takes_over_the_account_and_the_buffers_and_forgets_the_streak() -> None:
    norm = nn.BatchNorm1d(2)
    guard = Guard(norm, CPU)
    play(guard, "xxx")
    turn(guard, [NAN])  # in the middle of a round
    assert norm.running_mean is not None
    norm.running_mean.fill_(8.0)  # weights just loaded
    guard.reset(5)
    assert guard.look() == (5, 0)
    play(guard, ".")
    assert guard.look() == (5, 0), "the bad turn before the reset is forgotten"
    norm.running_mean.fill_(NAN)
    play(guard, "x")
    assert norm.running_mean.tolist() == [8.0, 8.0]
    assert guard.look() == (6, 1)
    guard.reset(0)
    play(guard, ".")
    assert guard.look() == (0, 0)


def test_counting_the_skipped_rounds_does_not_forget_a_streak() -> None:
    """A report or a checkpoint between two looks must not hide three bad rounds from whoever heals."""
    guard = Guard(torch.nn.Linear(1, 1), torch.device("cpu"))
    for value in (float("nan"), float("nan"), float("nan"), 1.0):
        guard.turn(torch.tensor([value]), torch.tensor(1.0))
        guard.end_round()
    assert guard.skipped() == 3
    assert guard.look() == (3, 3)
