"""Files: all that a picture has besides its colours is in what is made of it, whatever its file is like."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from filed import SAME, differs, opened, through
from PIL import ExifTags, Image, ImageCms, ImageOps
from translators import Doubling, Pointwise, Translating, photo

from sparring.apply import deep, save
from sparring.apply.files import any_size, read, turn, turned_back
from sparring.errors import SparringError

INVERT = Translating(Pointwise())


@pytest.mark.parametrize(
    ("name", "mode", "bound"),
    [
        ("a.png", "RGB", 0),
        ("a.png", "L", 0),
        ("a.png", "RGBA", 0),
        ("a.png", "LA", 0),
        ("a.jpg", "RGB", 9),
        ("a.jpg", "L", 4),
        ("a.webp", "RGB", 30),
        ("a.webp", "RGBA", 30),
        ("a.avif", "RGB", 30),
        ("a.bmp", "RGB", 0),
        ("a.tif", "RGB", 0),
        ("a.tif", "LA", 0),
        ("a.tga", "RGBA", 0),
        ("a.ppm", "RGB", 0),
        ("a.jp2", "RGB", 0),
        ("a.jpg", "CMYK", 12),
        ("a.tif", "CMYK", 2),
    ],
)
def test_formats_and_modes_stay(name: str, mode: str, bound: int, tmp_path: Path) -> None:
    channels = {"L": 1, "LA": 2, "RGB": 3}.get(mode, 4)
    pixels = photo(21, 34, channels)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode if channels > 1 else None)
    image.save(tmp_path / name)
    before = opened(tmp_path / name)
    gan = Translating(Pointwise("same", after=1), 1, 1) if mode in ("L", "LA") else SAME
    after = through(tmp_path / name, gan)
    assert (after.format, after.mode, after.size) == (before.format, before.mode, before.size)
    if mode == "CMYK":  # the same colour can be mixed in many ways
        after, before = after.convert("RGB"), before.convert("RGB")
    assert differs(after, before) <= bound


def test_what_the_network_makes_is_what_is_written(tmp_path: Path) -> None:
    pixels = photo(9, 8, 4)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    made = np.asarray(through(tmp_path / "a.png", INVERT))
    assert (made[..., :3] == 255 - pixels[..., :3]).all()  # where it is transparent, too
    assert (made[..., 3] == pixels[..., 3]).all()


def test_grey_and_colour_each_into_the_other(tmp_path: Path) -> None:
    grey, colour = photo(9, 8, 1)[..., 0], photo(9, 8, 3)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(colour).save(tmp_path / "colour.jpg", quality=95)
    assert differs(through(tmp_path / "grey.png"), grey[..., None].repeat(3, 2)) == 0
    after = through(tmp_path / "colour.jpg", Translating(Pointwise("same", after=1), 1, 1))
    assert after.mode == "L"
    assert differs(after, opened(tmp_path / "colour.jpg").convert("L")) <= 3


def test_palettes_and_single_bits(tmp_path: Path) -> None:
    pixels = photo(20, 20)
    palette = Image.fromarray(pixels).quantize(16)
    palette.save(tmp_path / "palette.png")
    assert differs(through(tmp_path / "palette.png"), palette.convert("RGB")) == 0
    palette.info["transparency"] = 3
    palette.save(tmp_path / "clear.png", transparency=3)
    assert differs(through(tmp_path / "clear.png"), opened(tmp_path / "clear.png").convert("RGBA")) == 0
    palette.save(tmp_path / "a.gif")
    after = through(tmp_path / "a.gif")
    assert after.format == "GIF"
    assert differs(after.convert("RGB"), opened(tmp_path / "a.gif").convert("RGB")) <= 12
    Image.fromarray(pixels[..., 0] > 90).save(tmp_path / "bits.png")
    assert differs(through(tmp_path / "bits.png"), (pixels[..., :1] > 90).repeat(3, 2) * 255) == 0


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_kept(name: str, channels: int, tmp_path: Path) -> None:
    if name == "a.tif" and channels == 2:
        pytest.skip("Pillow reads no such TIFF")
    pixels, form = photo(70, 31, channels, np.uint16), {"a.png": "PNG", "a.tif": "TIFF"}[name]
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    save.whole(tmp_path / name, lambda file: save.WITH_16_BITS[form](file, pixels, icc, None, (72, 36)))
    gan = Translating(Pointwise(after=1), 1, 1) if channels < 3 else INVERT
    after = through(tmp_path / name, gan)
    assert after.info["dpi"] == pytest.approx((72, 36), abs=0.02)
    assert after.info.get("icc_profile") == (icc if channels > 2 else None)
    out = tmp_path / "out" / name
    with Image.open(out) as image:
        assert deep.is_deep(image) == (channels > 1)
    again = np.asarray(after)[..., None] if channels == 1 else deep.read(lambda: Image.open(out))
    colours = channels - (channels in (2, 4))
    assert (again[..., :colours] == 65535 - pixels[..., :colours]).all()
    assert (again[..., colours:] == pixels[..., colours:]).all()


def test_16_bits_of_others_writers_are_read(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="pip install av")
    pixels = photo(33, 40, 3, np.uint16)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
    for codec, layout in (("png", "rgb48be"), ("tiff", "rgb48le")):
        context = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt, context.time_base = 40, 33, layout, 1
        data = b"".join(bytes(packet) for packet in context.encode(frame.reformat(format=layout)))
        picture = read(data)
        assert picture.pixels.dtype == np.uint16
        assert (picture.pixels == pixels).all()


def test_16_bits_where_a_format_has_none(tmp_path: Path) -> None:
    pixels = photo(12, 12, 3, np.uint16)
    save.whole(tmp_path / "a.png", lambda file: deep.write_png(file, pixels, None, None, None))
    after = through(tmp_path / "a.png", target="b.bmp")
    assert differs(after, np.rint(pixels / 257)) == 0
    picture = read(tmp_path / "a.png")
    with pytest.raises(SparringError, match=r"cannot be written as BMP: name an output that ends in .png or .tif"):
        save._deep(picture, picture.pixels, None, None, io.BytesIO(), "BMP")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_are_seen_upright_and_shown_as_before(orientation: int, tmp_path: Path) -> None:
    pixels = photo(12, 17)
    assert (turned_back(turn(pixels, orientation), orientation) == pixels).all()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Model] = orientation, "a camera"
    seen: list[tuple[int, ...]] = []
    network = Pointwise()
    network.register_forward_hook(lambda module, given, made: seen.append(tuple(given[0].shape[2:])))
    for name in ("a.png", "a.webp", "a.tif", "a.jpg", "a.avif"):
        Image.fromarray(pixels).save(tmp_path / name, exif=exif, **({"lossless": True} if name == "a.webp" else {}))
        before = ImageOps.exif_transpose(opened(tmp_path / name))
        after = through(tmp_path / name, Translating(network))
        assert seen[-1] == (before.height, before.width)
        assert differs(ImageOps.exif_transpose(after), 255 - np.asarray(before)) <= (
            30 if name in ("a.jpg", "a.avif") else 0
        )
        assert after.getexif()[ExifTags.Base.Model] == "a camera"
        if name != "a.tif":  # which Pillow turns while reading
            assert after.size == opened(tmp_path / name).size


def test_a_turned_picture_into_a_format_without_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(photo(12, 17)).save(tmp_path / "a.png", exif=exif)
    after = through(tmp_path / "a.png", target="b.bmp")
    assert differs(after, ImageOps.exif_transpose(opened(tmp_path / "a.png"))) == 0


def test_other_things_are_kept(tmp_path: Path) -> None:
    pixels = photo(40, 40)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", dpi=(300, 300), progressive=True)
    after = through(tmp_path / "a.jpg")
    assert after.info["dpi"] == (300, 300)
    assert after.info["progressive"]
    assert differs(after, opened(tmp_path / "a.jpg")) <= 16
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression="tiff_lzw")
    assert through(tmp_path / "a.tif").info["compression"] == "tiff_lzw"
    Image.fromarray(pixels).save(tmp_path / "a.webp", lossless=True)
    assert differs(through(tmp_path / "a.webp"), pixels) == 0


def test_opacity_grows_with_the_picture(tmp_path: Path) -> None:
    pixels = photo(8, 6, 4)
    pixels[..., 3] = np.linspace(0, 255, 6).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    after = np.asarray(through(tmp_path / "a.png", Doubling()))
    assert after.shape == (16, 12, 4)
    assert (np.diff(after[0, :, 3].astype(int)) >= 0).all()
    assert after[0, 0, 3] < 20
    assert after[0, -1, 3] > 235


def test_networks_that_make_transparent_pictures(tmp_path: Path) -> None:
    gan = Translating(Pointwise("same", after=4), 4, 4)
    pixels = photo(8, 6, 4)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert differs(through(tmp_path / "a.png", gan), pixels) == 0
    Image.fromarray(pixels[..., :3]).save(tmp_path / "b.bmp")
    assert differs(np.asarray(through(tmp_path / "b.bmp", gan))[..., :3], pixels[..., :3]) == 0
    assert through(tmp_path / "a.png", gan, "c.jpg").mode == "RGB"


def test_label_maps_are_read_as_labels(tmp_path: Path) -> None:
    Image.fromarray(np.array([[7, 200], [7, 7]], np.uint8)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png", (7, 90, 200)).pixels[..., 0].tolist() == [[0, 2], [0, 0]]
    with pytest.raises(SparringError, match=r"a.png.*7"):
        read(tmp_path / "a.png", (90, 200), str(tmp_path / "a.png"))


def test_pictures_that_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(photo(8, 8)[..., i]) for i in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(SparringError, match="holds 3 pictures"):
        read(tmp_path / "a.gif")
    for value, sentence in ((np.float32(0), "decimal numbers"), (np.int32(70000), "70000, not within 0..65535")):
        Image.fromarray(np.full((4, 4), value)).save(tmp_path / "a.tif")
        with pytest.raises(SparringError, match=sentence):
            read(tmp_path / "a.tif")


def test_pictures_larger_than_the_memory_are_refused_unread(tmp_path: Path) -> None:
    header = io.BytesIO()
    Image.new("1", (8, 8)).save(header, "PNG")
    huge = header.getvalue().replace(struct.pack(">II", 8, 8), struct.pack(">II", 2_000_000, 2_000_000))
    start = huge.index(b"IHDR")
    huge = huge[: start + 17] + struct.pack(">I", zlib.crc32(huge[start : start + 17])) + huge[start + 21 :]
    (tmp_path / "a.png").write_bytes(huge)
    with any_size(), pytest.raises(SparringError, match="2,000,000×2,000,000 pixels take"):
        read(tmp_path / "a.png")


def test_a_phones_several_pictures_in_one_file(tmp_path: Path) -> None:
    image = Image.fromarray(photo(16, 16))
    image.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[image])
    assert opened(tmp_path / "a.jpg").format == "MPO"
    assert read(tmp_path / "a.jpg").pixels.shape == (16, 16, 3)


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"as before")

    def fail(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        save.whole(tmp_path / "a.png", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"as before"
