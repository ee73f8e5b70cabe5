"""Samples back into what people look at: a grid in one picture, a film, or one file each."""

from __future__ import annotations

import importlib
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from sparring.data.dataset import encode
from sparring.data.pictures import on_white
from sparring.data.sequences import plots as lines
from sparring.data.spec import Spec
from sparring.data.tables.plots import plots
from sparring.errors import SparringError

GAP = 2  # pixels between the pictures of a grid
CELL = 64  # pictures are enlarged by a whole number until a side reaches about this
MARGIN, HEADING = 12, 40  # pixels around columns, and above them for their headings
PLOT = 512  # side of a plot of points, in pixels
SCREEN = 256  # frames of a film are enlarged by a whole number until a side reaches about this
FRAMES_A_SECOND = 20  # which GIF, that counts in hundredths of a second, can hold exactly
FILMS = (".gif", ".mp4")
NAME = 40  # letters of a row's heading


def to_pillow(sample: np.ndarray) -> Image.Image:
    """One encoded picture (c, h, w) uint8 -> an image of mode L, RGB or RGBA."""
    return Image.fromarray(sample[0] if len(sample) == 1 else np.ascontiguousarray(sample.transpose(1, 2, 0)))


def enough(spec: Spec) -> int:
    """How many samples a grid shows while training; of a table so many rows that their frequencies can be seen."""
    return 2000 if spec.kind == "table" else 64


def grid(spec: Spec, samples: torch.Tensor, across: int | None = None) -> Image.Image:
    """Samples (n, *spec.shape) -> one image: pictures side by side, `across` in a row; points as a scatter.

    Without `across` the grid is nearly square. The rows of a table give a plot for each column, sequences
    one each.
    """
    if spec.kind == "points":
        return _scatter(spec, samples)
    if spec.kind == "table":
        return plots(spec, samples)
    if spec.kind == "sequences":
        return lines.plots(spec, samples, across)
    pictures = encode(samples)
    n, channels, height, width = pictures.shape
    columns = across or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    canvas = np.full((channels, rows * (height + GAP) + GAP, columns * (width + GAP) + GAP), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = GAP + i // columns * (height + GAP), GAP + i % columns * (width + GAP)
        canvas[:, top : top + height, left : left + width] = picture
    image = to_pillow(canvas)
    times = max(1, CELL // max(height, width))
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def columns(pictures: dict[str, torch.Tensor], times: int = 0) -> Image.Image:
    """Pictures (n, c, h, w) under each heading -> one image: a row for each of the n, a column for each heading.

    The headings' pictures may differ in their channels and, by a whole factor, in size: all are shown alike, enlarged
    `times`, or to about 128 pixels where that is 0.
    """
    shapes = [samples.shape for samples in pictures.values()]
    n, height, width = len(next(iter(pictures.values()))), *(max(shape[side] for shape in shapes) for side in (2, 3))
    times = times or max(1, 2 * CELL // max(height, width))
    font = ImageFont.load_default(14)
    across = [max(width * times, math.ceil(font.getlength(heading))) + MARGIN for heading in pictures]
    image = Image.new("RGB", (sum(across) + MARGIN, HEADING + n * (height * times + GAP) + MARGIN), "white")
    pen, left = ImageDraw.Draw(image), MARGIN
    for room, (heading, samples) in zip(across, pictures.items(), strict=True):
        pen.text((left, MARGIN), heading, "#222222", font)
        for i, picture in enumerate(encode(samples)):
            tile = to_pillow(picture).resize((width * times, height * times), Image.Resampling.NEAREST)
            place = (left, HEADING + i * (height * times + GAP))
            image.paste(tile, place, tile if tile.mode == "RGBA" else None)
        left += room
    return image


def rows(spec: Spec, pictures: dict[str, torch.Tensor]) -> Image.Image:
    """Pictures (n, *spec.shape) of each heading -> one image: a row of n for each, behind its heading."""
    n = len(next(iter(pictures.values())))
    body = on_white(grid(spec, torch.cat(list(pictures.values())), across=n))
    font = ImageFont.load_default(14)
    headings = [" ".join(heading.split())[:NAME] for heading in pictures]
    room = 2 * MARGIN + math.ceil(max(map(font.getlength, headings)))
    image = Image.new("RGB", (room + body.width, body.height), "white")
    image.paste(body, (room, 0))
    pen = ImageDraw.Draw(image)
    for i, heading in enumerate(headings):
        pen.text((MARGIN, (i + 0.5) * body.height / len(headings)), heading, "#222222", font, anchor="lm")
    return image


def film(spec: Spec, samples: torch.Tensor, path: Path) -> None:
    """Samples (n, *spec.shape), a frame each, into a GIF that repeats for ever or an MP4, by the path's ending.

    Raises:
        SparringError: for an MP4 where there is no ffmpeg, or one that fails.
        OSError: where the file cannot be written.
    """
    frames = [_frame(spec, sample) for sample in samples]
    if path.suffix.lower() == ".mp4":
        _mp4(frames, path)
    else:
        wait = 1000 // FRAMES_A_SECOND
        frames[0].save(path, "GIF", save_all=True, append_images=frames[1:], duration=wait, loop=0)


def _frame(spec: Spec, sample: torch.Tensor) -> Image.Image:
    """One sample (*spec.shape) as large as a screen shows it well: L or RGB."""
    if spec.kind == "points":
        return _scatter(spec, sample[None])
    if spec.kind == "sequences":
        return lines.plots(spec, sample[None])
    image = on_white(to_pillow(encode(sample[None])[0]))
    times = max(1, SCREEN // max(image.size))
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def ffmpeg() -> str:
    """The program that makes MP4 files: the machine's, or the one in the package imageio-ffmpeg.

    Raises:
        SparringError: where there is neither.
    """
    if found := shutil.which("ffmpeg"):
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise SparringError(
            "an MP4 needs ffmpeg, which is not here: name the file .gif, or `pip install imageio-ffmpeg`"
        ) from None


def _mp4(frames: list[Image.Image], path: Path) -> None:
    width, height = frames[0].size
    pixels = b"".join(frame.convert("RGB").tobytes() for frame in frames)
    read = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FRAMES_A_SECOND), "-i", "-"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"]  # colours are stored at half the size, which players insist on
    write = ["-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path.absolute())]
    command = [ffmpeg(), "-y", "-loglevel", "error", *read, *even, *write]
    done = subprocess.run(command, input=pixels, capture_output=True, check=False)
    if done.returncode:
        complaint = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise SparringError(f"ffmpeg cannot write {path} ({complaint}); name the file .gif")


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
        to_pillow(picture).save(paths[-1])
    return paths
