"""What a recipe must know of its data: it sizes its networks from this, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sparring.data.sequences.timeline import Timeline
from sparring.data.tables.field import Constraint, Field, Layout
from sparring.data.tables.wording import Dialect

# What one sample of a kind is called, and what many are.
SAMPLE = {
    "pictures": "picture",
    "pairs": "picture",
    "sides": "picture",
    "points": "point",
    "table": "row",
    "sequences": "sequence",
}
WORDS = {
    "pictures": "pictures",
    "pairs": "pairs of pictures",
    "sides": "two sets of pictures",
    "points": "points",
    "table": "rows of a table",
    "sequences": "sequences",
}
SIDES = ("pairs", "sides")  # the kinds whose samples are made from other pictures
PICTURES = ("pictures", *SIDES)  # the kinds whose samples are pictures


@dataclass(frozen=True)
class Column:
    """The card of one column of numbers that comes with the samples, such as an age.

    Attributes:
        name: as in the file's header.
        kind: "flag" where it holds 0 and 1 alone, else "number".
        mean, deviation: of the values; of a flag, how often it is 1, and 1.
        quantiles: values of the data from the least to the greatest, equally spaced in rank.
    """

    name: str
    kind: str
    mean: float
    deviation: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Spec:
    """The card of a data set. It travels in every checkpoint, so no later command asks for a shape.

    Attributes:
        kind: what the data is, as the readers name it: "pictures"; "pairs" of pictures, of which one is to be made from
            the other; "sides", two sets of pictures that know nothing of each other; "points", "table" or "sequences".
        name: a short name for folders and titles, such as "digits".
        shape: of one sample, without the batch: (channels, height, width) for pictures, (n,) for points,
            (channels, steps) for sequences, and for tables (tables.field.Layout.width,).
        range: the lowest and the highest value of a sample as the networks see it; pictures are (-1, 1).
        count: how many samples there are.
        classes: the names of the labels, in the order of their numbers; empty without labels.
        hash: hexadecimal digest of the bytes of the samples and of all that comes with them; equal data has an equal
            hash.
        shares: how frequent each class is, in 0..1; empty without labels.
        columns: the cards of the numbers that come with each sample; empty without such.
        fields: the cards of a table's columns, or of the channels of sequences; empty for all else.
        constraints: what every row of a table keeps.
        source: the shape of the picture that a sample is made from, (channels, height, width), in -1..1; empty where
            there is none.
        labels: where that picture is a map of labels, their values in its file, in the order of its channels, of which
            one is 1 and the others are 0; empty for other pictures.
        dialect: of the text file that a table or sequences came from; the usual one where it was none.
        timeline: of sequences what stands beside the channels and is not learnt; None for all else.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    range: tuple[float, float]
    count: int
    classes: tuple[str, ...] = ()
    hash: str = ""
    shares: tuple[float, ...] = ()
    columns: tuple[Column, ...] = ()
    fields: tuple[Field, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    source: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    dialect: Dialect = Dialect()
    timeline: Timeline | None = None

    @property
    def has_pictures(self) -> bool:
        """Whether samples are pictures, (channels, height, width) in -1..1."""
        return self.kind in PICTURES

    @property
    def given(self) -> int:
        """How many numbers a conditional recipe is given beside noise: one a class and one a column (data/given.py).

        For tables one for each code that can be asked for. Where a picture is given, see `source`.
        """
        if self.kind == "table":
            return Layout(self.fields).given
        return len(self.classes) + len(self.columns)

    @property
    def holds(self) -> str:
        """How many samples of what, in words."""
        if self.kind == "table":
            return f"{self.count:,} rows of {len(self.fields)} columns"
        if self.kind == "sequences":
            return f"{self.count:,} windows of {self.shape[1]} rows of {self.shape[0]} columns"
        size = "×".join(map(str, self.shape))
        if self.source:
            return f"{self.count:,} pictures of {size}, {self.kind} with pictures of {'×'.join(map(str, self.source))}"
        return f"{self.count:,} {self.kind} of {size}"

    def to_dict(self) -> dict[str, Any]:
        """As plain lists, numbers, strings and dictionaries, for JSON, YAML and checkpoints."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Spec:
        """The inverse of `to_dict`."""
        kept: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        cards = ({**card, "quantiles": tuple(card["quantiles"])} for card in kept.get("columns", ()))
        fields = tuple(Field.from_dict(card) for card in kept.get("fields", ()))
        rules = tuple(Constraint.from_dict(card) for card in kept.get("constraints", ()))
        columns = tuple(Column(**card) for card in cards)
        dialect = Dialect(**kept.get("dialect", {}))
        if (line := kept.get("timeline")) is not None:
            kept["timeline"] = Timeline.from_dict(line)
        return cls(**{**kept, "columns": columns, "fields": fields, "constraints": rules, "dialect": dialect})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value
