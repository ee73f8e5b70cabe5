"""Data made by code: nothing here is read from the machine or from the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of prepared data for each test."""
    folder = tmp_path / "the cache"
    monkeypatch.setenv("SPARRING_CACHE", str(folder))
    return folder


@pytest.fixture
def noise() -> np.ndarray:
    """(12, 20, 20, 3) uint8: pictures of which no two are equal."""
    return np.random.default_rng(0).integers(0, 256, (12, 20, 20, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path: Path, noise: np.ndarray) -> Path:
    """A folder of 12 coloured PNGs of 20x20 in the sub-folders 10 and 9."""
    folder = tmp_path / "photos"
    for index, pixels in enumerate(noise):
        path = folder / ("10" if index % 3 == 0 else "9") / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder
