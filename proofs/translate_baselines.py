"""The pictures of one task of proofs/translate.py, and what the simplest methods make of them.

Everything here is a tensor (n, 3, h, w) in -1..1. A baseline takes a `Pictures` and gives a picture for each held-out
one; none of them has seen what it is judged by.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from sparring.data.dataset import decode
from sparring.metrics.neighbours import nearest
from sparring.networks.lab import from_lab, lightness, to_lab

BITS = 5  # of each colour, by which a look-up table tells colours apart
TONES = 256  # of lightness, by which the one for colourising does
LOOK = 4  # a nearest neighbour is sought among pictures reduced by this factor
HELD = ("test/a", "test/b")


class Pictures:
    """What translate_data.py has made for a task.

    Args:
        folder: of the task. Where it has no side `a`, that is the grey form of `b`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            sys.exit(f"error: {folder} is not there: first python proofs/translate_data.py --out {folder.parent}")
        self.paired = self.names("train/a") == self.names("train/b") or not self.names("train/a")

    def names(self, part: str) -> list[str]:
        return sorted(path.name for path in (self.folder / part).glob("*.png"))

    def read(self, part: str) -> Tensor:
        if part.endswith("a") and not (self.folder / part).is_dir():
            return grey(self.read(part[:-1] + "b"))
        pixels = [np.array(Image.open(self.folder / part / name).convert("RGB")) for name in self.names(part)]
        return decode(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))

    @cached_property
    def known(self) -> tuple[Tensor, Tensor]:
        """Both sides of what is learnt from."""
        return self.read("train/a"), self.read("train/b")

    @cached_property
    def given(self) -> Tensor:
        """What is held out, and to be translated."""
        return self.read(HELD[0])

    @cached_property
    def true(self) -> Tensor:
        """What those really are, in the same order."""
        return self.read(HELD[1])


def grey(pictures: Tensor) -> Tensor:
    """The same lightness without any colour."""
    light = lightness(pictures)
    return from_lab(torch.cat([light, torch.zeros_like(light).expand(-1, 2, -1, -1)], 1))


def copy(pictures: Pictures) -> Tensor:
    """What is given, as it is."""
    return pictures.given


def mean(pictures: Pictures) -> Tensor:
    """The mean of all pictures of the other side, which is the best answer for who does not look."""
    return pictures.known[1].mean(0, keepdim=True).expand_as(pictures.true)


def look_up(pictures: Pictures) -> Tensor:
    """To each colour the mean of what it becomes in the training pairs; to unknown ones the mean of all."""
    a, b = pictures.known
    table = means(codes(a), b, 1 << (3 * BITS))
    return table[codes(pictures.given)].permute(0, 3, 1, 2)


def codes(pictures: Tensor) -> Tensor:
    """Each pixel's colour as a number of 3 * BITS bits, (n, h, w)."""
    levels = ((pictures + 1) * 127.5).round().long() >> (8 - BITS)
    return (levels[:, 0] << (2 * BITS)) | (levels[:, 1] << BITS) | levels[:, 2]


def means(code: Tensor, values: Tensor, size: int) -> Tensor:
    """The mean of values (n, c, h, w) at each code (n, h, w) of 0..size-1, drawn a little to that of all: (size, c)."""
    flat = values.permute(0, 2, 3, 1).flatten(0, 2).double()
    counts = torch.bincount(code.flatten(), minlength=size).double()
    sums = torch.zeros(size, flat.shape[1], dtype=torch.float64).index_add_(0, code.flatten(), flat)
    return ((sums + flat.mean(0)) / (counts + 1)[:, None]).float()


def mean_colour(pictures: Pictures) -> Tensor:
    """The given lightness in the mean colour of all training pictures."""
    opponents = to_lab(pictures.known[1])[:, 1:].mean((0, 2, 3))
    light = lightness(pictures.given)
    return from_lab(torch.cat([light, opponents.view(1, 2, 1, 1).expand(len(light), 2, *light.shape[2:])], 1))


def look_up_colour(pictures: Pictures) -> Tensor:
    """To each lightness the mean colour that it has in the training pictures."""
    lab = to_lab(pictures.known[1])
    table = means(tones(lab[:, :1]), lab[:, 1:], TONES)
    light = lightness(pictures.given)
    return from_lab(torch.cat([light, table[tones(light)].permute(0, 3, 1, 2)], 1))


def tones(light: Tensor) -> Tensor:
    """Lightness (n, 1, h, w) in -1..1 as whole numbers, (n, h, w)."""
    return ((light[:, 0] + 1) / 2 * (TONES - 1)).round().long().clamp(0, TONES - 1)


def neighbour(pictures: Pictures) -> Tensor:
    """The other side of the training pair whose given side is most like what is given."""
    a, b = pictures.known
    near, far = (avg_pool2d(part, LOOK).flatten(1) for part in (pictures.given, a))
    return b[nearest(near.double(), far)[1]]


def matched(pictures: Pictures) -> Tensor:
    """Each channel's values moved so that they are as frequent as in the pictures of the other side."""
    a, b = pictures.known
    ranks = torch.linspace(0, 1, 1025, dtype=torch.float64).numpy()
    made = []
    for channel in range(3):
        before, after = (np.quantile(part[:, channel].numpy(), ranks) for part in (a, b))
        made.append(torch.from_numpy(np.interp(pictures.given[:, channel].numpy(), before, after)))
    return torch.stack(made, 1).float()


def repeated(pictures: Pictures) -> Tensor:
    """One real picture of the other side, whatever is given: a cheat that fools who only judges style."""
    return pictures.known[1][:1].expand_as(pictures.true)


def strangers(pictures: Pictures) -> Tensor:
    """The true pictures of other inputs: what chance gets."""
    return pictures.true[shuffle(len(pictures.true))]


def shuffle(n: int) -> Tensor:
    """A fixed order in which nothing stays in its place."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    others = torch.empty(n, dtype=torch.int64)
    others[order] = order.roll(1)
    return others


BASELINES: dict[str, Callable[[Pictures], Tensor]] = {
    "the input as it is": copy,
    "the mean picture": mean,
    "colour look-up table": look_up,
    "the mean colour": mean_colour,
    "lightness look-up table": look_up_colour,
    "nearest neighbour": neighbour,
    "matched histograms": matched,
    "one real picture, repeated": repeated,
    "chance: true pictures of other inputs": strangers,
}
