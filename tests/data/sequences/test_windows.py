"""Sequences of equal length, the split between them, and the way back into a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from made_up import sequences
from sparring.data.draw import grid
from sparring.data.sequences import windows
from sparring.data.sequences.read import Order
from sparring.data.source import open_data, order
from sparring.data.spec import Spec
from sparring.data.split import split
from sparring.errors import SparringError


def table(rows: int = 600) -> pd.DataFrame:
    """Two stations; `at` counts all rows, so that shared rows can be told."""
    hours = np.tile(np.arange(rows), 2)
    x = np.round(np.sin(hours / 5) * 20, 1)
    return pd.DataFrame({"at": np.arange(2 * rows), "station": np.repeat(["A", "B"], rows), "hour": hours, "warm": x})


def test_sequences_are_rows_that_follow_one_another_scaled() -> None:
    dataset = windows.sequences("made", table(), Order("station", "hour", 8))
    assert dataset.spec.shape == (2, 8)
    assert dataset.rows.min() == -1
    assert dataset.rows.max() == 1
    back = windows.table(dataset.spec, dataset.rows)
    assert list(back) == ["sequence", "at", "station", "hour", "warm"]
    at = back["at"].to_numpy().reshape(-1, 8)
    assert (np.diff(at, axis=1) == 1).all()
    assert len(np.unique(at // 600)) == 2
    assert (at[:, 0] // 600 == at[:, -1] // 600).all(), "no sequence is of two stations"
    known = table().set_index("at")["warm"]
    np.testing.assert_array_equal(back["warm"], known.loc[back["at"]])
    assert back["at"].dtype == np.int64


def test_training_and_held_out_sequences_share_no_row() -> None:
    whole = windows.sequences("made", table(), Order("station", "hour", 8))
    train, held = split(whole, 0.2)
    assert held is not None
    at = [set(windows.table(part.spec, part.take(np.arange(len(part))))["at"]) for part in (train, held)]
    assert at[1]
    assert not at[0] & at[1]


def test_a_sequence_with_a_long_gap_is_left_out() -> None:
    frame = table()
    frame.loc[100:110, "warm"] = np.nan
    back = windows.sequences("made", frame, Order("station", "hour", 8))
    at = windows.table(back.spec, back.rows)["at"]
    assert not at.between(100, 110).any()


def test_the_front_door_cuts_a_file_and_its_card_survives(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    table().to_csv(path, index=False)
    dataset = open_data(path, order=order("station", "hour", 8))
    assert dataset.spec.kind == "sequences"
    assert Spec.from_dict(dataset.spec.to_dict()) == dataset.spec
    assert open_data(path, order=order("station", "hour", 8)).spec.hash == dataset.spec.hash
    assert open_data(path).spec.kind == "table"
    with pytest.raises(SparringError, match="leave out kinds"):
        open_data(path, order=order("station", None, 8), kinds=("warm=integer",))
    with pytest.raises(SparringError, match="is no table"):
        open_data("ring", order=order("station", None, 8))


def test_lengths_that_cannot_be_are_said() -> None:
    with pytest.raises(SparringError, match="goes with --time"):
        order(None, None, 8)
    with pytest.raises(SparringError, match="2 rows or more"):
        order("station", None, 1)
    with pytest.raises(SparringError, match="the longest stretch has 20 rows"):
        windows.sequences("made", table(20), Order("station", "hour", 24))
    assert order(None, None, None) is None


def test_each_sequence_is_drawn_by_its_values() -> None:
    dataset = sequences(4)
    samples = torch.from_numpy(dataset.rows)
    drawn = np.asarray(grid(dataset.spec, samples))
    still = np.asarray(grid(dataset.spec, samples * 0))
    assert drawn.shape == still.shape
    assert (drawn != still).any()
