"""What is known of each column of a table, and how a row of numbers is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from sparring.data.tables.wording import Wording

Kind = Literal["continuous", "integer", "date", "categorical", "ordinal", "boolean", "constant", "identifier"]
KINDS: tuple[str, ...] = get_args(Kind)
NUMBERS = ("continuous", "integer", "date")
DISCRETE = ("categorical", "ordinal", "boolean")


@dataclass(frozen=True)
class Field:
    """The card of one column: all that is needed to encode it, to write it back, and to ask for it.

    A column is learnt as a code, 0..codes-1. Of a number the code is first one of its modes (Gaussians that its values
    are a mixture of), beside which a place within the mode is learnt; then one of its spikes (single values that many
    rows have, such as 0); then, where values are missing, that. Of a category the code is the category, or missing.
    Of constants and identifiers nothing is learnt, so they have no codes.

    Attributes:
        name: as in the header.
        kind: one of KINDS; a date is a number of `unit`s since 1970.
        dtype: pandas' name of the column's type, which comes back: "int64", "object", "datetime64[ns]".
        codes: how many states the code has.
        shares: how frequent each code is, in 0..1; of an identifier with missing values their share alone.
        missing: whether the last code means that the value is missing; of an identifier, whether some are.
        values: the category of each code; the spikes of a number; the one value of a constant; of an identifier the
            stretches of numbers that the data does not use, as (start, end). In a wide column, of which several
            categories share a code, all categories.
        means, deviations: of a number's modes, on its scale.
        scale: "plain", or "log" for heavy tails: sign(v) log(1 + |v| / unit).
        unit: what a logarithmic scale counts in; of a date seconds; else 1, but for numbers of an enormous or a tiny
            size, which are learnt as multiples of it.
        low, high: the least and the greatest value.
        decimals: digits behind the point that come back; None for all.
        groups: the code of each of a wide column's values; empty where each has its own.
        counts: how often each of a wide column's values occurs.
        form: of a date its strftime format where it came as text; of an identifier the pattern that new ones follow.
        was: what `types.name` calls the type that the user's column had where `check` made another of it, else empty.
        levels: all categories of pandas' type, where no row has some of them: these come back, and are never made.
        wording: how a text file spells its cells.
    """

    name: str
    kind: Kind
    dtype: str
    codes: int = 0
    shares: tuple[float, ...] = ()
    missing: bool = False
    values: tuple[Any, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    scale: Literal["plain", "log"] = "plain"
    unit: float = 1.0
    low: float = 0.0
    high: float = 0.0
    decimals: int | None = None
    groups: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    form: str = ""
    was: str = ""
    levels: tuple[Any, ...] = ()
    wording: Wording = Wording()

    @property
    def is_number(self) -> bool:
        """Whether it has a place within a mode, beside its code."""
        return self.kind in NUMBERS

    @property
    def is_discrete(self) -> bool:
        """Whether its code can be asked for."""
        return self.kind in DISCRETE

    @property
    def learnt(self) -> dict[str, Any]:
        """All that training hangs on, for hashes: a column that comes as another type, or spelt so, is learnt alike."""
        return {key: value for key, value in asdict(self).items() if key not in ("was", "levels", "wording")}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Field:
        """The inverse of `dataclasses.asdict` by way of JSON, which knows no tuples."""
        kept: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        return cls(**{**kept, "wording": Wording(**kept.get("wording", {}))})


@dataclass(frozen=True)
class Constraint:
    """A rule that every sampled row keeps, as constraints.py understands it.

    Attributes:
        text: as the user wrote it.
        seen: of fixed combinations those that the data has, a value for each column, None for a missing one.
    """

    text: str
    seen: tuple[tuple[Any, ...], ...] = ()

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Constraint:
        """The inverse of `dataclasses.asdict` by way of JSON, which knows no tuples."""
        return cls(plain["text"], tuple(tuple(values) for values in plain["seen"]))


@dataclass(frozen=True)
class Layout:
    """Where what stands. A stored row is (places of the numbers | codes of the numbers | codes of the discrete).

    Networks see it expanded: each place, in -1..1, then a 1 for each code that holds, and 0 for every other.

    Attributes:
        fields: the table's, in the order of its columns.
    """

    fields: Sequence[Field]

    @cached_property
    def numbers(self) -> list[Field]:
        """The fields that have a place."""
        return [field for field in self.fields if field.is_number]

    @cached_property
    def discrete(self) -> list[Field]:
        """The fields that can be asked for."""
        return [field for field in self.fields if field.is_discrete]

    @property
    def learnt(self) -> list[Field]:
        """The fields that have a code, in the order of the codes."""
        return [*self.numbers, *self.discrete]

    @property
    def width(self) -> int:
        """Numbers in a stored row."""
        return len(self.numbers) + len(self.learnt)

    @cached_property
    def sizes(self) -> list[int]:
        """How many states each code has."""
        return [field.codes for field in self.learnt]

    @property
    def expanded(self) -> int:
        """Numbers in an expanded row."""
        return len(self.numbers) + sum(self.sizes)

    @property
    def given(self) -> int:
        """Numbers in a condition: one for each code of the discrete fields, which are an expanded row's last."""
        return sum(field.codes for field in self.discrete)

    def start(self, name: str) -> int:
        """Where the codes of a discrete field begin within a condition."""
        names = [field.name for field in self.discrete]
        return sum(field.codes for field in self.discrete[: names.index(name)])
