"""One picture through a translator: what `sparring apply` writes, and what training shows of held-out pictures.

Both call `translate_picture`, so what is seen in training is to the byte what comes out of the finished run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.apply import tiles
from sparring.apply.memory import available, bytes_a_pixel
from sparring.apply.norms import WholePicture
from sparring.apply.tiles import Tiling
from sparring.errors import SparringError
from sparring.gan import GAN
from sparring.networks.unet import Thinning

SMALL = 256 * 256  # pixels: a picture so small goes through in one piece, without a look at the memory
SHARE = 0.5  # of the free memory that a tile may take
MOST = 1 << 30  # bytes for a tile of a network that enlarges: larger ones spare no time, and memory should stay flat
MARGINS = 6  # times what it sees beyond its borders is its side, at least, lest most of the work be done twice
PROBE = 128  # side of the largest picture that comes out where the network's memory is measured
AFTER = 16  # bytes that a number which comes out takes besides: faded, rounded and stored


def translate_picture(gan: GAN, picture: np.ndarray) -> np.ndarray:
    """What a translator makes of one picture of any size.

    Args:
        gan: with `translates`, in evaluation mode.
        picture: (h, w, c) uint8 or uint16, upright, with the channels that the network takes: those of spec.source, or
            of spec.shape for recipes that learn from pictures alone. For a map of labels c is 1: places in spec.labels.

    Returns:
        (h * scale, w * scale, c') of the same type.
    """
    return Translator(gan)(picture)


class Translator:
    """A translator for one picture after the other, in one piece where the memory allows it and in tiles otherwise.

    Args:
        gan: as in `translate_picture`; it stays on the device where it is.
        backwards: from what it makes to what it is given, for recipes with `back`.
        tile: the side of a tile in pixels; 0 for none at all, None to choose by memory.

    Attributes:
        channels: of the pictures that go in.
        scale: how many times larger they come out.
        enlarges: whether what comes out is the same picture, larger: it has the channels of what went in.
        seams: set once a picture went through tiles that are not exact: in words, why not.

    Raises:
        SparringError: for a GAN that does not translate, or not backwards.
    """

    def __init__(self, gan: GAN, backwards: bool = False, tile: int | None = None) -> None:
        if not gan.translates:
            raise SparringError(f"{type(gan).__name__} makes pictures from noise, not from pictures")
        if tile is not None and tile < 0:
            raise SparringError(f"a tile has a side of so many pixels, or 0 for none; it is {tile}")
        self.gan, self._tile = gan, tile
        self.labels = () if backwards else gan.spec.labels
        self.scale = 1 if backwards else gan.scale
        self.channels = self._channels(backwards)
        self.enlarges = self.scale > 1 and not self.labels and self.channels == gan.spec.shape[0]
        self.seams = ""
        self._work: Callable[[Tensor], Tensor] = self._back() if backwards else gan.translate
        self._bytes_a_pixel = 0.0

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """See `translate_picture`.

        Raises:
            SparringError: for a picture of other channels than the network takes, or too little memory.
        """
        if picture.ndim != 3 or picture.shape[2] != (1 if self.labels else self.channels):
            raise SparringError(f"the network takes pictures of {self.channels} channels; this is {picture.shape}")
        side = self._side(picture)
        while True:
            try:
                return self._through(picture, side)
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                side = min(side, *map(self._full, picture.shape[:2])) // 2
                if not _is_memory(error) or self._tile is not None or side < 3 * self.gan.multiple:
                    raise

    def _channels(self, backwards: bool) -> int:
        spec = self.gan.spec
        return spec.shape[0] if backwards or not spec.source else spec.source[0]

    def _back(self) -> Callable[[Tensor], Tensor]:
        back: Callable[[Tensor], Tensor] | None = getattr(self.gan, "back", None)
        if back is None:
            raise SparringError(f"{type(self.gan).__name__} learns one direction only: leave out --backwards")
        if self.gan.spec.labels:
            raise SparringError("what it was given are label maps, which no network makes: leave out --backwards")
        return back

    @property
    def _device(self) -> torch.device:
        return next(self.gan.parameters()).device

    def _full(self, length: int) -> int:
        """A side of a picture, padded to the network's multiple."""
        return -(-length // self.gan.multiple) * self.gan.multiple

    def _side(self, picture: np.ndarray) -> int:
        """Of a tile; the longer side of the padded picture where it goes through in one piece."""
        high, wide = map(self._full, picture.shape[:2])
        if self._tile:
            return self._tile
        if self._tile == 0 or high * wide * self.scale**2 <= SMALL:
            return max(high, wide)
        free, each = available(self._device), self._memory_a_pixel()
        if self.scale > 1 and self._device.type == "cpu":  # where the result, too, is yet to be
            free = max(0, free - high * wide * self.scale**2 * self.gan.spec.shape[0] * picture.itemsize)
        pixels = SHARE * free / each
        if self.scale > 1:
            least = MARGINS * Tiling.margin_of(self.gan.reach, 1, self.scale)
            pixels = min(pixels, max(MOST / each, least**2))
        return max(high, wide) if high * wide <= pixels else int(pixels**0.5)

    def _memory_a_pixel(self) -> float:
        """Bytes that a pixel of what goes in takes on its way; measured once."""
        if not self._bytes_a_pixel:
            side = self._full(max(1, PROBE // self.scale))
            probe = torch.zeros(1, self.channels, side, side, device=self._device)
            after = AFTER * self.gan.spec.shape[0] * self.scale**2 if self.scale > 1 else 0
            self._bytes_a_pixel = max(1.0, bytes_a_pixel(self._work, probe) + after)
        return self._bytes_a_pixel

    @torch.no_grad()
    def _through(self, picture: np.ndarray, side: int) -> np.ndarray:
        gan, scale = self.gan, self.scale
        height, width = picture.shape[:2]
        size = self._full(height), self._full(width)
        # A mirrored edge without a copy of the picture; numpy repeats what is too small to be mirrored.
        rows, columns = (
            np.pad(np.arange(n), (0, full - n), "reflect") for n, full in zip((height, width), size, strict=True)
        )
        device = self._device
        made: list[np.ndarray] = []

        def window(down: slice, across: slice) -> Tensor:
            return self._seen(picture[rows[down, None], columns[across]]).to(device)

        def finish(top: int, left: int, part: Tensor) -> None:
            if not made:
                made.append(np.empty((height * scale, width * scale, len(part)), picture.dtype))
            place = made[0][top : top + part.shape[1], left : left + part.shape[2]]
            place[:] = stored(part[:, : place.shape[0], : place.shape[1]], picture.dtype)

        tiling = Tiling.of(side, gan.reach, gan.multiple, scale)
        if max(size) <= tiling.side:
            tiles.run(self._work, window, size, tiling, scale, finish)
            return made[0]
        if not tiling.exact(gan.reach):
            self.seams = (
                f"tiles of {tiling.side} pixels see {tiling.margin} beyond their borders and the network {gan.reach}, "
                "so they may differ a little from the whole picture"
            )
        elif any(isinstance(layer, Thinning) for layer in gan.modules()):
            self.seams = "dropout goes on in this network, so large pictures in tiles differ from the same in one piece"
        with WholePicture(gan) as norms:
            norms.learn(self._work, lambda: tiles.each(window, size, tiling))
            tiles.run(norms.begun(self._work), window, size, tiling, scale, finish)
        return made[0]

    def _seen(self, pixels: np.ndarray) -> Tensor:
        """(h, w, c) as stored -> (1, c, h, w) as the network sees it."""
        if self.labels:
            codes = torch.from_numpy(pixels[..., 0].astype(np.int64))
            return torch.nn.functional.one_hot(codes, len(self.labels)).movedim(-1, 0)[None].float()
        high = np.iinfo(pixels.dtype).max / 2
        values = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32))
        return values.div_(high).sub_(1)[None]


def stored(made: Tensor, kind: Any) -> np.ndarray:
    """(c, h, w) float in -1..1, clamped -> (h, w, c) uint8 or uint16, as `kind` says."""
    most = np.iinfo(kind).max
    values = made.add(1).mul_(most / 2).round_().clamp_(0, most)
    return values.permute(1, 2, 0).numpy().astype(kind)


def _is_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)
