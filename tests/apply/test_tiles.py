"""Tiles: what they give is what the whole picture gives, and where they are too small one can tell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from translators import Convolutions, Doubling, Pointwise, Translating, photo

from sparring.apply import translate as module
from sparring.apply.memory import available, bytes_a_pixel
from sparring.apply.tiles import Tiling
from sparring.apply.translate import Translator, translate_picture
from sparring.errors import SparringError
from sparring.networks.translator import ResNet
from sparring.networks.unet import UNet


def instance() -> list[nn.Module]:
    return [nn.InstanceNorm2d(6) for _ in range(4)]


def awake(norm: nn.Module) -> Convolutions:
    """A network whose norms are in training mode, whatever mode the rest is put into."""
    network = Convolutions(norm, nn.Identity())
    norm.eval = lambda: norm.train(True)  # type: ignore[method-assign]
    norm.train(True)
    return network


NETWORKS = {
    "no norms": lambda: Convolutions(*[nn.Identity() for _ in range(4)]),
    "instance norms": lambda: Convolutions(*instance()),
    "instance norms with weights": lambda: Convolutions(*[nn.InstanceNorm2d(6, affine=True) for _ in range(3)]),
    "group norms": lambda: Convolutions(*[nn.GroupNorm(2, 6) for _ in range(3)]),
    "one norm twice": lambda: Convolutions(*[nn.InstanceNorm2d(6)] * 3),
    "learnt batch norms": lambda: Convolutions(*[nn.BatchNorm2d(6) for _ in range(3)]),
    "batch norms of the batch": lambda: awake(nn.BatchNorm2d(6, track_running_stats=False)),
    "U-Net": lambda: UNet(3, 3, (16, 16), 6),
    "ResNet": lambda: ResNet(3, 3, 6, 1),
    "transposed": lambda: ResNet(3, 3, 6, 1, upsample="transposed"),
}


def made(gan: Translating, picture: np.ndarray, tile: int) -> np.ndarray:
    return Translator(gan, tile=tile)(picture).astype(int)


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_that_see_far_enough_give_what_the_whole_picture_gives(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = NETWORKS[name]()
    for weight in network.parameters():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight)  # so that all that is seen matters
    gan, picture = Translating(network), photo(221, 199)
    whole, tiled = made(gan, picture, 0), made(gan, picture, 165)
    assert whole.std() > 15
    assert abs(whole - tiled).max() <= 1
    monkeypatch.setattr(Tiling, "of", lambda *_: Tiling(96, 0, 0, 16))  # as if the network saw nothing beside a pixel
    assert abs(whole - made(gan, picture, 96)).max() > 8


def test_norms_that_take_a_tile_for_the_picture_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    gan, picture = Translating(Convolutions(*instance())), photo(221, 199)
    whole = made(gan, picture, 0)
    assert abs(whole - made(gan, picture, 100)).max() <= 1
    monkeypatch.setattr("sparring.apply.norms.WholePicture.__enter__", lambda self: self)
    monkeypatch.setattr("sparring.apply.norms.WholePicture.__exit__", lambda *_: None)
    monkeypatch.setattr("sparring.apply.norms.WholePicture.learn", lambda *_: None)
    assert abs(whole - made(gan, picture, 100)).max() > 8


def test_afterwards_the_norms_are_as_they_were() -> None:
    gan, picture = Translating(Convolutions(*instance())), photo(120, 90)
    before = made(gan, picture, 0)
    made(gan, picture, 60)
    assert (made(gan, picture, 0) == before).all()
    gan.generator.last.register_forward_hook(lambda *_: (_ for _ in ()).throw(ValueError("a broken layer")))
    with pytest.raises(ValueError, match="a broken layer"):
        made(gan, picture, 60)
    assert all("forward" not in norm.__dict__ for norm in gan.generator.norms)


def steps_across(picture: np.ndarray, borders: list[int]) -> float:
    """How much larger the steps from row to row are at `borders` than elsewhere, as a ratio of means."""
    steps = abs(np.diff(picture.astype(float), axis=0)).mean((1, 2))
    at = np.zeros(len(steps), bool)
    at[[border - 1 for border in borders]] = True
    return float(steps[at].mean() / steps[~at].mean())


def test_no_seams_are_seen_and_hard_borders_would_be() -> None:
    gan, picture = Translating(Convolutions(*instance())), photo(240, 100)
    tiling = Tiling.of(80, gan.reach, 1)
    borders = [span.low for span in tiling.spans(240)][1:]
    assert len(borders) > 3
    assert steps_across(made(gan, picture, 80), borders) < 1.2
    apart = np.concatenate([made(gan, part, 0) for part in np.split(picture, borders)])
    assert steps_across(apart, borders) > 1.5


def test_tiles_that_are_too_small_say_so_and_fade() -> None:
    gan, picture = Translating(UNet(3, 3, (16, 16), 6)), photo(200, 180)
    translator = Translator(gan, tile=64)
    tiled = translator(picture).astype(int)
    assert "see 16 beyond their borders and the network 45" in translator.seams
    assert abs(tiled - made(gan, picture, 0)).mean() < 4
    large = Translator(gan, tile=165)
    large(picture)
    assert not large.seams
    paper = Translator(Translating(UNet(3, 3, (16, 16), 6, dropout=0.5)), tile=165)
    paper(picture)
    assert "dropout" in paper.seams


@pytest.mark.parametrize("length", [97, 160, 1000, 1003])
@pytest.mark.parametrize("multiple", [1, 4, 32])
@pytest.mark.parametrize("reach", [0, 13, 45])
def test_tiles_cover_each_place_once_and_are_no_larger_than_asked(length: int, multiple: int, reach: int) -> None:
    tiling = Tiling.of(96, reach, multiple)
    full = -(-length // multiple) * multiple
    spans = tiling.spans(full)
    assert [span.low for span in spans] == [0, *(span.high for span in spans[:-1])]
    assert spans[-1].high == full
    for span in spans:
        assert span.stop - span.start <= 96
        assert all(border % multiple == 0 for border in span)
        assert len(spans) == 1 or span.high - span.low >= 2 * tiling.fade


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (7, 3), (33, 65), (64, 64)])
@pytest.mark.parametrize("network", [UNet(3, 3, (32, 32), 4), ResNet(3, 3, 4, 1)])
def test_any_size_comes_out_as_it_went_in(size: tuple[int, int], network: nn.Module) -> None:
    result = translate_picture(Translating(network), photo(*size))
    assert result.shape == (*size, 3)
    assert result.dtype == np.uint8


def test_what_is_added_at_the_edges_is_the_mirrored_picture() -> None:
    seen: list[torch.Tensor] = []
    network = Pointwise("same")
    network.multiple = 8
    network.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    picture = photo(13, 6)
    assert (translate_picture(Translating(network), picture) == picture).all()
    assert seen[0].shape == (1, 3, 16, 8)
    assert torch.equal(seen[0][:, :, 13:], seen[0][:, :, 9:12].flip(2))
    assert torch.equal(seen[0][..., 6:], seen[0][..., 3:5].flip(3)[..., -2:])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_network_that_changes_nothing_changes_no_bit(kind: type) -> None:
    most = np.iinfo(kind).max
    picture = np.arange(most + 1, dtype=kind)[:, None, None].repeat(3, 2)
    for tile in (0, 40):
        assert (Translator(Translating(Pointwise("same")), tile=tile)(picture) == picture).all()
    assert (translate_picture(Translating(Pointwise()), picture) == most - picture).all()


def test_larger_pictures_than_what_went_in() -> None:
    picture = photo(90, 70)
    for tile in (0, 30):
        assert (Translator(Doubling(), tile=tile)(picture) == picture.repeat(2, 0).repeat(2, 1)).all()


def test_label_maps_become_channels() -> None:
    gan = Translating(Pointwise("same", after=2), before=2, labels=(3, 200))
    codes = np.array([[[0], [1]]], np.uint8)
    assert translate_picture(gan, codes).tolist() == [[[255, 128], [128, 255]]]


def test_tiles_are_chosen_by_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, ...]] = []
    network = Convolutions(*instance())
    network.convolutions[0].register_forward_hook(lambda module, given, made: sizes.append(tuple(given[0].shape[2:])))
    gan, picture = Translating(network), photo(400, 300)
    whole = translate_picture(gan, picture)
    assert sizes[-1] == (400, 300)
    need = bytes_a_pixel(gan.translate, torch.zeros(1, 3, 64, 64))
    monkeypatch.setattr(module, "available", lambda device: int(need * 2 * 200 * 200))
    sizes.clear()
    assert abs(translate_picture(gan, picture).astype(int) - whole).max() <= 1
    assert 150 < max(max(size) for size in sizes) <= 200


def test_less_memory_than_expected_makes_smaller_tiles() -> None:
    network, picture = Convolutions(*instance()), photo(300, 280)
    whole = translate_picture(Translating(network), picture)

    def scarce(module: nn.Module, given: tuple[torch.Tensor]) -> None:
        if given[0].shape[2] > 140:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    network.register_forward_pre_hook(scarce)
    assert abs(translate_picture(Translating(network), picture).astype(int) - whole).max() <= 1
    with pytest.raises(RuntimeError, match="allocate memory"):
        Translator(Translating(network), tile=0)(picture)


def test_memory_is_counted_while_it_is_held() -> None:
    network = nn.Sequential(*[nn.Conv2d(4, 4, 1) for _ in range(6)])
    before_and_after = 2 * 4 * 4 * 2  # of one layer, four channels of four bytes, and as much workspace
    picture = torch.zeros(1, 4, 64, 64)
    assert before_and_after * 0.4 <= bytes_a_pixel(network, picture) <= before_and_after * 1.1
    assert available(torch.device("cpu")) > 1 << 20


def test_what_cannot_be_translated() -> None:
    class Plain(Translating):
        translates = False

        def __init__(self) -> None:
            self.__class__.translates = True
            super().__init__(Pointwise())
            self.__class__.translates = False

    with pytest.raises(SparringError, match="makes pictures from noise"):
        Translator(Plain())
    gan = Translating(Pointwise())
    with pytest.raises(SparringError, match="one direction only"):
        Translator(gan, backwards=True)
    with pytest.raises(SparringError, match="3 channels"):
        translate_picture(gan, photo(4, 4, 1))
    with pytest.raises(SparringError, match="or 0 for none; it is -1"):
        Translator(gan, tile=-1)


def test_backwards() -> None:
    gan = Translating(Pointwise("same"), before=1)
    gan.back = lambda pictures: -pictures[:, :1]  # type: ignore[operator]
    translator = Translator(gan, backwards=True)
    assert translator.channels == 3
    assert translator(np.full((2, 2, 3), 55, np.uint8)).tolist() == [[[200]] * 2] * 2
