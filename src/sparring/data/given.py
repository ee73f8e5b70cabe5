"""What a conditional GAN is given beside noise: classes, flags and numbers, as one matrix of floats.

A row holds first a 1 for the sample's class and 0 for every other (none where the data has no classes), then a value
for each column: a flag as 0 or 1, a number as how many standard deviations it lies from the mean. A linear layer on
such rows is an embedding of the class, of several labels at once, and of continuous conditions, all alike. What is
given with the rows of a table is their own categories: data/tables/conditions.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sparring.data.columns import describe as describe  # part of this module's front; the doctor does without torch
from sparring.data.spec import Column, Spec
from sparring.data.tables import conditions
from sparring.draws import mix
from sparring.errors import SparringError


def encode(spec: Spec, labels: np.ndarray | None, columns: np.ndarray | None) -> Tensor:
    """Labels (n,) int64 and raw column values (n, c) -> rows (n, spec.given) float32 on the CPU.

    Each is None where the data has none of it; (0, 0) where both are, as then nothing tells how many samples there are.
    """
    parts = []
    if labels is not None:
        numbers = torch.from_numpy(np.array(labels, np.int64))
        parts.append(torch.nn.functional.one_hot(numbers, len(spec.classes)).float())
    if columns is not None:
        means, deviations = np.array([_scale(column) for column in spec.columns]).T
        parts.append(torch.from_numpy(((columns - means) / deviations).astype(np.float32)))
    return torch.cat(parts, 1) if parts else torch.zeros(0, 0)


def _scale(column: Column) -> tuple[float, float]:
    """What to subtract from a column's values, and what to divide them by."""
    return (0.0, 1.0) if column.kind == "flag" else (column.mean, column.deviation or 1.0)


def draw(spec: Spec, n: int, seed: int) -> Tensor:
    """n rows as frequent as in the data, (n, spec.given) float32 on the CPU; the first k do not depend on n.

    Columns are drawn independently of each other and of the class, numbers from their quantiles. For tables see
    data/tables/conditions.py.
    """
    if spec.kind == "table":
        return conditions.draw(spec, n, seed)
    chance = np.random.default_rng(mix("given", seed)).random((n, 1 + len(spec.columns)))
    labels = None
    if spec.classes:
        steps = np.cumsum(spec.shares or [1 / len(spec.classes)] * len(spec.classes))
        labels = np.minimum(np.searchsorted(steps, chance[:, 0], side="right"), len(spec.classes) - 1)
    columns = [_drawn(column, chance[:, 1 + i]) for i, column in enumerate(spec.columns)]
    return encode(spec, labels, np.stack(columns, 1) if columns else None) if spec.given else torch.zeros(n, 0)


def _drawn(column: Column, chance: np.ndarray) -> np.ndarray:
    """Values (n,) for numbers (n,) in 0..1 that are equally likely."""
    if column.kind == "flag":
        return np.asarray(chance < column.mean, np.float64)
    quantiles = np.array(column.quantiles)
    ranks = chance * (len(quantiles) - 1)
    if (np.diff(quantiles) == 0).any():  # few values, such as stars from 1 to 5: what lies between them is none
        steps: np.ndarray = quantiles[np.rint(ranks).astype(np.int64)]
        return steps
    between: np.ndarray = np.interp(ranks, np.arange(len(quantiles)), quantiles)
    return between


def sweep(spec: Spec, n: int, seed: int = 0) -> Tensor:
    """n rows for a grid: the classes in their order, each as often as the others, else as `draw` gives them."""
    rows = draw(spec, n, seed)
    if spec.classes:
        classes = torch.arange(n) * len(spec.classes) // n if n >= len(spec.classes) else torch.arange(n)
        rows[:, : len(spec.classes)] = torch.nn.functional.one_hot(classes, len(spec.classes)).float()
    return rows


def parse(spec: Spec, text: str, n: int, seed: int = 0) -> Tensor:
    """A wish in words -> n rows (n, spec.given); what it does not name is drawn.

    Args:
        text: a class, as "7" or "class=7"; a column, as "age=30"; a flag that is to be 1, as "smiling"; several after
            commas. Of a table one category, as "income=>50K", which is what its recipes can be asked for at once.

    Raises:
        SparringError: for a name or a value that the data does not have, and for two wishes for the same thing.
    """
    if spec.kind == "table":
        return conditions.asked(spec, text).expand(n, -1)
    rows = draw(spec, n, seed)
    asked: set[int] = set()
    whole = text.strip()
    for wish in [whole] if whole in spec.classes else whole.split(","):  # a class's name may hold commas
        place, values = _meant(spec, wish.strip())
        if place.start in asked:
            raise SparringError(f"`{whole}` asks for two things at once, of which a sample has one: leave one out")
        asked.add(place.start)
        rows[:, place] = torch.tensor(values)
    return rows


def _meant(spec: Spec, wish: str) -> tuple[slice, list[float]]:
    """The place in a row that one wish is about, and what belongs there."""
    columns = {column.name: column for column in spec.columns}
    name, equals, value = (part.strip() for part in wish.partition("="))
    if wish in spec.classes:
        return _class(spec, wish)
    if wish in columns:  # before anything is cut at an equals sign, which a name may hold
        return _column(spec, columns[wish], "1" if columns[wish].kind == "flag" else "")
    if equals and name in columns:
        return _column(spec, columns[name], value)
    if equals and name != "class":
        raise SparringError(f"{spec.name} has no column `{name}`{_hint(name, list(columns), 'columns')}")
    wanted = value if equals else name
    if wanted in spec.classes:
        return _class(spec, wanted)
    if columns and not equals:
        known = [*spec.classes, *columns]
        raise SparringError(f"{spec.name} has no class or column `{wanted}`{_hint(wanted, known, 'of them')}")
    raise SparringError(f"{spec.name} has no class `{wanted}`{_hint(wanted, spec.classes, 'classes')}")


def _class(spec: Spec, name: str) -> tuple[slice, list[float]]:
    chosen = spec.classes.index(name)
    return slice(0, len(spec.classes)), [float(at == chosen) for at in range(len(spec.classes))]


def _column(spec: Spec, column: Column, value: str) -> tuple[slice, list[float]]:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    shift, scale = _scale(column)
    scaled = (number - shift) / scale
    allowed = number in (0.0, 1.0) if column.kind == "flag" else abs(scaled) <= float(np.finfo(np.float32).max)
    if not allowed:
        wanted = "0 or 1" if column.kind == "flag" else f"a number, such as {column.mean:.4g}"
        given = f"it is `{value}`" if value else "none is given"
        raise SparringError(f"`{column.name}` must be {wanted}; {given}")
    place = len(spec.classes) + spec.columns.index(column)
    return slice(place, place + 1), [scaled]


def _hint(word: str, known: Sequence[str], what: str) -> str:
    """The end of a sentence on a misspelt name."""
    if not known:
        return f"; it has no {what}"
    return conditions.hint(word, known)
