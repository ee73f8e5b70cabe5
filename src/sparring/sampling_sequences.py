"""`sparring sample` for sequences: whole ones into a file or onto the standard output, with a number for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sparring.data.sequences import windows
from sparring.data.tables import write
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

    from sparring.run import Run

SOME = 64  # sequences, unless the user says how many
BLOCK = 1024  # sequences that are made at once
APART = 1_000_003  # between the seeds of two blocks


def carry_out(run: Run, n: int | None, seed: int, truncation: float, out: str) -> None:
    """Write n sequences of a run to `out`, a row for each step, and tell how many.

    Raises:
        SparringError: for fewer than one sequence, and a file that cannot be written.
    """
    write.check(out)
    count = SOME if n is None else n
    try:
        write.write(_frames(run, count, seed, truncation), out, run.spec.fields, run.spec.dialect)
    except OSError as error:
        if out == write.STANDARD:
            raise  # whoever reads has gone, which the command line knows
        raise SparringError(f"cannot write the sequences: {error}") from None
    if out != write.STANDARD:
        print(f"{count:,} sequences of {run.spec.shape[1]} rows in {out}")


def _frames(run: Run, count: int, seed: int, truncation: float) -> Iterator[pd.DataFrame]:
    """In tables of up to 1,024 sequences; the first sequences do not depend on how many there are."""
    for first in range(0, max(count, 1), BLOCK):
        some = min(BLOCK, count - first)
        made = run.sample(some, seed + first // BLOCK * APART, None, truncation)
        yield windows.table(run.spec, made.numpy(), first, seed)
