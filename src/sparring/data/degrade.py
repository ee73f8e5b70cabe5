"""Small pictures made of large ones, to learn super-resolution from: by clean shrinking, or as the web treats them.

`degrade` is the degradation model of Real-ESRGAN (Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind
Super-Resolution with Pure Synthetic Data", section 3): blur, resizing, noise and JPEG, twice over, and a sinc filter
that rings. The constants are those of its authors' settings, which are the same for x4 and x2.

Every picture has a chance of its own in nearly every part, also in its sizes between the rounds, for which the authors
need a pool of 180 earlier pictures. So that they stay one batch, pictures of many sizes lie on canvases of one size: a
`Spot` says where. Around it the canvas repeats the picture's edge. Where a picture begins is drawn as well: a crop of a
saved picture can begin anywhere in a block of JPEG's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.data.jpeg import UNIT, jpeg
from sparring.draws import Draws
from sparring.errors import SparringError

REACH = 10  # of a blur: kernels are 21x21 at most, and 7x7 at least
SINC = 0.1  # how often a round's blur is a sinc filter
GAUSSIAN, GENERALISED = 0.7, 0.15  # how often another blur has these shapes; the rest are plateaus
EVEN, OTHERS_EVEN = 0.45 / 0.7, 0.8  # how often a Gaussian, or one of the others, is alike in all directions
LAST = 0.8  # how often the last sinc filter is there
GREY, COUNTS = 0.4, 256  # how often noise is the same in all channels; light in a white pixel, for Poisson noise
QUALITY = (30.0, 95.0)  # of JPEG
FINE = 20  # a Fourier transform is fast where the side is a multiple of this


class Round(NamedTuple):
    """What differs between the two rounds."""

    often: float  # the picture is blurred at all
    blur: float  # the largest sigma in pixels; the smallest is 0.2
    up: float  # how often the picture is enlarged, and how often shrunk
    down: float
    smallest: float  # the ends of the factor by which it is
    largest: float
    noise: float  # the largest sigma of 255; the smallest is 1
    counts: float  # the largest multiple of Poisson noise; the smallest is 0.05


FIRST = Round(often=1.0, blur=3.0, up=0.2, down=0.7, smallest=0.15, largest=1.5, noise=30, counts=3.0)
SECOND = Round(often=0.8, blur=1.5, up=0.3, down=0.4, smallest=0.3, largest=1.2, noise=25, counts=2.5)


class Spot(NamedTuple):
    """Where each picture lies on the rows, or columns, of its canvas: from `start` (b,) on, `size` (b,) of them."""

    start: Tensor
    size: Tensor
    canvas: int


def shrink(x: Tensor, scale: int) -> Tensor:
    """The small picture by antialiased bicubic interpolation (a = -0.5), as Pillow's BICUBIC makes it.

    Args:
        x: (b, c, h, w) in -1..1, sides being multiples of scale. Every channel is shrunk by itself, transparency too.
        scale: how much smaller, a whole number.

    Returns:
        (b, c, h / scale, w / scale) float32 in -1..1, rounded to 8 bits, as pictures that users bring are.

    Raises:
        SparringError: for sides that are no multiples of scale.
    """
    height, width = x.shape[2:]
    if height % scale or width % scale:
        raise SparringError(
            f"a picture of {width}×{height} cannot be shrunk by {scale} to whole pixels; "
            f"crop it to {width // scale * scale}×{height // scale * scale}"
        )
    with torch.no_grad():
        return _rounded(_bicubic(x, height // scale, width // scale))


def enlarge(x: Tensor, scale: int) -> Tensor:
    """Bicubic enlargement, what a network must beat: (b, c, h, w) in -1..1 -> (b, c, h * scale, w * scale), clamped."""
    return _bicubic(x, x.shape[2] * scale, x.shape[3] * scale).clamp(-1, 1)


@torch.no_grad()
def degrade(x: Tensor, scale: int, draws: Draws) -> Tensor:
    """Small pictures as bad as those on the web, each bad in its own way; the device is never waited for.

    Args:
        x: (b, c, h, w) in -1..1, on the device of draws, with c = 1, 3 or 4; the last is transparency, which is only
            shrunk. Sides are multiples of scale.
        scale: how much smaller, a whole number.
        draws: where the random numbers come from; picture b takes row b of them. A call always takes the same amount.

    Returns:
        (b, c, h / scale, w / scale) float32 in -1..1, rounded to 8 bits.

    Raises:
        SparringError: for sides that are no multiples of scale.
    """
    small = shrink(x, scale)
    colours = (x[:, :3] if x.shape[1] == 4 else x).float()
    with torch.autocast(x.device.type, enabled=False):
        worse = _worse(colours, (small.shape[2], small.shape[3]), draws) if len(x) else small[:, :3]  # FFTs want some
    return torch.cat([worse, small[:, 3:]], 1) if x.shape[1] == 4 else worse


def _worse(x: Tensor, sides: tuple[int, int], draws: Draws) -> Tensor:
    """Both rounds and the last filter: (b, c, h, w) -> (b, c, *sides)."""
    n = len(x)
    whole = [Spot(x.new_zeros(n), x.new_full((n,), side), side) for side in x.shape[2:]]
    first = _spots(n, (x.shape[2], x.shape[3]), draws, FIRST)
    second = _spots(n, sides, draws, SECOND)
    start = draws.uniform(n, 2).mul(UNIT).floor().T
    last = [Spot(begins, x.new_full((n,), side), side + UNIT) for begins, side in zip(start, sides, strict=True)]
    qualities = _between(draws.uniform(n, 2), *QUALITY).T
    ways = draws.uniform(n, 3).T
    early = draws.uniform(n, 1, 1, 1) < 0.5

    x = resized(blurred(x, kernels(n, draws, FIRST)), whole, first, ways[0])
    x = jpeg(noisy(x, draws, FIRST), qualities[0])
    x = resized(blurred(x, kernels(n, draws, SECOND)), first, second, ways[1])
    x = noisy(x, draws, SECOND)
    # Resizing between JPEG and the sinc filter would bend lines (the authors), so these two stay together.
    x = torch.where(early, jpeg(x, qualities[1]), x)
    chosen, cutoff, width = draws.uniform(n, 3).T[..., None, None]
    ringing = sinc(_between(cutoff, math.pi / 3, math.pi), _radius(width, chosen < LAST))
    x = blurred(resized(x, second, last, ways[2]), ringing)
    x = torch.where(early, x, jpeg(x, qualities[1]))
    return _rounded(_cut_out(x, last, sides))


def kernels(n: int, draws: Draws, stage: Round) -> Tensor:
    """Random blurs (n, 21, 21), each with the sum 1: Gaussians, generalised ones, plateaus and sinc filters."""
    chosen, kind, shape, even, across, along, angle = draws.uniform(n, 7).T[..., None, None]
    which, power, width, cutoff = draws.uniform(n, 4).T[..., None, None]
    radius = _radius(width, chosen < stage.often)
    across, along = _between(across, 0.2, stage.blur), _between(along, 0.2, stage.blur)
    along = torch.where(even < torch.where(shape < GAUSSIAN, EVEN, OTHERS_EVEN), across, along)
    flat = shape >= GAUSSIAN + GENERALISED
    # Half of the powers are below 1, which is a Gaussian's, and half above; no plateau's is below.
    pointed = torch.where(which < 0.5, _between(power, 0.5, 1), _between(power, 1, 4))
    power = torch.where(flat, torch.where(which < 0.5, 1, 1 + power), torch.where(shape < GAUSSIAN, 1, pointed))
    lowest = torch.where(radius < 6, math.pi / 3, math.pi / 5)
    filters = sinc(lowest + (math.pi - lowest) * cutoff, radius)
    return torch.where(kind < SINC, filters, bell(across, along, math.pi * angle, power, flat, radius))


def bell(across: Tensor, along: Tensor, angle: Tensor, power: Tensor, flat: Tensor, radius: Tensor) -> Tensor:
    """Blurs that fall off with q = x' S^-1 x: exp(-q^power / 2), or 1 / (1 + q^power) where flat.

    Args:
        across, along: the two sigmas in pixels, (n, 1, 1) as all others.
        angle: by which they are turned, in radians.
        power: 1 is a Gaussian.
        flat: whether it is a plateau.
        radius: beyond which it is cut off, in 0..10; the kernel is square.

    Returns:
        (n, 21, 21), each with the sum 1.
    """
    rows, columns = _offsets(across.device)
    cos, sin = torch.cos(angle), torch.sin(angle)
    fall = (((cos * columns + sin * rows) / across) ** 2 + ((cos * rows - sin * columns) / along) ** 2) ** power
    return _within(torch.where(flat, 1 / (1 + fall), torch.exp(-fall / 2)), radius)


def sinc(cutoff: Tensor, radius: Tensor) -> Tensor:
    """The ideal low-pass filters of circles: w J1(w r) / (2 pi r), cut off, which rings beside edges.

    cutoff (n, 1, 1) in radians a pixel, pi being the finest wave; radius (n, 1, 1) -> (n, 21, 21), each with the sum 1.
    """
    rows, columns = _offsets(cutoff.device)
    distance = (rows**2 + columns**2).sqrt().clamp(min=1e-3)  # at the centre the limit is what is wanted
    return _within(cutoff * torch.special.bessel_j1(cutoff * distance) / (2 * math.pi * distance), radius)


def _radius(u: Tensor, chosen: Tensor) -> Tensor:
    """Of 7x7 to 21x21; and 0, which is a kernel that changes nothing, where none is chosen."""
    return (3 + (u * (REACH - 2)).floor()) * chosen


def _offsets(device: torch.device) -> tuple[Tensor, Tensor]:
    line = torch.arange(-REACH, REACH + 1, dtype=torch.float32, device=device)
    return line[:, None], line[None]


def _within(kernel: Tensor, radius: Tensor) -> Tensor:
    """Cut off beyond the radius, and made to have the sum 1."""
    rows, columns = _offsets(kernel.device)
    kernel = kernel.masked_fill(torch.maximum(rows.abs(), columns.abs()) > radius, 0)
    return kernel / kernel.sum((1, 2), keepdim=True)


def blurred(x: Tensor, kernel: Tensor) -> Tensor:
    """Each picture under its own kernel: x (b, c, h, w), kernel (b, 21, 21) -> (b, c, h, w); edges are repeated.

    By Fourier transforms, which take half the time of a grouped convolution.
    """
    padded = F.pad(x, (REACH,) * 4, mode="replicate")
    size = [side + -side % FINE for side in padded.shape[2:]]
    waves = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(kernel, s=size)[:, None]
    found: Tensor = torch.fft.irfft2(waves, s=size)
    return found[..., 2 * REACH : padded.shape[2], 2 * REACH : padded.shape[3]]


def _spots(n: int, sides: tuple[int, int], draws: Draws, stage: Round) -> list[Spot]:
    """Where n pictures lie whose sides are `sides` times a random factor of each: on rows, and on columns.

    Whether they are enlarged is one chance for the whole batch, else every canvas had to hold the largest.
    """
    enlarged = draws.common() < stage.up
    keep, by, *start = draws.uniform(n, 4).T
    down = torch.where(keep < stage.down / (1 - stage.up), _between(by, stage.smallest, 1), 1)
    factor, most = (_between(by, 1, stage.largest), stage.largest) if enlarged else (down, 1)
    return [
        Spot((begins * UNIT).floor(), (side * factor).floor().clamp(min=1), math.ceil(side * most) + UNIT)
        for begins, side in zip(start, sides, strict=True)
    ]


def resized(x: Tensor, before: list[Spot], after: list[Spot], way: Tensor) -> Tensor:
    """Pictures on one canvas, each resized onto another.

    Args:
        x: (b, c, rows, columns), the canvas.
        before, after: where the pictures lie, on rows and on columns. Around them the new canvas repeats their edges.
        way: (b,) in 0..1: below 1/3 by area, below 2/3 by straight lines, above by cubic ones (a = -0.75). The latter
            two do not look at what lies between their points, as ordinary software does not.

    Returns:
        (b, c, rows, columns), the new canvas.
    """
    rows, columns = (_weights(old, new, way) for old, new in zip(before, after, strict=True))
    return rows[:, None] @ (x.flatten(1, 2) @ columns.mT).view(*x.shape[:3], -1)


def _weights(before: Spot, after: Spot, way: Tensor) -> Tensor:
    """Which of the old places each new one is made of: (b, new, old), rows having the sum 1."""
    way, start, size = (each[:, None, None] for each in (way, before.start, before.size))
    ratio = size / after.size[:, None, None]
    places = torch.arange(after.canvas, device=way.device)[:, None] - after.start[:, None, None]
    places = places.clamp(min=0).minimum(after.size[:, None, None] - 1)
    olds = torch.arange(before.canvas, device=way.device) + 0.5
    d = ((places + 0.5) * ratio + start - olds).abs()
    # What a box has in common with a pixel; for a box of one pixel that is what straight lines give.
    box = torch.where(way < 1 / 3, ratio, 1)
    share = ((1 + box) / 2 - d).clamp(min=0).minimum(box.clamp(max=1))
    near, far = ((1.25 * d - 2.25) * d) * d + 1, ((-0.75 * d + 3.75) * d - 6) * d + 3
    cubic = torch.where(d < 1, near, far.masked_fill(d >= 2, 0))
    weights = torch.where(way < 2 / 3, share, cubic)
    return weights / weights.sum(2, keepdim=True)


def _cut_out(x: Tensor, spots: list[Spot], sides: tuple[int, int]) -> Tensor:
    """The pictures that lie on a canvas (b, c, rows, columns), all of one size: (b, c, *sides)."""
    rows, columns = (
        spot.start.long()[:, None] + torch.arange(side, device=x.device)
        for spot, side in zip(spots, sides, strict=True)
    )
    rows, columns = rows[:, None, :, None], columns[:, None, None, :]
    x = x.gather(2, rows.expand(-1, x.shape[1], -1, x.shape[3]))
    return x.gather(3, columns.expand(-1, x.shape[1], sides[0], -1))


def noisy(x: Tensor, draws: Draws, stage: Round) -> Tensor:
    """Half of the pictures with Gaussian noise, half with Poisson noise, clamped: (b, c, h, w) in -1..1.

    Poisson noise is a random multiple of what counting 256 quanta of light in a white pixel gives. It is drawn as its
    normal limit, since what matters of it is that it grows with the root of the brightness.
    """
    kind, strength, grey = draws.uniform(len(x), 3).T[..., None, None, None]
    noise, x = draws.normal(*x.shape), x.clamp(-1, 1)
    light = x
    if x.shape[1] > 1:
        noise = torch.where(grey < GREY, noise[:, :1], noise)
        light = torch.where(grey < GREY, x.mean(1, keepdim=True), x)
    even, counted = _between(strength, 1, stage.noise) * 2 / 255, _between(strength, 0.05, stage.counts)
    steady = torch.where(kind < 0.5, even**2, 0)
    growing = torch.where(kind < 0.5, 0, counted**2 * 2 / COUNTS)  # times the brightness, which is (x + 1) / 2
    return torch.addcmul(x, noise, (light * growing).add_(growing + steady).sqrt_()).clamp_(-1, 1)


def _between(u: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * u


def _bicubic(x: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(x.float(), (height, width), mode="bicubic", antialias=True)


def _rounded(x: Tensor) -> Tensor:
    """To whole levels of 8 bits, by the arithmetic that decodes stored pictures."""
    return ((x + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1
