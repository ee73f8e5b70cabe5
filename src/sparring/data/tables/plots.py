"""Samples of a table as one picture: a small plot a column, what was made over the outline of the data."""

from __future__ import annotations

import bisect
import math
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from sparring.data.spec import Spec
from sparring.data.tables import numbers, scales
from sparring.data.tables.field import Field, Layout

WIDTH, HEIGHT = 248, 168  # pixels of a column's plot
MARGIN, TITLE = 12, 22  # pixels around each, and for its title
MOST = 60  # columns that are plotted
BINS = 48  # of a number
LARGE = 1e15  # beyond which a bound is written by its power of ten
ROWS = 8  # categories with a bar of their own
ROW = 15  # pixels of such a bar
LABEL = 92  # pixels for the name of a category
SAMPLES, DATA, TEXT = "#7f9fdd", "#15202b", "#222222"
LEGEND = "filled: samples    outline: data    (heights of numbers by their square root)"


def plots(spec: Spec, rows: torch.Tensor) -> Image.Image:
    """Stored rows (n, width), n at least 1 -> an RGB image, a plot for each of the first 60 columns that are learnt."""
    layout = Layout(spec.fields)
    fields, values = layout.learnt, rows.detach().float().cpu().numpy()
    shown = fields[:MOST]
    across = max(2, math.ceil(math.sqrt(len(shown))))
    down = math.ceil(len(shown) / across)
    image = Image.new("RGB", (across * WIDTH, TITLE + down * HEIGHT), "white")
    pen, small = ImageDraw.Draw(image), _font(11)
    left_out = f"    {len(fields) - MOST:,} more columns are not shown" if len(fields) > MOST else ""
    pen.text((MARGIN, 6), LEGEND + left_out, TEXT, small)
    for i, field in enumerate(shown):
        left, top = i % across * WIDTH + MARGIN, TITLE + i // across * HEIGHT
        pen.text((left, top + 4), _cut(field.name, WIDTH - 2 * MARGIN, 13), TEXT, _font(13))
        codes = values[:, len(layout.numbers) + i].round().astype(np.int64)
        place = (left, top + TITLE)
        if field.is_number:
            _number(pen, place, field, values[:, i], codes)
        else:
            _category(pen, place, field, np.bincount(codes, minlength=field.codes) / len(codes))
    return image


def _number(
    pen: ImageDraw.ImageDraw, place: tuple[int, int], field: Field, within: np.ndarray, codes: np.ndarray
) -> None:
    """A histogram on the field's scale, with a bar of its own for missing values at the right."""
    made, known = histogram(field, within, codes)
    width, height = WIDTH - 2 * MARGIN, HEIGHT - TITLE - MARGIN - 16
    left, floor = place[0], place[1] + height
    bar = width / len(made)
    highest = max(made.max(), known.max())
    tops = [floor - np.sqrt(shares / highest) * (height - 4) for shares in (made, known)]
    edges = left + np.arange(len(made) + 1) * bar
    for start, end, top in zip(edges[:-1], edges[1:], tops[0], strict=True):
        if top < floor:
            pen.rectangle((start, top, end - 1, floor), SAMPLES)
    outline = np.stack([np.repeat(edges, 2)[1:-1], np.repeat(tops[1], 2)], 1)
    pen.line([(left, floor), *map(tuple, outline.tolist()), (edges[-1], floor), (left, floor)], DATA)
    font = _font(11)
    pen.text((left, floor + 4), _written(field, field.low), TEXT, font)
    right = left + width - (font.getlength("missing") + 10 if field.missing else 0)
    pen.text((right, floor + 4), _written(field, field.high), TEXT, font, anchor="ra")
    if field.missing:
        pen.text((left + width, floor + 4), "missing", TEXT, font, anchor="ra")


