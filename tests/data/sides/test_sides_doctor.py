from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_up_sides import dark, picture, save
from PIL import Image
from rich.console import Console

from sparring.data.examine import Data, carry_out
from sparring.data.sides.doctor import Findings, contact_sheet, examine, print_findings
from sparring.data.sides.read import open_sides
from sparring.data.split import SHARE, split
from sparring.errors import SparringError


@pytest.fixture
def messy(sides: tuple[Path, Path]) -> tuple[Path, Path]:
    """`sides` with every fault that pairs can have but two shapes."""
    a, b = sides
    (a / "00.png").unlink()
    save(picture(70), a / "[red]alone.png")
    (b / "03.png").write_text("not a picture")
    shutil.copy(a / "05.png", a / "06.png")
    save(np.ascontiguousarray(picture(8)[:, ::-1]), b / "09.png")
    shutil.copy(b / "11.png", a / "11.png")
    return sides


def printed(findings: Findings) -> str:
    stream = io.StringIO()
    print_findings(findings, Console(file=stream, width=200))
    return stream.getvalue()


def test_what_is_wrong_with_pairs(messy: tuple[Path, Path], cache: Path) -> None:
    findings = examine(*messy)
    assert (findings.name, findings.kind, findings.count) == ("dark-to-bright", "pairs", 22)
    assert findings.unmatched == ("A: [red]alone.png", "B: 00.png")
    assert findings.unreadable == {"B: 03.png": "not a picture, or in a format that Pillow does not read"}
    assert findings.alike == (("A: 05.png", "A: 06.png"), ("B: 08.png", "B: 09.png"))
    assert findings.copies == ("11.png",)
    assert findings.across == findings.unlike == ()
    assert findings.given.shape == findings.made.shape == (22, 3, 20, 24)
    assert not cache.exists()
    text = printed(findings)
    for told in (
        "Without a partner: 2",
        "[red]alone.png",
        "Unreadable: 1",
        "A: 05.png = A: 06.png",
        "equal pictures: 1",
    ):
        assert told in text


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("direction", ["a-to-b", "b-to-a"])
def test_the_plan_is_what_training_then_does(messy: tuple[Path, Path], paired: bool, direction: str) -> None:
    wishes = {"paired": paired, "direction": direction, "crop": "12", "size": "16"}
    findings, data = examine(*messy, **wishes), open_sides(*messy, **wishes)  # type: ignore[arg-type]
    assert (findings.name, findings.kind, findings.count) == (data.spec.name, data.spec.kind, len(data))
    _, held = split(data, SHARE)
    assert held is not None
    assert findings.held_out == len(held)
    assert data.source is not None
    shown = {pixels.tobytes() for pixels in findings.given}
    assert shown == {row.tobytes() for row in data.source.whole(np.arange(len(data.source)))}
    assert set(findings.plan) >= {note for note in data.notes if "cannot be read" not in note}


def test_two_shapes_are_found_and_told(sides: tuple[Path, Path]) -> None:
    save(picture(2, 24, 24), sides[0] / "02.png")
    findings = examine(*sides)
    assert findings.unlike == ("02.png: A is 24x24 and B is 20x24 (height x width)",)
    assert "Pairs that differ in shape: 1" in printed(findings)
    assert findings.plan[0].startswith("Recipes that learn from pairs refuse this data")
    assert findings.plan[1].startswith("Once that is mended, training gets 24 pairs")


def test_what_is_alike_across_the_datas_own_split(tmp_path: Path) -> None:
    for number in range(14):
        part = "train" if number < 11 else "test"
        twin = 3 if number == 12 else number
        save(dark(twin), tmp_path / f"in/{part}A/{number}.png")
        save(picture(number), tmp_path / f"in/{part}B/{number}.png")
    findings = examine(source=tmp_path / "in")
    assert findings.across == ("test/12.png",)
    assert findings.held_out == 2
    assert examine(source=tmp_path / "in", paired=False).across == ("A: test/12.png",)


