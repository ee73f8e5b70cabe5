"""`auto`, the command: it says what it chose and why, gives way to the user, and leaves a run like any other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import sparring
from fighting import UNPROBED
from sparring import auto, plan
from sparring.cluster import Cluster
from sparring.config import Config
from sparring.errors import SparringError
from test_cli import run

QUICK = ["--width", "8", "--steps", "2", "--features", "none", "--device", "cpu", "--memory-format", "contiguous"]


def test_a_run_holds_the_recipe_chosen_and_goes_on_without_auto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text("latent: 11\nseed: 4\n")
    assert run(monkeypatch, "train", "auto", "digits", "my.yaml", *QUICK, "--critic.lr", "1e-3") == 0
    said = capsys.readouterr().out
    assert "auto: cgan, because the pictures come with 10 classes" in said
    assert "as asked: " in said
    assert "--latent=11" in said
    written = yaml.safe_load(Path("runs/cgan-digits-1/config.yaml").read_text())
    assert (written["recipe"], written["width"], written["latent"], written["seed"]) == ("cgan", 8, 11, 4)
    assert (written["critic"]["lr"], written["augment"], written["steps"]) == (1e-3, "adaptive", 2)
    assert "auto" not in [written[key] for key in ("augment", "precision", "memory_format")]
    sparring.resume("runs/cgan-digits-1", quiet=True, steps=3)
    assert sparring.load("runs/cgan-digits-1").config.steps == 3


def test_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = {"steps": 2, **UNPROBED}
    done = sparring.train("auto", "ring", quiet=True, out=str(tmp_path / "run"), width=16, **quick)
    assert (done.recipe.name, done.config.augment) == ("vanilla", "none")
    assert done.config.width == 16  # type: ignore[attr-defined]
    assert capsys.readouterr().out == ""
    with pytest.raises(SparringError, match=r"sparring\.train\('auto'\): there is no `wdith`; perhaps you meant width"):
        sparring.train("auto", "ring", wdith=16)


def test_plan_shows_the_choice_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan, "seconds_per_round", lambda *_: 0.5)
    quick = ["--width", "8", "--memory-format", "contiguous", "--device", "cpu"]
    assert run(monkeypatch, "plan", "auto", "digits", *quick) == 0
    said = capsys.readouterr().out
    assert "steps 960: a round takes 500 ms here, and no more fit into 10 minutes" in said
    assert "cgan on digits" in said
    assert not Path("runs").exists()


def test_help_shows_the_choice_and_the_flags_of_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "auto", "digits", "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "For digits it takes cgan, because" in said
    assert "--embedding INT" in said
    assert run(monkeypatch, "recipes") == 0
    assert "auto " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["no/such/folder"], "There is no no/such/folder here"),
        (["no/such/folder", "--help"], "There is no no/such/folder here"),
        (["digits", "--batch", "0"], "`batch` must be above 0"),
        (["digits", "--size", "4"], "4"),
        (["digits", "more"], "one word too many"),
        (["ring", "--size", "32"], "points, not pictures"),
    ],
)
def test_mistakes_end_in_one_sentence(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "auto", *words) == 2
    complaint = capsys.readouterr().err
    assert sentence in complaint
    assert complaint.count("\n") == 1


def test_a_misspelt_flag_and_a_mistake_in_a_file_are_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "train", "auto", "digits", "--embeding", "8") == 2
    assert "--embedding" in capsys.readouterr().err
    for text, sentence in (("batch: many\n", "my.yaml: "), ("embeding: 8\n", "my.yaml: there is no `embeding`")):
        Path("my.yaml").write_text(text)
        assert run(monkeypatch, "train", "auto", "digits", "my.yaml") == 2
        assert sentence in capsys.readouterr().err
    assert run(monkeypatch, "train", "atuo", "digits") == 2
    assert "perhaps you meant auto" in capsys.readouterr().err


# ---------------------------------------------------------------- several processes


def test_every_process_chooses_by_the_chiefs_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that measure different seconds come to the same settings."""
    told: list[Any] = []

    def tell(self: Cluster, value: Any) -> Any:
        told.append(value)
        return told[0]

    monkeypatch.setattr(Cluster, "tell", tell)
    found = auto.Auto("digits", Config())
    settled = []
    for seconds in (0.25, 0.7):
        monkeypatch.setattr(plan, "seconds_per_round", lambda *_, mine=seconds: mine)
        config = found.recipe.config(device="cpu", memory_format="contiguous", precision="fp32")
        settled.append(found.settle(config, [], quiet=True))
    assert told == [0.25, 0.7]
    assert settled[0] == settled[1]
    assert settled[0].steps == 1_920


def test_torchrun_starts_it_too(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "sparring"]
    words += ["train", "auto", "ring", "--width", "8", "--minutes", "0.01", "--features", "none", "--device", "cpu"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("auto: vanilla") == 1, "the chief alone speaks"
    run = sparring.load(tmp_path / "runs" / "vanilla-ring-1")
    assert (run.config.processes, run.config.augment) == (2, "none")
    assert run.gan.count > 0
