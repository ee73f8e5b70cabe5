"""Whole runs, as a user has them: killed, interrupted, short of disk, poisoned, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import sparring
from fighting import UNPROBED, assert_same_state
from sparring import checkpoint
from sparring.data.batches import Batch
from sparring.errors import SparringError
from sparring.run import Run
from sparring.trainer import Trainer

SMALL = {"width": 8, "latent": 8, "batch": 16, "features": "none", **UNPROBED}
SLOW = {"generator": {"lr": 2e-4}, "critic": {"lr": 2e-4}}  # Adam turns rounding into steps of this size


def train(out: Path, data: str = "digits", **settings: object) -> Run:
    return sparring.train("dcgan", data, quiet=True, out=str(out), **{**SMALL, **settings})


def flags(**settings: object) -> list[str]:
    return [part for key, value in settings.items() for part in (f"--{key.replace('_', '-')}", str(value))]


def start(*words: str) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "sparring", *words]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}  # as in the tests' own process: threads change rounding
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=alone)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until a file of a run is there."""
    for _ in range(6000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


def milestones(run: Run) -> list[str]:
    """The events of a run that are neither looks nor verdicts."""
    return [r["event"] for r in run.records() if r.get("event") not in (None, "checkup", "evaluation", "alarm")]


def newest(run: Run) -> dict[str, object]:
    return checkpoint.newest(run.checkpoints)[0]


def test_a_run_leaves_the_folder_that_the_design_promises(tmp_path: Path) -> None:
    run = train(tmp_path / "run", steps=40, features="auto")
    for name in ("config.yaml", "log.jsonl", "metrics.json", "report.html"):
        assert (run.folder / name).stat().st_size > 0
    assert len(list((run.folder / "samples").glob("*.png"))) == 21
    records = list(run.records())
    assert milestones(run) == ["start", "end"]
    reports = [r for r in records if "terms" in r and "event" not in r]
    seen = {term for report in reports for term in report["terms"]}  # the lazy penalty is not in every report
    assert seen == {"critic/real", "critic/fake", "critic/r1", "generator/fool"}
    assert reports[-1]["step"] == 40
    assert reports[-1]["images"] == 640
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert metrics["steps"] == 40
    assert metrics["images_per_second"] > 0
    assert run.config.steps == 40
    page = (run.folder / "report.html").read_text()
    assert "finished" in page
    assert "Damaged" not in page
    assert run.config.size == "16x16", "config.yaml is fully resolved"


def test_sampling_needs_the_folder_only_and_follows_the_seed(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=3)
    run = sparring.load(tmp_path / "run")
    assert run.sample(5, seed=7).shape == (5, 1, 16, 16)
    assert torch.equal(run.sample(300, seed=7)[:5], run.sample(300, seed=7)[:5])
    torch.testing.assert_close(run.sample(300, seed=7)[:5], run.sample(5, seed=7))
    assert not torch.equal(run.sample(5, seed=7), run.sample(5, seed=8))
    state = newest(run)
    assert_same_state(run.gan.generator.state_dict(), {  # type: ignore[union-attr]
        key.removeprefix("generator."): value for key, value in state["ema"].items()  # type: ignore[attr-defined]
    })  # fmt: skip


def test_killed_and_resumed_equals_uninterrupted_to_the_bit(tmp_path: Path) -> None:
    judged = {"features": "auto", "evaluate_every": 50, "evaluate_samples": 100, "steps": 100}
    whole = train(tmp_path / "whole", **judged)
    killed = tmp_path / "killed"
    process = start("train", "dcgan", "digits", *flags(**{**SMALL, **judged, "checkpoint_every": 10, "out": killed}))
    wait_for(killed / "checkpoints" / "step-00000010.pt", process)
    process.kill()  # SIGKILL: nothing can be tidied up
    process.communicate()
    reached = newest(Run(killed))["count"]
    assert isinstance(reached, int)
    assert 10 <= reached < 100, "the run must have been killed on its way"
    resumed = sparring.resume(killed, quiet=True)
    for part in ("gan", "ema", "optimisers", "count", "position"):
        assert_same_state(newest(whole)[part], newest(resumed)[part], part)
    assert milestones(resumed) == ["start", "resume", "end"]


def test_another_number_of_threads_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path / "run", steps=2)
    torch.set_num_threads(2)
    sparring.resume(tmp_path / "run", steps=3)
    assert "1 threads before, 2 now" in " ".join(capsys.readouterr().out.split())


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start("train", "dcgan", "digits", *flags(**{**SMALL, "steps": 10**6, "out": out}))
    wait_for(out / "log.jsonl", process)
    time.sleep(0.3)  # on its way, or still at its beginning
    process.send_signal(signal.SIGINT)
    text, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"sparring train --resume {out}" in text
    assert "Traceback" not in complaints
    count = newest(Run(out))["count"]
    assert isinstance(count, int)
    assert count > 0
    more = sparring.resume(out, quiet=True, steps=count + 2)
    assert newest(more)["count"] == count + 2


