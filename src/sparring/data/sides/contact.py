"""The contact sheet of two sides: pictures to start from beside pictures to make."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sparring.data.contact import CELL, GAP, INK, MARGIN, PAPER, TITLE
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.data.sides.doctor import Findings

JOIN = 2  # pixels between the two of a pair


def contact_sheet(findings: Findings, path: str | Path) -> None:
    """Write up to 32 pictures of each side, given | made, as a PNG; the two of a pair beside one another.

    Raises:
        SparringError: where the path cannot be written.
    """
    count = min(len(findings.given), len(findings.made))
    height, width = findings.made.shape[2:]
    longer = max(height, width)
    scale = CELL // longer if longer <= CELL else min(1, 2 * CELL / longer)
    high, wide = max(1, round(height * scale)), max(1, round(width * scale))
    resample = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    across = max(1, math.ceil(math.sqrt(count * high / (2 * wide))))
    step_x, step_y = 2 * wide + JOIN + GAP, high + GAP
    words = "given | made" if findings.kind == "pairs" else "any given | any made"
    text, font = f"{findings.name}: {findings.count} {findings.kind}, {words}", ImageFont.load_default(20)
    size = max(across * step_x - GAP, math.ceil(font.getlength(text))) + 2 * MARGIN
    sheet = Image.new("RGB", (size, TITLE + 2 * MARGIN + math.ceil(count / across) * step_y - GAP), PAPER)
    ImageDraw.Draw(sheet).text((MARGIN, MARGIN), text, INK, font)
    for place in range(count):
        x, y = MARGIN + place % across * step_x, TITLE + MARGIN + place // across * step_y
        for at, pixels in enumerate((findings.given[place], findings.made[place])):
            picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
            sheet.paste(picture.resize((wide, high), resample), (x + at * (wide + JOIN), y))
    try:
        sheet.save(path, format="PNG")
    except OSError as error:
        raise SparringError(f"The contact sheet cannot be written to {path} ({error.strerror}).") from error
