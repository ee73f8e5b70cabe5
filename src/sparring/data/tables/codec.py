"""A table into rows of places and codes, and back: what CTGAN calls mode-specific normalisation, and its inverse.

A number v of mode k with mean m and deviation s has the place (v - m) / 4s, kept within -0.99..0.99, and the code k,
which is drawn by how likely each mode is to have made v (Xu et al. 2019, arXiv 1907.00503, section 4.2). No column is
ever made one-hot, and nothing is done row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sparring.data.tables import cells, chance, identifiers, modes, numbers, scales, wide
from sparring.data.tables.field import Field, Kind, Layout

if TYPE_CHECKING:
    import pandas as pd

    from sparring.data.tables.kinds import Decision

WIDTH = 4.0  # deviations from a mode's mean to the place 1
FARTHEST = 0.99  # place
BLOCK = 1 << 14  # rows whose modes are drawn at once
UNIT = 0.1  # quantile of the sizes, which a logarithmic scale counts in: nearly all values are then beyond its bend


class Encoded(NamedTuple):
    """Rows (n, Layout.width) float32, and for each a number (n,) uint64 that depends on its values alone."""

    rows: np.ndarray
    keys: np.ndarray


def fit(frame: pd.DataFrame, decisions: Mapping[str, Decision]) -> tuple[Field, ...]:
    """The card of each column, in their order.

    Args:
        frame: as `check.check` leaves it.
        decisions: what `kinds.infer` makes of it.
    """
    types, wordings = frame.attrs.get("types", {}), frame.attrs.get("wordings", {})
    cards = (_card(str(name), frame[name], decisions[name]) for name in frame.columns)
    return tuple(
        replace(card, was=types.get(card.name, ""), wording=wordings.get(card.name, card.wording)) for card in cards
    )


def encode(fields: Sequence[Field], frame: pd.DataFrame, seed: int = 0) -> np.ndarray:
    """Rows of a table as the networks' data set stores them.

    Of what the fields do not know, a value that is no category of its column, or a missing value where none was
    missing, becomes missing where the column has a code for that, else the column's most frequent; a number beyond all
    modes gets the farthest place in one.

    Args:
        fields: as `fit` makes them, of this frame or of another with the same columns in any order.
        frame: any number of rows.
        seed: of the choice among modes that could have made a number. Equal rows are always encoded alike.

    Returns:
        (n, Layout(fields).width) float32.
    """
    return encode_with_keys(fields, frame, seed).rows


def encode_with_keys(fields: Sequence[Field], frame: pd.DataFrame, seed: int = 0) -> Encoded:
    """Like `encode`, with a number beside each row that tells different ones apart."""
    layout = Layout(fields)
    rows = np.zeros((len(frame), layout.width), np.float32)
    keys = np.zeros(len(frame), np.uint64)
    numbers = []
    for field in layout.numbers:
        values = scales.read(frame[field.name], field)
        keys = chance.joined(keys, (values + 0.0).view(np.uint64))  # -0 and 0 are equal
        numbers.append(values)
    for at, field in enumerate(layout.discrete, 2 * len(numbers)):
        places = cells.find(frame[field.name], field.values)
        keys = chance.joined(keys, places.view(np.uint64))
        rows[:, at] = _known(_codes(field, places), field)
    for at, (field, values) in enumerate(zip(layout.numbers, numbers, strict=True)):
        drawn = chance.uniform(keys, "mode", seed, at)
        rows[:, at], rows[:, len(numbers) + at] = _placed(values, field, drawn)
    return Encoded(rows, keys)


def decode(fields: Sequence[Field], rows: np.ndarray, seed: int = 0, first: int = 0) -> pd.DataFrame:
    """Rows as a table with the columns, types, decimals and bounds that its fields were fitted to.

    Args:
        fields: the table's.
        rows: (n, Layout(fields).width), places in -1..1 and codes as whole numbers.
        seed: of the choice among values that share a code, and of identifiers that are drawn.
        first: how many rows were made before. Blocks so decoded one after another are what all would be at once, and
            identifiers do not repeat.
    """
    import pandas as pd

    layout = Layout(fields)
    keys = chance.numbered(first, len(rows))
    count = len(layout.numbers)
    columns = {}
    for at, field in enumerate(fields):
        drawn = chance.uniform(keys, "decode", seed, at) if field.groups or not field.codes else np.empty(0)
        if field.is_number:
            place = layout.numbers.index(field)
            columns[field.name] = _number(field, rows[:, place], rows[:, count + place])
        elif field.is_discrete:
            codes = rows[:, 2 * count + layout.discrete.index(field)].astype(np.int64)
            columns[field.name] = _category(field, codes, drawn)
        elif field.kind == "identifier":
            columns[field.name] = _identifier(field, drawn, seed, first)
        else:
            columns[field.name] = cells.fill(field.values, _present(field, drawn), field.dtype, field.levels)
    return pd.DataFrame({name: column.array for name, column in columns.items()}, copy=False)


def _card(name: str, column: pd.Series, decision: Decision) -> Field:
    missing = bool(column.isna().any())
    dtype = cells.type_name(column.dtype)
    if decision.kind == "identifier":
        known = column.dropna()
        pattern = identifiers.learn(known)
        shares = (1 - len(known) / len(column),) if missing else ()
        return Field(name, "identifier", dtype, 0, shares, missing, pattern.free, form=pattern.form)
    if decision.kind == "constant":
        values = () if column.isna().all() else tuple(cells.categories(column)[0])
        return Field(name, "constant", dtype, values=values, levels=cells.levels(column))
    if decision.kind in ("continuous", "integer", "date"):
        return _number_card(name, column, decision, missing)
    return _category_card(name, column, decision.kind, missing)


def _category_card(name: str, column: pd.Series, kind: Kind, missing: bool) -> Field:
    values, places = cells.categories(column)
    counts = np.bincount(places + 1, minlength=len(values) + 1)
    most = wide.MOST - missing
    groups = wide.groups(counts[1:], most) if len(values) > most else np.arange(len(values))
    codes = int(groups.max()) + 1
    shares = np.bincount(groups, counts[1:], codes) / len(column)
    shared = len(values) > most
    return Field(
        name,
        kind,
        cells.type_name(column.dtype),
        codes=codes + missing,
        shares=(*shares.tolist(), *([float(counts[0]) / len(column)] if missing else [])),
        missing=missing,
        values=tuple(values),
        groups=tuple(groups.tolist()) if shared else (),
        counts=tuple(counts[1:].tolist()) if shared else (),
        levels=cells.levels(column),
    )


def _number_card(name: str, column: pd.Series, decision: Decision, missing: bool) -> Field:
    unit = scales.unit(column, decision.form) if decision.kind == "date" else 1.0
    card = Field(name, decision.kind, scales.name(column), missing=missing, unit=unit, form=decision.form)
    values = scales.read(column, card)
    values = values[~np.isnan(values)]
    spikes = decision.spikes
    at_spike = [int((values == spike).sum()) for spike in spikes]
    rest = values[~np.isin(values, spikes)] if spikes else values
    if decision.heavy and decision.kind != "date" and rest.any():
        sizes = np.abs(rest[rest != 0])
        unit = max(np.quantile(sizes, UNIT, method="inverted_cdf"), sizes.max() / numbers.RANGE)
        card = replace(card, scale="log", unit=float(f"{unit:.6g}"))
    elif decision.kind != "date":
        card = replace(card, unit=numbers.yardstick(values))
    found = modes.fit(*modes.count(scales.to_scale(rest, card))) if len(rest) else modes.Modes(*[np.empty(0)] * 3)
    shares = [*(found.weights * len(rest)), *at_spike, *([len(column) - len(values)] if missing else [])]
    decimals = scales.decimals(values, column.to_numpy().dtype) if decision.kind == "continuous" else None
    return replace(
        card,
        codes=len(shares),
        shares=tuple(float(share) / len(column) for share in shares),
        values=spikes,
        means=tuple(found.means.tolist()),
        deviations=tuple(found.deviations.tolist()),
        low=float(values.min()),
        high=float(values.max()),
        decimals=decimals,
    )


def _codes(field: Field, places: np.ndarray) -> np.ndarray:
    """Places among the values -> codes, -1 for none."""
    return np.append(field.groups, -1)[places] if field.groups else places


def _known(codes: np.ndarray, field: Field) -> np.ndarray:
    """Codes with none left at -1."""
    codes[codes < 0] = field.codes - 1 if field.missing else int(np.argmax(field.shares))
    return codes


def _placed(values: np.ndarray, field: Field, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (n,) -> their places and codes, (n,) each, the modes chosen by a number in 0..1 for each."""
    count = len(field.means)
    lost = np.isnan(values)
    scaled = scales.to_scale(np.where(lost, 0.0, values), field)
    codes = np.zeros(len(values), np.int64)
    places = np.zeros(len(values))
    if count:
        codes = _drawn(scaled, field, drawn)
        means, deviations = np.array(field.means), np.array(field.deviations)
        places = np.clip((scaled - means[codes]) / (WIDTH * deviations[codes]), -FARTHEST, FARTHEST)
    for at, spike in enumerate(field.values):
        codes[values == spike] = count + at
    codes[lost] = -1
    codes = _known(codes, field)
    places[lost | (codes >= count)] = 0
    return places, codes


