"""Clean shrinking beside Pillow's, and the degradation model as a whole; test_degrade_parts.py has its parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import Tensor

from sparring.data import degrade as model
from sparring.data.degrade import FIRST, SECOND, Round, degrade, enlarge, shrink
from sparring.draws import Draws
from sparring.errors import SparringError


@pytest.fixture(scope="module")
def photos() -> Tensor:
    """(8, 3, 96, 96) in -1..1: crops of two photographs."""
    images = np.stack(load_sample_images().images)[:, 100:292, 200:392]
    crops = images.reshape(2, 2, 96, 2, 96, 3).transpose(0, 1, 3, 5, 2, 4).reshape(8, 3, 96, 96)
    return torch.from_numpy(crops.copy()) / 127.5 - 1


def levels(x: Tensor) -> Tensor:
    """-1..1 -> 0..255, which must be whole."""
    found = (x + 1) * 127.5
    assert (found - found.round()).abs().max() < 1e-3
    assert found.min() > -1e-3
    assert found.max() < 255.001
    return found.round()


def psnr(a: Tensor, b: Tensor) -> float:
    """Of pictures in -1..1."""
    return float(10 * torch.log10(4 / (a - b).square().mean()))


def at(step: int) -> Draws:
    draws = Draws(0, 0, 1)
    draws.at(step)
    return draws


# Clean shrinking and enlarging


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_shrinking_is_pillows_to_rounding(photos: Tensor, scale: int) -> None:
    """Of floats to a rounding; of 8 bits Pillow rounds and clamps between rows and columns as well."""
    size = (96 // scale,) * 2
    for picture, mine in zip(levels(photos), levels(shrink(photos, scale)), strict=True):
        for channel, small in zip(picture, mine, strict=True):
            exact = np.array(Image.fromarray(channel.numpy()).resize(size, Image.Resampling.BICUBIC))
            assert (torch.from_numpy(exact).clamp(0, 255) - small).abs().max() < 0.501
        photo = Image.fromarray(picture.byte().permute(1, 2, 0).numpy())
        theirs = torch.from_numpy(np.array(photo.resize(size, Image.Resampling.BICUBIC))).permute(2, 0, 1)
        difference = (theirs - mine).abs()
        assert (difference > 1).float().mean() < 0.005
        assert difference.mean() < 0.2


def test_enlarging_is_pillows(photos: Tensor) -> None:
    channel = photos[0, 0, :40, :24]
    theirs = Image.fromarray(channel.numpy()).resize((96, 160), Image.Resampling.BICUBIC)
    mine = enlarge(channel[None, None], 4)
    assert mine.shape == (1, 1, 160, 96)
    assert torch.allclose(mine[0, 0], torch.from_numpy(np.array(theirs)).clamp(-1, 1), atol=1e-5)
    edge = torch.tensor([-1.0, 1.0]).repeat_interleave(8).expand(1, 1, 16, 16)
    assert enlarge(edge, 2).abs().max() == 1, "it would overshoot"


def test_each_channel_is_shrunk_by_itself(photos: Tensor) -> None:
    four = torch.cat([photos, photos[:, :1].flip(2)], 1)
    assert torch.equal(shrink(four, 4), torch.cat([shrink(four[:, i : i + 1], 4) for i in range(4)], 1))


@pytest.mark.parametrize("make", [lambda x: shrink(x, 4), lambda x: degrade(x, 4, Draws(0, 0, 1))])
def test_a_side_that_is_no_multiple_is_a_mistake(make) -> None:
    with pytest.raises(SparringError, match="42×32 cannot be shrunk by 4 to whole pixels; crop it to 40×32"):
        make(torch.zeros(1, 3, 32, 42))


# The whole


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("scale", "height", "width"), [(2, 32, 32), (3, 48, 36), (4, 64, 96), (8, 8, 16)])
def test_it_is_whole_levels_of_the_small_size(channels: int, scale: int, height: int, width: int) -> None:
    x = torch.rand(5, channels, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for step in range(4):
        y = degrade(x, scale, at(step))
        assert y.shape == (5, channels, height // scale, width // scale)
        assert y.dtype == torch.float32
        assert y.isfinite().all()
        levels(y)
    if channels == 4:
        assert torch.equal(y[:, 3:], shrink(x, scale)[:, 3:]), "transparency is only shrunk"
        assert torch.equal(y[:, :3], degrade(x[:, :3], scale, at(3)))


@pytest.mark.parametrize("level", [-1.0, 1.0])
def test_black_and_white_pictures_give_numbers(level: float) -> None:
    for step in range(4):
        assert degrade(torch.full((4, 3, 32, 32), level), 4, at(step)).isfinite().all()


def test_the_same_step_gives_the_same_and_another_one_another(photos: Tensor) -> None:
    before = torch.get_rng_state()
    first = degrade(photos, 4, at(3))
    torch.manual_seed(99)
    assert torch.equal(degrade(photos, 4, at(3)), first)
    assert not torch.equal(degrade(photos, 4, at(4)), first)
    draws = at(3)
    degrade(photos, 4, draws)
    assert not torch.equal(degrade(photos, 4, draws), first), "nor is a step's second call the first"
    torch.manual_seed(99)
    after = torch.get_rng_state()
    degrade(photos, 4, at(3))
    assert torch.equal(torch.get_rng_state(), after)
    torch.set_rng_state(before)


@pytest.mark.parametrize("shares", [2, 8])
def test_shares_see_what_one_would(photos: Tensor, shares: int) -> None:
    mine = len(photos) // shares
    for step in range(5):
        parts = []
        for share in range(shares):
            draws = Draws(0, share, shares)
            draws.at(step)
            parts.append(degrade(photos[share * mine : (share + 1) * mine], 4, draws))
        assert torch.equal(torch.cat(parts), degrade(photos, 4, at(step)))


def test_every_picture_goes_through_jpeg_twice_and_the_second_time_in_either_order(
    photos: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a JPEG that makes everything white at some of its calls, it is seen who went through which."""

    def white_at(*white: int) -> Tensor:
        calls: list[Tensor] = []

        def jpeg(x: Tensor, quality: Tensor) -> Tensor:
            calls.append(quality)
            return torch.ones_like(x) if len(calls) in white else x

        monkeypatch.setattr("sparring.data.degrade.jpeg", jpeg)
        y = degrade(0.5 * photos.repeat(4, 1, 1, 1), 4, at(0))
        assert len(calls) == 3
        assert torch.stack(calls).min() >= 30
        assert torch.stack(calls).max() <= 95
        assert torch.equal(calls[1], calls[2])
        assert len(calls[0].unique()) == len(y)
        return y.flatten(1)

    assert (white_at(1).mean(1) > 0.7).all(), "the second round's noise makes it darker"
    early, late = (white_at(call).min(1).values > 0.999 for call in (2, 3))
    assert torch.equal(early, ~late)
    assert 8 < early.sum() < 24


