"""Which kind each column of a table is of, and why: decided from its values, or as the user asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sparring.config import nearest
from sparring.data.tables import dates, numbers
from sparring.data.tables.field import KINDS, Kind
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

LEAST = 10  # rows
EACH = 10  # rows a value, from which a number of few values is learnt value by value
WIDE = 250  # categories, above which they share codes
FIRST = 200  # values that are looked at before all
ALL_DIFFERENT = 0.95  # of the rows, from which texts tell nothing
LARGE = 1e15  # beyond which a number is written by its power of ten
MIXED = 0.9  # of the rows that are numbers, above which a text among them is a mistake
PAIRS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"}, {"ja", "nein"}, {"oui", "non"})
UUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?")
NAMES_KEY = re.compile(r"(?i:(^|[\W_])(id|ids|uuid|guid|key|pk|index|no|nr|number|rownames?)$)|[a-z]I[dD]$")
NAMES_ENTITY = re.compile(r"(?i:(^|[\W_])(id|uuid|guid)$)|[a-z]I[dD]$")
NUMERIC = r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*"


@dataclass(frozen=True)
class Decision:
    """What a column is learnt as.

    Attributes:
        kind: see field.KINDS.
        why: the reason, without a full stop.
        heavy: of a number, whether its tails are so long that it is learnt on a logarithmic scale.
        spikes: of a number, the single values that many rows have, ascending; the rest of them is spread.
        form: of a date that came as text, its strftime format.
    """

    kind: Kind
    why: str
    heavy: bool = False
    spikes: tuple[float, ...] = ()
    form: str = ""


def infer(frame: pd.DataFrame, asked: Sequence[str] = ()) -> dict[str, Decision]:
    """Decide the kind of each column, in their order.

    - Whole numbers are integers, others continuous. With at most 20 different values, ten rows each, they are ordinal:
      such values (years of schooling, ratings) are learnt one by one, which keeps their shares exact and never makes
      one that there is not; a mixture of Gaussians over them would smear them.
    - 0 and 1, true and false, yes and no are boolean.
    - Text is a date where one format fits all values, an identifier where (nearly) all differ, else categorical.
    - Whole numbers that all differ are identifiers where they are dense, as counters are, or the name says so; a
      column of floats never is.

    Args:
        frame: as `check.check` leaves it.
        asked: the user's wishes, such as "zip=categorical", which win.

    Raises:
        SparringError: for fewer than 10 rows, a wish that names no column or kind or that the values cannot fulfil,
            a text amid numbers or dates, and where nothing is left to learn.
    """
    wishes = _wishes(asked, [str(name) for name in frame.columns])
    if len(frame) < LEAST:
        count = "1 row" if len(frame) == 1 else f"{len(frame)} rows"
        raise SparringError(f"The table has {count}: at least {LEAST} are needed to learn from.")
    decisions = {}
    for name in frame.columns:
        column = frame[name]
        decisions[name] = _as_asked(name, column, wishes[name]) if name in wishes else _decide(name, column)
    if all(decision.kind in ("constant", "identifier") for decision in decisions.values()):
        raise SparringError(
            "There is nothing to learn: every column is a constant or an identifier "
            f"({', '.join(list(decisions)[:5])}); say otherwise as {next(iter(decisions))}=categorical."
        )
    return decisions


def _wishes(asked: Sequence[str], names: list[str]) -> dict[str, Kind]:
    wishes = {}
    for wish in asked:
        name, equals, kind = wish.rpartition("=")
        if not equals:
            raise SparringError(f"`{wish}` asks for no kind: write it as {names[0]}=categorical.")
        if name not in names:
            raise SparringError(f"The table has no column {name}{nearest(name, names)}")
        if kind not in KINDS:
            raise SparringError(f"There is no kind {kind}{nearest(kind, KINDS)}")
        wishes[name] = cast(Kind, kind)
    return wishes


def _decide(name: str, column: pd.Series) -> Decision:
    import pandas as pd

    known = column.dropna()
    distinct = known.nunique()
    if distinct == 0:
        return Decision("constant", "every value is missing")
    if distinct == 1 and len(known) == len(column):
        return Decision("constant", f"every value is {_short(known.iloc[0])}")
    kind: Any = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        ordered = "in pandas' order" if kind.ordered else "as pandas' type says"
        return Decision("ordinal" if kind.ordered else "categorical", f"{distinct:,} categories, {ordered}")
    if kind.kind == "M" or isinstance(kind, pd.DatetimeTZDtype):
        return Decision("date", f"dates from {known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}")
    if kind.kind == "b":
        return Decision("boolean", "true or false")
    if kind.kind in "iuf":
        return _number(name, known, distinct)
    return _text(name, column, known, distinct)


def _number(name: str, known: pd.Series, distinct: int) -> Decision:
    values = known.to_numpy()
    few = distinct <= numbers.FEW and len(known) >= EACH * distinct
    if not few and (form := dates.form(known.drop_duplicates())[0]):
        return Decision("date", f"whole numbers that are dates as {_figure(values[0]).replace(',', '')}", form=form)
    if known.dtype.kind in "iu":
        if distinct == len(known) and (reason := _key(name, values)):
            return Decision("identifier", f"whole numbers that all differ, {reason}")
        if NAMES_ENTITY.search(name) and distinct > numbers.FEW:
            return Decision("categorical", f"{distinct:,} different numbers that by the name stand for things")
    if distinct == 2 and set(known.unique().tolist()) == {0, 1}:
        return Decision("boolean", "only 0 and 1")
    whole = bool((values == np.floor(values)).all())
    if values.dtype.kind == "f":
        whole = whole and bool((np.abs(values.astype(np.float64)) < numbers.WHOLE).all())
    if few:
        what = "whole numbers" if whole else "numbers"
        return Decision("ordinal", _only(distinct, what))
    return _shaped("integer" if whole else "continuous", values, "whole numbers" if whole else "numbers")


def _key(name: str, values: np.ndarray) -> str:
    """Why whole numbers that all differ are an identifier; empty where they are not."""
    span = int(values.max()) - int(values.min()) + 1
    if span <= 2 * len(values) and "year" not in name.lower():
        return "one after the other" if span == len(values) else "with few gaps"
    return "and the name says so" if NAMES_KEY.search(name) else ""


def _shaped(kind: Kind, values: np.ndarray, what: str) -> Decision:
    """A number with its spikes and its tails."""
    spread = values.astype(np.float64)
    often = numbers.spikes(spread)
    rest = spread[~np.isin(spread, often)] if often else spread
    heavy = numbers.is_heavy(rest)
    why = f"{what} from {_figure(values.min())} to {_figure(values.max())}"
    if often:
        shown = ", ".join(f"{_figure(value)} ({(spread == value).mean():.0%})" for value in often[:3])
        why += f"; often {shown}" + (" and more" if len(often) > 3 else "")
    if heavy:
        why += "; long tails, so on a logarithmic scale"
    return Decision(kind, why, heavy=heavy, spikes=often)


def _figure(value: Any) -> str:
    size = float(value)
    return f"{int(value):,}" if size.is_integer() and abs(size) < LARGE else f"{size:,.6g}"


def _only(distinct: int, what: str) -> str:
    if distinct == 1:
        return "one value, or missing"
    return f"only {distinct} different {what}, so each is learnt by itself"


def _text(name: str, column: pd.Series, known: pd.Series, distinct: int) -> Decision:
    unique = known.drop_duplicates()
    form, odd = dates.form(unique)
    if odd is not None:
        raise SparringError(
            f"{_holds(name, column, odd)} where the others are dates as {_other(unique, odd)}: mend it, leave it empty "
            f"where it is missing, or ask for {name}=categorical."
        )
    if form:
        if distinct <= numbers.FEW and len(known) >= EACH * distinct:
            return Decision("ordinal", _only(distinct, "dates"))
        offset = dates.OFFSETS.search(form)
        most = f", of several offsets, in place of which samples have {offset[1]}" if offset else ""
        return Decision("date", f"dates written as {_other(unique, '')}{most}", form=form)
    _refuse_mixed(name, column, known, unique)
    if distinct == 2 and {text.strip().lower() for text in unique} in PAIRS:
        return Decision("boolean", f"only {' and '.join(unique)}")
    share = distinct / len(known)
    if share == 1 and unique.iloc[:1000].map(lambda text: bool(UUID.fullmatch(text))).all():
        return Decision("identifier", "UUIDs that all differ")
    if share == 1:
        return Decision("identifier", "texts that all differ")
    if share > ALL_DIFFERENT and distinct > WIDE:
        return Decision("identifier", f"texts of which {share:.0%} differ, so nothing can be learnt of them")
    if distinct > WIDE:
        return Decision("categorical", f"{distinct:,} different texts, of which the rare ones are learnt together")
    return Decision("categorical", f"{distinct:,} different texts" if distinct > 1 else "one text, or missing")


def _refuse_mixed(name: str, column: pd.Series, known: pd.Series, unique: pd.Series) -> None:
    """Refuse text amid numbers. Codes, of which some begin with 0 or + as numbers do not, may mix."""
    if unique.iloc[:FIRST].str.fullmatch(NUMERIC).mean() < MIXED:
        return
    numeric = known.str.fullmatch(NUMERIC)
    codes = unique.str.fullmatch(r"(0|\+)\d+").any()
    if not codes and MIXED <= numeric.mean() < 1 and len(unique) > numbers.FEW:
        odd = known[~numeric].iloc[0]
        raise SparringError(
            f"{_holds(name, column, odd)} where most are numbers: mend it, leave it empty where it is missing, or ask "
            f"for {name}=categorical."
        )


def _as_asked(name: str, column: pd.Series, kind: Kind) -> Decision:
    """The kind that the user asks for, once the values can have it."""
    known = column.dropna()
    rule, cannot = _RULES[kind]
    bad = cannot(known)
    if not len(known) and kind != "constant":
        raise SparringError(f"{name} cannot be {kind}: every value is missing.")
    if kind == "constant" and len(known) and column.isna().any():
        raise SparringError(f"{name} cannot be constant: it is missing in row {int(column.isna().argmax()) + 1}.")
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        row = int(np.flatnonzero(column.notna())[at]) + 1
        raise SparringError(f'{name} cannot be {kind}: row {row} has "{_short(known.iloc[at])}", and {rule}.')
    if kind in ("continuous", "integer"):
        return replace(_shaped(kind, known.to_numpy(), "numbers"), why="as asked")
    form = dates.form(known.drop_duplicates())[0] if kind == "date" and known.dtype.kind != "M" else ""
    return Decision(kind, "as asked", form=form)


def _no_number(known: pd.Series) -> np.ndarray:
    return np.full(len(known), known.dtype.kind not in "iuf")


def _not_whole(known: pd.Series) -> np.ndarray:
    if known.dtype.kind not in "iuf":
        return _no_number(known)
    values = known.to_numpy()
    return np.asarray(values != np.floor(values))


def _no_date(known: pd.Series) -> np.ndarray:
    import pandas as pd

    if known.dtype.kind == "M":
        return np.zeros(len(known), bool)
    if known.dtype.kind not in "iuf" and not pd.api.types.is_string_dtype(known.dtype):
        return np.ones(len(known), bool)
    form, odd = dates.form(known.drop_duplicates())
    return np.asarray(known == odd) if form else np.ones(len(known), bool)


def _beyond(values: int) -> Callable[[pd.Series], np.ndarray]:
    """Finds what is not among the first so many values."""
    return lambda known: np.asarray(~known.isin(known.drop_duplicates().iloc[:values]))


def _is_date(known: pd.Series) -> np.ndarray:
    return np.full(len(known), known.dtype.kind == "M")


def _no_key(known: pd.Series) -> np.ndarray:
    return _not_whole(known) if known.dtype.kind == "f" else _is_date(known)


_RULES: dict[str, tuple[str, Callable[[pd.Series], np.ndarray]]] = {
    "continuous": ("only numbers can be", _no_number),
    "integer": ("only whole numbers can be", _not_whole),
    "date": ("only dates of one format can be", _no_date),
    "boolean": ("at most two values can be", _beyond(2)),
    "constant": ("only equal values can be", _beyond(1)),
    "categorical": ("dates are learnt as dates", _is_date),
    "ordinal": ("dates are learnt as dates", _is_date),
    "identifier": ("only whole numbers and texts can be", _no_key),
}


def _holds(name: str, column: pd.Series, odd: str) -> str:
    row = int(np.flatnonzero((column == odd).to_numpy(dtype=bool, na_value=False))[0]) + 1
    return f'The column "{name}" has "{_short(odd)}" in row {row}'


def _other(unique: pd.Series, odd: str) -> str:
    return str(unique[unique != odd].iloc[0])


def _short(value: Any) -> str:
    """A value in a sentence: on one line, and not long."""
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:39] + "…"
