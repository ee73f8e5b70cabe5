"""What proofs/super.py measures with, and what enlarges without a network."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, fold, pad, unfold

from sparring.data.dataset import decode, encode
from sparring.data.degrade import degrade, enlarge, shrink
from sparring.draws import Draws
from sparring.metrics import restoration
from sparring.metrics.distances import kernel_distance

TILE = 64  # pixels of a true tile
KERNEL = 7  # of the ridge regression, in pixels of the small picture
PENALTY = 1e-4  # of its weights, beside a mean square of the pixels in -1..1
LEARNT = 2000  # tiles that it learns from
PATCH, PATCHES = 32, 400  # of the kernel distance
DRAWS = 10  # of its subsets

PSNR, RGB_Y, SSIM, WINS = "PSNR RGB", "PSNR Y", "SSIM Y", "tiles better than bicubic, %"
DISTANCE, KD, ENERGY = "distance[efficientnet-lite0]", "patch KD × 1000", "energy above half the band"
COLUMNS = (PSNR, RGB_Y, SSIM, WINS, DISTANCE, KD, ENERGY)


def tiles_of(folder: Path, side: int = TILE) -> Tensor:
    """All photographs of a folder, cut into squares: (n, 3, side, side) in -1..1."""
    found = []
    for path in sorted(folder.glob("*.png")):
        picture = torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)
        found.append(
            picture.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).reshape(-1, 3, side, side)
        )
    return decode(torch.cat(found))


def small_of(true: Tensor, scale: int, real: bool, seed: int = 0) -> Tensor:
    """Small pictures as 8 bits hold them: shrunk, or degraded, each with numbers of its own."""
    if not real:
        return shrink(true, scale)
    parts = []
    for at, part in enumerate(true.split(8)):  # so that not all share what a batch shares
        draws = Draws(seed, 0, 1)
        draws.at(at)
        parts.append(degrade(part, scale, draws))
    return torch.cat(parts)


class Ridge:
    """Each large pixel as a weighted sum of the 7x7 small pixels around its place: the best linear filter.

    The weights follow from the training tiles by least squares with a small penalty; all three colours share them.
    """

    def __init__(self, small: Tensor, large: Tensor, scale: int) -> None:
        self.scale = scale
        seen, wanted = self._seen(small), self._blocks(large)
        gram = seen.T @ seen + PENALTY * len(seen) * torch.eye(seen.shape[1], dtype=seen.dtype)
        self.weights = torch.linalg.solve(gram, seen.T @ wanted)

    def __call__(self, small: Tensor) -> Tensor:
        n, c, h, w = small.shape
        blocks = self._seen(small) @ self.weights
        blocks = blocks.reshape(n * c, h * w, -1).transpose(1, 2)
        large = fold(blocks, (h * self.scale, w * self.scale), self.scale, stride=self.scale)
        return large.reshape(n, c, h * self.scale, w * self.scale).float().clamp(-1, 1)

    @staticmethod
    def _seen(small: Tensor) -> Tensor:
        grey = pad(small.flatten(0, 1)[:, None], (KERNEL // 2,) * 4, "replicate").double()
        patches = unfold(grey, KERNEL).transpose(1, 2).reshape(-1, KERNEL**2)
        return torch.cat([patches, torch.ones(len(patches), 1, dtype=patches.dtype)], 1)

    def _blocks(self, large: Tensor) -> Tensor:
        grey = large.flatten(0, 1)[:, None].double()
        return unfold(grey, self.scale, stride=self.scale).transpose(1, 2).reshape(-1, self.scale**2)


def sharpened(pictures: Tensor) -> Tensor:
    """Pictures with twice the difference to their own blur: the detail of an editor's unsharp mask, and no other."""
    blurred = avg_pool2d(pad(pictures, (1,) * 4, "replicate"), 3, 1)
    return (pictures + 2 * (pictures - blurred)).clamp(-1, 1)


class Pictures(NamedTuple):
    """Tiles to judge by: small ones and the truth, (n, 3, h, w) in -1..1."""

    small: Tensor
    true: Tensor


class Bench:
    """The figures of enlarged tiles, each by itself, the scale's border left out.

    Args:
        pictures: what was enlarged.
        scale: how many times.
    """

    def __init__(self, pictures: Pictures, scale: int) -> None:
        self.small, self.true = pictures
        self.scale = scale
        self.plain = self.bicubic(self.small)
        self.real = restoration.textures(restoration.patches(self.true[1::2], PATCH, PATCHES))

    def measure(self, made: Tensor) -> dict[str, float]:
        """The figures of pictures (n, 3, h, w), as files hold them: of 8 bits."""
        made, border = decode(torch.from_numpy(encode(made))), self.scale
        return {
            PSNR: restoration.psnr(made, self.true, "RGB", border),
            RGB_Y: restoration.psnr(made, self.true, "Y", border),
            SSIM: restoration.ssim(made, self.true, "Y", border),
            WINS: 100 * float((self._errors(made) < self._errors(self.plain)).float().mean()),
            DISTANCE: restoration.distance(made, self.true, border),
            KD: self._kd(made),
            ENERGY: restoration.energy(made, self.true),
        }

    @staticmethod
    def bicubic(small: Tensor) -> Tensor:
        """Enlarged without learning, as 8 bits show it."""
        return decode(torch.from_numpy(encode(enlarge(small, TILE // small.shape[2]))))

    def _errors(self, made: Tensor) -> Tensor:
        """The mean squared error of each picture, (n,)."""
        border = self.scale
        return (restoration.cut(made, border) - restoration.cut(self.true, border)).square().mean((1, 2, 3))

    def _kd(self, made: Tensor) -> float:
        features = restoration.textures(restoration.patches(made[::2], PATCH, PATCHES))
        values = [kernel_distance(self.real, features, seed=seed).value for seed in range(DRAWS)]
        return 1000 * sum(values) / DRAWS
