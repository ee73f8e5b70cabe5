"""Rows and columns in text files: the encoding, the separator and broken lines are found first, then pandas reads."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sparring.data.tables import amounts, wording
from sparring.data.tables.amounts import CODE, NUMBER, cells
from sparring.data.tables.wording import Dialect, Wording
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
# What stands for a missing value everywhere. "None" does not: houses have "None" where they have no garage.
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "<NA>", "NULL", "null", "#N/A")
SAMPLE = 1 << 16  # bytes that the separator is found from
BLOCK = 1 << 20
NAMED = 3  # columns that a note names
HEAD = 10_000  # rows whose cells are looked at as they are written
BINARY = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")  # no text holds them
UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")


class Form(NamedTuple):
    """How a text file is written: its encoding, what stands between cells, its header, and how its numbers look."""

    encoding: str
    comma: str
    header: list[str]
    spaced: bool = False
    decimal: str = "."


def read(path: Path) -> pd.DataFrame:
    """A CSV or TSV, plain or .gz -> a frame with pandas' nullable types, for `check.plain` to go on with.

    The encoding (UTF-8, UTF-16 with its mark, else Windows-1252), the separator (comma, semicolon, tab, |) and
    decimal commas are found from the file. Empty cells and the words in MISSING are missing values. Text that holds
    numbers becomes such (see `amounts.read`). Numbers with a leading 0 or + are codes, which stay text.

    Beside the notes, `.attrs` has the file's "dialect" and, by the columns' names, their "wordings".

    Raises:
        SparringError: where it is no text, empty, has lines of other lengths than its header, or names twice.
    """
    import pandas as pd

    form, codes = _looked_through(path)
    try:
        frame = _load(
            path,
            form,
            dtype={form.header[at]: "string" for at in codes},
            na_values=list(MISSING),
            decimal=form.decimal,
            dtype_backend="numpy_nullable",
            low_memory=False,
        )
    except (pd.errors.ParserError, ValueError) as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        if match := UNCLOSED.search(reason):
            reason = f"a quote that opens in row {match[1]} is never closed"
        raise SparringError(f"{path} cannot be read as a table ({reason}): mend its quotes.") from error
    worded = _worded(frame, path, form)
    lost, told = _lost(frame, path, form)
    notes = [*_amounts(frame, worded, form.decimal), *told]
    for name, word in lost.items():
        if not worded.get(name, Wording()).lost:
            worded[name] = replace(worded.get(name, Wording()), lost=word)
    named = path.name.lower().removesuffix(".gz").endswith(".tsv")
    dialect = Dialect("," if named and form.comma == "\t" else form.comma, form.encoding)
    frame.attrs |= {"notes": tuple(notes), "wordings": worded, "dialect": dialect}
    return frame


def _load(path: Path, form: Form, **more: Any) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = pd.read_csv(
        path,
        sep=form.comma,
        encoding=form.encoding,
        names=form.header,
        header=0,
        index_col=False,
        keep_default_na=False,
        skipinitialspace=form.spaced,
        **more,
    )
    return frame


def _looked_through(path: Path) -> tuple[Form, set[int]]:
    """How the file is written, and its columns of codes; what is not UTF-8 is Windows-1252."""
    form, rows = _form(path)
    _check_header(form.header, rows, path)
    try:
        return form, _walk(path, form)
    except UnicodeDecodeError as error:
        if form.encoding != "utf-8":
            raise SparringError(f"{path} is no text in {form.encoding} ({error.reason}): save it as UTF-8.") from error
    form, _ = _form(path, "cp1252")
    try:
        return form, _walk(path, form)
    except UnicodeDecodeError as error:
        raise SparringError(f"{path} is text in neither UTF-8 nor Windows-1252: save it as UTF-8.") from error


def start(path: Path, most: int = 20) -> list[list[str]]:
    """The cells of the first lines, the header included; fewer where the file ends or is no text."""
    try:
        form, _ = _form(path)
        with _open(path, form.encoding, "replace") as file:
            return list(islice((line for line in csv.reader(file, delimiter=form.comma) if line), most))
    except (SparringError, csv.Error, OSError, EOFError):
        return []


def _open(path: Path, encoding: str, errors: str = "strict") -> io.TextIOWrapper:
    return io.TextIOWrapper(_raw(path), encoding=encoding, errors=errors, newline="")


def _raw(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _form(path: Path, encoding: str = "") -> tuple[Form, list[list[str]]]:
    """How the file is written, by its first 64 kB; and its lines in these, the header left out."""
    try:
        with _raw(path) as file:
            head = file.read(SAMPLE)
    except (OSError, EOFError) as error:
        raise SparringError(f"{path} cannot be read: {error}.") from error
    encoding = encoding or _encoding(head, path)
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise SparringError(f"{path} is empty: a table has a line with the columns' names, and rows below it.")
    lines = text.splitlines(keepends=True)
    whole = lines[:-1] if len(head) == SAMPLE and len(lines) > 1 else lines
    comma = max(SEPARATORS, key=lambda comma: _fit(whole, comma))
    rows = _cells(whole, comma)
    spaced = all(cell.startswith(" ") for row in rows[1:] for cell in row[1:]) and len(rows) > 1
    cells = [cell.strip() for row in rows[1:] for cell in row]
    commas = sum(map(bool, map(DECIMAL_COMMA.fullmatch, cells)))
    points = sum(map(bool, map(DECIMAL_POINT.fullmatch, cells)))
    header = [name.strip() or f"Unnamed: {at}" for at, name in enumerate(rows[0])]  # as pandas calls them
    return Form(encoding, comma, header, spaced, "," if comma != "," and commas > points else "."), rows[1:]


def _encoding(head: bytes, path: Path) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if trouble := BINARY.search(head):
        raise SparringError(
            f"{path} is no text (byte {trouble.start()} is {trouble[0][0]}): give a table as CSV in UTF-8, .parquet or "
            ".feather."
        )
    return "utf-8-sig" if head.startswith(b"\xef\xbb\xbf") else "utf-8"


def _cells(lines: list[str], comma: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=comma) if row]
    except csv.Error:
        return []


def _fit(lines: list[str], comma: str) -> tuple[bool, float, int]:
    """How well a separator suits: whether it parts the header, the share of lines as long as that, and its length."""
    rows = _cells(lines, comma)
    width = len(rows[0]) if rows else 0
    return width > 1, sum(len(row) == width for row in rows) / max(1, len(rows)), width


def _check_header(names: list[str], rows: list[list[str]], path: Path) -> None:
    """Refuse equal names, and a first line of data: its numbers do not count up, or its texts come again below it."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SparringError(f'{path} has several columns called "{twice}": call each otherwise.')
    numbers = [float(name) for name in names if NUMBER.fullmatch(name)]
    below = [{cell.strip() for cell in cells} for cells in zip(*rows, strict=False)]
    again = sum(name in cells for name, cells in zip(names, below, strict=False) if not NUMBER.fullmatch(name))
    repeats = 2 * again >= max(1, len(names) - len(numbers)) and again + len(numbers) > 1
    if rows and (repeats or any(then <= first for first, then in pairwise(numbers))):
        raise SparringError(
            f'The first line of {path} holds values ("{", ".join(names[:4])}"): put a line with the columns\' names '
            "above it."
        )


