"""The one front door for data: a name, a path or an array becomes a Dataset."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparring.data import arrays, files
from sparring.data.gallery import Found, Gallery, Points
from sparring.data.known import KNOWN
from sparring.data.sequences.read import Order
from sparring.data.survey import parse_size
from sparring.data.tables import read
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

    from sparring.data.dataset import Dataset

ACCEPTED = (
    "a folder or .zip of pictures, a .csv that lists them, a table (.csv, .tsv, .parquet, .feather or a database's "
    "URL#TABLE), or a .npy, .npz or IDX file"
)
_READERS = {".zip": files.archive, ".csv": files.table, ".npy": arrays.npy, ".npz": arrays.npz}


def open_data(
    source: str | Path | np.ndarray | pd.DataFrame,
    *,
    size: str | None = None,
    channels: int | None = None,
    kinds: Sequence[str] = (),
    constraints: Sequence[str] = (),
    order: Order | None = None,
) -> Dataset:
    """Open data, decoding it on the first call and mapping what was prepared on every later one.

    Args:
        source: a known name (digits, mnist, fashion-mnist, ring); a folder, whose sub-folders become labels;
            a .zip of such; a .csv with the columns path and label; a .npy or .npz; an IDX file; an array as
            `arrays.from_array` describes it; or a table as `tables.read.read` does.
        size: "32" for 32x32 or "48x64" for height x width, sides 8..1024; None chooses by the data.
        channels: 1 grey, 3 RGB, 4 RGBA; None chooses by the data.
        kinds: of a table's columns, such as "zip=categorical"; those left out are chosen by the data.
        constraints: that a table's rows keep, and sampled ones are to, such as "start <= end".
        order: how a table's rows follow one another, to cut it into sequences; None to learn each row by itself.

    Returns:
        Pictures as uint8 rows (count, channels, height, width), points as float32 rows (count, k), or the coded rows
        of a table as float32 (count, width); sequences as float32 (count, channels, steps).

    Raises:
        SparringError: for a source that is not there or cannot be read, and for wishes that cannot be met.
    """
    found, wanted = find(source), wishes(size, channels)
    refuse_kinds(source, kinds, constraints)
    refuse_order(source, order, kinds, constraints)
    return _prepared(found, *wanted, kinds, constraints, order)


def find(source: str | Path | np.ndarray | pd.DataFrame) -> Found:
    """Recognise a source without reading more than its listing.

    Raises:
        SparringError: where it is not there, or of no kind that can be read.
    """
    if isinstance(source, np.ndarray):
        return arrays.in_memory(source)
    if isinstance(source, str) and source in KNOWN:
        return KNOWN[source]()
    if not isinstance(source, str | Path) or "://" in str(source):
        return Found(read.name(source), lambda: read.read(source))
    path = Path(source).expanduser()
    if path.is_dir():
        return files.folder(path)
    if not path.is_file():
        raise SparringError(_not_there(str(source), path))
    if read.is_table(path):
        return Found(read.name(path), lambda: read.read(path))
    if reader := _READERS.get(path.suffix.lower()):
        return reader(path)
    if path.suffix.lower() in files.ENDINGS:
        raise SparringError(f"{path} is one picture; give the folder that it lies in.")
    if arrays.is_idx(path):
        return arrays.idx(path)
    raise SparringError(f"{path} is of no kind that Sparring reads; give {ACCEPTED}.")


def wishes(size: str | None, channels: int | None) -> tuple[tuple[int, int] | None, int | None]:
    """The user's size as (height, width) and channels, checked.

    Raises:
        SparringError: for a size or a number of channels that cannot be had.
    """
    if channels not in (None, 1, 3, 4):
        raise SparringError(f"Pictures cannot have {channels} channels: give 1 (grey), 3 (RGB) or 4 (RGBA).")
    return None if size is None else parse_size(size), channels


def order(entity: str | None, time: str | None, window: int | None) -> Order | None:
    """The user's wish to learn sequences; None where there is none.

    Raises:
        SparringError: for a length that cannot be, or that comes alone.
    """
    if entity is None and time is None:
        if window is not None:
            raise SparringError("`window` is the length of a sequence, so it goes with --time or --entity")
        return None
    if window is not None and window < 2:
        raise SparringError(f"a sequence has 2 rows or more; `window` is {window}")
    return Order(entity, time) if window is None else Order(entity, time, window)


def refuse_wishes(what: str, size: str | tuple[int, int] | None, channels: int | None) -> None:
    """Refuse a size or channels, which only pictures have, for other data.

    Raises:
        SparringError: where one was asked.
    """
    if size is not None or channels is not None:
        raise SparringError(f"This data is {what}, not pictures: leave out size and channels.")


def refuse_kinds(source: Any, kinds: Sequence[str], constraints: Sequence[str] = ()) -> None:
    """Refuse kinds of columns, and constraints on them, for what is no table.

    Raises:
        SparringError: where any were asked.
    """
    if kinds and not read.is_table(source):
        raise SparringError(f"{source} is no table, and only a table's columns have kinds: leave out kinds.")
    if constraints and not read.is_table(source):
        raise SparringError(f"{source} is no table, and only a table's rows keep constraints: leave out constraints.")


def refuse_order(source: Any, order: Order | None, kinds: Sequence[str] = (), constraints: Sequence[str] = ()) -> None:
    """Refuse to cut into sequences what is no table, or a table of which more is asked than sequences have.

    Raises:
        SparringError: where an order comes with such.
    """
    if order and not read.is_table(source):
        raise SparringError(f"{source} is no table, whose rows may follow one another: leave out entity and time.")
    if order and (kinds or constraints):
        raise SparringError("Sequences are made of columns of numbers: leave out kinds and constraints.")


def _prepared(
    found: Found,
    size: tuple[int, int] | None,
    channels: int | None,
    kinds: Sequence[str],
    constraints: Sequence[str],
    order: Order | None,
) -> Dataset:
    """What was recognised as a data set, by what its reader gives."""
    # Imported here, for it imports torch, which takes seconds: `sparring data` finds sources without it.
    from sparring.data import prepare

    if found.identity and (before := prepare.load(prepare.entry(found, size, channels))):
        return before
    data = found.load()
    if isinstance(data, Gallery):
        make = prepare.on_disk if found.identity else prepare.in_memory
        return make(found, data, size, channels)
    if isinstance(data, Points):
        refuse_wishes("points", size, channels)
        return prepare.points(found.name, data)
    refuse_wishes("a table", size, channels)
    if order:
        from sparring.data.sequences.windows import sequences

        return sequences(found.name, data, order)
    from sparring.data.tables import dataset

    return dataset.table(found.name, data, kinds, constraints)


def _not_there(text: str, path: Path) -> str:
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        beside = []
    named = difflib.get_close_matches(path.name, beside)  # of names alone: equal folders would make all paths alike
    near = difflib.get_close_matches(text.lower(), KNOWN) + [str(path.parent / name) for name in named]
    hint = f"; did you mean {' or '.join(near)}?" if near else ";"
    return f"There is no {text} here{hint} Sparring reads the data sets {', '.join(KNOWN)}, {ACCEPTED}."
