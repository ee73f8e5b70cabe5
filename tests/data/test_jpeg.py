"""JPEG in tensors, beside Pillow's on photographs."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import Tensor

from sparring.data.jpeg import jpeg


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Parts of two photographs, (213, 310, 3) uint8: no multiple of 16, nor of 2."""
    return [np.ascontiguousarray(photo[100:313, 150:460]) for photo in load_sample_images().images]


def by_pillow(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Saved and opened."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def tensor(pixels: np.ndarray) -> Tensor:
    """(h, w) or (h, w, 3) uint8 -> (1, c, h, w) in -1..1."""
    return torch.from_numpy(np.atleast_3d(pixels).transpose(2, 0, 1).copy())[None] / 127.5 - 1


def ours(pixels: np.ndarray, quality: float) -> np.ndarray:
    """The same by `jpeg`."""
    levels = (jpeg(tensor(pixels), torch.tensor([quality]))[0] + 1) * 127.5
    assert (levels - levels.round()).abs().max() < 1e-3, "whole levels"
    return levels.round().numpy().transpose(1, 2, 0).reshape(pixels.shape)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


@pytest.mark.parametrize("quality", [30, 49, 50, 75, 95])
def test_it_does_to_photographs_what_pillow_does(photos: list[np.ndarray], quality: int) -> None:
    for photo in photos:
        theirs, mine = by_pillow(photo, quality), ours(photo, quality)
        assert abs(mine - theirs).mean() < 0.8
        assert psnr(photo, mine) == pytest.approx(psnr(photo, theirs), abs=0.1)
        assert psnr(theirs, mine) > psnr(photo, theirs) + 3, "and it is those errors, not others as large"


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_grey_pictures_too(photos: list[np.ndarray], quality: int) -> None:
    for photo in photos:
        grey = photo[..., 1].copy()
        theirs, mine = by_pillow(grey, quality), ours(grey, quality)
        assert abs(mine - theirs).mean() < 0.4
        assert psnr(grey, mine) == pytest.approx(psnr(grey, theirs), abs=0.1)


def test_the_better_the_quality_the_nearer(photos: list[np.ndarray]) -> None:
    found = [psnr(photos[0], ours(photos[0], quality)) for quality in (10, 30, 60.5, 95, 100)]
    assert found == sorted(found)
    assert found[3] > found[1] + 5


def test_each_picture_of_a_batch_has_its_own_quality(photos: list[np.ndarray]) -> None:
    x = torch.cat([tensor(photo) for photo in (*photos, photos[0])])
    quality = torch.tensor([30.0, 95.0, 95.0])
    together = jpeg(x, quality)
    alone = torch.cat([jpeg(x[i : i + 1], quality[i : i + 1]) for i in range(3)])
    assert torch.equal(together, alone)
    assert not torch.equal(together[0], together[2])


def test_colours_lose_their_fine_lines_and_brightness_keeps_them() -> None:
    stripes = torch.tensor([-0.5, 0.5]).repeat(16).expand(1, 1, 32, 32)
    bright = stripes.expand(1, 3, 32, 32)
    coloured = torch.cat([stripes, -0.299 / 0.587 * stripes, 0 * stripes], 1)  # of which the brightness is even
    fine = torch.tensor([98.0])
    assert (jpeg(bright, fine) - bright).abs().max() < 0.1
    assert jpeg(coloured, fine)[:, 0].std() < 0.05 < coloured[:, 0].std()


@pytest.mark.parametrize("level", [-1.0, 0.003921569, 1.0])
@pytest.mark.parametrize("size", [(1, 1), (7, 30), (16, 16)])
def test_even_pictures_of_any_size_hardly_change(level: float, size: tuple[int, int]) -> None:
    x = torch.full((2, 3, *size), level)
    assert (jpeg(x, torch.tensor([95.0, 75.0])) - x).abs().max() <= 2.01 / 127.5


def test_autocast_changes_nothing_and_no_gradient_comes_through(photos: list[np.ndarray]) -> None:
    x, quality = tensor(photos[1]).requires_grad_(), torch.tensor([50.0])
    plain = jpeg(x, quality)
    assert not plain.requires_grad
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(jpeg(x, quality), plain)
