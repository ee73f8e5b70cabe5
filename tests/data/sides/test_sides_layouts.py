"""One source that holds both sides."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from made_up_sides import dark, picture, save
from PIL import Image

from sparring.data.dataset import Dataset
from sparring.data.sides.read import open_sides
from sparring.errors import SparringError


def in_step(data: Dataset) -> bool:
    assert data.source is not None
    every = np.arange(len(data))
    return np.array_equal(data.take(every) // 2, data.source.take(every))


def table(folder: Path, header: str, *lines: str) -> Path:
    (folder / "pairs.csv").write_text("\n".join([header, *lines]))
    return folder / "pairs.csv"


def test_a_table_of_pairs(sides: tuple[Path, Path], tmp_path: Path) -> None:
    """Its lines are the pairs, whatever the names; what it says of groups and of testing is kept."""
    for number in range(12):
        (sides[0] / f"{number:02}.png").rename(sides[0] / f"x{23 - number}.png")
    lines = [f"dark/x{23 - n}.png;bright/{n:02}.png;p{n // 3};{'test' if n > 8 else 'train'};{n}" for n in range(12)]
    path = table(tmp_path, "A;b;patient;split;age", *lines)
    for _ in range(2):
        data = open_sides(source=path, paired=True)
        assert in_step(data)
        assert data.spec.name == "pairs"
        assert data.spec.columns == ()
        assert data.groups is not None
        assert data.held is not None
        assert data.groups.tolist() == [n // 3 for n in range(12)]
        assert data.held.tolist() == [n > 8 for n in range(12)]
        assert data.notes == ('The column "patient" was taken as groups.', "Not used: the column age.")
    alone = open_sides(source=path, paired=False)
    assert alone.source is not None
    assert alone.source.held is not None
    assert alone.source.held.tolist() == [n > 8 for n in range(12)]


def test_a_line_whose_file_is_missing_is_left_out(sides: tuple[Path, Path], tmp_path: Path) -> None:
    lines = [f"dark/{n:02}.png,bright/{n:02}.png" for n in range(12)]
    data = open_sides(source=table(tmp_path, "a,b", *lines, "dark/13.png,bright/gone.png"), paired=True)
    assert in_step(data)
    assert "1 of 13 pairs of pictures cannot be read and were left out: dark/13.png + bright/gone.png." in data.notes


@pytest.mark.parametrize(
    ("header", "line", "told"),
    [
        ("path,label", "x.png,1", r"has no columns a and b \(its columns: path, label\)"),
        ("a,b", "x.png,", "Line 2 of .* lacks a value"),
        ("a,b", "", "has a header and no lines"),
        ("a,b,split", "x.png,y.png,maybe", 'Line 2 of .* has "maybe" in the column "split"'),
    ],
)
def test_a_table_that_holds_no_pairs(header: str, line: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SparringError, match=told):
        open_sides(source=table(tmp_path, header, line), paired=True)


@pytest.mark.parametrize(
    ("place_a", "place_b"), [("a/{}", "b/{}"), ("A/x{}", "B/x{}"), ("data/A/{}", "data/B/{}"), ("p/a/{}", "p/b/{}")]
)
def test_a_folder_for_each_side(place_a: str, place_b: str, tmp_path: Path) -> None:
    for number in range(12):
        save(dark(number), tmp_path / "in" / f"{place_a.format(number)}.png")
        save(picture(number), tmp_path / "in" / f"{place_b.format(number)}.png")
    data = open_sides(source=tmp_path / "in", paired=True)
    assert in_step(data)
    assert (len(data), data.held, data.groups, data.spec.classes) == (12, None, None, ())
    assert data.spec.name == "in"
    assert open_sides(source=tmp_path / "in", paired=False).spec.kind == "sides"
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in (tmp_path / "in").rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path))
    assert in_step(open_sides(source=tmp_path / "in.zip", paired=True))


@pytest.mark.parametrize("places", [("trainA", "trainB", "testA", "testB"), ("train/a", "train/b", "val/a", "val/b")])
def test_folders_for_training_and_testing_are_a_split(places: tuple[str, ...], tmp_path: Path) -> None:
    """Also where a picture for testing bears the name of one for training."""
    for number in range(14):
        part = 0 if number < 10 else 2
        name = f"{number % 10}.png"
        save(dark(number), tmp_path / "in" / places[part] / name)
        save(picture(number), tmp_path / "in" / places[part + 1] / name)
    data = open_sides(source=tmp_path / "in", paired=True)
    assert in_step(data)
    assert data.held is not None
    every = data.take(np.arange(14))
    for number in range(14):
        (place,) = [at for at, row in enumerate(every) if np.array_equal(row.transpose(1, 2, 0), picture(number))]
        assert data.held[place] == (number >= 10)
    alone = open_sides(source=tmp_path / "in", paired=False)
    assert alone.source is not None
    for side in (alone, alone.source):
        assert side.held is not None
        assert side.held.sum() == 4
        assert len(side) == 14


def test_pictures_side_by_side(tmp_path: Path) -> None:
    for number in range(12):
        part = "train" if number < 9 else "test"
        both = np.concatenate([dark(number), picture(number)], 1)
        save(both, tmp_path / f"in/{part}/{number}.png")
    save(both[:, 1:], tmp_path / "in/train/odd.png")
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(np.rot90(both, 2)).save(tmp_path / "in/test/11.png", exif=exif)
    data = open_sides(source=tmp_path / "in", paired=True)
    assert in_step(data)
    assert data.spec.shape == data.spec.source == (3, 20, 24)
    assert data.held is not None
    assert data.held.sum() == 3
    assert "Of each picture the left half was taken as A and the right half as B." in data.notes
    assert "1 of 13 pairs of pictures cannot be read and were left out: train/odd.png." in data.notes
    back = open_sides(source=tmp_path / "in", paired=True, direction="b-to-a")
    assert back.spec.name == "in-b-to-a"
    assert np.array_equal(back.rows, data.source.rows if data.source else None)


def test_groups_within_sides_are_kept(tmp_path: Path) -> None:
    """Folders in a class are groups, as for pictures by themselves; both sides' groups hold."""
    for number in range(12):
        place = f"{'xy'[number // 6]}/{number // 2}/{number}.png"
        save(dark(number), tmp_path / "a" / place)
        save(picture(number), tmp_path / "b" / place)
    data = open_sides(tmp_path / "a", tmp_path / "b", paired=True)
    assert in_step(data)
    assert data.groups is not None
    assert len(set(data.groups.tolist())) == 6
    assert data.labels is None
