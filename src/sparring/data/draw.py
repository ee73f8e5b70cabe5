"""Samples back into what people look at: a grid in one picture, or one file each."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from sparring.data.dataset import encode
from sparring.data.spec import Spec

GAP = 2  # pixels between the pictures of a grid
CELL = 64  # pictures are enlarged by a whole number until a side reaches about this
MARGIN, HEADING = 12, 40  # pixels around columns, and above them for their headings
PLOT = 512  # side of a plot of points, in pixels


def to_pillow(spec: Spec, sample: np.ndarray) -> Image.Image:
    """One encoded picture (c, h, w) uint8 -> an image of mode L, RGB or RGBA."""
    return Image.fromarray(sample[0] if spec.shape[0] == 1 else np.ascontiguousarray(sample.transpose(1, 2, 0)))


def grid(spec: Spec, samples: torch.Tensor) -> Image.Image:
    """Samples (n, *spec.shape) -> one image: pictures side by side, in a near-square grid; points as a scatter."""
    if spec.kind == "points":
        return _scatter(spec, samples)
    pictures = encode(samples)
    n, channels, height, width = pictures.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    canvas = np.full((channels, rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = GAP + i // columns * (height + GAP), GAP + i % columns * (width + GAP)
        canvas[:, top : top + height, left : left + width] = picture
    image = to_pillow(spec, canvas)
    times = max(1, CELL // max(height, width))
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def columns(spec: Spec, pictures: dict[str, torch.Tensor]) -> Image.Image:
    """Pictures (n, *spec.shape) under each heading -> one image: a row for each of the n, a column for each heading."""
    n, (_, height, width) = len(next(iter(pictures.values()))), spec.shape
    times = max(1, 2 * CELL // max(height, width))
    font = ImageFont.load_default(14)
    across = [max(width * times, math.ceil(font.getlength(heading))) + MARGIN for heading in pictures]
    image = Image.new("RGB", (sum(across) + MARGIN, HEADING + n * (height * times + GAP) + MARGIN), "white")
    pen, left = ImageDraw.Draw(image), MARGIN
    for room, (heading, samples) in zip(across, pictures.items(), strict=True):
        pen.text((left, MARGIN), heading, "#222222", font)
        for i, picture in enumerate(encode(samples)):
            tile = to_pillow(spec, picture).resize((width * times, height * times), Image.Resampling.NEAREST)
            place = (left, HEADING + i * (height * times + GAP))
            image.paste(tile, place, tile if tile.mode == "RGBA" else None)
        left += room
    return image


def _scatter(spec: Spec, samples: torch.Tensor) -> Image.Image:
    """The first two coordinates of points, on the square that the data's range spans."""
    low, high = spec.range
    image = Image.new("RGB", (PLOT, PLOT), "white")
    pen = ImageDraw.Draw(image)
    points = samples.detach().float().cpu().flatten(1).numpy()
    across = points[:, 0]
    up = points[:, 1] if points.shape[1] > 1 else np.zeros_like(across)
    for x, y in zip((across - low) / (high - low), (up - low) / (high - low), strict=True):
        pen.ellipse((x * PLOT - 2, (1 - y) * PLOT - 2, x * PLOT + 2, (1 - y) * PLOT + 2), fill=(31, 83, 196))
    return image


def save_each(spec: Spec, samples: torch.Tensor, folder: Path, first: int = 0) -> list[Path]:
    """One numbered file a sample: PNG for pictures, and for points one CSV. -> the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    if spec.kind == "points":
        path = folder / f"{first:06d}.csv"
        np.savetxt(path, samples.detach().float().cpu().flatten(1).numpy(), delimiter=",", fmt="%.6g")
        return [path]
    paths = []
    for i, picture in enumerate(encode(samples), start=first):
        paths.append(folder / f"{i:06d}.png")
        to_pillow(spec, picture).save(paths[-1])
    return paths
