"""Photographs at their own size: the tiles hold their very pixels, and no photograph is parted."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from sparring.data import cutting, prepare
from sparring.data.dataset import Dataset
from sparring.data.split import split
from sparring.data.tiles import open_tile_pairs, open_tiles
from sparring.errors import SparringError

CROP, TILE = (32, 32), 48  # what is taken at scale 4 where no tile is asked for


def photo(number: int, height: int, width: int) -> np.ndarray:
    """A coloured picture of noise: no two of its tiles are equal."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(pixels: np.ndarray | Image.Image, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path)
    return path


def tile(pixels: np.ndarray, top: int, left: int, side: int = TILE) -> bytes:
    """(h, w, 3) -> the bytes of a row."""
    return pixels[top : top + side, left : left + side].transpose(2, 0, 1).tobytes()


def rows(dataset: Dataset) -> list[bytes]:
    return [row.tobytes() for row in dataset.rows]


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Fourteen photographs of four sizes."""
    for number in range(14):
        save(photo(number, *[(96, 144), (100, 48), (130, 150), (48, 48)][number % 4]), tmp_path / f"p/{number:02}.png")
    return tmp_path / "p"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Grows with every photograph that is decoded to be cut."""
    calls: list[tuple[int, int]] = []

    def counted(image: Image.Image) -> Image.Image:
        calls.append(image.size)
        return upright(image)

    upright = cutting.upright
    monkeypatch.setattr(cutting, "upright", counted)
    return calls


def test_tiles_are_the_very_pixels_in_their_order(tmp_path: Path) -> None:
    wide, odd = photo(1, 96, 144), photo(2, 100, 61)
    save(wide, tmp_path / "a.png")
    save(odd, tmp_path / "b.png")
    dataset = open_tiles(tmp_path, scale=4, crop=CROP)
    assert (dataset.spec.kind, dataset.spec.shape, dataset.rows.shape[1:]) == ("pictures", (3, 32, 32), (3, 48, 48))
    of_wide = [tile(wide, top, left) for top in (0, 48) for left in (0, 48, 96)]
    # 4 rows are less than a quarter of a tile and left out; 13 columns are more, so the last tile overlaps.
    of_odd = [tile(odd, top, left) for top in (0, 48) for left in (0, 13)]
    assert rows(dataset) == of_wide + of_odd
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [0] * 6 + [1] * 4
    assert dataset.notes == (
        "10 tiles of 48x48 (height x width) were cut from 2 pictures at their own size; training sees crops of 32x32 "
        "of them, at random.",
    )
    assert (dataset.labels, dataset.spec.classes, dataset.spec.shares) == (None, (), ())
    assert np.array_equal(dataset.take(np.array([6]))[0], odd[8:40, 8:40].transpose(2, 0, 1)), "the centre"


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_a_tile_leaves_room_for_crops_whose_centre_is_whole_at_both_sizes(scale: int, shots: Path) -> None:
    high, wide = open_tiles(shots, scale=scale, crop=(24, 48)).rows.shape[2:]
    assert (high - 24) % (2 * scale) == (wide - 48) % (2 * scale) == 0
    assert 32 <= high <= 40
    assert 64 <= wide <= 64 + 2 * scale
    asked = open_tiles(shots, scale=scale, crop=(24, 24), tile=(24 + 2 * scale, 24))
    assert asked.rows.shape[2:] == (24 + 2 * scale, 24)


def test_what_is_smaller_than_a_tile_is_mirrored_and_what_is_smaller_than_a_crop_is_left_out(tmp_path: Path) -> None:
    small = photo(1, 40, 120)
    save(small, tmp_path / "small.png")
    save(photo(2, 31, 200), tmp_path / "low.png")
    save(photo(3, 200, 10), tmp_path / "slim.png")
    dataset = open_tiles(tmp_path, scale=4, crop=CROP)
    mirrored = np.concatenate([small[3::-1], small, small[:35:-1]])
    assert rows(dataset) == [tile(mirrored, 0, left) for left in (0, 48, 72)]
    assert np.array_equal(dataset.take(np.array([0]))[0], small[4:36, 8:40].transpose(2, 0, 1)), "nothing mirrored"
    assert dataset.notes[1:] == (
        "2 pictures are smaller than a crop of 32x32 and left out: low.png, slim.png.",
        "1 picture is smaller than a tile of 48x48, and extended by mirroring.",
    )


def test_a_picture_as_large_as_the_crop_is_enough_for_any_tile(tmp_path: Path) -> None:
    pixels = photo(0, 32, 32)
    save(pixels, tmp_path / "one.png")
    dataset = open_tiles(tmp_path, scale=4, crop=CROP, tile=(112, 112))
    assert np.array_equal(dataset.take(np.array([0]))[0], pixels.transpose(2, 0, 1))
    assert rows(dataset) == [tile(np.pad(pixels, ((40, 40), (40, 40), (0, 0)), "symmetric"), 0, 0, 112)]


