"""What a network made of a picture into a file of the same kind, with all that the first one had besides its pixels."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from sparring.apply import deep
from sparring.apply.enlarge import resized
from sparring.apply.exif import enlarged, loaded, told
from sparring.apply.files import Picture, turned_back
from sparring.data.files import ENDINGS
from sparring.data.pictures import on_white
from sparring.errors import SparringError

# What formats can hold: an EXIF block, opacity (of grey pictures, too), and 16 bits of anything.
WITH_EXIF = frozenset(["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
WITH_ALPHA = frozenset(["PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "TGA", "GIF", "BMP", "ICO"])
WITH_GREY_ALPHA = frozenset(["PNG", "TIFF", "JPEG2000"])
WITH_16_BITS: dict[str, Callable[..., None]] = {"PNG": deep.write_png, "TIFF": deep.write_tiff}
WITH_CMYK = frozenset(["JPEG", "TIFF"])
LONGEST = {"JPEG": 65500, "WEBP": 16383, "GIF": 65535, "TGA": 65535, "AVIF": 65536, "ICO": 256}  # sides, in pixels
# Losses of a codec should not be taken for the network's.
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "exact": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}
TIFF_KEEPS = frozenset(["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd"])


def format_of(path: Path) -> str:
    """Pillow's name of the format that a file's ending stands for.

    Raises:
        SparringError: where Pillow writes none such, or it is of documents.
    """
    Image.init()
    found = Image.registered_extensions().get(path.suffix.lower(), "")
    if found not in Image.SAVE or path.suffix.lower() not in ENDINGS:
        ending = f"`{path.suffix}` is no ending of pictures that can be written" if path.suffix else "it has no ending"
        raise SparringError(f"cannot write {path}: {ending}; give one such as .png")
    return "JPEG" if found == "MPO" else found


def form_for(picture: Picture, source: Path | None, target: Path | None, scale: int) -> str:
    """Pillow's name of the format to write; asked before any work, for none should be in vain.

    Args:
        picture: as it was read.
        source, target: the files; None for the standard input, and the standard output.
        scale: how many times larger is what will be written.

    Raises:
        SparringError: where no such file can be written, or it cannot hold a picture so large.
    """
    form = picture.format.replace("MPO", "JPEG")
    if target and not (source and target.suffix.lower() == source.suffix.lower()):
        form = format_of(target)
    if form not in Image.SAVE:
        raise SparringError(f"{form} files can be read and not written: name an output that ends in .png")
    height, width = (side * scale for side in picture.pixels.shape[:2])
    if scale > 1 and max(height, width) > LONGEST.get(form, 1 << 31):
        raise SparringError(
            f"it would be {width:,}×{height:,} pixels, and {form} files hold sides of up to {LONGEST[form]:,}: name an "
            "output that ends in .png"
        )
    return form


def ready(folder: Path) -> None:
    """Make a folder to write into, before any work.

    Raises:
        SparringError: where it cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SparringError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    if not os.access(folder, os.W_OK):
        raise SparringError(f"nothing may be written into the folder {folder}: name another")


def whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a whole file, or leave what was there; nothing half written is left in any case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        with open(draft, "wb") as file:
            write(file)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write(picture: Picture, made: np.ndarray, file: BinaryIO, form: str) -> None:
    """Write what was made of a picture.

    Args:
        picture: as it was read.
        made: (h * scale, w * scale, c), upright, in sRGB, of the type of the picture's pixels: grey, RGB or RGBA.
        file: open for writing, and seekable.
        form: Pillow's name of the format to write.

    Raises:
        SparringError: where the format cannot hold what is to be kept.
        OSError, ValueError: from Pillow, where it cannot write.
    """
    if made.shape[2] not in (1, 3, 4):
        raise SparringError(f"the network makes pictures of {made.shape[2]} channels, which no picture file holds")
    alpha = made[..., 3] if made.shape[2] == 4 else resized(picture.alpha, made.shape[:2])
    colours = made[..., :3]
    exif = picture.exif if form in WITH_EXIF else None
    if exif:
        exif = enlarged(exif, made.shape[0] // picture.pixels.shape[0])
        colours = turned_back(colours, picture.orientation)
        alpha = None if alpha is None else turned_back(alpha, picture.orientation)
    if colours.dtype == np.uint16 and form not in WITH_16_BITS and form != picture.format:  # as the user asks
        colours, alpha = _eight_bits(colours), None if alpha is None else _eight_bits(alpha)
    if colours.dtype == np.uint16:
        _deep(picture, colours, alpha, exif, file, form)
    else:
        _plain(picture, colours, alpha, exif, file, form)


def _plain(
    picture: Picture, colours: np.ndarray, alpha: np.ndarray | None, exif: bytes | None, file: BinaryIO, form: str
) -> None:
    """8 bits, by Pillow."""
    image = Image.fromarray(np.ascontiguousarray(colours[..., 0] if colours.shape[2] == 1 else colours))
    if picture.space.mode != "CMYK" or form in WITH_CMYK:
        image = picture.space.back(image)
    if picture.mode == "CMYK" and image.mode == "RGB" and form in WITH_CMYK:
        image = image.convert("CMYK")  # of no known profile
    options = OPTIONS.get(form, {}) | (picture.options if form == picture.format.replace("MPO", "JPEG") else {})
    if picture.space.icc and picture.space.mode in ("", image.mode):
        options["icc_profile"] = picture.space.icc
    if exif:
        options["exif"] = told(loaded(exif)).tobytes() if form == "TIFF" else exif
    if alpha is not None and image.mode != "CMYK":
        image.putalpha(Image.fromarray(np.ascontiguousarray(alpha)))
        if form not in WITH_ALPHA:
            image = on_white(image)
        elif image.mode == "LA" and form not in WITH_GREY_ALPHA:
            image = image.convert("RGBA")
    if form == "ICO":
        options["sizes"] = [image.size]  # Pillow's own are squares, and the icon's may not be among them
    if options.get("compression", "raw") not in TIFF_KEEPS:
        options["compression"] = "tiff_adobe_deflate"  # the others lose colours, or are for fax
    image.save(file, form, **options)


def _deep(
    picture: Picture, colours: np.ndarray, alpha: np.ndarray | None, exif: bytes | None, file: BinaryIO, form: str
) -> None:
    """16 bits: PNG and TIFF by our own writers, grey in other formats by Pillow."""
    mode = "L" if colours.shape[2] == 1 else "RGB"
    icc = picture.space.icc if picture.space.mode in ("", mode) else None
    pixels = colours if alpha is None else np.concatenate([colours, alpha[..., None]], 2)
    dpi = picture.options.get("dpi")
    if form == "PNG":
        deep.write_png(file, pixels, icc, exif, dpi)
    elif form == "TIFF":
        deep.write_tiff(file, pixels, icc, exif, dpi)
    elif pixels.shape[2] == 1:
        Image.fromarray(np.ascontiguousarray(pixels[..., 0])).save(file, form)
    else:
        raise SparringError(f"16 bits of colour cannot be written as {form}: name an output that ends in .png or .tif")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    reduced: np.ndarray = np.rint(values / 257).astype(np.uint8)
    return reduced
