"""The contact sheet: one PNG with pictures as training would see them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.data.doctor import Findings

CELL, GAP, MARGIN, LINE, TITLE = 128, 10, 24, 18, 44  # pixels
PAPER, INK, FAINT, DOT = "#f4f4f2", "#222222", "#6b6b6b", (34, 90, 160)


def contact_sheet(findings: Findings, path: str | Path) -> None:
    """Write up to 64 pictures (or a plot of the points' first two columns) as a PNG, with their class names.

    Raises:
        SparringError: where the path cannot be written.
    """
    sheet = _plot(findings) if findings.kind == "points" else _grid(findings)
    try:
        sheet.save(path, format="PNG")
    except OSError as error:
        raise SparringError(f"The contact sheet cannot be written to {path} ({error.strerror}).") from error


def _grid(findings: Findings) -> Image.Image:
    count, _, height, width = findings.sample.shape
    longer = max(height, width)
    # Small pictures grow by a whole number, so that their pixels stay squares; large ones shrink.
    scale = CELL // longer if longer <= CELL else min(1, 2 * CELL / longer)
    wide, high = round(width * scale), round(height * scale)
    resample = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    across = math.ceil(math.sqrt(count * high / wide)) if count > 1 else 1
    step_x, step_y = wide + GAP, high + GAP + (LINE if findings.sample_labels else 0)
    down = math.ceil(count / across)
    sheet = _paper(findings, 2 * MARGIN + across * step_x - GAP, TITLE + 2 * MARGIN + down * step_y - GAP)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for index, pixels in enumerate(findings.sample):
        x, y = MARGIN + index % across * step_x, TITLE + MARGIN + index // across * step_y
        picture = _picture(pixels).resize((wide, high), resample)
        sheet.paste(picture, (x, y), picture if picture.mode == "RGBA" else None)
        if findings.sample_labels:
            text = _shortened(findings.sample_labels[index], font, wide)
            draw.text((x + wide / 2, y + high + 3), text, FAINT, font, anchor="ma")
    return sheet


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _paper(findings: Findings, width: int, height: int) -> Image.Image:
    """A sheet with its title, wide enough for it."""
    shape = "x".join(str(side) for side in findings.sample.shape[2:] or findings.sample.shape[1:])
    unit = "" if findings.kind == "pictures" else " numbers"
    title, font = (
        f"{findings.name}: {findings.count} {findings.kind}, {shape}{unit}",
        ImageFont.load_default(20),
    )
    sheet = Image.new("RGB", (max(width, 2 * MARGIN + math.ceil(font.getlength(title))), height), PAPER)
    ImageDraw.Draw(sheet).text((MARGIN, MARGIN), title, INK, font)
    return sheet


def _shortened(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    """The text, or as much of its start as fits into `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _plot(findings: Findings) -> Image.Image:
    side = 560
    sheet = _paper(findings, side + 2 * MARGIN, TITLE + side + 2 * MARGIN)
    field = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(field, "RGBA")
    points = findings.sample[:, :2] if findings.sample.shape[1] > 1 else np.repeat(findings.sample, 2, axis=1)
    low, high = float(points.min()), float(points.max())
    places = (points - low) / max(high - low, 1e-9) * (side - 40) + 20
    for x, y in places:
        draw.ellipse((x - 2, side - y - 2, x + 2, side - y + 2), fill=(*DOT, 120))
    sheet.paste(field, (MARGIN, TITLE + MARGIN))
    return sheet
