"""Tables into files, a part after the other, so that the whole is never in memory; and whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

TEXT = (".csv", ".csv.gz")
COLUMNAR = (".parquet", ".feather")
STANDARD = "-"


def check(path: str) -> str:
    """The ending of a file that tables can be written to, or "-" for CSV on the standard output.

    Raises:
        SparringError: for any other ending, and for Parquet and Feather without pyarrow.
    """
    if path == STANDARD:
        return path
    ending = next((ending for ending in (*TEXT, *COLUMNAR) if path.lower().endswith(ending)), None)
    if ending is None:
        raise SparringError(f"cannot write rows to {path}: name it .csv, .csv.gz, .parquet or .feather, or - to print")
    if ending in COLUMNAR:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise SparringError(f"writing {ending} needs pyarrow: pip install 'sparring[tables]'") from None
    return ending


def write(frames: Iterable[pd.DataFrame], path: str) -> None:
    """Write tables of the same columns one below the other. OSError is left to the caller.

    Args:
        frames: at least one.
        path: as `check` takes it; an old file is replaced once all is written.
    """
    ending = check(path)
    if ending == STANDARD:
        _csv(frames, sys.stdout, None)
        return
    whole = Path(path)
    whole.parent.mkdir(parents=True, exist_ok=True)
    draft = whole.with_name(f".{os.getpid()}.{whole.name}")
    try:
        if ending in TEXT:
            _csv(frames, draft, "gzip" if ending.endswith("gz") else None)
        else:
            _arrow(frames, draft, ending)
        os.replace(draft, whole)
    finally:
        draft.unlink(missing_ok=True)


def _csv(frames: Iterable[pd.DataFrame], target: Any, compression: str | None) -> None:
    import gzip

    if target is sys.stdout:
        for at, frame in enumerate(frames):
            frame.to_csv(target, index=False, header=at == 0)
        return
    with (
        gzip.open(target, "wt", encoding="utf-8", newline="", compresslevel=6)
        if compression
        else open(target, "w", encoding="utf-8", newline="")
    ) as file:
        for at, frame in enumerate(frames):
            frame.to_csv(file, index=False, header=at == 0)


def _arrow(frames: Iterable[pd.DataFrame], target: Path, ending: str) -> None:
    import pyarrow as pa
    from pyarrow import ipc, parquet

    frames = iter(frames)
    first = next(frames)
    try:
        schema = pa.Schema.from_pandas(first, preserve_index=False)
        for at, column in enumerate(schema):
            if pa.types.is_null(column.type):  # none is known so far, and later ones are text
                schema = schema.set(at, column.with_type(pa.large_string()))
            elif pa.types.is_decimal128(column.type):  # as wide as these rows, and later ones may be wider
                schema = schema.set(at, column.with_type(pa.decimal128(38, column.type.scale)))
        options = ipc.IpcWriteOptions(compression="lz4")
        open_ = (
            parquet.ParquetWriter(target, schema)
            if ending == ".parquet"
            else ipc.new_file(str(target), schema, options=options)
        )
        with open_ as writer:
            for frame in chain([first], frames):
                writer.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise SparringError(f"{target.suffix} cannot hold these rows ({error}): write .csv") from None
