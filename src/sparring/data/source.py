"""The one front door for data: a name, a path or an array becomes a Dataset."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sparring.data import arrays, files
from sparring.data.gallery import Found, Points
from sparring.data.known import KNOWN
from sparring.data.survey import parse_size
from sparring.errors import SparringError

if TYPE_CHECKING:
    from sparring.data.dataset import Dataset

ACCEPTED = "a folder or .zip of pictures, a .csv that lists them, or a .npy, .npz or IDX file"
_READERS = {".zip": files.archive, ".csv": files.table, ".npy": arrays.npy, ".npz": arrays.npz}


def open_data(source: str | Path | np.ndarray, *, size: str | None = None, channels: int | None = None) -> Dataset:
    """Open data, decoding it on the first call and mapping what was prepared on every later one.

    Args:
        source: a known name (digits, mnist, fashion-mnist, ring); a folder, whose sub-folders become labels;
            a .zip of such; a .csv with the columns path and label; a .npy or .npz; an IDX file; or an array
            as `arrays.from_array` describes it.
        size: "32" for 32x32 or "48x64" for height x width, sides 8..1024; None chooses by the data.
        channels: 1 grey, 3 RGB, 4 RGBA; None chooses by the data.

    Returns:
        Pictures as uint8 rows (count, channels, height, width), or points as float32 rows (count, k).

    Raises:
        SparringError: for a source that is not there or cannot be read, and for wishes that cannot be met.
    """
    # Imported here, for it imports torch, which takes seconds: `sparring doctor` finds sources without it.
    from sparring.data import prepare

    found = find(source)
    wanted = wishes(size, channels)
    if found.identity and (prepared := prepare.load(prepare.entry(found, *wanted))):
        return prepared
    data = found.load()
    if isinstance(data, Points):
        return prepare.points(found.name, refuse_wishes(data, size, channels))
    if found.identity:
        return prepare.on_disk(found, data, *wanted)
    return prepare.in_memory(found, data, *wanted)


def find(source: str | Path | np.ndarray) -> Found:
    """Recognise a source without reading more than its listing.

    Raises:
        SparringError: where it is not there, or of no kind that can be read.
    """
    if isinstance(source, np.ndarray):
        return arrays.in_memory(source)
    if isinstance(source, str) and source in KNOWN:
        return KNOWN[source]()
    path = Path(source).expanduser()
    if path.is_dir():
        return files.folder(path)
    if not path.is_file():
        raise SparringError(_not_there(str(source), path))
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


def refuse_wishes(points: Points, size: str | None, channels: int | None) -> Points:
    """The points themselves, unless a size or channels were asked of them, which only pictures have.

    Raises:
        SparringError: where they were.
    """
    if size is not None or channels is not None:
        raise SparringError("This data is points, not pictures: leave out size and channels.")
    return points


def _not_there(text: str, path: Path) -> str:
    try:
        beside = [str(path.parent / entry.name) for entry in path.parent.iterdir()]
    except OSError:
        beside = []
    near = difflib.get_close_matches(text.lower(), KNOWN) + difflib.get_close_matches(str(path), beside)
    hint = f"; did you mean {' or '.join(near)}?" if near else ";"
    return f"There is no {text} here{hint} Sparring reads the data sets {', '.join(KNOWN)}, {ACCEPTED}."
