"""What a GAN of tables is asked for: one category of one column, as a row with a single 1 among all codes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data.spec import Spec
from sparring.data.tables.field import Field, Layout
from sparring.draws import mix
from sparring.errors import SparringError

NAMED = 12  # values or columns that a sentence lists


def codes(spec: Spec, rows: np.ndarray) -> np.ndarray:
    """The codes of stored rows (n, width) that can be asked for, (n, discrete fields) int64: places in a condition."""
    fields = Layout(spec.fields).discrete
    starts = np.cumsum([0, *(field.codes for field in fields)])[:-1]
    found: np.ndarray = rows[:, rows.shape[1] - len(fields) :].astype(np.int64) + starts
    return found


def hot(spec: Spec, chosen: np.ndarray) -> Tensor:
    """Places in a condition (n,) int64 -> conditions (n, spec.given) float32 on the CPU."""
    rows = torch.zeros(len(chosen), spec.given)
    return rows.scatter_(1, torch.from_numpy(chosen)[:, None], 1.0) if spec.given else rows


def met(spec: Spec, rows: np.ndarray) -> Tensor:
    """For each of the stored rows (n, width) a condition that it meets, the fields in turn: (n, spec.given) float32."""
    if not spec.given:
        return torch.zeros(len(rows), 0)
    of = codes(spec, rows)
    turn = np.arange(len(rows))
    return hot(spec, of[turn, turn % of.shape[1]])


def draw(spec: Spec, n: int, seed: int) -> Tensor:
    """n conditions (n, spec.given) float32 on the CPU: any field, and its codes as frequent as in the data.

    The first k do not depend on n. Rows made for these have the data's frequencies; those that are trained on, where
    rare codes come more often (data/tables/stream.py), would not.
    """
    return hot(spec, chosen(spec, n, seed))


def chosen(spec: Spec, n: int, seed: int) -> np.ndarray:
    """The same as places in a condition (n,) int64; 0 where nothing can be asked for."""
    if not spec.given:
        return np.zeros(n, np.int64)
    shares = np.concatenate([field.shares for field in Layout(spec.fields).discrete])
    return pick(np.cumsum(shares), np.random.default_rng(mix("given", seed)).random(n))


def pick(steps: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Numbers (n,) in 0..1 -> places (n,) int64, as likely as the differences of the rising `steps`, at any scale."""
    below = np.minimum(chance * steps[-1], np.nextafter(steps[-1], 0))  # rounding must not lead beyond the last
    places: np.ndarray = np.searchsorted(steps, below, side="right")
    return places


def parse(spec: Spec, wish: str) -> tuple[Field, int]:
    """One wish in words -> the field and the code that it asks for.

    Args:
        wish: "column=value", such as "sex=Female" or "income=>50K"; "column=" asks for a missing value. A name may hold
            equals signs, as may a value; no space is needed around them. In a wide column, whose values share codes,
            the code of the value's group is asked for.

    Raises:
        SparringError: for a column or a value that the table does not have, and for a column that is no category.
    """
    field, word = _split(spec, wish.strip())
    if not field.is_discrete:
        there = ", ".join(other.name for other in Layout(spec.fields).discrete[:NAMED]) or "none here"
        raise SparringError(f"`{field.name}` is {_kind(field)}, and only categories can be asked for: {there}")
    matching = [i for i, value in enumerate(field.values) if str(value) == word]
    matching = matching or [i for i, value in enumerate(field.values) if _like(value, word)]
    if matching:
        return field, field.groups[matching[0]] if field.groups else matching[0]
    if not word and field.missing:
        return field, field.codes - 1
    if not word:
        raise SparringError(f"`{field.name}` is never missing{hint('', [str(value) for value in field.values])}")
    known = [str(value) for value in field.values]
    raise SparringError(f"`{field.name}` is never `{word}`{hint(word, known)}")


def asked(spec: Spec, wish: str) -> Tensor:
    """One wish in words, as `parse` takes it -> its condition (spec.given,) float32."""
    field, code = parse(spec, wish)
    return hot(spec, np.array([Layout(spec.fields).start(field.name) + code]))[0]


def _split(spec: Spec, wish: str) -> tuple[Field, str]:
    """The column of the longest name that the wish begins with, and the value behind the equals sign."""
    for field in sorted(spec.fields, key=lambda field: -len(field.name)):
        rest = wish[len(field.name) :].lstrip()
        if wish.startswith(field.name) and rest.startswith("="):
            return field, rest[1:].strip()
    names = [field.name for field in spec.fields]
    if "=" not in wish:
        example = next((field for field in Layout(spec.fields).discrete if field.values), None)
        shown = f", such as {example.name}={example.values[0]}" if example else ""
        raise SparringError(f"`{wish}` is no condition: write column=value{shown}")
    name = wish.partition("=")[0].strip()
    raise SparringError(f"{spec.name} has no column `{name}`{hint(name, names)}")


def _kind(field: Field) -> str:
    return {"constant": "constant", "identifier": "an identifier"}.get(field.kind, "a number or a date")


def _like(value: Any, word: str) -> bool:
    """Whether a word can be taken for a value: 30 for 30.0, true for True."""
    if isinstance(value, bool | np.bool_ | str):
        return str(value).casefold() == word.casefold()
    try:
        return bool(float(value) == float(word))
    except (TypeError, ValueError):
        return False


def hint(word: str, known: Sequence[str]) -> str:
    """The names nearest to a misspelt one, or else those there are, unless they are many."""
    near = difflib.get_close_matches(word, known, n=2)
    if near:
        return f"; perhaps you meant {' or '.join(near)}"
    more = f" and {len(known) - NAMED:,} more" if len(known) > NAMED else ""
    return f"; there are {', '.join(known[:NAMED])}{more}"
