"""An EXIF block's width and height, and nothing else of it."""

from __future__ import annotations

import pytest
from PIL import ExifTags, Image

from sparring.apply.exif import PREFIX, enlarged


def block(width: int = 40_000) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Model], exif[ExifTags.Base.ImageWidth] = "a camera", width
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.ExifImageHeight: 7, ExifTags.Base.LensModel: "a lens"})
    return exif.tobytes()


@pytest.mark.parametrize("prefix", [b"", PREFIX])
def test_sizes_are_multiplied_and_all_else_stays(prefix: bytes) -> None:
    before = prefix + block().removeprefix(PREFIX)
    after = enlarged(before, 8)
    assert after.startswith(prefix)
    assert len(after) == len(before)
    read = Image.Exif()
    read.load(after if prefix else PREFIX + after)
    assert read[ExifTags.Base.ImageWidth] == 320_000  # more than two bytes hold
    assert read[ExifTags.Base.Model] == "a camera"
    inner = read.get_ifd(ExifTags.IFD.Exif)
    assert (inner[ExifTags.Base.ExifImageHeight], inner[ExifTags.Base.LensModel]) == (56, "a lens")
    assert enlarged(before, 1) == before


def test_broken_blocks_stay_as_they_are() -> None:
    whole = block()
    for broken in (b"", b"MM", b"something else", whole[:30], whole[:12], PREFIX + b"II*\0\xff\xff\xff\xff"):
        assert enlarged(broken, 4) == broken
    around = bytearray(whole)
    for i in range(len(PREFIX), len(around)):  # whatever is damaged, it neither hangs nor raises
        around[i] ^= 0xFF
        assert len(enlarged(bytes(around), 4)) == len(whole)
        around[i] ^= 0xFF
