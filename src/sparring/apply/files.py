"""One picture file: what a network is given of it, and all else that its successor must have again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ExifTags, Image

from sparring.apply import deep
from sparring.apply.colours import Space
from sparring.apply.exif import loaded, told
from sparring.apply.memory import available
from sparring.errors import SparringError

RGB_TO_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R 601, as Pillow has it
COPIES = 2  # of a picture are in memory at once, at most: decoded and upright; then what is made of it and written
ROWS = 256  # that are made grey at once, where that takes numbers with decimals


@dataclass(frozen=True)
class Picture:
    """A picture as it was read.

    Attributes:
        pixels: (h, w, c) uint8 or uint16, upright, in sRGB, grey (c = 1) or RGB (c = 3); of a map of labels (h, w, 1)
            uint8, their places among those that are known.
        alpha: (h, w) of the same type, its opacity; None where all is opaque by its format.
        format: Pillow's name of the file's, such as "JPEG".
        mode: Pillow's name for how its pixels lay in the file.
        orientation: how its pixels are turned in the file, as EXIF has it: 1 where they are not.
        space: of its colours.
        exif: its EXIF block as it is; None where there is none, or it says otherwise than `orientation`.
        options: what else goes into a file of the same format: the resolution, how it is compressed.
        note: what could not be done for it, as half a sentence; mostly empty.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    format: str
    mode: str
    orientation: int
    space: Space
    exif: bytes | None
    options: dict[str, Any]
    note: str = ""

    def seen(self, channels: int) -> np.ndarray:
        """As a network of so many channels takes it; see `seen`."""
        return seen(self.pixels, self.alpha, channels)


def seen(colours: np.ndarray, alpha: np.ndarray | None, channels: int) -> np.ndarray:
    """Grey or RGB (h, w, c), and its opacity (h, w), as grey, RGB, or RGB and opacity: (h, w, channels)."""
    if channels == 1 and colours.shape[2] == 3:
        if colours.dtype == np.uint8:
            return np.asarray(Image.fromarray(np.ascontiguousarray(colours)).convert("L"))[..., None]
        grey = np.empty((*colours.shape[:2], 1), colours.dtype)
        for top in range(0, len(grey), ROWS):
            grey[top : top + ROWS, :, 0] = np.rint(colours[top : top + ROWS] @ RGB_TO_GREY)
        return grey
    if channels > 1 and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, 2)
    if channels == 4:
        opaque = np.full(colours.shape[:2], np.iinfo(colours.dtype).max) if alpha is None else alpha
        return np.concatenate([colours, opaque[..., None].astype(colours.dtype)], 2)
    return colours


@contextmanager
def any_size() -> Iterator[None]:
    """Within, Pillow opens pictures of any number of pixels: `read` asks the memory instead."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def read(source: Path | bytes, labels: tuple[int, ...] = (), name: str = "", scale: int = 1) -> Picture:
    """Read a picture file, or the bytes of one.

    Args:
        source: where it is.
        labels: where it is a map of labels, those that are known.
        name: for messages on labels.
        scale: how many times larger is what will be made of it.

    Raises:
        SparringError: for an animated picture, one too large for the memory, and values that mean no brightness.
        Exception: whatever Pillow's decoders raise for a broken file.
    """

    def again() -> Image.Image:
        return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)

    with again() as image:
        _refuse(image, scale)
        kept = _options(image, source), str(image.format), image.mode
        if labels:
            from sparring.data.sides.labels import codes

            return Picture(codes(image, labels, name)[..., None], None, kept[1], "P", 1, Space(None), None, kept[0])
        is_deep = deep.is_deep(image)
        icc = image.info.get("icc_profile")
        space = Space(icc if isinstance(icc, bytes) else None)
        if is_deep:
            pixels, alpha = _parted(deep.read(again))
            image.load()  # where a TIFF is turned upright
        else:
            pixels, alpha = _pixels(image, space)
        orientation, exif = _turned(image)
    unconverted = pixels.itemsize > 1 and not space.plain
    note = "its colours were taken for sRGB, for profiles are converted at 8 bits only" if unconverted else ""
    upright = turn(pixels, orientation), None if alpha is None else turn(alpha, orientation)
    return Picture(*upright, kept[1], kept[2], orientation, space, exif, kept[0], note)


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (h, w, ...) as they lie in a file -> upright, as EXIF's `orientation` asks, 1 to 8."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return pixels[::down, ::across]


def turned_back(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The inverse of `turn`."""
    return turn(pixels, {6: 8, 8: 6}.get(orientation, orientation))


