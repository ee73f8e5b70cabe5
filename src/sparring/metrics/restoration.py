"""How well enlarged pictures restore the true large ones: pixel by pixel, to the eye of a network, and in fine detail.

Pictures are (n, c, h, w) floats in -1..1, c being 1, 3 or 4, made and true in the same order and of any size; what is
transparent is seen on white. `restored` gives every figure, and its name says the channel, the border left out and the
kernel that the small pictures were made with, for papers differ in each, and values of different ones cannot be
compared. Every function raises SparringError where shapes differ or a value is not finite.

PSNR and SSIM count pixels, and a blur has the best of them. The others ask whether pictures look real: `distance` of
each picture beside its truth, `likeness` and `energy` of all together. `distance` and `likeness` see through
EfficientNet-Lite0: of a run that learnt to please that very network they speak too well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor

from sparring.draws import mix
from sparring.errors import SparringError
from sparring.metrics import translation
from sparring.metrics.distances import Estimate, kernel_distance
from sparring.metrics.efficientnet import NAME as NETWORK
from sparring.metrics.efficientnet import depths, efficientnet
from sparring.metrics.features import coloured, in_parts
from sparring.metrics.translation import WINDOW, Figure, averaged, check_shapes, check_window, similarity

Channel = Literal["RGB", "Y", "grey"]
LUMA = (65.481, 128.553, 24.966)  # of red, green and blue in 0..1 (ITU-R BT.601); black is 16 and white 235 of 255
SMALLEST = 16  # pixels of a side from which on the network has a map at every stride
PATCH = 32
PATCHES = 500  # of what is made, and of what is true
FEWEST = 20  # of them; a kernel distance takes no less

PROTOCOLS = {
    "PSNR": "decibels, of 0..255; equal pictures count as 100",
    "SSIM": f"Gaussian window of {WINDOW} pixels, deviation 1.5, constants 0.01 and 0.03 of 255, whole windows only",
    "distance": "squared distance of features of length 1, mean over places and strides 2, 4, 8, 16; no learnt weights",
    "energy": "made over true, |FFT|² of the luma under a Hann window, beyond a quarter of a cycle a pixel",
    "KD": "patches at their own size, mean features of length 1 at strides 2, 4, 8, 16; against other true pictures",
}


def restored(made: Tensor, true: Tensor, border: int, kernel: str = "") -> dict[str, Figure]:
    """All figures that the pictures allow, by the names that are printed.

    PSNR of RGB and of Y, and SSIM of Y; of grey pictures these of their only channel. SSIM takes 11 pixels a side, the
    network 16, and the kernel distance room for 40 patches.

    Args:
        made, true: (n, c, h, w).
        border: how many pixels to leave out at each edge, but of patches. Papers leave out as many as the scale.
        kernel: what the small pictures were made with, such as "bicubic"; it joins the names.
    """
    check_shapes(made, true)
    whole, (made, true) = (made, true), (cut(made, border), cut(true, border))
    side, protocol = min(true.shape[2:]), ", ".join([f"border {border}", *([kernel] if kernel else [])])
    channels: tuple[Channel, ...] = ("grey",) if true.shape[1] == 1 else ("RGB", "Y")
    found = {f"PSNR[{name}, {protocol}]": _figure("PSNR", psnr(made, true, name)) for name in channels}
    if side >= WINDOW:
        found[f"SSIM[{channels[-1]}, {protocol}]"] = _figure("SSIM", ssim(made, true, channels[-1]))
    if side >= SMALLEST:
        found[f"distance[{NETWORK}]"] = _figure("distance", distance(made, true))
    if _fine(true):
        found["energy above half the band"] = Figure(energy(made, true), PROTOCOLS["energy"], 1.0)
    return found | _textured(*whole)


def _figure(name: str, value: float) -> Figure:
    return Figure(value, PROTOCOLS[name])


def _textured(made: Tensor, true: Tensor) -> dict[str, Figure]:
    """How alike patches look, with what true ones get in place of made ones."""
    n, _, height, width = true.shape
    side = min(PATCH, height, width)
    if side < SMALLEST or n * (height // side) * (width // side) < 2 * FEWEST:
        return {}
    found, floor = likeness([made, true], true)
    figure = Figure(found.value, PROTOCOLS["KD"], floor.value, found.standard_error)
    return {f"KD[{NETWORK}, patches of {side}]": figure}


# ---------------------------------------------------------------- pixel by pixel


def view(pictures: Tensor, channel: Channel) -> Tensor:
    """What PSNR and SSIM look at, in -1..1, where a step of 8 bits is 1/127.5.

    Args:
        channel: "RGB" (n, 3, h, w); "Y" (n, 1, h, w), the luma of ITU-R BT.601 from 16 to 235 of 255, not rounded, as
            MATLAB's rgb2ycbcr has it and papers use it; "grey" (n, 1, h, w), the only channel as it is.
    """
    if channel == "grey":
        if pictures.shape[1] != 1:
            raise SparringError(f"grey pictures have one channel, and these have {pictures.shape[1]}: take RGB or Y")
        return pictures
    colours = coloured(pictures)
    if channel == "RGB":
        return colours
    weights = colours.new_tensor(LUMA).view(1, 3, 1, 1)
    return ((colours + 1) / 2 * weights).sum(1, keepdim=True).add(16).div(127.5).sub(1)


def cut(pictures: Tensor, border: int) -> Tensor:
    """The same without `border` pixels at each edge."""
    height, width = pictures.shape[2:]
    if border < 0 or min(height, width) <= 2 * border:
        raise SparringError(f"of pictures of {height}×{width} a border of {border} pixels cannot be left out")
    return pictures[:, :, border : height - border, border : width - border]


def psnr(made: Tensor, true: Tensor, channel: Channel = "RGB", border: int = 0) -> float:
    """Peak signal-to-noise ratio, 10 log10(255² / mean squared error), mean over the pictures; 100 where equal.

    Of Y the peak is 255 as well, though white is 235: papers' convention, worth 1.3 decibels.
    """
    check_shapes(made, true)
    return translation.psnr(*(view(cut(pictures, border), channel) for pictures in (made, true)))


def ssim(made: Tensor, true: Tensor, channel: Channel = "Y", border: int = 0) -> float:
    """Structural similarity (Wang et al. 2004), 1 where equal; 11 pixels a side at least, the border left out.

    Of windows that lie within the picture, as in the authors' own program and in papers.
    """
    check_shapes(made, true)
    a, b = (view(cut(pictures, border), channel) for pictures in (made, true))
    check_window(a)
    return averaged(lambda x, y: similarity(x, y).mean((1, 2, 3)), a, b)


# ---------------------------------------------------------------- to the eye of a network


@cache
def _network() -> Any:
    return efficientnet().network


def maps(pictures: Tensor) -> list[Tensor]:
    """EfficientNet-Lite0's view of pictures (b, c, h, w) at their own size, each place's features of length 1.

    -> (b, 16, h/2, w/2), (b, 24, h/4, w/4), (b, 40, h/8, w/8) and (b, 112, h/16, w/16), float32 on the CPU. Sides are
    16 pixels at least.
    """
    if min(pictures.shape[2:]) < SMALLEST:
        raise SparringError(
            f"{NETWORK} sees finer and coarser detail from {SMALLEST} pixels a side on; these pictures are smaller"
        )
    with torch.no_grad():
        seen = coloured(pictures.detach().cpu().float()).contiguous(memory_format=torch.channels_last)
        return [layer / layer.norm(dim=1, keepdim=True).clamp(min=1e-6) for layer in depths(_network(), seen)]


def distance(made: Tensor, true: Tensor, border: int = 0) -> float:
    """How far pictures are from the true ones to the eye of EfficientNet-Lite0, in 0..4; 0 where equal.

    As LPIPS (Zhang et al. 2018, eq. 1), but with another network and without weights learnt from people's opinions,
    so it is not LPIPS: at each place of each map the squared distance of the two features of length 1; the mean over
    the places, and over the maps.
    """

    def of(a: Tensor, b: Tensor) -> Tensor:
        gaps = [(m - t).square().sum(1).mean((1, 2)) for m, t in zip(maps(a), maps(b), strict=True)]
        return torch.stack(gaps).mean(0)

    return averaged(of, cut(made, border), cut(true, border))


def textures(pictures: Tensor) -> Tensor:
    """Patches (n, c, h, w) -> features (n, 192) on the CPU: `maps`, mean over the places, of size 1 each on average.

    At their own size, for what is fine must not be stretched. With `kernel_distance` they tell kinds of texture apart.
    """

    def of(part: Tensor) -> Tensor:
        return torch.cat([layer.mean((2, 3)) * layer.shape[1] ** 0.5 for layer in maps(part)], 1)

    return in_parts(of, pictures)


def patches(pictures: Tensor, side: int, count: int, seed: int = 0, other: bool = False) -> Tensor:
    """At most `count` squares of pictures (n, c, h, w), from all over them: (k, c, side, side) on the CPU.

    Pictures are divided like chessboards, of which the black squares are given, and with `other` the white ones: what
    is made can so be compared with what is true of the same pictures, but never with its own truth.
    """
    n, _, height, width = pictures.shape
    if side > min(height, width):
        raise SparringError(f"patches of {side} pixels cannot be cut from pictures of {height}×{width}")
    fields = torch.cartesian_prod(torch.arange(n), torch.arange(height // side), torch.arange(width // side))
    fields = fields[fields.sum(1) % 2 == int(other)]
    order = torch.randperm(len(fields), generator=torch.Generator().manual_seed(mix("patches", seed, int(other))))
    which, row, column = fields[order[:count]].unbind(1)
    within = torch.arange(side)
    rows, columns = (row[:, None] * side + within)[:, :, None], (column[:, None] * side + within)[:, None, :]
    return pictures.cpu()[which[:, None, None], :, rows, columns].permute(0, 3, 1, 2).contiguous()


def likeness(rivals: Sequence[Tensor], true: Tensor, seed: int = 0) -> list[Estimate]:
    """For each rival the kernel distance of its patches from patches of the truth: 0 where they look alike.

    There are at most 500 of each, of 32 pixels, or less where pictures are smaller; all rivals show the same places.

    Args:
        rivals: each (n, c, h, w), the truth itself among them for the floor.
        true: (n, c, h, w), in the same order.
        seed: of the places, where there are more.
    """
    side = min(PATCH, *true.shape[2:])
    real = textures(patches(true, side, PATCHES, seed, other=True))
    return [kernel_distance(real, textures(patches(rival, side, PATCHES, seed))) for rival in rivals]


# ---------------------------------------------------------------- fine detail


def energy(made: Tensor, true: Tensor, border: int = 0) -> float:
    """How much fine detail pictures have, true or not, in proportion to the true ones': 1 is best, a blur has less.

    The ratio of the spectral energies above half the band, where max(|fx|, |fy|) is more than a quarter of a cycle a
    pixel: what pictures of half the sides cannot hold. The energies are those of all pictures together, |FFT|² of the
    luma (ITU-R BT.601, full range) without its mean, under a Hann window, as else the edges would count as detail.
    """
    check_shapes(made, true)
    there = _fine(cut(true, border))
    if not there:
        raise SparringError("the true pictures have no detail above half the band to compare with")
    return _fine(cut(made, border)) / there


def _fine(pictures: Tensor) -> float:
    """The energy of pictures above half the band."""
    height, width = pictures.shape[2:]
    fy, fx = torch.fft.fftfreq(height).abs(), torch.fft.fftfreq(width).abs()
    fine = torch.maximum(fy[:, None], fx[None]) > 0.25
    window = torch.outer(*(torch.hann_window(side, dtype=torch.float64) for side in (height, width)))
    total = 0.0
    for picture in pictures.split(max(1, translation.AT_ONCE // (height * width))):  # type: ignore[no-untyped-call]
        luma = coloured(picture.detach().cpu().double(), 1)[:, 0]
        waves = torch.fft.fft2((luma - luma.mean((1, 2), keepdim=True)) * window)
        total += float(waves[:, fine].abs().square().sum())
    if total != total or total == float("inf"):
        raise SparringError("pictures to compare hold values that are not finite")
    return total
