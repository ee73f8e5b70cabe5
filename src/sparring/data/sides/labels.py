"""Label maps: pictures whose values are names of things, such as 7 for road, and no brightness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from sparring.data.gallery import Gallery, in_threads
from sparring.errors import SparringError

MOST = 256  # labels: their places are stored in a byte a pixel
_NUMBERS = ("P", "PA", "1", "L", "LA", "La", "I")  # and those that begin with I;16


def is_coloured(mode: str) -> bool:
    """Whether the labels of pictures in Pillow's `mode` are colours, and not numbers as they are in the file."""
    return mode not in _NUMBERS and not mode.startswith("I;16")


def values(image: Image.Image) -> np.ndarray:
    """The labels of a picture, upright: int64 (height, width).

    Indices into a palette, grey values of up to 32 bits, or colours as 0xRRGGBB, whatever their opacity.

    Raises:
        ValueError: for decimal numbers, which name nothing.
        Exception: whatever Pillow's decoders raise for a broken file.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("its values are decimal numbers, which are no labels")
    if is_coloured(image.mode):
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(np.int64), -1, 0)
        return np.asarray(red << 16 | green << 8 | blue)
    numbers = np.asarray(image).astype(np.int64)
    return numbers if numbers.ndim == 2 else numbers[..., 0]  # without opacity


def codes(image: Image.Image, labels: Sequence[int], name: str) -> np.ndarray:
    """The places in `labels` of a picture's labels, upright: uint8 (height, width).

    Args:
        image: opened, not necessarily decoded.
        labels: those that are known, in ascending order, at most 256.
        name: of the picture's file, for the message.

    Raises:
        SparringError: where the picture has a label that is not known.
        Exception: as `values` does.
    """
    found, known = values(image), np.array(labels, dtype=np.int64)
    places = np.searchsorted(known, found).clip(max=len(known) - 1)
    unknown = found[known[places] != found]
    if len(unknown):
        coloured = is_coloured(image.mode)
        raise SparringError(
            f"{name} holds the label {shown(unknown[:1], coloured)}, which is none of the {len(labels)} that were "
            f"learnt from ({shown(labels, coloured)})."
        )
    return places.astype(np.uint8)


def row(image: Image.Image, size: tuple[int, int], labels: Sequence[int], name: str) -> np.ndarray:
    """A label map as it is stored: uint8 (1, height, width), scaled to cover `size` and cropped like a picture.

    Each pixel takes the label that is nearest, for between two labels lies nothing.

    Raises:
        SparringError, Exception: as `codes` does.
    """
    picture = Image.fromarray(codes(image, labels, name))
    height, width = size
    if picture.size != (width, height):
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.NEAREST)
    return np.asarray(picture)[None]


def survey(gallery: Gallery) -> tuple[int, ...]:
    """All labels of a gallery's readable pictures, ascending; for this each is decoded.

    Raises:
        SparringError: where there are too many, where one picture holds numbers and another colours, or where not one
            can be read.
    """
    found: set[int] = set()
    kinds: dict[bool, str] = {}
    for index, look in enumerate(in_threads(lambda index: _look(gallery, index), range(len(gallery.names)))):
        if look is None:
            continue
        coloured, own = look
        kinds.setdefault(coloured, gallery.names[index])
        found.update(own)
        if len(found) > MOST:
            raise SparringError(
                f"The label maps hold more than {MOST} values by {gallery.names[index]}, which looks like a photo or "
                "like a JPEG, whose colours are not exact: save label maps as PNG, or leave out label_maps."
            )
        if len(kinds) > 1:
            raise SparringError(
                f"The label map {kinds[True]} holds colours and {kinds[False]} numbers, so the same label cannot be "
                "told in both: save all of them in one way."
            )
    if not found:
        raise SparringError(
            f"Not one of the {len(gallery.names)} label maps can be read (for instance {gallery.names[0]})."
        )
    return tuple(sorted(found))


def _look(gallery: Gallery, index: int) -> tuple[bool, list[int]] | None:
    try:
        with gallery.open(index) as image:
            return is_coloured(image.mode), np.unique(values(image))[: MOST + 1].tolist()
    except Exception:  # Pillow's decoders raise anything on a broken file; `prepare` and the doctor name such files
        return None


def shown(labels: Sequence[int] | np.ndarray, coloured: bool, most: int = 8) -> str:
    """Labels for people: numbers, or colours as "#rrggbb"."""
    first = ", ".join(f"#{label:06x}" if coloured else str(label) for label in labels[:most])
    return first + (", …" if len(labels) > most else "")
