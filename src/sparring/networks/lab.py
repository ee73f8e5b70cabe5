"""Colours as lightness and two opponents (CIE 1976 L*a*b*), from and to sRGB (IEC 61966-2-1, white D65).

Networks see L / 50 - 1 and a / 110, b / 110, as pix2pix does when it colours: all within -1..1 for the colours of
screens, whose a lies in -86.2..98.3 and b in -107.9..94.5. All is differentiable, and in float32 under autocast too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

LIGHTNESS, OPPONENTS = 50.0, 110.0
# Linear red, green and blue -> X, Y, Z of the light (IEC 61966-2-1), and the white that all three make.
LIGHT = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = tuple(sum(row) for row in LIGHT)
DARK = 6 / 29  # of the lightness scale: below its cube the cube root becomes a line


def to_lab(pictures: Tensor) -> Tensor:
    """sRGB (n, 3, h, w) in -1..1 -> (n, 3, h, w): L / 50 - 1, a / 110 and b / 110."""
    whiteness = [[share / white for share in row] for row, white in zip(LIGHT, WHITE, strict=True)]
    x, y, z = _root(_mixed(whiteness, _linear(pictures))).unbind(1)
    lightness = (116 * y - 16) / LIGHTNESS - 1
    return torch.stack([lightness, 500 * (x - y) / OPPONENTS, 200 * (y - z) / OPPONENTS], 1)


def lightness(pictures: Tensor) -> Tensor:
    """sRGB (n, 3, h, w), or grey (n, 1, h, w), in -1..1 -> L / 50 - 1, (n, 1, h, w) in -1..1."""
    light = _linear(pictures)
    if pictures.shape[1] == 3:
        light = _mixed(LIGHT[1:2], light)
    return (116 * _root(light) - 16) / LIGHTNESS - 1


def from_lab(lab: Tensor) -> Tensor:
    """The inverse of `to_lab`, (n, 3, h, w) -> sRGB in -1..1.

    A colour that no screen has is mixed with the grey of the same light until one has it, so that the lightness, where
    it lies in -1..1 itself, is exactly what was asked for.
    """
    lab = _precise(lab)
    y = ((lab[:, 0].clamp(-1, 1) + 1) * LIGHTNESS + 16) / 116
    responses = torch.stack([y + lab[:, 1] * OPPONENTS / 500, y, y - lab[:, 2] * OPPONENTS / 200], 1)
    xyz = _cube(responses) * lab.new_tensor(WHITE)[:, None, None]
    light = _mixed(_primaries(), xyz)
    return _encoded(_within(light, xyz[:, 1:2])) * 2 - 1


@cache
def _primaries() -> list[list[float]]:
    """X, Y, Z -> linear red, green and blue; not worked out on import, for that takes 7 MB which tables do not need."""
    inverse: list[list[float]] = torch.linalg.inv(torch.tensor(LIGHT, dtype=torch.float64)).tolist()
    return inverse


def _mixed(rows: Sequence[Sequence[float]], light: Tensor) -> Tensor:
    """A matrix times each colour: (n, 3, h, w) -> (n, len(rows), h, w). No matrix product: autocast would round it."""
    return torch.stack(
        [torch.add(row[0] * light[:, 0] + row[1] * light[:, 1], light[:, 2], alpha=row[2]) for row in rows], 1
    )


def _within(light: Tensor, grey: Tensor) -> Tensor:
    """Linear colours (n, 3, h, w), mixed with the greys (n, 1, h, w) of the same light as far as 0..1 demands."""
    away = light - grey
    room = torch.where(away > 0, 1 - grey, grey)
    share = (room / away.abs().clamp(min=1e-6)).clamp(max=1).amin(1, keepdim=True)
    return (grey + share * away).clamp(0, 1)


def _precise(x: Tensor) -> Tensor:
    """In float32 at least."""
    return x if x.dtype == torch.float64 else x.float()


def _linear(pictures: Tensor) -> Tensor:
    """What the eye gets of sRGB's numbers: -1..1 -> 0..1."""
    x = (_precise(pictures) + 1) / 2
    return torch.where(x > 0.04045, ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, x / 12.92)


def _encoded(light: Tensor) -> Tensor:
    """The inverse, into 0..1."""
    return torch.where(light > 0.0031308, 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055, 12.92 * light)


def _root(x: Tensor) -> Tensor:
    """The cube root, and a line below DARK cubed, where its slope would grow without end."""
    return torch.where(x > DARK**3, x.clamp(min=DARK**3) ** (1 / 3), x / (3 * DARK**2) + 4 / 29)


def _cube(x: Tensor) -> Tensor:
    return torch.where(x > DARK, x**3, 3 * DARK**2 * (x - 4 / 29))
