"""`sparring evaluate` of a run on a table: rows are made as `sparring sample` makes them, and judged as rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import rich.console
from rich.markup import escape
from rich.table import Table

from sparring.data import source
from sparring.errors import SparringError
from sparring.metrics.tables.judge import TableEvaluation, judge
from sparring.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

    from sparring.data.dataset import Dataset
    from sparring.run import Run

FEWEST, MOST = 2000, 50_000  # rows that are made, unless a number is given: as many as there are training rows
DRAWN = "table.json"  # beside metrics.json: what the report draws
WIDE = 1000


def evaluate_table(
    run: Run, fake: int | None = None, features: str = "auto", seed: int = 0, target: str | None = None
) -> TableEvaluation:
    """Judge the rows of a run against those that it never saw; see `metrics.tables.judge.judge`.

    Args:
        run: on a table; its data must still be what it was when the run began.
        fake: how many rows to make; None for as many as it learnt from, 2,000 to 50,000.
        features: "auto": rows are judged as they are, without a network.
        seed: of the rows.
        target: the column to predict.
    """
    if features not in ("auto", "columns"):
        raise SparringError(f"rows of a table are judged by their columns, and not by `{features}`: leave out features")
    from sparring.start import source_of

    train, held_out = run.parts()
    frame = source.find(source_of(run)).load()
    known = _rows_of(frame, train)
    kept = None if held_out is None else _rows_of(frame, held_out)
    made = rows_made(run, min(max(len(train), FEWEST), MOST) if fake is None else fake, seed)
    return judge(run.spec.fields, known, kept, made, target, seed)


def rows_made(run: Run, n: int, seed: int) -> pd.DataFrame:
    """The first n rows that a run makes of a seed."""
    import pandas as pd

    return pd.concat(list(Rows(run.gan, seed=seed).take(n)), ignore_index=True)


def _rows_of(frame: pd.DataFrame, part: Dataset) -> pd.DataFrame:
    """The rows of a part as they were given: what is stored is rounded to the farthest place in a mode."""
    if len(frame) != len(part.rows):
        raise SparringError("the table has changed while it was read; try again")
    return frame if part.chosen is None else frame.iloc[part.chosen]


def write_drawings(run: Run, evaluation: TableEvaluation) -> None:
    """What the report draws, into the run's table.json, whole or not at all."""
    from sparring.run import write_atomically

    drawn = {"step": run.gan.count, **evaluation.drawn}
    write_atomically(run.folder / DRAWN, json.dumps(drawn, separators=(",", ":")) + "\n")


def print_table_evaluation(run: Run, evaluation: TableEvaluation) -> None:
    """The table that `sparring evaluate` shows of a run on a table."""
    out = rich.console.Console(highlight=False, soft_wrap=True, width=WIDE)
    protocol = evaluation.protocol
    out.print(f"[bold]{run.folder}[/bold] at round {run.gan.count:,}, averaged generator")
    out.print(
        f"  {protocol['fake']:,} rows made, {protocol['real']:,} real ({protocol['split']}), copies sought among "
        f"{protocol['training']:,} training rows, seed {protocol['seed']}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in ("value", "real rows", "shuffled columns", "copy"):
        table.add_column(title, justify="right")
    for name, row in evaluation.metrics.items():
        cells = (row.value, row.floor, row.shuffled, row.copy)
        table.add_row(escape(name), *("" if cell is None else f"{cell:.3f}" for cell in cells))
    out.print(table)
    worst = ", ".join(f"{column['name']} {column['score']:.2f}" for column in evaluation.columns)
    out.print(escape(f"  worst columns: {worst}"))
    if evaluation.pairs:
        pairs = ", ".join(f"{' and '.join(pair['names'])} {pair['score']:.2f}" for pair in evaluation.pairs)
        out.print(escape(f"  worst pairs: {pairs}"))
    for sentence in evaluation.verdict:
        out.print(f"  [bold]{escape(sentence)}[/bold]")
    for note in evaluation.notes:
        out.print(escape(f"  note: {note}"))
    out.print(f"  in {run.folder}: metrics.json, {DRAWN}, report.html")