def test_both_rounds_have_their_own_noise_and_blur(photos: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, Round]] = []

    def watched(name: str) -> Callable[..., Tensor]:
        part = getattr(model, name)

        def watching(*given: object) -> Tensor:
            seen.append((name, next(each for each in given if isinstance(each, Round))))
            return part(*given)

        return watching

    for name in ("noisy", "kernels"):
        monkeypatch.setattr(model, name, watched(name))
    degrade(photos, 4, at(0))
    assert seen == [("kernels", FIRST), ("noisy", FIRST), ("kernels", SECOND), ("noisy", SECOND)]


def test_each_picture_is_bad_in_its_own_way(photos: Tensor) -> None:
    y = degrade(photos[:1].expand(6, -1, -1, -1), 4, at(0))
    assert all(psnr(y[i], y[j]) < 40 for i in range(6) for j in range(i))


@pytest.mark.parametrize("scale", [2, 4])
def test_it_is_much_worse_than_shrinking(photos: Tensor, scale: int) -> None:
    clean = psnr(enlarge(shrink(photos, scale), scale), photos)
    worse = [psnr(enlarge(degrade(photos, scale, at(step)), scale), photos) for step in range(12)]
    assert np.mean(worse) < clean - 2
    assert all(14 < each < clean for each in worse), "yet it is the same picture"


def test_on_average_nothing_is_moved_or_made_brighter(photos: Tensor) -> None:
    """The mean of many is the same picture, blurred: less than a tenth of a pixel away."""
    x = 0.6 * F.avg_pool2d(photos[:4], 5, 1, 2)  # far from black and white, where noise is cut off
    mean = torch.stack([degrade(x, 2, at(step)) for step in range(60)]).mean(0)
    wanted = shrink(x, 2)
    assert (mean.mean((1, 2, 3)) - wanted.mean((1, 2, 3))).abs().max() < 0.01
    inside = wanted[..., 1:-1, 1:-1]
    for along in (2, 3):  # how far it was moved, by the slopes of the picture
        slope = ((wanted.roll(-1, along) - wanted.roll(1, along)) / 2)[..., 1:-1, 1:-1]
        moved = (slope * (inside - mean[..., 1:-1, 1:-1])).sum() / slope.square().sum()
        assert moved.abs() < 0.1
        control = (slope * (inside - wanted.roll(1, along)[..., 1:-1, 1:-1])).sum() / slope.square().sum()
        assert control > 0.5


def test_autocast_changes_nothing_and_no_gradient_comes_through(photos: Tensor) -> None:
    plain = degrade(photos, 4, at(1))
    small = shrink(photos.requires_grad_(), 4)
    assert not small.requires_grad
    assert not degrade(photos, 4, at(1)).requires_grad
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(degrade(photos, 4, at(1)), plain)
        assert torch.equal(shrink(photos, 4), small)
    photos.requires_grad_(False)


def test_no_pictures_are_none() -> None:
    """As where nothing is held out."""
    assert degrade(torch.zeros(0, 3, 16, 16), 2, Draws(0, 0, 1)).shape == (0, 3, 8, 8)
