"""The pure parts of proofs/watchdog.py: what its table counts, which runs are left, and what tells copies."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from sparring.data.dataset import decode
from sparring.data.source import open_data
from sparring.data.split import part
from sparring.errors import SparringError

sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

import watchdog as proof
from watchdog_table import HEALTHY, Kept, Outcome, table

RIGHT = {"noise cut": frozenset({"collapse"}), "few": frozenset({"memorising"})}


def outcome(sabotage: str, seed: int = 0, ratio: float | None = None, **alarms: float) -> Outcome:
    return Outcome("a game", sabotage, "auto", seed, alarms, ratio)


def test_only_right_alarms_in_the_first_half_count_and_healthy_runs_may_raise_none_at_any_time() -> None:
    runs = [
        *[outcome(HEALTHY, seed, ratio=1.1) for seed in range(9)],
        outcome(HEALTHY, 9, collapse=0.9),
        *[
            outcome("noise cut", collapse=0.5),
            outcome("noise cut", collapse=0.51),
            outcome("noise cut", memorising=0.2),
        ],
        *[outcome("few", ratio=0.4, memorising=0.3), outcome("few", ratio=0.6, memorising=0.4)],
    ]
    lines, reached = table(runs, RIGHT)
    assert (
        lines[2]
        == "| run | runs | collapse | memorising | right alarm in the first half | memorising ratio at the end |"
    )
    assert lines[4:7] == [
        "| healthy | 10 | 1 | 0 | any alarm: 1 | 1.10 (1.10 to 1.10) |",
        "| noise cut | 3 | **1** | 1 | 1 of 3 |  |",
        "| few | 2 | 0 | **2** | 2 of 2 | 0.50 (0.40 to 0.60) |",
    ]
    assert "3 of 5, 60.0%" in lines[-1]
    assert "1 of 10, 10.0%" in lines[-1]
    assert lines[-1].endswith("MISSED.")
    assert not reached


def test_the_goals_are_reached_by_all_caught_and_none_mistaken_only_where_both_hold() -> None:
    good = [outcome(HEALTHY), outcome("noise cut", collapse=0.2), outcome("few", memorising=0.2)]
    assert table(good, RIGHT)[1]
    assert not table([*good, outcome(HEALTHY, 1, stalled=0.9)], RIGHT)[1]
    assert not table([*good, outcome("few", 1, memorising=0.6)], RIGHT)[1]


def test_finished_runs_are_kept_and_found_again_but_not_under_other_thresholds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state" / "runs.jsonl"
    kept = Kept(path, {"games": [["a game", 3]]})
    kept.add(outcome("few", ratio=0.5, memorising=0.2))
    again = Kept(path, {"games": [["a game", 3]]})
    assert again.outcomes == [outcome("few", ratio=0.5, memorising=0.2)]
    assert again.outcomes[0].key == ("a game", "few", "auto", 0)
    monkeypatch.setattr("sparring.watchdog.COPIED", 0.7)
    with pytest.raises(SparringError, match="other thresholds or games"):
        Kept(path, {"games": [["a game", 3]]})


def test_each_run_has_a_seed_of_its_own_and_what_is_kept_is_not_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_is_here", lambda bout: True)
    planned = proof.tasks(2000, 6, 2, "auto")
    assert len(planned) == 24 + 6 * 8 + 6
    assert [task.seed for task in planned] == list(range(2000, 2078))
    assert not {task.key for task in planned} & {task.key for task in proof.tasks(2000, 6, 2, "none")}
    kept = Kept(None, {})
    for task in planned:
        kept.add(Outcome(*task.key, alarms={}))
    monkeypatch.setattr(proof, "play", lambda task: pytest.fail("it is there"))
    proof.finish(planned, kept, jobs=1)


def test_copies_have_a_ratio_of_nought_and_new_pictures_about_one() -> None:
    train, others = proof.few(open_data("digits"), 0)
    assert len(train) == proof.TWENTY
    assert len(others) == proof.UNSEEN
    half = np.arange(len(others)) % 2 == 0
    unseen, new = (part(others, np.flatnonzero(chosen)) for chosen in (half, ~half))
    for made, low, high in ((train, 0.0, 0.01), (new, 0.9, 1.1)):
        rows = decode(torch.from_numpy(made.take(np.arange(len(made)))))
        gan = SimpleNamespace(
            latents=lambda n, seed: torch.zeros(n, 4),
            sample=lambda noise, given, rows=rows: rows[torch.arange(len(noise)) % len(rows)],
        )
        trainer: Any = SimpleNamespace(ema=SimpleNamespace(gan=gan))
        assert low <= proof.newness(trainer, train, unseen, 0) <= high
