"""What an EXIF block says of a picture: kept in a TIFF, and its size made true again where it is larger now."""

from __future__ import annotations

import struct

from PIL import ExifTags, Image

WIDTHS_AND_HEIGHTS = frozenset([0x100, 0x101, 0xA002, 0xA003])
INNER = 0x8769  # the tag that points to the directory of EXIF's own tags
KINDS = {3: "H", 4: "I"}  # of values: SHORT and LONG
LONG = 4
PREFIX = b"Exif\0\0"
INSIDE = frozenset([INNER, ExifTags.IFD.GPSInfo])  # directories within
# Words on a picture. What else a TIFF has beside them and the directories within is how its pixels lie.
WORDS = frozenset(
    getattr(ExifTags.Base, name).value
    for name in ["ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer", "Copyright"]
)


def told(exif: Image.Exif) -> Image.Exif:
    """Of an EXIF block, or the tags of a TIFF, what another TIFF may have, too: words, the orientation, and the
    directories of EXIF and of places.
    """
    kept = Image.Exif()
    for tag in sorted(exif):
        if tag in INSIDE:
            try:
                inner = exif.get_ifd(tag)
            except Exception:  # broken; Pillow's parsers raise anything
                continue
            kept[tag] = {key: value for key, value in inner.items() if key != ExifTags.IFD.Interop}
        elif tag == ExifTags.Base.Orientation or (tag in WORDS and isinstance(exif[tag], str)):
            kept[tag] = exif[tag]
    return kept


def loaded(block: bytes) -> Image.Exif:
    """An EXIF block, parsed."""
    exif = Image.Exif()
    exif.load(block)
    return exif


def enlarged(block: bytes, scale: int) -> bytes:
    """An EXIF block that says `scale` times the width and the height; all else stays to the byte.

    After TIFF 6.0, section 2, and Exif 2.3, section 4.6. Values lie in the directory itself, so nothing moves. A block
    that is broken is given back as it was.
    """
    start = len(PREFIX) if block.startswith(PREFIX) else 0
    tiff = bytearray(block[start:])
    order = {b"II": "<", b"MM": ">"}.get(bytes(tiff[:2]), "")
    if scale == 1 or not order:
        return block
    try:
        _enlarge(tiff, order, struct.unpack_from(f"{order}I", tiff, 4)[0], scale, True)
    except struct.error:  # it ends too early
        return block
    return block[:start] + bytes(tiff)


def _enlarge(tiff: bytearray, order: str, place: int, scale: int, outer: bool) -> None:
    """Change the directory at `place`, and the one inside it."""
    (count,) = struct.unpack_from(f"{order}H", tiff, place)
    for i in range(count):
        at = place + 2 + 12 * i
        tag, kind, values = struct.unpack_from(f"{order}HHI", tiff, at)
        if tag == INNER and outer:
            _enlarge(tiff, order, struct.unpack_from(f"{order}I", tiff, at + 8)[0], scale, False)
        elif tag in WIDTHS_AND_HEIGHTS and kind in KINDS and values == 1:
            (side,) = struct.unpack_from(f"{order}{KINDS[kind]}", tiff, at + 8)
            struct.pack_into(f"{order}HHII", tiff, at, tag, LONG, 1, side * scale)
