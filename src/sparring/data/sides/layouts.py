"""One source that holds both sides: a .csv of pairs, a folder for each side, or pictures side by side."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from PIL import Image, ImageOps

from sparring.data import files
from sparring.data.gallery import Found, Gallery, number_labels, safe_name, stamp
from sparring.data.pictures import header
from sparring.data.source import find
from sparring.errors import SparringError

SIDES = ("a", "b")
LONGEST_LINE = 10_000  # letters of a table's line that are looked at
LOOKED_AT = 32  # pictures, to tell whether each holds two side by side
# "A", "b", "trainA" or "test_b": a folder of one side, and perhaps of one part.
_FOLDER = re.compile(rf"({'|'.join(files.PARTS)})?[-_ ]?([ab])", re.IGNORECASE)


class Sides(NamedTuple):
    """Both sides, recognised and not yet listed.

    Attributes:
        name: of both, short and safe in file names; empty where each has its own.
        a, b: whose `load` gives a Gallery.
        aligned: whether the i-th picture of one belongs to the i-th of the other; else their names tell.
    """

    name: str
    a: Found
    b: Found
    aligned: bool


def two(a: object, b: object) -> Sides:
    """Two sources of pictures.

    Raises:
        SparringError: where one is not there, of no kind that can be read, or the same as the other.
    """
    if isinstance(a, str | Path) and isinstance(b, str | Path) and Path(a).expanduser().resolve() == Path(b).resolve():
        raise SparringError(f"A and B are both {a}: give each side a source of its own.")
    return Sides("", _found("A", a), _found("B", b), aligned=False)


def both(source: object) -> Sides:
    """One source that holds both sides.

    A .csv with the columns a and b; a folder or .zip whose sub-folders are called a and b, A and B, or trainA, trainB,
    testA and testB, at any depth; or pictures of which each is two side by side, A on the left.

    Raises:
        SparringError: where it is not there or holds no pictures.
    """
    if (
        isinstance(source, str | Path)
        and (path := Path(source).expanduser()).suffix.lower() == ".csv"
        and path.is_file()
    ):
        return _table(path)
    found = _found("", source)
    gallery = gallery_of(found, "")
    places = _by_folder(gallery.names)
    if places is None:
        _refuse_single(found.name, gallery)
    halves = [
        _half(gallery, right) if places is None else _below(gallery, places, side) for right, side in enumerate(SIDES)
    ]
    a, b = (
        replace(
            found, load=_giving(half), identity=found.identity and (*found.identity, ("side", side, places is None))
        )
        for half, side in zip(halves, SIDES, strict=True)
    )
    return Sides(found.name, a, b, aligned=places is None)


def lists_pairs(source: object) -> bool:
    """Whether a source is a .csv whose columns a and b name pictures; only its first two lines are read."""
    if not isinstance(source, str | Path) or (path := Path(source).expanduser()).suffix.lower() != ".csv":
        return False
    if not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = [file.readline(LONGEST_LINE) for _ in range(2)]
    lines = list(csv.reader(filter(None, head), delimiter=max(",;\t", key=head[0].count)))
    cells = {name.strip().lower(): cell.strip() for name, cell in zip(*lines, strict=False)} if len(lines) == 2 else {}
    return not cells.keys() & set(files.PATH_COLUMNS) and all(
        Path(cells.get(side, "")).suffix.lower() in files.ENDINGS for side in SIDES
    )


def gallery_of(found: Found, letter: str) -> Gallery:
    """What a side's source lists.

    Raises:
        SparringError: where it holds no pictures but something else.
    """
    data = found.load()
    if not isinstance(data, Gallery):
        side = f"Side {letter} ({found.name})" if letter else found.name
        raise SparringError(f"{side} holds no pictures: give a folder, .zip or .csv of pictures.")
    return data


def _found(letter: str, source: Any) -> Found:
    try:
        return find(source)
    except SparringError as error:
        raise SparringError(f"Side {letter}: {error}" if letter else str(error)) from error


def _giving(gallery: Gallery) -> Callable[[], Gallery]:
    return lambda: gallery


def _by_folder(names: Sequence[str]) -> list[tuple[str, str]] | None:
    """Of each picture its side, and its path without the side's folder; None where folders tell of no sides."""
    parts = [PurePosixPath(name).parts for name in names]
    for depth in range(min(map(len, parts)) - 1):
        found = [_FOLDER.fullmatch(path[depth]) for path in parts]
        sides = {match[2].lower() for match in found if match}
        if all(found) and sides == set(SIDES):
            return [_placed(path, depth, match) for path, match in zip(parts, found, strict=True) if match]
    return None


