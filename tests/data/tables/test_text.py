from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from sparring.data.tables.read import read
from sparring.errors import SparringError


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("comma", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_the_separator_and_the_encoding_are_found(comma: str, encoding: str, tmp_path: Path) -> None:
    lines = [comma.join(line) for line in (["näme", "n"], ["Jürgen", "1"], [f'"a{comma}b"', "2"])]
    frame = read(written(tmp_path / "t.csv", "\n".join(lines), encoding))
    assert frame["näme"].tolist() == ["Jürgen", f"a{comma}b"]
    assert frame["n"].tolist() == [1, 2]


def test_a_letter_beyond_the_part_that_is_looked_at(tmp_path: Path) -> None:
    """The encoding is found from the whole file, not from its head."""
    frame = read(written(tmp_path / "t.csv", "name,n\n" + "x,1\n" * 40_000 + "Jürgen,2\n", "latin-1"))
    assert frame["name"].iloc[-1] == "Jürgen"


def test_a_packed_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\n2,y\n"))
    assert read(tmp_path / "t.csv.gz")["b"].tolist() == ["x", "y"]
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\n2,y\n")[:20])
    with pytest.raises(SparringError, match=r"cut\.csv\.gz cannot be read"):
        read(tmp_path / "cut.csv.gz")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a;b\n1,5;x\n-2,25;y\n", [1.5, -2.25]),
        ("a;b\n1.5;x\n-2.25;y\n", [1.5, -2.25]),  # many files with semicolons have points all the same
        ("a\tb\n1,5\tx\n-2,25\ty\n", [1.5, -2.25]),
        ('a,b\n1.5,"2,5"\n-2.25,"3,5"\n', [1.5, -2.25]),
    ],
)
def test_decimal_commas(text: str, values: list[float], tmp_path: Path) -> None:
    assert read(written(tmp_path / "t.csv", text))["a"].tolist() == values


def test_types_are_kept_where_values_are_missing(tmp_path: Path) -> None:
    text = "whole,exact,real,flag,text,none\n1,9007199254740993,1.0,True,x,\n,,2.5,,,\n3,5,,False,None,\n"
    frame = read(written(tmp_path / "t.csv", text))
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert [kinds[name] for name in ("whole", "real", "flag")] == ["Int64", "float64", "boolean"]
    assert frame["exact"].iloc[0] == 2**53 + 1  # a float would not hold it
    assert frame["text"].isna().tolist() == [False, True, False]  # None is a value, as of a house without a garage
    assert frame["none"].isna().all()
    full = read(written(tmp_path / "f.csv", "whole,real,flag\n1,1.0,True\n2,2.0,False\n"))
    assert [str(kind) for kind in full.dtypes] == ["int64", "float64", "bool"]


def test_text_has_the_type_that_pandas_gives_to_text(tmp_path: Path) -> None:
    assert read(written(tmp_path / "t.csv", "a\nx\ny\n"))["a"].dtype == pd.Series(["x", "y"]).dtype


@pytest.mark.parametrize("late", [False, True])
def test_codes_with_leading_zeros_stay_text(late: bool, tmp_path: Path) -> None:
    before = "90210,5,0\n" * (200_000 if late else 1)
    frame = read(written(tmp_path / "t.csv", f"zip,amount,flag\n{before}01234,7,1\n+4930123,8,0\n"))
    assert frame["zip"].tolist()[-3:] == ["90210", "01234", "+4930123"]
    assert [str(frame[name].dtype) for name in ("amount", "flag")] == ["int64", "int64"]


def test_a_question_mark_is_missing_amid_numbers_and_a_value_amid_text(tmp_path: Path) -> None:
    """Adult's workclass has it as a ninth category, which comes back as it was."""
    frame = read(written(tmp_path / "t.csv", "age,work,zip\n39,?,01\n?,State,?\n17,?,02\n"))
    assert frame["age"].isna().tolist() == [False, True, False]
    assert str(frame["age"].dtype) == "Int64"
    assert frame["work"].tolist() == ["?", "State", "?"]
    assert frame["zip"].tolist() == ["01", "?", "02"]
    assert frame.attrs["notes"] == ('In the column age, 1 cell with "?" counted as missing.',)


