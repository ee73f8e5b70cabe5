"""The networks of FastGAN (Liu et al. 2021): skip-layer excitation, gated blocks, and a critic that can draw."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from sparring.networks.dcgan import initialise
from sparring.networks.doubling import Doubling
from sparring.networks.shapes import halved, stages

WIDEST = 16  # no map has more than this many times the base width
POOLED = 4  # excitation looks at maps pooled to about this many places a side
PATCH = 4  # side of the last map's window that one of the critic's scores comes from
RISE, FALL = 4, 3  # stages between the two ends of an excitation, in the generator and in the critic


def _channels(width: int, k: int) -> list[int]:
    """Channels at the finest map and after each of k halvings: width, 2 width, ... up to WIDEST times width."""
    return [width * min(2**i, WIDEST) for i in range(k + 1)]


def _gated(convolution: nn.Conv2d) -> list[nn.Module]:
    """What comes out of a convolution, of which one half decides how much of the other passes."""
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.GLU(1)]


def _leaky(fan_in: int, fan_out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution that keeps the map's size, or halves it with a kernel of 4 and a stride of 2."""
    convolution = nn.Conv2d(fan_in, fan_out, kernel, stride, (kernel - 1) // 2, bias=False)
    return [convolution, nn.BatchNorm2d(fan_out), nn.LeakyReLU(0.2)]


def _doubled(fan_in: int, fan_out: int, deep: bool) -> nn.Sequential:
    """Twice the height and width, by nearest neighbours and one gated convolution, or two."""
    more = _gated(nn.Conv2d(fan_out, 2 * fan_out, 3, 1, 1, bias=False)) if deep else []
    return nn.Sequential(*_gated(Doubling(fan_in, 2 * fan_out, bias=False, edge="zeros")), *more)


class Excitation(nn.Module):
    """Skip-layer excitation (section 3.1): a map far off, (b, far, *side), weighs the channels of a map near by.

    Args:
        far, near: channels of both.
        side: height and width of the map far off. It is pooled by whole numbers to 4 to 7 places a side, of which a
            convolution makes one; so any size can be exported and runs on any device, which pooling to exactly
            4 x 4, the paper's, cannot.
    """

    def __init__(self, far: int, near: int, side: tuple[int, int]) -> None:
        super().__init__()
        self.pool = max(1, side[0] // POOLED), max(1, side[1] // POOLED)
        left = side[0] // self.pool[0], side[1] // self.pool[1]
        self.weigh = nn.Sequential(nn.Conv2d(far, near, left), nn.SiLU(), nn.Conv2d(near, near, 1), nn.Sigmoid())

    def forward(self, far: Tensor, near: Tensor) -> Tensor:
        weighed: Tensor = near * self.weigh(avg_pool2d(far, self.pool))
        return weighed


class Generator(nn.Module):
    """Latents (b, latent) -> pictures (b, *shape) in -1..1.

    Every second doubling has a second gated convolution, as in the paper. The noise that the paper adds within these
    is left out, so that a latent is one picture.

    Args:
        latent: numbers in a latent.
        shape: (channels, height, width) of a picture.
        width: channels at the finest map; each coarser one has twice as many, up to 16 times.
    """

    def __init__(self, latent: int, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        colours, self.height, self.width = shape
        k, (h, w) = stages(self.height, self.width)
        wide = _channels(width, k)[::-1]
        self.project = nn.Sequential(
            nn.Linear(latent, 2 * wide[0] * h * w, bias=False),
            nn.Unflatten(1, (2 * wide[0], h, w)),
            nn.BatchNorm2d(2 * wide[0]),
            nn.GLU(1),
        )
        self.doublings = nn.ModuleList(_doubled(*pair, deep=i % 2 == 0) for i, pair in enumerate(pairwise(wide)))
        self.skip = min(RISE, k)
        self.excite = nn.ModuleList(
            Excitation(wide[i], wide[i + self.skip], (h * 2**i, w * 2**i)) for i in range(k - self.skip + 1) if k
        )
        self.picture = nn.Sequential(nn.Conv2d(wide[-1], colours, 3, 1, 1), nn.Tanh())
        self.apply(initialise)

    def forward(self, z: Tensor) -> Tensor:
        maps = [self.project(z)]
        for i, double in enumerate(self.doublings, 1):
            x = double(maps[-1])
            maps.append(self.excite[i - self.skip](maps[i - self.skip], x) if i >= self.skip else x)
        pictures: Tensor = self.picture(maps[-1])
        return pictures[..., : self.height, : self.width]


class Halved(nn.Module):
    """The mean of two ways to half the height and width: two convolutions, and pooling with a linear map."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*_leaky(fan_in, fan_out, 4, 2), *_leaky(fan_out, fan_out, 3))
        self.direct = nn.Sequential(nn.AvgPool2d(2), *_leaky(fan_in, fan_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        mean: Tensor = (self.main(x) + self.direct(x)) / 2
        return mean


class Critic(nn.Module):
    """Pictures (b, *shape) -> scores (b, patches), of windows that overlap; and pictures rebuilt from its own maps.

    Args:
        shape: (channels, height, width) of a picture.
        width: channels at the finest map; each coarser one has twice as many, up to 16 times.
    """

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        colours, height, side = shape
        k = max(1, stages(height, side)[0] - 1)  # one less than the generator's: scores come from maps, not points
        wide = _channels(width, k)
        self.first = nn.Sequential(nn.Conv2d(colours, wide[0], 3, 1, 1), nn.LeakyReLU(0.2))
        self.halvings = nn.ModuleList(Halved(*pair) for pair in pairwise(wide))
        self.skip = min(FALL, k)
        self.excite = nn.ModuleList(
            Excitation(wide[i], wide[i + self.skip], halved(height, side, i)) for i in range(k - self.skip + 1)
        )
        h, w = halved(height, side, k)
        window = min(PATCH, h), min(PATCH, w)
        self.head = nn.Sequential(
            *_leaky(wide[-1], wide[-1], 1), nn.Conv2d(wide[-1], 1, window, bias=False), nn.Flatten(1)
        )
        thin = [max(1, channels // 2) for channels in wide[::-1]]
        self.whole = _decoder([wide[-1], *thin[1:]], colours)
        self.part = _decoder([wide[-2], *thin[2:]], colours)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(self.maps(x))

    def maps(self, x: Tensor) -> list[Tensor]:
        """The maps of pictures, finest first."""
        maps = [self.first(x)]
        for i, halve in enumerate(self.halvings, 1):
            y = halve(maps[-1])
            maps.append(self.excite[i - self.skip](maps[i - self.skip], y) if i >= self.skip else y)
        return maps

    def judge(self, maps: list[Tensor]) -> Tensor:
        """Maps -> scores (b, patches)."""
        scores: Tensor = self.head(maps[-1])
        return scores

    def rebuild(self, maps: list[Tensor], x: Tensor, which: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What the critic remembers of pictures x, and what it should (section 3.2): [(drawn, true), ...], like shapes.

        The first pair is the whole picture out of the last map; the second a quarter of it, out of the same quarter of
        the map before. Rows and columns that no map covers are left out.

        Args:
            maps: those of x.
            which: (b,) whole numbers in 0..3, the quarter of each picture.
        """
        last, before = maps[-1], maps[-2]
        f, g = 2 ** len(self.halvings), 2 ** (len(self.halvings) - 1)
        h, w = before.shape[2] // 2, before.shape[3] // 2
        return [
            (self.whole(last), x[..., : last.shape[2] * f, : last.shape[3] * f]),
            (self.part(quarter(before, which, h, w)), quarter(x, which, h * g, w * g)),
        ]


def _decoder(wide: list[int], colours: int) -> nn.Sequential:
    """From maps back to pictures. Without the paper's tanh, for augmented pictures may leave -1..1."""
    doublings = [_doubled(*pair, deep=False) for pair in pairwise(wide)]
    return nn.Sequential(*doublings, nn.Conv2d(wide[-1], colours, 3, 1, 1))


def quarter(x: Tensor, which: Tensor, h: int, w: int) -> Tensor:
    """Of each of (b, c, height, width) a corner of h x w: 0 top left, 1 top right, 2 below left, 3 below right."""
    corners = torch.stack(
        [part for row in (x[:, :, :h], x[:, :, h : 2 * h]) for part in (row[..., :w], row[..., w : 2 * w])]
    )
    return corners[which, torch.arange(len(x), device=x.device)]
