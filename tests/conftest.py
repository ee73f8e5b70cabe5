"""Fixtures for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch, and for every process that a test starts

import pytest
import torch

from made_up import pictures
from sparring.cluster import Cluster


@pytest.fixture(autouse=True)
def _calm(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One thread, so that the workers do not fight for cores, and a cache that goes with the tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    yield
    torch.set_num_threads(threads)


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


@pytest.fixture(autouse=True)
def _no_probing_of_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes dozens of rounds at the start of a run; what it finds is test_plan's matter, and that of processes."""
    monkeypatch.setattr("sparring.start.multiplies_bfloat16", lambda: False)
