"""Differentiable augmentation of pictures, so that a critic with few of them learns more than their names.

The operations and their constants are those of DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for
Data-Efficient GAN Training"). As in ADA (Karras et al. 2020, "Training Generative Adversarial Networks with Limited
Data") each is applied to each sample with a probability, and `Adaptive` steers that probability over a run. Both real
and fake pictures must go through it, in every player's turn; else the generator learns to draw the augmentations.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sparring.config import nearest
from sparring.draws import Draws
from sparring.errors import SparringError

POLICY = ("translation", "cutout", "colour")
BRIGHTNESS = 0.5  # added, at most; pictures span 2
SATURATION = 1.0  # the distance from grey is multiplied by 1 plus or minus at most this
CONTRAST = 0.5  # the distance from the picture's mean is multiplied by 1 plus or minus at most this
SHIFT = 8  # the largest translation is the side divided by this
HOLE = 2  # the side of the hole is the picture's divided by this


def augment(x: Tensor, strength: Tensor | float, draws: Draws, policy: tuple[str, ...] = POLICY) -> Tensor:
    """Augment each picture of a batch by itself; twice differentiable in x, and the device is never waited for.

    Args:
        x: (b, c, h, w) in -1..1, with c = 1, 3 or 4 (the last is transparency, which colour leaves alone).
        strength: the probability, in 0..1, with which each operation is applied to each sample; a scalar tensor
            lies on x's device. 0 gives x's very values, 1 is DiffAugment.
        draws: where the random numbers come from; sample b takes row b of them, so share out real and fake pictures
            in a call each, not in one joined batch. A call always takes the same amount.
        policy: which of "translation" (whole pixels, by up to an eighth of the side, the rest filled with 0),
            "cutout" (a square of half the side is set to 0) and "colour" (brightness, saturation and contrast).
            They are applied in DiffAugment's order, colour first, in whatever order they are named.

    Returns:
        (b, c, h, w), of x's type; colour may leave -1..1, as in the paper.

    Raises:
        SparringError: for data that is not pictures, and for a policy that is none of the three.
    """
    _check(x, policy)
    numbers = draws.uniform(len(x), len(OPERATIONS), 3)
    for i, (part, operation) in enumerate(OPERATIONS):
        if part in policy:
            chosen = numbers[:, i, 0] < strength
            x = torch.where(chosen.view(-1, 1, 1, 1), operation(x, numbers[:, i, 1:]), x)
    return x


def _check(x: Tensor, policy: tuple[str, ...]) -> None:
    if x.ndim != 4:
        raise SparringError(
            f"only pictures can be augmented, and these samples have the shape {tuple(x.shape[1:])}; "
            "train without augmentation"
        )
    for part in policy:
        if part not in POLICY:
            raise SparringError(f"there is no augmentation `{part}`{nearest(part, POLICY)}")


def _brightness(x: Tensor, u: Tensor) -> Tensor:
    return _recoloured(x, x[:, :3] + BRIGHTNESS * _either_way(x, u))


def _saturation(x: Tensor, u: Tensor) -> Tensor:
    """A pixel's distance from its own grey is stretched; grey pictures have none."""
    if x.shape[1] == 1:
        return x
    grey = x[:, :3].mean(1, keepdim=True)
    return _recoloured(x, (x[:, :3] - grey) * (1 + SATURATION * _either_way(x, u)) + grey)


def _contrast(x: Tensor, u: Tensor) -> Tensor:
    mean = x[:, :3].mean((1, 2, 3), keepdim=True)
    return _recoloured(x, (x[:, :3] - mean) * (1 + CONTRAST * _either_way(x, u)) + mean)


def _either_way(x: Tensor, u: Tensor) -> Tensor:
    """The first column of u, moved to -1..1, to go with x: (b, 1, 1, 1)."""
    return (2 * u[:, 0] - 1).to(x.dtype).view(-1, 1, 1, 1)


def _recoloured(x: Tensor, colour: Tensor) -> Tensor:
    return torch.cat([colour, x[:, 3:]], 1) if x.shape[1] == 4 else colour


def _translation(x: Tensor, u: Tensor) -> Tensor:
    """Every pixel comes from one of its own, round the edge where need be: so no gradient is summed up twice.

    What came round the edge is then set to 0.
    """
    height, width = x.shape[2:]
    rows, inside_rows = _shifted(height, u[:, 0])
    columns, inside_columns = _shifted(width, u[:, 1])
    source = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    moved = x.flatten(2).gather(2, source[:, None].expand(-1, x.shape[1], -1)).view_as(x)
    return moved.masked_fill(~(inside_rows[:, None, :, None] & inside_columns[:, None, None, :]), 0)


def _shifted(side: int, u: Tensor) -> tuple[Tensor, Tensor]:
    """For each place of a shifted side the place that it came from, and whether that lay inside: (b, side) each."""
    most = side // SHIFT
    came_from = torch.arange(side, device=u.device) - (_whole(u, 2 * most + 1) - most)[:, None]
    return came_from % side, (came_from >= 0) & (came_from < side)


def _cutout(x: Tensor, u: Tensor) -> Tensor:
    height, width = x.shape[2:]
    hole = _hole(height, u[:, 0])[:, None, :, None] & _hole(width, u[:, 1])[:, None, None, :]
    return x.masked_fill(hole, 0)


def _hole(side: int, u: Tensor) -> Tensor:
    """Which places of a side lie in the hole, (b, side): its centre is anywhere, so its end may lie outside."""
    length = side // HOLE
    start = (_whole(u, side + 1 - length % 2) - length // 2)[:, None]
    place = torch.arange(side, device=u.device)
    return (place >= start) & (place < start + length)


def _whole(u: Tensor, n: int) -> Tensor:
    """Uniform numbers in 0..1 -> whole ones in 0..n-1, equally likely."""
    return (u * n).long()


OPERATIONS: tuple[tuple[str, Callable[[Tensor, Tensor], Tensor]], ...] = (
    ("colour", _brightness),
    ("colour", _saturation),
    ("colour", _contrast),
    ("translation", _translation),
    ("cutout", _cutout),
)


class Adaptive:
    """ADA's controller (Karras et al. 2020, section 3): as much augmentation as keeps the critic from overfitting.

    Its sign of overfitting is r = E[sign D(x)] over augmented real pictures x, which is 0 for a critic that cannot
    tell and 1 for one that knows every picture. Above the target the strength rises, below it falls.

    Args:
        span: images over which the strength would rise from 0 to 1. The paper's is 500,000, and 100,000 when going
            on from a trained network; a short run wants less.
        target: r to stay near; the paper's.
        limit: the strength's upper end, in 0..1. The paper names 0.8 as what is safe: nearer to 1 the generator may
            draw the augmentations, since the critic hardly sees a picture without them.
    """

    def __init__(self, span: int = 500_000, target: float = 0.6, limit: float = 0.8) -> None:
        self.span, self.target, self.limit = span, target, limit
        self.strength = 0.0

    def update(self, sign: float, images: int, target: float | None = None) -> None:
        """Move the strength by images / span towards more or less.

        Args:
            sign: r, in -1..1, the mean over all processes, and over several batches where these are small; where it
                is not a number (nothing was measured) or on the target nothing moves.
            images: shown since the last call. The paper calls every four batches.
            target: another than `self.target`, for another sign.
        """
        target = self.target if target is None else target
        direction = (sign > target) - (sign < target)
        self.strength = min(max(self.strength + direction * images / self.span, 0.0), self.limit)

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint must hold."""
        return {"strength": self.strength}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """The inverse of `state_dict`."""
        self.strength = state["strength"]