def _placed(path: tuple[str, ...], depth: int, match: re.Match[str]) -> tuple[str, str]:
    part = (match[1].lower(),) if match[1] else ()  # which "trainA" tells as a folder "train" does
    return match[2].lower(), "/".join((*path[:depth], *part, *path[depth + 1 :]))


def _below(gallery: Gallery, places: list[tuple[str, str]], side: str) -> Gallery:
    """One side of a gallery of both."""
    own = [index for index, (found, _) in enumerate(places) if found == side]
    names = [places[index][1] for index in own]
    read = files.read_folders(names)
    groups = None if read.groups is None else number_labels(read.groups)[0]
    return Gallery(names, lambda index: gallery.open(own[index]), groups=groups, held=read.held, notes=read.notes)


def _refuse_single(name: str, gallery: Gallery) -> None:
    """Pictures that are two side by side are wider than high; a collection in which none is, holds no pairs."""
    for index in range(min(LOOKED_AT, len(gallery.names))):
        try:
            with gallery.open(index) as image:
                seen = header(image)
        except Exception:  # Pillow's decoders raise anything on a broken file; others will tell
            continue
        if seen.width > seen.height:
            return
    raise SparringError(
        f"{name} holds pictures that are not two side by side, for they are not wider than high: give the two sides as "
        "--a and --b, as folders a and b in one, or as a .csv with the columns a and b."
    )


def _half(gallery: Gallery, right: int) -> Gallery:
    """The left or the right halves of pictures."""

    def open_half(index: int) -> Image.Image:
        with gallery.open(index) as image:
            whole = ImageOps.exif_transpose(image)
            width, height = whole.size
            if width % 2:
                raise ValueError(f"it is {width} pixels wide, which two pictures of the same width cannot be")
            half = whole.crop((right * width // 2, 0, width // 2 + right * width // 2, height))
        return half

    notes = (*gallery.notes, "Of each picture the left half was taken as A and the right half as B.")
    return Gallery(gallery.names, open_half, groups=gallery.groups, held=gallery.held, notes=notes)


def _table(path: Path) -> Sides:
    """A .csv with the columns a and b, of paths relative to it; groups and a split may come as in `files.table`."""
    header, lines, _ = files.read_csv(path)
    columns = [name.strip().lower() for name in header]
    if not set(SIDES) <= set(columns):
        raise SparringError(
            f"{path} has no columns a and b (its columns: {', '.join(header) or 'none'}): call the one with the "
            "pictures to start from a, and the one with those to make b."
        )
    whose = next((columns.index(name) for name in files.GROUP_COLUMNS if name in columns), None)
    part = columns.index(files.SPLIT_COLUMN) if files.SPLIT_COLUMN in columns else None
    places = [columns.index(side) for side in SIDES]
    used = [at for at in (*places, whose, part) if at is not None]
    files.check_lines(lines, len(header), used, path)
    groups = None if whose is None else number_labels([line[whose].strip() for line in lines])[0]
    held = None if part is None else files.held_out([line[part].strip() for line in lines], path)
    notes: tuple[str, ...] = () if whose is None else (f'The column "{header[whose]}" was taken as groups.',)
    if others := [name for at, name in enumerate(header) if at not in used]:
        notes += (f"Not used: the column{'s' * (len(others) > 1)} {', '.join(others)}.",)

    def side(at: int) -> Found:
        names = [line[at].strip() for line in lines]
        gallery = Gallery(
            names, lambda index: Image.open(path.parent / names[index]), notes=notes, groups=groups, held=held
        )
        identity = (stamp(path), *(stamp(path.parent / name) for name in names), ("side", header[at]))
        return Found(safe_name(path.stem), _giving(gallery), identity)

    a, b = map(side, places)
    return Sides(safe_name(path.stem), a, b, aligned=True)
