"""Pairs of two sizes, cut into tiles that show one place."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.data import prepare
from sparring.data.batches import some
from sparring.data.split import split
from sparring.data.streams import reader
from sparring.data.tiles import open_tile_pairs
from sparring.errors import SparringError

CROP = (32, 32)


def photo(number: int, height: int, width: int) -> np.ndarray:
    """A coloured picture of noise: no two of its tiles are equal."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, 0).repeat(scale, 1)


def two_sizes(folder: Path, scale: int, sizes: list[tuple[int, int]], small: str = "{}.png") -> tuple[Path, Path]:
    """Folders a and b of noise, and of the same with `scale` equal pixels in each direction for one."""
    for number, (height, width) in enumerate(sizes):
        pixels = photo(number, height, width)
        save(pixels, folder / "a" / small.format(number))
        save(enlarged(pixels, scale), folder / f"b/{number}.png")
    return folder / "a", folder / "b"


def fits(x: np.ndarray, given: np.ndarray, scale: int) -> bool:
    """Whether large pictures (n, c, h, w) are small ones, enlarged."""
    return np.array_equal(x, given.repeat(scale, 2).repeat(scale, 3))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("source", ["two", "one", "csv", "arrays"])
def test_both_tiles_of_a_pair_show_one_place(source: str, scale: int, tmp_path: Path) -> None:
    # The first is as large as a crop, the second smaller than a tile; the others have tiles that overlap.
    sizes = [(12, 12), (13, 40), (30, 50), (41, 35)]
    a, b = two_sizes(tmp_path / "both", scale, [(40, 40)] * 3 if source == "arrays" else sizes)
    given: tuple[object, ...] = (a, b)
    if source == "one":
        given = (None, None, tmp_path / "both")
    if source == "csv":
        lines = [f"both/a/{number}.png,both/b/{number}.png" for number in range(4)]
        (tmp_path / "list.csv").write_text("\n".join(["a,b", *lines]))
        given = (None, None, tmp_path / "list.csv")
    if source == "arrays":
        given = tuple(np.stack([np.asarray(Image.open(side / f"{n}.png")) for n in range(3)]) for side in (a, b))
    for _ in range(2):  # made, then mapped
        dataset = open_tile_pairs(*given, scale=scale, crop=(12 * scale, 12 * scale))
        start = dataset.source
        assert start is not None
        assert (dataset.spec.kind, start.spec.kind) == ("pairs", "pictures")
        assert dataset.spec.shape == (3, 12 * scale, 12 * scale)
        assert dataset.spec.source == start.spec.shape == (3, 12, 12)
        assert fits(dataset.rows, start.rows, scale)
        everything = np.arange(len(dataset))
        assert fits(dataset.take(everything), start.take(everything), scale), "the centre is one place"
        assert np.array_equal(dataset.groups, start.groups)  # type: ignore[arg-type]
        assert dataset.spec.hash != start.spec.hash
    assert len({dataset.rows[at].tobytes() for at in everything}) == len(everything)


def test_pairs_are_mapped_and_never_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = two_sizes(tmp_path, 2, [(40, 60)] * 3)
    open_tile_pairs(a, b, scale=2, crop=CROP)
    mapped: list[np.ndarray] = []
    load = np.load

    def kept(*given: object, **how: object) -> np.ndarray:
        mapped.append(load(*given, **how))  # type: ignore[arg-type]
        return mapped[-1]

    monkeypatch.setattr(prepare.np, "load", kept)
    dataset = open_tile_pairs(a, b, scale=2, crop=CROP)
    assert dataset.source is not None
    assert np.shares_memory(dataset.rows, mapped[0])
    assert np.shares_memory(dataset.source.rows, mapped[0])
    assert not np.shares_memory(dataset.source.rows, dataset.rows)


