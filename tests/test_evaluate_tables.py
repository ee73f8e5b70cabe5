"""`sparring evaluate` of a run on a table, as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import sparring
from sparring.errors import MISTAKE
from sparring.run import Run
from test_cli import run as command


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a few rounds on a small table."""
    folder = tmp_path_factory.mktemp("table")
    chance = np.random.default_rng(0)
    years = chance.integers(4, 17, 700)
    pay = np.where(chance.random(700) < 0.1, np.nan, np.round(years * 3000 + chance.normal(0, 3000, 700)))
    rich = np.where(years > 11, "yes", "no")
    frame = pd.DataFrame({"id": range(1, 701), "years": years, "pay": pay, "rich": rich})
    frame.to_csv(folder / "pay.csv", index=False)
    settings = {"steps": 2, "batch": 40, "width": 8, "pac": 1, "device": "cpu", "features": "none"}
    return sparring.train("ctgan", str(folder / "pay.csv"), quiet=True, out=str(folder / "run"), **settings)


def test_a_run_on_a_table_is_judged_from_its_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "evaluate", str(run.folder), "-n", "300", "--target", "rich", "--seed", "3") == 0
    shown = capsys.readouterr().out
    for word in ("300 rows made, 70 real (held-out)", "630 training rows, seed 3", "shuffled columns", "AUROC[rich]"):
        assert word in shown
    for word in ("memorising", "exact copies", "worst columns: ", "metrics.json, table.json, report.html"):
        assert word in shown
    judged = json.loads((run.folder / "metrics.json").read_text())["evaluation"]
    assert judged["step"] == 2
    assert judged["metrics"]["exact copies"]["copy"] == 1
    assert judged["metrics"]["memorising"]["copy"] == 0
    assert judged["verdict"]
    page = (run.folder / "report.html").read_text()
    assert "Copy of training rows" in page
    assert "Columns, the worst first" in page
    assert '<th scope="row">identifier columns</th><td>1: id</td>' in page
    assert "deviations" not in page, "the cards of the columns are too long for the page"
    assert "id" not in {column["name"] for column in json.loads((run.folder / "table.json").read_text())["columns"]}
    assert "memorising" in run._repr_html_()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--features", "trained"), "leave out features"),
        (("--target", "ritch"), "no column `ritch` to predict; perhaps you meant rich"),
        (("--target", "id"), "`id` is identifier, which is not learnt"),
        (("-n", "0"), "judge one sample or more"),
    ],
)
def test_mistakes_are_sentences(
    run: Run,
    typed: tuple[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, "evaluate", str(run.folder), *typed) == MISTAKE
    assert said in capsys.readouterr().err