def test_the_second_time_nothing_is_decoded_and_the_first_time_each_photograph_once(
    shots: Path, decoded: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.data.gallery.os.cpu_count", lambda: 5)  # threads that meet at one photograph
    first = open_tiles(shots, scale=4, crop=CROP, channels=3)
    assert len(decoded) == 14
    second = open_tiles(shots, scale=4, crop=CROP, channels=3)
    assert len(decoded) == 14
    assert first.spec == second.spec
    assert first.notes == second.notes
    assert isinstance(second.rows, np.memmap)
    assert rows(first) == rows(second)


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve photographs of 3 MB each: never all of them at once."""
    monkeypatch.setattr(cutting, "ROOM", 2_000_000)
    monkeypatch.setattr(prepare, "BLOCK", 1 << 20)
    for number in range(12):
        save(np.full((1000, 1000, 3), number, np.uint8), tmp_path / f"{number}.bmp")
    tracemalloc.start()
    try:
        dataset = open_tiles(tmp_path, scale=4, crop=CROP, channels=3)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(dataset) == 12 * 21**2
    assert peak < 20e6, f"{peak / 1e6:.1f} MB"


def test_16_bits_grey_transparency_and_turned_pictures(tmp_path: Path) -> None:
    colours = photo(0, 48, 96)
    turned = Image.fromarray(colours)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "1-turned.png", exif=exif)
    deep = np.random.default_rng(1).integers(0, 65536, (48, 48), dtype=np.uint16)
    save(Image.fromarray(deep), tmp_path / "2-deep.png")
    clear = np.dstack([photo(2, 48, 48), np.zeros((48, 48), np.uint8)])
    save(clear, tmp_path / "3-clear.png")
    save(photo(3, 48, 48)[..., 0], tmp_path / "4-grey.png")
    dataset = open_tiles(tmp_path, scale=4, crop=CROP)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "1-turned.png")))
    grey = np.repeat(photo(3, 48, 48)[..., :1], 3, 2)
    eight = np.repeat(np.rint(deep / 257).astype(np.uint8)[..., None], 3, 2)
    white = np.full((48, 48, 3), 255, np.uint8)
    assert upright.shape == (96, 48, 3)
    assert rows(dataset) == [tile(upright, 0, 0), tile(upright, 48, 0), *(tile(x, 0, 0) for x in (eight, white, grey))]
    assert dataset.notes[1:] == (
        "1 picture with more than 8 bits a channel: their full range was scaled to 0..255.",
        "1 picture with an alpha channel: what is transparent was put on white.",
    )
    assert open_tiles(tmp_path, scale=4, crop=CROP, channels=1).rows.shape == (5, 1, 48, 48)
    assert rows(open_tiles(tmp_path, scale=4, crop=CROP, channels=4))[3] == tile(clear, 0, 0)


def test_what_cannot_be_read_is_left_out_and_named_once(shots: Path) -> None:
    broken = shots / "02.png"  # 130x150: several tiles
    broken.write_bytes(broken.read_bytes()[:20000])
    (shots / "04.png").write_text("no picture")
    for _ in range(2):  # made, then mapped
        dataset = open_tiles(shots, scale=4, crop=CROP)
        assert "were cut from 12 pictures" in dataset.notes[0]
        assert dataset.notes[-1] == "2 of 14 pictures cannot be read and were left out: 02.png, 04.png."
        assert len(dataset.notes) == 2
        assert dataset.groups is not None
        assert len(np.unique(dataset.groups)) == 12


def test_a_picture_of_another_size_than_its_header_says_is_left_out(tmp_path: Path) -> None:
    """A note behind a PNG's pixels may turn it, which is known only once it is decoded."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo(0, 48, 96)).save(tmp_path / "late.png", exif=exif)
    content = (tmp_path / "late.png").read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4])
    last = content.index(b"IEND") - 4
    (tmp_path / "late.png").write_bytes(content[:start] + content[end:last] + content[start:end] + content[last:])
    save(photo(1, 48, 48), tmp_path / "other.png")
    dataset = open_tiles(tmp_path, scale=4, crop=CROP)
    assert rows(dataset) == [tile(photo(1, 48, 48), 0, 0)]
    assert dataset.notes[-1] == "1 of 2 pictures cannot be read and was left out: late.png."


