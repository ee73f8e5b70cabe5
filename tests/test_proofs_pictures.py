"""The pure parts of proofs/pictures.py: what its tables conclude, which runs are left, and who gets how many rounds."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from made_up import labelled, pictures
from sparring.errors import SparringError

sys.path.insert(0, str(Path(__file__).parents[1] / "proofs"))

import pictures as proof
import pictures_judge as judge
import pictures_table as table
from pictures_runs import Job
from stacked import State, rounds_in


def record(entry: str, seed: int, fd: float, kd: float, group: str = "mnist", **more: Any) -> dict[str, Any]:
    """What a finished run leaves in the state file."""
    scores = {"FD[trained-mnist]": fd, "KD[trained-mnist]": kd, "precision": 0.5, "recall": 0.25}
    metrics = {name: {"value": value, "floor": value / 10, "mean_picture": 9.0} for name, value in scores.items()}
    metrics["KD[trained-mnist]"]["error"] = 0.001
    protocol = {"features": "trained-mnist", "fingerprint": "ab" * 32, "preprocessing": "none", "real": 5, "fake": 7}
    run = {"group": group, "entry": entry, "recipe": entry.split(",")[0], "settings": {}, "seed": seed, "rounds": 30}
    return {**run, "commit": "c0ffee", "threads": 1, "protocol": protocol, "metrics": metrics, **more}


def controls() -> dict[str, Any]:
    blank = record("noise", 0, 99.0, 1.0)
    return {"noise": blank, "untrained": blank, "reader": 0.99, "training": 200, "test": 50}


PLAIN = {"recipe": "cgan", "settings": {}, "seconds": 1.0}


@pytest.mark.parametrize(("fd", "fine"), [(1.04, True), (1.06, False), (0.9, True)])
def test_auto_may_be_five_percent_worse_than_the_best_and_no_more(fd: float, fine: bool) -> None:
    lines, good = table.auto_verdict([record("sngan", 0, 1.0, 0.1), record("cgan", 0, fd, 0.1)], PLAIN)
    assert good is fine
    assert ("MISSED" in lines[0]) is not fine
    assert fd < 1 or f"{fd - 1:+.1%}" in lines[0], "the shortfall is said"


def test_the_mean_over_the_seeds_decides_and_not_the_best_seed() -> None:
    runs = [record("sngan", 0, 1.0, 0.1), record("sngan", 1, 1.0, 0.1)]
    lucky = [record("cgan", 0, 0.5, 0.1), record("cgan", 1, 2.0, 0.1)]
    _, good = table.auto_verdict(runs + lucky, PLAIN)
    assert not good


def test_what_auto_picks_with_settings_of_its_own_is_compared_with_the_shipped_recipes() -> None:
    runs = [record("dcgan", 0, 1.0, 0.1), record("auto", 0, 2.0, 0.1)]
    lines, good = table.auto_verdict(runs, {"recipe": "dcgan", "settings": {"width": 16}, "seconds": 1.0})
    assert not good
    assert "dcgan with width 16" in lines[0]
    assert "+100.0%" in lines[0]


def test_unknown_or_absent_picks_are_no_success_that_is_claimed() -> None:
    lines, good = table.auto_verdict([record("dcgan", 0, 1.0, 0.1)], None)
    assert "--measure-auto" in lines[0]
    assert not good
    lines, good = table.auto_verdict([record("dcgan", 0, 1.0, 0.1)], PLAIN)
    assert "not among the runs" in lines[0]
    assert not good


def test_asked_class_is_held_against_the_data_sets_goal() -> None:
    runs = [record("cgan", 0, 1.0, 0.1, asked=0.90, shuffled=0.1), record("dcgan", 0, 0.5, 0.1)]
    lines, good = table.obedience("mnist", runs, 0.99)
    assert not good
    assert "90.0%, cgan" in lines[0]
    assert "MISSED" in lines[0]
    assert "10.0%" in lines[1]
    lines, good = table.obedience("fashion-mnist", runs, 0.92)
    assert good
    assert "reached, by cgan." in lines[0]


@pytest.mark.parametrize(("adaptive", "full", "fine"), [(0.3, 0.2, True), (0.3, 0.25, False), (0.2, 0.5, True)])
def test_few_pictures_ask_that_augmentation_halves_the_kernel_distance(
    adaptive: float, full: float, fine: bool
) -> None:
    kds = {"none": 0.41, "adaptive": adaptive, "full": full}
    runs = [record(f"dcgan, {how}", 0, 1.0, value, "few") for how, value in kds.items()]
    lines, good = table.few_table(runs, controls())
    assert good is fine
    assert any(f"{0.41 / full:.2f} times that with full" in line for line in lines)


def test_a_table_has_baselines_controls_and_a_row_an_entry_the_best_first() -> None:
    runs = [
        record("dcgan", 0, 2.0, 0.2),
        record("cgan", 0, 1.0, 0.1, asked=0.5, shuffled=0.1),
        record("dcgan", 1, 4.0, 0.2),
    ]
    lines = table.table("mnist", runs, controls())
    rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    titles = [row[0].removeprefix("| ") for row in rows]
    assert titles[1:] == [
        "real training pictures in place of samples",
        "the mean picture",
        "control: uniform noise",
        "control: dcgan, untrained",
        "cgan",
        "dcgan",
    ]
    assert {len(row) for row in rows} == {len(table.COLUMNS) + 2}
    assert rows[-1][2] == f"{3.0:.4g} ± {math.sqrt(2):.4g}"
    assert rows[-2][-1] == "50.0 % |"
    assert rows[1][2] == "0.2", "the floor"


def test_figures_of_different_judges_are_not_passed_off_as_comparable() -> None:
    other = record("cgan", 0, 1.0, 0.1)
    other["protocol"] = {**other["protocol"], "fingerprint": "cd" * 32}
    lines = table.table("mnist", [record("dcgan", 0, 1.0, 0.1), other], controls())
    assert any("BEWARE" in line for line in lines)


def test_an_unfinished_document_says_so_and_reaches_nothing() -> None:
    runs = [record("cgan", 0, 1.0, 0.1, asked=0.99, shuffled=0.1)]
    kept = {"controls: mnist": controls()}
    lines, good = table.document(runs, kept, {"mnist": PLAIN}, {"mnist": {"acgan": "it has no classes"}}, 3)
    assert not good
    assert "NOT FINISHED: 1 of 3 runs are done." in lines
    assert any("acgan is not in the table: it has no classes" in line for line in lines)
    assert table.document(runs, kept, {"mnist": PLAIN}, {}, 1)[1]


def test_rounds_are_those_that_fit_into_the_seconds_and_a_missing_recipe_names_the_command(tmp_path: Path) -> None:
    file = tmp_path / "rounds.json"
    file.write_text(json.dumps({"seconds": {"mnist": {"dcgan": {"seconds": 0.05}, "slow": {"seconds": 500.0}}}}))
    assert rounds_in(60, file, "mnist", ["dcgan", "slow"]) == {"dcgan": 1200, "slow": 1}
    with pytest.raises(SparringError, match=r"equal_time\.py --data mnist --recipes cgan wgan --write"):
        rounds_in(60, file, "mnist", ["cgan", "dcgan", "wgan"])
    with pytest.raises(SparringError, match="--data photos@32"):
        rounds_in(60, tmp_path / "none.json", "photos@32", ["dcgan"])


def test_shares_merge_and_another_budget_is_another_run(tmp_path: Path) -> None:
    job = Job("mnist", "dcgan", "dcgan", {}, 30, 0)
    State(tmp_path / "s.0of2.json").keep(job.key, record("dcgan", 0, 1.0, 0.1))
    State(tmp_path / "s.1of2.json").keep("mnist: cgan, seed 0", record("cgan", 0, 1.0, 0.1))
    kept = proof.merged(tmp_path / "s.json")
    assert set(kept) == {job.key, "mnist: cgan, seed 0"}
    assert proof.is_done(job, kept)
    assert not proof.is_done(job._replace(rounds=31), kept)
    assert not proof.is_done(job._replace(seed=1), kept)
    proof.forget(tmp_path / "s.json", ["dcgan"])
    assert set(proof.merged(tmp_path / "s.json")) == {"mnist: cgan, seed 0"}


def test_few_pictures_are_of_each_class_as_many_and_the_same_every_time() -> None:
    data = labelled(pictures(1, 8, 8, 60))
    few = judge.few_of(data, 12)
    assert few.labels is not None
    assert torch.bincount(torch.from_numpy(few.labels)).tolist() == [4, 4, 4]
    assert few.spec.hash == judge.few_of(data, 12).spec.hash
    assert len(judge.few_of(pictures(1, 8, 8, 60), 12)) == 12


def test_a_reader_learns_labels_that_show_and_noise_is_uniform() -> None:
    data = pictures(1, 8, 8, 256)
    bright = (data.rows.reshape(256, -1).mean(1) > 70).astype("int64")
    from dataclasses import replace

    data = replace(data, labels=bright, spec=replace(data.spec, classes=("dark", "bright")))
    reader = judge.train_reader(data, epochs=40)
    assert judge.accuracy(reader, data) > 0.9
    noise = judge.Noise(data)
    values = noise.sample(noise.latents(200, 0), torch.zeros(200, 0))
    assert values.abs().max() <= 1
    assert abs(float(values.mean())) < 0.02
    assert float(values.var()) == pytest.approx(1 / 3, abs=0.02)
