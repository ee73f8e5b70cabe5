"""Small data sets that the tests make themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sparring.data.columns import describe
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec


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
    """The same samples with a class, a flag and a number each."""
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


def made_up(kind: str) -> Dataset:
    """A small data set of a kind."""
    return points() if kind == "points" else pictures(1, 8, 8)
