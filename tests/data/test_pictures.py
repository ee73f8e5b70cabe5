from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from sparring.data.pictures import header, is_grey, is_transparent, row, upright


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> Image.Image:
    """The picture as it comes out of a file of that kind, not yet decoded."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue()))


def png16(pixels: np.ndarray) -> Image.Image:
    """A 16-bit RGB PNG, which Pillow reads and does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels)
    start = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", start) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + body))


@pytest.fixture
def flag() -> Image.Image:
    """Red above blue, 16 high and 32 wide."""
    image = Image.new("RGB", (32, 16), "blue")
    image.paste("red", (0, 0, 32, 8))
    return image


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_90),
        (8, Image.Transpose.ROTATE_270),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_camera_held_askew_gives_an_upright_picture(
    flag: Image.Image, kind: str, orientation: int, stored: Image.Transpose
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = encoded(flag.transpose(stored), kind, exif=exif)
    seen = header(image)
    assert (seen.width, seen.height) == (32, 16)
    pixels = row(image, (16, 32), 3)
    red, blue = pixels[:, 3, 16], pixels[:, 12, 16]
    assert red[0] > 200 > 60 > red[2]
    assert blue[2] > 200 > 60 > blue[0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_gradations(kind: str) -> None:
    ramp = np.linspace(0, 65535, 256 * 8).astype(np.uint16).reshape(256, 8)
    image = encoded(Image.fromarray(ramp), kind)
    assert header(image).deep
    pixels = row(image, (256, 8), 1)[0]
    assert np.array_equal(pixels, np.rint(ramp / 257))
    assert len(np.unique(pixels)) == 256


def test_sixteen_bit_colour_is_seen_as_deep_and_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 16 * 16 * 3).astype(np.uint16).reshape(16, 16, 3)
    image = png16(ramp)
    assert header(image).deep
    assert np.abs(row(image, (16, 16), 3).astype(int) - (ramp / 257).transpose(2, 0, 1)).max() <= 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 65535]], dtype=np.int32), [0, 255]),
        (np.array([[0.0, 1.0]], dtype=np.float32), [0, 255]),
        (np.array([[0.0, 65535.0]], dtype=np.float32), [0, 255]),
    ],
)
def test_wide_numbers_are_scaled_by_their_full_range(values: np.ndarray, expected: list[int]) -> None:
    assert np.asarray(upright(encoded(Image.fromarray(values), "TIFF"))).tolist() == [expected]


@pytest.mark.parametrize("value", [-1.0, 70000.0, float("nan")])
def test_numbers_without_a_meaning_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"not within 0\.\.65535"):
        upright(Image.fromarray(np.array([[0.5, value]], dtype=np.float32)))


def test_what_is_transparent_becomes_white_without_a_dark_fringe() -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))  # transparent black, as drawing programs leave it
    image.paste((255, 0, 0, 255), (0, 0, 32, 64))
    pixels = row(encoded(image), (16, 16), 3)
    assert pixels[:, 8, 15].tolist() == [255, 255, 255]
    assert pixels[:, 8, 0].tolist() == [255, 0, 0]
    assert pixels[0].min() > 240  # red is full in red and in white: a black fringe would dip here
    assert row(encoded(image), (16, 16), 4)[3, 8].tolist()[::15] == [255, 0]
    assert row(encoded(image), (16, 16), 1)[0, 8].tolist()[::15] == [76, 255]


@pytest.mark.parametrize(
    ("image", "options", "transparent"),
    [
        (Image.new("LA", (4, 4), (0, 0)), {}, True),
        (Image.new("L", (4, 4), 0), {"transparency": 0}, True),
        (Image.new("RGB", (4, 4), "black"), {"transparency": (0, 0, 0)}, True),
        (Image.new("P", (4, 4), 0), {"transparency": 0}, True),
        (Image.new("RGBA", (4, 4), "white"), {}, False),
    ],
)
def test_every_way_to_store_transparency(image: Image.Image, options: dict[str, object], transparent: bool) -> None:
    assert header(encoded(image, **options)).alpha
    assert is_transparent(upright(encoded(image, **options))) == transparent
    assert row(encoded(image, **options), (4, 4), 3).min() == 255


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_gives_every_number_of_channels(mode: str, channels: int) -> None:
    white = Image.new("RGB", (8, 8), "white")
    image = Image.new(mode, (8, 8), 65535) if mode == "I;16" else white.convert(mode)
    pixels = row(image, (8, 8), channels)
    assert pixels.shape == (channels, 8, 8)
    assert pixels.dtype == np.uint8
    assert pixels.min() >= 254


def test_grey_is_a_matter_of_pixels_not_of_modes() -> None:
    assert is_grey(Image.new("RGB", (4, 4), "grey"))
    assert not is_grey(Image.new("RGB", (4, 4), "navy"))
    assert is_grey(Image.new("RGBA", (4, 4), (200, 0, 0, 0)))  # a colour that nobody sees


def test_the_crop_is_central_and_keeps_proportions() -> None:
    stripes = np.zeros((30, 90, 3), dtype=np.uint8)
    stripes[:, 30:60, 1] = 255
    pixels = row(encoded(Image.fromarray(stripes)), (10, 10), 3)
    assert pixels[1].min() > 200


def test_a_large_jpeg_is_decoded_small_and_still_looks_the_same() -> None:
    y, x = np.mgrid[:512, :640] / 640
    photo = Image.fromarray((127 + 120 * np.sin(9 * np.stack([x, y, x * y], axis=2))).astype(np.uint8))
    image = encoded(photo, "JPEG", quality=95)
    plain = row(photo, (32, 32), 3).astype(int)
    assert np.abs(row(image, (32, 32), 3) - plain).mean() < 2
    assert image.size == (80, 64)  # an eighth: twice the target is left for the good filter
