from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sparring import cli
from sparring.data.tables import read
from sparring.data.tables.dataset import table
from sparring.data.tables.doctor import Findings, examine, print_findings
from sparring.errors import SparringError

COUNT = 600


@pytest.fixture
def frame() -> pd.DataFrame:
    """A column of each thing that is worth knowing."""
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": range(COUNT),
            "amount": generator.normal(size=COUNT),
            "city": [f"[red]city {at // 2}" for at in range(COUNT)],
            "land": "DE",
            "note": ["a " + "long " * 10] + [None] * (COUNT - 2) + ["b"],
            "rare": ["x"] * (COUNT - 2) + ["y", None],
        }
    )


def test_whole_numbers_that_a_float_does_not_hold() -> None:
    near = 2**53 - COUNT
    frame = pd.DataFrame(
        {"big": [(2**60 + at * 7919) for at in range(COUNT)], "good": [near - at * 7 for at in range(COUNT)]}
    )
    told = examine(frame).warnings
    assert told == ("big has whole numbers beyond 2^53, which come back rounded, as multiples of 256.",)


def printed(findings: Findings) -> str:
    stream = io.StringIO()
    print_findings(findings, Console(file=stream, width=220))
    return stream.getvalue()


def test_what_is_found(frame: pd.DataFrame) -> None:
    findings = examine(frame)
    assert (findings.name, findings.rows) == ("table", COUNT)
    looks = {look.name: look for look in findings.columns}
    assert list(looks) == list(frame.columns)
    assert looks["city"].distinct == COUNT // 2
    assert looks["note"].missing == pytest.approx((COUNT - 2) / COUNT)
    assert looks["rare"].examples == ("x", "y")
    assert looks["note"].examples[0].endswith("…")
    told = " ".join(findings.warnings)
    for words in (
        "id is never learnt",
        "land is the same in every row",
        "city has 300 categories: the rare ones are learnt together",
        "note is missing in 100% of the rows",
        "rare is x in 99.7% of the rows",
    ):
        assert words in told
    assert "amount" not in told
    assert "copy" not in told


def test_copies_are_counted(frame: pd.DataFrame) -> None:
    assert examine(pd.concat([frame, frame[:3]]), ["id=categorical"]).warnings[-1].startswith("3 rows are exact copies")


def test_a_wish_is_shown_as_one(frame: pd.DataFrame) -> None:
    assert [look.why for look in examine(frame, ["city=identifier"]).columns][2] == "as asked"


def test_what_is_printed(frame: pd.DataFrame) -> None:
    text = printed(examine(frame))
    assert "Training gets 600 rows of 6 columns." in text
    assert "[red]city 0" in text
    assert "0.2%" in text  # of rare


def test_the_command(
    frame: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame.to_csv("t.csv", index=False)
    monkeypatch.setenv("COLUMNS", "200")
    for words, status, said in (
        (["t.csv", "--kinds", "city=identifier"], 0, "as asked"),
        (["t.csv", "--kinds", "town=identifier"], 2, "no column town; there are id, amount"),
        (["t.csv", "--size", "32"], 2, "This data is a table, not pictures"),
        (["s.csv"], 2, "did you mean t.csv"),
        (["digits", "--kinds", "a=integer"], 2, "only a table's columns have kinds"),
    ):
        monkeypatch.setattr(sys, "argv", ["sparring", "data", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out = capsys.readouterr()
        assert left.value.code == status
        assert said in (out.err if status else out.out)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]  # no contact sheet


def test_the_doctor_of_pictures_sends_tables_on(frame: pd.DataFrame, tmp_path: Path) -> None:
    from sparring.data import doctor

    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SparringError, match="t is a table"):
        doctor.examine(tmp_path / "t.csv")


def test_a_column_of_numbers_with_some_texts_is_told_of() -> None:
    values = ["1", "2.5", "7", "x", "2020-01-01"] * 12
    frame = pd.DataFrame({"dose": values, "size": ["S", "M", "L", "3", "4"] * 12, "y": range(60)})
    told = [said for said in examine(frame).warnings if "mixes" in said]
    assert len(told) == 1, "of sizes most are no numbers"
    assert told[0].startswith("dose mixes numbers and others, so it is learnt as categories: 24 of its 60 values are")
    assert '"x" in row 4' in told[0]
    assert told[0] in table("it", read.read(frame)).notes, "training says so as well"
    assert not [said for said in examine(frame, ["dose=categorical"]).warnings if "mixes" in said]