def _drawn(scaled: np.ndarray, field: Field, drawn: np.ndarray) -> np.ndarray:
    """For each value (n,) a mode, as likely as that it made the value."""
    means, deviations = np.array(field.means)[:, None], np.array(field.deviations)[:, None]
    weights = np.maximum(np.array(field.shares[: len(field.means)]), 1e-12)[:, None]
    constant = np.log(weights / deviations)
    codes = np.empty(len(scaled), np.int64)
    for start in range(0, len(scaled), BLOCK):
        block = slice(start, start + BLOCK)
        chances = (scaled[None, block] - means) / deviations  # (modes, rows of the block)
        chances *= chances
        chances *= -0.5
        chances += constant
        chances -= chances.max(0)
        np.exp(chances, out=chances)
        steps = np.cumsum(chances, axis=0, out=chances)
        codes[block] = (steps[:-1] <= drawn[block] * steps[-1]).sum(0)
    return codes


def _number(field: Field, places: np.ndarray, codes: np.ndarray) -> pd.Series:
    codes = codes.astype(np.int64)
    spikes = len(field.values)
    means = np.array([*field.means, *[0.0] * spikes, 0.0])
    widths = WIDTH * np.array([*field.deviations, *[0.0] * spikes, 0.0])
    values = scales.from_scale(means[codes] + widths[codes] * places.astype(np.float64), field)
    for at, spike in enumerate(field.values, len(field.means)):
        values[codes == at] = spike
    return scales.write(values, (codes == field.codes - 1) & field.missing, field)


def _category(field: Field, codes: np.ndarray, drawn: np.ndarray) -> pd.Series:
    if field.missing:
        codes = np.where(codes == field.codes - 1, -1, codes)
    if field.groups:
        codes = wide.choose(np.array(field.groups), np.array(field.counts), codes, drawn)
    return cells.fill(field.values, codes, field.dtype, field.levels)


def _identifier(field: Field, drawn: np.ndarray, seed: int, first: int) -> pd.Series:
    made = identifiers.make(identifiers.Pattern(field.form, field.values), first, len(drawn), seed)
    return cells.fill(made.tolist(), np.where(_present(field, drawn) < 0, -1, np.arange(len(drawn))), field.dtype)


def _present(field: Field, drawn: np.ndarray) -> np.ndarray:
    """0 for each row, but -1 where the value is to be missing: as often as in the data, and independent of all else."""
    share = 1.0 if not field.values else field.shares[0] if field.missing else 0.0
    return np.where(drawn < share, -1, 0)
