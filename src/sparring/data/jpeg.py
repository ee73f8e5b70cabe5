"""What JPEG leaves of pictures, for a whole batch at once and each at a quality of its own, on any device.

The steps are those of baseline JPEG (ITU-T T.81) as libjpeg takes them: YCbCr, colours at half the size, a cosine
transform of every 8x8 block, division by the standard's tables and rounding, and all the way back. Only the coding
without loss is left out, which changes nothing. Every step that libjpeg does in whole numbers is rounded here as well,
so the result is within a level of what Pillow's saving and opening give.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 8
UNIT = 16  # colours have half the size, so their blocks span 16 pixels
LUMA = (0.299, 0.587, 0.114)
BLUE, RED = 1.772, 1.402  # how much of Cb is in blue, and of Cr in red (JFIF)
# Tables K.1 and K.2 of the standard, by rows: how coarsely the waves of a block are told apart at quality 50.
BRIGHTNESS = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
COLOUR = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


@torch.no_grad()
def jpeg(x: Tensor, quality: Tensor) -> Tensor:
    """Save and open again each picture of a batch; no gradient comes through, and the device is never waited for.

    Args:
        x: (b, c, h, w) in -1..1, with c = 1 or 3, of any size: sides are filled up by repeating the last pixel.
        quality: (b,), libjpeg's 1..100; it need not be whole.

    Returns:
        (b, c, h, w) float32 in -1..1, whole levels of 8 bits.
    """
    height, width = x.shape[2:]
    with torch.autocast(x.device.type, enabled=False):
        x = F.pad(x.float(), (0, -width % UNIT, 0, -height % UNIT), mode="replicate")
        planes = ((x + 1) * 127.5).round_().clamp_(0, 255)
        if x.shape[1] == 1:
            planes = _coded(planes, _steps(BRIGHTNESS, quality))
        else:
            light, colours = _apart(planes)
            planes = _together(
                _coded(light, _steps(BRIGHTNESS, quality)),
                _coded(colours, _steps(COLOUR, quality.repeat_interleave(2))),
            )
        return planes[..., :height, :width] / 127.5 - 1


def _apart(levels: Tensor) -> tuple[Tensor, Tensor]:
    """RGB (b, 3, h, w) -> brightness (b, 1, h, w) and Cb, Cr (b, 2, h/2, w/2), levels in 0..255."""
    red, green, blue = levels.unbind(1)
    light = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    colours = torch.stack([(blue - light) / BLUE, (red - light) / RED], 1).add_(128).round_()
    return light.round_()[:, None], F.avg_pool2d(colours, 2).round_()


def _together(light: Tensor, colours: Tensor) -> Tensor:
    """The inverse; between the colours' pixels are straight lines, as libjpeg's "fancy upsampling" has them."""
    cb, cr = F.interpolate(colours, scale_factor=2, mode="bilinear").round_().sub_(128).unbind(1)
    light = light[:, 0]
    red, blue = light + RED * cr, light + BLUE * cb
    green = light - (LUMA[0] * RED / LUMA[1]) * cr - (LUMA[2] * BLUE / LUMA[1]) * cb
    return torch.stack([red, green, blue], 1).round_().clamp_(0, 255)


def _coded(planes: Tensor, steps: Tensor) -> Tensor:
    """Every 8x8 block as the nearest whole multiples of its waves' steps: (b, c, h, w) -> the same, in 0..255.

    A block is one column of 64 numbers, so that its transform is one matrix product.
    """
    b, c, height, width = planes.shape
    waves = _waves(planes.device)
    blocks = F.pixel_unshuffle(planes.reshape(b * c, 1, height, width) - 128, BLOCK)
    rounded = torch.div(waves @ blocks.flatten(2), steps).round_().mul_(steps)
    again = F.pixel_shuffle((waves.mT @ rounded).view_as(blocks), BLOCK)
    return again.add_(128).round_().clamp_(0, 255).view_as(planes)


@cache
def _waves(device: torch.device) -> Tensor:
    """The cosine transform of a block, (64 waves, 64 pixels): orthonormal, so its transpose is the way back."""
    place = torch.arange(BLOCK, dtype=torch.float64)
    line = torch.cos(math.pi / BLOCK * place[:, None] * (place + 0.5)) * math.sqrt(2 / BLOCK)
    line[0] /= math.sqrt(2)
    return torch.kron(line, line).float().to(device)


def _steps(table: tuple[int, ...], quality: Tensor) -> Tensor:
    """The tables' steps at libjpeg's qualities (b,): (b, 64, 1) whole numbers in 1..255."""
    percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).floor()
    return ((_table(table, quality.device) * percent[:, None] + 50) / 100).floor().clamp(1, 255)[..., None]


@cache  # so that it is moved to the device once
def _table(table: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(table, dtype=torch.float32, device=device)
