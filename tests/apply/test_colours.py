"""Colour profiles: networks see sRGB, files keep their own space."""

from __future__ import annotations

import struct
from pathlib import Path

from PIL import Image, ImageCms
from test_files import differs, through
from translators import Pointwise, Translating, photo

from sparring.apply.files import read


def swapped_profile() -> bytes:
    """A profile of a space whose red is sRGB's green and the other way round, by another name."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for i in range(struct.unpack(">I", data[128:132])[0]):
        name, place, size = struct.unpack(">4sII", data[132 + 12 * i : 144 + 12 * i])
        tags[name] = slice(place, place + size)
    data[tags[b"rXYZ"]], data[tags[b"gXYZ"]] = data[tags[b"gXYZ"]], data[tags[b"rXYZ"]]
    return bytes(data).replace("sRGB".encode("utf-16-be"), "grSB".encode("utf-16-be"))


def test_colours_of_another_space_are_converted_and_converted_back(tmp_path: Path) -> None:
    pixels, icc = photo(20, 20), swapped_profile()
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=icc)
    picture = read(tmp_path / "a.png")
    assert abs(picture.pixels[..., [1, 0, 2]].astype(int) - pixels).max() <= 2  # the network sees true colours
    after = through(tmp_path / "a.png")
    assert after.info["icc_profile"] == icc
    assert differs(after, pixels) <= 2
    after = through(tmp_path / "a.png", Translating(Pointwise("same", after=1), 3, 1))
    assert after.mode == "L"
    assert "icc_profile" not in after.info  # a profile of colours is none of grey


def test_a_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    pixels, icc = photo(20, 20), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (icc, b"not a profile"):
        Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=data)
        after = through(tmp_path / "a.png")
        assert differs(after, pixels) == 0
        assert after.info["icc_profile"] == data
