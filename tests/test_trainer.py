"""The loop's promises: it keeps NaN out, heals, gives up with a diagnosis, and holds recipes to their rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from fighting import assert_same_state, play, trainer
from made_up import pictures
from sparring.config import Adam
from sparring.data.batches import Batch
from sparring.errors import SparringError
from sparring.gan import Turn
from sparring.trainer import Trainer

Step = Callable[[Iterator[Batch]], Iterator[Turn]]


def poison(learner: Trainer, who: str, rounds: set[int]) -> None:
    """Multiply a player's losses by NaN in the rounds named."""
    honest: Step = learner.gan.step

    def step(batches: Iterator[Batch]) -> Iterator[Turn]:
        for player, terms in honest(batches):
            bad = player == who and learner.gan.count in rounds
            yield player, {k: v * float("nan") for k, v in terms.items()} if bad else terms

    learner.gan.step = step  # type: ignore[method-assign]


@pytest.mark.parametrize("who", ["generator", "critic"])
def test_a_nan_skips_that_players_step_and_nothing_else(who: str) -> None:
    learner = play(trainer("dcgan"), 2)
    poison(learner, who, {2})
    before = {name: [p.clone() for p in player.parameters] for name, player in learner.players.items()}
    play(learner, 1)
    for name, player in learner.players.items():
        moved = any(not torch.equal(p, old) for p, old in zip(player.parameters, before[name], strict=True))
        assert moved == (name != who)
    assert learner.guard.look() == (1, 1)
    assert learner.is_finite()
    play(learner, 2)
    learner.guard.look()
    assert learner.guard.look() == (1, 0), "good rounds end the streak"


def test_nan_pictures_do_not_poison_batch_statistics() -> None:
    learner = play(trainer("dcgan", critic_norm="batch"), 1)
    honest = learner.batches[0]
    learner.batches = [(Batch(x * float("nan"), given) for x, given in honest)]  # type: ignore[list-item]
    learner.round()
    assert learner.is_finite()
    assert learner.guard.look()[0] == 1


def test_restore_goes_back_with_smaller_learning_rates_and_gives_up_after_three() -> None:
    learner = play(trainer("dcgan"), 2)
    snapshot = torch.utils._pytree.tree_map(lambda v: v.clone() if isinstance(v, torch.Tensor) else v, learner.state())
    for restores in (1, 2, 3):
        play(learner, 1)
        learner.restore(snapshot)
        assert learner.gan.count == 2
        assert learner.lr_scale == 0.5**restores
        assert_same_state(learner.state()["gan"], snapshot["gan"])
    with pytest.raises(SparringError, match=r"after 3 restores.*--critic\.lr 2e-05"):
        learner.restore(snapshot)


def test_smaller_rates_take_smaller_steps() -> None:
    def first_step(scale: float) -> float:
        learner = trainer("dcgan")
        learner.lr_scale = scale
        old = [p.clone() for p in learner.players["critic"].parameters]
        play(learner, 1)
        return max(
            float((p - q).detach().abs().max()) for p, q in zip(learner.players["critic"].parameters, old, strict=True)
        )

    assert first_step(0.5) == pytest.approx(first_step(1.0) / 2, rel=1e-3)


def test_learning_rate_falls_along_half_a_cosine() -> None:
    learner = trainer("vanilla", critic=Adam(1e-2, final=0.2))
    rates = []
    for progress in (0.0, 0.5, 1.0):
        learner.progress = progress
        learner._schedule()
        rates.append(learner.players["critic"].optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2, 0.6e-2, 0.2e-2])
    assert learner.players["generator"].optimiser.param_groups[0]["lr"] == 2e-4


def test_clip_bounds_the_step_without_a_change_below_the_bound() -> None:
    free, loose, tight = (trainer("vanilla", clip=clip) for clip in (None, 1e9, 1e-9))
    for learner in (free, loose, tight):
        play(learner, 1)
    assert_same_state(free.state()["gan"], loose.state()["gan"], tolerance=1e-9)
    gradients = [p.grad for p in tight.players["critic"].parameters if p.grad is not None]
    assert float(torch.nn.utils.get_total_norm(gradients)) <= 1.01e-9


def test_a_turn_updates_its_own_player_only() -> None:
    learner = trainer("dcgan")
    honest: Step = learner.gan.step
    learner.gan.step = lambda batches: (t for t in honest(batches) if t[0] == "critic")  # type: ignore[method-assign]
    before = [p.clone() for p in learner.players["generator"].parameters]
    play(learner, 2)
    assert all(torch.equal(p, q) for p, q in zip(learner.players["generator"].parameters, before, strict=True))


def test_a_recipe_that_branches_on_data_is_told_off() -> None:
    learner = trainer("vanilla", accumulate=2)
    turns = iter(["critic", "generator"])

    def step(batches: Iterator[Batch]) -> Iterator[Turn]:
        who = next(turns)
        yield who, {"x": learner.gan.sample(learner.gan.noise((batch := next(batches)).x), batch.given).sum()}

    learner.gan.step = step  # type: ignore[method-assign]
    with pytest.raises(SparringError, match="micro-batches different turns"):
        learner.round()


def test_an_unknown_player_is_named() -> None:
    learner = trainer("vanilla")
    learner.gan.step = lambda batches: iter([("judge", {})])  # type: ignore[method-assign]
    with pytest.raises(SparringError, match="`judge`, who is none of its players"):
        learner.round()


def test_reported_terms_are_means_over_the_rounds() -> None:
    learner = trainer("dcgan", pictures(1, 8, 8))
    seen: dict[str, list[float]] = {}
    honest: Step = learner.gan.step

    def step(batches: Iterator[Batch]) -> Iterator[Turn]:
        for who, terms in honest(batches):
            for name, value in terms.items():
                seen.setdefault(f"{who}/{name}", []).append(value.item())
            yield who, terms

    learner.gan.step = step  # type: ignore[method-assign]
    play(learner, 3)
    means = learner.tally.read()
    for name, values in seen.items():
        assert means[name] == pytest.approx(sum(values) / len(values), rel=1e-5)
    assert {"norm/critic", "norm/generator"} <= means.keys()
    assert learner.tally.read() == {}