def _walk(path: Path, form: Form) -> set[int]:
    """Read the file once, in blocks. -> the columns of codes: whole numbers with a leading 0 or +

    Raises:
        SparringError: for a line of another length than the header, and for a header without lines.
    """
    codes: set[int] = set()
    count, width = -1, len(form.header)
    with _open(path, form.encoding) as file:
        reader = csv.reader(_scanned(file, form, codes), delimiter=form.comma, skipinitialspace=form.spaced)
        try:
            for row in reader:
                if len(row) != width and row:
                    raise SparringError(
                        f"Line {reader.line_num} of {path} has {cells(len(row))} where the header has {width}: "
                        f"{_advice(len(row) > width, form.comma)}"
                    )
                count += bool(row)
        except csv.Error as error:
            raise SparringError(
                f"Line {reader.line_num} of {path} cannot be read ({error}): mend its quotes."
            ) from error
    if count < 1:
        raise SparringError(f"{path} has a header and no rows below it: a table has at least one row.")
    return codes


def _scanned(file: io.TextIOWrapper, form: Form, codes: set[int]) -> Iterator[str]:
    """The lines as they come, while `codes` gets the columns of codes that are seen in them."""
    parts = re.escape(form.comma)
    code = r'"?\s*(?:0|\+)\d+\s*"?'
    pattern = re.compile(rf"(?:^|{parts})\s*{code}\s*(?={parts}|\s*$)", re.MULTILINE)
    while lines := file.readlines(BLOCK):
        if pattern.search("".join(lines)):
            hits = islice(filter(pattern.search, lines), 100)
            for row in csv.reader(hits, delimiter=form.comma, skipinitialspace=form.spaced):
                if len(row) == len(form.header):
                    codes.update(at for at, cell in enumerate(row) if CODE.fullmatch(cell.strip()))
        yield from lines


