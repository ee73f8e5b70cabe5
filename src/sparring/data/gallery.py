"""What every reader hands on before anything is decoded: a gallery of pictures, a cloud of points or a data frame."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


@dataclass(frozen=True)
class Gallery:
    """Pictures that are listed and not yet decoded.

    Attributes:
        names: one a picture, for messages: a path within the source, or a number.
        open: opens the picture of an index; reading it may fail with any exception.
        labels: (count,) int64, indices into classes, or None.
        classes: the names of the labels; empty without labels.
        notes: plain sentences on what the reader did.
        groups: (count,) int64, equal for pictures of one source; None where nothing is known of it.
        held: (count,) bool, true for the pictures that the source says are for testing; None where it says nothing.
        columns: (count, c) float32, finite numbers that come with the pictures; None where there are none.
        column_names: one a column, no two equal.
        row: makes the row of an index, uint8 (channels, height, width), where it is more than that picture's pixels;
            it may fail with any exception.
        card: what the Spec of the rows says beside, and otherwise than, it would of pictures.
    """

    names: Sequence[str]
    open: Callable[[int], Image.Image]
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    held: np.ndarray | None = None
    columns: np.ndarray | None = None
    column_names: tuple[str, ...] = ()
    row: Callable[[int], np.ndarray] | None = None
    card: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Points:
    """Vectors, a row each: float32 (count, k), with the lowest and the highest value that they may take.

    `groups`, `columns` and `column_names` are as in Gallery.
    """

    rows: np.ndarray
    range: tuple[float, float]
    notes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    columns: np.ndarray | None = None
    column_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A source that was recognised.

    Attributes:
        name: short and safe in file names.
        load: lists or reads the data; called only where nothing is prepared yet.
        identity: what must stay the same for prepared data to stay good: (path, size, mtime_ns, label) of
            every file. None for what lies in memory, which is never kept on disk.
        size: (height, width) to take when the user asks for none.
    """

    name: str
    load: Callable[[], Gallery | Points | pd.DataFrame]
    identity: tuple[tuple[Any, ...], ...] | None = None
    size: tuple[int, int] | None = None


def safe_name(text: str) -> str:
    """A folder's or file's stem with only letters, digits, dots, dashes and underscores left."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "data"


def stamp(path: str | os.PathLike[str], label: str = "") -> tuple[str, int, int, str]:
    """The identity of one file; a missing file is an identity too, since it may appear later."""
    full = os.path.abspath(path)
    try:
        state = os.stat(full)
    except OSError:
        return full, -1, -1, label
    return full, state.st_size, state.st_mtime_ns, label


def number_labels(given: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Names of labels -> (count,) int64 and the classes; numbers sort as numbers, so 2 before 10."""
    classes = sorted(set(given), key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    number = {name: index for index, name in enumerate(classes)}
    return np.array([number[name] for name in given], dtype=np.int64), tuple(classes)


def in_threads(work: Callable[[int], T], indices: Sequence[int], at_once: int = 1024) -> Iterator[T]:
    """`work` over indices, in their order, on every core (Pillow lets go of the GIL).

    At most `at_once` results wait in memory, which is what keeps it flat.
    """
    cores = os.cpu_count() or 1
    # Handing a task to a thread takes as long as decoding a tiny picture, so each task is a run of them.
    run = max(1, min(32, at_once // cores))

    def work_through(part: Sequence[int]) -> list[T]:
        return [work(index) for index in part]

    with ThreadPoolExecutor(cores) as pool:
        for start in range(0, len(indices), at_once):
            block = indices[start : start + at_once]
            for results in pool.map(work_through, [block[at : at + run] for at in range(0, len(block), run)]):
                yield from results


def why(error: Exception) -> str:
    """A decoder's exception as half a sentence."""
    if isinstance(error, UnidentifiedImageError):
        return "not a picture, or in a format that Pillow does not read"
    return str(error) or type(error).__name__
