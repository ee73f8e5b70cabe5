"""Alarms in whole runs, and --heal: back to health with one thing changed, at most three times, all of it logged."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import sparring
from fighting import UNPROBED
from sparring import checkpoint
from sparring.augment import Adaptive
from sparring.eyes import Eyes
from sparring.gan import GAN
from sparring.run import Run
from sparring.supervisor import BY_HEART
from sparring.trainer import Trainer
from test_watchdog import HEALTHY as SEEN

HEALTHY = {key: value for key, value in SEEN.items() if key not in ("terms", "norms", "skipped", "step")}

SMALL: dict[str, Any] = {
    **{"width": 8, "latent": 8, "batch": 16, "features": "none", **UNPROBED},
    **{"quiet": True, "steps": 200, "checkpoint_every": 50},
}


def events(run: Run, kind: str) -> list[dict[str, Any]]:
    return [record for record in run.records() if record.get("event") == kind]


@pytest.fixture
def collapsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eyes that see health, and a collapse from round 125 on."""

    def look(self: Eyes, gan: GAN, averaged: GAN) -> dict[str, Any]:
        return {**HEALTHY, "spread": 0.0 if gan.count >= 125 else 0.9}

    monkeypatch.setattr(Eyes, "look", look)


@pytest.mark.usefixtures("collapsing")
def test_an_alarm_is_logged_once_while_it_lasts_and_training_goes_on(tmp_path: Path) -> None:
    run = sparring.train("dcgan", "digits", out=str(tmp_path / "run"), **SMALL)
    (alarm,) = events(run, "alarm")
    assert alarm["alarm"] == "collapse"
    assert alarm["step"] == 135, "the third look that sees it"
    assert "`--r1 0.4`" in alarm["try"]
    assert len(events(run, "checkup")) == 40
    assert not events(run, "heal")
    assert events(run, "end")
    assert "nearly all alike" in (run.folder / "report.html").read_text()


@pytest.mark.usefixtures("collapsing")
def test_healing_goes_back_to_health_with_a_stricter_penalty_three_times_and_then_lets_it_be(tmp_path: Path) -> None:
    run = sparring.train("dcgan", "digits", out=str(tmp_path / "run"), heal=True, **SMALL)
    heals = events(run, "heal")
    assert [record["alarm"] for record in heals] == ["collapse"] * 3
    assert [record["remedy"] for record in heals] == [f"{4**i} times the gradient penalty" for i in (1, 2, 3)]
    assert all(record["from_step"] == 135 for record in heals)
    assert all(record["step"] == 130 for record in heals), "before the alarm, the last look without one"
    state = checkpoint.newest(run.checkpoints)[0]
    assert state["penalty"] == 64
    assert state["lr_scale"] == 1
    assert state["count"] == 200


def test_a_penalty_that_was_raised_weighs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from fighting import trainer

    terms = []
    for penalty in (1.0, 4.0):
        fighter = trainer("dcgan")
        fighter.gan.penalty = penalty
        _, losses = next(iter(fighter.gan.step(iter(fighter.batches[0]))))
        terms.append(losses["r1"].item())
    assert terms[1] == pytest.approx(4 * terms[0])


def test_remedies_change_what_they_name_and_survive_a_checkpoint() -> None:
    from fighting import trainer

    sick = trainer("dcgan")
    healthy = sick.state()
    sick.restore(healthy, "penalty")
    assert (sick.gan.penalty, sick.lr_scale, sick.adaptive) == (4.0, 1.0, None)
    sick.restore(healthy, "learning rate")
    assert (sick.gan.penalty, sick.lr_scale) == (4.0, 0.5), "what helped before is kept"
    sick.restore(healthy, "augmentation")
    assert sick.adaptive is not None
    sick.adapt(1.0, 8)
    assert 0 < sick.gan.augmentation <= 0.8
    other = trainer("dcgan")
    other.load_state(sick.state())
    assert (other.gan.penalty, other.lr_scale, other.restores) == (4.0, 0.5, 3)
    assert other.gan.augmentation == sick.gan.augmentation


def test_adaptive_augmentation_follows_the_critics_overfitting_and_changes_what_the_critic_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(self: Eyes, gan: GAN, averaged: GAN) -> dict[str, Any]:
        return {**HEALTHY, "overfitting": 0.9 if gan.count < 185 else 0.1}

    monkeypatch.setattr(Eyes, "look", look)
    run = sparring.train("dcgan", "digits", out=str(tmp_path / "run"), augment="adaptive", **SMALL)
    expected, shown = Adaptive(span=800), 0  # a quarter of 200 rounds of 16
    for look in events(run, "checkup"):
        expected.update(look.get("overfitting", math.nan), look["images"] - shown, BY_HEART)
        shown = look["images"]
    assert 0.1 < expected.strength < 0.7, "it rose to the limit and falls"
    assert checkpoint.newest(run.checkpoints)[0]["adaptive"]["strength"] == pytest.approx(expected.strength)
    from fighting import trainer

    fighter: Trainer = trainer("dcgan")
    x = torch.rand(8, *fighter.gan.spec.shape) * 2 - 1
    assert fighter.gan.augment(x) is x
    fighter.gan.augmentation = 0.8
    assert not torch.equal(fighter.gan.augment(x), x)


def test_a_run_that_is_resumed_raises_the_same_alarms_as_one_that_is_not(tmp_path: Path) -> None:
    """The watchdog's memory is in the checkpoint: the looks, the windows of means, the fakes of the last look."""
    whole = sparring.train("dcgan", "digits", out=str(tmp_path / "run"), heal=True, **SMALL)
    checkpoint.files(whole.checkpoints)[-1].unlink()
    before = len(list(whole.records()))
    resumed = sparring.resume(whole.folder, quiet=True)
    every = [record for record in resumed.records() if record.get("event") in ("checkup", "alarm", "heal")]
    late = [{k: v for k, v in record.items() if k != "seconds"} for record in every if record["step"] > 150]
    assert len(late) >= 20
    assert before < len(list(resumed.records()))
    assert late[: len(late) // 2] == late[len(late) // 2 :]
