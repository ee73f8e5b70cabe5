"""Conditions on rows, on any column and on several: `income=>50K`, `hours>40`, and `pay=` for a missing value."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import amounts, cells, dates, scales
from sparring.data.tables.field import NUMBERS, Field
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

Where = str | Sequence[str] | Mapping[str, Any]
COMPARE = {
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}  # the longer of two signs first, so that <= is not read as <
EXAMPLE = "write column=value, or one of != < <= > >= in place of =, or column= for a missing value"


@dataclass(frozen=True)
class Wish:
    """One condition on one column. A missing value fulfils none but the one that asks for it.

    Attributes:
        field: the column.
        text: the condition as a sentence shows it.
        sign: one of COMPARE.
        allowed: of a column of few values, which of them fulfil it, and last whether a missing one does; else empty.
        number: of a number or a date what to compare with, on the field's scale; None where it is to be missing.
    """

    field: Field
    text: str
    sign: str
    allowed: tuple[bool, ...] = ()
    number: float | None = None

    def holds(self, column: pd.Series) -> np.ndarray:
        """Which rows (n,) of a column, as files hold it, fulfil the wish: (n,) bool."""
        if self.allowed:
            fulfilled: np.ndarray = np.array(self.allowed)[cells.find(column, self.field.values)]
            return fulfilled
        values = scales.read(column, self.field)
        missing = np.isnan(values)
        if self.number is None:
            asked: np.ndarray = missing if self.sign == "=" else ~missing
            return asked
        held: np.ndarray = COMPARE[self.sign](values, self.number) & ~missing
        return held


def read(fields: Sequence[Field], where: Where) -> tuple[Wish, ...]:
    """Conditions in words -> wishes, all of which a row is to fulfil.

    Args:
        fields: of the table.
        where: "age>=30", several of such, or {"sex": "Female", "pay": None} for values that columns are to have (None:
            missing). A name or a value may hold signs and spaces, and a value may stand in quotes.

    Raises:
        SparringError: for a column or a value that the table does not have, for a comparison that a column does not
            allow, and for identifiers, which are made anew.
    """
    if isinstance(where, Mapping):
        return tuple(wish(_named(fields, str(name)), "=", _word(value)) for name, value in where.items())
    return tuple(parse(fields, text) for text in ([where] if isinstance(where, str) else where))


def parse(fields: Sequence[Field], text: str) -> Wish:
    """One condition in words -> the wish; see `read`."""
    text = text.strip()
    for field in sorted(fields, key=lambda field: -len(field.name)):
        rest = text[len(field.name) :].lstrip()
        sign = next((sign for sign in COMPARE if rest.startswith(sign)), None)
        if text.startswith(field.name) and sign:
            return wish(field, sign, rest[len(sign) :].strip())
    cut = min((text.find(sign[0]) for sign in COMPARE if sign[0] in text), default=-1)
    if cut < 1:
        raise SparringError(f"`{text}` is no condition: {EXAMPLE}")
    _named(fields, text[:cut].strip())
    raise SparringError(f"`{text}` is no condition: {EXAMPLE}")


def wish(field: Field, sign: str, word: str) -> Wish:
    """The wish that a field compares by a sign with a value in words, "" for a missing one."""
    sign = "=" if sign == "==" else sign
    text = f"{field.name}{sign}{word}"
    word = amounts.number(word, field.wording)
    if field.kind == "identifier":
        raise SparringError(f"`{field.name}` is an identifier, made anew for each row, so nothing can be asked of it")
    if not word:
        return _missing(field, text, sign)
    if field.kind in NUMBERS:
        return Wish(field, text, sign, number=_number(field, sign, word))
    allowed = _allowed(field, sign, word)
    if not any(allowed):
        raise SparringError(f"no row has {text}{_there(field)}")
    return Wish(field, text, sign, (*allowed, False))


def order(values: Sequence[Any]) -> bool:
    """Whether values are numbers, which < can compare."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _missing(field: Field, text: str, sign: str) -> Wish:
    never = not field.missing and (field.kind != "constant" or bool(field.values))
    if sign not in ("=", "!="):
        raise SparringError(f"`{text}` compares with nothing: {EXAMPLE}")
    if (sign == "=" and never) or (field.kind == "constant" and sign == "!=" and not never):
        raise SparringError(f"`{field.name}` is {'never' if never else 'always'} missing{_there(field)}")
    few = field.kind not in NUMBERS
    return Wish(field, text, sign, (*[sign == "!="] * len(field.values), sign == "=") if few else ())


