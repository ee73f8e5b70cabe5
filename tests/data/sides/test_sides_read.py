"""Two folders become one data set, in step with one another, or a sentence says why not."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from made_up_sides import dark, picture, save
from PIL import Image

from sparring.data.dataset import Dataset
from sparring.data.sides import plan
from sparring.data.sides.read import open_sides
from sparring.errors import SparringError


def rows(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """What is given and what is to be made, all of it."""
    assert data.source is not None
    return tuple(side.take(np.arange(len(side))) for side in (data.source, data))  # type: ignore[return-value]


def in_step(data: Dataset) -> bool:
    """Whether each picture to make is twice as bright as that which it is to be made from."""
    given, made = rows(data)
    return len(given) == len(made) and np.array_equal(made // 2, given)


def test_pairs_are_in_step_and_the_second_time_mapped(
    sides: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_sides(*sides, paired=True)
    monkeypatch.setattr(plan, "pairs", None)  # nothing is decoded, nor even paired, twice
    for data in (first, open_sides(*sides, paired=True)):
        assert data.spec.kind == "pairs"
        assert data.spec.name == "dark-to-bright"
        assert data.spec.shape == data.spec.source == (3, 20, 24)
        assert data.spec.count == len(data) == 24
        assert data.spec == first.spec
        assert data.source is not None
        assert data.source.spec.kind == "pictures"
        assert isinstance(data.rows, np.memmap)
        assert in_step(data)
        assert rows(data)[1].flags.c_contiguous


def test_the_direction_swaps_the_sides(sides: tuple[Path, Path]) -> None:
    for paired in (True, False):
        there = open_sides(*sides, paired=paired)
        back = open_sides(*sides, paired=paired, direction="b-to-a")
        for one, other in zip(rows(there), reversed(rows(back)), strict=True):
            assert np.array_equal(one, other)
        assert back.spec.name == "bright-to-dark"
        assert back.spec.hash != there.spec.hash


def test_sides_of_one_name_are_swapped_too(tmp_path: Path) -> None:
    for number in range(3):
        save(dark(number), tmp_path / f"a/in/{number}.png")
        save(picture(number), tmp_path / f"b/in/{number}.png")
    assert in_step(open_sides(tmp_path / "a/in", tmp_path / "b/in", paired=True))
    back = open_sides(tmp_path / "a/in", tmp_path / "b/in", paired=True, direction="b-to-a")
    assert rows(back)[0].mean() > 100 > rows(back)[1].mean()


def test_sides_keep_their_own_counts(sides: tuple[Path, Path]) -> None:
    a, b = sides
    (a / "00.png").unlink()
    save(picture(99, 40, 48), b / "more.png")
    for _ in range(2):
        data = open_sides(a, b, paired=False)
        assert data.spec.kind == "sides"
        assert data.source is not None
        assert (len(data), len(data.source)) == (25, 23)
        assert data.spec.source == data.spec.shape == data.source.spec.shape == (3, 16, 16)


def test_channels_are_of_what_is_made(tmp_path: Path) -> None:
    for number in range(3):
        save(picture(number)[..., 0], tmp_path / f"a/{number}.png")
        save(picture(number), tmp_path / f"b/{number}.png")
    for paired in (True, False):
        data = open_sides(tmp_path / "a", tmp_path / "b", paired=paired)
        assert (data.spec.source[0], data.spec.shape[0]) == (1, 3)
        data = open_sides(tmp_path / "a", tmp_path / "b", paired=paired, channels=1, size="8x16")
        assert (data.spec.source, data.spec.shape) == ((1, 8, 16), (1, 8, 16))
        data = open_sides(tmp_path / "a", tmp_path / "b", paired=paired, channels=4, direction="b-to-a")
        assert (data.spec.source[0], data.spec.shape[0]) == (3, 4)


@pytest.mark.parametrize("paired", [True, False])
def test_crops_are_seen_of_larger_pictures(sides: tuple[Path, Path], paired: bool) -> None:
    whole, cropped = open_sides(*sides, paired=paired), open_sides(*sides, paired=paired, crop="16")
    assert cropped.spec.shape == cropped.spec.source == (3, 16, 16)
    assert cropped.source is not None
    assert cropped.rows.shape[2:] == cropped.source.rows.shape[2:] == (20, 24), "the one size that all have"
    for seen, stored in zip(rows(cropped), rows(whole), strict=True):
        assert np.array_equal(seen, stored[:, :, 2:18, 4:20])
    assert whole.source is not None
    hashes = [data.spec.hash for side in (whole, cropped) for data in (side, side.source)]
    assert len(set(hashes)) == 4, "features of real data are kept by hash"
    assert cropped.notes[-1] == "Training sees crops of 16x16, at random, of pictures of 20x24."


def test_where_sizes_differ_an_eighth_more_than_the_crop_is_stored(sides: tuple[Path, Path]) -> None:
    save(picture(5, 40, 48), sides[1] / "05.png")
    for paired in (True, False):
        assert open_sides(*sides, paired=paired, crop="16").rows.shape[2:] == (18, 18)
        assert open_sides(*sides, paired=paired, crop="24").rows.shape[2:] == (27, 27)
    with pytest.raises(SparringError, match="crop of 32x32 does not fit into pictures of 16x24"):
        open_sides(*sides, paired=True, crop="32", size="16x24")


def test_pictures_without_a_partner_are_named(sides: tuple[Path, Path]) -> None:
    a, b = sides
    for number in range(7):
        (b / f"{number:02}.png").unlink()
    (a / "20.png").unlink()
    data = open_sides(a, b, paired=True)
    assert in_step(data)
    assert len(data) == 16
    first = "00.png, 01.png, 02.png, 03.png, 04.png and 2 more"
    assert f"7 pictures of A without a partner of the same name were left out: {first}." in data.notes
    assert "1 picture of B without a partner of the same name was left out: 20.png." in data.notes


def test_an_unreadable_picture_takes_its_partner_along(sides: tuple[Path, Path]) -> None:
    a, b = sides
    for path in (a / "03.png", b / "07.png"):
        path.write_bytes(path.read_bytes()[:200])
    (b / "11.png").write_text("not a picture")
    for _ in range(2):
        data = open_sides(a, b, paired=True)
        assert in_step(data)
        assert len(data) == 21
        told = "3 of 24 pairs of pictures cannot be read and were left out: 03.png, 07.png, 11.png."
        assert told in data.notes
    assert [len(side) for side in rows(open_sides(a, b, paired=False))] == [23, 22]


def test_pairs_of_two_shapes_are_refused(sides: tuple[Path, Path]) -> None:
    a, b = sides
    save(picture(4, 24, 24), a / "04.png")
    save(picture(9, 30, 20), b / "09.png")
    with pytest.raises(SparringError, match=r"2 of 24 pairs differ in shape.* first 04.png: A is 24x24 and B is 20x24"):
        open_sides(a, b, paired=True)
    with pytest.raises(SparringError, match=r"first 04.png: A is 24x24 and B is 20x24"):
        open_sides(a, b, paired=True, direction="b-to-a")
    assert len(open_sides(a, b, paired=False)) == 24


def test_pairs_of_two_sizes_and_one_shape_are_scaled(sides: tuple[Path, Path]) -> None:
    for path in sides[0].iterdir():
        with Image.open(path) as image:
            image.resize((73, 60), Image.Resampling.NEAREST).save(path)  # 72x60, but for a rounded pixel
    data = open_sides(*sides, paired=True)
    assert "The pictures of 24 of 24 pairs have two sizes of one shape: both were scaled to one." in data.notes
    given, made = (side.astype(int) for side in rows(data))
    assert np.abs(made // 2 - given).mean() < 0.5 * np.abs(made[::-1] // 2 - given).mean()


def test_orientation_is_undone_before_shapes_are_compared(sides: tuple[Path, Path]) -> None:
    a, _ = sides
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    Image.fromarray(np.rot90(dark(3))).save(a / "03.png", exif=exif)
    assert in_step(open_sides(*sides, paired=True))


def test_odd_pixel_formats(tmp_path: Path) -> None:
    """16 bits, palettes, CMYK and single pixels are pictures like others."""
    flat = Image.new("RGB", (24, 20), (200, 100, 50))
    formats = {
        "deep.png": Image.new("I;16", (24, 20), 40000),
        "palette.png": flat.convert("P"),
        "ink.jpg": flat.convert("CMYK"),
        "bits.png": flat.convert("1"),
        "clear.png": flat.convert("RGBA"),
        "pixel.png": flat.resize((1, 1)),
    }
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        for name, image in formats.items():
            image.save(tmp_path / side / name)
    data = open_sides(tmp_path / "a", tmp_path / "b", paired=False, channels=3, size="16")
    assert len(data) == 6
    shutil.copy(tmp_path / "b/palette.png", tmp_path / "b/pixel.png")
    with pytest.raises(SparringError, match=r"first pixel.png: A is 1x1 and B is 20x24"):
        open_sides(tmp_path / "a", tmp_path / "b", paired=True)
    for side in ("a", "b"):
        flat.resize((1, 1)).save(tmp_path / side / "pixel.png")
    data = open_sides(tmp_path / "a", tmp_path / "b", paired=True, channels=3, size="16")
    given, made = rows(data)
    assert np.array_equal(given, made)
    names = sorted(formats)
    assert (given[names.index("deep.png")] == 156).all(), "40000 of 65535"
    for name in ("palette.png", "ink.jpg", "clear.png", "pixel.png"):
        colour = given[names.index(name)].mean((1, 2))
        assert np.abs(colour - [200, 100, 50]).max() < 12, name


def test_what_either_side_calls_a_group_is_one(sides: tuple[Path, Path], tmp_path: Path) -> None:
    """Pictures 0 and 1 are of one group by a, 1 and 2 by b."""
    groups = {"dark": [0, 0, 1, 2, 3, 4], "bright": [5, 6, 6, 7, 8, 9]}
    for name, own in groups.items():
        lines = [f"{name}/{number:02}.png,g{group}" for number, group in enumerate(own)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["path,group", *lines]))
    data = open_sides(tmp_path / "dark.csv", tmp_path / "bright.csv", paired=True)
    assert in_step(data)
    assert data.groups is not None
    assert data.groups.tolist() == [0, 0, 0, 1, 2, 3]


def test_changed_files_are_prepared_anew(sides: tuple[Path, Path]) -> None:
    hashes = [[open_sides(*sides, paired=paired).spec.hash for paired in (True, False)]]
    for side in sides:
        save(picture(50), side / "05.png")
        hashes.append([open_sides(*sides, paired=paired).spec.hash for paired in (True, False)])
    assert len({found for both in hashes for found in both}) == 6


def test_a_damaged_entry_is_made_anew(sides: tuple[Path, Path], cache: Path) -> None:
    before = open_sides(*sides, paired=True)
    (cache / next(cache.glob("*/rows.npy"))).write_bytes(b"short")
    after = open_sides(*sides, paired=True)
    assert after.spec == before.spec
    assert in_step(after)


def test_arrays_and_archives_are_sides_too(sides: tuple[Path, Path], cache: Path, tmp_path: Path) -> None:
    b = np.stack([picture(number) for number in range(24)])
    data = open_sides(b // 2, b, paired=True)
    assert in_step(data)
    assert not cache.exists(), "what lies in memory is not written"
    with zipfile.ZipFile(tmp_path / "dark.zip", "w") as archive:
        for path in sides[0].iterdir():
            archive.write(path, f"deep/within/{path.name}")
    assert in_step(open_sides(tmp_path / "dark.zip", sides[1], paired=True))


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"a": "gone"}, "Side A: There is no gone here"),
        ({"b": "empty"}, "Side B: There are no pictures in .*empty"),
        ({"b": "dark"}, "A and B are both .*dark"),
        ({"b": None}, "Give both sides: b is missing"),
        ({"a": None}, "Give both sides: a is missing"),
        ({"a": None, "b": None}, "Give two sides a and b, or one source"),
        ({"source": "dark"}, "Give two sides a and b, or one source"),
        ({"direction": "up"}, 'direction "up" is not known: give one of a-to-b, b-to-a'),
        ({"crop": "big"}, 'size "big" is not understood'),
        ({"channels": 2}, "cannot have 2 channels"),
        ({"a": "other"}, r'No picture has a partner: A holds "cat.png" and B holds "00.png", "01.png", "02.png" and'),
        ({"a": "broken"}, "Side A: Not one of the 1 pictures can be read"),
        ({"a": "ring"}, r"Side A \(ring\) holds no pictures"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    wishes: dict[str, object], told: str, sides: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    save(picture(1), tmp_path / "other/cat.png")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/00.png").write_text("not a picture")
    asked = {"a": sides[0], "b": sides[1], "paired": True, **wishes}
    for key in ("a", "b", "source"):
        if isinstance(asked.get(key), str) and (tmp_path / str(asked[key])).exists():
            asked[key] = tmp_path / str(asked[key])
    with pytest.raises(SparringError, match=told):
        open_sides(**asked)  # type: ignore[arg-type]
