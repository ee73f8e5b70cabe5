"""`--augment full`: every picture that the critic sees is augmented, from the first round to the last."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

import sparring
from fighting import assert_same_state, play, trainer
from made_up import points
from sparring import checkpoint
from sparring.augment import augment
from sparring.errors import SparringError
from test_heal import SMALL


def test_the_critic_sees_every_picture_augmented_at_full_strength() -> None:
    fighter = trainer("dcgan", augment="full")
    x = torch.rand(8, *fighter.gan.spec.shape) * 2 - 1
    expected = augment(x, 1.0, copy.deepcopy(fighter.gan.draws))
    assert torch.equal(fighter.gan.augment(x), expected)
    assert not torch.equal(expected, x)
    assert trainer("dcgan").gan.augment(x) is x


def test_nothing_changes_the_strength_and_a_checkpoint_keeps_it(tmp_path: Path) -> None:
    first = play(trainer("dcgan", augment="full"), 2)
    first.adapt(-1.0, 1_000_000)
    assert first.gan.augmentation == 1
    assert first.state()["adaptive"] is None
    checkpoint.save(tmp_path, first.state())
    second = trainer("dcgan", augment="full")
    second.load_state(checkpoint.newest(tmp_path)[0])
    assert second.gan.augmentation == 1
    assert_same_state(play(first, 2).state(), play(second, 2).state())


def test_more_augmentation_as_a_remedy_does_not_make_it_less() -> None:
    sick = trainer("dcgan", augment="full")
    sick.restore(sick.state(), "augmentation")
    sick.adapt(1.0, 8)
    assert (sick.gan.augmentation, sick.adaptive) == (1.0, None)


def test_a_run_is_augmented_in_full_and_so_is_what_the_watchdog_asks_the_critic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strengths = set()

    def watched(x: torch.Tensor, strength: float, *rest: Any) -> torch.Tensor:
        strengths.add(strength)
        return augment(x, strength, *rest)

    for module in ("gan", "eyes"):
        monkeypatch.setattr(f"sparring.{module}.augment", watched)
    sparring.train("dcgan", "digits", out=str(tmp_path / "run"), augment="full", **{**SMALL, "steps": 40})
    assert strengths == {1.0}


def test_points_cannot_be_augmented() -> None:
    with pytest.raises(SparringError, match="only pictures can be augmented"):
        trainer("vanilla", points(), augment="full").round()