def _number(field: Field, sign: str, word: str) -> float:
    """What a number or a date is compared with, on the field's scale, once the data's range allows it."""
    number = _date(field, word) if field.kind == "date" else _float(word)
    if np.isnan(number):
        what = "dates" if field.kind == "date" else "numbers"
        raise SparringError(f"`{field.name}` holds {what}, and `{word}` is none{_there(field)}")
    if field.kind == "continuous" and field.dtype == "float32":
        number = float(np.float32(number))
    compare = COMPARE[sign]
    between = sign == "=" and field.low <= number <= field.high
    if not (between or (sign != "=" and (compare(field.low, number) or compare(field.high, number)))):
        raise SparringError(f"no row can have {field.name}{sign}{word}{_there(field)}")
    if sign == "=" and field.kind != "continuous" and not number.is_integer():
        what = "coarser dates" if field.kind == "date" else "whole numbers"
        raise SparringError(f"`{field.name}` is never `{word}`: it holds {what}")
    return number


def _float(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return np.nan


def _date(field: Field, word: str) -> float:
    """A date in the data's format or in ISO's -> what it counts on the field's scale; NaN for what is no date."""
    from dataclasses import replace

    import pandas as pd

    moment = dates.read(pd.Series([word]), field.form).iloc[0] if field.form else pd.NaT
    if moment is pd.NaT:
        moment = pd.to_datetime(word, errors="coerce")
    if moment is pd.NaT:
        return np.nan
    zone = getattr(cells.of_type(field.dtype), "tz", None)
    if moment.tzinfo is None and zone is not None:
        moment = moment.tz_localize(zone)
    elif moment.tzinfo is not None:
        moment = moment.tz_convert(zone) if zone is not None else moment.tz_localize(None)
    return float(scales.read(pd.Series([moment]), replace(field, form=""))[0])


def _allowed(field: Field, sign: str, word: str) -> list[bool]:
    """Which values of a column of few fulfil a comparison with one."""
    compare = COMPARE[sign]
    if sign not in ("=", "!="):
        if order(field.values) and not np.isnan(number := _float(word)):
            return [compare(value, number) for value in field.values]
        if field.kind != "ordinal":
            raise SparringError(f"`{field.name}` has no order, so {sign} says nothing of it: ask with = or !=")
    place = _place(field, word)
    return [compare(at, place) for at in range(len(field.values))]


def _place(field: Field, word: str) -> int:
    """Where a value stands among a field's; a word that is no value may be one in quotes, or 30 for 30.0."""
    from sparring.data.tables.conditions import hint

    known = [str(value) for value in field.values]
    bare = word[1:-1] if len(word) > 2 and word[0] == word[-1] and word[0] in "'\"" else word
    for candidate in (word, bare):
        if candidate in known:
            return known.index(candidate)
    for at, value in enumerate(field.values):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value == _float(bare) if number else known[at].casefold() == bare.casefold():
            return at
    if field.kind == "constant":
        raise SparringError(f"`{field.name}` is always `{known[0]}`" if known else f"`{field.name}` is always missing")
    raise SparringError(f"`{field.name}` is never `{word}`{hint(word, known)}")


def _named(fields: Sequence[Field], name: str) -> Field:
    from sparring.data.tables.conditions import hint

    for field in fields:
        if field.name == name:
            return field
    raise SparringError(f"there is no column `{name}`{hint(name, [field.name for field in fields])}")


def _word(value: Any) -> str:
    """A value from Python as a word; None and NaN are missing."""
    return "" if value is None or value != value else str(value)


def _there(field: Field) -> str:
    """What a field holds, as the end of a sentence."""
    if field.kind in NUMBERS:
        low, high = scales.write(np.array([field.low, field.high]), np.zeros(2, bool), field)
        return f": in the data it goes from {low} to {high}"
    return f": it is always {field.values[0]}" if field.kind == "constant" and field.values else ""
