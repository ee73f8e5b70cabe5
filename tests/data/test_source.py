from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data.source import open_data
from sparring.errors import SparringError


def write(folder: Path, sizes: dict[str, tuple[int, int]], mode: str = "RGB", colour: object = "navy") -> Path:
    """A folder of pictures of one colour; sizes are (height, width)."""
    for name, (height, width) in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (width, height), colour).save(folder / name)
    return folder


def test_sub_folders_are_the_labels_and_numbers_sort_as_numbers(photos: Path, noise: np.ndarray) -> None:
    data = open_data(photos)
    assert data.spec.classes == ("9", "10")
    assert data.labels is not None
    assert data.labels.tolist() == [1] * 4 + [0] * 8  # the listing is in the order of the paths
    by_hand = [*noise[::3], *(picture for index, picture in enumerate(noise) if index % 3)]
    assert np.array_equal(data.rows, np.stack(by_hand).transpose(0, 3, 1, 2))
    assert (data.spec.kind, data.spec.name, data.spec.range) == ("pictures", "photos", (-1.0, 1.0))
    assert data.notes == ()


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["a.png", "b.png"], ()),
        (["only/a.png", "only/b.png"], ()),
        (["cat/x/a.png", "cat/y/b.png", "dog/a.png"], ("cat", "dog")),
        (["all/train/cat/a.png", "all/train/dog/b.png"], ("cat", "dog")),
        (["cat/a.png", "dog/b.png", ".hidden/c.png", "cat/._d.png", "fish/notes.txt"], ("cat", "dog")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_which_folders_become_labels(names: list[str], classes: tuple[str, ...], packed: bool, tmp_path: Path) -> None:
    source = tmp_path / "My photos (2024)!"
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("not a picture")
    pictures = [name for name in names if name.endswith(".png") and "/." not in f"/{name}"]
    write(source, dict.fromkeys(pictures, (9, 9)))
    data = open_data(packing(source, packed))
    assert (data.spec.classes, data.spec.count) == (classes, len(pictures))
    assert data.spec.name == "My-photos-2024"


def test_pictures_beside_the_folders_take_the_labels_away_and_it_is_told(tmp_path: Path) -> None:
    write(tmp_path / "in", {"cat/a.png": (9, 9), "dog/b.png": (9, 9), "c.png": (9, 9)})
    data = open_data(tmp_path / "in")
    assert data.labels is None
    assert "1 of 3 pictures lie beside" in data.notes[0]


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["cat/a.png", "dog/b.png"], None),
        (["cat/p1/a.png", "cat/p1/b.png", "cat/p2/a.png", "dog/p1/a.png"], ["cat/p1", "cat/p1", "cat/p2", "dog/p1"]),
        (["cat/a.png", "cat/b.png", "dog/x/a.png", "dog/y/a.png", "dog/y/b.png"], ["1", "2", "x", "y", "y"]),
        (["cat/x/1/a.png", "cat/x/2/a.png", "dog/b.png"], ["1", "2", "b"]),
        # One folder in each class is how some sets are packed, and tells nothing.
        (["cat/images/a.png", "cat/images/b.png", "dog/images/c.png"], None),
        (["cat/a.png", "cat/x/b.png", "dog/c.png"], None),
        (["a.png", "b.png"], None),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_folders_within_the_classes_are_groups(
    names: list[str], groups: list[str] | None, packed: bool, tmp_path: Path
) -> None:
    data = open_data(packing(write(tmp_path / "in", dict.fromkeys(names, (9, 9))), packed))
    if groups is None:
        assert data.groups is None
        assert data.notes == ()
        return
    assert data.groups is not None
    wanted = [groups.index(name) for name in groups]
    assert [data.groups.tolist().index(number) for number in data.groups] == wanted
    assert "folders within the classes were taken as groups" in data.notes[0]


def packing(folder: Path, packed: bool) -> Path:
    """The folder itself, or a .zip of it."""
    if not packed:
        return folder
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))
    return folder.with_suffix(".zip")


