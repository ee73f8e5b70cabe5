"""Colour profiles: pictures of any space into sRGB, which networks learn from, and back."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # what profiles call them, and Pillow


class Space:
    """The colour space of a picture, from the profile in its file.

    Args:
        icc: the profile; None where the file has none, and the space is sRGB.

    Attributes:
        mode: Pillow's name for the pictures that the profile is for; empty where it is none or damaged.
        plain: whether it is sRGB, so that nothing is to be converted.
    """

    def __init__(self, icc: bytes | None) -> None:
        self.icc, self.mode, self.plain = icc, "", True
        if not icc:
            return
        try:
            self._profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            self.mode = SPACES.get(self._profile.profile.xcolor_space, "")
            name = ImageCms.getProfileDescription(self._profile)
        except (OSError, ImageCms.PyCMSError):  # a damaged profile is kept as it is, as viewers pass over it, too
            return
        self.plain = not self.mode or "srgb" in name.lower()

    def into(self, image: Image.Image) -> Image.Image:
        """A picture of this space, without transparency -> RGB in sRGB; unchanged where it is sRGB already."""
        if self.plain or image.mode != self.mode:
            return image
        return self._converted(image, self._profile, ImageCms.createProfile("sRGB"), "RGB")

    def back(self, image: Image.Image) -> Image.Image:
        """RGB, or L, in sRGB -> this space; unchanged where the space cannot hold it."""
        if self.plain or not self.holds(image.mode):
            return image
        return self._converted(image.convert("RGB"), ImageCms.createProfile("sRGB"), self._profile, self.mode)

    def holds(self, mode: str) -> bool:
        """Whether pictures of `mode` in sRGB, RGB or L, can be converted into this space without a loss of colour."""
        return (mode == "L") == (self.mode == "L") and bool(self.mode)

    @staticmethod
    def _converted(image: Image.Image, source: object, target: object, mode: str) -> Image.Image:
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC  # which keeps all colours that both spaces hold
        made = ImageCms.profileToProfile(image, source, target, intent, mode)  # type: ignore[arg-type]
        assert made is not None
        return made
