"""Pictures in files: a folder, a .zip, or a CSV that names them, listed with labels and not yet opened."""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image

from sparring.data import columns as beside
from sparring.data.gallery import Found, Gallery, number_labels, safe_name, stamp
from sparring.errors import SparringError

ENDINGS = frozenset(
    f".{kind}"
    for kind in re.findall(r"\w+", "jpg jpeg jfif png webp bmp gif tif tiff ppm pgm pbm pnm tga avif jp2 ico")
)
PATH_COLUMNS = ("path", "file", "filename", "file_name", "image", "picture")
LABEL_COLUMNS = ("label", "class", "category")
GROUP_COLUMNS = ("group", "source", "subject", "patient", "person", "scene", "series", "video", "slide")
SPLIT_COLUMN = "split"
# What folders and the column above call the samples to train on (False) and those to hold out (True).
PARTS = dict.fromkeys(("train", "training"), False)
PARTS |= dict.fromkeys(("test", "testing", "val", "valid", "validation", "held-out"), True)


def folder(path: Path) -> Found:
    """All pictures below a folder; sub-folders become labels, groups or a split as `read_folders` says."""
    names = []
    for parent, folders, entries in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names += [(Path(parent) / entry).relative_to(path).as_posix() for entry in entries]
    pictures = _pictures_among(names, str(path))

    def load() -> Gallery:
        return _gallery(pictures, lambda index: Image.open(path / pictures[index]))

    return Found(safe_name(path.resolve().name), load, tuple(stamp(path / name) for name in pictures))


def archive(path: Path) -> Found:
    """All pictures in a .zip, read in memory: nothing is ever unpacked to disk."""
    try:
        content = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise SparringError(f"{path} cannot be read as a .zip ({error}): make it again or give the folder.") from error
    names = [entry.filename for entry in content.infolist() if not entry.is_dir()]
    pictures = _pictures_among(names, str(path))

    def load() -> Gallery:
        return _gallery(pictures, lambda index: Image.open(io.BytesIO(content.read(pictures[index]))))

    return Found(safe_name(path.stem), load, (stamp(path),))


def _gallery(pictures: list[str], open_picture: Callable[[int], Image.Image]) -> Gallery:
    read = read_folders(pictures)
    labels, classes = (None, ()) if read.labels is None else number_labels(read.labels)
    groups = None if read.groups is None else number_labels(read.groups)[0]
    return Gallery(pictures, open_picture, labels, classes, read.notes, groups, read.held)


def _pictures_among(names: list[str], where: str) -> list[str]:
    """The sorted paths of what looks like a picture and is not hidden.

    Raises:
        SparringError: where none is left.
    """
    paths = [PurePosixPath(name) for name in sorted(names)]
    # macOS puts a shadow "__MACOSX/._photo.jpg" of every file into its archives.
    paths = [path for path in paths if not any(part.startswith((".", "__MACOSX")) for part in path.parts)]
    pictures = [str(path) for path in paths if path.suffix.lower() in ENDINGS]
    if not pictures:
        others = Counter(path.suffix.lower() or "no ending" for path in paths).most_common(3)
        holds = "files with " + ", ".join(ending for ending, _ in others) if others else "nothing"
        readable = ", ".join(sorted(ENDINGS))
        raise SparringError(f"There are no pictures in {where} (it holds {holds}); Sparring reads {readable}.")
    return pictures


class Layout(NamedTuple):
    """What the folders of a listing say: a label, a group and a part for each picture, or None; and notes on it."""

    labels: list[str] | None = None
    groups: list[str] | None = None
    held: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def read_folders(pictures: list[str]) -> Layout:
    """Read the folders in the paths of pictures, below any folders that all share ("photos/2024/...").

    - If the first folders are train (or training) and test (or testing, val, valid, validation, held-out), in any
      case, they are a split, and the rest holds below them.
    - The first folder is the label. There are none without two such folders, where some pictures lie beside the
      folders, or where the folders for testing hold other classes than those for training, which the notes then tell.
    - A class that has several folders within tells of groups: then every picture's group is the folder that it lies
      in, and each picture directly in its class's folder is a group of its own.
    """
    parents = _below_shared([PurePosixPath(name).parent.parts for name in pictures])
    parts = [PARTS.get(_plain(first)) for first in _firsts(parents)]
    held: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    if set(parts) == {False, True}:
        held = np.array(parts, dtype=bool)
        names = ", ".join(sorted(set(_firsts(parents))))
        notes += (f"The folders {names} were taken as a split into training and held-out pictures, not as labels.",)
        parents = _below_shared([path[1:] for path in parents])
    firsts = _firsts(parents)
    if trouble := _no_labels(firsts, held):
        return Layout(held=held, notes=(*notes, trouble))
    if not any(firsts):
        return Layout(held=held, notes=notes)
    deep = {path for path in parents if len(path) > 1}
    if len(deep) == len({path[0] for path in deep}):  # one folder in each class, such as "images", tells nothing
        return Layout(firsts, None, held, notes)
    groups = ["/".join(path) if len(path) > 1 else name for path, name in zip(parents, pictures, strict=True)]
    notes += (f"The {len(deep)} folders within the classes were taken as groups.",)
    return Layout(firsts, groups, held, notes)


