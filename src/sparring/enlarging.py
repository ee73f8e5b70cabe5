"""What recipes that enlarge pictures share: two stages, small pictures made of large ones, and how unlike two are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss

from sparring.data.batches import Batch
from sparring.data.degrade import degrade, shrink
from sparring.data.spec import Spec
from sparring.draws import Draws
from sparring.errors import SparringError
from sparring.networks.srcritic import lost

PIXEL, ADVERSARIAL = "pixel", "adversarial"  # the stages
CLEAN = 0.25  # of the pictures to degrade are shrunk alone, lest what is clean be taken for dirty, and smoothed
WINDOW = 16  # pixels of the sides of the squares whose spectra are compared
FAINT = 1e-4  # of a frequency's share in what is amplified: fainter is as good as nothing
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


def likeness(made: Tensor, true: Tensor, config: Any, unlike: Unlike | None) -> dict[str, Tensor]:
    """What holds the adversarial stage to the truth: the weighted terms of a loss, pictures (b, c, h, w) in -1..1."""
    terms, c = {}, config
    if c.l1:
        terms["l1"] = c.l1 * l1_loss(made, true)
    if c.coarse:
        terms["coarse"] = c.coarse * coarse(made, true, c.scale)
    if c.texture:
        terms["texture"] = c.texture * texture(made, true, c.scale)
    if unlike:
        terms["unlike"] = c.likeness * unlike(made, true)
    return terms


def coarse(made: Tensor, true: Tensor, scale: int) -> Tensor:
    """How far shrunk pictures are from one another: pictures (b, c, h, w) in -1..1, twice -> scalar >= 0.

    The mean distance of the pixels of both, shrunk to the small picture's size, to twice that, and so on, but not at
    full size; each times the factor by which they were shrunk, for of k x k pixels whose errors have nothing to do with
    one another the mean has the k-th part of an error. What can be known of a picture is mostly coarse, and what has to
    be invented is fine. At full size most of a pixel's error is what no answer would get right, and hides the rest. So
    `texture`, which does not look at phases, is held to those that can be known, and is free in fine detail. All is
    taken times the scale, for the larger that is, the more detail is invented, and pulls the other way.
    """
    difference, far = made.float() - true.float(), made.new_zeros((), dtype=torch.float32)
    for factor in _factors(scale):
        shrunk = interpolate(difference, scale_factor=1 / factor, mode="bicubic", antialias=True)
        far = far + factor * shrunk.abs().mean()
    return scale * far


def _factors(scale: int) -> list[int]:
    """By how much pictures are shrunk to be compared: the scale, and half of that as long as it is whole and above 1.

    >>> _factors(2), _factors(3), _factors(4), _factors(8)
    ([2], [3], [4, 2], [8, 4, 2])
    """
    return [scale, *(_factors(scale // 2) if scale % 2 == 0 and scale > 2 else [])]


def texture(made: Tensor, true: Tensor, scale: int) -> Tensor:
    """How unlike the spectra of what shrinking takes away are: pictures (b, c, h, w) in -1..1, twice -> scalar >= 0.

    In squares of 16 pixels under a Hann window, (sqrt(t) - sqrt(m))^2 / sqrt(m) of the true energy t and the made m of
    each frequency beyond 1 / (2 scale) cycles a pixel, summed over these, averaged over the squares. Energies are of
    brightness and of differences of colours; what the small picture holds is taken away first, as for critics (`lost`),
    or much of it would show at the neighbouring frequencies. Whatever is not to be known, the best answer is the mean
    energy of all that may be true, while the best pixels are the mean picture, which has almost none; where the energy
    made varies by itself, as that of grain does, about twice as much, against which stand the distances of pixels. This
    is half the beta-divergence of beta = 1/2 (Cichocki and Amari 2010, "Families of alpha- beta- and
    gamma-divergences"). With beta = 1, Kullback's and Leibler's, a frequency counts by its energy: the finest, which
    have little, are given up. With 0, Itakura's and Saito's, all count alike, and faint ones become grain. It looks at
    each frequency lest a lattice of one make up for all, and not at phases: where detail lies is left to the pixels,
    and what it looks like to the critic. Textures are also matched in squares by Sajjadi et al. 2017, "EnhanceNet", who
    compare features of VGG.
    """
    side = min(WINDOW, *true.shape[2:])
    with torch.autocast(true.device.type, enabled=False):
        ours, theirs = ((_spectra(lost(pictures.float(), scale), side) + FAINT).sqrt() for pictures in (made, true))
        unlike = (theirs - ours).square() / ours
        return (unlike * _beyond(side, scale, true.device)).sum((1, -2, -1)).mean()


def _spectra(pictures: Tensor, side: int) -> Tensor:
    """Each frequency's share in the mean square of each square: (b, c, rows, columns, side, side // 2 + 1)."""
    window = torch.hann_window(side, device=pictures.device)
    windows = torch.outer(window, window)
    squares = _apart(pictures).unfold(2, side, side).unfold(3, side, side)
    share = 1 / (side**2 * windows.square().sum())  # Parseval
    waves: Tensor = torch.fft.rfft2(squares * windows)
    return waves.abs().square() * share


def _apart(pictures: Tensor) -> Tensor:
    """Channels as their mean and differences (a cosine transform), of which in photographs neither tells the other."""
    c = pictures.shape[1]
    places = torch.arange(c, device=pictures.device)
    basis = (torch.pi / c * places[:, None] * (places + 0.5)).cos()
    basis = basis / (basis.norm(dim=1, keepdim=True) * c**0.5)
    return torch.einsum("kc,bchw->bkhw", basis, pictures)


def _beyond(side: int, scale: int, device: torch.device) -> Tensor:
    """How often each kept frequency is in the whole spectrum; 0 where pictures `scale` times as small can hold it."""
    rows, columns = torch.fft.fftfreq(side, device=device).abs(), torch.fft.rfftfreq(side, device=device)
    twice = 2.0 - ((columns == 0) | (columns == 0.5)).float()
    finest = torch.maximum(rows[:, None], columns[None])
    beyond: Tensor = (finest > 0.5 / scale) * twice
    return beyond


def check(config: Any) -> None:
    """Raise SparringError for settings of an enlarging recipe that cannot be."""
    if not 0 <= config.pixel_stage <= 1:
        raise SparringError(f"`pixel_stage` is a share of the run, in 0..1; it is {config.pixel_stage}")
    weights = (config.l1, config.coarse, config.texture, config.likeness, config.adversarial)
    if min(weights) < 0 or not max(weights):
        raise SparringError(
            "`l1`, `coarse`, `texture`, `likeness` and `adversarial` are weights: 0 or more, and one of them above 0; "
            f"they are {', '.join(map(str, weights))}"
        )
    if config.crop is None:
        raise SparringError("`crop` is the size of what training sees of a large picture, such as 96")


def refuse(spec: Spec, config: Any) -> None:
    """Raise SparringError for data whose crops are not `scale` times as large as small ones, or that have them made."""
    (height, width), scale = spec.shape[1:], config.scale
    if height % scale or width % scale:
        raise SparringError(
            f"crops of {height}x{width} cannot be shrunk {scale} times: give --crop a multiple of {scale}"
        )
    if spec.source and config.degrade != "none":
        raise SparringError("small pictures are given with the large ones, so none are made: --degrade none")
    if spec.source and tuple(side * scale for side in spec.source[1:]) != (height, width):
        given = "x".join(map(str, spec.source[1:]))
        raise SparringError(f"the small pictures are of {given}, which {scale} times enlarged is not {height}x{width}")
