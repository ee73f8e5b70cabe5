"""`--help` that reads well: without flags for other kinds of data, and without defaults that say nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Annotated, Any, get_type_hints

from tyro.conf import DisallowNone, Suppress, arg

SIDES = ("pairs", "sides")
# The kinds of data that a flag is for, as recipes name them; all others are for any.
FOR = {
    **dict.fromkeys(("size", "channels", "augment", "features", "best", "memory_format"), ("pictures", *SIDES)),
    **dict.fromkeys(("a", "b", "direction", "crop", "flip", "label_maps"), SIDES),
    **dict.fromkeys(("kinds", "constraints"), ("table",)),
    **dict.fromkeys(("time", "entity", "window"), ("sequences",)),
}
HIDDEN = "Flags for other kinds of data are not shown."


def is_asked(argv: Sequence[str]) -> bool:
    """Whether the flags ask for help, which is shown in place of anything else."""
    return "--help" in argv or "-h" in argv


def described(description: str, data: Collection[str], paper: Sequence[str], length: str) -> str:
    """What help says above the flags.

    Args:
        description: of the recipe.
        data: kinds of data, as for `readable`.
        paper: the flags that `--paper` stands for.
        length: how long the paper trains, in words, or empty.
    """
    said = f"{description} {HIDDEN}" if data else description
    if not paper:
        return said
    lasting = f", and trains for {length}" if length else ""
    return f"{said}\n\nThe paper has {' '.join(paper)}{lasting}; --paper sets these where you give no value yourself."


def readable(kind: type[Any], data: Collection[str] = ()) -> Any:
    """A dataclass of flags as help is to show it: a type with the same flags, but for those that suit none of `data`.

    Only for showing help: what is parsed must be of `kind` itself, and may be None.

    Args:
        kind: the dataclass.
        data: kinds of data, as recipes name them; empty shows every flag.
    """
    hints = get_type_hints(kind, include_extras=True)
    fields = []
    for field in dataclasses.fields(kind):
        shown: Any = hints[field.name]
        if data and not set(FOR.get(field.name, data)) & set(data):
            shown = Annotated[shown, Suppress]
        elif field.default is None or field.default == ():
            shown = Annotated[shown, arg(help_behavior_hint="")]  # the text says what happens
        else:
            continue
        fields.append((field.name, shown, dataclasses.field(default=field.default)))
    frozen = kind.__dataclass_params__.frozen
    made = dataclasses.make_dataclass(kind.__name__, fields, bases=(kind,), frozen=frozen)
    return Annotated[made, DisallowNone]
