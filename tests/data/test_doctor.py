from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from sparring.data.doctor import Findings, contact_sheet, examine, print_findings
from sparring.data.source import open_data
from sparring.data.split import SHARE, split
from sparring.errors import SparringError


@pytest.fixture
def messy(photos: Path) -> Path:
    """`photos` with copies of two, a cut JPEG, a text with brackets in its name, a wide 16-bit picture."""
    shutil.copy(photos / "9/01.png", photos / "10/copy.png")
    picture = Image.open(photos / "9/02.png")
    picture.save(photos / "9/copy.bmp")  # equal pixels in another file
    picture.resize((300, 300)).save(photos / "9/cut.jpg")
    cut = photos / "9/cut.jpg"
    cut.write_bytes(cut.read_bytes()[:2000])
    (photos / "10/[red]words.png").write_text("not a picture")
    Image.new("I;16", (90, 30), 30000).save(photos / "10/wide.png")
    return photos


def printed(findings: Findings) -> str:
    stream = io.StringIO()
    print_findings(findings, Console(file=stream, width=200))
    return stream.getvalue()


def test_what_is_in_a_folder_and_what_is_wrong_with_it(messy: Path, cache: Path) -> None:
    findings = examine(messy)
    assert findings.count == 15
    assert findings.sizes == {"20x20": 14, "30x90": 1}
    assert findings.modes == {"RGB": 14, "I;16": 1}
    assert findings.aspects == {"about square": 14, "wide, over 2:1": 1}
    assert findings.classes == {"9": 9, "10": 6}
    assert findings.deep == 1
    assert set(findings.unreadable) == {"9/cut.jpg", "10/[red]words.png"}
    assert "truncated" in findings.unreadable["9/cut.jpg"]
    assert findings.unreadable["10/[red]words.png"] == "not a picture, or in a format that Pillow does not read"
    assert findings.duplicates == (("10/copy.png", "9/01.png"), ("9/02.png", "9/copy.bmp"))
    assert not cache.exists()


def test_the_plan_is_what_training_then_does(messy: Path) -> None:
    for size, channels in ((None, None), ("24x16", 1)):
        findings, data = examine(messy, size, channels), open_data(messy, size=size, channels=channels)
        channels_, height, width = data.spec.shape
        assert f"{data.spec.count} pictures of {height}x{width} (height x width), {channels_}" in findings.plan[0]
        assert (findings.name, findings.kind, findings.count) == ("photos", "pictures", data.spec.count)
        shown = {picture.tobytes() for picture in findings.sample}
        assert shown == {picture.tobytes() for picture in data.rows}
        assert set(findings.plan) >= set(data.notes[:-1])


def test_the_report_is_for_people(messy: Path) -> None:
    text = printed(examine(messy))
    assert "Training gets 15 pictures of 16x16 (height x width), 3 channels (RGB)." in text
    assert "Exact duplicates: 2" in text
    assert "9/02.png = 9/copy.bmp" in text
    assert "10/[red]words.png: not a picture" in text  # brackets are no colours
    assert "More than 8 bits a channel: 1" in text
    assert "2 classes" in text