@pytest.mark.parametrize(
    ("names", "classes", "held"),
    [
        (["test/a.png", "train/b.png", "train/c.png"], (), [0]),
        (["TRAINING/cat/a.png", "TRAINING/dog/b.png", "Held_Out/cat/c.png"], ("cat", "dog"), [0]),
        (
            ["set/train/cat/a.png", "set/train/dog/a.png", "set/val/dog/b.png", "set/test/cat/c.png"],
            ("cat", "dog"),
            [0, 3],
        ),
        (["train/images/a.png", "valid/images/b.png"], (), [1]),
        (["train/a.png", "cat/b.png"], ("cat", "train"), None),
        (["test/a.png", "val/b.png"], ("test", "val"), None),
        (["train/a.png", "test/b.png", "more/c.png"], ("more", "test", "train"), None),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_folders_called_train_and_test_are_a_split(
    names: list[str], classes: tuple[str, ...], held: list[int] | None, packed: bool, tmp_path: Path
) -> None:
    data = open_data(packing(write(tmp_path / "in", dict.fromkeys(names, (9, 9))), packed))
    assert data.spec.classes == classes
    assert (None if data.held is None else np.flatnonzero(data.held).tolist()) == held
    if held is not None:
        assert "were taken as a split into training and held-out pictures, not as labels" in data.notes[0]


def test_classes_that_only_testing_has_are_no_labels(tmp_path: Path) -> None:
    """As where the pictures for testing come without their classes."""
    write(tmp_path / "in", dict.fromkeys(["train/cat/a.png", "train/dog/b.png", "test/images/c.png"], (9, 9)))
    data = open_data(tmp_path / "in")
    assert data.labels is None
    assert data.held is not None
    assert "hold classes that those for training lack (images)" in data.notes[1]


@pytest.mark.parametrize("head", ["group", "Patient", " VIDEO "])
def test_a_table_with_groups(head: str, photos: Path) -> None:
    lines = [f"path,{head},note", "9/01.png,b,x", "10/00.png,a,x", "9/02.png,b,y"]
    (photos / "table.csv").write_text("\n".join(lines))
    data = open_data(photos / "table.csv")
    assert data.groups is not None
    assert data.groups.tolist() == [1, 0, 1]
    assert data.labels is None
    assert "was taken as groups" in data.notes[0]


def test_a_table_with_a_split(photos: Path) -> None:
    table = photos / "table.csv"
    table.write_text("path,Split\n9/01.png,Train\n10/00.png,held-out\n9/02.png,VAL")
    data = open_data(table)
    assert data.held is not None
    assert data.held.tolist() == [False, True, True]
    table.write_text("path,split\n9/01.png,train\n10/00.png,training")
    assert open_data(table).held is None


@pytest.mark.parametrize("comma", [",", ";", "\t"])
@pytest.mark.parametrize("heads", [("path", "label"), ("FileName", "Category")])
def test_a_table_of_paths_and_labels(comma: str, heads: tuple[str, str], photos: Path) -> None:
    lines = [comma.join(heads), comma.join(["9/01.png", "cat"]), comma.join(["10/00.png", "a dog"])]
    table = photos / "table.csv"
    table.write_text("\n".join(lines), encoding="utf-8-sig")
    data = open_data(table)
    assert data.spec.classes == ("a dog", "cat")
    assert data.labels is not None
    assert data.labels.tolist() == [1, 0]
    assert np.array_equal(data.rows[0], np.asarray(Image.open(photos / "9/01.png")).transpose(2, 0, 1))


def test_a_table_without_labels_and_with_a_file_gone(photos: Path) -> None:
    (photos / "table.csv").write_text("image\n9/01.png\ngone.png\n")
    data = open_data(photos / "table.csv")
    assert (data.labels, data.spec.count) == (None, 1)
    assert "1 of 2 pictures cannot be read and were left out: gone.png" in data.notes[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,label\na.png,1\n",
            'no column that names pictures (its columns: name, label); call one "path"',
        ),
        ("path,label\na.png,1\nb.png\n", "Line 3"),
        ("path,patient\na.png,1\nb.png,\n", "Line 3"),
        ("path,split\na.png,\n", "Line 2"),
        ("path,split\na.png,train\nb.png,fold 1\n", "Line 3 of"),
        ("path,split\na.png,train\nb.png,fold 1\n", 'has "fold 1" in the column "split": give one of train, '),
        ("path,label\n", "no lines below it"),
        ("", "is empty: a table has a line with the columns' names"),
    ],
)
def test_a_table_that_does_not_add_up(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SparringError) as caught:
        open_data(tmp_path / "t.csv")
    assert message in str(caught.value)


