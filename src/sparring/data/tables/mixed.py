"""Columns of texts that are mostly numbers or dates: they are learnt as categories, which may not be what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparring.data.tables.kinds import NUMERIC, Decision

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.5  # of the values, from which the others are told
DATE = r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*"


def note(name: str, column: pd.Series, decision: Decision) -> str:
    """A sentence on the values that are unlike most others; empty where there are none, or the kind was asked for."""
    import pandas as pd

    if decision.kind != "categorical" or decision.why == "as asked" or not pd.api.types.is_string_dtype(column.dtype):
        return ""
    known = column.dropna()
    for what, pattern in (("numbers", NUMERIC), ("dates", DATE)):
        fits = known.str.fullmatch(pattern).to_numpy(dtype=bool)
        if MOSTLY <= fits.mean() < 1:
            at = int(np.flatnonzero(~fits)[0])
            row = int(np.flatnonzero(column.notna())[at]) + 1
            count = int((~fits).sum())
            return (
                f"{name} mixes {what} and others, so it is learnt as categories: {count:,} of its {len(known):,} "
                f'values {"is" if count == 1 else "are"} no {what}, such as "{_short(str(known.iloc[at]))}" in row '
                f"{row}; where these are mistakes, mend them or leave the cells empty, and where they are meant, ask "
                f"for {name}=categorical."
            )
    return ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