def test_the_report_stays_short(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in range(15):
        Image.new("L", (20 + index, 20), index).save(tmp_path / f"in/{index}.png")
        (tmp_path / f"in/x{index}.png").write_text("not a picture")
    text = printed(examine(tmp_path / "in"))
    assert "3 more" in text
    assert "and 5 more" in text
    assert "There are no labels" in text


def test_data_that_is_no_files(noise: np.ndarray) -> None:
    digits = examine("digits")
    assert (digits.count, digits.sizes, sum(digits.classes.values())) == (1797, {"8x8": 1797}, 1797)
    assert len(digits.sample) == 64
    assert set(digits.sample_labels) == set("0123456789")
    array = examine(np.concatenate([noise, noise[:1]]))
    assert array.duplicates == (("0", "12"),)
    ring = examine("ring")
    assert (ring.kind, ring.count) == ("points", 8192)
    assert "8192 points of 2 numbers each, between -2 and 2" in printed(ring)


def test_what_would_be_held_out_is_told_and_is_what_training_holds_out(messy: Path, tmp_path: Path) -> None:
    digits = examine("digits")
    assert (digits.groups, digits.held_out) == (0, 180)
    assert "180 of 1,797 samples are held out for judging" in printed(digits)
    grouped = [path.relative_to(messy).as_posix() for path in sorted(messy.rglob("*.*"))]
    lines = [f"{name},{index // 3}" for index, name in enumerate(grouped)]
    (messy / "table.csv").write_text("\n".join(["path,patient", *lines]))
    clouds = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    np.savez(tmp_path / "clouds.npz", x=clouds, groups=np.arange(40) // 4)
    for source in (messy, messy / "table.csv", tmp_path / "clouds.npz", "ring"):
        findings = examine(source)
        data = open_data(source)
        training, held = split(data, SHARE)
        assert held is not None
        assert findings.held_out == len(held)
        assert findings.plan[-1] == training.notes[-1]
        assert findings.groups == (0 if data.groups is None else len(np.unique(data.groups)))
    assert "by group (1 of 10 groups)" in printed(examine(tmp_path / "clouds.npz"))


def test_a_split_of_the_datas_own_is_told(photos: Path) -> None:
    (photos / "9").rename(photos / "train")
    (photos / "10").rename(photos / "Test")
    findings = examine(photos)
    assert findings.held_out == 4
    text = printed(findings)
    assert "The folders Test, train were taken as a split" in text
    assert "4 of 12 samples are held out, as the data itself says, for judging" in text


def test_conditions_are_told_and_are_what_training_gets(photos: Path, tmp_path: Path) -> None:
    paths = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    lines = [f"{name},{20 + at},{'old|[red]' if at % 4 == 0 else ''},x" for at, name in enumerate(paths)]
    (photos / "table.csv").write_text("\n".join(["path,age,tags,town", *lines, "gone.png,999,old,x"]))
    many = (np.arange(15 * 40).reshape(40, 15) % 7).astype(np.float32)
    np.savez(tmp_path / "many.npz", x=np.random.default_rng(0).normal(size=(40, 2)), columns=many)
    for source in (photos / "table.csv", tmp_path / "many.npz"):
        findings, data = examine(source), open_data(source)
        assert findings.columns == data.spec.columns != ()
        assert set(findings.plan) >= set(data.notes[:1])
    rows = [" ".join(line.split()) for line in printed(examine(photos / "table.csv")).splitlines()]
    assert "age number 20 to 31, 25.5 on average" in rows  # the picture that is gone is not counted
    assert "[red] flag 25.0%" in rows  # brackets are no colours
    assert "town" in printed(examine(photos / "table.csv"))
    text = printed(examine(tmp_path / "many.npz"))
    assert "column12 " in text
    assert "column13 " not in text
    assert "3 more" in text
    assert "condition" not in printed(examine("ring"))


def test_mistakes_are_told_as_training_would(tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="points, not pictures"):
        examine("ring", size="32")
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(SparringError, match=r"Not one of the 1 pictures can be read \(a.png: not a picture"):
        examine(tmp_path)


def test_the_contact_sheet_shows_what_training_sees(photos: Path, tmp_path: Path) -> None:
    findings = examine(photos)
    contact_sheet(findings, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    large = findings.sample[0].repeat(6, axis=1).repeat(6, axis=2).transpose(1, 2, 0)  # 20 pixels become 120
    windows = [(y, x) for y in range(60, 80) for x in range(15, 35)]
    assert any(np.array_equal(sheet[y : y + 120, x : x + 120], large) for y, x in windows)


@pytest.mark.parametrize(
    ("array", "size"),
    [
        (np.zeros((100, 16, 16), dtype=np.uint8), None),
        (np.zeros((1, 300, 600, 4), dtype=np.uint8), "300x600"),
        (np.random.default_rng(0).normal(size=(50, 3)), None),
        (np.random.default_rng(0).normal(size=(50, 1)), None),
    ],
)
def test_the_contact_sheet_has_a_handy_size(array: np.ndarray, size: str | None, tmp_path: Path) -> None:
    contact_sheet(examine(array, size), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert 150 < max(sheet.size) < 1400


def test_a_long_class_name_stays_in_its_cell(tmp_path: Path, noise: np.ndarray) -> None:
    for name in ("cat", "a class name that is very much longer than its picture is wide"):
        (tmp_path / "in" / name).mkdir(parents=True)
        Image.fromarray(noise[0]).save(tmp_path / "in" / name / "a.png")
    contact_sheet(examine(tmp_path / "in"), tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert (sheet[60:, 144:154] == sheet[0, 0]).all()  # the gap between the two cells


def test_a_contact_sheet_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="cannot be written"):
        contact_sheet(examine("ring"), tmp_path / "no" / "sheet.png")
