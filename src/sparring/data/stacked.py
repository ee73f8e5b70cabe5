"""Stacked digits: three digits in the three colours of one picture, the usual test of 1,000 modes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sparring.data.gallery import Found, Gallery, Points

COUNT, SEED, MODES = 50_000, 0, 1000


def stack(digits: Found, count: int = COUNT) -> Found:
    """Pictures of three grey digits each, drawn by a fixed seed, in red, green and blue.

    A generator that has collapsed misses some of the 1,000 numbers that they make (Metz et al. 2016, "Unrolled
    Generative Adversarial Networks"; Srivastava et al. 2017, "VEEGAN"). The digits are drawn with equal chances, so
    each mode is about, and not exactly, as frequent as another.

    Args:
        digits: grey pictures of one size with the labels 0..9, such as `known.digits()`; their size is kept.
        count: how many stacks to draw; the first k do not depend on it.

    Returns:
        Colour pictures with the labels 0..999, the three digits read as a number, red first, named "000" to "999".
        They are prepared on disk whatever the digits are, for decoding so many takes seconds.
    """
    name = f"stacked-{digits.name}"

    def load() -> Gallery | Points:
        source = digits.load()
        assert isinstance(source, Gallery)
        assert source.labels is not None
        pixels = np.stack([np.asarray(source.open(index)) for index in range(len(source.names))])
        chosen = np.random.default_rng(SEED).integers(len(pixels), size=(count, 3))

        def open_picture(index: int) -> Image.Image:
            return Image.fromarray(np.stack(pixels[chosen[index]], axis=-1))

        labels = source.labels[chosen] @ np.array([100, 10, 1])
        classes = tuple(f"{number:03d}" for number in range(MODES))
        return Gallery([str(index) for index in range(count)], open_picture, labels, classes)

    return Found(name, load, (*(digits.identity or ()), (name, count, SEED)), digits.size)
