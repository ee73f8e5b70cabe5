"""FastGAN's own: a critic that rebuilds real pictures, a hinge with a random margin, and full augmentation."""

from __future__ import annotations

import pytest
import torch

from fighting import trainer
from made_up import pictures
from sparring import losses
from sparring.gan import Losses
from sparring.trainer import Trainer


def fighter(**changes: object) -> Trainer:
    return trainer("fastgan", pictures(3, 16, 16), **changes)


def turns(of: Trainer) -> dict[str, Losses]:
    """Each player's loss terms in the first round."""
    return dict(of.gan.step(iter(of.batches[0])))


def test_pictures_are_augmented_in_full_unless_the_config_says_otherwise() -> None:
    assert fighter().gan.augmentation == 1
    assert fighter(augment="none").gan.augmentation == 0


def test_pictures_are_shifted_and_recoloured_but_not_cut() -> None:
    """Of white pictures shifts uncover the edges, where nothing is; within there are no holes, but other shades."""
    learner = trainer("fastgan", pictures(3, 16, 16), batch=256)
    white = torch.ones(256, 3, 16, 16)
    shown = learner.gan.augment(white)
    assert (shown[..., 2:-2, 2:-2] != 0).all()
    assert (shown[..., 0, :] == 0).any()
    assert shown[:, 0, 8, 8].unique().numel() > 200
    learner.gan.augmentation = 0.0
    assert learner.gan.augment(white) is white


def test_the_critic_rebuilds_real_pictures_and_the_weight_says_how_much_that_counts() -> None:
    weighed = {weight: turns(fighter(rebuild=weight))["critic"] for weight in (0.0, 1.0, 3.0)}
    assert "rebuild" not in weighed[0.0]
    torch.testing.assert_close(weighed[3.0]["rebuild"], 3 * weighed[1.0]["rebuild"])
    assert "rebuild" not in turns(fighter())["generator"]


def test_what_is_rebuilt_is_what_the_critic_was_shown() -> None:
    """The target is the augmented picture, whole and by quarters of any of the four corners."""
    learner, asked = fighter(), []
    honest = learner.gan.critic.rebuild

    def rebuild(maps: list[torch.Tensor], x: torch.Tensor, which: torch.Tensor) -> list[tuple[torch.Tensor, ...]]:
        asked.append((x, which))
        pairs: list[tuple[torch.Tensor, ...]] = honest(maps, x, which)
        return pairs

    learner.gan.critic.rebuild = rebuild
    seen = set()
    for _ in range(6):
        learner.round()
        seen |= set(asked[-1][1].tolist())
    assert seen == {0, 1, 2, 3}
    real = next(fighter().batches[0]).x
    assert asked[0][0].shape == real.shape
    assert not torch.equal(asked[0][0], real)


@pytest.mark.parametrize("soften", [0.0, 0.2])
def test_the_margin_of_the_hinge_is_random_by_so_much(soften: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reals and fakes that score the margin itself cost nothing; just within it they cost up to what is missing."""
    learner, given = fighter(soften=soften, r1=0.0), []
    for name in ("hinge_real", "hinge_fake"):
        monkeypatch.setattr(losses, name, lambda scores: given.append(scores.detach()) or scores.mean())
    scores = torch.zeros(8, 25, requires_grad=True)
    learner.gan.critic.judge = lambda maps: scores * 1
    turns(learner)
    real, fake = given
    assert (real >= 0).all()
    assert (fake <= 0).all()
    for margin in (real, -fake):
        assert margin.max() <= soften
        assert margin.max() == pytest.approx(soften, abs=0.02)
        assert margin.mean() == pytest.approx(soften / 2, abs=0.02)
    if soften:
        assert not torch.equal(real, -fake)


def test_a_score_is_the_mean_of_the_scores_of_windows() -> None:
    learner = trainer("fastgan", pictures(3, 32, 32))
    gan = learner.gan
    x, given = next(learner.batches[0])
    gan.eval()
    scores = gan.critique(x, given)
    assert scores is not None
    assert gan.critic(x).shape == (8, 25)
    torch.testing.assert_close(scores, gan.critic(x).mean(1))
