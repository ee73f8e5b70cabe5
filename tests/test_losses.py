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
