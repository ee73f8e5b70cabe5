"""From a table whose rows follow one another to a table of new sequences, by the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import sparring
from sparring.errors import SparringError
from sparring.run import Run
from sparring.sampling import Sample, carry_out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return stations(tmp_path_factory.mktemp("sequences"))


def stations(folder: Path, noise: float = 0.0) -> Run:
    """A few rounds on two stations."""
    hours = np.tile(np.arange(300), 2)
    warm = np.round(15 + 9 * np.sin(hours / 4) + noise * np.random.default_rng(0).normal(size=600), 1)
    frame = pd.DataFrame({"at": np.repeat(["A", "B"], 300), "hour": hours, "warm": warm, "guests": hours % 7})
    frame.to_csv(folder / "stations.csv", index=False)
    settings = {"time": "hour", "entity": "at", "window": 8, "steps": 4, "batch": 8, "width": 4, "device": "cpu"}
    settings |= {"evaluate_every": 4}
    return sparring.train("wavegan", folder / "stations.csv", quiet=True, out=str(folder / "run"), **settings)


def test_whole_sequences_come_as_a_table(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(Sample(str(run.folder), n=5, out=str(tmp_path / "new.csv")))
    assert "5 sequences of 8 rows in " in capsys.readouterr().out
    made = pd.read_csv(tmp_path / "new.csv")
    assert list(made) == ["sequence", "at", "hour", "warm", "guests"]
    assert made["sequence"].tolist() == np.repeat(np.arange(5), 8).tolist()
    assert (made["hour"].to_numpy().reshape(5, 8) - made["hour"].to_numpy()[::8, None] == np.arange(8)).all()
    assert made["at"].tolist() == np.repeat([f"sampled-{number}" for number in range(1, 6)], 8).tolist()
    assert made["guests"].isin(range(7)).all()
    assert made["warm"].between(6, 24).all()
    assert (made["warm"] == made["warm"].round(1)).all()
    carry_out(Sample(str(run.folder), n=3, out=str(tmp_path / "fewer.csv")))
    assert pd.read_csv(tmp_path / "fewer.csv").equals(made.iloc[:24])


def test_without_a_file_they_are_drawn(run: Run, tmp_path: Path) -> None:
    carry_out(Sample(str(run.folder), n=4, grid=str(tmp_path / "grid.png")))
    assert (tmp_path / "grid.png").exists()
    carry_out(Sample(str(run.folder), n=4, grid=str(tmp_path / "both.png"), out=str(tmp_path / "both.csv")))
    assert (tmp_path / "both.png").read_bytes() == (tmp_path / "grid.png").read_bytes()
    assert len(pd.read_csv(tmp_path / "both.csv")) == 4 * 8
    carry_out(Sample(str(run.folder), interpolate=2, frames=3, grid=str(tmp_path / "film.gif")))
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 4  # type: ignore[attr-defined]
    with pytest.raises(SparringError, match="name it"):
        carry_out(Sample(str(run.folder), n=4, out=str(tmp_path / "new.txt")))


def test_a_run_is_judged_while_it_trains_and_its_data_can_be_had_again(run: Run) -> None:
    train, held = run.parts()
    assert held is not None
    assert train.spec.kind == "sequences"
    log = (run.folder / "log.jsonl").read_text()
    assert '"KD[points]"' in log
