"""The alarms, on series written by hand: each is raised by what it names, only when that lasts, and not by health."""

from __future__ import annotations

from typing import Any

import pytest

from sparring.watchdog import LASTING, PLANNED, WARM_UP, WINDOW, Alarm, Corner, alarms

CORNER = Corner({"generator": 2e-3, "critic": 4e-3}, ("r1", 0.1), pictures=True)
PLAIN = Corner({"generator": 1e-3, "critic": 1e-3}, None, pictures=False)

HEALTHY: dict[str, Any] = {
    "spread": 0.9,
    "coverage": 0.2,
    "gap": 1.2,
    "distance": 0.6,
    "change": 0.1,
    "separation": 0.8,
    "margin": 1.2,
    "growth": {"generator": 2.0, "critic": 3.0},
    "accuracy": {"real": 0.7, "fake": 0.8},
    "terms": {"critic/real": 0.6, "critic/fake": 0.6, "generator/fool": 0.9},
    "norms": {"critic": 1.5, "generator": 1.2},
    "skipped": 0,
    "step": 1000,
}
# What makes each alarm, laid over a healthy checkup.
SICK: dict[str, dict[str, Any]] = {
    "divergence": {"terms": {"generator/fool": 900.0}},
    "oscillation": {"change": 0.8},
    "collapse": {"spread": 0.01},
    "critic lost": {"separation": 0.1, "margin": -3.0},
    "critic winning": {"separation": 1.0, "margin": 20.0},
    "memorising": {"gap": 0.2, "distance": 0.1},
    "stalled": {"change": 0.0},
}


def series(healthy: int, sick: int, symptom: dict[str, Any]) -> list[dict[str, Any]]:
    return [HEALTHY] * healthy + [{**HEALTHY, **symptom}] * sick


def names(found: list[Alarm]) -> list[str]:
    return [alarm.name for alarm in found]


def test_a_healthy_run_raises_nothing_at_any_time() -> None:
    run = series(PLANNED, 0, {})
    assert all(not alarms(run[:n], CORNER) for n in range(1, PLANNED + 1))


@pytest.mark.parametrize("name", SICK)
def test_each_symptom_that_lasts_raises_its_alarm_and_no_other(name: str) -> None:
    found = alarms(series(12, LASTING, SICK[name]), CORNER)
    assert names(found) == [name]
    assert found[0].seen.endswith(".")
    assert found[0].attempt


@pytest.mark.parametrize("name", SICK)
def test_a_symptom_that_passes_raises_nothing(name: str) -> None:
    assert not alarms(series(12, LASTING - 1, SICK[name]), CORNER)
    assert not alarms([*series(12, LASTING, SICK[name]), HEALTHY], CORNER)


@pytest.mark.parametrize("name", SICK)
def test_a_game_that_is_still_finding_itself_is_left_alone(name: str) -> None:
    assert not alarms(series(0, WARM_UP, SICK[name]), CORNER)


def test_a_short_run_is_all_beginning_and_only_what_is_not_finite_is_told() -> None:
    young = [{**checkup, "step": 90} for checkup in series(12, LASTING, {**SICK["collapse"], "skipped": 1})]
    young[-1]["skipped"] = 2
    assert names(alarms(young, CORNER)) == ["non finite"]


def test_what_is_not_finite_is_told_at_once_and_once() -> None:
    sick = [HEALTHY, {**HEALTHY, "skipped": 2}]
    found = alarms(sick, CORNER)
    assert names(found) == ["non finite"]
    assert found[0].seen.startswith("2 rounds")
    assert not alarms([*sick, sick[-1]], CORNER)
    assert names(alarms([{**HEALTHY, "skipped": 1}], CORNER)) == ["non finite"]


def test_weights_that_run_away_and_samples_like_no_data_are_divergence() -> None:
    for symptom, said in (
        ({"growth": {"generator": 2.0, "critic": 40.0}}, "weights of the critic"),
        ({"gap": 3.0, "distance": 1.5}, "like nothing in the data"),
        ({"norms": {"critic": 1.0, "generator": 5e4}}, "gradient norm of the generator"),
    ):
        alarm = alarms(series(12, LASTING, symptom), CORNER)[0]
        assert alarm.name == "divergence"
        assert said in alarm.seen


