"""Pictures of any size in the memory of a part: overlapping tiles, one at a time, faded into each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.apply.norms import Core

FADE = 8  # pixels on either side of a border over which one tile fades into the next, at least


class Span(NamedTuple):
    """One tile along one side of the picture, in pixels: what it sees is start..stop, what is its own low..high."""

    start: int
    low: int
    high: int
    stop: int


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut.

    Attributes:
        side: of a tile, in pixels, with all that it sees.
        margin: how far a tile sees beyond its own part; neighbours overlap by twice this.
        fade: how far on either side of a border two tiles are mixed.
        multiple: what all borders are multiples of.
    """

    side: int
    margin: int
    fade: int
    multiple: int

    @classmethod
    def of(cls, side: int, reach: int, multiple: int) -> Tiling:
        """Tiles of about `side` pixels for a network that sees `reach` pixels in each direction.

        Where the side allows it, a tile's pixels are right wherever they count: it sees `reach` beyond all that it
        fades into. A smaller side gets the margin that leaves a third of it to the tile itself, and wider fading.
        """
        side = max(side - side % multiple, 3 * multiple)
        widest = (side // 3) - (side // 3) % multiple
        margin = min(-(-(reach + FADE) // multiple) * multiple, widest)
        core = side - 2 * margin
        fade = margin - reach if margin > reach else margin // 2
        return cls(side, margin, min(fade, core // 4), multiple)  # a quarter, for the last tile may be half as wide

    def exact(self, reach: int) -> bool:
        """Whether tiles give what the whole picture would."""
        return self.margin >= reach + self.fade

    def spans(self, length: int) -> list[Span]:
        """The tiles along a side of `length` pixels, a multiple of `multiple`; one where it fits into a tile."""
        if length <= self.side:
            return [Span(0, 0, length, length)]
        core = self.side - 2 * self.margin
        count = -(-length // core)
        cuts = [length * i // count // self.multiple * self.multiple for i in range(count)] + [length]
        return [
            Span(max(0, low - self.margin), low, high, min(length, high + self.margin)) for low, high in pairwise(cuts)
        ]


def each(
    window: Callable[[slice, slice], Tensor], size: tuple[int, int], tiling: Tiling
) -> Iterator[tuple[Core, Tensor]]:
    """Every tile with its core; `window` and `size` as in `run`."""
    height, width = size
    for y in tiling.spans(height):
        for x in tiling.spans(width):
            place = (y.low - y.start, y.high - y.start, x.low - x.start, x.high - x.start)
            yield Core(*place, y.stop - y.start, x.stop - x.start), window(_seen(y), _seen(x))


def run(
    work: Callable[[Tensor], Tensor],
    window: Callable[[slice, slice], Tensor],
    size: tuple[int, int],
    tiling: Tiling,
    scale: int,
    finish: Callable[[int, Tensor], None],
) -> None:
    """Run a network over all tiles, from the top, and hand on rows as soon as no further tile adds to them.

    Args:
        work: the network: (1, c, h, w) -> (1, c', h * scale, w * scale).
        window: rows and columns of the picture -> (1, c, h, w), on the network's device.
        size: height and width of the picture, multiples of the tiling's.
        tiling, scale: how it is cut, and how many times larger the network makes it.
        finish: told of rows (c', rows, width * scale) float32 on the CPU, and of the first's place in the result.
    """
    height, width = size
    down, across = tiling.spans(height), tiling.spans(width)
    left_over: Tensor | None = None
    for y in down:
        top, bottom = _faded(y, height, tiling.fade)
        strip: Tensor | None = None
        for x in across:
            left, right = _faded(x, width, tiling.fade)
            made = work(window(_seen(y), _seen(x)))[0]
            rows = slice((top - y.start) * scale, (bottom - y.start) * scale)
            columns = slice((left - x.start) * scale, (right - x.start) * scale)
            part = made[:, rows, columns].float().cpu()
            part = part * _ramps(y, height, tiling.fade, scale)[:, None] * _ramps(x, width, tiling.fade, scale)
            if strip is None:
                strip = part.new_zeros(part.shape[0], (bottom - top) * scale, width * scale)
            strip[:, :, left * scale : right * scale] += part
        assert strip is not None
        if left_over is not None:
            strip[:, : left_over.shape[1]] += left_over
        done = (bottom - top if y.high == height else y.high - tiling.fade - top) * scale
        finish(top * scale, strip[:, :done])
        left_over = strip[:, done:].clone()


def _seen(span: Span) -> slice:
    return slice(span.start, span.stop)


def _faded(span: Span, length: int, fade: int) -> tuple[int, int]:
    """From where to where a tile counts: its own part, and what it fades into."""
    return (span.low - fade if span.low else 0), (span.high + fade if span.high < length else length)


def _ramps(span: Span, length: int, fade: int, scale: int) -> Tensor:
    """How much a tile counts along one side: 1, but towards each neighbour down to 0, as the neighbour's goes up."""
    start, stop = _faded(span, length, fade)
    weights = torch.ones((stop - start) * scale)
    rise = (torch.arange(2 * fade * scale) + 0.5) / max(1, 2 * fade * scale)
    if span.low and fade:
        weights[: len(rise)] = rise
    if span.high < length and fade:
        weights[-len(rise) :] = 1 - rise
    return weights