@pytest.mark.parametrize(
    ("cells", "values", "note"),
    [
        (['"1,234"', "7", '"1,234,567.5"'], [1234, 7, 1234567.5], '"," stands between thousands'),
        (['"1,5"', "7", '"-2,25"'], [1.5, 7, -2.25], '"," stands before decimals'),
        (['"1,234"', "?", "7"], [1234, None, 7], '"?" counted as missing'),
        (['"1,234"', '"1,5"', "x"], ["1,234", "1,5", "x"], ""),
        (["123456789012345678901234", "7"], ["123456789012345678901234", "7"], ""),
        (['"12,34,5"', "7", "8"], ["12,34,5", "7", "8"], ""),
    ],
)
def test_signs_between_digits(cells: list[str], values: list[object], note: str, tmp_path: Path) -> None:
    frame = read(written(tmp_path / "t.csv", "\n".join(["a,b", *(f"{cell},x" for cell in cells)])))
    assert frame["a"].astype(object).where(frame["a"].notna(), None).tolist() == values
    assert note in " ".join(frame.attrs["notes"])


def test_thousands_by_points_where_decimals_have_commas(tmp_path: Path) -> None:
    frame = read(written(tmp_path / "t.csv", "a;b\n1.234,5;1,5\n7;2,5\n12.345.678;0,5\n"))
    assert frame["a"].tolist() == [1234.5, 7, 12345678]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends(end: str, tmp_path: Path) -> None:
    frame = read(written(tmp_path / "t.csv", end.join(["a,zip", "1,01234", "2,00007", ""])))
    assert frame["zip"].tolist() == ["01234", "00007"]
    assert frame["a"].tolist() == [1, 2]


def test_spaces_behind_the_separator_are_no_part_of_the_cells(tmp_path: Path) -> None:
    """Adult's own file is written so."""
    frame = read(written(tmp_path / "t.csv", 'age, work, note\n39, State-gov, "a, b"\n50, Private, c\n'))
    assert frame["work"].tolist() == ["State-gov", "Private"]
    assert frame["note"].tolist() == ["a, b", "c"]


def test_row_numbers_and_empty_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    frame = read(written(tmp_path / "t.csv", ",a,\n0,x,\n1,y,\n"))
    assert list(frame.columns) == ["a"]
    assert len(frame.attrs["notes"]) == 2
    with pytest.raises(SparringError, match=r'Column 1 of .* has no name \(its first value is "7"\)'):
        read(written(tmp_path / "u.csv", ",a\n7,x\n9,y\n"))


def test_quotes_may_hold_line_breaks(tmp_path: Path) -> None:
    frame = read(written(tmp_path / "t.csv", 'a,b\n"x\ny, ""z""",1\nw,2\n\n'))
    assert frame["a"].tolist() == ['x\ny, "z"', "w"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: a table has a line with the columns' names"),
        ("\n \n", "is empty"),
        ("a,b\n", "has a header and no rows below it"),
        ("a,b,a\n1,2,3\n", 'has several columns called "a"'),
        ("a,b\n1,2\n3,4,5\n6,7\n", "Line 3 of .* has 3 cells where the header has 2: put quotes around cells"),
        ("a,b\n1,2\n3,4\n5\n", "Line 4 of .* has 1 cell where the header has 2: every line needs as many"),
        ('a,b\n"x\ny",2\n3,4,5\n6,7\n', "Line 4 of .* has 3 cells"),  # a cell of two lines before it
        ('a,b\n1,2\n3,"x\n', "cannot be read as a table .*: mend its quotes"),
        ("39,State,77\n50,Private,83\n38,State,99\n", "The first line of .* holds values"),
        ("a\n\x00\x01\x02\n", r"is no text \(byte 2 is 0\)"),
        ("PK\x03\x04", "is no text"),
    ],
)
def test_files_that_are_no_tables(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SparringError, match=message):
        read(written(tmp_path / "t.csv", text))


@pytest.mark.parametrize("head", ["land,1990,1991", "land,a,B", "land,0,1"])
def test_good_names(head: str, tmp_path: Path) -> None:
    assert list(read(written(tmp_path / "t.csv", f"{head}\nA,1,B\nB,3,C\n")).columns) == head.split(",")