def test_gradients_that_swing_are_oscillation_and_ones_that_fall_from_the_start_are_not() -> None:
    swinging = [{**HEALTHY, "norms": {"critic": 1.0 + 40 * (i % 2), "generator": 1.0}} for i in range(20)]
    (alarm,) = alarms(swinging, CORNER)
    assert alarm.name == "oscillation"
    assert "critic's gradient swung between 1 and 41" in alarm.seen
    falling = [{**HEALTHY, "norms": {"critic": 60.0 / (1 + i), "generator": 1.0}} for i in range(40)]
    assert not any(alarms(falling[:n], CORNER) for n in range(1, 41))


def test_a_critic_that_takes_held_out_samples_for_fakes_is_memorising() -> None:
    knows = {"overfitting": 1.4, "separation": 0.95}
    (alarm,) = alarms(series(12, LASTING, knows), CORNER)
    assert alarm.name == "memorising"
    assert "by heart" in alarm.seen
    for harmless in ({"overfitting": 0.3}, {"separation": 0.55}, {"gap": 1.6}):
        assert not alarms(series(12, LASTING, {**knows, **harmless}), CORNER)


def test_near_samples_and_a_critic_that_half_knows_are_memorising_together_and_neither_alone() -> None:
    """As adaptive augmentation leaves it, which holds the critic's overfitting at about a half."""
    both = {"gap": 0.75, "overfitting": 0.5, "separation": 0.95}
    wavering = [{**HEALTHY, **both, "overfitting": 0.5 + 0.4 * (-1) ** i} for i in range(WARM_UP + WINDOW)]
    (alarm,) = alarms(wavering, CORNER)
    assert alarm.name == "memorising"
    assert "0.75 times as far" in alarm.seen
    assert "50% of the lead" in alarm.seen
    assert not alarms(wavering[1:], CORNER), "too early to tell"
    for harmless in ({"gap": 1.1}, {"gap": 0.9}, {"overfitting": 0.2}, {"separation": 0.6}):
        assert not alarms(series(WARM_UP, WINDOW, {**both, **harmless}), CORNER)
    mute = {key: value for key, value in {**HEALTHY, **both}.items() if key != "overfitting"}
    assert not alarms([mute] * 20, CORNER), "without held-out samples near ones are not enough"


def test_large_losses_that_were_always_so_are_no_divergence() -> None:
    """A Wasserstein critic's scores have no scale of their own."""
    assert not alarms(series(0, 15, {"terms": {"critic/real": -400.0}}), CORNER)


def test_a_generator_that_stands_still_at_the_end_of_its_run_is_done_and_not_stalled() -> None:
    assert not alarms(series(PLANNED - LASTING, LASTING, SICK["stalled"]), CORNER)


def test_a_recipe_without_a_critic_to_ask_and_points_without_a_gap_are_watched_by_what_there_is() -> None:
    mute = {key: HEALTHY[key] for key in ("spread", "change", "terms", "norms", "skipped", "step")}
    assert not alarms([mute] * 12, PLAIN)
    assert names(alarms([mute] * 12 + [{**mute, "spread": 0.0}] * LASTING, PLAIN)) == ["collapse"]


def test_advice_holds_the_recipes_own_flags_and_values() -> None:
    told = {name: alarms(series(12, LASTING, symptom), CORNER)[0] for name, symptom in SICK.items()}
    assert "`--generator.lr 0.0002 --critic.lr 0.0004`" in told["divergence"].attempt
    assert "`--r1 0.4`" in told["critic winning"].attempt
    assert told["critic winning"].remedy == "penalty"
    assert "`--augment adaptive`" in told["memorising"].attempt
    assert told["memorising"].remedy == "augmentation"
    assert told["stalled"].remedy is None
    plain = {name: alarms(series(12, LASTING, symptom), PLAIN)[0] for name, symptom in SICK.items()}
    assert "--r1" not in plain["critic winning"].attempt
    assert "`--critic.lr 0.00025`" in plain["critic winning"].attempt
    assert plain["critic winning"].remedy == "learning rate"
    assert "augment" not in plain["memorising"].attempt
    assert plain["memorising"].remedy is None


def test_a_penalty_that_is_off_cannot_be_multiplied_so_the_rates_are_lowered() -> None:
    off = Corner(CORNER.rates, ("r1", 0.0), pictures=True)
    (alarm,) = alarms(series(12, LASTING, SICK["critic winning"]), off)
    assert alarm.remedy == "learning rate"
    assert "`--r1 1`" in alarm.attempt
