"""Small data sets that the tests make themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sparring.data.columns import describe
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec
from sparring.data.tables.field import Field


def pictures(channels: int, height: int, width: int, count: int = 24) -> Dataset:
    """Grey to coloured ramps with a bright square at a random place: enough structure for gradients to differ."""
    chance = np.random.default_rng(0)
    rows = np.empty((count, channels, height, width), np.uint8)
    rows[:] = np.linspace(0, 120, width).astype(np.uint8)
    for row in rows:
        top, left = chance.integers(0, height - 3), chance.integers(0, width - 3)
        row[:, top : top + 3, left : left + 3] = chance.integers(130, 255, (channels, 1, 1))
    spec = Spec("pictures", "squares", (channels, height, width), (-1.0, 1.0), count, (), "made-up")
    return Dataset(spec, rows)


def labelled(dataset: Dataset) -> Dataset:
    """The same samples with a class, a flag and a number each; a table has its own categories, and pairs have none."""
    if dataset.spec.kind == "table" or dataset.source is not None:
        return dataset
    chance, n = np.random.default_rng(1), len(dataset)
    labels = np.arange(n) % 3
    columns = np.stack([chance.integers(0, 2, n), chance.normal(40, 9, n)], 1).astype(np.float32)
    cards = tuple(describe(name, values) for name, values in zip(("smiling", "age"), columns.T, strict=True))
    spec = replace(dataset.spec, classes=("cat", "dog", "fish"), shares=(1 / 3,) * 3, columns=cards)
    return Dataset(spec, dataset.rows, labels, columns=columns)


def points(count: int = 512) -> Dataset:
    """Points on a circle."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    rows = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    return Dataset(Spec("points", "circle", (2,), (-2.0, 2.0), count, (), "made-up"), rows)


def table(count: int = 400) -> Dataset:
    """Rows in their stored form: a number, one with a spike and missing values, and two categories, one of them rare.

    Who is `retired` has the number's second mode, so columns have something to do with each other.
    """
    chance = np.random.default_rng(0)
    retired, pay = chance.random(count) < 0.25, chance.choice(4, count, p=[0.3, 0.3, 0.3, 0.1])
    city = chance.choice(3, count, p=[0.6, 0.38, 0.02])
    places = np.clip(chance.normal(0, 0.25, (count, 2)), -0.99, 0.99)
    places[pay > 1, 1] = 0  # a spike and a missing value lie nowhere
    rows = np.concatenate([places, np.stack([retired, pay, retired, city], 1)], 1).astype(np.float32)

    def shares(codes: np.ndarray) -> tuple[float, ...]:
        return tuple((np.bincount(codes) / count).tolist())

    two = {"means": (30.0, 70.0), "deviations": (5.0, 4.0), "low": 10.0, "high": 90.0}
    fields = (
        Field("age", "integer", "int64", 2, shares(retired), decimals=0, **two),
        Field("city", "categorical", "object", 3, shares(city), values=("Rome", "Oslo", "Bern")),
        Field("pay", "continuous", "float64", 4, shares(pay), missing=True, values=(0.0,), **two),
        Field("retired", "boolean", "bool", 2, shares(retired), values=(False, True)),
    )
    # the codes of the discrete follow in the order of the columns: city, then retired
    rows[:, 4:] = rows[:, [5, 4]]
    return Dataset(Spec("table", "people", (6,), (-1.0, 1.0), count, (), "made-up", fields=fields), rows)


def sequences(count: int = 64, steps: int = 12) -> Dataset:
    """Two channels: a wave of any phase, and a smaller one that follows it, further up."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (count, 1))
    waves = np.stack([np.sin(phase + k + np.arange(steps) / 2) * (0.8 - k / 2) + k / 2 for k in (0, 1)], 1)
    card = {"dtype": "float64", "low": -3.0, "high": 5.0, "decimals": 2, "deviations": (0.3,)}
    fields = tuple(Field(name, "continuous", **card) for name in ("warmth", "wind"))  # type: ignore[arg-type]
    return Dataset(
        Spec("sequences", "waves", (2, steps), (-1.0, 1.0), count, hash="made-up", fields=fields),
        waves.astype(np.float32),
    )


def pairs(
    shape: tuple[int, int, int] = (3, 16, 16), channels: int = 1, count: int = 24, kind: str = "pairs"
) -> Dataset:
    """Coloured squares, to be made from their grey negatives; of "sides" there are more negatives, in another order."""
    squares = pictures(*shape, count=count)
    others = pictures(channels, *shape[1:], count=count)
    negatives = 255 - others.rows
    if kind == "sides":
        negatives = np.concatenate([negatives, negatives[:5]])[::-1]
    spec = replace(others.spec, count=len(negatives), hash="negatives")
    source = Dataset(spec, np.ascontiguousarray(negatives))
    return replace(squares, spec=replace(squares.spec, kind=kind, source=others.spec.shape), source=source)


def small_and_large(shape: tuple[int, int, int] = (3, 16, 16), count: int = 24) -> Dataset:
    """Coloured squares, to be made from every second of their pixels in each direction."""
    squares = pictures(*shape, count=count)
    half = np.ascontiguousarray(squares.rows[:, :, ::2, ::2])
    spec = replace(squares.spec, shape=half.shape[1:], hash="halves")
    return replace(squares, spec=replace(squares.spec, kind="pairs", source=half.shape[1:]), source=Dataset(spec, half))


def made_up(kind: str) -> Dataset:
    """A small data set of a kind."""
    if kind in ("pairs", "sides"):
        return pairs(kind=kind)
    if kind == "sequences":
        return sequences()
    if kind == "table":
        return table()
    return points() if kind == "points" else pictures(1, 8, 8)