def histogram(field: Field, within: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of a number's samples in each of up to 48 bins between its bounds, and that of the data by its card.

    Args:
        field: of the number.
        within: (n,) places in -1..1.
        codes: (n,) modes, spikes or missing.

    Returns:
        (bins,) each; where values are missing, two more: an empty one and the share of what is missing.
    """
    modes, low, high = len(field.means), *(_scaled(field, bound) for bound in (field.low, field.high))
    means, deviations = np.array(field.means), np.array(field.deviations)
    spikes = np.array([_scaled(field, float(value)) for value in field.values])
    edges = _edges(field, low, high)
    values = np.concatenate([means, spikes, [np.nan]])[np.minimum(codes, modes + len(spikes))]
    some = codes < modes
    values[some] += 4 * within[some] * deviations[codes[some]]
    values = np.clip(values, low, high)
    made = np.histogram(values[~np.isnan(values)], edges)[0] / len(codes)
    cuts = torch.from_numpy((edges[1:-1, None] - means) / deviations)
    below = np.concatenate([np.zeros((1, modes)), torch.special.ndtr(cuts).numpy(), np.ones((1, modes))])
    known = np.diff(below, axis=0) @ np.array(field.shares[:modes])
    known += np.histogram(spikes, edges, weights=field.shares[modes : modes + len(spikes)])[0]
    if field.missing:
        lost = (float(np.isnan(values).mean()), field.shares[-1])
        made, known = (np.append(shares, [0.0, share]) for shares, share in zip((made, known), lost, strict=True))
    return made, known


def _edges(field: Field, low: float, high: float) -> np.ndarray:
    """Of the bins, ascending; each has as many whole numbers as the others, or else they would look ragged."""
    if field.kind == "integer" and field.scale == "plain" and max(-low, high) < numbers.WHOLE and field.unit == 1:
        step = math.ceil((high - low + 1) / BINS)
        return low - 0.5 + step * np.arange(math.ceil((high - low + 1) / step) + 1)
    return np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 1, high + 1, BINS + 1)


def _category(pen: ImageDraw.ImageDraw, place: tuple[int, int], field: Field, made: np.ndarray) -> None:
    """A bar for each of the most frequent categories, and one for all others together."""
    known, names = np.array(field.shares), _names(field)
    chosen = np.sort(np.argsort(-known, kind="stable")[: ROWS if len(known) <= ROWS else ROWS - 1])
    bars = [(names[i], made[i], known[i]) for i in chosen]
    if len(known) > len(chosen):
        rest = np.setdiff1d(np.arange(len(known)), chosen)
        bars.append((f"{len(rest):,} others", made[rest].sum(), known[rest].sum()))
    font, room = _font(11), WIDTH - 2 * MARGIN - LABEL
    highest = max(max(share, data) for _, share, data in bars)
    for i, (name, share, data) in enumerate(bars):
        left, top = place[0] + LABEL, place[1] + i * ROW
        pen.text((place[0], top + 1), _cut(name, LABEL - 6, 11), TEXT, font)
        pen.rectangle((left, top + 2, left + share / highest * room, top + ROW - 3), SAMPLES)
        pen.rectangle((left, top + 2, left + data / highest * room, top + ROW - 3), outline=DATA)


def _names(field: Field) -> list[str]:
    """What each code of a category is called; where several share one, after the most frequent of them."""
    names = [str(value) for value in field.values]
    if field.groups:
        alike: dict[int, list[int]] = {}
        for value, code in enumerate(field.groups):
            alike.setdefault(code, []).append(value)
        own = field.codes - field.missing
        most = [max(alike[code], key=lambda value: field.counts[value]) for code in range(own)]
        names = [names[v] + (" and others" if len(alike[code]) > 1 else "") for code, v in enumerate(most)]
    return [*names, "missing"] if field.missing else names


def _scaled(field: Field, value: float) -> float:
    return float(scales.to_scale(np.array([value]), field)[0])


def _written(field: Field, value: float) -> str:
    if field.kind == "date":
        return str(np.datetime64(int(value), "s").astype("datetime64[D]"))
    whole = 1000 <= abs(value) < LARGE or (abs(value) < 1000 and float(value).is_integer())
    return f"{value:,.0f}" if whole else f"{value:.4g}"


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _cut(text: str, room: int, size: int) -> str:
    """The text on one line, with three dots where it is too long for `room` pixels."""
    text, font = " ".join(text.split())[:room], _font(size)  # a letter takes a pixel at least
    if font.getlength(text) <= room:
        return text
    fits = bisect.bisect_left(range(len(text)), True, key=lambda end: font.getlength(f"{text[:end]}...") > room)
    return f"{text[: fits - 1]}..."
