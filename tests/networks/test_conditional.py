"""What is given reaches every conditional network, in the way that its paper says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from sparring.data.columns import describe
from sparring.data.given import draw, parse
from sparring.data.spec import Spec
from sparring.errors import SparringError
from sparring.networks.conditional import ConcatCritic, Generator, LabellingCritic, ProjectionCritic, embedding

CHANCE = np.random.default_rng(0)
COLUMNS = (
    describe("smiling", CHANCE.integers(0, 2, 500).astype(np.float32)),
    describe("age", CHANCE.normal(40, 9, 500).astype(np.float32)),
)
PLAIN = Spec("pictures", "pets", (3, 12, 20), (-1.0, 1.0), 500)
CLASSES = replace(PLAIN, classes=("cat", "dog", "fish"))
BOTH = replace(CLASSES, columns=COLUMNS)
SPECS = [CLASSES, replace(PLAIN, columns=COLUMNS), BOTH]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("spec", SPECS)
def test_an_embedding_is_as_large_as_a_latent_however_much_is_given(spec: Spec) -> None:
    out = embedding(spec, 64)(draw(spec, 500, 0))
    assert out.shape == (500, 64)
    assert 0.5 < out.square().mean() < 2  # a flag, which is 0 or 1, counts for less than a number


def test_data_that_gives_nothing_is_refused_with_the_remedy() -> None:
    with pytest.raises(SparringError, match=r"pets has neither classes nor columns.*recipe dcgan.*folder"):
        embedding(PLAIN, 8)


@pytest.mark.parametrize(("less", "more"), [("cat", "dog"), ("smiling=0", "smiling=1"), ("age=30", "age=50")])
@pytest.mark.parametrize("critic", [ProjectionCritic(BOTH, 4, "none"), ConcatCritic(BOTH, 4, 4, "none")])
def test_a_class_a_flag_and_a_number_change_the_picture_and_the_score(less: str, more: str, critic: nn.Module) -> None:
    generator = Generator(BOTH, 6, 8, 4).eval()
    z, wishes = torch.randn(2, 6), [parse(BOTH, wish, 2, seed=0) for wish in (less, more)]
    pictures = [generator(z, wish) for wish in wishes]
    assert pictures[0].shape == (2, 3, 12, 20)
    assert ((pictures[0] - pictures[1]).abs().amax((1, 2, 3)) > 1e-6).all()
    scores = [critic(pictures[0], wish) for wish in wishes]
    assert scores[0].shape == (2,)
    assert (scores[0] != scores[1]).all()


def test_a_projection_is_the_unconditional_score_and_the_inner_product_with_the_classs_vector() -> None:
    critic, x = ProjectionCritic(CLASSES, 4, "none"), torch.randn(3, 3, 12, 20)
    f = critic.network.body(x)
    vectors = critic.embedding.weight.T  # one for each class
    by_hand = critic.network(x) + torch.stack([f[0] @ vectors[2], f[1] @ vectors[0], f[2] @ vectors[2]])
    torch.testing.assert_close(critic(x, torch.eye(3)[[2, 0, 2]]), by_hand)
    torch.testing.assert_close(critic(x, torch.zeros(3, 3)), critic.network(x))


def test_several_labels_project_as_the_sum_of_their_parts() -> None:
    critic, x = ProjectionCritic(BOTH, 4, "none"), torch.randn(1, 3, 12, 20)
    one, other, nothing = torch.tensor([[0, 1.0, 0, 0, 0]]), torch.tensor([[0, 0, 0, 1.0, -2]]), torch.zeros(1, 5)
    plain = critic(x, nothing)
    torch.testing.assert_close(critic(x, one + other) - plain, critic(x, one) + critic(x, other) - 2 * plain)


def test_concat_joins_the_embedding_to_the_picture_as_maps_of_equal_values() -> None:
    critic, x, given = ConcatCritic(CLASSES, 5, 4, "none"), torch.randn(2, 3, 12, 20), torch.eye(3)[[1, 2]]
    seen: list[torch.Tensor] = []
    critic.network.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs))
    critic(x, given)
    assert seen[0].shape == (2, 8, 12, 20)
    assert torch.equal(seen[0][:, :3], x)
    for maps, column in zip(seen[0][:, 3:], critic.embedding.weight.T[[1, 2]], strict=True):
        assert torch.equal(maps, column[:, None, None].expand_as(maps))


def test_what_is_given_does_not_drown_the_picture_at_the_start() -> None:
    """With maps as large as a latent the critic never learns to look: its scores, and the generator, stand still."""
    critic, x, given = ConcatCritic(CLASSES, 32, 4, "none"), torch.rand(9, 3, 12, 20) * 2 - 1, torch.eye(3)
    scores = torch.stack([critic(x, wish.expand(9, -1)) for wish in given])  # (wishes, pictures)
    assert scores.std(1).mean() > scores.std(0).mean()
    nn.init.normal_(critic.embedding.weight)
    scores = torch.stack([critic(x, wish.expand(9, -1)) for wish in given])
    assert scores.std(1).mean() < scores.std(0).mean(), "the control"


def test_a_labelling_critic_scores_as_dcgans_and_guesses_from_the_same_features() -> None:
    critic, x = LabellingCritic(BOTH, 4, "none"), torch.randn(2, 3, 12, 20)
    scores, guesses = critic(x)
    assert guesses.shape == (2, 5)
    torch.testing.assert_close(scores, critic.network(x))
    torch.testing.assert_close(guesses, critic.guess(critic.network.body(x)))