def _refuse(image: Image.Image, scale: int) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # whose further pictures are a phone's previews and depths
        raise SparringError(f"it holds {frames} pictures: save each as a file of its own, or make a video of them")
    one = image.width * image.height * len(image.getbands()) * (2 if deep.is_deep(image) else 1)
    needed, free = one * COPIES * (1 + scale**2), available(torch.device("cpu"))
    if needed > free:
        larger = f" and {scale} times their sides" if scale > 1 else ""
        size = f"{image.width:,}×{image.height:,} pixels{larger} take {needed / 1e9:.1f} GB here"
        raise SparringError(f"its {size}, and {free / 1e9:.1f} GB are free: cut it into parts")


def _pixels(image: Image.Image, space: Space) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode a picture. -> (h, w, 1 or 3) and its opacity (h, w), as they lie in the file, in sRGB"""
    if image.mode == "F":
        raise SparringError("its values are decimal numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise SparringError(f"its values run from {values.min()} to {values.max()}, not within 0..65535")
        return values.astype(np.uint16)[..., None], None
    if image.mode in {"P", "PA", "La", "LA", "RGBa", "RGBA"} or "transparency" in image.info:
        clear = image.mode not in {"P", "RGB", "L", "1"} or "transparency" in image.info
        grey = image.mode in {"L", "1", "La", "LA"}
        image = image.convert(("LA" if grey else "RGBA") if clear else "RGB")
    alpha = np.asarray(image.getchannel("A")) if image.mode in {"LA", "RGBA"} else None
    if image.mode in {"1", "LA"}:
        image = image.convert("L")
    elif image.mode == "RGBA":
        image = image.convert("RGB")
    image = space.into(image)
    if image.mode not in {"L", "RGB"}:
        image = image.convert("RGB")  # CMYK, YCbCr, HSV
    pixels = np.asarray(image)
    return (pixels[..., None] if pixels.ndim == 2 else pixels), alpha


def _parted(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(h, w, c) of any channels -> colours and opacity."""
    clear = pixels.shape[2] in (2, 4)
    return (pixels[..., :-1], pixels[..., -1]) if clear else (pixels, None)


def _turned(image: Image.Image) -> tuple[int, bytes | None]:
    """How a decoded picture is turned, and its EXIF block where that is what says so; Pillow asks XMP data, too."""
    raw = image.info.get("exif")
    if image.format == "TIFF":  # which Pillow has turned upright already
        return 1, _tags(image)
    orientation = _valid(image.getexif())
    if not isinstance(raw, bytes):
        return orientation, None
    try:
        own = loaded(raw)
    except Exception:  # a broken block; Pillow's parsers raise anything
        return orientation, None
    return orientation, raw if _valid(own) == orientation else None


def _tags(image: Image.Image) -> bytes | None:
    """What a TIFF tells beside its pixels, as an EXIF block."""
    try:
        kept = told(image.getexif())
        return kept.tobytes() if len(kept) else None
    except Exception:  # broken tags; Pillow's parsers raise anything
        return None


def _valid(exif: Image.Exif) -> int:
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    return int(orientation) if orientation in range(1, 9) else 1


def _options(image: Image.Image, source: Path | bytes) -> dict[str, Any]:
    """What a file of the same format is to be saved with."""
    options: dict[str, Any] = {}
    resolved = image.format != "TIFF" or ExifTags.Base.XResolution in image.tag_v2  # type: ignore[attr-defined]
    if (dpi := image.info.get("dpi")) and resolved:  # Pillow takes a TIFF that says none for one of 1 dpi
        options["dpi"] = dpi
    if image.format in {"JPEG", "MPO"}:
        options["progressive"] = bool(image.info.get("progressive"))
    if image.format == "TIFF":
        options["compression"] = image.info.get("compression", "raw")
    if image.format == "WEBP":
        options["lossless"] = _is_lossless(source)
    return options


def _is_lossless(source: Path | bytes) -> bool:
    """Whether a WebP holds its pixels in the chunk VP8L; after the container's specification."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] in (b"VP8L", b"VP8 "):
            return data[at : at + 4] == b"VP8L"
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little") + (data[at + 4] & 1)
    return False
