"""Small data that the tests make themselves, and one thread a worker so that workers do not fight for cores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.cluster import Cluster
from sparring.data.dataset import Dataset
from sparring.data.spec import Spec


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    yield
    torch.set_num_threads(threads)


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


def points(count: int = 512) -> Dataset:
    """Points on a circle."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    rows = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    return Dataset(Spec("points", "circle", (2,), (-2.0, 2.0), count, (), "made-up"), rows)


def made_up(kind: str) -> Dataset:
    """A small data set of a kind."""
    return points() if kind == "points" else pictures(1, 8, 8)


@pytest.fixture
def alone() -> Cluster:
    """A cluster of one process, on the CPU."""
    return Cluster("cpu")


@pytest.fixture
def squares_folder(tmp_path: Path) -> Path:
    """A folder of 24 small PNG files."""
    from PIL import Image

    folder = tmp_path / "squares"
    folder.mkdir()
    for i, row in enumerate(pictures(3, 16, 16).rows):
        Image.fromarray(row.transpose(1, 2, 0)).save(folder / f"{i:02d}.png")
    return folder
