"""TIFF: what it tells of a picture's taking, and how large its pixels are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from filed import differs, opened, through
from PIL import ExifTags, Image, ImageOps
from translators import photo

from sparring.apply import deep


def _told(image: Image.Image) -> dict[int, object]:
    """What is known of a picture and its taking, the directories within among it."""
    exif = image.getexif()
    within = [exif.get_ifd(tag) for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)]
    words = {tag: exif[tag] for tag in (ExifTags.Base.Make, ExifTags.Base.Copyright) if tag in exif}
    return words | {tag: value for one in within for tag, value in one.items()}


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize(("before", "after"), [("a.tif", "a.tif"), ("a.tif", "b.png"), ("a.png", "b.tif")])
def test_what_a_tiff_tells_of_its_taking_is_kept(before: str, after: str, kind: type, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make], exif[ExifTags.Base.Copyright] = 6, "a maker", "someone"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2001:02:03 04:05:06", ExifTags.Base.FNumber: 2.5}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (1.0, 2.0, 3.5)}
    pixels = photo(12, 17, 3, kind)
    with open(tmp_path / before, "wb") as file:
        if kind == np.uint8:
            Image.fromarray(pixels).save(file, exif=exif.tobytes(), format="TIFF" if before == "a.tif" else "PNG")
        elif before == "a.tif":
            deep.write_tiff(file, pixels, None, exif.tobytes(), None)
        else:
            deep.write_png(file, pixels, None, exif.tobytes(), None)
    read_again = through(tmp_path / before, target=after)
    with Image.open(tmp_path / before) as image:
        assert _told(read_again) == _told(image)
    assert len(_told(read_again)) == 6
    assert read_again.getexif().get(ExifTags.Base.Orientation, 1) == (6 if after == "b.png" == before else 1)
    assert differs(ImageOps.exif_transpose(read_again), ImageOps.exif_transpose(opened(tmp_path / before))) == 0


def test_a_tiff_without_a_resolution_gets_none(tmp_path: Path) -> None:
    for kind in (np.uint8, np.uint16):
        with open(tmp_path / "a.tif", "wb") as file:
            if kind == np.uint16:
                deep.write_tiff(file, photo(4, 5, 3, kind), None, None, None)
            else:
                Image.fromarray(photo(4, 5)).save(file, "TIFF")
        assert ExifTags.Base.XResolution not in through(tmp_path / "a.tif").tag_v2
    Image.fromarray(photo(4, 5)).save(tmp_path / "a.tif", dpi=(300, 150))
    assert through(tmp_path / "a.tif").info["dpi"] == (300, 150)
