"""lsgan, wgan and wgan_gp: what each has of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from sparring.data.batches import Batch
from sparring.data.spec import Spec
from sparring.recipes import lsgan, wgan, wgan_gp

SPEC = Spec("pictures", "noise", (1, 8, 8), (-1.0, 1.0), 64)
NOTHING = torch.zeros(6, 0)


class Counted:
    """Endless batches of bright pictures, counted."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self.taken += 1
        return Batch(torch.rand(6, *SPEC.shape), NOTHING)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_the_border_of_least_squares_lies_between_its_targets() -> None:
    gan = lsgan.LSGAN(SPEC, lsgan.Config())
    x = torch.rand(6, *SPEC.shape)
    torch.testing.assert_close(gan.critique(x, NOTHING), gan.critic(x) - 0.5)
    constant(gan.critic, 1.0)
    terms = dict(gan.step(Counted()))
    assert [terms["critic"][name].item() for name in ("real", "fake")] == [0, 0.5]
    assert terms["generator"]["fool"].item() == 0
    assert (gan.critique(x, NOTHING) == 0.5).all()


def constant(critic: nn.Module, score: float) -> None:
    """Make a critic give the same score to all."""
    nn.init.zeros_(critic.head.weight)  # type: ignore[union-attr,arg-type]
    nn.init.constant_(critic.head.bias, score)  # type: ignore[union-attr,arg-type]


@pytest.mark.parametrize("turns", [1, 5])
@pytest.mark.parametrize("recipe", [wgan, wgan_gp])
def test_the_critic_has_its_turns_on_fresh_batches_before_the_generator_has_one(recipe: object, turns: int) -> None:
    config = recipe.Config(critic_turns=turns)  # type: ignore[attr-defined]
    gan = recipe.WGAN(SPEC, config) if recipe is wgan else wgan_gp.WGANGP(SPEC, config)  # type: ignore[attr-defined]
    batches = Counted()
    assert [who for who, _ in gan.step(batches)] == ["critic"] * turns + ["generator"]
    assert batches.taken == turns


@pytest.mark.parametrize("recipe", [wgan, wgan_gp])
def test_the_critics_turns_leave_the_generator_without_a_graph(recipe: object) -> None:
    gan = wgan.WGAN(SPEC, wgan.Config()) if recipe is wgan else wgan_gp.WGANGP(SPEC, wgan_gp.Config())
    who, terms = next(gan.step(Counted()))
    assert who == "critic"
    weights = list(gan.generator.parameters())
    assert torch.autograd.grad(sum(terms.values()), weights, allow_unused=True) == (None,) * len(weights)


def test_weights_are_clipped_before_each_turn_and_not_between_a_loss_and_its_gradient() -> None:
    gan = wgan.WGAN(SPEC, wgan.Config(clipping=0.01))
    for who, terms in gan.step(Counted()):
        assert all(weight.abs().max() <= 0.01 for weight in gan.critic.parameters()), who
        sum(terms.values()).backward()  # type: ignore[union-attr]
        with torch.no_grad():
            for weight in gan.critic.parameters():
                weight += 1 - 2 * torch.rand_like(weight)  # what an optimiser might do
    assert max(weight.abs().max() for weight in gan.critic.parameters()) > 0.5, "the control: it had been moved out"


def test_the_penalty_of_wgan_gp_is_lambda_and_the_remedys_factor_times_the_slopes_distance_from_one() -> None:
    gan = wgan_gp.WGANGP(SPEC, wgan_gp.Config(gradient_penalty=10.0))
    nn.init.zeros_(gan.critic.head.weight)
    gan.penalty = 4.0
    x = torch.rand(6, *SPEC.shape)
    assert gan.against(x, -x)["gradient_penalty"].item() == pytest.approx(40.0, rel=1e-4)  # a flat critic's slope is 0


def test_drift_is_the_mean_square_of_the_scores_of_data_and_can_be_left_out() -> None:
    gan = wgan_gp.WGANGP(SPEC, wgan_gp.Config(drift=0.5))
    constant(gan.critic, 3.0)
    x = torch.rand(6, *SPEC.shape)
    assert gan.against(x, -x)["drift"].item() == pytest.approx(4.5)
    assert "drift" not in wgan_gp.WGANGP(SPEC, wgan_gp.Config(drift=0.0)).against(x, -x)


def test_the_critic_of_wgan_gp_scores_each_picture_by_itself() -> None:
    gan = wgan_gp.WGANGP(SPEC, wgan_gp.Config())
    x = torch.rand(6, *SPEC.shape)
    torch.testing.assert_close(gan.critic(x)[2:3], gan.critic(x[2:3]))
