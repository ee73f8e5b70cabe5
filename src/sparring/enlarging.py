"""What recipes that enlarge pictures share: two stages, small pictures made of large ones, and how unlike two look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from sparring.data.batches import Batch
from sparring.data.degrade import degrade, shrink
from sparring.data.spec import Spec
from sparring.draws import Draws
from sparring.errors import SparringError

PIXEL, ADVERSARIAL = "pixel", "adversarial"  # the stages
CLEAN = 0.25  # of the pictures to degrade are shrunk alone, lest what is clean be taken for dirty, and smoothed
BEFORE = 0  # the round whose random numbers judge: the same small pictures each time

Unlike = Callable[[Tensor, Tensor], Tensor]


def two_stages(progress: float, share: float) -> tuple[str, float]:
    """The stage of a run, and how much of that is over, where the first takes a share of the run.

    >>> two_stages(0.3, 0.6), two_stages(0.8, 0.6), two_stages(1.0, 1.0), two_stages(0.0, 0.0)
    (('pixel', 0.5), ('adversarial', 0.5), ('pixel', 1.0), ('adversarial', 0.0))
    """
    if progress < share or share == 1:
        return PIXEL, progress / share
    return ADVERSARIAL, round((progress - share) / (1 - share), 9)


def small(batch: Batch, config: Any, draws: Draws) -> Tensor:
    """The small pictures of a batch, (b, c, h / scale, w / scale) in -1..1: those given with it, or else made of it."""
    if batch.given.dim() == 4:
        return batch.given
    clean = shrink(batch.x, config.scale)
    if config.degrade == "real":
        kept = draws.uniform(len(clean), 1, 1, 1) < CLEAN
        clean = torch.where(kept, clean, degrade(batch.x, config.scale, draws))
    return clean.to(batch.x.dtype)


def asked(batch: Batch, config: Any) -> Tensor:
    """The same, always of the same random numbers: what a generator is judged and shown by."""
    return small(batch, config, Draws(config.seed, BEFORE, 1, batch.x.device))


def unlikeness(config: Any, critic: nn.Module) -> Unlike | None:
    """What tells how unlike pictures are that a generator made and the true ones, (b, c, h, w) each -> scalar.

    `config.perceptual` names it: a network that perceptual.py knows; "critic" for the features of the critic, where
    there is one that learns (Wang et al. 2018, pix2pixHD, eq. 4); "none" for nothing.
    """
    name = config.perceptual
    if name == "none" or not config.likeness or (name == "critic" and not config.adversarial):
        return None
    if name == "critic":
        return lambda made, true: _matching(critic, made, true)
    from sparring.perceptual import perceptual

    return perceptual(name)


def _matching(critic: Any, made: Tensor, true: Tensor) -> Tensor:
    with torch.no_grad():
        wanted = critic.features(true)
    distances = [l1_loss(ours, theirs) for ours, theirs in zip(critic.features(made), wanted, strict=True)]
    return torch.stack(distances).mean()


def check(config: Any) -> None:
    """Raise SparringError for settings of an enlarging recipe that cannot be."""
    if not 0 <= config.pixel_stage <= 1:
        raise SparringError(f"`pixel_stage` is a share of the run, in 0..1; it is {config.pixel_stage}")
    weights = (config.l1, config.likeness, config.adversarial)
    if min(weights) < 0 or not max(weights):
        raise SparringError(
            "`l1`, `likeness` and `adversarial` are weights: 0 or more, and one of them above 0; they are "
            f"{', '.join(map(str, weights))}"
        )
    if config.crop is None:
        raise SparringError("`crop` is the size of what training sees of a large picture, such as 96")


def refuse(spec: Spec, scale: int) -> None:
    """Raise SparringError for data whose crops are not `scale` times as large as small ones."""
    height, width = spec.shape[1:]
    if height % scale or width % scale:
        raise SparringError(
            f"crops of {height}x{width} cannot be shrunk {scale} times: give --crop a multiple of {scale}"
        )
    if spec.source and tuple(side * scale for side in spec.source[1:]) != (height, width):
        given = "x".join(map(str, spec.source[1:]))
        raise SparringError(f"the small pictures are of {given}, which {scale} times enlarged is not {height}x{width}")
