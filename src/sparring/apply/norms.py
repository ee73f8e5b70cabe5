"""Norms that take statistics over the whole picture, for networks that see a tile at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm


class Core(NamedTuple):
    """The part of a tile that is nobody else's: places in the tile, and the tile's own size, in pixels."""

    top: int
    bottom: int
    left: int
    right: int
    height: int
    width: int

    def of(self, x: Tensor) -> Tensor:
        """The same part of a map (n, c, h, w) of any resolution."""
        high, wide = x.shape[2:]
        rows = slice(self.top * high // self.height, self.bottom * high // self.height)
        return x[:, :, rows, self.left * wide // self.width : self.right * wide // self.width]


class _EnoughError(Exception):
    """The network has come to the norm whose statistics are being gathered; the rest of it is of no use yet."""


class WholePicture:
    """Within this context the norms of a network take statistics over a picture of which it is shown tiles.

    `learn` finds them: what comes into the first norm depends on no norm, so a look at all tiles gives its statistics,
    gathered over the tiles' cores, that is over each place once; with these a second look gives those of the second
    norm, and so on. Each look runs the network only as far as the norm in question. (Looks at all norms at once, again
    and again until nothing moves, take as many: measured, an error of one norm grows through those behind it before
    it fades.)

    Args:
        network: its InstanceNorm and GroupNorm layers, and BatchNorm layers where they are in training mode, take
            statistics over the picture; all other layers stay as they are.
    """

    def __init__(self, network: nn.Module) -> None:
        norms = (nn.InstanceNorm2d, nn.GroupNorm, _BatchNorm)
        self._norms: list[nn.Module] = [one for one in network.modules() if isinstance(one, norms)]
        self._known: list[tuple[Tensor, Tensor]] = []
        self._sums: list[_Sums] = []  # of the norm in question; empty until the network comes to it
        self._core = Core(0, 0, 0, 0, 1, 1)
        self._turn = 0  # of which norm; one that is used twice has two turns
        self._looking = False

    def __enter__(self) -> WholePicture:
        for norm in self._norms:
            norm.forward = partial(self._normalise, norm, norm.forward)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for norm in self._norms:
            del norm.forward  # the class's own is seen again

    def learn(self, network: Callable[[Tensor], object], tiles: Callable[[], Iterator[tuple[Core, Tensor]]]) -> None:
        """Find the statistics of all norms.

        Args:
            network: runs the network of this context on a tile (1, c, h, w).
            tiles: begins anew each time; all tiles with their cores, whose union is the picture.
        """
        self._looking = bool(self._norms)
        while self._looking:
            self._sums = []
            if any(self._runs_through(network, *one) for one in tiles()):
                self._looking = False  # there is no norm but those that are known
            if self._sums:
                self._known.append(self._sums[0].statistics())

    def _runs_through(self, network: Callable[[Tensor], object], core: Core, tile: Tensor) -> bool:
        """Whether the network comes to its end, and not to the norm whose statistics are being gathered."""
        self._core, self._turn = core, 0
        try:
            network(tile)
        except _EnoughError:
            return False
        return True

    def begun(self, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The network of this context, each time from its first norm on."""

        def from_the_first(tile: Tensor) -> Tensor:
            self._turn = 0
            return network(tile)

        return from_the_first

    def _normalise(self, norm: nn.Module, plain: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        if not _by_picture(norm):
            return plain(x)
        groups = norm.num_groups if isinstance(norm, nn.GroupNorm) else x.shape[1]
        if self._turn == len(self._known) and self._looking:
            self._sums = self._sums or [_Sums(groups)]
            self._sums[0].add(self._core.of(x))
            raise _EnoughError
        known = self._known[self._turn]
        self._turn += 1
        mean, variance = (one.to(x).repeat_interleave(x.shape[1] // groups) for one in known)
        weight, bias, eps = getattr(norm, "weight", None), getattr(norm, "bias", None), float(norm.eps)  # type: ignore[arg-type]
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)


class _Sums:
    """Mean and variance of values that come in parts, by Chan's rule; in double precision, on the CPU."""

    def __init__(self, groups: int) -> None:
        self.groups, self.count = groups, 0
        self.mean = torch.zeros(groups, dtype=torch.float64)
        self.squares = torch.zeros(groups, dtype=torch.float64)  # of differences from the mean

    def add(self, x: Tensor) -> None:
        count = x.numel() // self.groups
        if not count:  # a core that is smaller than a place of a coarse map
            return
        mean, variance = (one.double().cpu() for one in _moments(x, self.groups))
        total = self.count + count
        apart = mean - self.mean
        self.squares += variance * count + apart.square() * (self.count * count / total)
        self.mean += apart * (count / total)
        self.count = total

    def statistics(self) -> tuple[Tensor, Tensor]:
        return self.mean, self.squares / max(1, self.count)


def _moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """The mean and the variance of each group of channels of (1, c, h, w): (groups,) each."""
    variance, mean = torch.var_mean(x.view(1, groups, -1, *x.shape[2:]), dim=(0, 2, 3, 4), correction=0)
    return mean, variance


def _by_picture(norm: nn.Module) -> bool:
    """Whether a norm, as it stands, takes statistics over what it is shown, and not those that it learnt."""
    return isinstance(norm, nn.GroupNorm) or norm.training or getattr(norm, "running_mean", None) is None
