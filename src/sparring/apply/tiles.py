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
    def of(cls, side: int, reach: int, multiple: int, scale: int = 1) -> Tiling:
        """Tiles of about `side` pixels for a network that sees `reach` pixels in each direction.

        Where the side allows it, a tile's pixels are right wherever they count: it sees `reach` beyond all that it
        fades into. A smaller side gets the margin that leaves a third of it to the tile itself, and wider fading. All
        is in pixels of what goes in; a network that enlarges by `scale` needs the fewer of them to fade over as many.
        """
        side = max(side - side % multiple, 3 * multiple)
        widest = (side // 3) - (side // 3) % multiple
        margin = min(cls.margin_of(reach, multiple, scale), widest)
        core = side - 2 * margin
        fade = margin - reach if margin > reach else margin // 2
        return cls(side, margin, min(fade, core // 4), multiple)  # a quarter, for the last tile may be half as wide

    @staticmethod
    def margin_of(reach: int, multiple: int, scale: int) -> int:
        """How far a tile must see beyond its own part to be exact."""
        return -(-(reach + -(-FADE // scale)) // multiple) * multiple

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
    finish: Callable[[int, int, Tensor], None],
) -> None:
    """Run a network over all tiles, from the top, and hand on each part as soon as no further tile adds to it.

    What is kept between tiles is what they fade into: a strip of the result's width and twice the fading's height.

    Args:
        work: the network: (1, c, h, w) -> (1, c', h * scale, w * scale).
        window: rows and columns of the picture -> (1, c, h, w), on the network's device.
        size: height and width of the picture, multiples of the tiling's.
        tiling, scale: how it is cut, and how many times larger the network makes it.
        finish: told of each part (c', rows, columns) float32 on the CPU, and of its first row and column in the result.
    """
    height, width = size
    above: Tensor | None = None  # what the tiles above left over, (c', 2 * fade * scale, width * scale)
    for y in tiling.spans(height):
        top, bottom = _faded(y, height, tiling.fade)
        done = (bottom - top if y.high == height else y.high - tiling.fade - top) * scale
        below: Tensor | None = None
        beside: Tensor | None = None  # what the tile to the left left over
        for x in tiling.spans(width):
            left, right = _faded(x, width, tiling.fade)
            rows = slice((top - y.start) * scale, (bottom - y.start) * scale)
            columns = slice((left - x.start) * scale, (right - x.start) * scale)
            part = work(window(_seen(y), _seen(x)))[0, :, rows, columns].float().cpu()
            part = part * _ramps(y, height, tiling.fade, scale)[:, None] * _ramps(x, width, tiling.fade, scale)
            if beside is not None:
                part[:, :, : beside.shape[2]] += beside
            through = part.shape[2] if x.high == width else (x.high - tiling.fade - left) * scale
            beside, part = part[:, :, through:].clone(), part[:, :, :through]
            here = slice(left * scale, left * scale + through)
            if above is not None:
                part[:, : above.shape[1]] += above[:, :, here]
            if done < part.shape[1]:
                below = part.new_empty(len(part), part.shape[1] - done, width * scale) if below is None else below
                below[:, :, here] = part[:, done:]
            finish(top * scale, left * scale, part[:, :done])
        above = below


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
