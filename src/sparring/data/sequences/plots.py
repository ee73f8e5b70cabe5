"""Sequences as one picture: a small plot each, a line for each channel."""

from __future__ import annotations

import math

import torch
from PIL import Image, ImageDraw, ImageFont

from sparring.data.spec import Spec

WIDTH, HEIGHT, GAP = 120, 72, 6  # pixels of a plot, and between two
LEGEND = 20  # pixels of the line that names the channels
COLOURS = ("#1f53c4", "#d1603d", "#2f8f5b", "#8a4fb5", "#b58a1a", "#2b9aa8", "#c43f86", "#6b6f76")
MOST = len(COLOURS)  # channels that are drawn


def plots(spec: Spec, samples: torch.Tensor, across: int | None = None) -> Image.Image:
    """Sequences (n, channels, steps) in -1..1, n at least 1 -> an RGB image, `across` plots in a row.

    Each plot spans what the data spans, from the least to the greatest value of each channel. The first 8 channels
    are drawn.
    """
    sequences = samples.detach().float().cpu()[:, :MOST]
    columns = across or math.ceil(math.sqrt(len(sequences)))
    down = math.ceil(len(sequences) / columns)
    size = (columns * (WIDTH + GAP) + GAP, LEGEND + down * (HEIGHT + GAP) + GAP)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    _legend(pen, spec)
    for i, sequence in enumerate(sequences):
        left, top = GAP + i % columns * (WIDTH + GAP), LEGEND + GAP + i // columns * (HEIGHT + GAP)
        pen.rectangle((left, top, left + WIDTH - 1, top + HEIGHT - 1), outline="#dddddd")
        across_ = torch.linspace(left + 2, left + WIDTH - 3, sequence.shape[1])
        for values, colour in zip(sequence, COLOURS, strict=False):
            up = top + 2 + (1 - values.clamp(-1, 1)) / 2 * (HEIGHT - 5)
            pen.line([(float(x), float(y)) for x, y in zip(across_, up, strict=True)], colour)
    return image


def _legend(pen: ImageDraw.ImageDraw, spec: Spec) -> None:
    font, left = ImageFont.load_default(11), float(GAP)
    for field, colour in zip(spec.fields, COLOURS, strict=False):
        pen.text((left, 4), field.name, colour, font)
        left += font.getlength(field.name) + 2 * GAP
    if len(spec.fields) > MOST:
        pen.text((left, 4), f"{len(spec.fields) - MOST:,} more are not shown", "#222222", font)
