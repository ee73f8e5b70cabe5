"""The door for tables: a file, a database or a data frame becomes a frame of plain types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.data import files
from sparring.data.gallery import safe_name
from sparring.data.tables import check, sql, text
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
COLUMNAR = {".parquet": "Parquet", ".pq": "Parquet", ".feather": "Feather", ".arrow": "Feather"}
LISTING = 3  # columns: a CSV that names pictures without saying so has no more


def is_table(source: Any) -> bool:
    """Whether a source is a table: a data frame, a database's URL, or a file with a table's ending.

    A .csv is a table unless it lists pictures: a column is called path, image or the like and holds names of pictures.
    One that seems to list them under another heading is left to `files.table`, whose message tells the headings.
    """
    if isinstance(source, str | Path):
        return "://" in str(source) or _ending(source) in COLUMNAR or (_ending(source) in TEXT and not _lists(source))
    return hasattr(source, "columns") and hasattr(source, "iloc")


def read(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read a table as `check.check` describes it; what the reader did is told in `.attrs["notes"]`.

    Args:
        source: a .csv or .tsv, plain or .gz (see `text.read`); a .parquet or .feather file; URL#TABLE or URL#SELECT ...
            of a database (see `sql.read`); or a data frame, of which the index is left out.

    Raises:
        SparringError: for what is not there or cannot be read, and for values that cannot be learnt.
    """
    if not isinstance(source, str | Path):
        return check.check(source, "the data frame")
    if str(source).startswith(("http://", "https://", "ftp://", "s3://", "gs://")):
        raise SparringError(f"Sparring downloads nothing: save {source} to a file and give that.")
    if "://" in str(source):
        return check.check(sql.read(str(source)), "the table", kinds={})
    path = Path(source).expanduser()
    if not path.is_file():
        raise SparringError(f"There is no table {source} here.")
    if _ending(path) in COLUMNAR:
        frame, kinds = _columnar(path)
        return check.check(frame, str(path), kinds=kinds)
    frame = text.read(path)
    plain = check.check(frame, str(path), frame.attrs["notes"], kinds={}, wordings=frame.attrs["wordings"])
    plain.attrs["dialect"] = frame.attrs["dialect"]
    return plain


def name(source: Any) -> str:
    """A short name for folders and titles: the file's, the table's, or "table"."""
    if not isinstance(source, str | Path):
        return "table"
    if "://" in str(source):
        address, _, asked = str(source).partition("#")
        if asked and not sql.QUERY.match(asked):
            return safe_name(asked)
        return safe_name(Path(address.partition("?")[0]).stem)
    return safe_name(Path(source).name[: -len(_ending(source)) or None])


def _ending(source: str | Path) -> str:
    endings = [ending.lower() for ending in Path(source).suffixes]
    return "".join(endings[-2:]) if endings[-1:] == [".gz"] else "".join(endings[-1:])


def _lists(source: str | Path) -> bool:
    """Whether a .csv lists pictures, by its first lines."""
    path = Path(source).expanduser()
    if _ending(path) != ".csv" or not path.is_file():
        return False
    header, *lines = text.start(path) or [[]]
    columns = list(zip(*lines, strict=False)) if lines else []
    named = [head.strip().lower() in files.PATH_COLUMNS for head in header]
    if not columns:
        return any(named)
    pictures = [all(Path(cell.strip()).suffix.lower() in files.ENDINGS for cell in cells) for cells in columns]
    some = [any(Path(cell.strip()).suffix.lower() in files.ENDINGS for cell in cells) for cells in columns]
    return any(a and b for a, b in zip(named, some, strict=False)) or (any(pictures) and len(header) <= LISTING)


def _columnar(path: Path) -> tuple[pd.DataFrame, dict[Any, Any]]:
    """A Parquet or Feather file, a named index as a column. -> (the frame, the types that its writer's had)

    It is read into types that bear missing values, so that whole numbers stay whole.
    """
    kind = COLUMNAR[_ending(path)]
    try:
        import pandas as pd
        from pyarrow import ipc, parquet
    except ImportError:
        raise SparringError(f"Reading {kind} needs pyarrow: pip install 'sparring[tables]'.") from None
    load = pd.read_parquet if kind == "Parquet" else pd.read_feather
    try:
        frame = load(path, dtype_backend="numpy_nullable")
        schema = parquet.read_schema(path) if kind == "Parquet" else ipc.open_file(path).schema
        usual = schema.empty_table().to_pandas()
    except (OSError, ValueError, NotImplementedError, RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise SparringError(f"{path} cannot be read as {kind} ({reason}): write it anew.") from error
    frame, usual = (part.reset_index(drop=part.index.name is None) for part in (frame, usual))
    return frame, usual.dtypes.to_dict()
