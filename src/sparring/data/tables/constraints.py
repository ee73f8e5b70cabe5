"""Rules that every sampled row keeps, as the data: `start <= end`, `city+country fixed`, `zip matches [0-9]{5}`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data.tables import cells, scales, wishes
from sparring.data.tables.field import NUMBERS, Constraint, Field
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

SIGN = re.compile(r"!=|<=|>=|==|=|<|>")
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
NAMED = 5  # rows that a sentence lists
EXAMPLE = 'write it as "start <= end", "0 <= age <= 120", "city+country fixed" or "zip matches [0-9]{5}"'


@dataclass(frozen=True)
class Rule:
    """One constraint, understood. Where a value that it is about is missing, it says nothing and so holds.

    Attributes:
        text: as the user wrote it.
        fields: the columns that it is about.
        links: comparisons of two columns, (one's place among `fields`, sign, the other's place).
        wishes: comparisons of a column with a value.
        pattern: that the text of the one column is to match as a whole; None for other rules.
        seen: combinations of the columns' values that the data has, None for a missing one; () for other rules.
    """

    text: str
    fields: tuple[Field, ...]
    links: tuple[tuple[int, str, int], ...] = ()
    wishes: tuple[wishes.Wish, ...] = ()
    pattern: re.Pattern[str] | None = None
    seen: tuple[tuple[Any, ...], ...] = ()

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Which rows of a table with at least the rule's columns keep it, (n,) bool."""
        if self.seen:
            return _is_seen(self, frame)
        kept = np.ones(len(frame), bool)
        for one, sign, other in self.links:
            a, b = (_comparable(self.fields[at], frame[self.fields[at].name]) for at in (one, other))
            unknown = frame[self.fields[one].name].isna() | frame[self.fields[other].name].isna()
            kept &= wishes.COMPARE[sign](a, b) | unknown.to_numpy()
        for wish in self.wishes:
            kept &= wish.holds(frame[wish.field.name]) | frame[wish.field.name].isna().to_numpy()
        if self.pattern:
            kept &= _matches(self.pattern, self.fields[0], frame[self.fields[0].name])
        return kept


def fit(fields: Sequence[Field], frame: pd.DataFrame, texts: Sequence[str]) -> tuple[Constraint, ...]:
    """Constraints in words -> what sampling needs of them, once the data keeps them.

    Args:
        fields: of the table.
        frame: the table.
        texts: comparisons of columns and values, also in a chain; "a+b fixed" for combinations that the data has;
            "a matches PATTERN" for a regular expression that fits the whole text.

    Raises:
        SparringError: for what is no constraint, and where rows of the data break one.
    """
    found = []
    for text in texts:
        rule = read(fields, Constraint(text))
        broken = np.flatnonzero(~rule.holds(frame))
        if len(broken):
            rows = ", ".join(str(row + 1) for row in broken[:NAMED]) + (" ..." if len(broken) > NAMED else "")
            raise SparringError(
                f"{len(broken):,} of {len(frame):,} rows break `{text}` (rows {rows}): mend them, leave them out, or "
                "leave out the constraint"
            )
        found.append(Constraint(text, _combinations(rule, frame) if _is_fixed(text) else ()))
    return tuple(found)


def read(fields: Sequence[Field], constraint: Constraint) -> Rule:
    """The rule that a constraint on a table with these fields is."""
    text = constraint.text.strip()
    known = {field.name: field for field in fields}
    if _is_fixed(text):
        names = [name.strip() for name in text[: -len("fixed")].split("+")]
        if len(names) < 2:
            raise SparringError(f"`{text}` fixes nothing: name two columns or more, as city+country fixed")
        return Rule(text, tuple(_known(known, name, text) for name in names), seen=constraint.seen)
    if match := re.fullmatch(r"(.+?)\s+matches\s+(.+)", text):
        return Rule(text, (_known(known, match[1], text),), pattern=_compiled(match[2], text))
    return _chain(known, text)


def _is_fixed(text: str) -> bool:
    return text.split()[-1:] == ["fixed"]


