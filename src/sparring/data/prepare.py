"""Decode a gallery once, into rows that are mapped from disk ever after."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress

from sparring.data.columns import cards
from sparring.data.dataset import Dataset
from sparring.data.gallery import Found, Gallery, Points, in_threads
from sparring.data.spec import WORDS, Spec
from sparring.data.survey import Survey, survey, training_row
from sparring.errors import SparringError

VERSION = 3  # raise it whenever the same files would give other rows: all prepared data is then made anew
BLOCK = 64 << 20  # bytes of decoded rows that may wait in memory
MANY = 2000  # from here on the wait is long enough for a progress bar


class Card(NamedTuple):
    """The JSON beside the rows; `beside` names the files that complete them: a number a row, or a row of numbers."""

    spec: dict[str, Any]
    notes: list[str]
    beside: list[str]


class Beside(NamedTuple):
    """What is known of each row beside its pixels, as in Dataset; None for what is not."""

    labels: np.ndarray | None = None
    groups: np.ndarray | None = None
    held: np.ndarray | None = None
    columns: np.ndarray | None = None


def cache_folder() -> Path:
    """Where prepared data lies: $SPARRING_CACHE, else $XDG_CACHE_HOME/sparring, else ~/.cache/sparring."""
    if own := os.environ.get("SPARRING_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "sparring"


def entry(found: Found, size: tuple[int, int] | None, channels: int | None) -> Path:
    """The cache's folder for this source with these wishes; it exists if and only if it is complete."""
    key = json.dumps([VERSION, found.identity, size, channels])
    return cache_folder() / f"{found.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def load(folder: Path) -> Dataset | None:
    """What was prepared in a folder, mapped; None where nothing was, or where it has been damaged since."""
    try:
        card = Card(**json.loads((folder / "card.json").read_text(encoding="utf-8")))
        spec = Spec.from_dict(card.spec)
        rows = np.load(folder / "rows.npy", mmap_mode="r")
        beside = Beside(**{name: np.load(folder / f"{name}.npy") for name in card.beside})
    except (OSError, ValueError, TypeError, EOFError):
        return None
    each = {"columns": (len(spec.columns),)}  # of the others each sample has one number
    known = {name: part for name, part in beside._asdict().items() if part is not None}
    if any(part.shape != (spec.count, *each.get(name, ())) for name, part in known.items()):
        return None
    if rows.shape != (spec.count, *spec.shape):
        return None
    return Dataset(spec, rows, notes=tuple(card.notes), **known)


def on_disk(
    found: Found, gallery: Gallery, size: tuple[int, int] | None, channels: int | None, plan: Survey | None = None
) -> Dataset:
    """Prepare a gallery into the cache.

    The entry is of these wishes; `plan` is what came of them, where that is known already.
    The entry is made under a temporary name and renamed when complete, so no reader ever sees half of one; of
    several processes that prepare the same data the first to finish wins.

    Raises:
        SparringError: for a cache that cannot be written, and as `fill` does.
    """
    folder = entry(found, size, channels)
    plan = plan or survey(gallery, size or found.size, channels)
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        _write_entry(draft, found.name, gallery, plan)
        _publish(draft, folder)
    except OSError as error:
        raise SparringError(
            f"The prepared pictures cannot be written to {folder.parent} ({error.strerror or error}); "
            "make room there or set SPARRING_CACHE to a folder that can be written."
        ) from error
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)
    prepared = load(folder)
    assert prepared is not None
    return prepared


def _publish(draft: Path, folder: Path) -> None:
    if load(folder) is None:  # absent, or damaged
        shutil.rmtree(folder, ignore_errors=True)
    try:
        os.replace(draft, folder)
    except OSError:
        if load(folder) is None:
            raise  # or else another process finished first, with the same rows


def in_memory(
    found: Found, gallery: Gallery, size: tuple[int, int] | None, channels: int | None, plan: Survey | None = None
) -> Dataset:
    """Prepare a gallery without touching the disk, for arrays that lie in memory anyway."""
    plan = plan or survey(gallery, size or found.size, channels)
    parts: list[np.ndarray] = []
    filled = fill(gallery, plan, parts.append)
    spec, beside, notes = _describe(found.name, gallery, plan, filled)
    return Dataset(spec, np.stack(parts), notes=notes, **beside._asdict())


class Filled(NamedTuple):
    """What `fill` has handed on: the indices whose rows it gave, and the digest of those rows."""

    kept: list[int]
    digest: hashlib._Hash


def fill(gallery: Gallery, plan: Survey, take: Callable[[np.ndarray], Any]) -> Filled:
    """Decode every picture and give its row to `take`, in order; what cannot be read is left out.

    Raises:
        SparringError: where nothing is left.
    """
    kept, digest = [], hashlib.sha256()
    for index, pixels in enumerate(_with_progress(_rows(gallery, plan), len(gallery.names))):
        if pixels is not None:
            take(pixels)
            digest.update(pixels.data)
            kept.append(index)
    if not kept:
        raise SparringError(f"Not one of the {_counted(gallery)} can be read; look at them with a viewer.")
    return Filled(kept, digest)


