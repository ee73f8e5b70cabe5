from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import prepare, survey
from sparring.data.dataset import Dataset
from sparring.data.gallery import Gallery
from sparring.data.source import open_data
from sparring.errors import SparringError


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every picture that is decoded."""
    calls: list[int] = []

    def counted(gallery: Gallery, index: int, plan: survey.Survey) -> np.ndarray:
        calls.append(index)
        return survey.training_row(gallery, index, plan)

    monkeypatch.setattr(prepare, "training_row", counted)
    return calls


def same(one: Dataset, other: Dataset) -> bool:
    return one.spec == other.spec and one.notes == other.notes and np.array_equal(one.rows, other.rows)


@pytest.fixture
def patients(photos: Path) -> Path:
    """A table of the 12 photos by three patients; the last four are for testing, and the first cannot be read."""
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    lines = [
        f"{name},{index // 4},p{index // 4},{'test' if index >= 8 else 'train'}" for index, name in enumerate(paths)
    ]
    (photos / "table.csv").write_text("\n".join(["path,label,patient,split", "gone.png,0,p9,train", *lines]))
    return photos / "table.csv"


def test_groups_and_marks_are_kept_with_their_pictures(patients: Path, decoded: list[int], cache: Path) -> None:
    first = open_data(patients)
    second = open_data(patients)
    assert len(decoded) == 13
    for data in (first, second):
        assert data.groups is not None
        assert data.held is not None
        assert data.labels is not None
        assert data.groups.tolist() == data.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
        assert data.held.tolist() == [False] * 8 + [True] * 4
    assert {file.name for file in cache.glob("*/*")} == {
        "card.json",
        "rows.npy",
        "labels.npy",
        "groups.npy",
        "held.npy",
    }


@pytest.mark.parametrize("part", ["groups.npy", "held.npy"])
@pytest.mark.parametrize("damage", ["cut", "gone", "short"])
def test_damaged_groups_are_made_anew(part: str, damage: str, patients: Path, cache: Path) -> None:
    before = open_data(patients)
    (file,) = cache.glob(f"*/{part}")
    if damage == "short":
        np.save(file, np.load(file)[1:])
    else:
        os.truncate(file, 130) if damage == "cut" else file.unlink()
    after = open_data(patients)
    assert same(after, before)
    assert np.array_equal(np.load(file), getattr(before, part.removesuffix(".npy")))


def test_groups_and_marks_are_part_of_the_hash_and_their_absence_is_not(patients: Path) -> None:
    """Data without groups keeps the hash that its checkpoints know."""
    text, hashes = patients.read_text(), []
    neither = {"patient": "x", "split": "x"}
    for replaced in ({}, {"patient": "x"}, {"split": "x"}, {"label": "x", "split": "x"}, {"p2,": "p1,"}, neither):
        changed = text
        for old, new in replaced.items():
            changed = changed.replace(old, new)
        patients.write_text(changed)
        hashes.append(open_data(patients).spec.hash)
    assert len(set(hashes)) == 6
    data = open_data(patients)
    assert data.labels is not None
    digest = hashlib.sha256(data.rows.tobytes())
    digest.update(data.labels.astype("<i8").tobytes())
    assert hashes[-1] == digest.hexdigest()


def test_the_second_time_nothing_is_decoded(photos: Path, decoded: list[int]) -> None:
    first = open_data(photos)
    assert len(decoded) == 12
    second = open_data(photos)
    assert len(decoded) == 12
    assert same(first, second)
    assert isinstance(second.rows, np.memmap)
    assert second.labels is not None
    assert first.labels is not None
    assert second.labels.tolist() == first.labels.tolist()


@pytest.mark.parametrize("change", ["add", "remove", "edit", "rename"])
def test_a_changed_folder_is_prepared_anew(change: str, photos: Path) -> None:
    before = open_data(photos)
    picture = photos / "9/01.png"
    if change == "add":
        shutil.copy(picture, photos / "9/more.png")
    if change == "remove":
        picture.unlink()
    if change == "edit":
        Image.new("RGB", (20, 20), "red").save(picture)
    if change == "rename":
        picture.rename(photos / "10/01.png")
    after = open_data(photos)
    assert after.spec.count == {"add": 13, "remove": 11}.get(change, 12)
    assert after.spec.hash != before.spec.hash


def test_other_wishes_do_not_mix(photos: Path) -> None:
    shapes = [open_data(photos, size=s, channels=c).spec.shape for s in (None, "8", "8x16") for c in (None, 1)]
    assert shapes == [(3, 20, 20), (1, 20, 20), (3, 8, 8), (1, 8, 8), (3, 8, 16), (1, 8, 16)]


def test_what_cannot_be_read_is_left_out_and_named(photos: Path, noise: np.ndarray) -> None:
    whole = photos / "whole.jpg"
    Image.fromarray(np.tile(noise[0], (9, 9, 1))).save(whole)
    (photos / "9/cut.jpg").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (photos / "9/words.png").write_text("not a picture")
    whole.unlink()
    for data in (open_data(photos), open_data(photos)):
        assert data.spec.count == 12
        assert data.rows.shape == (12, 3, 16, 16)
        assert data.labels is not None
        assert data.labels.tolist() == [1] * 4 + [0] * 8
        assert "2 of 14 pictures cannot be read and were left out: 9/cut.jpg, 9/words.png." in data.notes
    # A file on disk that anyone can read: its header tells the rows that were kept.
    rows = next(Path(os.environ["SPARRING_CACHE"]).glob("*/rows.npy"))
    assert len(np.load(rows)) == 12


def test_many_unreadable_pictures_make_a_short_note(photos: Path) -> None:
    for index in range(8):
        (photos / f"9/x{index}.png").write_text("not a picture")
    assert open_data(photos).notes[-1].endswith("9/x3.png, 9/x4.png and 3 more.")


def test_a_decompression_bomb_is_left_out(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (100, 100)).save(photos / "9/bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    assert "9/bomb.png" in open_data(photos).notes[-1]


def test_nothing_readable_at_all(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_text("not a picture")
    with pytest.raises(SparringError, match="Not one of the 1 pictures can be read"):
        open_data(tmp_path / "in")
    Image.new("RGB", (99, 99)).save(tmp_path / "in/a.png")
    os.truncate(tmp_path / "in/a.png", 60)  # the header is whole, the pixels are gone
    with pytest.raises(SparringError, match="Not one of the 1 pictures can be read"):
        open_data(tmp_path / "in")


def test_an_interrupted_preparation_leaves_nothing(photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(prepare, "_publish", lambda draft, folder: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_data(photos)
    assert list(cache.iterdir()) == []
    assert open_data(photos).spec.count == 12


@pytest.mark.parametrize("part", ["rows.npy", "labels.npy", "card.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_entry_is_made_anew(part: str, damage: str, photos: Path, cache: Path) -> None:
    before = open_data(photos).spec
    (file,) = cache.glob(f"*/{part}")
    os.truncate(file, 50) if damage == "cut" else file.unlink()
    after = open_data(photos)
    assert after.spec == before
    assert len(after.rows) == 12


def test_rows_that_do_not_fit_their_card_are_not_used(photos: Path, cache: Path) -> None:
    before = open_data(photos)
    (card,) = cache.glob("*/card.json")
    content = json.loads(card.read_text())
    content["spec"]["count"] = 11
    card.write_text(json.dumps(content))
    assert same(open_data(photos), before)


def test_two_processes_that_prepare_the_same_data(photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = prepare._publish

    def outrun(draft: Path, folder: Path) -> None:
        shutil.copytree(draft, folder)  # the other process finishes a moment earlier
        original(draft, folder)

    monkeypatch.setattr(prepare, "_publish", outrun)
    assert open_data(photos).spec.count == 12
    assert len(list(cache.iterdir())) == 1


def test_a_full_disk_is_told_in_a_sentence(photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SparringError, match=r"No space left on device\); make room there or set SPARRING_CACHE"):
        open_data(photos)
    assert list(cache.iterdir()) == []


def test_a_rename_that_fails_is_told_in_a_sentence(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SparringError, match="Permission denied"):
        open_data(photos)


def test_a_cache_that_cannot_be_written_is_told_in_a_sentence(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARRING_CACHE", str(photos / "9/01.png"))
    with pytest.raises(SparringError, match="set SPARRING_CACHE to a folder"):
        open_data(photos)


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SPARRING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert prepare.cache_folder() == tmp_path / "sparring"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert prepare.cache_folder() == Path.home() / ".cache" / "sparring"


@pytest.mark.parametrize(
    ("count", "terminal", "shown"), [(2001, True, True), (2000, True, False), (2001, False, False)]
)
def test_a_long_wait_has_a_progress_bar(
    count: int,
    terminal: bool,
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    open_data(np.zeros((count, 8, 8), dtype=np.uint8))
    assert ("Preparing pictures" in capsys.readouterr().err) == shown


def test_threads_keep_the_order_and_hold_little() -> None:
    from sparring.data.gallery import in_threads

    begun: list[int] = []

    def work(index: int) -> int:
        begun.append(index)
        return index

    results = in_threads(work, range(100), at_once=10)
    assert next(results) == 0
    assert len(begun) <= 10
    assert [0, *results] == list(range(100))