def _compiled(pattern: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise SparringError(f"`{text}` holds no regular expression: {error}") from None


def _chain(known: dict[str, Field], text: str) -> Rule:
    """a <= b < 120, by its terms and signs."""
    terms, signs = _terms(known, text)
    if not signs or not all(terms):
        raise SparringError(f"`{text}` is no constraint: {EXAMPLE}")
    fields = tuple(known[term] for term in terms if term in known)
    links, asked = [], []
    for (one, other), sign in zip(pairwise(terms), signs, strict=True):
        if one in known and other in known:
            _refuse_unlike(known[one], known[other], sign, text)
            links.append((fields.index(known[one]), sign, fields.index(known[other])))
        elif one in known:
            asked.append(_asked(known[one], sign, other, text))
        elif other in known:
            asked.append(_asked(known[other], FLIPPED.get(sign, sign), one, text))
        else:
            _known(known, one, text)
    return Rule(text, fields, tuple(links), tuple(asked))


def _asked(field: Field, sign: str, word: str, text: str) -> wishes.Wish:
    """A comparison with a word, which may have been meant for a column."""
    try:
        return wishes.wish(field, sign, word)
    except SparringError as error:
        raise SparringError(f"`{text}`: there is no column `{word}`, and as a value: {error}") from None


def _terms(known: dict[str, Field], text: str) -> tuple[list[str], list[str]]:
    """The columns and values of a chain, and the signs between them; a column's name may hold signs itself."""
    terms: list[str] = []
    signs: list[str] = []
    rest = text
    while True:
        names = (name for name in sorted(known, key=len, reverse=True) if rest.startswith(name))
        name = next(
            (name for name in names if not rest[len(name) :].strip() or SIGN.match(rest[len(name) :].lstrip())), ""
        )
        found = SIGN.search(rest, len(name))
        terms.append(name or rest[: found.start() if found else None].strip())
        if not found:
            return terms, signs
        signs.append("=" if found[0] == "==" else found[0])
        rest = rest[found.end() :].lstrip()


def _known(known: dict[str, Field], name: str, text: str) -> Field:
    from sparring.data.tables.conditions import hint

    if name not in known:
        raise SparringError(f"`{text}`: there is no column `{name}`{hint(name, list(known))}")
    return known[name]


def _refuse_unlike(one: Field, other: Field, sign: str, text: str) -> None:
    sorts = {_sort(one), _sort(other)}
    if len(sorts) > 1:
        raise SparringError(f"`{text}` compares {' with '.join(sorted(sorts))}, of which neither is more")
    if "texts" in sorts and sign not in ("=", "!="):
        raise SparringError(f"`{text}` compares texts, which are equal or not, and none is more")


def _sort(field: Field) -> str:
    """What a column holds, in one word."""
    if field.kind in NUMBERS:
        return "dates" if field.kind == "date" else "numbers"
    return "numbers" if wishes.order(field.values) and field.kind != "identifier" else "texts"


def _comparable(field: Field, column: pd.Series) -> np.ndarray:
    """A column (n,) as numbers, moments or texts that another such column can be compared with."""
    if field.kind == "date":
        return scales.instants(column, field.form, local=False)
    if _sort(field) == "numbers":
        values: np.ndarray = column.astype(object).to_numpy(dtype=np.float64, na_value=np.nan)
        return values
    texts: np.ndarray = column.astype(object).where(column.notna(), "").astype(str).to_numpy()
    return texts


def _matches(pattern: re.Pattern[str], field: Field, column: pd.Series) -> np.ndarray:
    """Which values of a column match as a whole, each distinct one tried once; a missing one does."""
    import pandas as pd

    places, found = pd.factorize(column)
    whole = field.kind in ("integer", "identifier")  # of which some have a floating type, where others are missing
    texts = (f"{v:.0f}" if whole and isinstance(v, float) else str(v) for v in found.tolist())
    fits = np.array([*(pattern.fullmatch(text) is not None for text in texts), True])
    matching: np.ndarray = fits[places]
    return matching


def _combinations(rule: Rule, frame: pd.DataFrame) -> tuple[tuple[Any, ...], ...]:
    """The combinations of the rule's columns in the data, each once."""
    columns = [frame[field.name] for field in rule.fields]
    distinct = frame[[field.name for field in rule.fields]].drop_duplicates()
    found = [distinct[column.name] for column in columns]
    plain = [[None if lost else value for value, lost in zip(cells.plain(c), c.isna(), strict=True)] for c in found]
    return tuple(zip(*plain, strict=True))


def _is_seen(rule: Rule, frame: pd.DataFrame) -> np.ndarray:
    """Which rows have a combination that the data has, (n,) bool."""
    here, there = np.zeros(len(frame), np.int64), np.zeros(len(rule.seen), np.int64)
    for field, values in zip(rule.fields, zip(*rule.seen, strict=True), strict=True):
        known = {value: at for at, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
        column = frame[field.name]
        places = cells.find(column, list(known))
        places[places < 0] = np.where(column.isna()[places < 0], -1, -2)  # missing, which may be seen, or unknown
        both = np.append(
            here * (len(known) + 2) + places + 2, there * (len(known) + 2) + [known.get(v, -1) + 2 for v in values]
        )
        both = np.unique(both, return_inverse=True)[1]  # numbered anew, so that many columns do not overflow
        here, there = both[: len(frame)], both[len(frame) :]
    seen: np.ndarray = np.isin(here, there)
    return seen
