"""`sparring sample` of a run on a table: files, conditions, and what does not go with tables."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sparring
from sparring.cli import main
from sparring.run import Run


def frame(count: int = 300) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    sex = chance.choice(["Female", "Male"], count)
    return pd.DataFrame(
        {"age": chance.integers(18, 90, count), "top": 95, "sex": sex, "zip": 10115 + np.arange(count) % 7}
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("rows")
    frame().to_csv(folder / "people.csv", index=False)
    settings = {"kinds": ["zip=categorical"], "constraints": ["18 <= age <= top"], "width": 4, "latent": 2, "pac": 1}
    data = folder / "people.csv"
    return sparring.train(
        "ctgan", data, steps=1, batch=20, out=str(folder / "run"), quiet=True, features="none", **settings
    )


def sample(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["sparring", "sample", *map(str, words)])
    with pytest.raises(SystemExit) as status:
        main()
    return int(status.value.code or 0)


def test_wishes_and_constraints_are_kept_in_the_run(run: Run) -> None:
    again = Run(run.folder)
    assert again.config.kinds == ("zip=categorical",)
    assert again.config.constraints == ("18 <= age <= top",)
    assert [field.kind for field in again.spec.fields] == ["integer", "constant", "categorical", "categorical"]
    assert [rule.text for rule in again.spec.constraints] == ["18 <= age <= top"]


def test_rows_go_into_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.csv.gz"
    assert sample(monkeypatch, run.folder, "-n", 50, "--where", "sex=Female", "age>=30", "-o", path) == 0
    rows = pd.read_csv(path)
    assert len(rows) == 50
    assert set(rows.sex) == {"Female"}
    assert rows.age.min() >= 30
    pd.testing.assert_frame_equal(rows, run.rows(50, ["sex=Female", "age>=30"]), check_dtype=False)
    said = capsys.readouterr().out
    assert f"50 rows in {path}: " in said
    assert "% of the rows drawn had sex=Female and age>=30 and 18 <= age <= top, and all of these have" in said
    assert len(said.splitlines()) == 1 + 1 + 5


def test_rows_are_printed_as_csv_and_the_summary_beside_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sample(monkeypatch, run.folder, "-n", 3, "-o", "-", "--given", "zip=10117", "--seed", 2) == 0
    said = capsys.readouterr()
    assert said.out == run.rows(3, "zip=10117", seed=2).to_csv(index=False)
    assert said.err.startswith("3 rows: ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--sweep"], "makes rows of a table, which have no --sweep: of the ways to sample give -n, --where, --seed"),
        (["-n", "10", "--like", "x.png"], "which have no --like"),
        (["--interpolate", "3", "-n", "2"], "which have no --interpolate"),
        (["--grid", "grid.png"], "makes rows of a table"),
        (["--where", "sx=Male"], "there is no column `sx`; perhaps you meant sex"),
        (["-o", "rows.txt"], "name it .csv, .tsv, .csv.gz, .parquet or .feather"),
        (["-n", "0"], "ask for one row or more"),
        (["--best"], "no evaluation"),
    ],
)
def test_mistakes_are_sentences_and_write_nothing(
    run: Run,
    words: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sample(monkeypatch, run.folder, *words) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_where_is_for_tables_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = sparring.train("vanilla", "ring", steps=1, out=str(tmp_path / "run"), quiet=True, features="none")
    assert sample(monkeypatch, points.folder, "--where", "sex=Male") == 2
    assert "--where asks for rows of a table, and" in capsys.readouterr().err