def _advice(longer: bool, comma: str) -> str:
    spelt = {",": "comma", ";": "semicolon", "\t": "tab"}.get(comma, comma)
    return f"put quotes around cells that hold a {spelt}." if longer else "every line needs as many."


def _worded(frame: pd.DataFrame, path: Path, form: Form) -> dict[str, Wording]:
    """How numbers and true and false are spelt in the first rows, by the columns' names."""
    names = [name for name in frame if frame[name].dtype.kind in "iufb"]
    head = _load(path, form, usecols=names, nrows=HEAD, dtype=str) if names else frame[[]]
    found = {}
    for name in names:
        texts = [text.strip() for text in head[name].unique().tolist()]
        texts = [text for text in texts if text not in MISSING]
        kind = frame[name].dtype.kind
        if kind == "b":
            how = wording.of_truth(texts)
        elif texts:
            how = wording.of_numbers(texts, form.decimal, whole=kind in "iu")
        else:
            how = Wording(point=form.decimal)
        found[name] = how if wording.holds(how, frame[name]) else Wording(point=form.decimal)
    return found


def _lost(frame: pd.DataFrame, path: Path, form: Form) -> tuple[dict[str, str], list[str]]:
    """The one word that all missing values of a column are written as, if any, by names; and what to say of words."""
    names = [name for name in frame if frame[name].isna().any()]
    cells_ = _load(path, form, usecols=names, dtype=str) if names else frame[[]]
    lost: dict[str, str] = {}
    seen: dict[str, list[str]] = {}
    for name in names:
        counts = cells_[name][frame[name].isna()].value_counts()
        for word, count in counts.items():
            if word:
                seen.setdefault(str(word), []).append(f"{cells(int(count))} of {name}")
        if len(counts) == 1:
            lost[name] = str(counts.index[0])
    return lost, [f'"{word}" counted as missing: in {_listed(where)}.' for word, where in seen.items()]


def _listed(where: list[str]) -> str:
    more = [f"{len(where) - NAMED:,} more columns"] if len(where) > NAMED else []
    return ", ".join([*where[:NAMED], *more])


def _amounts(frame: pd.DataFrame, worded: dict[str, Wording], decimal: str) -> list[str]:
    """Turn the text of a frame's columns into the numbers that it holds; -> what to say of it."""
    notes: list[str] = []
    for name in frame.columns:
        if frame[name].dtype == "string" and (found := amounts.read(name, frame[name], decimal)):
            frame[name], worded[name] = found.values, found.wording
            notes += found.notes
    return notes
