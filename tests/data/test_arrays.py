from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sparring.data.source import open_data
from sparring.errors import SparringError


def write_idx(path: Path, array: np.ndarray) -> None:
    shape = b"".join(side.to_bytes(4, "big") for side in array.shape)
    content = bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_channels_are_found_wherever_they_are(noise: np.ndarray) -> None:
    first = np.ascontiguousarray(noise.transpose(0, 3, 1, 2))
    for array in (noise, first):
        data = open_data(array)
        assert data.spec.shape == (3, 20, 20)
        assert np.array_equal(data.rows, first)
    grey = open_data(noise[..., 0])
    assert np.array_equal(grey.rows[:, 0], noise[..., 0])
    assert grey.labels is None
    assert grey.notes == ()


def test_an_array_in_memory_leaves_nothing_on_disk(noise: np.ndarray, cache: Path) -> None:
    assert open_data(noise, size="16x8", channels=1).rows.shape == (12, 1, 16, 8)
    assert not cache.exists()


def test_equal_data_has_an_equal_hash_wherever_it_lies(noise: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", noise)
    assert open_data(tmp_path / "noise.npy").spec.hash == open_data(noise).spec.hash
    assert open_data(noise).spec.hash != open_data(noise[::-1]).spec.hash


@pytest.mark.parametrize(
    ("array", "note"),
    [
        (np.linspace(0, 1, 256), "Floats in 0..1"),
        (np.linspace(-1, 1, 256), "Floats in -1..1"),
        (np.arange(256, dtype=np.uint16) * 257, "full range"),
    ],
)
def test_every_range_lands_on_0_to_255(array: np.ndarray, note: str) -> None:
    data = open_data(array.reshape(1, 16, 16))
    assert data.rows.ravel().tolist() == list(range(256))
    assert note in data.notes[0]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 9, 9), dtype=np.int64), "give uint8"),
        (np.full((2, 9, 9), 200.0), "scale them to"),
        (np.full((2, 9, 9), np.nan), "run from nan"),
        (np.zeros((2, 9, 9, 2), dtype=np.uint8), "is not one of"),
        (np.zeros((2, 784)), "is not one of"),
        (np.zeros((2, 3), dtype=np.uint8), "is not one of"),
        (np.zeros((0, 9, 9), dtype=np.uint8), "nothing"),
        (np.array(1.0), "nothing"),
        (np.array([[np.inf, 0.0]]), "not finite"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_a_sentence(array: np.ndarray, message: str) -> None:
    with pytest.raises(SparringError, match=message):
        open_data(array)


def test_floats_in_few_columns_are_points() -> None:
    array = np.array([[0.0, -3.0, 1.0], [2.0, 5.0, 1.0]])
    data = open_data(array)
    assert (data.spec.kind, data.spec.shape, data.spec.range) == ("points", (3,), (-3.0, 5.0))
    assert data.rows.dtype == np.float32
    assert np.array_equal(data.rows, array)
    with pytest.raises(SparringError, match="points, not pictures"):
        open_data(array, size="32")


def test_npz_with_labels(noise: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=noise, labels=np.array([7, 3] * 6), other=noise[:1])
    data = open_data(tmp_path / "a.npz")
    assert data.spec.classes == ("3", "7")
    assert data.labels is not None
    assert data.labels.tolist() == [1, 0] * 6
    np.savez(tmp_path / "b.npz", whatever=noise, y=np.array(["cat", "dog"] * 6))
    assert open_data(tmp_path / "b.npz").spec.classes == ("cat", "dog")


@pytest.mark.parametrize("key", ["groups", "Group"])
@pytest.mark.parametrize("groups", [np.array([5, 9, 5] * 4), np.array(["a", "b", "a"] * 4)])
def test_npz_with_groups(key: str, groups: np.ndarray, noise: np.ndarray, tmp_path: Path) -> None:
    clouds = np.random.default_rng(0).normal(size=(12, 3))
    for name, array in (("pictures", noise), ("points", clouds)):
        np.savez(tmp_path / "without.npz", x=array)
        np.savez(tmp_path / f"{name}.npz", x=array, **{key: groups})
        data, without = open_data(tmp_path / f"{name}.npz"), open_data(tmp_path / "without.npz")
        assert data.groups is not None
        assert data.groups.tolist() == [0, 1, 0] * 4
        assert without.groups is None
        assert data.spec.hash != without.spec.hash


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros((2, 9, 9)), "b": np.zeros((2, 9, 9))}, 'call that one "images"'),
        ({"labels": np.zeros(3)}, 'call that one "images"'),
        ({"x": np.zeros((2, 9, 9)), "y": np.zeros(2)}, "whole numbers"),
        ({"x": np.zeros((2, 9, 9)), "y": np.zeros(3, dtype=int)}, r"shape \(2,\)"),
        ({"x": np.array([{}, {}])}, "cannot be read"),
        ({"x": np.zeros((2, 9, 9), np.uint8), "groups": np.zeros(2)}, "The groups in .* must be whole numbers"),
        ({"x": np.zeros((2, 3)), "groups": np.zeros(3, int)}, r"The groups in .* of shape \(2,\)"),
    ],
)
def test_npz_that_does_not_add_up(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(SparringError, match=message):
        open_data(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_files_are_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"not an array")
    with pytest.raises(SparringError, match=f"{name} cannot be read"):
        open_data(tmp_path / name)


@pytest.mark.parametrize("packed", [("", ""), (".gz", ".gz"), ("", ".gz")])
def test_idx_finds_its_labels(packed: tuple[str, str], noise: np.ndarray, tmp_path: Path) -> None:
    images = tmp_path / f"train-images-idx3-ubyte{packed[0]}"
    write_idx(images, noise[..., 0])
    alone = open_data(images)
    assert alone.labels is None
    write_idx(tmp_path / f"train-labels-idx1-ubyte{packed[1]}", np.arange(12, dtype=np.uint8))
    data = open_data(images)
    assert np.array_equal(data.rows[:, 0], noise[..., 0])
    assert data.labels is not None
    assert data.labels.tolist() == list(range(12))
    assert data.spec.name == "train-images"


def test_idx_cut_short_is_named(noise: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "t10k-images-idx3-ubyte"
    write_idx(path, noise[..., 0])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(SparringError, match="t10k-images-idx3-ubyte cannot be read"):
        open_data(path)
