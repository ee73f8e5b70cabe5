"""Pictures of 16 bits a channel: Pillow reads half of what has colours or transparency, so two reads make one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from sparring.apply.exif import loaded, told
from sparring.errors import SparringError

COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> PNG's colour type
ROWS = 64  # that are compressed at once
# TIFF's tags and kinds of values
ASCII, SHORT, LONG, BYTES = 2, 3, 4, 7
DEFLATE, UNPREMULTIPLIED = 8, (2,)
ICC_TAG = 34675


def raw_mode(image: Image.Image) -> str:
    """How the pixels of a picture that is opened and not yet decoded lie in its file, such as "RGB;16B"."""
    for tile in getattr(image, "tile", ()):
        args = tile[3]
        return str(args if isinstance(args, str) else args[0])
    return image.mode


def is_deep(image: Image.Image) -> bool:
    """Whether a picture that is opened and not yet decoded has 16 bits of a colour or of transparency."""
    return not image.mode.startswith("I") and ";16" in raw_mode(image)


def read(open_again: Callable[[], Image.Image]) -> np.ndarray:
    """The pixels of an `is_deep` picture, (h, w, c) uint16 with c of 2 (grey and alpha), 3 or 4.

    Pillow knows how to take the upper byte of each number, of whichever byte comes first in the file; told that the
    other comes first it takes the lower one.

    Raises:
        SparringError: for a layout that this cannot be done with.
        Exception: whatever Pillow's decoders raise.
    """
    with open_again() as image:
        kind = raw_mode(image)
    layout, _, order = kind.partition(";16")
    if layout == "LA":
        with _as("RGBA", "RGBA", open_again) as image:  # its four bytes as they are
            four = np.asarray(image).astype(np.uint16)
        return four[..., 0::2] << 8 | four[..., 1::2]
    native = "L" if struct.pack("=H", 1)[0] else "B"
    order = native if order == "N" else order
    if layout not in ("RGB", "RGBA") or order not in ("L", "B"):
        raise SparringError(f"its 16 bits lie in a way that is not read ({kind}); save it as RGB or RGBA")
    other = {"L": "B", "B": "L"}[order]
    with _as(layout, f"{layout};16{order}", open_again) as image:
        pixels = np.asarray(image).astype(np.uint16) << 8
    with _as(layout, f"{layout};16{other}", open_again) as image:
        pixels |= np.asarray(image)
    return pixels


def _as(mode: str, raw: str, open_again: Callable[[], Image.Image]) -> Image.Image:
    """The picture, decoded as if its pixels lay as `raw` says."""
    image = open_again()
    tiles = []
    for tile in image.tile:  # type: ignore[attr-defined]
        args = raw if isinstance(tile[3], str) else (raw, *tile[3][1:])
        tiles.append(tile._replace(args=args))
    image._mode, image.tile = mode, tiles  # type: ignore[attr-defined]
    image.load()
    return image


def write_png(
    file: BinaryIO, pixels: np.ndarray, icc: bytes | None, exif: bytes | None, dpi: tuple[float, float] | None
) -> None:
    """(h, w, c) uint16 with c of 1 to 4 -> a PNG; after the PNG specification, sections 5, 9 and 11."""
    height, width, channels = pixels.shape

    def chunk(name: bytes, *parts: bytes) -> None:
        body = name + b"".join(parts)
        file.write(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))

    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, COLOURS[channels], 0, 0, 0))
    if icc:
        chunk(b"iCCP", b"ICC profile\0\0", zlib.compress(icc))
    if dpi:
        a_metre = [max(0, round(float(side) / 0.0254)) for side in dpi]
        chunk(b"pHYs", struct.pack(">IIB", *a_metre, 1))
    if exif:
        chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    packer = zlib.compressobj(6)
    above = np.zeros((1, width * channels * 2), np.uint8)
    for top in range(0, height, ROWS):
        rows = np.ascontiguousarray(pixels[top : top + ROWS]).astype(">u2").view(np.uint8).reshape(-1, above.shape[1])
        rises = rows - np.concatenate([above, rows[:-1]])  # the filter "Up", modulo 256
        above = rows[-1:]
        marked = np.concatenate([np.full((len(rows), 1), 2, np.uint8), rises], 1)
        if packed := packer.compress(marked.tobytes()):
            chunk(b"IDAT", packed)
    chunk(b"IDAT", packer.flush())
    chunk(b"IEND")


def write_tiff(
    file: BinaryIO,
    pixels: np.ndarray,
    icc: bytes | None,
    exif: bytes | None,
    dpi: tuple[float, float] | None,
) -> None:
    """(h, w, c) uint16 with c of 1 to 4 -> a TIFF, deflated; after TIFF 6.0, sections 2 and 18."""
    if pixels.shape[2] == 2:  # Pillow reads no TIFF of grey and alpha
        pixels = pixels[..., [0, 0, 0, 1]]
    height, width, channels = pixels.shape
    file.write(b"II*\0\0\0\0\0")
    offsets, sizes = [], []
    for top in range(0, height, ROWS):
        packed = zlib.compress(np.ascontiguousarray(pixels[top : top + ROWS]).astype("<u2").tobytes(), 6)
        offsets.append(file.tell())
        sizes.append(file.write(packed))
    tags: list[tuple[int, int, tuple[int, ...] | bytes]] = [
        (256, LONG, (width,)),
        (257, LONG, (height,)),
        (258, SHORT, (16,) * channels),
        (259, SHORT, (DEFLATE,)),
        (262, SHORT, (1 if channels == 1 else 2,)),
        (273, LONG, tuple(offsets)),
        (277, SHORT, (channels,)),
        (278, LONG, (ROWS,)),
        (279, LONG, tuple(sizes)),
    ]
    if dpi:
        across, down = (struct.pack("<II", max(1, round(float(side) * 1000)), 1000) for side in dpi)
        tags += [(282, 5, across), (283, 5, down), (296, SHORT, (2,))]
    if channels == 4:
        tags.append((338, SHORT, UNPREMULTIPLIED))
    if icc:
        tags.append((ICC_TAG, BYTES, icc))
    _directory(file, sorted(tags + _besides(file, exif)))


def _besides(file: BinaryIO, exif: bytes | None) -> list[tuple[int, int, tuple[int, ...] | bytes]]:
    """The tags of an EXIF block that a TIFF may have; the directories among them are written here."""
    tags: list[tuple[int, int, tuple[int, ...] | bytes]] = []
    for tag, value in told(loaded(exif)).items() if exif else ():
        if isinstance(value, dict):
            inner = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
            inner.update(value)
            file.write(b"\0" * (file.tell() % 2))
            tags.append((tag, LONG, (file.tell(),)))
            file.write(inner.tobytes(file.tell()))
        elif isinstance(value, str):
            tags.append((tag, ASCII, value.encode() + b"\0"))
        else:
            tags.append((tag, SHORT, (value,)))
    return tags


def _directory(file: BinaryIO, tags: list[tuple[int, int, tuple[int, ...] | bytes]]) -> None:
    """Write the values that are too long for the directory, then the directory, and point to it from the start."""
    entries = []
    for tag, kind, value in tags:
        if isinstance(value, bytes):
            raw, count = value, len(value) // (8 if kind == 5 else 1)
        else:
            raw, count = struct.pack(f"<{len(value)}{'H' if kind == SHORT else 'I'}", *value), len(value)
        if len(raw) > 4:
            file.write(b"\0" * (file.tell() % 2))
            place = file.tell()
            file.write(raw)
            raw = struct.pack("<I", place)
        entries.append(struct.pack("<HHI", tag, kind, count) + raw.ljust(4, b"\0"))
    file.write(b"\0" * (file.tell() % 2))
    place = file.tell()
    if place >= 1 << 32:
        raise SparringError("a TIFF holds no more than 4 GB; name the output .png")
    file.write(struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0")
    file.seek(4)
    file.write(struct.pack("<I", place))
