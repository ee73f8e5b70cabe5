"""Pictures that the tests of two sides make themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def save(pixels: np.ndarray, path: Path) -> Path:
    """Write a picture, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def picture(number: int, height: int = 20, width: int = 24) -> np.ndarray:
    """A coloured picture: of two numbers they are neither equal nor mirror images."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def dark(number: int) -> np.ndarray:
    """What is given for `picture(number)`: each value halved."""
    return picture(number) // 2
