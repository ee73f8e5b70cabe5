"""Figures of enlarged pictures: numbers worked out by hand, and photographs that were blurred, sharpened and spoilt."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from sparring.data.dataset import decode, encode
from sparring.data.degrade import enlarge, shrink
from sparring.errors import SparringError
from sparring.metrics import translation
from sparring.metrics.restoration import distance, energy, likeness, maps, patches, psnr, restored, ssim, textures, view

LEVEL = 1 / 127.5  # one of 255 steps


@functools.cache
def photos(side: int = 80) -> Tensor:
    """Two photographs, a temple and a flower, in tiles (80, 3, 80, 80)."""
    from sklearn.datasets import load_sample_images

    whole = torch.stack([torch.from_numpy(photo.copy()) for photo in load_sample_images().images])
    tiles = whole.unfold(1, side, side).unfold(2, side, side).flatten(0, 2)
    return decode(tiles)


def as_files(pictures: Tensor) -> Tensor:
    """The pictures as 8 bits show them."""
    return decode(torch.from_numpy(encode(pictures)))


def lazy(true: Tensor, scale: int) -> Tensor:
    """The pictures shrunk, and enlarged bicubically."""
    return as_files(enlarge(shrink(true, scale), scale))


def noise(like: Tensor) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(0))


def wave(cycles: float, size: float, side: int = 64) -> Tensor:
    """A grey picture (1, 1, side, side) with so many cycles a pixel along its rows."""
    return (size * torch.cos(2 * math.pi * cycles * torch.arange(side))).expand(1, 1, side, side)


# ---------------------------------------------------------------- pixel by pixel


@pytest.mark.parametrize(
    ("colour", "luma"),
    [((0, 0, 0), 16), ((1, 1, 1), 235), ((1, 0, 0), 81.481), ((0, 1, 0), 144.553), ((0, 0, 1), 40.966)],
)
def test_the_luma_is_that_of_matlab(colour: tuple[int, ...], luma: float) -> None:
    seen = view(torch.tensor(colour).view(1, 3, 1, 1) * 2.0 - 1, "Y")
    assert float(seen.add(1).mul(127.5)) == pytest.approx(luma, abs=1e-3)


def test_decibels_are_those_worked_out_by_hand() -> None:
    true = photos()[:4] * 0.9
    shifted = true + LEVEL
    assert psnr(shifted, true, "RGB") == pytest.approx(20 * math.log10(255), abs=0.01)
    assert psnr(shifted, true, "Y") == pytest.approx(20 * math.log10(255 * 255 / 219), abs=0.01)
    assert psnr(shifted[:, :1], true[:, :1], "grey") == pytest.approx(20 * math.log10(255), abs=0.01)
    bluer = true.clone()
    bluer[:, 2] += 10 * LEVEL
    assert psnr(bluer, true, "RGB") == pytest.approx(20 * math.log10(255 / 10 * math.sqrt(3)), abs=0.01)
    assert psnr(bluer, true, "Y") == pytest.approx(20 * math.log10(255 / 10 * 255 / 24.966), abs=0.01)


@pytest.mark.parametrize("measure", [psnr, ssim, distance, energy])
def test_what_is_wrong_in_the_border_alone_is_not_seen_but_one_pixel_further_it_is(measure: object) -> None:
    true = photos()[:3]
    made = lazy(true, 2)
    spoilt = made.clone()
    for edge in (0, 1, 2, -1, -2, -3):
        spoilt[:, :, edge], spoilt[..., edge] = 1.0, -1.0
    assert callable(measure)
    assert measure(spoilt, true, border=3) == pytest.approx(measure(made, true, border=3), rel=1e-6)
    assert measure(spoilt, true, border=2) != pytest.approx(measure(made, true, border=2), rel=1e-3)


def test_similarity_is_torchmetrics_own_of_whole_windows_and_of_mirrored_edges() -> None:
    from torchmetrics.functional.image import structural_similarity_index_measure

    true = photos()[:5]
    made = lazy(true, 4)
    a, b = (view(pictures, "Y").double() + 1 for pictures in (made, true))
    mirrored, each = structural_similarity_index_measure(
        a, b, data_range=2.0, sigma=1.5, kernel_size=11, reduction="none", return_full_image=True
    )
    assert ssim(made, true, "Y") == pytest.approx(float(each[..., 5:-5, 5:-5].mean()), rel=1e-6)
    assert translation.ssim(view(made, "Y"), view(true, "Y")) == pytest.approx(float(mirrored.mean()), rel=1e-6)
    assert ssim(made, true, "Y") != pytest.approx(float(mirrored.mean()), rel=1e-4)


def test_transparent_pictures_are_seen_on_white() -> None:
    true = photos()[:2]
    clear = torch.cat([true, -torch.ones(2, 1, 80, 80)], 1)
    white = torch.cat([torch.ones(2, 3, 80, 80), torch.ones(2, 1, 80, 80)], 1)
    for channel in ("RGB", "Y"):
        assert psnr(clear, white, channel) == 100  # type: ignore[arg-type]


# ---------------------------------------------------------------- to the eye of a network


def test_the_maps_are_the_networks_own_at_the_pictures_own_size() -> None:
    from sparring.metrics.efficientnet import efficientnet

    network, found = efficientnet().network, []
    for block in (0, 2, 4, 10):
        network.get_submodule(f"_blocks.{block}").register_forward_hook(lambda *seen: found.append(seen[-1]))
    bytes_0_to_255 = (photos()[:2, :, :64, :48] + 1) * 127.5
    with torch.no_grad():
        network.extract_features((bytes_0_to_255 - 127) / 128)  # type: ignore[operator]
    seen = maps(photos()[:2, :, :64, :48])
    assert [tuple(layer.shape) for layer in seen] == [(2, 16, 32, 24), (2, 24, 16, 12), (2, 40, 8, 6), (2, 112, 4, 3)]
    for own, layer in zip(found, seen, strict=True):
        assert torch.allclose(own / own.norm(dim=1, keepdim=True), layer, atol=1e-4)


def test_the_distance_grows_with_blur_and_hardly_with_a_shift_of_brightness() -> None:
    true = photos()[:8]
    found = [distance(made, true) for made in (true, true + LEVEL, lazy(true, 2), lazy(true, 4), -true)]
    assert found[0] == 0
    assert found[1] < 0.1 * found[2]
    assert found == sorted(found)
    assert found[-1] < 4
    assert distance(true, lazy(true, 4)) == pytest.approx(found[3], rel=1e-5)
    assert distance(true[:, :1], -true[:, :1]) == pytest.approx(
        distance(true[:, :1].expand(-1, 3, -1, -1), -true[:, :1].expand(-1, 3, -1, -1)), rel=1e-5
    ), "grey is repeated"


def test_patches_are_true_squares_of_which_no_made_one_meets_its_own_truth() -> None:
    numbered = torch.arange(3 * 70 * 100.0).view(3, 1, 70, 100)
    black, white = (patches(numbered, 32, 500, other=other) for other in (False, True))
    assert len(black) + len(white) == 3 * 2 * 3
    assert black.shape[1:] == (1, 32, 32)
    assert not set(black.flatten().tolist()) & set(white.flatten().tolist())
    for patch in (*black, *white):
        assert torch.equal(patch - patch[0, 0, 0], numbered[0, :, :32, :32])
    assert torch.equal(patches(-numbered, 32, 5, seed=3), -patches(numbered, 32, 5, seed=3)), "the same places"
    assert not torch.equal(patches(numbered, 32, 5, seed=4), patches(numbered, 32, 5, seed=3))
    single = patches(torch.arange(50.0).view(50, 1, 1, 1).expand(50, 1, 33, 33), 32, 500)
    assert sorted(single[:, 0, 0, 0].tolist()) == list(range(0, 50, 2)), "of pictures with room for one"


def test_patches_of_true_pictures_are_alike_and_blurred_sharpened_and_noisy_ones_are_not() -> None:
    true = photos()
    blurred = lazy(true, 4)
    sharp = as_files(2.5 * blurred - 1.5 * avg_pool2d(pad(blurred, (2,) * 4, mode="replicate"), 5, 1))
    noisy = as_files(true + 0.1 * noise(true))
    real, *others = likeness([true, blurred, sharp, noisy], true)
    assert abs(real.value) < 3 * real.standard_error
    for other in others:
        assert other.value > real.value + 3 * other.standard_error
    assert energy(sharp, true) > 2 * energy(blurred, true)
    assert textures(true[:2, :, :32, :32]).square().mean() < 1


# ---------------------------------------------------------------- fine detail


@pytest.mark.parametrize(("cycles", "counts"), [(0.1, False), (0.22, False), (0.29, True), (0.4, True)])
def test_only_waves_shorter_than_four_pixels_count_and_by_their_squares(cycles: float, counts: bool) -> None:
    true = wave(0.35, 0.2)
    assert energy(true + wave(0.05, 0.5), true) == pytest.approx(1, rel=1e-2)
    assert energy(wave(0.35, 0.1), true) == pytest.approx(0.25, rel=1e-3)
    found = energy(wave(cycles, 0.2), true)
    assert found == pytest.approx(1, rel=0.05) if counts else found < 0.05
    assert energy(wave(cycles, 0.2).mT, true) == pytest.approx(found, rel=1e-3), "in whatever direction"


def test_edges_of_the_picture_are_no_detail() -> None:
    ramp = torch.linspace(-1, 1, 64).expand(1, 1, 64, 64)
    assert energy(ramp, wave(0.35, 0.02)) < 1e-3


@pytest.mark.parametrize("scale", [2, 4])
def test_enlarged_photographs_lack_detail_and_noisy_ones_have_too_much(scale: int) -> None:
    true = photos()
    assert energy(true, true) == 1
    assert energy(lazy(true, scale), true) < 0.1
    assert energy(as_files(true + 0.1 * noise(true)), true) > 1.2


# ---------------------------------------------------------------- all of them


def test_every_name_says_by_what_protocol() -> None:
    true = photos()
    names = ["PSNR[RGB, border 4, bicubic]", "PSNR[Y, border 4, bicubic]", "SSIM[Y, border 4, bicubic]"]
    others = ["distance[efficientnet-lite0]", "energy above half the band", "KD[efficientnet-lite0, patches of 32]"]
    found = restored(lazy(true, 4), true, 4, "bicubic")
    assert list(found) == names + others
    assert found["energy above half the band"].true == 1
    patched = found[others[-1]]
    assert patched.error is not None
    assert patched.true is not None
    assert patched.true + 3 * patched.error < patched.value
    assert found[names[0]].value == psnr(lazy(true, 4), true, "RGB", 4) < found[names[1]].value
    grey = restored(true[:2, :1], true[:2, :1], 2)
    assert list(grey) == ["PSNR[grey, border 2]", "SSIM[grey, border 2]", *others[:2]]
    assert (grey["PSNR[grey, border 2]"].value, grey["SSIM[grey, border 2]"].value) == (100, pytest.approx(1))


def test_what_pictures_do_not_allow_is_left_out() -> None:
    for side, expected in ((1, "PSNR"), (11, "PSNR SSIM"), (15, "PSNR SSIM"), (16, "PSNR SSIM distance KD")):
        true = noise(torch.empty(40, 3, side, side)).clamp(-1, 1)
        found = {name.partition("[")[0]: figure for name, figure in restored(-true, true, 0).items()}
        found.pop("energy above half the band", None)
        assert " ".join(found) == expected
    flat = torch.zeros(1, 3, 20, 30)
    assert "energy above half the band" not in restored(flat, flat, 0), "the truth has none"


def test_figures_do_not_depend_on_how_many_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    true = photos()[:10]
    made = lazy(true, 2)
    whole = restored(made, true, 2)
    monkeypatch.setattr(translation, "AT_ONCE", 20_000)
    for name, figure in restored(made, true, 2).items():
        assert figure.value == pytest.approx(whole[name].value, rel=1e-4), name


def test_mistakes_are_sentences() -> None:
    true = photos()[:2]
    with pytest.raises(SparringError, match="2×3×80×80 and 1×3×80×80"):
        restored(true, true[:1], 2)
    with pytest.raises(SparringError, match="80×80 a border of 40"):
        psnr(true, true, "RGB", 40)
    with pytest.raises(SparringError, match="take RGB or Y"):
        psnr(true, true, "grey")
    with pytest.raises(SparringError, match="window of 11"):
        ssim(true, true, border=35)
    with pytest.raises(SparringError, match="16 pixels a side"):
        distance(true, true, border=35)
    with pytest.raises(SparringError, match="not finite"):
        energy(true * float("nan"), true)
    with pytest.raises(SparringError, match="no detail above half the band"):
        energy(true, torch.zeros_like(true))
    with pytest.raises(SparringError, match="patches of 90 pixels"):
        patches(true, 90, 5)
    with pytest.raises(SparringError, match="at least 20"):
        likeness([true], true)
