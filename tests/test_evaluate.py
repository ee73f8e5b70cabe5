"""`sparring evaluate`, as a user types it: the table, the files, and a sentence for each mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from fighting import UNPROBED
from sparring.data import draw
from sparring.data.dataset import decode
from sparring.errors import MISTAKE
from sparring.evaluate import evaluate
from sparring.metrics import trained
from sparring.metrics.judge import Evaluation
from sparring.metrics.pairs import pairs
from sparring.run import Run
from sparring.start import parts
from test_cli import run as command

TINY: dict[str, Any] = {"width": 8, "latent": 4, "batch": 16, **UNPROBED}


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A feature network of little learning, and an empty cache."""
    monkeypatch.setattr(trained, "STEPS", 10)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """600 grey pictures of 8x8, of which no two are equal: bright squares on noise."""
    chance = np.random.default_rng(0)
    rows = chance.integers(0, 60, (600, 8, 8), dtype=np.uint8)
    for row in rows:
        top, left = chance.integers(0, 5, 2)
        row[top : top + 3, left : left + 3] = chance.integers(130, 255)
    np.save(tmp_path / "squares.npy", rows)
    return tmp_path / "squares.npy"


def train(data: object, out: Path, **settings: Any) -> Run:
    return sparring.train("vanilla", str(data), quiet=True, out=str(out), **{**TINY, "steps": 4, **settings})


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    """A run on pictures, of a few rounds."""
    return train(data, tmp_path / "run")


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def test_a_run_is_judged_from_its_folder_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = figures(run.folder)
    assert "evaluation" not in before, "a run this short is not judged in training"
    assert command(monkeypatch, "evaluate", str(run.folder), "-n", "90", "--seed", "3") == 0
    shown = capsys.readouterr().out
    for word in ("KD[trained-identity-squares]", "FD[", "recall", "memorising", "real against real", "mean picture"):
        assert word in shown
    for word in ("at round 4,", "60 real (held-out), 90 fake, seed 3", "note: With fewer than 2,000 samples"):
        assert word in shown
    assert "in " + str(run.folder) + ": metrics.json, neighbours.png, report.html" in shown
    after = figures(run.folder)
    judged = after.pop("evaluation")
    assert after == before, "the figures of training stay"
    assert judged["step"] == 4
    assert judged["protocol"]["fake"] == 90
    kernel = judged["metrics"]["KD[trained-identity-squares]"]
    assert kernel["value"] > kernel["floor"] + 3 * kernel["error"], "after four rounds it cannot be good"
    assert f"{kernel['value']:.4g}" in shown
    assert "KD[trained-identity-squares]" in (run.folder / "report.html").read_text()
    with Image.open(run.folder / "neighbours.png") as picture:
        assert picture.height > 8 * 8 * 16, "eight pictures, enlarged, under each other"
    assert not list(run.folder.glob(".*")), "no draft stays"


def test_the_same_seed_judges_the_same_samples(run: Run) -> None:
    first = evaluate(run, 90)
    assert evaluate(Run(run.folder), 90) == first
    assert figures(run.folder)["evaluation"] == {"step": 4, **first.to_dict()}
    assert evaluate(run, 90, seed=1) != first
    assert run.sample(3).shape == (3, 1, 8, 8), "the run can be used as before"


def test_neighbours_show_the_very_samples_that_the_pairs_name(run: Run) -> None:
    train, held = parts(run.data, run.config)
    assert held is not None
    named = ((7, 500, 3), (88, 2, 59))
    found = pairs(run.gan, Evaluation({"seed": 5, "fake": 100}, {}, pairs=named), train, held)
    assert found is not None
    known, new = (
        decode(torch.from_numpy(side.take(np.array(rows)))) for side, rows in ((train, [500, 2]), (held, [3, 59]))
    )
    shown = {"sample": run.sample(100, 5)[[7, 88]], "nearest in training": known, "nearest held out": new}
    assert np.array_equal(np.asarray(found), np.asarray(draw.columns(shown)))
    assert pairs(run.gan, Evaluation({"seed": 5, "fake": 100}, {}), train, held) is None