@pytest.mark.parametrize("kind", ["zip", "csv", "npy", "array"])
def test_any_source_of_pictures_gives_the_same_tiles(kind: str, tmp_path: Path) -> None:
    pixels = np.stack([photo(number, 96, 96) for number in range(3)])
    paths = [save(one, tmp_path / f"p/{number}.png") for number, one in enumerate(pixels)]
    source: Path | np.ndarray = tmp_path / f"data.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(str(source), "w") as archive:
            for path in paths:
                archive.write(path, path.name)
    if kind == "csv":
        (tmp_path / "data.csv").write_text("\n".join(["path", *(f"p/{path.name}" for path in paths)]))
    if kind == "npy":
        np.save(tmp_path / "data.npy", pixels)
    source = pixels if kind == "array" else source
    expected = open_tiles(tmp_path / "p", scale=4, crop=CROP)
    found = open_tiles(source, scale=4, crop=CROP)
    assert len(found) == 12
    assert rows(found) == rows(expected)
    assert found.spec.hash == expected.spec.hash


def test_the_hash_follows_from_pixels_and_settings(tmp_path: Path) -> None:
    pixels = np.stack([photo(number, 96, 96) for number in range(3)])
    settings: list[dict[str, object]] = [{}, {"scale": 2}, {"crop": (24, 24), "tile": (48, 48)}, {"tile": (64, 64)}]
    plain = {"scale": 4, "crop": CROP, "tile": (48, 48)}
    hashes = [open_tiles(pixels, **{**plain, **own}).spec.hash for own in settings]  # type: ignore[arg-type]
    pixels[2, 95, 95, 0] ^= 1
    hashes.append(open_tiles(pixels, scale=4, crop=CROP).spec.hash)
    assert len(set(hashes)) == len(hashes)
    assert all(len(digest) == 64 for digest in hashes)


def test_the_split_never_parts_a_photograph(shots: Path) -> None:
    dataset = open_tiles(shots, scale=4, crop=CROP)
    for seed in range(3):
        training, held = split(dataset, 0.2, seed)
        assert held is not None
        assert training.groups is not None
        assert held.groups is not None
        assert not set(training.groups) & set(held.groups)
        assert len(training) + len(held) == len(dataset)


def test_groups_and_parts_of_the_source_are_kept(tmp_path: Path) -> None:
    for number in range(6):
        save(photo(number, 48, 96), tmp_path / f"{number}.png")
    save(photo(0, 9, 9), tmp_path / "small.png")  # is left out, and the others keep what is theirs
    lines = [f"{number}.png,{'ab'[number // 3]},{'test' if number > 2 else 'train'}" for number in range(6)]
    lines.insert(0, "small.png,c,test")
    (tmp_path / "list.csv").write_text("\n".join(["path,subject,split", *lines]))
    dataset = open_tiles(tmp_path / "list.csv", scale=4, crop=CROP)
    assert dataset.groups is not None
    assert dataset.held is not None
    assert dataset.groups.tolist() == [0] * 6 + [1] * 6
    assert dataset.held.tolist() == [False] * 6 + [True] * 6
    assert 'The column "subject" was taken as groups.' in dataset.notes


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"crop": (30, 32)}, "multiples of 4, such as 32x32"),
        ({"crop": (2, 32)}, "multiples of 4, such as 4x32"),
        ({"tile": (50, 48)}, "the crop's plus multiples of 8, such as 48x48"),
        ({"tile": (24, 48)}, "the crop's plus multiples of 8"),
        ({"channels": 2}, "2 channels"),
        ({"crop": (160, 100)}, r"smaller than the crop of 160x100 \(the largest is 130x150"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(wishes: dict[str, object], words: str, shots: Path) -> None:
    asked = {"scale": 4, "crop": CROP, **wishes}
    with pytest.raises(SparringError, match=words):
        open_tiles(shots, **asked)  # type: ignore[arg-type]
    if "160" not in words:
        with pytest.raises(SparringError, match=words):
            open_tile_pairs(shots, shots.parent / "other", **asked)  # type: ignore[arg-type]


def test_what_holds_no_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("age,pay\n1,2\n3,4\n")
    for source in (tmp_path / "table.csv", np.zeros((20, 2), np.float32), "ring"):
        with pytest.raises(SparringError, match="holds no pictures"):
            open_tiles(source, scale=4, crop=CROP)
    for number in range(2):
        (tmp_path / f"{number}.png").write_text("no picture")
    with pytest.raises(SparringError, match="Not one of the 2 pictures can be read"):
        open_tiles(tmp_path, scale=4, crop=CROP)


def test_jpegs_are_decoded_at_their_full_size(tmp_path: Path) -> None:
    """`draft` would halve it."""
    smooth = Image.fromarray(photo(0, 12, 12)).resize((410, 410), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=90)
    dataset = open_tiles(tmp_path, scale=2, crop=CROP)
    pixels, side = np.asarray(Image.open(tmp_path / "a.jpg")), dataset.rows.shape[2]
    assert rows(dataset)[0] == tile(pixels, 0, 0, side)
    assert rows(dataset)[-1] == tile(pixels[-side:, -side:], 0, 0, side)
