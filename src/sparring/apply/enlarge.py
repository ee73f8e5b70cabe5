"""A picture of any channels through a network of others, and with opacity through one that enlarges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sparring.apply.files import seen

if TYPE_CHECKING:
    from sparring.apply.translate import Translator

ROWS = 256  # that are worked on at once, so that numbers with decimals take little memory; an even number


def through(translator: Translator, colours: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """What a network makes of a picture, whatever channels it takes.

    A network that enlarges gives grey for grey. One of grey pictures is shown the three channels of a picture in
    colour one by one. Colours that nobody sees, for they are fully transparent, are not shown to it: it gets those of
    what is nearby, so that they do not seep into the edges of what is seen.

    Args:
        translator: of any channels, or of maps of labels.
        colours: (h, w, 1 or 3) uint8 or uint16; for maps of labels as in `files.Picture`.
        alpha: (h, w) of the same type, the opacity; None where all is opaque.

    Returns:
        (h * scale, w * scale, c) of the same type.
    """
    channels = translator.channels
    if translator.labels:
        return translator(colours)
    if not translator.enlarges or channels not in (1, 3):
        return translator(seen(colours, alpha, channels))
    if alpha is not None:
        colours = covered(colours, alpha)
    if channels == 1 and colours.shape[2] == 3:
        return _one_by_one(translator, colours)
    made = translator(seen(colours, None, channels))
    return seen(made, None, 1) if colours.shape[2] == 1 else made


def _one_by_one(translator: Translator, colours: np.ndarray) -> np.ndarray:
    height, width, channels = colours.shape
    made = np.empty((height * translator.scale, width * translator.scale, channels), colours.dtype)
    for i in range(channels):
        made[..., i] = translator(colours[..., i : i + 1])[..., 0]
    return made


def covered(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colours (h, w, c) whose fully transparent pixels (`alpha` is 0 there) have a colour of what is seen nearby.

    Means over squares of 2x2, 4x4, ... pixels of what is seen in them are found until all squares have one; each hidden
    pixel gets that of the smallest square around it. (Pull and push, after Gortler et al., The Lumigraph, 1996.)
    """
    if alpha.all() or not alpha.any():
        return colours
    coarse = covered(*_halved(colours, alpha))
    filled = np.empty_like(colours)
    for top in range(0, len(colours), ROWS):
        here = colours[top : top + ROWS]
        around = coarse[top // 2 : (top + ROWS) // 2].repeat(2, 0).repeat(2, 1)[: len(here), : here.shape[1]]
        filled[top : top + ROWS] = np.where(alpha[top : top + ROWS, :, None] == 0, around, here)
    return filled


def _halved(colours: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of 2x2 pixels that count by their opacity, and whether any of them is seen, as 1 or 0."""
    made, known = [], []
    across = range(0, colours.shape[1], 2)
    for top in range(0, len(colours), ROWS):
        weight = alpha[top : top + ROWS, :, None].astype(np.float32)
        down = range(0, len(weight), 2)
        weighted, total = (
            np.add.reduceat(np.add.reduceat(one, down, 0), across, 1)
            for one in (colours[top : top + ROWS] * weight, weight)
        )
        made.append(np.rint(weighted / np.maximum(total, 1)).astype(colours.dtype))
        known.append((total[..., 0] > 0).astype(np.uint8))
    return np.concatenate(made), np.concatenate(known)


def resized(alpha: np.ndarray | None, size: tuple[int, ...]) -> np.ndarray | None:
    """Opacity (h, w) at another size, by cubic interpolation."""
    if alpha is None or alpha.shape == size:
        return alpha
    (height, width), most = size, np.iinfo(alpha.dtype).max
    image, down = Image.fromarray(alpha.astype(np.float32)), alpha.shape[0] / height
    made = np.empty((height, width), alpha.dtype)
    for top in range(0, height, ROWS):
        rows = min(ROWS, height - top)
        box = 0, top * down, alpha.shape[1], (top + rows) * down
        part = image.resize((width, rows), Image.Resampling.BICUBIC, box)
        made[top : top + rows] = np.rint(np.asarray(part)).clip(0, most)
    return made
