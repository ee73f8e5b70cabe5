"""Evaluations in training: the best is kept, nothing better ends the run, and judging changes nothing of the game."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sparring
from fighting import UNPROBED, assert_same_state
from sparring import checkpoint, recipes, start, supervisor
from sparring.cluster import Cluster
from sparring.history import read_history
from sparring.metrics import trained
from sparring.run import Run
from sparring.supervisor import Supervisor
from test_session import newest

QUICK: dict[str, Any] = {"width": 16, "latent": 4, "batch": 32, "device": "cpu", "evaluate_samples": 100}
FROZEN: dict[str, Any] = {"generator": {"lr": 1e-30}}  # a step that is lost in rounding: nothing is learnt
PLAY = {**QUICK, "steps": 120, "evaluate_every": 20}


def train(out: Path, data: str = "ring", **settings: Any) -> Run:
    return sparring.train("vanilla", data, out=str(out), **{"quiet": True, **PLAY, **settings})


def events(run: Run, kind: str) -> list[dict[str, Any]]:
    return [record for record in run.records() if record.get("event") == kind]


def figures(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.folder / "metrics.json").read_text())
    return found


def judged_at(run: Run) -> list[int]:
    return [record["step"] for record in events(run, "evaluation")]


# ---------------------------------------------------------------- stopping


def test_a_run_that_gets_no_better_stops_early_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path / "run", patience=1, quiet=False, **FROZEN)
    (stop,) = events(run, "stop")
    assert stop["step"] == 40
    assert stop["reason"].startswith("1 evaluations without a better KD[points] than ")
    assert stop["reason"].endswith(" at round 20")
    assert f"Stopping early: {stop['reason']}" in " ".join(capsys.readouterr().out.split())
    assert judged_at(run) == [20, 40]
    assert [record["best"] for record in events(run, "evaluation")] == [True, False]
    assert newest(run)["count"] == 40
    assert read_history(run).outcome == "finished"
    found = figures(run)
    assert (found["steps"], found["best"]["step"], found["evaluation"]["step"]) == (40, 20, 40)
    reports = [record for record in run.records() if "event" not in record]
    assert reports[-1]["step"] == 40, "the last rounds are reported too"
    assert found["seconds"] >= round(reports[-1]["seconds"], 1)


def test_patience_is_not_lost_in_resuming(tmp_path: Path) -> None:
    run = train(tmp_path / "run", steps=60, patience=4, **FROZEN)
    assert not events(run, "stop")
    best = figures(run)["best"]
    assert best["step"] == 20
    run = sparring.resume(run.folder, quiet=True, steps=400)
    assert [record["step"] for record in events(run, "stop")] == [100], "four evaluations after round 20"
    assert figures(run)["best"] == best
    assert newest(run)["supervisor"]["stale"] == 4  # type: ignore[index]
    assert checkpoint.load(run.checkpoints / "best.pt")["count"] == 20


def test_a_run_that_stopped_goes_on_where_it_is_judged_no_longer(tmp_path: Path) -> None:
    run = train(tmp_path / "run", patience=1, **FROZEN)
    run = sparring.resume(run.folder, quiet=True, features="none")
    assert newest(run)["count"] == 120
    assert len(events(run, "stop")) == 1


# ---------------------------------------------------------------- the best


@pytest.mark.parametrize(("metric", "choose"), [("KD", min), ("coverage", max)])
def test_the_best_checkpoint_is_that_of_the_best_value_in_the_log(tmp_path: Path, metric: str, choose: Any) -> None:
    run = train(tmp_path / "run", best=metric, steps=200)
    name = {"KD": "KD[points]"}.get(metric, metric)
    seen = {record["step"]: record["metrics"][name]["value"] for record in events(run, "evaluation")}
    step = choose(seen, key=lambda step: seen[step])
    assert len(seen) == 10
    assert len(set(seen.values())) > 3
    assert figures(run)["best"] == {"step": step, "metric": name, "value": seen[step]}
    assert checkpoint.load(run.checkpoints / "best.pt")["count"] == step
    assert Run(run.folder, "best").gan.count == step
    assert [record["step"] for record in events(run, "evaluation") if record["best"]][-1] == step


def test_another_metric_begins_anew(tmp_path: Path) -> None:
    run = train(tmp_path / "run", steps=40, **FROZEN)
    assert figures(run)["best"]["metric"] == "KD[points]"
    run = sparring.resume(run.folder, quiet=True, steps=60, best="recall")
    assert figures(run)["best"]["metric"] == "recall"
    assert figures(run)["best"]["step"] == 60


def test_going_back_forgets_all_but_the_best(tmp_path: Path, alone: Cluster) -> None:
    """Its checkpoint is still there: a worse one must not take its place."""
    run = train(tmp_path / "run", steps=20)
    train_part, held_out = start.parts("ring", run.config)
    one = Supervisor(start.build(recipes.find("vanilla"), train_part, run.config, alone), train_part, held_out)
    earlier = one.state_dict()
    best = {"step": 40, "metric": "KD[points]", "value": 0.1}
    one.best, one.stale, one.raised = best, 2, ["collapse"]
    one.go_back(earlier)
    assert (one.best, one.stale, one.raised) == (best, 0, [])


# ---------------------------------------------------------------- how often


@pytest.mark.parametrize(("share", "rounds"), [(1e9, list(range(12, 121, 12))), (0.0, [12, 120])])
def test_by_default_ten_times_unless_it_takes_too_long_and_always_at_the_end(
    share: float, rounds: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SHARE", share)
    assert judged_at(train(tmp_path / "run", evaluate_every=None)) == rounds


def test_no_network_no_evaluation(tmp_path: Path) -> None:
    run = train(tmp_path / "run", features="none")
    assert not judged_at(run)
    assert not events(run, "unjudged"), "this was asked for"
    assert not {"evaluation", "best"} & set(figures(run))
    assert not (run.checkpoints / "best.pt").exists()
    short = train(tmp_path / "short", steps=90, evaluate_every=None)
    assert not judged_at(short), "it would take longer than the training"


def test_what_cannot_be_measured_does_not_stop_the_run(tmp_path: Path) -> None:
    run = train(tmp_path / "run", steps=20, evaluate_samples=1, held_out=0.0, patience=1)
    (record,) = events(run, "evaluation")
    assert not record["metrics"]
    assert not record["best"]
    assert any("could not be measured" in note for note in record["notes"])
    assert newest(run)["count"] == 20


def test_a_network_that_cannot_be_had_is_one_sentence_and_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"features": "inception:/no/such/file", "steps": 40, "patience": 1, **UNPROBED}
    run = train(tmp_path / "run", "digits", quiet=False, **settings)
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("training goes on without evaluations: cannot read Inception's weights from /no/such/file") == 1
    (event,) = events(run, "unjudged")
    assert event["reason"] in said
    assert newest(run)["count"] == 40
    assert not judged_at(run)
    assert read_history(run).outcome == "finished"


# ---------------------------------------------------------------- the game itself


def test_judging_changes_nothing_of_the_game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "STEPS", 10)
    settings: dict[str, Any] = {"steps": 20, **UNPROBED}
    judged = train(tmp_path / "judged", "digits", evaluate_every=5, **settings)
    assert judged_at(judged) == [5, 10, 15, 20]
    alone = train(tmp_path / "alone", "digits", features="none", **settings)
    for part in ("gan", "ema", "optimisers", "position"):
        assert_same_state(newest(judged)[part], newest(alone)[part], part)


@pytest.mark.timeout(90)
def test_two_processes_stop_together(tmp_path: Path) -> None:
    """Only the chief judges, and the other learns from it that the game is over."""
    run = train(tmp_path / "run", processes=2, patience=1, **FROZEN)
    assert judged_at(run) == [20, 40]
    assert [record["step"] for record in events(run, "stop")] == [40]
    assert newest(run)["count"] == 40
    assert read_history(run).outcome == "finished"
