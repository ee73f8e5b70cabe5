from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_sides import picture, save
from PIL import Image

from sparring.data.dataset import decode_source
from sparring.data.sides import labels
from sparring.data.sides.read import open_sides
from sparring.errors import SparringError

MAP = np.array([[0, 7], [200, 7]], np.uint8)


def palette(values: np.ndarray) -> Image.Image:
    """The values as indices into a palette whose colours have nothing to do with them."""
    image = Image.fromarray(values)
    image.putpalette(bytes(range(255, -1, -1)) * 3)
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(MAP), MAP),
        (palette(MAP), MAP),
        (Image.fromarray(MAP.astype(np.uint16) * 300), MAP.astype(int) * 300),
        (Image.fromarray(MAP.astype(np.int32) * 30000), MAP.astype(int) * 30000),
        (Image.fromarray(MAP > 0), MAP > 0),
        (Image.merge("LA", [Image.fromarray(MAP), Image.fromarray(255 - MAP)]), MAP),
        (Image.new("RGB", (1, 1), (18, 52, 86)), [[0x123456]]),
        (Image.new("RGBA", (1, 1), (18, 52, 86, 0)), [[0x123456]]),
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), [[0xFF0000]]),
    ],
)
def test_values_are_read_as_they_are_in_the_file(image: Image.Image, expected: np.ndarray, tmp_path: Path) -> None:
    image.save(tmp_path / ("x.tif" if image.mode in {"CMYK", "I"} else "x.png"))
    with Image.open(next(tmp_path.iterdir())) as read:
        assert labels.values(read).tolist() == np.array(expected).astype(int).tolist()


def test_codes_are_places_among_the_labels() -> None:
    assert labels.codes(Image.fromarray(MAP), (0, 5, 7, 200), "x.png").tolist() == [[0, 2], [3, 2]]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (Image.fromarray(MAP), "holds the label 200, "),
        (Image.new("L", (9, 9), 5), "holds the label 5, "),
        (Image.new("RGB", (9, 9), "red"), "holds the label #ff0000, "),
    ],
)
def test_an_unknown_label_names_the_file_and_the_value(image: Image.Image, told: str) -> None:
    with pytest.raises(SparringError, match=f"street/9.png {told}"):
        labels.codes(image, (0, 7), "street/9.png")


def test_decimal_numbers_are_no_labels() -> None:
    with pytest.raises(ValueError, match="decimal"):
        labels.values(Image.new("F", (2, 2)))


def streets(folder: Path, values: tuple[int, ...], mode: str = "L") -> tuple[Path, Path]:
    """12 maps of 10x12 whose left half is of one value and whose right half of another, and photos of them."""
    for number in range(12):
        left, right = values[number % len(values)], values[(number + 1) % len(values)]
        found = np.full((10, 12), left, np.uint16 if mode == "I;16" else np.uint8)
        found[:, 6:] = right
        save(found, folder / f"maps/{number:02}.png")
        save(picture(number), folder / f"photos/{number:02}.png")
    return folder / "maps", folder / "photos"


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("values", "mode"), [((255, 0, 7), "L"), ((60000, 1, 257), "I;16")])
def test_maps_become_one_channel_a_label(paired: bool, values: tuple[int, ...], mode: str, tmp_path: Path) -> None:
    import torch

    maps, photos = streets(tmp_path, values, mode)
    for _ in range(2):  # decoded, and from the cache
        data = open_sides(maps, photos, paired=paired, label_maps=True, size="40x48")
        assert data.spec.labels == tuple(sorted(values))
        assert data.spec.source == (3, 40, 48)
        assert data.source is not None
        assert data.source.spec.kind == "labels"
        rows = data.source.take(np.arange(12))
        assert rows.shape == (12, 1, 40, 48)
        assert rows.dtype == np.uint8
        for number, row in enumerate(rows):
            known = np.array(data.spec.labels)[row[0]]
            assert (known[:, :24] == values[number % 3]).all(), "nearest neighbour, so nothing lies between labels"
            assert (known[:, 24:] == values[(number + 1) % 3]).all()
        hot = decode_source(data.spec, torch.from_numpy(rows))
        assert hot.sum(1).eq(1).all()


def test_a_photo_is_no_label_map(sides: tuple[Path, Path]) -> None:
    with pytest.raises(SparringError, match=r"more than 256 values by 0\d.png, which looks like a photo"):
        open_sides(*sides, paired=True, label_maps=True)


def test_numbers_and_colours_are_not_mixed(tmp_path: Path) -> None:
    maps, photos = streets(tmp_path, (0, 1))
    Image.new("RGB", (12, 10), "red").save(maps / "07.png")
    with pytest.raises(SparringError, match=r"07.png holds colours and 00.png numbers"):
        open_sides(maps, photos, paired=True, label_maps=True)


def test_a_broken_map_leaves_its_pair_out(tmp_path: Path) -> None:
    maps, photos = streets(tmp_path, (0, 1))
    (maps / "03.png").write_text("nothing")
    data = open_sides(maps, photos, paired=True, label_maps=True)
    assert len(data) == 11
    assert "1 of 12 pairs of pictures cannot be read and were left out: 03.png." in data.notes


def test_label_maps_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(SparringError, match="can be started from, not made"):
        open_sides(*streets(tmp_path, (0, 1)), paired=True, label_maps=True, direction="b-to-a")


def test_equal_codes_of_other_labels_are_other_data(tmp_path: Path) -> None:
    hashes = set()
    for values in ((0, 1), (0, 2)):
        sides = streets(tmp_path / str(values[1]), values)
        hashes.add(open_sides(*sides, paired=True, label_maps=True).spec.hash)
    assert len(hashes) == 2