def test_names_that_do_not_pair_are_two_sides(sides: tuple[Path, Path]) -> None:
    a, b = sides
    for path in list(a.iterdir()):
        path.rename(a / f"x{path.stem.translate(str.maketrans('0123456789', 'abcdefghij'))}.png")
    save(picture(3), a / "shared.png")
    findings = examine(a, b)
    assert (findings.kind, findings.count) == ("sides", 24)
    assert findings.copies == ("B: 03.png",)
    assert any(line.startswith("These are no pairs: No picture has a partner") for line in findings.plan)
    with pytest.raises(SparringError, match="No picture has a partner"):
        examine(a, b, paired=True)


def test_the_labels_of_maps_are_counted(tmp_path: Path) -> None:
    for number in range(12):
        found = np.full((10, 12), 4, np.uint8)
        found[:5] = 9
        found[0, 0] = 77 if number == 3 else 4
        save(found, tmp_path / f"maps/{number}.png")
        save(picture(number), tmp_path / f"photos/{number}.png")
    findings = examine(tmp_path / "maps", tmp_path / "photos", label_maps=True)
    assert list(findings.labels) == ["4", "9", "77"]
    assert sum(findings.labels.values()) == pytest.approx(1)
    assert findings.labels["77"] < 0.01 < 0.4 < findings.labels["9"] < findings.labels["4"]
    assert "label" in printed(findings)
    assert findings.given.shape[1] == 3


def test_the_report_stays_short(sides: tuple[Path, Path]) -> None:
    for number in range(15):
        save(picture(100 + number), sides[0] / f"lone{number}.png")
    assert "and 5 more" in printed(examine(*sides))


def test_the_sheet_shows_pairs_beside_one_another(sides: tuple[Path, Path], tmp_path: Path) -> None:
    contact_sheet(examine(*sides), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet).astype(int)
    left = pixels[68:168, 24:144]  # 20x24 in five times its size
    right = pixels[68:168, 146:266]
    assert np.array_equal(left[2::5, 2::5], dark(0))
    assert np.array_equal(right[2::5, 2::5], picture(0))
    with pytest.raises(SparringError, match="cannot be written"):
        contact_sheet(examine(*sides), tmp_path / "gone/sheet.png")


def test_large_pictures_make_no_huge_sheet(tmp_path: Path) -> None:
    for side in ("a", "b"):
        for number in range(12):
            Image.new("RGB", (400, 400), (number, 0, 0)).save(tmp_path / f"{side}{number}.png")
            (tmp_path / side).mkdir(exist_ok=True)
            (tmp_path / f"{side}{number}.png").rename(tmp_path / side / f"{number}.png")
    contact_sheet(examine(tmp_path / "a", tmp_path / "b", size="400"), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert max(sheet.size) < 1700


def test_a_table_of_pairs_is_known_as_one(
    sides: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = sides
    names = sorted(path.name for path in a.iterdir())
    for comma in ",;":
        lines = [f"A{comma}b", *(f"{a / name}{comma}{b / name}" for name in names)]
        (tmp_path / "pairs.csv").write_text("\n".join(lines))
        carry_out(Data(str(tmp_path / "pairs.csv"), sheet=str(tmp_path / "sheet.png")))
        assert f"{len(names)} pairs" in capsys.readouterr().out
    (tmp_path / "numbers.csv").write_text("a,b\n" + "\n".join(f"{i},{i % 7}.5" for i in range(60)))
    carry_out(Data(str(tmp_path / "numbers.csv")))
    assert "60 rows of 2 columns" in capsys.readouterr().out


def test_pictures_twice_as_wide_as_high_may_be_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, width in (("double", 64), ("square", 32)):
        (tmp_path / folder).mkdir()
        for i in range(4):
            save(np.full((32, width, 3), 50 * i, np.uint8), tmp_path / folder / f"{i}.png")
        carry_out(Data(str(tmp_path / folder), sheet=str(tmp_path / "sheet.png")))
        assert ("examine them with --sides" in capsys.readouterr().out) == (folder == "double")
