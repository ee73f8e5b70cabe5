"""Adversarial losses against values worked out by hand and a plain log(sigmoid) in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sparring import losses

Loss = Callable[[torch.Tensor], torch.Tensor]
EVERY: list[Loss] = [losses.tell_real, losses.tell_fake, losses.non_saturating, losses.minimax]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


PAPER: dict[Loss, Callable[[np.ndarray], np.ndarray]] = {
    losses.tell_real: lambda x: -np.log(sigmoid(x)),
    losses.tell_fake: lambda x: -np.log(1 - sigmoid(x)),
    losses.non_saturating: lambda x: -np.log(sigmoid(x)),
    losses.minimax: lambda x: np.log(1 - sigmoid(x)),
}


def slope(loss: Loss, logit: float) -> float:
    """d loss / d logit for a single score."""
    score = torch.tensor([logit], requires_grad=True)
    loss(score).backward()  # type: ignore[no-untyped-call]
    assert score.grad is not None
    return score.grad.item()


@pytest.mark.parametrize("loss", EVERY)
@pytest.mark.parametrize("shape", [(7,), (2, 1, 5, 5)])
def test_a_loss_is_the_mean_of_the_papers_formula(loss: Loss, shape: tuple[int, ...]) -> None:
    scores = np.random.default_rng(0).normal(0, 4, shape)
    value = loss(torch.from_numpy(scores))
    assert value.shape == ()
    assert value.item() == pytest.approx(PAPER[loss](scores).mean(), rel=1e-9)


def test_values_worked_out_by_hand() -> None:
    undecided, three_to_one = torch.zeros(4), torch.full((4,), float(np.log(3)))  # sigmoid(log 3) = 3/4
    for loss in EVERY:
        sign = -1 if loss is losses.minimax else 1
        assert loss(undecided).item() == pytest.approx(sign * np.log(2))
    assert losses.tell_real(three_to_one).item() == pytest.approx(np.log(4 / 3))
    assert losses.tell_fake(three_to_one).item() == pytest.approx(np.log(4))
    assert losses.non_saturating(three_to_one).item() == pytest.approx(np.log(4 / 3))
    assert losses.minimax(three_to_one).item() == pytest.approx(-np.log(4))


@pytest.mark.parametrize("loss", EVERY)
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_huge_scores_cost_their_size_and_not_infinity(loss: Loss, logit: float) -> None:
    """-log sigmoid(x) tends to -x on the wrong side and to 0 on the right one."""
    wrong_side = logit < 0 if loss in (losses.tell_real, losses.non_saturating) else logit > 0
    sign = -1 if loss is losses.minimax else 1
    assert loss(torch.tensor([logit])).item() == (sign * 1e4 if wrong_side else 0)
    assert slope(loss, logit) == pytest.approx((sign * np.sign(logit)) if wrong_side else 0)


def test_minimax_stops_teaching_when_the_critic_wins_and_non_saturating_does_not() -> None:
    assert slope(losses.minimax, -20.0) == pytest.approx(-sigmoid(np.float64(-20.0)), rel=1e-4)
    assert abs(slope(losses.minimax, -20.0)) < 1e-8
    assert slope(losses.non_saturating, -20.0) == pytest.approx(-1)


@pytest.mark.parametrize("logit", [-3.0, 0.0, 3.0])
def test_the_critic_lifts_real_scores_and_lowers_fake_ones_and_the_generator_wants_them_up(
    logit: float,
) -> None:
    assert slope(losses.tell_real, logit) < 0
    assert slope(losses.tell_fake, logit) > 0
    assert slope(losses.non_saturating, logit) < 0
    assert slope(losses.minimax, logit) < 0


def test_the_generators_minimax_loss_is_the_negative_of_the_critics() -> None:
    scores = torch.randn(9)
    assert losses.minimax(scores) == -losses.tell_fake(scores)


Formula = Callable[[np.ndarray], np.ndarray]
LATER: dict[Loss, Formula] = {
    losses.hinge_real: lambda x: np.maximum(0, 1 - x),
    losses.hinge_fake: lambda x: np.maximum(0, 1 + x),
    losses.critic_real: lambda x: -x,
    losses.critic_fake: lambda x: x,
    losses.raise_scores: lambda x: -x,
    losses.towards_one: lambda x: (x - 1) ** 2 / 2,
    losses.towards_zero: lambda x: x**2 / 2,
}
BY_HAND: dict[Loss, float] = {  # of the scores -2, 0.5 and 3
    losses.hinge_real: (3 + 0.5 + 0) / 3,
    losses.hinge_fake: (0 + 1.5 + 4) / 3,
    losses.critic_real: -0.5,
    losses.critic_fake: 0.5,
    losses.raise_scores: -0.5,
    losses.towards_one: (9 + 0.25 + 4) / 6,
    losses.towards_zero: (4 + 0.25 + 9) / 6,
}


@pytest.mark.parametrize("loss", LATER)
@pytest.mark.parametrize("shape", [(7,), (2, 1, 5, 5)])
def test_hinge_wasserstein_and_least_squares_are_the_mean_of_the_papers_formula(
    loss: Loss, shape: tuple[int, ...]
) -> None:
    scores = np.random.default_rng(0).normal(0, 4, shape)
    value = loss(torch.from_numpy(scores))
    assert value.shape == ()
    assert value.item() == pytest.approx(LATER[loss](scores).mean(), rel=1e-9)


@pytest.mark.parametrize("loss", BY_HAND)
def test_their_values_worked_out_by_hand(loss: Loss) -> None:
    assert loss(torch.tensor([-2.0, 0.5, 3.0])).item() == pytest.approx(BY_HAND[loss])


def test_hinge_leaves_alone_what_is_beyond_its_margin() -> None:
    assert [slope(losses.hinge_real, score) for score in (-5.0, 0.9, 1.1)] == [-1, -1, 0]
    assert [slope(losses.hinge_fake, score) for score in (-1.1, -0.9, 5.0)] == [0, 1, 1]


def test_the_wasserstein_slope_is_the_same_everywhere() -> None:
    for score in (-50.0, 0.0, 50.0):
        assert slope(losses.critic_real, score) == -1
        assert slope(losses.critic_fake, score) == 1
        assert slope(losses.raise_scores, score) == -1


def test_least_squares_pull_back_what_is_beyond_the_target() -> None:
    """The logarithm does not: it gains by any distance on the right side."""
    assert [slope(losses.towards_one, score) for score in (0.0, 1.0, 3.0)] == [-1, 0, 2]
    assert [slope(losses.towards_zero, score) for score in (-2.0, 0.0, 1.0)] == [-2, 0, 1]
    assert slope(losses.non_saturating, 3.0) < 0


def test_relativistic_scores_are_compared_pair_by_pair() -> None:
    """sigmoid(log 3) = 3/4: a winner log 3 above its loser costs log 4/3, one as far below costs log 4."""
    three = float(np.log(3))
    winners, losers = torch.tensor([three, 5.0]), torch.tensor([0.0, 5.0 + three])
    assert losses.relativistic(winners, losers).item() == pytest.approx((np.log(4 / 3) + np.log(4)) / 2)
    assert losses.relativistic(winners, losers.flip(0)).item() != pytest.approx((np.log(4 / 3) + np.log(4)) / 2)
    torch.testing.assert_close(losses.relativistic(winners + 9, losers + 9), losses.relativistic(winners, losers))


def test_relativistic_lifts_winners_as_much_as_it_lowers_losers() -> None:
    winners, losers = torch.randn(2, 9).requires_grad_(True).unbind(0)
    up, down = torch.autograd.grad(losses.relativistic(winners, losers), [winners, losers])
    assert (up < 0).all()
    torch.testing.assert_close(up, -down)


@pytest.mark.parametrize("far", [-1e4, 1e4])
def test_a_pair_that_lies_far_apart_costs_its_distance_and_not_infinity(far: float) -> None:
    assert losses.relativistic(torch.tensor([far]), torch.tensor([0.0])).item() == max(0.0, -far)