def test_a_table_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"path\nf\xfcr.png\n")
    with pytest.raises(SparringError, match="UTF-8"):
        open_data(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ([(20, 30)] * 3, (20, 30)),
        ([(200, 300)] * 3, (64, 64)),
        ([(20, 30), (40, 40), (50, 90)], (32, 32)),
        ([(5, 90), (5, 80)], (8, 8)),
    ],
)
def test_the_size_that_suits(sizes: list[tuple[int, int]], shape: tuple[int, int], tmp_path: Path) -> None:
    write(tmp_path / "in", {f"{index}.png": size for index, size in enumerate(sizes)})
    assert open_data(tmp_path / "in").spec.shape[1:] == shape


@pytest.mark.parametrize(
    ("kinds", "channels"),
    [
        ([("L", 9), ("RGB", "grey")], 1),
        ([("RGBA", (9, 9, 9, 0)), ("LA", (9, 0))], 1),
        ([("RGB", "navy"), ("L", 9)], 3),
        ([("RGBA", (0, 9, 0, 100)), ("RGB", "navy")], 4),
        ([("RGBA", (0, 9, 0, 255)), ("RGBA", (0, 9, 0, 0)), ("RGBA", (0, 9, 0, 255))], 3),
        ([("RGBA", (0, 9, 0, 100)), ("RGB", "navy"), ("RGB", "navy")], 3),
    ],
)
def test_the_channels_that_suit(kinds: list[tuple[str, object]], channels: int, tmp_path: Path) -> None:
    for index, (mode, colour) in enumerate(kinds):
        write(tmp_path / "in", {f"{index}.png": (9, 9)}, mode, colour)
    assert open_data(tmp_path / "in").spec.shape == (channels, 9, 9)


def test_what_was_done_is_told(tmp_path: Path) -> None:
    write(tmp_path / "in", {"a.png": (9, 9)}, "I;16", 40000)
    write(tmp_path / "in", {"b.png": (20, 9)}, "RGBA", (0, 0, 200, 90))
    notes = " ".join(open_data(tmp_path / "in", size="16x8", channels=3).notes)
    assert "2 different sizes were scaled to cover 16x8" in notes
    assert "1 picture with more than 8 bits" in notes
    assert "1 picture with an alpha channel" in notes


@pytest.mark.parametrize("size", ["abc", "7", "1025", "32x", "32x4", "0x32", "-32", "32.5"])
def test_sizes_that_cannot_be_had(size: str, photos: Path) -> None:
    with pytest.raises(SparringError, match="such as 48x64"):
        open_data(photos, size=size)


def test_channels_that_cannot_be_had(photos: Path) -> None:
    with pytest.raises(SparringError, match="1 \\(grey\\), 3 \\(RGB\\) or 4 \\(RGBA\\)"):
        open_data(photos, channels=2)


def test_sources_that_are_not_there(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(SparringError, match=r"There is no Fasion-mnist here; did you mean fashion-mnist"):
        open_data("Fasion-mnist")
    with pytest.raises(SparringError, match=r"did you mean .*photos"):
        open_data(tmp_path / "fotos")
    with pytest.raises(SparringError, match="here; Sparring reads the data sets digits, mnist"):
        open_data(tmp_path / "no" / "where")


def test_sources_that_are_of_no_use(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="is one picture; give the folder"):
        open_data(photos / "9/01.png")
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(SparringError, match="of no kind that Sparring reads"):
        open_data(tmp_path / "a.txt")
    (tmp_path / "a.zip").write_text("words")
    with pytest.raises(SparringError, match=r"cannot be read as a .zip"):
        open_data(tmp_path / "a.zip")
    (tmp_path / "phone").mkdir()
    with pytest.raises(SparringError, match="it holds nothing"):
        open_data(tmp_path / "phone")
    (tmp_path / "phone/a.HEIC").write_text("pixels")
    with pytest.raises(SparringError, match=r"it holds files with .heic"):
        open_data(tmp_path / "phone")


def test_finding_and_examining_data_never_loads_torch() -> None:
    code = (
        "import sys, sparring.data.source, sparring.data.doctor;"
        "sparring.data.doctor.examine('digits'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_near_names_are_suggested(tmp_path: Path) -> None:
    for name in ("ab.csv", "x", "q1"):
        (tmp_path / name).touch()
    with pytest.raises(SparringError) as told:
        open_data(str(tmp_path / "churn.csv"))
    assert "did you mean" not in str(told.value), "that they lie in the same folder makes no names alike"
