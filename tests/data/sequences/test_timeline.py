"""Whose and when sampled sequences are: new entities, times that go on as the data's do, and what follows from both."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sparring.data.sequences import windows
from sparring.data.sequences.read import Order
from sparring.data.spec import Spec
from sparring.data.split import split


def hourly(zone: str = "America/New_York", count: int = 900) -> pd.DataFrame:
    """Two stations over a change to summer time, of which the parts are local and the time is UTC, in text."""
    when = pd.date_range("2013-02-20 05:00", periods=count, freq="h", tz="UTC")
    there = when.tz_convert(zone)
    warm = np.round(np.random.default_rng(0).normal(10, 3, count), 1)
    parts = {"month": there.month, "hour": there.hour}
    one = pd.DataFrame({"at": "A", **parts, "warm": warm, "guests": np.arange(count) % 9})
    one["time"] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pd.concat([one, one.assign(at="B")], ignore_index=True)


def sampled(frame: pd.DataFrame, order: Order, n: int = 6, seed: int = 0) -> pd.DataFrame:
    """As many rows as learnt, in the form of samples, by way of a checkpoint's plain card."""
    dataset = windows.sequences("made", frame, order)
    spec = Spec.from_dict(json.loads(json.dumps(dataset.spec.to_dict())))
    assert spec == dataset.spec
    return windows.table(spec, dataset.rows[:n], seed=seed)


def test_sampled_rows_have_the_columns_of_the_data_and_consistent_times() -> None:
    frame = hourly()
    made = sampled(frame, Order("at", "time", 24))
    assert list(made) == ["sequence", *frame]
    assert set(made["at"]) == {f"sampled-{number}" for number in range(1, 7)}
    when = pd.to_datetime(made["time"], utc=True)
    assert (when.groupby(made["sequence"]).diff().dropna() == pd.Timedelta(hours=1)).all()
    begun = when.groupby(made["sequence"]).first()
    assert begun.isin(pd.to_datetime(frame["time"], utc=True)).all()
    there = when.dt.tz_convert("America/New_York")
    assert (there.dt.hour == made["hour"]).all()
    assert (there.dt.month == made["month"]).all()
    assert made.groupby("sequence")["time"].first().nunique() > 1


def test_what_follows_from_the_time_is_not_learnt_and_said() -> None:
    dataset = windows.sequences("made", hourly(), Order("at", "time", 24))
    assert [field.name for field in dataset.spec.fields] == ["warm", "guests"]
    assert any("computed from time" in note and "month, hour" in note for note in dataset.notes)
    odd = hourly()
    odd.loc[7, "hour"] = 3
    assert "hour" in [field.name for field in windows.sequences("made", odd, Order("at", "time", 24)).spec.fields]


def test_months_stay_months_and_numbers_count() -> None:
    months = pd.date_range("2000-01-01", periods=200, freq="MS")
    frame = pd.DataFrame({"month": months.strftime("%Y-%m-%d"), "sold": np.sin(np.arange(200)), "shop": 7})
    made = sampled(frame, Order("shop", "month", 12))
    assert made["month"].str.endswith("-01").all()
    assert made["shop"].unique().tolist() == [8, 9, 10, 11, 12, 13]
    frame["month"] = np.arange(0, 400, 2)
    made = sampled(frame, Order(None, "month", 12))
    assert made["month"].dtype == np.int64
    assert (made["month"].groupby(made["sequence"]).diff().dropna() == 2).all()


@pytest.mark.parametrize("kind", ["naive", "aware"])
def test_dates_of_pandas_come_back_as_such(kind: str) -> None:
    frame = hourly()
    when = pd.to_datetime(frame["time"], utc=True)
    frame["time"] = when.dt.tz_convert("Europe/Paris") if kind == "aware" else when.dt.tz_localize(None)
    made = sampled(frame, Order("at", "time", 24))
    assert made["time"].isin(pd.concat([frame["time"], frame["time"] + pd.Timedelta(days=2)])).all()
    assert getattr(made["time"].dtype, "tz", None) == getattr(frame["time"].dtype, "tz", None)


def test_what_was_sampled_can_be_learnt_from_and_gets_other_names() -> None:
    frame = sampled(hourly(), Order("at", "time", 24), n=20).drop(columns="sequence")
    again = sampled(frame, Order("at", "time", 12))
    assert not set(again["at"]) & set(frame["at"])


def test_the_notes_speak_of_windows_and_of_their_blocks() -> None:
    train, held = split(windows.sequences("made", hourly(), Order("at", "time", 24)), 0.2)
    assert held is not None
    assert "1,800 rows of 2 at without a gap give" in " ".join(train.notes)
    assert "A group is a block of about 168 rows" in train.notes[-2]
    assert f"{len(held)} of {len(held) + len(train)} samples are held out by group (" in train.notes[-1]
