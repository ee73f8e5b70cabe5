"""A look at all pictures before they are decoded, to choose the size and the channels that suit them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from PIL import Image

from sparring.data.gallery import Gallery, in_threads
from sparring.data.pictures import GREY_MODES, Header, header, is_grey, is_transparent, row, upright
from sparring.errors import SparringError

SMALLEST, LARGEST = 8, 1024


@dataclass(frozen=True)
class Survey:
    """The headers by index of those pictures that have a readable one, and what the choice came to."""

    headers: dict[int, Header]
    size: tuple[int, int]
    channels: int
    notes: tuple[str, ...]


def training_row(gallery: Gallery, index: int, plan: Survey) -> np.ndarray:
    """A picture as training sees it: uint8 (channels, height, width).

    Raises:
        Exception: as `pictures.row` does.
    """
    with gallery.open(index) as image:
        return np.ascontiguousarray(row(image, plan.size, plan.channels))


def parse_size(text: str) -> tuple[int, int]:
    """ "32" -> (32, 32); "48x64" -> (48, 64), height first.

    Raises:
        SparringError: for anything else, and for sides outside 8..1024.
    """
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip())
    sides = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not all(SMALLEST <= side <= LARGEST for side in sides):
        raise SparringError(
            f'The size "{text}" is not understood: give one number such as 32, or height x width such as '
            f"48x64, each from {SMALLEST} to {LARGEST}."
        )
    return sides


def survey(gallery: Gallery, size: tuple[int, int] | None, channels: int | None) -> Survey:
    """Read every header (every pixel only where the channels depend on it) and settle size and channels.

    Raises:
        SparringError: where not one picture can be read.
    """
    found = in_threads(lambda index: _header(gallery, index), range(len(gallery.names)))
    headers = {index: seen for index, seen in enumerate(found) if seen}
    if not headers:
        examples = ", ".join(gallery.names[:3])
        raise SparringError(f"Not one of the {len(gallery.names)} pictures can be read (for instance {examples}).")
    size = size or suitable_size(list(headers.values()))
    channels = channels or suitable_channels(gallery, headers)
    return Survey(headers, size, channels, notes(headers, size, channels))


def suitable_size(headers: list[Header]) -> tuple[int, int]:
    """(height, width): the one size that all share, if its sides lie in 8..128; else a square.

    The square's side is the largest power of two, 8 to 64, that is no larger than the median shorter side.
    """
    sizes = {(seen.height, seen.width) for seen in headers}
    if len(sizes) == 1 and all(SMALLEST <= side <= 128 for side in min(sizes)):
        return min(sizes)
    middle = median(min(seen.height, seen.width) for seen in headers)
    side = max((power for power in (8, 16, 32, 64) if power <= middle), default=8)
    return side, side


def suitable_channels(gallery: Gallery, headers: dict[int, Header]) -> int:
    """1 if every picture is grey, 4 if at least half have a transparent pixel, else 3."""
    # This ends at the first coloured picture: coloured data costs one decoded picture, not all of them.
    if all(seen.mode in GREY_MODES or _pixels(gallery, index, is_grey, True) for index, seen in headers.items()):
        return 1
    candidates = [index for index, seen in headers.items() if seen.alpha]
    if 2 * len(candidates) < len(headers):
        return 3
    transparent = sum(in_threads(lambda index: _pixels(gallery, index, is_transparent, False), candidates))
    return 4 if 2 * transparent >= len(headers) else 3


def notes(headers: dict[int, Header], size: tuple[int, int], channels: int) -> tuple[str, ...]:
    """What is done to the pictures on the way in, one sentence each; nothing done, no sentence."""
    height, width = size
    sizes = Counter((seen.height, seen.width) for seen in headers.values())
    told = []
    if set(sizes) != {size}:
        kinds = f"{len(sizes)} different sizes" if len(sizes) > 1 else "{}x{}".format(*min(sizes))
        told.append(
            f"Pictures of {kinds} were scaled to cover {height}x{width} (height x width, Lanczos filter) "
            "and cropped at the centre."
        )
    deep = sum(seen.deep for seen in headers.values())
    if deep:
        told.append(f"{_pictures(deep)} with more than 8 bits a channel: their full range was scaled to 0..255.")
    alpha = sum(seen.alpha for seen in headers.values())
    if alpha and channels < 4:
        told.append(f"{_pictures(alpha)} with an alpha channel: what is transparent was put on white.")
    return tuple(told)


def _pictures(count: int) -> str:
    return f"{count} picture{'s' * (count != 1)}"


def _header(gallery: Gallery, index: int) -> Header | None:
    try:
        with gallery.open(index) as image:
            return header(image)
    except Exception:  # Pillow's decoders raise anything on a broken file; `prepare` and `doctor` name such files
        return None


def _pixels(gallery: Gallery, index: int, question: Callable[[Image.Image], bool], broken: bool) -> bool:
    """The answer to a question on a picture's pixels; `broken` for a picture whose pixels cannot be read."""
    try:
        with gallery.open(index) as image:
            image.draft(None, (64, 64))
            return question(upright(image))
    except Exception:  # as in _header
        return broken
