"""Networks that enlarge: tiles, memory, and every kind of picture, beside what the answer must be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from translators import Enlarging, file_through, furthest, photo, repeated

from sparring.apply import deep, enlarge, save
from sparring.apply import translate as module
from sparring.apply.enlarge import covered, resized
from sparring.apply.memory import bytes_a_pixel
from sparring.apply.tiles import Tiling
from sparring.apply.translate import Translator

SCALES = (2, 3, 4, 8)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("way", ["nearest", "bicubic", "convolutions"])
def test_tiles_give_what_the_whole_picture_gives(way: str, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gan, picture = Enlarging(scale, way), photo(61, 50)
    whole = Translator(gan, tile=0)(picture)
    assert whole.shape == (61 * scale, 50 * scale, 3)
    assert whole.std() > 15
    for tile in (27, 33):
        translator = Translator(gan, tile=tile)
        assert furthest(translator(picture), whole) <= 1
        assert not translator.seams
    if way == "nearest":
        assert (whole == repeated(picture, scale)).all()
        return
    monkeypatch.setattr(Tiling, "of", lambda *_: Tiling(20, 0, 0, 1))  # as if the network saw nothing beside a pixel
    assert furthest(Translator(gan, tile=20)(picture), whole) > 8


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_tiles_of_any_side_repeat_each_pixel_exactly(kind: type) -> None:
    picture = photo(31, 23, 3, kind)
    for tile in (1, 5, 12, 30):
        assert (Translator(Enlarging(3), tile=tile)(picture) == repeated(picture, 3)).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40), (5, 4)])
@pytest.mark.parametrize("way", ["nearest", "bicubic", "convolutions"])
def test_pictures_smaller_than_what_the_network_sees(size: tuple[int, int], way: str) -> None:
    for tile in (None, 0, 3):
        made = Translator(Enlarging(4, way), tile=tile)(photo(*size))
        assert made.shape == (4 * size[0], 4 * size[1], 3)


def test_no_more_is_kept_between_tiles_than_what_they_fade_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """However wide the picture is, tiles hand on parts of a tile's size."""
    parts: list[tuple[int, ...]] = []
    plain = module.stored
    monkeypatch.setattr(module, "stored", lambda made, kind: parts.append(tuple(made.shape)) or plain(made, kind))
    Translator(Enlarging(4, "bicubic"), tile=24)(photo(30, 700))
    assert len(parts) > 60
    assert max(shape[2] for shape in parts) <= 24 * 4


def test_the_memory_that_decides_on_tiles_is_that_of_what_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, ...]] = []
    gan, picture = Enlarging(4, "convolutions"), photo(200, 150)
    gan.generator.register_forward_pre_hook(lambda module, given: sizes.append(tuple(given[0].shape[2:])))
    need = bytes_a_pixel(gan.translate, torch.zeros(1, 3, 64, 64))
    assert need >= 4 * 3 * 4 * 16  # of one pixel that goes in come sixteen, of three numbers each
    result = picture.size * 16
    monkeypatch.setattr(module, "available", lambda device: int(result + need * 2 * 80 * 80))
    whole = Translator(gan, tile=0)(picture)
    sizes.clear()
    assert furthest(Translator(gan)(picture), whole) <= 1
    assert sizes[0][0] < 128  # the probe, which is no larger either
    assert 40 < max(max(size) for size in sizes[1:]) <= 80


def test_tiles_grow_no_further_than_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    gan, picture = Enlarging(2, "convolutions"), np.zeros((3000, 3000, 3), np.uint8)
    monkeypatch.setattr(module, "available", lambda device: 1 << 50)
    translator = Translator(gan)
    each = translator._memory_a_pixel()
    monkeypatch.setattr(module, "MOST", int(500**2 * each))
    assert 490 <= translator._side(picture) <= 500
    monkeypatch.setattr(module, "MOST", 1)
    assert translator._side(picture) == module.MARGINS * 8  # it sees 4 pixels, and 8 of what comes out are faded over
    assert Translator(gan)._side(np.zeros((100, 100, 3), np.uint8)) == 100


def test_a_fully_transparent_pixel_gets_the_colour_of_what_is_seen_nearby() -> None:
    colours, alpha = photo(37, 29), np.zeros((37, 29), np.uint8)
    assert covered(colours, alpha) is colours
    assert covered(colours, alpha + 1) is colours
    alpha[5:9, 6:20] = 200
    filled = covered(colours, alpha)
    assert (filled[alpha > 0] == colours[alpha > 0]).all()
    seen = colours[alpha > 0]
    assert (filled.reshape(-1, 3) >= seen.min(0)).all()
    assert (filled.reshape(-1, 3) <= seen.max(0)).all()
    two = np.zeros((64, 64, 1), np.uint16)
    two[:2], two[-2:] = 60000, 20000
    alpha = np.zeros((64, 64), np.uint16)
    alpha[:2], alpha[-2:] = 65535, 1
    assert (covered(two, alpha)[:16] == 60000).all()
    assert (covered(two, alpha)[-16:] == 20000).all()