def test_pairs_that_are_unreadable_unmatched_or_small_are_left_out_on_both_sides(tmp_path: Path) -> None:
    a, b = two_sizes(tmp_path, 4, [(24, 24)] * 6 + [(5, 24)])
    for broken in (a / "1.png", b / "2.png"):
        broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    (a / "3.png").write_text("no picture")
    (b / "4.png").unlink()
    dataset = open_tile_pairs(a, b, scale=4, crop=CROP)
    assert dataset.source is not None
    assert fits(dataset.rows, dataset.source.rows, 4)
    assert len(np.unique(dataset.groups)) == 2
    assert dataset.notes == (
        "8 pairs of tiles of 48x48 and 12x12 (height x width) were cut from 2 pairs of pictures at their own size; "
        "training sees crops of 32x32 of them, at random.",
        "1 picture of A without a partner of the same name was left out: 4.png.",
        "1 picture is smaller than a crop of 32x32 and left out: 6.png.",
        "3 of 5 pairs of pictures cannot be read and were left out: 1.png, 2.png, 3.png.",
    )


def test_pairs_of_other_sizes_are_refused_with_the_scale_that_they_have(tmp_path: Path) -> None:
    a, b = two_sizes(tmp_path, 4, [(24, 24), (24, 30)])
    words = r"In 2 of 2 pairs B is not exactly 2 times as large as A; first 0.png, where A is 24x24 and B is 96x96 "
    with pytest.raises(SparringError, match=words + r"\(height x width\), a scale of 4: ask"):
        open_tile_pairs(a, b, scale=2, crop=CROP)
    save(photo(9, 97, 120), b / "1.png")
    with pytest.raises(SparringError, match=r"In 1 of 2 .* 1.png.* 24x30 and B is 97x120.* 4.042 times as high and 4 "):
        open_tile_pairs(a, b, scale=4, crop=CROP)
    with pytest.raises(SparringError, match=r"a scale of 0\.25"):
        open_tile_pairs(b, a, scale=4, crop=CROP)


def test_small_pictures_whose_names_end_in_the_scale_are_matched(tmp_path: Path) -> None:
    a, b = two_sizes(tmp_path, 4, [(24, 24)] * 3, "{}x4.png")
    dataset = open_tile_pairs(a, b, scale=4, crop=CROP)
    assert len(np.unique(dataset.groups)) == 3
    with pytest.raises(SparringError, match="No picture has a partner"):
        open_tile_pairs(a, b, scale=2, crop=CROP)


def test_both_of_a_pair_have_the_channels_of_the_one_that_needs_more(tmp_path: Path) -> None:
    grey = photo(0, 24, 24)[..., 0]
    save(grey, tmp_path / "a/0.png")
    save(photo(1, 96, 96), tmp_path / "b/0.png")
    dataset = open_tile_pairs(tmp_path / "a", tmp_path / "b", scale=4, crop=CROP)
    assert (dataset.spec.shape, dataset.spec.source) == ((3, 32, 32), (3, 8, 8))
    dataset = open_tile_pairs(tmp_path / "a", tmp_path / "b", scale=4, crop=CROP, channels=1)
    assert (dataset.spec.shape, dataset.spec.source) == ((1, 32, 32), (1, 8, 8))
    assert dataset.source is not None
    assert dataset.source.rows[0, 0].tobytes() == grey[:12, :12].tobytes()


def test_the_split_keeps_pairs_and_photographs_together(tmp_path: Path) -> None:
    a, b = two_sizes(tmp_path, 2, [(48, 48)] * 8)
    training, held = split(open_tile_pairs(a, b, scale=2, crop=CROP), 0.3)
    assert held is not None
    assert held.groups is not None
    assert training.groups is not None
    assert not set(training.groups) & set(held.groups)
    for part in (training, held):
        x, given = some(part, np.arange(len(part)))
        assert fits(x.numpy(), given.numpy(), 2)


def test_training_sees_crops_of_one_place(tmp_path: Path) -> None:
    a, b = two_sizes(tmp_path, 4, [(9, 30), (40, 40), (28, 61)])
    dataset = open_tile_pairs(a, b, scale=4, crop=CROP)
    batches = reader(dataset, conditional=False)(dataset, 16, 0)
    for x, given in islice(batches, 8):
        assert x.shape == (16, 3, 32, 32)
        assert given.shape == (16, 3, 8, 8)
        assert fits(x.numpy(), given.numpy(), 4)