def _rows(gallery: Gallery, plan: Survey) -> Iterator[np.ndarray | None]:
    def decode(index: int) -> np.ndarray | None:
        try:
            return gallery.row(index) if gallery.row else training_row(gallery, index, plan)
        except Exception:  # Pillow's decoders raise anything on a broken file; the notes name it
            return None

    row_bytes = plan.size[0] * plan.size[1] * plan.channels
    at_once = max(os.cpu_count() or 1, min(1024, BLOCK // row_bytes))
    return in_threads(decode, range(len(gallery.names)), at_once)


def _with_progress(rows: Iterator[np.ndarray | None], count: int) -> Iterator[np.ndarray | None]:
    wanted = count > MANY and sys.stderr.isatty()
    with Progress(console=Console(stderr=True), disable=not wanted, transient=True) as progress:
        yield from progress.track(rows, total=count, description="Preparing pictures")


def _describe(name: str, gallery: Gallery, plan: Survey, filled: Filled) -> tuple[Spec, Beside, tuple[str, ...]]:
    """The spec, what is known of the rows that were kept, and the notes."""
    known = (gallery.labels, gallery.groups, gallery.held, gallery.columns)
    beside = Beside(*(None if part is None else part[filled.kept] for part in known))
    digest = filled.digest.copy()
    _digest(digest, beside)
    spec = Spec(
        kind="pictures",
        name=name,
        shape=(plan.channels, *plan.size),
        range=(-1.0, 1.0),
        count=len(filled.kept),
        classes=gallery.classes,
        hash=digest.hexdigest(),
        shares=_shares(beside.labels, len(gallery.classes)),
        columns=cards(beside.columns, gallery.column_names),
    )
    return replace(spec, **gallery.card), beside, gallery.notes + plan.notes + left_out(gallery, filled.kept)


def _digest(digest: hashlib._Hash, beside: Beside) -> None:
    for called, part in beside._asdict().items():
        if part is not None:
            digest.update(b"" if called == "labels" else called.encode())  # lest groups pass for equal labels
            digest.update(part.astype("<f4" if part.dtype.kind == "f" else "<i8").tobytes())


def _shares(labels: np.ndarray | None, classes: int) -> tuple[float, ...]:
    return () if labels is None else tuple((np.bincount(labels, minlength=classes) / len(labels)).tolist())


def left_out(gallery: Gallery, kept: Iterable[int]) -> tuple[str, ...]:
    """A sentence on the pictures that are not among `kept`, if there are any."""
    missing = sorted(set(range(len(gallery.names))) - set(kept))
    if not missing:
        return ()
    first = ", ".join(gallery.names[index] for index in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return (f"{len(missing)} of {_counted(gallery)} cannot be read and were left out: {first}{more}.",)


def _counted(gallery: Gallery) -> str:
    return f"{len(gallery.names)} {WORDS.get(gallery.card.get('kind', ''), 'pictures')}"


def _write_entry(folder: Path, name: str, gallery: Gallery, plan: Survey) -> None:
    shape = (plan.channels, *plan.size)
    # Plain writes, not a memory map: on a full disk a map ends the process with a bus error, a write raises.
    with (folder / "rows.npy").open("wb") as file:
        _npy_header(file, (len(gallery.names), *shape))
        filled = fill(gallery, plan, lambda pixels: file.write(pixels.data))
        file.seek(0)
        _npy_header(file, (len(filled.kept), *shape))  # of the same length: numpy leaves room for a count to grow
        _settle(file)
    spec, beside, notes = _describe(name, gallery, plan, filled)
    known = {called: part for called, part in beside._asdict().items() if part is not None}
    for called, part in known.items():
        with (folder / f"{called}.npy").open("wb") as file:
            np.save(file, part)
            _settle(file)
    with (folder / "card.json").open("w", encoding="utf-8") as text:
        json.dump(Card(spec.to_dict(), list(notes), list(known))._asdict(), text, indent=2)
        _settle(text)


def _npy_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _settle(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def points(name: str, data: Points) -> Dataset:
    """Points as a data set, in memory."""
    digest = hashlib.sha256(data.rows.data)
    _digest(digest, Beside(groups=data.groups, columns=data.columns))
    spec = Spec(
        kind="points",
        name=name,
        shape=data.rows.shape[1:],
        range=data.range,
        count=len(data.rows),
        hash=digest.hexdigest(),
        columns=cards(data.columns, data.column_names),
    )
    return Dataset(spec, data.rows, notes=data.notes, groups=data.groups, columns=data.columns)