def test_what_is_hidden_is_covered_alike_in_any_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    colours, alpha = photo(101, 67), np.where(photo(101, 67, 1)[..., 0] > 90, 255, 0).astype(np.uint8)
    whole, larger = covered(colours, alpha), resized(alpha, (303, 201))
    monkeypatch.setattr(enlarge, "ROWS", 6)
    assert (covered(colours, alpha) == whole).all()
    assert furthest(resized(alpha, (303, 201)), larger) <= 1
    in_one = Image.fromarray(alpha.astype(np.float32)).resize((201, 303), Image.Resampling.BICUBIC)
    assert furthest(larger, np.rint(np.asarray(in_one)).clip(0, 255)) <= 1


def disc(hidden: tuple[int, int, int], kind: type = np.uint8) -> np.ndarray:
    """A red disc with a soft edge on transparent ground whose colour nobody sees, (40, 40, 4)."""
    y, x = np.mgrid[:40, :40]
    opaque = np.clip(14.5 - np.hypot(y - 19.5, x - 19.5), 0, 1)
    most = np.iinfo(kind).max
    picture = np.empty((40, 40, 4), kind)
    picture[..., :3] = np.array(hidden, float) / 255 * most
    picture[opaque > 0, :3] = np.array((1, 0, 0)) * most
    picture[..., 3] = np.rint(opaque * most)
    return picture


@pytest.mark.parametrize("hidden", [(0, 0, 0), (0, 255, 0), (255, 255, 255)])
@pytest.mark.parametrize("scale", [2, 4])
def test_what_is_hidden_does_not_seep_into_edges(
    hidden: tuple[int, int, int], scale: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(disc(hidden)).save(tmp_path / "disc.png")

    def shades_from_red() -> float:
        """The most that the picture differs from a red disc, on a ground of any one colour."""
        after = np.asarray(file_through(tmp_path / "disc.png", Enlarging(scale, "bicubic"))).astype(float)
        assert after.shape == (40 * scale, 40 * scale, 4)
        return float((abs(after[..., :3] - (255, 0, 0)).max(2) * after[..., 3] / 255).max())

    assert shades_from_red() <= 2
    opaque = np.asarray(Image.open(tmp_path / "out" / "disc.png"))[..., 3]
    in_one = Image.fromarray(disc(hidden)[..., 3].astype(np.float32)).resize(
        (40 * scale,) * 2, Image.Resampling.BICUBIC
    )
    assert furthest(opaque, np.rint(np.asarray(in_one)).clip(0, 255)) <= 1
    monkeypatch.setattr(enlarge, "covered", lambda colours, alpha: colours)
    assert shades_from_red() > 20


def test_a_disc_of_16_bits_stays_red(tmp_path: Path) -> None:
    path = tmp_path / "disc.png"
    save.whole(path, lambda file: deep.write_png(file, disc((0, 255, 0), np.uint16), None, None, None))
    file_through(path, Enlarging(3, "bicubic"))
    after = deep.read(lambda: Image.open(tmp_path / "out" / "disc.png")).astype(float)
    assert after.shape == (120, 120, 4)
    assert (abs(after[..., :3] - (65535, 0, 0)).max(2) * after[..., 3] / 65535).max() <= 300
    assert (after[..., 3] == 65535).sum() > 400 * 9


@pytest.mark.parametrize("scale", [2, 8])
def test_grey_stays_grey_and_colour_colour_whatever_the_network_takes(scale: int, tmp_path: Path) -> None:
    grey, colour, both = photo(9, 8, 1)[..., 0], photo(9, 8, 3), photo(9, 8, 2)
    both[0] = (90, 0)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(both, "LA").save(tmp_path / "both.png")
    for channels in (1, 3):
        gan = Enlarging(scale, channels=channels)
        for name, before in (("grey", grey), ("colour", colour)):
            assert furthest(file_through(tmp_path / f"{name}.png", gan), repeated(before, scale)) == 0
        after = file_through(tmp_path / "both.png", gan)
        assert after.mode == "LA"
        seen = both[..., 1] > 0
        assert (np.asarray(after)[..., 0] == repeated(both[..., 0], scale))[repeated(seen, scale)].all()


def test_a_network_that_tints_gives_grey_for_grey(tmp_path: Path) -> None:
    class Tinting(Enlarging):
        def sample(self, noise: Tensor, given: Tensor) -> Tensor:
            return super().sample(noise, given) + torch.tensor((0.2, 0.0, -0.2))[:, None, None]

    Image.fromarray(np.full((5, 5), 100, np.uint8)).save(tmp_path / "a.png")
    after = file_through(tmp_path / "a.png", Tinting(2))
    assert after.mode == "L"
    assert furthest(after, np.full((10, 10), round(100 + 0.2 * 127.5 * (0.299 - 0.114)))) <= 1
