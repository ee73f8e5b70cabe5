"""What the numbers mean, in plain words, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sparring.data.tables.field import Field
from sparring.metrics.tables.columns import MISSING, Coded, judged, names
from sparring.metrics.tables.shapes import missing_rates

if TYPE_CHECKING:
    from sparring.metrics.tables.judge import Row

COPIES = 0.05  # more exact copies than among held-out rows
MEMORISING = 0.6  # below it, made rows lie much nearer to training rows than held-out ones do
ATTACK = 0.6
COMMON, LOST = 0.02, 0.1  # a category of this share that has less than a tenth of it left is lost
CROWDED = 0.3  # share that a category has won
ABSENT = 0.05  # difference of the shares of missing values
ROUGH = 0.1  # below real rows' score
APART = 0.5  # of the way from shuffled columns to real rows
NAMED = 5

Rows = Mapping[str, "Row"]


def verdict(metrics: Rows, fields: Sequence[Field], real: Coded, made: Coded) -> list[str]:
    """Sentences for a reader who knows none of the measures; at least one."""
    said = [
        *_copying(metrics),
        *_collapsed(fields, real, made),
        *_absent(fields, real, made),
        *_unlike(metrics),
    ]
    return said or ["Nothing is wrong that these numbers could show."]


def _copying(metrics: Rows) -> Iterator[str]:
    copies, ratio, guessed = (metrics.get(name) for name in ("exact copies", "memorising", "attack AUROC"))
    equal = copies is not None and copies.value is not None and copies.value > (copies.floor or 0) + COPIES
    near = ratio is not None and ratio.value is not None and ratio.value < MEMORISING
    known = guessed is not None and guessed.value is not None and guessed.value > ATTACK
    if copies is not None and copies.value is not None and (equal or near):
        yield (
            f"It copies training rows: {copies.value:.1%} of the rows are exact copies (of held-out rows "
            f"{copies.floor or 0:.1%})"
            + (f", memorising {ratio.value:.2f} (0 copies, 1 is honest)" if ratio and ratio.value is not None else "")
            + ". Do not publish these rows; train for fewer rounds, on more rows or with smaller networks."
        )
    elif known and guessed is not None:
        yield (
            f"Who was trained on can be guessed: an attacker's AUROC is {guessed.value:.2f}, where 0.5 is guessing. "
            "Train for fewer rounds or on more rows before publishing."
        )


def _collapsed(fields: Sequence[Field], real: Coded, made: Coded) -> Iterator[str]:
    lost, won = [], []
    for field, was, now in zip(judged(fields)[1], real.codes.T, made.codes.T, strict=True):
        size = len(field.values) + 2
        a, b = (np.bincount(codes - MISSING, minlength=size) / max(len(codes), 1) for codes in (was, now))
        for place in np.flatnonzero((a[1:] >= COMMON) & (b[1:] < LOST * a[1:])):
            lost.append(
                (a[1 + place], f"{field.name}={field.values[place]} ({a[1 + place]:.1%} to {b[1 + place]:.1%})")
            )
        for place in np.flatnonzero(b[1:-1] > a[1:-1] + CROWDED):
            won.append((b[1 + place], f"{field.name}={field.values[place]} ({a[1 + place]:.1%} to {b[1 + place]:.1%})"))
    for found, words in ((lost, "Categories collapsed"), (won, "Categories crowd out others")):
        if found:
            first = [text for _, text in sorted(found, reverse=True)[:NAMED]]
            more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
            yield f"{words}: {', '.join(first)}{more}. Train longer, or look whether alarms were raised."


def _absent(fields: Sequence[Field], real: Coded, made: Coded) -> Iterator[str]:
    was, now = missing_rates(real), missing_rates(made)
    off = [at for at in np.argsort(-np.abs(was - now), kind="stable") if abs(was[at] - now[at]) > ABSENT]
    if off:
        called = names(fields)
        named = ", ".join(f"{called[at]} ({was[at]:.0%} to {now[at]:.0%})" for at in off[:NAMED])
        yield f"The share of missing values is off in {named}."


def _unlike(metrics: Rows) -> Iterator[str]:
    for name, words in (
        ("column shapes", "Columns are not distributed as the real ones"),
        ("pair trends", "Columns have less to do with each other than real ones"),
    ):
        row = metrics.get(name)
        if row and row.value is not None and row.floor is not None and row.value < row.floor - ROUGH:
            yield f"{words}: {name} {row.value:.2f}, real rows {row.floor:.2f}. It is under-trained: train longer."
    for name, row in metrics.items():
        if "[" not in name or name.startswith("F1") or row.value is None or row.floor is None or row.shuffled is None:
            continue
        if row.floor > row.shuffled + ROUGH and row.value < row.shuffled + APART * (row.floor - row.shuffled):
            yield (
                f"What predicts {name.split('[', 1)[1][:-1]} is mostly lost: {name.split('[', 1)[0]} {row.value:.2f}, "
                f"trained on real rows {row.floor:.2f}, on shuffled columns {row.shuffled:.2f}. Train longer."
            )
