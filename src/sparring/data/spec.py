"""What a recipe must know of its data: it sizes its networks from this, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Spec:
    """The card of a data set. It travels in every checkpoint, so no later command asks for a shape.

    Attributes:
        kind: what the data is, as the readers name it: "pictures" or "points".
        name: a short name for folders and titles, such as "digits".
        shape: of one sample, without the batch: (channels, height, width) for pictures, (n,) for points.
        range: the lowest and the highest value of a sample as the networks see it; pictures are (-1, 1).
        count: how many samples there are.
        classes: the names of the labels, in the order of their numbers; empty without labels.
        hash: hexadecimal digest of the samples' and the labels' bytes; equal data has an equal hash.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    range: tuple[float, float]
    count: int
    classes: tuple[str, ...] = ()
    hash: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain lists, numbers and strings, for JSON, YAML and checkpoints."""
        plain = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Spec:
        """The inverse of `to_dict`."""
        kept: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        return cls(**kept)
