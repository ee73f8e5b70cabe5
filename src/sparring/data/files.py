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

from PIL import Image

from sparring.data.gallery import Found, Gallery, number_labels, safe_name, stamp
from sparring.errors import SparringError

ENDINGS = frozenset(
    f".{kind}"
    for kind in re.findall(r"\w+", "jpg jpeg jfif png webp bmp gif tif tiff ppm pgm pbm pnm tga avif jp2 ico")
)
PATH_COLUMNS = ("path", "file", "filename", "file_name", "image", "picture")
LABEL_COLUMNS = ("label", "class", "category")


def folder(path: Path) -> Found:
    """All pictures below a folder; sub-folders become labels as `labels_by_folder` says."""
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
    given, notes = labels_by_folder(pictures)
    if given is None:
        return Gallery(pictures, open_picture, notes=notes)
    labels, classes = number_labels(given)
    return Gallery(pictures, open_picture, labels, classes, notes)


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


def labels_by_folder(pictures: list[str]) -> tuple[list[str] | None, tuple[str, ...]]:
    """The first folder of each path as its label, below any folders that all share ("photos/train/...").

    None without two such folders, or where some pictures lie beside the folders, which the notes then tell.
    """
    parents = [PurePosixPath(name).parent.parts for name in pictures]
    low, high = min(parents), max(parents)  # what the first and the last in order share, all share
    shared = next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    firsts = [parts[shared] if len(parts) > shared else "" for parts in parents]
    named = {first for first in firsts if first}
    if not named:
        return None, ()
    if "" in firsts:
        beside = firsts.count("")
        return None, (
            f"{beside} of {len(firsts)} pictures lie beside the sub-folders, so the folders were not taken as labels.",
        )
    return firsts, ()


def table(path: Path) -> Found:
    """A CSV (comma, semicolon or tab): a column of paths, relative to the CSV, and perhaps one of labels."""
    header, lines = _read_csv(path)
    columns = [name.strip().lower() for name in header]
    where = next((columns.index(name) for name in PATH_COLUMNS if name in columns), None)
    if where is None:
        raise SparringError(
            f"{path} has no column that names pictures (its columns: {', '.join(header) or 'none'}); "
            f'call one "{PATH_COLUMNS[0]}", and the labels\' column, if any, "{LABEL_COLUMNS[0]}".'
        )
    what = next((columns.index(name) for name in LABEL_COLUMNS if name in columns), None)
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header) or not line[where].strip() or (what is not None and not line[what].strip()):
            raise SparringError(f"Line {number} of {path} lacks a value: every line needs as many as the header.")
    if not lines:
        raise SparringError(f"{path} has a header and no lines below it; add a line for each picture.")
    names = [line[where].strip() for line in lines]
    given = None if what is None else [line[what].strip() for line in lines]

    def load() -> Gallery:
        labels, classes = (None, ()) if given is None else number_labels(given)
        return Gallery(names, lambda index: Image.open(path.parent / names[index]), labels, classes)

    files = tuple(
        stamp(path.parent / name, label) for name, label in zip(names, given or [""] * len(names), strict=True)
    )
    return Found(safe_name(path.stem), load, (stamp(path), *files))


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets put a byte order mark in front
    except UnicodeDecodeError as error:
        raise SparringError(f"{path} is not UTF-8 text; save the table as CSV in UTF-8.") from error
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)  # spreadsheets write semicolons where the decimal sign is a comma
    lines = [line for line in csv.reader(io.StringIO(text), delimiter=comma) if line]
    return (lines[0], lines[1:]) if lines else ([], [])
