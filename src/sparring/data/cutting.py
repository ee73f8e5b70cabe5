"""Where the tiles of photographs lie, and their pixels: each photograph is decoded once for all of its tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from threading import Lock
from typing import NamedTuple

import numpy as np

from sparring.data.gallery import Gallery
from sparring.data.pictures import MODES, Header, on_white, upright
from sparring.data.survey import Survey, notes

ROOM = 64_000_000  # pixels of decoded photographs that are held at once, unless two are more
Size = tuple[int, int]
Pictures = list[np.ndarray]


class Cut(NamedTuple):
    """How photographs are cut.

    Attributes:
        crop, tile: (height, width) in pixels of the first side.
        steps: of each side how many times smaller its pictures are than those of the first.
        channels: of all sides.
    """

    crop: Size
    tile: Size
    steps: tuple[int, ...]
    channels: int


class Photos:
    """Photographs, of one side or of two that show the same at two sizes, and their tiles.

    Args:
        chosen: which pictures of the galleries are to be cut, ascending.
        sides: galleries of equal length.
        headers: of each side, of those pictures that have a readable one.
        cut: how to cut them.

    Attributes:
        places: (n, 3) int64, for each tile the picture, as a place in `chosen`, and the tile's first row and column.
    """

    def __init__(self, chosen: list[int], sides: list[Gallery], headers: list[dict[int, Header]], cut: Cut) -> None:
        self.chosen, self.sides, self.headers, self.cut = chosen, sides, headers, cut
        self.sizes = [self._size(at) for at in chosen]
        grids = [_grid(photo, size, cut.tile) for photo, size in enumerate(self.sizes)]
        self.places = np.concatenate(grids)
        self._shelf = Shelf(self._decode, [len(grid) for grid in grids], [high * wide for high, wide in self.sizes])

    def row(self, index: int) -> np.ndarray:
        """The tile of one side, uint8 (channels, *tile); of two, both in one row (channels, 1, pixels of both).

        Raises:
            Exception: whatever Pillow's decoders raise for a broken file; they follow no rule.
        """
        photo, *place = self.places[index].tolist()
        tiles = []
        for picture, step in zip(self._shelf.take(photo), self.cut.steps, strict=True):
            (top, left), (high, wide) = ([side // step for side in pair] for pair in (place, self.cut.tile))
            tiles.append(np.ascontiguousarray(picture[top : top + high, left : left + wide].transpose(2, 0, 1)))
        if len(tiles) == 1:
            return tiles[0]
        return np.concatenate([tile.reshape(self.cut.channels, 1, -1) for tile in tiles], 2)

    def survey(self) -> Survey:
        """What `prepare` must know of the rows."""
        area = self.cut.tile[0] * self.cut.tile[1]
        stored = self.cut.tile if len(self.sides) == 1 else (1, sum(area // step**2 for step in self.cut.steps))
        return Survey({}, stored, self.cut.channels, ())

    def notes(self) -> tuple[str, ...]:
        """What becomes of small pictures, of 16 bits and of transparency, one sentence each."""
        high, wide = self.cut.tile
        told = []
        if small := sum(0 < size[0] < high or 0 < size[1] < wide for size in self.sizes):
            what = "1 picture is" if small == 1 else f"{small} pictures are"
            told.append(f"{what} smaller than a tile of {high}x{wide}, and extended by mirroring.")
        for letter, own in zip(("B: ", "A: ") if len(self.sides) > 1 else ("",), self.headers, strict=True):
            alike = {at: replace(own[at], height=high, width=wide) for at in self.chosen if at in own}  # none is scaled
            told += [letter + note for note in notes(alike, self.cut.tile, self.cut.channels)]
        return tuple(told)

    def _size(self, at: int) -> Size:
        """As the header tells it; (0, 0), of which nothing can be cut, where one is not readable."""
        if not all(at in own for own in self.headers):
            return 0, 0
        return self.headers[0][at].height, self.headers[0][at].width

    def _decode(self, photo: int) -> Pictures:
        return [self._side(photo, gallery, step) for gallery, step in zip(self.sides, self.cut.steps, strict=True)]

    def _side(self, photo: int, gallery: Gallery, step: int) -> np.ndarray:
        """A picture, uint8 (height, width, channels), at least as large as a tile."""
        channels, size = self.cut.channels, tuple(side // step for side in self.sizes[photo])
        with gallery.open(self.chosen[photo]) as image:
            picture = upright(image)
            pixels = np.asarray((picture if channels == 4 else on_white(picture)).convert(MODES[channels]))
        if pixels.shape[:2] != size:
            raise ValueError(f"it is {pixels.shape[0]}x{pixels.shape[1]}, which is not what its header says")
        pixels = pixels.reshape(*size, channels)
        around = [self._around(*pair, step) for pair in zip(self.sizes[photo], self.cut.tile, strict=True)]
        return np.pad(pixels, [*around, (0, 0)], "symmetric") if np.any(around) else pixels

    def _around(self, length: int, tile: int, step: int) -> tuple[int, int]:
        """How many pixels of one side's picture are mirrored before it and after it, to reach a tile's length."""
        unit = self.cut.steps[-1]  # whole pixels of the smallest, so that all sides still show one place
        lacking = max(0, tile - length)
        before = lacking // (2 * unit) * unit
        return before // step, (lacking - before) // step


def _grid(photo: int, size: Size, tile: Size) -> np.ndarray:
    """(n, 3): the photograph, and the first row and column of each of its tiles."""
    rows, columns = (_starts(*pair) for pair in zip(size, tile, strict=True))
    return np.array([(photo, top, left) for top in rows for left in columns], np.int64)


def _starts(length: int, tile: int) -> list[int]:
    starts = list(range(0, max(length, tile) - tile + 1, tile))
    rest = length - starts[-1] - tile
    return [*starts, length - tile] if 4 * rest >= tile else starts


class Shelf:
    """Photographs that are decoded by the first thread to need them, and put away with their last tile.

    A thread that would wait for one decodes the one that will be needed next. Who asks for all tiles in their order
    has each photograph decoded once; who asks for some finds the latest photographs.

    Args:
        decode: a photograph -> its pixels, or an exception, which then meets all its tiles.
        tiles: of each photograph the number of its tiles.
        pixels: of each photograph.
    """

    def __init__(self, decode: Callable[[int], Pictures], tiles: Sequence[int], pixels: Sequence[int]) -> None:
        self._decode, self._tiles, self._pixels = decode, tiles, pixels
        self._lock = Lock()
        self._held: dict[int, Future[Pictures]] = {}
        self._left: dict[int, int] = {}
        self._next = 0  # the first photograph that nobody has begun

    def take(self, photo: int) -> Pictures:
        """What `decode` gives, for one of the photograph's tiles."""
        with self._lock:
            begun = self._held.get(photo)
            pixels = begun or self._begin(photo)
            self._left[photo] -= 1
            if not self._left[photo]:
                self._put_away(photo)
        if begun is None:
            self._finish(photo, pixels)
        elif not pixels.done():
            self._look_ahead()
        return pixels.result()

    def _look_ahead(self) -> None:
        with self._lock:
            photo = self._next
            if photo == len(self._tiles) or self._pixels_held() + self._pixels[photo] > ROOM:
                return
            pixels = self._begin(photo)
        self._finish(photo, pixels)

    def _begin(self, photo: int) -> Future[Pictures]:
        while len(self._held) > 1 and self._pixels_held() + self._pixels[photo] > ROOM:
            self._put_away(next(iter(self._held)))
        self._held[photo], self._left[photo] = Future(), self._tiles[photo]
        self._next = max(self._next, photo + 1)
        return self._held[photo]

    def _finish(self, photo: int, pixels: Future[Pictures]) -> None:
        try:
            pixels.set_result(self._decode(photo))
        except BaseException as error:  # any at all, or else those who wait would wait for ever
            pixels.set_exception(error)

    def _put_away(self, photo: int) -> None:
        del self._held[photo], self._left[photo]

    def _pixels_held(self) -> int:
        return sum(self._pixels[photo] for photo in self._held)
