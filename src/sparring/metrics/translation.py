"""How near translated pictures come to the true ones, in pixels and in colours, and whether each can be told again.

Pictures are (n, c, h, w) floats in -1..1 on any device, made and true in the same order; figures are means over the
pictures, so that each counts alike. `compare` gives every figure with its protocol; what is measured on larger pictures
than memory holds is measured in parts. Every function raises SparringError where shapes differ or a value is not
finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from sparring.errors import SparringError
from sparring.metrics.distances import check_alike
from sparring.metrics.neighbours import nearest
from sparring.networks.lab import OPPONENTS, to_lab

EQUAL = 100.0  # decibels that equal pictures get, in place of infinity, which no mean and no JSON file bears
WINDOW, SIGMA = 11, 1.5  # of SSIM (Wang et al. 2004)
AT_ONCE = 2**22  # numbers of pictures that are worked on at a time

PROTOCOLS = {
    "PSNR": "decibels; all channels of a picture together, no border left out; equal pictures count as 100",
    "SSIM": f"Gaussian window of {WINDOW} pixels, deviation {SIGMA}, constants 0.01 and 0.03; edges mirrored; mean "
    "over channels",
    "L1": "mean absolute difference, in steps of 0..255",
    "ab error": "mean distance in the plane of a and b of CIE L*a*b* (sRGB, D65)",
    "colourfulness": "Hasler and Süsstrunk 2003, of 0..255",
}


class Figure(NamedTuple):
    """A number and how it was measured.

    Attributes:
        value: of the made pictures.
        protocol: in words; only values of one protocol can be compared.
        true: the same of the true pictures, for figures that need no comparison; else None.
        error: its standard error, where it is a mean of independent values.
    """

    value: float
    protocol: str
    true: float | None = None
    error: float | None = None


def compare(made: Tensor, true: Tensor) -> dict[str, Figure]:
    """All figures that the pictures allow: SSIM from 11 pixels on, and those of colours for three channels."""
    check_shapes(made, true)
    found = {"PSNR": psnr(made, true), "L1": l1(made, true)}
    if min(made.shape[2:]) >= WINDOW:
        found["SSIM"] = ssim(made, true)
    if made.shape[1] == 3:
        found["ab error"] = ab_error(made, true)
    figures = {name: Figure(value, PROTOCOLS[name]) for name, value in found.items()}
    if made.shape[1] == 3:
        protocol = PROTOCOLS["colourfulness"]
        figures["colourfulness"] = Figure(colourfulness(made), protocol, colourfulness(true))
    return figures


def psnr(made: Tensor, true: Tensor) -> float:
    """Peak signal-to-noise ratio, 10 log10(2² / mean squared error) of each picture, in decibels; 100 where equal."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    def of(a: Tensor, b: Tensor) -> Tensor:
        return peak_signal_noise_ratio(a, b, data_range=2.0, reduction="none", dim=(1, 2, 3)).clamp(max=EQUAL)

    return averaged(of, made, true)


