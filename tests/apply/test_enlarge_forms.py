"""Every form of picture through networks that enlarge: depth, palettes, orientation, profiles and formats."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps
from translators import Enlarging, file_through, furthest, photo, repeated

from sparring.apply import deep, save
from sparring.apply.files import read
from sparring.errors import SparringError


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_are_kept(name: str, channels: int, tmp_path: Path) -> None:
    if name == "a.tif" and channels == 2:
        pytest.skip("Pillow reads no such TIFF")
    pixels, form = photo(20, 31, channels, np.uint16), {"a.png": "PNG", "a.tif": "TIFF"}[name]
    if channels in (2, 4):
        pixels[..., -1] |= 1  # nothing is hidden
    save.whole(tmp_path / name, lambda file: save.WITH_16_BITS[form](file, pixels, None, None, (72, 36)))
    after = file_through(tmp_path / name, Enlarging(4), tile=9)
    assert after.info["dpi"] == pytest.approx((72, 36), abs=0.02)
    out = tmp_path / "out" / name
    again = np.asarray(after)[..., None] if channels == 1 else deep.read(lambda: Image.open(out))
    colours = channels - (channels in (2, 4))
    assert again.shape == (80, 124, channels)
    # Grey goes through three channels and back.
    assert furthest(again[..., :colours], repeated(pixels[..., :colours], 4)) <= (1 if colours == 1 else 0)


def test_palettes_single_bits_and_inks(tmp_path: Path) -> None:
    pixels = photo(20, 20)
    palette = Image.fromarray(pixels).quantize(16)
    palette.save(tmp_path / "palette.png")
    after = file_through(tmp_path / "palette.png", Enlarging(2))
    assert furthest(after, repeated(np.asarray(palette.convert("RGB")), 2)) == 0
    Image.fromarray(pixels[..., 0] > 90).save(tmp_path / "bits.png")
    after = file_through(tmp_path / "bits.png", Enlarging(2))
    assert furthest(after, repeated(pixels[..., 0] > 90, 2) * 255) == 0
    Image.fromarray(photo(20, 20, 4), "CMYK").save(tmp_path / "inks.tif")
    after = file_through(tmp_path / "inks.tif", Enlarging(2))
    assert (after.mode, after.size) == ("CMYK", (40, 40))
    with Image.open(tmp_path / "inks.tif") as before:
        assert furthest(after.convert("RGB"), repeated(np.asarray(before.convert("RGB")), 2)) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_and_what_their_exif_block_says_of_their_size(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Model] = orientation, "a camera"
    exif[ExifTags.Base.ImageWidth] = 17
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.ExifImageWidth: 17, ExifTags.Base.ExifImageHeight: 12})
    for name in ("a.png", "a.jpg"):
        Image.fromarray(photo(12, 17)).save(tmp_path / name, exif=exif, dpi=(300, 300), quality=100)
        with Image.open(tmp_path / name) as image:
            before = np.asarray(ImageOps.exif_transpose(image))
        after = file_through(tmp_path / name, Enlarging(4))
        assert after.size == (68, 48)
        assert after.info["dpi"] == pytest.approx((300, 300), abs=0.02)
        assert furthest(ImageOps.exif_transpose(after), repeated(before, 4)) <= (0 if name == "a.png" else 40)
        said = after.getexif()
        assert said[ExifTags.Base.Model] == "a camera"
        assert said[ExifTags.Base.ImageWidth] == 68
        inner = said.get_ifd(ExifTags.IFD.Exif)
        assert (inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight]) == (68, 48)


def test_a_colour_profile_is_kept(tmp_path: Path) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(photo(12, 17)).save(tmp_path / "a.jpg", icc_profile=icc)
    after = file_through(tmp_path / "a.jpg", Enlarging(2))
    assert after.info["icc_profile"] == icc
    assert after.size == (34, 24)


def test_formats_that_hold_no_picture_so_large_say_so_before_the_work(tmp_path: Path) -> None:
    Image.fromarray(photo(2, 2100)).save(tmp_path / "a.webp")
    worked = Enlarging(8)
    worked.generator.register_forward_hook(lambda *_: pytest.fail("it was enlarged in vain"))
    with pytest.raises(SparringError, match=r"16,800×16 pixels, and WEBP files hold sides of up to 16,383: name an"):
        file_through(tmp_path / "a.webp", worked)
    assert not (tmp_path / "out").exists()
    assert file_through(tmp_path / "a.webp", Enlarging(8), "a.png").size == (16800, 16)
    Image.fromarray(photo(30, 40)).save(tmp_path / "a.ico", sizes=[(40, 30)])
    assert file_through(tmp_path / "a.ico", Enlarging(4)).size == (160, 120)
    with pytest.raises(SparringError, match="ICO files hold sides of up to 256"):
        file_through(tmp_path / "a.ico", Enlarging(8))


def test_the_memory_of_the_result_is_asked_for_before_the_picture_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    Image.fromarray(photo(100, 100)).save(file, "PNG")
    monkeypatch.setattr("sparring.apply.files.available", lambda device: 1_000_000)
    assert read(file.getvalue()).pixels.shape == (100, 100, 3)
    with pytest.raises(SparringError, match=r"100×100 pixels and 8 times their sides take 0.0 GB here"):
        read(file.getvalue(), scale=8)
