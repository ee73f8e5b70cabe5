"""`sparring data` for a table: each column's kind and the reason for it, and what may go wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from sparring.data.tables import kinds, mixed, read
from sparring.data.tables.field import NUMBERS

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 3
LONGEST = 24  # characters of an example
SPARSE = 0.5  # missing, from which it is worth a warning
EXACT = 2**53  # up to which numbers are learnt as whole ones
ALMOST = 0.99  # of the rows with one value


@dataclass(frozen=True)
class Look:
    """A column as it was found.

    Attributes:
        name, kind, why: see kinds.Decision.
        distinct: how many different values it has.
        missing: the share of the rows that lack it, in 0..1.
        examples: its most frequent values, or some values where it is a number, a date or an identifier.
    """

    name: str
    kind: str
    why: str
    distinct: int
    missing: float
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """What `examine` found.

    Attributes:
        name: the data set's.
        rows: how many there are.
        columns: in their order.
        notes: what the reader did.
        warnings: what may go wrong, and what can be done.
    """

    name: str
    rows: int
    columns: tuple[Look, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def examine(source: str | Path | pd.DataFrame, asked: Sequence[str] = ()) -> Findings:
    """Read a table and decide on its columns as training would; nothing is written.

    Args:
        source: as in `read.read`.
        asked: as in `kinds.infer`.

    Raises:
        SparringError: as these do.
    """
    frame = read.read(source)
    decisions = kinds.infer(frame, asked)
    looks = tuple(_look(name, frame[name], decision) for name, decision in decisions.items())
    warnings = [told for name, decision in decisions.items() if (told := mixed.note(name, frame[name], decision))]
    warnings += [warning for look in looks for warning in _warnings(look, frame[look.name])]
    doubles = int(frame.duplicated().sum())
    if doubles:
        warnings.append(f"{_count(doubles, 'row is an exact copy', 'rows are exact copies')} of another: each counts.")
    return Findings(read.name(source), len(frame), looks, tuple(frame.attrs["notes"]), tuple(warnings))


def _look(name: str, column: pd.Series, decision: kinds.Decision) -> Look:
    known = column.dropna()
    if decision.kind in (*NUMBERS, "identifier"):
        examples = known.drop_duplicates().iloc[:EXAMPLES].tolist()
    else:
        examples = known.value_counts().index[:EXAMPLES].tolist()
    shown = tuple(_short(str(value)) for value in examples)
    return Look(name, decision.kind, decision.why, known.nunique(), float(column.isna().mean()), shown)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _warnings(look: Look, column: pd.Series) -> list[str]:
    import pandas as pd

    told = []
    if look.kind == "identifier":
        told.append(f"{look.name} is never learnt: sampled rows get new values, of which none is in the data.")
    if look.kind in NUMBERS and column.dtype.kind in "iu" and (largest := _largest(column)) > EXACT:
        step = 2 ** (largest.bit_length() - 53)
        told.append(f"{look.name} has whole numbers beyond 2^53, which come back rounded, as multiples of {step:,}.")
    if look.kind == "constant":
        told.append(f"{look.name} is the same in every row, and will be in every sampled one.")
    if look.kind == "categorical" and look.distinct > kinds.WIDE:
        told.append(
            f"{look.name} has {look.distinct:,} categories: the rare ones are learnt together, and drawn by how often "
            f"they occur; where they tell who somebody is, ask for {look.name}=identifier."
        )
    if look.missing > SPARSE and look.kind != "constant":
        told.append(f"{look.name} is missing in {look.missing:.0%} of the rows, and so it will be in sampled ones.")
    if look.kind != "constant" and look.distinct > 1:
        most = column.value_counts(normalize=True, dropna=False)
        if most.iloc[0] >= ALMOST:
            value = "missing" if pd.isna(most.index[0]) else _short(str(most.index[0]))
            share = f"{most.iloc[0]:.1%}" if most.iloc[0] < 0.9995 else "over 99.9%"
            told.append(f"{look.name} is {value} in {share} of the rows: the rest are few to learn from.")
    return told


def _largest(column: pd.Series) -> int:
    """The greatest size of whole numbers, of which at least one is known."""
    return max(abs(int(column.min())), abs(int(column.max())))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def print_findings(findings: Findings, console: Console | None = None) -> None:
    """Print what `examine` found, for people."""
    console = console or Console()
    columns = _count(len(findings.columns), "column", "columns")
    lines = [
        f"Training gets {_count(findings.rows, 'row', 'rows')} of {columns}.",
        *findings.notes,
        "A kind is set by --kinds, as in --kinds zip=categorical.",
    ]
    console.print(Panel(Group(*map(escape, lines)), title=f"{escape(findings.name)}: a table"))
    table = Table("column", "kind", "different", "missing", "why", "examples", box=None, header_style="bold")
    table.columns[2].justify = table.columns[3].justify = "right"
    for look in findings.columns:
        missing = f"{look.missing:.1%}" if look.missing >= 0.001 else "<0.1%" if look.missing else ""
        shown = ", ".join(look.examples)
        table.add_row(*map(escape, (look.name, look.kind, f"{look.distinct:,}", missing, look.why, shown)))
    console.print(table)
    if findings.warnings:
        console.print("[bold]Worth knowing[/]")
    for warning in findings.warnings:
        console.print(f"  {escape(warning)}")
