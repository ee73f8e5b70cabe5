"""`sparring data`: which doctor sees which data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from sparring.data import doctor, source
from sparring.data.sides.layouts import lists_pairs
from sparring.data.tables import doctor as tables
from sparring.data.tables.read import is_table
from sparring.errors import SparringError


@dataclass
class Data:
    """Examine a data set before training on it: sizes, classes, damaged and duplicate files; a table's columns."""

    source: Annotated[Positional[str | None], arg(metavar="DATA")] = None
    """What `sparring train` would be given; of recipes that translate pictures, give --a and --b, or --sides."""
    a: str | None = None
    """Of two sides of pictures, as in training; whether they are pairs is found out."""
    b: str | None = None
    """The other side."""
    sides: bool = False
    """DATA holds both sides: two folders, or pictures side by side; a .csv with the columns a and b says so itself."""
    label_maps: bool = False
    """As in training: a holds maps of labels."""
    size: str | None = None
    """As in training: 32, or 48x64."""
    channels: int | None = None
    """As in training: 1, 3 or 4."""
    sheet: str = "contact-sheet.png"
    """Where to write a picture of what training would see; a table has none."""
    kinds: tuple[str, ...] = ()
    """Kinds of a table's columns, as in training: zip=categorical age=integer."""


def carry_out(asked: Data) -> None:
    """Examine, say what is found, and draw what training would see."""
    if asked.a or asked.b or asked.sides:
        _sides(asked)
    elif lists_pairs(asked.source):
        _sides(replace(asked, sides=True))
    elif asked.source is None:
        raise SparringError("say what to examine: a folder of pictures, a table, or --a and --b for two sides")
    elif is_table(asked.source):
        source.refuse_wishes("a table", asked.size, asked.channels)
        source.find(asked.source)
        tables.print_findings(tables.examine(asked.source, asked.kinds))
    else:
        source.refuse_kinds(asked.source, asked.kinds)
        findings = doctor.examine(asked.source, asked.size, asked.channels)
        doctor.print_findings(findings)
        if findings.sizes and all(_is_double(size) for size in findings.sizes):
            print("every picture is twice as wide as high: if each is two side by side, examine them with --sides")
        doctor.contact_sheet(findings, Path(asked.sheet))
        print(f"contact sheet: {asked.sheet}")


def _is_double(size: str) -> bool:
    """Of "48x64", height x width."""
    height, width = map(int, size.split("x"))
    return width == 2 * height


def _sides(asked: Data) -> None:
    from sparring.data.sides import doctor as pairs

    if asked.source is not None and not asked.sides:
        raise SparringError(f"give either DATA or --a and --b: `{asked.source}` is one too many")
    findings = pairs.examine(
        asked.a,
        asked.b,
        source=asked.source,
        paired=None,
        size=asked.size,
        channels=asked.channels,
        label_maps=asked.label_maps,
    )
    pairs.print_findings(findings)
    pairs.contact_sheet(findings, Path(asked.sheet))
    print(f"contact sheet: {asked.sheet}")