def test_minutes_end_the_run(tmp_path: Path) -> None:
    begun = time.monotonic()
    run = train(tmp_path / "run", minutes=0.02)
    assert 1 < time.monotonic() - begun < 25
    assert 1 < json.loads((run.folder / "metrics.json").read_text())["seconds"] < 6


def test_a_poisoned_run_heals_or_gives_up_and_never_saves_poison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Trainer.round

    def round(self: Trainer) -> None:
        if self.gan.count == 6 and self.lr_scale > last_bad_scale:
            self.batches = [_Poisoned(b) for b in self.batches]  # type: ignore[misc]
        elif isinstance(self.batches[0], _Poisoned) and self.gan.count < 6:
            self.batches = [b.batches for b in self.batches]  # type: ignore[attr-defined]
        honest(self)

    monkeypatch.setattr(Trainer, "round", round)
    last_bad_scale = 0.5
    run = train(tmp_path / "heals", steps=12, checkpoint_every=5)
    assert newest(run)["count"] == 12
    assert newest(run)["restores"] == 1
    assert newest(run)["skipped"] == 3
    assert sum(r.get("event") == "restore" for r in run.records()) == 1
    last_bad_scale = 0.0
    with pytest.raises(SparringError, match="after 3 restores"):
        train(tmp_path / "fails", steps=12, checkpoint_every=5)
    state = newest(Run(tmp_path / "fails"))
    assert state["count"] == 5
    assert all(torch.isfinite(t).all() for t in state["gan"].values())  # type: ignore[attr-defined]


class _Poisoned:
    """Batches of NaN."""

    def __init__(self, batches: object) -> None:
        self.batches = batches

    def __getattr__(self, name: str) -> object:
        return getattr(self.batches, name)

    def __iter__(self) -> _Poisoned:
        return self

    def __next__(self) -> Batch:
        x, given = next(self.batches)  # type: ignore[call-overload]
        return Batch(x * float("nan"), given)


def test_weights_that_overflow_are_never_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Trainer.round

    def round(self: Trainer) -> None:
        honest(self)
        if self.gan.count == 7 and self.restores == 0:
            with torch.no_grad():
                self.players["critic"].parameters[0].fill_(float("inf"))

    monkeypatch.setattr(Trainer, "round", round)
    run = train(tmp_path / "run", steps=8, checkpoint_every=1)
    state = newest(run)
    assert state["count"] == 8
    assert state["restores"] == 1


def test_a_full_disk_ends_in_a_sentence_with_the_old_checkpoint_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = torch.save

    def save(state: dict[str, object], file: object) -> None:
        if state["count"] == 4:
            raise OSError(28, "No space left on device")
        honest(state, file)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(SparringError, match=r"No space left on device.*sparring train --resume"):
        train(tmp_path / "run", steps=8, checkpoint_every=2)
    monkeypatch.undo()
    run = Run(tmp_path / "run")
    assert newest(run)["count"] == 2
    assert not list(run.checkpoints.glob(".*")), "no half-written file stays"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; run as a user to see it")
def test_an_unwritable_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SparringError, match="cannot write to"):
        train(tmp_path / "run", steps=2)


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SparringError, match=r"cannot write to .*; give a folder that can be written as --out"):
        train(tmp_path / "file" / "run", steps=2)


def test_another_run_is_not_overwritten(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=2)
    with pytest.raises(SparringError, match="is not empty"):
        train(tmp_path / "run", steps=2)


def test_resume_refuses_another_config_with_the_fields_that_differ(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=2)
    with pytest.raises(SparringError, match=r"batch: 16 -> 32.*critic\.lr: "):
        sparring.resume(tmp_path / "run", quiet=True, batch=32, critic={"lr": 1e-5})


def test_resume_refuses_data_that_changed(tmp_path: Path, squares_folder: Path) -> None:
    sparring.train("dcgan", squares_folder, quiet=True, out=str(tmp_path / "run"), **{**SMALL, "steps": 2})
    next(squares_folder.glob("*.png")).unlink()
    with pytest.raises(SparringError, match=r"has changed since the run began.*count: 22 -> 21"):
        sparring.resume(tmp_path / "run", quiet=True, steps=4)


def test_resume_passes_over_a_damaged_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path / "run", steps=6, checkpoint_every=3)
    last = checkpoint.files(run.checkpoints)[-1]
    last.write_bytes(last.read_bytes()[:1000])
    again = sparring.resume(tmp_path / "run", steps=7)
    assert "damaged" in capsys.readouterr().out
    assert newest(again)["count"] == 7
