"""What the report draws of a table: a histogram of each column, real beside made, and what pairs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sparring.data.tables import scales
from sparring.data.tables.field import Field
from sparring.metrics.tables.columns import MISSING, Coded, judged, measure, names
from sparring.metrics.tables.trends import Trends

BINS = 32  # of a number
BARS = 8  # categories with a bar of their own
MOST_COLUMNS, MOST_IN_MATRIX = 60, 40
EDGE = 0.001  # quantile of the real values beyond which numbers are put into the outermost bins
DIGITS = 5
LARGE = 1e15  # beyond which a bound is written by its power of ten


def drawings(fields: Sequence[Field], real: Coded, made: Coded, looks: tuple[np.ndarray, Trends]) -> dict[str, Any]:
    """As JSON holds it.

    Args:
        fields: the table's cards.
        real, made: their rows.
        looks: scores of the columns, and of the pairs.

    Returns:
        "columns", worst first: {"name", "kind", "score", "real", "made": shares of bins or bars, "bars": their names
        or "low", "high": a number's bounds in words, "missing": [real, made]}; "matrix": {"names", "real", "made"}:
        strengths of pairs, correlations with their sign; both limited to what a page can show.
    """
    numbers, discrete = judged(fields)
    scores, pairs = looks
    found: list[dict[str, Any]] = []
    for at in np.argsort(np.nan_to_num(scores, nan=2.0), kind="stable")[:MOST_COLUMNS]:
        if at < len(numbers):
            column = _number(numbers[at], real.numbers[:, at], made.numbers[:, at])
        else:
            place = at - len(numbers)
            column = _category(discrete[place], real.codes[:, place], made.codes[:, place])
        field = (numbers + discrete)[at]
        found.append({"name": field.name, "kind": field.kind, "score": _plain(scores[at]), **column})
    some = slice(0, MOST_IN_MATRIX)
    matrix = {
        part: [[_plain(value, 3) for value in row] for row in getattr(pairs, part)[some, some]]
        for part in ("real", "made")
    }
    left_out = max(0, len(scores) - MOST_COLUMNS)
    return {"columns": found, "left_out": left_out, "matrix": {"names": names(fields)[some], **matrix}}


def _number(field: Field, real: np.ndarray, made: np.ndarray) -> dict[str, Any]:
    there = [scales.to_scale(values[~np.isnan(values)] * measure(field), field) for values in (real, made)]
    low, high = np.quantile(there[0], (EDGE, 1 - EDGE), method="inverted_cdf") if len(there[0]) else (0.0, 1.0)
    if field.kind == "integer" and field.scale == "plain" and field.unit == 1 and high - low < BINS:
        edges = np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    shares = [
        (np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / total).round(DIGITS).tolist()
        for values, total in zip(there, (max(len(real), 1), max(len(made), 1)), strict=True)
    ]
    bounds = (_written(field, float(value)) for value in (low, high))
    missing = [round(float(np.isnan(values).mean()), DIGITS) for values in (real, made)]
    return {"real": shares[0], "made": shares[1], "low": next(bounds), "high": next(bounds), "missing": missing}


def _category(field: Field, real: np.ndarray, made: np.ndarray) -> dict[str, Any]:
    size = len(field.values) + 1
    shares = [np.bincount(codes - MISSING, minlength=size + 1) / max(len(codes), 1) for codes in (real, made)]
    known = [part[1:] for part in shares]
    order = np.argsort(-np.maximum(known[0], known[1] / 2)[: size - 1], kind="stable")[:BARS]
    order = order if field.kind == "categorical" else np.sort(order)
    rest = [float(part.sum() - part[order].sum()) for part in known]
    bars = [str(field.values[place]) for place in order]
    values = [part[order].tolist() for part in known]
    if len(order) < size - 1 or max(rest) > 1e-9:
        others = max(size - 1 - len(order), 1)
        bars.append("1 other" if others == 1 else f"{others:,} others")
        values = [[*part, left] for part, left in zip(values, rest, strict=True)]
    rounded = [[round(value, DIGITS) for value in part] for part in values]
    missing = [round(float(part[0]), DIGITS) for part in shares]
    return {"real": rounded[0], "made": rounded[1], "bars": bars, "missing": missing}


def _written(field: Field, value: float) -> str:
    """A bound of a histogram in words."""
    plain = float(scales.from_scale(np.array([value]), field)[0])
    if field.kind == "date":
        return str(np.datetime64(round(plain * field.unit), "s").astype("datetime64[D]"))
    whole = 1000 <= abs(plain) < LARGE or (abs(plain) < 1000 and plain.is_integer())
    return f"{plain:,.0f}" if whole else f"{plain:.4g}"


def _plain(value: float, digits: int = 4) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
