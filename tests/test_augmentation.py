"""`sparring augment` as a user types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparring.errors import MISTAKE
from test_cli import run as command

QUICK = ("--target", "sick", "--splits", "3", "--steps", "2", "--device", "cpu", "--classifier", "logistic")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """130 people, of whom 20 are sick, and of 2 nobody knows."""
    chance = np.random.default_rng(0)
    sick = np.repeat(["yes", "no", None], [20, 108, 2])
    frame = pd.DataFrame({"id": range(1, 131), "age": chance.integers(20, 90, 130), "sick": sick})
    frame["town"] = chance.choice(["Rome", "Oslo"], 130)
    frame["number"] = np.where(frame["age"] > 50, 1, 0) + np.arange(130) % 2
    frame.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


def test_rows_are_added_until_the_classes_are_level_and_the_verdict_is_shown(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data.with_name("more.csv")
    assert command(monkeypatch, "augment", str(data), *QUICK, "--balance", "--mark", "made", "-o", str(out)) == 0
    shown = capsys.readouterr().out
    assert "sick: no 108 + 0, yes 20 + 88" in shown
    for word in ("split 3 of 3: AUROC nothing 0.", "SMOTE-NC", "class weights", "over nothing", "CTGAN's rows"):
        assert word in shown
    assert "the 130 rows and 88 made ones" in shown
    whole = pd.read_csv(out)
    pd.testing.assert_frame_equal(whole.head(130).drop(columns="made"), pd.read_csv(data))
    made = whole.tail(88)
    assert made["made"].all()
    assert not whole.head(130)["made"].any()
    assert (made["sick"] == "yes").all()
    assert whole["id"].is_unique
    assert set(made["town"]) <= {"Rome", "Oslo"}


def test_nothing_is_written_where_it_is_not_better_and_that_is_asked(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data.with_name("more.csv")
    assert command(monkeypatch, "augment", str(data), *QUICK, "-n", "9", "--only-if-better", "-o", str(out)) == 0
    shown = capsys.readouterr().out
    assert "yes 20 + 9" in shown
    assert "Nothing is written" in shown
    assert [path.name for path in data.parent.iterdir()] == ["people.csv"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--target", "sick"), "say --balance"),
        (("--target", "sick", "--balance", "-n", "3"), "not both"),
        (("--target", "sick", "-n", "0"), "one row or more"),
        (("--target", "sick", "--balance", "--splits", "2"), "--splits is 3 or more"),
        (("--target", "sick", "--balance", "--splits", "15"), "sick=yes has 20 rows, and 15 splits need 30: give --sp"),
        (("--target", "sik", "--balance"), "no column `sik` to predict; perhaps you meant sick"),
        (("--target", "age", "--balance"), "`age`"),
        (("--target", "sick", "--balance", "--mark", "town"), "a column `town` already"),
        (("--target", "sick", "--balance", "-o", "rows.doc"), "cannot write rows to rows.doc"),
        (("--target", "sick", "--balance", "-o", "people.csv"), "people.csv is the data itself"),
        (("--target", "sick", "--balance", "--seed", "-1"), "a seed is 0 or more"),
    ],
)
def test_mistakes_are_sentences(
    data: Path,
    typed: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(data.parent)
    assert command(monkeypatch, "augment", "people.csv", *typed) == MISTAKE
    assert said in capsys.readouterr().err
    assert [path.name for path in data.parent.iterdir()] == ["people.csv"]


def test_a_number_of_few_values_is_a_class(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ("--target", "number", "-n", "4", "--splits", "3", "--steps", "2", "--device", "cpu", "-o", "-")
    monkeypatch.chdir(data.parent)
    assert command(monkeypatch, "augment", "people.csv", *typed) == 0
    shown = capsys.readouterr()
    assert "is the classifier" in shown.err
    assert len(shown.out.splitlines()) == 1 + 130 + 4