def _below_shared(parents: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    low, high = min(parents), max(parents)  # what the first and the last in order share, all share
    shared = next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return [path[shared:] for path in parents]


def _firsts(parents: list[tuple[str, ...]]) -> list[str]:
    return [path[0] if path else "" for path in parents]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _no_labels(firsts: list[str], held: np.ndarray | None) -> str:
    """Why the first folders, where there are any, are no labels; empty where they are."""
    if "" in firsts and any(firsts):
        beside = firsts.count("")
        return (
            f"{beside} of {len(firsts)} pictures lie beside the sub-folders, so the folders were not taken as labels."
        )
    if held is None:
        return ""
    trained = {first for first, away in zip(firsts, held, strict=True) if not away}
    unknown = sorted(set(firsts) - trained)
    if not unknown:
        return ""
    return (
        f"The folders for testing hold classes that those for training lack ({', '.join(unknown[:5])}), so they were "
        "not taken as labels; give the training folder alone to have them."
    )


def table(path: Path) -> Found:
    """A CSV (comma, semicolon or tab): a column of paths, relative to the CSV.

    It may have others: of labels, of groups ("patient", "video" and the like, whose samples are never parted), and
    one called split, of train and test. What else it has is read by `columns.from_cells`.
    """
    header, lines, comma = read_csv(path)
    columns = [name.strip().lower() for name in header]
    where, what, whose, side = (
        next((columns.index(name) for name in names if name in columns), None)
        for names in (PATH_COLUMNS, LABEL_COLUMNS, GROUP_COLUMNS, (SPLIT_COLUMN,))
    )
    if where is None:
        raise SparringError(
            f"{path} has no column that names pictures (its columns: {', '.join(header) or 'none'}); "
            f'call one "{PATH_COLUMNS[0]}", and the labels\' column, if any, "{LABEL_COLUMNS[0]}".'
        )
    used = [at for at in (where, what, whose, side) if at is not None]
    check_lines(lines, len(header), used, path)
    names = [line[where].strip() for line in lines]
    given, groups, parts = (None if at is None else [line[at].strip() for line in lines] for at in (what, whose, side))
    held = None if parts is None else held_out(parts, path)
    notes = () if whose is None else (f'The column "{header[whose]}" was taken as groups.',)

    def open_picture(index: int) -> Image.Image:
        return Image.open(path.parent / names[index])

    def load() -> Gallery:
        labels, classes = (None, ()) if given is None else number_labels(given)
        grouped = None if groups is None else number_labels(groups)[0]
        others = [at for at in range(len(header)) if at not in used]
        more = beside.from_cells(header, lines, others, str(path), comma)
        told = notes + more.notes
        return Gallery(names, open_picture, labels, classes, told, grouped, held, more.values, more.names)

    files = tuple(
        stamp(path.parent / name, label) for name, label in zip(names, given or [""] * len(names), strict=True)
    )
    return Found(safe_name(path.stem), load, (stamp(path), *files))


def check_lines(lines: list[list[str]], columns: int, needed: list[int], path: Path) -> None:
    """Refuse a CSV of which a line has fewer or more cells than the header, or an empty one of those `needed`."""
    for number, line in enumerate(lines, start=2):
        if len(line) != columns or not all(line[at].strip() for at in needed):
            raise SparringError(f"Line {number} of {path} lacks a value: every line needs as many as the header.")
    if not lines:
        raise SparringError(f"{path} has a header and no lines below it; add a line for each picture.")


def held_out(given: list[str], path: Path) -> np.ndarray | None:
    """The column split as (count,) bool; None where it holds nothing out."""
    for number, name in enumerate(given, start=2):
        if _plain(name) not in PARTS:
            raise SparringError(
                f'Line {number} of {path} has "{name}" in the column "{SPLIT_COLUMN}": give one of '
                f"{', '.join(PARTS)}, or call the column otherwise."
            )
    held = np.array([PARTS[_plain(name)] for name in given])
    return held if held.any() else None


def read_csv(path: Path) -> tuple[list[str], list[list[str]], str]:
    """The header, the lines below it, and what stands between the cells."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets put a byte order mark in front
    except UnicodeDecodeError as error:
        raise SparringError(f"{path} is not UTF-8 text; save the table as CSV in UTF-8.") from error
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)  # spreadsheets write semicolons where the decimal sign is a comma
    lines = [line for line in csv.reader(io.StringIO(text), delimiter=comma) if line]
    return (lines[0], lines[1:], comma) if lines else ([], [], comma)
