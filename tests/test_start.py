"""What a run says of the data it begins with, and of data that is not what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import sparring
from sparring.errors import SparringError


def table(path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    pd.DataFrame({"x": chance.normal(7.5e299, 1e298, 60), "g": chance.choice(["a", "b"], 60)}).to_csv(path, index=False)


def test_data_that_is_gone_or_changed_is_said_so_in_words(tmp_path: Path) -> None:
    source, folder = tmp_path / "ch.csv", tmp_path / "run"
    table(source, 0)
    (tmp_path / "ch2").mkdir()
    how = {"steps": 1, "batch": 10, "width": 8, "features": "none", "device": "cpu"}
    sparring.train("ctgan", str(source), out=str(folder), **how)
    source.unlink()
    with pytest.raises(SparringError, match=r"run learnt from .*ch\.csv, which is gone: put it back"):
        sparring.resume(folder, steps=2)
    table(source, 1)
    with pytest.raises(
        SparringError, match=r"ch\.csv has changed since the run began \(the same amount, other values\)"
    ):
        sparring.resume(folder, steps=2)


def test_a_class_of_one_picture_is_told_where_classes_are_learnt(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for name, count in (("cat", 12), ("dog", 1)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for at in range(count):
            Image.fromarray(chance.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(
                tmp_path / f"pets/{name}/{at}.png"
            )
    how = {"steps": 1, "batch": 4, "width": 4, "features": "none", "augment": "none", "device": "cpu", "size": "16"}
    run = sparring.train("cgan", str(tmp_path / "pets"), out=str(tmp_path / "run"), **how)
    notes = next(record for record in run.records() if record["event"] == "start")["data"]["notes"]
    assert "One picture alone is learnt of the class dog, so it can only be copied: add more, or leave it out." in notes
