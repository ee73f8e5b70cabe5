"""`sparring sample` for tables: rows into a file or onto the standard output, with conditions."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sparring.data.tables import types, write
from sparring.errors import SparringError
from sparring.rows import Rows, of_run

if TYPE_CHECKING:
    import pandas as pd

    from sparring.run import Run

SOME = 1000  # rows, unless the user says how many
SHOWN = 5  # rows of the preview


def carry_out(run: Run, n: int | None, where: tuple[str, ...], seed: int, out: str | None) -> None:
    """Write rows of a run to `out` (rows.csv unless given; - is the standard output), and tell how many and how fast.

    Raises:
        SparringError: for conditions that cannot be met, and for a file that cannot be written.
    """
    path = out or "rows.csv"
    write.check(path)
    rows = of_run(run, where, seed)
    count = SOME if n is None else n
    said = sys.stderr if path == write.STANDARD else sys.stdout
    preview: list[pd.DataFrame] = []
    begun = time.monotonic()
    try:
        frames = (types.restore(frame, run.spec.fields) for frame in rows.take(count))
        write.write(_seen(frames, preview), path, run.spec.fields, run.spec.dialect)
    except OSError as error:
        if path == write.STANDARD:
            raise  # whoever reads has gone, which the command line knows
        raise SparringError(f"cannot write the rows: {error}") from None
    seconds = time.monotonic() - begun
    into = "" if path == write.STANDARD else f" in {path}"
    print(f"{count:,} rows{into}: {seconds:.1f} s, {count / seconds:,.0f} rows/s{_accepted(rows)}", file=said)
    if into:
        print(preview[0].head(SHOWN).to_string(index=False))


def _seen(frames: Iterator[pd.DataFrame], first: list[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The tables themselves, the first of which is kept."""
    for frame in frames:
        if not first:
            first.append(frame)
        yield frame


def _accepted(rows: Rows) -> str:
    asked = [*(wish.text for wish in rows.wishes), *(rule.text for rule in rows.rules)]
    if not asked:
        return ""
    if rows.note:
        return f"; {rows.note}"
    return f"; {rows.kept / rows.drawn:.1%} of the rows drawn had {' and '.join(asked)}, and all of these have"