def test_points_are_judged_without_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train("ring", tmp_path / "run").folder
    assert command(monkeypatch, "evaluate", str(folder), "-n", "100") == 0
    assert "KD[points]" in capsys.readouterr().out
    assert figures(folder)["evaluation"]["protocol"]["features"] == "points"
    assert not (folder / "neighbours.png").exists()


def test_an_old_picture_goes_where_there_is_no_new_one(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", held_out=0.0, features="none")
    (run.folder / "neighbours.png").write_bytes(b"of another evaluation")
    found = evaluate(run, 50)
    assert found.protocol["split"] == "training"
    assert found.protocol["features"] == "trained-identity-squares", "what suits the data, for the run's own is none"
    assert not (run.folder / "neighbours.png").exists()


def test_the_best_checkpoint_is_judged_where_it_is_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learns_nothing = {"lr": 1e-30}
    run = train(data, tmp_path / "run", steps=6, evaluate_every=2, evaluate_samples=50, generator=learns_nothing)
    assert figures(run.folder)["best"]["step"] == 2
    assert command(monkeypatch, "evaluate", str(run.folder), "-n", "50", "--best") == 0
    assert "at round 2," in capsys.readouterr().out
    assert figures(run.folder)["evaluation"]["step"] == 2
    assert evaluate(sparring.load(run.folder), 50)
    assert figures(run.folder)["evaluation"]["step"] == 6


def test_the_runs_own_features_are_taken_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def extractor(name: str, *rest: object, **more: object) -> None:
        asked.append(name)
        raise sparring.errors.SparringError("enough")

    monkeypatch.setattr("sparring.evaluate.extractor", extractor)
    run.config = replace(run.config, features="onnx:mine.onnx")
    for name in ("auto", "efficientnet-lite0"):
        with pytest.raises(sparring.errors.SparringError, match="enough"):
            evaluate(run, 50, name)
    assert asked == ["onnx:mine.onnx", "efficientnet-lite0"]


def test_damaged_figures_are_replaced(run: Run) -> None:
    for text in ("{", "[]"):
        (run.folder / "metrics.json").write_text(text)
        found = evaluate(run, 50)
        assert figures(run.folder)["evaluation"]["metrics"] == found.to_dict()["metrics"]


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--features", "trianed"], "there is no feature network `trianed`; perhaps you meant trained"),
        (["--features", "inception:/no/such/file"], "cannot read Inception's weights from /no/such/file"),
        (["--features", "points"], "`points` judges points and sequences only, and squares holds pictures"),
        (["-n", "0"], "judge one sample or more; 0 were asked for"),
        (["--seed", "-1"], "a seed is 0 or more; it is -1"),
        (["--best"], "was kept as the best; leave out --best"),
    ],
)
def test_mistakes_end_in_one_sentence(
    words: list[str], sentence: str, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = figures(run.folder)
    assert command(monkeypatch, "evaluate", str(run.folder), *words) == MISTAKE
    complaint = capsys.readouterr().err
    assert sentence in complaint
    assert complaint.count("\n") == 1
    assert figures(run.folder) == before


def test_a_missing_run_is_one_sentence_that_names_those_nearby(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "evaluate", str(run.folder.with_name("rum"))) == MISTAKE
    complaint = capsys.readouterr().err
    assert f"there are runs in {run.folder}" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("change", ["edited", "gone"])
def test_data_that_changed_is_one_sentence(
    change: str, data: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sample more would part the data anew: what is held out now may have been learnt."""
    if change == "edited":
        np.save(data, np.concatenate([np.load(data), np.zeros((1, 8, 8), np.uint8)]))
    else:
        data.unlink()
    assert command(monkeypatch, "evaluate", str(run.folder)) == MISTAKE
    complaint = capsys.readouterr().err
    assert ("is no longer the data that" if change == "edited" else "which is gone") in complaint
    assert complaint.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.folder / "metrics.json").unlink()
    (run.folder / "metrics.json").mkdir()  # which root cannot write to either
    assert command(monkeypatch, "evaluate", str(run.folder), "-n", "50") == MISTAKE
    complaint = capsys.readouterr().err
    assert f"cannot write the evaluation into {run.folder}: " in complaint
    assert complaint.count("\n") == 1


def test_only_of_a_table_a_column_is_predicted(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "evaluate", str(run.folder), "--target", "income") == MISTAKE
    assert "only of a table a column can be predicted" in capsys.readouterr().err
