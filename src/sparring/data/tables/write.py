"""Tables into files, a part after the other, so that the whole is never in memory; and whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.data.tables import wording
from sparring.data.tables.wording import Dialect, Worded
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
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
        raise SparringError(
            f"cannot write rows to {path}: name it .csv, .tsv, .csv.gz, .parquet or .feather, or - to print"
        )
    if ending in COLUMNAR:
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise SparringError(f"writing {ending} needs pyarrow: pip install 'sparring[tables]'") from None
    return ending


def write(
    frames: Iterable[pd.DataFrame], path: str, fields: Sequence[Worded] = (), dialect: Dialect | None = None
) -> None:
    """Write tables of the same columns one below the other. OSError is left to the caller.

    Args:
        frames: at least one.
        path: as `check` takes it; an old file is replaced once all is written.
        fields: cards of columns, whose wording text files have.
        dialect: of text files; a comma and UTF-8 unless it is given. What is called .tsv has tabs.
    """
    ending, dialect = check(path), dialect or Dialect()
    if ending == STANDARD:
        _csv(wording.written(frames, fields), sys.stdout, dialect.comma)
        return
    whole = Path(path)
    whole.parent.mkdir(parents=True, exist_ok=True)
    draft = whole.with_name(f".{os.getpid()}.{whole.name}")
    try:
        if ending in TEXT:
            _text(wording.written(frames, fields), draft, ending, dialect)
        else:
            _arrow(frames, draft, ending)
        os.replace(draft, whole)
    finally:
        draft.unlink(missing_ok=True)


def _text(frames: Iterable[pd.DataFrame], target: Path, ending: str, dialect: Dialect) -> None:
    import gzip

    comma = "\t" if ".tsv" in ending else dialect.comma
    try:
        with (
            gzip.open(target, "wt", encoding=dialect.encoding, newline="", compresslevel=6)
            if ending.endswith(".gz")
            else open(target, "w", encoding=dialect.encoding, newline="")
        ) as file:
            _csv(frames, file, comma)
    except UnicodeEncodeError as error:
        raise SparringError(f"{dialect.encoding}, as the data is in, cannot hold these rows ({error})") from None


def _csv(frames: Iterable[pd.DataFrame], file: Any, comma: str) -> None:
    for at, frame in enumerate(frames):
        frame.to_csv(file, sep=comma, index=False, header=at == 0)


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