def ssim(made: Tensor, true: Tensor) -> float:
    """Structural similarity, in -1..1 and 1 where equal (Wang et al. 2004); sides of 11 pixels at least.

    Windows look beyond the edges, where they see the picture mirrored, as torchmetrics has it.
    """
    mirrored = (WINDOW // 2,) * 4

    def of(a: Tensor, b: Tensor) -> Tensor:
        return similarity(*(pad(x, mirrored, mode="reflect") for x in (a, b))).mean((1, 2, 3))

    check_window(made)
    return averaged(of, made, true)


def check_window(pictures: Tensor) -> None:
    """Raise SparringError where pictures (n, c, h, w) are smaller than the window of SSIM."""
    if min(pictures.shape[2:]) < WINDOW:
        raise SparringError(f"SSIM looks through a window of {WINDOW} pixels; these pictures are smaller")


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """SSIM of pictures (n, c, h, w) in -1..1 at each window that lies within them: (n, c, h - 10, w - 10), float64."""
    # Its formula compares means by their ratio, so black must be 0. In double precision, for variances are differences.
    x, y = a.double() + 1, b.double() + 1
    of_x, of_y = _through_window(x), _through_window(y)
    spread = _through_window(x * x) + _through_window(y * y) - of_x * of_x - of_y * of_y
    shared = _through_window(x * y) - of_x * of_y
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    return (2 * of_x * of_y + c1) * (2 * shared + c2) / ((of_x * of_x + of_y * of_y + c1) * (spread + c2))


def _through_window(x: Tensor) -> Tensor:
    """Means (n, c, h, w) -> (n, c, h - 10, w - 10), weighted by the window's Gaussian: first along columns, then rows.

    By shifted sums: twenty times as fast on a CPU as a convolution in double precision.
    """
    weights = [math.exp(-((i - WINDOW // 2) ** 2) / (2 * SIGMA**2)) for i in range(WINDOW)]
    for axis in (2, 3):
        length = x.shape[axis] - WINDOW + 1
        sums = torch.zeros_like(x.narrow(axis, 0, length))
        for i, weight in enumerate(weights):
            sums.add_(x.narrow(axis, i, length), alpha=weight / sum(weights))
        x = sums
    return x


def l1(made: Tensor, true: Tensor) -> float:
    """Mean absolute difference, in steps of 0..255."""
    return averaged(lambda a, b: (a - b).abs().mean((1, 2, 3)) * 127.5, made, true)


def ab_error(made: Tensor, true: Tensor) -> float:
    """Mean distance of the colours without their lightness: in the plane of a and b of CIE L*a*b*, in its units."""
    _check_colours(made)
    return averaged(lambda a, b: (_ab(a) - _ab(b)).norm(dim=1).mean((1, 2)), made, true)


def colourfulness(pictures: Tensor) -> float:
    """0 for grey, 15 slightly, 45 averagely, 109 extremely colourful (Hasler & Süsstrunk 2003, M³, section 7).

    The root of the summed variances, plus 0.3 times the root of the summed squared means, of red - green and of the
    mean of red and green - blue, in steps of 0..255.
    """
    _check_colours(pictures)

    def of(a: Tensor, _: Tensor) -> Tensor:
        red, green, blue = (a * 127.5).unbind(1)
        opponents = torch.stack([red - green, (red + green) / 2 - blue], 1).flatten(2)
        spread, mean = opponents.var(2, correction=0), opponents.mean(2)
        return spread.sum(1).sqrt() + 0.3 * mean.square().sum(1).sqrt()

    return averaged(of, pictures, pictures)


def overlap(made: Tensor, true: Tensor) -> float:
    """Intersection over union of two masks of one shape, over all their places; 1 where neither marks any."""
    if made.shape != true.shape or made.dtype != torch.bool or true.dtype != torch.bool:
        raise SparringError(f"two masks of one shape are compared; these are {_shape(made)} and {_shape(true)}")
    either = int((made | true).sum())
    return int((made & true).sum()) / either if either else 1.0


def retrieval(made: Tensor, true: Tensor) -> float:
    """R@1: for how many rows of `made` the nearest row of `true` is their own, in 0..1; 1/n by chance.

    Where true rows are equal, finding any of those counts.

    Args:
        made, true: features (n, d) of one network, in the same order.
    """
    check_alike(true, made)
    if len(made) != len(true):
        raise SparringError(f"each of {len(made)} rows has its own among {len(true)}: the numbers must be equal")
    wanted, candidates = (features.detach().cpu().double() for features in (made, true))
    far, _ = nearest(wanted, candidates)
    own = (wanted - candidates).norm(dim=1)
    return float((own <= far).double().mean())


def _ab(pictures: Tensor) -> Tensor:
    return to_lab(pictures)[:, 1:] * OPPONENTS


def averaged(of: Callable[[Tensor, Tensor], Tensor], made: Tensor, true: Tensor) -> float:
    """The mean over the pictures (n, c, h, w) of what `of` gives for some of them, (b,)."""
    check_shapes(made, true)
    size = max(1, AT_ONCE // max(1, math.prod(made.shape[1:])))
    with torch.no_grad():
        parts = zip(made.split(size), true.split(size), strict=True)  # type: ignore[no-untyped-call]
        values = torch.cat([of(a.float(), b.float().to(a.device)).cpu().double() for a, b in parts])
    if not values.isfinite().all():
        raise SparringError("pictures to compare hold values that are not finite")
    return float(values.mean())


def check_shapes(made: Tensor, true: Tensor) -> None:
    """Raise SparringError where made and true pictures are not of one shape (n, c, h, w), or there are none."""
    if made.shape != true.shape or made.dim() != 4 or not made.numel():
        raise SparringError(
            f"pictures to compare must have one shape (n, c, h, w); these have {_shape(made)} and {_shape(true)}"
        )


def _check_colours(pictures: Tensor) -> None:
    if pictures.dim() != 4 or pictures.shape[1] != 3:
        raise SparringError(f"colours are judged of pictures (n, 3, h, w), and these are {_shape(pictures)}")


def _shape(pictures: Tensor) -> str:
    return "×".join(map(str, pictures.shape))
