"""One picture: from whatever its file holds to an upright, cropped uint8 row (channels, height, width)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageOps

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
GREY_MODES = frozenset(["1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"])
_SIDEWAYS = {5, 6, 7, 8}  # the EXIF orientations that swap width and height


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before its pixels are decoded.

    Attributes:
        width, height: in pixels, as seen upright.
        mode: Pillow's name for the pixel format, such as "RGB", "P", "CMYK" or "I;16".
        alpha: whether the format can hold transparency (it may still be opaque everywhere).
        deep: whether a channel has more than 8 bits.
    """

    width: int
    height: int
    mode: str
    alpha: bool
    deep: bool


def header(image: Image.Image) -> Header:
    """Read the header of a picture that is opened and not yet decoded."""
    width, height = image.size
    # PNG decodes all its pixels when asked for EXIF data that it has not got, hence the look at `info` first;
    # TIFF, which keeps its own elsewhere, tells its size as seen upright.
    if "exif" in image.info and image.getexif().get(ExifTags.Base.Orientation, 1) in _SIDEWAYS:
        width, height = height, width
    alpha = image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info
    raw = " ".join(str(tile[3]) for tile in getattr(image, "tile", ()))
    deep = image.mode.startswith("I") or image.mode == "F" or ";16" in raw
    return Header(width, height, image.mode, alpha, deep)


def upright(image: Image.Image) -> Image.Image:
    """Decode a picture into one of the modes L, LA, RGB and RGBA, turned as its EXIF data asks.

    16-bit pictures are scaled by their full range (65535 becomes 255), never clipped.

    Raises:
        ValueError: for pixel values that have no agreed meaning as a picture.
        Exception: whatever Pillow's decoders raise for a broken file; they follow no rule.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.mode in {"L", "1"} or image.mode == "RGB":
        if "transparency" in image.info:
            return image.convert("RGBA")
        return image.convert("L") if image.mode == "1" else image
    if image.mode in {"LA", "RGBA"}:
        return image
    if image.mode in {"La", "PA", "RGBa"} or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")  # P, CMYK, YCbCr, LAB, HSV


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """(h, w) of 16 or 32 bits -> uint8: floats in 0..1 times 255, all else in 0..65535 times 255/65535."""
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 65535):  # written so that NaN fails too
        raise ValueError(f"its values run from {low:g} to {high:g}, not within 0..65535")
    scale: float = 255.0 if values.dtype.kind == "f" and high <= 1 else 255 / 65535
    scaled: np.ndarray = np.rint(values.astype(np.float64) * scale).astype(np.uint8)
    return scaled


def on_white(image: Image.Image) -> Image.Image:
    """An L, LA, RGB or RGBA picture without transparency: what was transparent shows a white ground."""
    if image.mode not in {"LA", "RGBA"}:
        return image
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("L" if image.mode == "LA" else "RGB")


def is_grey(image: Image.Image) -> bool:
    """Whether no pixel of an `upright` picture has a colour, whatever its mode can hold."""
    image = on_white(image)
    if image.mode == "L":
        return True
    red, green, blue = image.split()
    return not (ImageChops.difference(red, green).getbbox() or ImageChops.difference(green, blue).getbbox())


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of an `upright` picture is less than opaque."""
    return image.mode in {"LA", "RGBA"} and image.getchannel("A").getextrema() != (255, 255)


def row(image: Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """A picture as training sees it: scaled to cover `size`, cropped at its centre.

    Args:
        image: opened, not yet decoded.
        size: height and width in pixels.
        channels: 1 grey, 3 RGB, 4 RGBA; transparency is put on white for 1 and 3.

    Returns:
        uint8 (channels, height, width).

    Raises:
        Exception: as `upright` does.
    """
    height, width = size
    # JPEG can decode at 1/2, 1/4, 1/8 scale in a fraction of the time; twice the target keeps LANCZOS exact
    # enough. The longer side is asked of both, for the picture may still have to be turned.
    image.draft(None, (2 * max(size), 2 * max(size)))
    picture = upright(image)
    picture = (picture if channels == 4 else on_white(picture)).convert(MODES[channels])
    if picture.size != (width, height):
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
