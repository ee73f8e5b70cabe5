"""The numbers and tags beside pictures: read from tables and arrays, and never parted from their samples."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from sparring.data.batches import Batches, given_of
from sparring.data.dataset import Dataset
from sparring.data.source import open_data
from sparring.data.spec import Spec
from sparring.data.split import part, split
from sparring.errors import SparringError

PATHS = ("9/01.png", "10/00.png", "9/02.png", "10/03.png")


def table(folder: Path, head: str, *cells: str, comma: str = ",") -> Path:
    """A table of the first photos, with these columns beside their paths."""
    lines = [f"path{comma}{head}", *(f"{path}{comma}{cell}" for path, cell in zip(PATHS, cells, strict=False))]
    (folder / "table.csv").write_text("\n".join(lines))
    return folder / "table.csv"


def names(spec: Spec) -> list[str]:
    return [column.name for column in spec.columns]


def test_numbers_in_a_table_are_conditions(photos: Path) -> None:
    source = table(photos, "label, age ,weight", "cat,30,1.5", "dog,-4e1,0", "cat, 7 ,1", "dog,8,0")
    data = open_data(source)
    assert data.columns is not None
    assert data.columns.dtype == np.float32
    assert data.columns.tolist() == [[30, 1.5], [-40, 0], [7, 1], [8, 0]]
    assert names(data.spec) == ["age", "weight"]
    assert data.spec.classes == ("cat", "dog")
    assert data.notes == ("The columns age and weight are conditions for recipes that take them.",)


def test_what_has_another_meaning_is_no_condition(photos: Path) -> None:
    data = open_data(table(photos, "label,patient,split,age", "1,1,train,20", "2,2,train,21", "1,3,test,22"))
    assert names(data.spec) == ["age"]
    assert data.notes[-1] == "The column age is a condition for recipes that take it."
    assert data.labels is not None
    assert data.groups is not None
    assert data.held is not None


@pytest.mark.parametrize("other", ["", "oslo", "3 kg", "1_2", "0x1f", "n/a"])
def test_what_is_no_number_is_left_out_and_told(other: str, photos: Path) -> None:
    cells = (["", ""] if not other else ["1", other]) + ["1"] * (2 * bool(other))
    data = open_data(table(photos, "town,age", *(f"{cell},{at}" for at, cell in enumerate(cells))))
    assert names(data.spec) == ["age"]
    assert "The column town was left out: a condition has a name and holds numbers alone." in data.notes


def test_row_numbers_without_a_name_are_left_out(photos: Path) -> None:
    """As pandas writes them."""
    (photos / "table.csv").write_text(",path,town\n0,9/01.png,oslo\n1,10/00.png,rome")
    data = open_data(photos / "table.csv")
    assert (data.columns, data.spec.columns) == (None, ())
    assert "The columns (without a name) and town were left out" in data.notes[0]


def test_decimal_commas_between_semicolons(photos: Path) -> None:
    for comma, kind in ((";", ["weight"]), ("\t", [])):
        data = open_data(table(photos, "weight", "70,5", "8", comma=comma))
        assert names(data.spec) == kind
        assert data.columns is None or data.columns.tolist() == [[70.5], [8]]


@pytest.mark.parametrize("head", ["labels", "Tags"])
def test_several_names_a_picture_are_flags(head: str, photos: Path) -> None:
    cells = ("smiling; Young", "", "smiling|smiling |", "old|Young|smiling")
    data = open_data(table(photos, f"{head},age", *(f"{cell},{at}" for at, cell in enumerate(cells))))
    assert data.columns is not None
    assert names(data.spec) == ["age", "old", "smiling", "Young"]
    assert [column.kind for column in data.spec.columns] == ["number", "flag", "flag", "flag"]
    assert data.columns[:, 1:].tolist() == [[0, 1, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]]
    assert data.notes == ("The columns age, old, smiling and Young are conditions for recipes that take them.",)
    assert data.spec.columns[2].mean == 0.75


def test_tags_between_semicolons_are_quoted(photos: Path) -> None:
    data = open_data(table(photos, "tags", '"a;b"', "c", "", comma=";"))
    assert data.columns is not None
    assert data.columns.tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_tags_that_are_all_empty_are_nothing(photos: Path) -> None:
    data = open_data(table(photos, "tags,label", ",a", " ; ,b"))
    assert (data.columns, data.spec.columns, data.notes) == (None, (), ())


def test_a_thousand_tags_and_no_more(photos: Path) -> None:
    data = open_data(table(photos, "tags", "|".join(f"t{at:04}" for at in range(1000)), "t0000"))
    assert len(data.spec.columns) == 1000
    assert len(data.notes[0]) < 200, "the note stays short"
    assert "t0010 and 989 more are" in data.notes[0]
    with pytest.raises(SparringError, match=r"table.csv has 1,001 columns and tags .* at most 1,000 are taken"):
        open_data(table(photos, "tags", "|".join(f"t{at:04}" for at in range(1001))))


@pytest.mark.parametrize(
    ("head", "cells", "message"),
    [
        ("age", ["30", ""], 'Line 3 of .*table.csv lacks a value in the column "age": fill it in'),
        ("age", ["30", "nan"], 'Line 3 of .* has "nan" in the column "age": give a finite number'),
        ("age", ["-inf", "3"], 'Line 2 of .* has "-inf"'),
        ("age", ["1e39", "3"], 'has "1e39" in the column "age"'),
        ("age, age", ["1,2", "3,4"], 'Several columns or tags of .*table.csv are called "age"'),
        ("age,tags", ["1,age", "3,"], 'Several columns or tags of .* are called "age"'),
        ("age,weight", ["1,2", "3"], "Line 3 of .* lacks a value: every line needs as many as the header"),
    ],
)
def test_a_table_whose_conditions_do_not_add_up(head: str, cells: list[str], message: str, photos: Path) -> None:
    with pytest.raises(SparringError, match=message):
        open_data(table(photos, head, *cells))


@pytest.mark.parametrize("kind", [np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("named", [True, False])
def test_columns_in_an_npz(kind: type, named: bool, noise: np.ndarray, tmp_path: Path) -> None:
    columns = np.arange(24).reshape(2, 12).T.astype(kind)  # not in the order of C
    more = {"column_names": np.array(["age", "weight"])} if named else {}
    for array in (noise, np.random.default_rng(0).normal(size=(12, 2))):
        np.savez(tmp_path / "a.npz", x=array, columns=columns, **more)
        data = open_data(tmp_path / "a.npz")
        assert data.columns is not None
        assert data.columns.dtype == np.float32
        assert np.array_equal(data.columns, columns)
        assert names(data.spec) == (["age", "weight"] if named else ["column1", "column2"])
        assert f"The columns {' and '.join(names(data.spec))} are conditions" in data.notes[0]
    np.savez(tmp_path / "b.npz", x=noise, columns=np.zeros((12, 0)))
    assert open_data(tmp_path / "b.npz").columns is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"columns": np.zeros(12)}, r"The columns in .*a.npz are float64 of shape \(12,\); .* shape \(12, c\)"),
        ({"columns": np.zeros((11, 2))}, r"shape \(12, c\)"),
        ({"columns": np.full((12, 2), "x")}, "must be numbers"),
        ({"columns": np.zeros((12, 2)), "column_names": np.array(["a"])}, r"must be strings of shape \(2,\)"),
        ({"columns": np.zeros((12, 2)), "column_names": np.array([1, 2])}, "must be strings"),
        ({"columns": np.zeros((12, 2)), "column_names": np.array(["a", " a"])}, 'are called "a"'),
        ({"columns": np.zeros((12, 2)), "column_names": np.array(["a", ""])}, "has no name"),
        ({"columns": np.zeros((12, 1001))}, "has 1,001 columns"),
        ({"columns": np.full((12, 2), 1e39)}, 'Row 0 of the columns in .*a.npz has 1e.39 in "column1"'),
        ({"columns": np.where(np.arange(24).reshape(12, 2) == 9, np.nan, 1)}, 'Row 4 .* has nan in "column2"'),
    ],
)
@pytest.mark.parametrize("points", [True, False])
def test_columns_that_do_not_add_up(
    arrays: dict[str, np.ndarray], message: str, points: bool, noise: np.ndarray, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((12, 2)) if points else noise, **arrays)
    with pytest.raises(SparringError, match=message):
        open_data(tmp_path / "a.npz")


@pytest.fixture
def aged(photos: Path) -> Path:
    """All 12 photos and one that cannot be read, each with its number as its age and a flag."""
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    lines = ["path,age,odd", "gone.png,99,1", *(f"{path},{at},{at % 2}" for at, path in enumerate(paths))]
    (photos / "table.csv").write_text("\n".join(lines))
    return photos / "table.csv"


def test_columns_are_kept_with_their_pictures(aged: Path, cache: Path) -> None:
    first, second = open_data(aged), open_data(aged)
    (file,) = cache.glob("*/columns.npy")
    for data in (first, second):
        assert data.columns is not None
        assert data.columns.tolist() == [[at, at % 2] for at in range(12)]
    assert first.spec == second.spec
    assert (first.spec.columns[0].quantiles[-1], first.spec.columns[0].mean) == (11, 5.5), "of those that are kept"
    for damage in ("cut", "gone", "short", "narrow"):
        os.truncate(file, 130) if damage == "cut" else file.unlink()
        if damage in ("short", "narrow"):
            np.save(file, first.columns[1:] if damage == "short" else first.columns[:, :1])
        after = open_data(aged)
        assert np.array_equal(after.columns, first.columns), damage
        assert np.array_equal(np.load(file), first.columns), damage


def test_columns_are_part_of_the_hash_and_their_absence_is_not(photos: Path) -> None:
    hashes = []
    for head, cells in (
        ("age", ("1", "2.25")),
        ("age", ("1", "2.5")),
        ("age,flag", ("1,0", "2,0")),
        ("town", ("x", "y")),
    ):
        data = open_data(table(photos, head, *cells))
        hashes.append(data.spec.hash)
    assert len(set(hashes)) == 4
    assert hashes[-1] == hashlib.sha256(data.rows.tobytes()).hexdigest()
    points = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    for more in ({}, {"columns": np.ones((4, 1))}, {"columns": np.zeros((4, 1))}):
        np.savez(photos / "points.npz", x=points, **more)
        hashes.append(open_data(photos / "points.npz").spec.hash)
    assert len(set(hashes)) == 7
    assert hashes[4] == hashlib.sha256(points.tobytes()).hexdigest()


def test_shares_tell_how_frequent_the_classes_are(photos: Path) -> None:
    for data in (open_data(photos), open_data(photos)):
        assert data.spec.shares == (8 / 12, 4 / 12)
    assert open_data("digits").spec.shares == pytest.approx([0.1] * 10, abs=0.005)
    assert open_data("ring").spec.shares == ()


def test_a_part_has_its_own_columns_and_the_card_of_the_whole(aged: Path) -> None:
    data = open_data(aged)
    training, held = split(data, 0.25)
    assert held is not None
    again = part(training, np.array([1, 4]))
    assert data.columns is not None
    for side in (training, held, again):
        assert side.columns is not None
        wanted = [next(at for at, row in enumerate(data.rows) if np.array_equal(row, own)) for own in every(side)]
        assert side.columns[:, 0].tolist() == wanted
        assert (side.spec.columns, side.spec.shares) == (data.spec.columns, data.spec.shares)


def every(data: Dataset) -> np.ndarray:
    return np.concatenate(list(data.blocks()))


def test_a_batch_gives_each_sample_its_own(aged: Path) -> None:
    data = part(open_data(aged), np.arange(1, 12, 2))
    rows = every(data).astype(np.float32) / 127.5 - 1
    for batch, _ in zip(Batches(data, 4, seed=0), range(3), strict=False):
        places = [int(np.abs(rows - x).sum((1, 2, 3)).argmin()) for x in batch.x.numpy()]
        assert batch.given.equal(given_of(data, np.array(places)))
        assert batch.given[:, 1].tolist() == [1] * 4
        ages = batch.given[:, 0] * data.spec.columns[0].deviation + data.spec.columns[0].mean
        assert ages.tolist() == pytest.approx([1 + 2 * place for place in places], abs=1e-4)
