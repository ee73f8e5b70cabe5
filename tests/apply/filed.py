"""A file through a network into another, as the command does it, and what came of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from translators import Pointwise, Translating

from sparring.apply import save
from sparring.apply.files import read
from sparring.apply.translate import translate_picture

SAME = Translating(Pointwise("same"))


def through(path: Path, gan: Translating = SAME, target: str = "") -> Image.Image:
    """A file through a network into another of the same name, as the command does it."""
    picture = read(path)
    made = translate_picture(gan, picture.seen(gan.spec.source[0]))
    out = path.parent / "out" / (target or path.name)
    form = save.format_of(out) if target else picture.format
    save.whole(out, lambda file: save.write(picture, made, file, form))
    return opened(out)


def opened(path: Path) -> Image.Image:
    """A picture with its pixels; its file is closed again."""
    with Image.open(path) as image:
        image.load()
        return image


def differs(a: Image.Image | np.ndarray, b: Image.Image | np.ndarray) -> int:
    """The largest difference of any value."""
    return int(abs(np.asarray(a).astype(int) - np.asarray(b).astype(int)).max())
