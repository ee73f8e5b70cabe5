"""Translators that the tests make themselves, of known networks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sparring.apply import save
from sparring.apply.enlarge import through
from sparring.apply.files import read
from sparring.apply.translate import Translator
from sparring.data.spec import Spec
from sparring.gan import GAN


class Pointwise(nn.Module):
    """Each pixel by itself; the weight is there so that there is one."""

    multiple, reach = 1, 0

    def __init__(self, change: str = "invert", after: int = 3) -> None:
        super().__init__()
        self.change, self.after, self.weight = change, after, nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        x = -x if self.change == "invert" else x
        if self.change == "fail":
            raise ValueError("a broken layer")
        return self.weight * (x if x.shape[1] == self.after else x.mean(1, keepdim=True).expand(-1, self.after, -1, -1))


class Convolutions(nn.Module):
    """Convolutions of 3×3 and what normalises between them; zeros at the edges, which tiles must not see."""

    multiple = 1

    def __init__(self, *norms: nn.Module, before: int = 3, width: int = 6) -> None:
        super().__init__()
        self.reach = len(norms) + 1
        torch.manual_seed(0)
        wide = [before, *[width] * len(norms)]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, width, 3, 1, 1) for a in wide[:-1])
        self.norms, self.last = nn.ModuleList(norms), nn.Conv2d(wide[-1], 3, 3, 1, 1)
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.kaiming_normal_(weight)

    def forward(self, x: Tensor) -> Tensor:
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
        return torch.tanh(self.last(x))


class Translating(GAN):
    """A translator around any such network."""

    translates = True

    def __init__(self, network: nn.Module, before: int = 3, after: int = 3, labels: tuple[int, ...] = ()) -> None:
        spec = Spec("pairs", "made-up", (after, 16, 16), (-1, 1), 1, source=(before, 16, 16), labels=labels)
        super().__init__(spec, SimpleNamespace(seed=0))
        self.generator = network
        self.multiple, self.reach = network.multiple, network.reach  # type: ignore[assignment]
        self.eval()

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        made: Tensor = self.generator(given)
        return made


class Doubling(Translating):
    """Twice the size."""

    def __init__(self) -> None:
        super().__init__(Pointwise("same"))
        self.scale = 2

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        return nn.functional.interpolate(self.generator(given), scale_factor=2)


class Enlarging(Translating):
    """So many times larger, of the same channels: each pixel repeated, by cubic interpolation, or by convolutions."""

    def __init__(self, scale: int, way: str = "nearest", channels: int = 3) -> None:
        network: nn.Module = Pointwise("same", after=channels)
        if way == "convolutions":
            torch.manual_seed(scale)
            layers = [nn.Conv2d(channels, 8, 5, 1, 2), nn.ReLU(), nn.Conv2d(8, channels * scale**2, 3, 1, 1)]
            network = nn.Sequential(*layers, nn.PixelShuffle(scale), nn.Conv2d(channels, channels, 3, 1, 1), nn.Tanh())
            network.multiple, network.reach = 1, 4  # type: ignore[assignment]
            for weight in network.parameters():
                if weight.dim() > 1:
                    nn.init.kaiming_normal_(weight)
        elif way == "bicubic":
            network.reach = 2
        super().__init__(network, channels, channels)
        self.scale, self.way = scale, way

    def sample(self, noise: Tensor, given: Tensor) -> Tensor:
        made: Tensor = self.generator(given)
        if self.way == "convolutions":
            return made
        options = {"mode": self.way} | ({"align_corners": False} if self.way == "bicubic" else {})
        return nn.functional.interpolate(made, scale_factor=self.scale, **options)


def photo(height: int, width: int, channels: int = 3, kind: type = np.uint8) -> np.ndarray:
    """(h, w, c): soft shapes that differ from place to place, and some noise."""
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 256, (height // 12 + 2, width // 12 + 2, channels), dtype=np.uint8)
    parts = [Image.fromarray(coarse[..., i]).resize((width, height), Image.Resampling.BICUBIC) for i in range(channels)]
    smooth = np.stack([np.asarray(part) for part in parts], 2).astype(float)
    smooth[: height // 2] *= 0.4  # so that parts of it have other statistics than the whole
    values = (smooth + chance.normal(0, 8, smooth.shape)).clip(0, 255)
    return np.rint(values * (np.iinfo(kind).max / 255)).astype(kind)


def repeated(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, 0).repeat(scale, 1)


def file_through(path: Path, gan: Translating, target: str = "", tile: int | None = None) -> Image.Image:
    """A file through a network into another, as the command does it."""
    translator = Translator(gan, tile=tile)
    picture = read(path, scale=gan.scale)
    out = path.parent / "out" / (target or path.name)
    form = save.form_for(picture, path, out, gan.scale)
    made = through(translator, picture.pixels, picture.alpha)
    save.whole(out, lambda file: save.write(picture, made, file, form))
    with Image.open(out) as image:
        image.load()
        return image


def furthest(a: object, b: object) -> int:
    """The largest difference of any value."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    return int(abs(a.astype(int) - b.astype(int)).max())
