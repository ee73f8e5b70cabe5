"""What a text file holds is spelt as it was: read, encoded, decoded and written again, cell by cell."""

from __future__ import annotations

import gzip
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables import codec, kinds, types, wishes
from sparring.data.tables.dataset import table
from sparring.data.tables.doctor import examine
from sparring.data.tables.field import Field
from sparring.data.tables.read import read
from sparring.data.tables.wording import Wording, of_numbers, spelt
from sparring.data.tables.write import write
from sparring.errors import SparringError

COUNT = 60


def there_and_back(text: str, path: Path, encoding: str = "utf-8", out: str = "out.csv") -> bytes:
    """A text file as a data set, and the rows of that as a text file."""
    path.write_bytes(text.encode(encoding))
    frame = read(path)
    data = table("t", frame, [f"{name}=categorical" for name in ("key",) if name in frame])
    rows = types.restore(codec.decode(data.spec.fields, data.rows), data.spec.fields)
    write([rows], str(path.parent / out), data.spec.fields, type(data.spec).from_dict(data.spec.to_dict()).dialect)
    return (path.parent / out).read_bytes()


def drawn() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 90, COUNT)


@pytest.mark.parametrize(
    "cells",
    [
        ["TRUE", "FALSE"] * 30,
        ["true", "false"] * 30,
        ["True", "False"] * 30,
        ["TRUE", "FALSE", ""] * 20,
        [f"{value:.6f}" for value in drawn() - 45],
        ["3.30", "2.25", "0.10"] * 20,
        ["0", "1.5", "12.7"] * 20,
        ["0", "1.5", "12.0"] * 20,
        ["7", "", "8"] * 20,
        ["1.106e+01", "7.642e-04", "3.401E-02".lower()] * 20,
        ["1.106E+01", "7.642E-04", "3.401E-02"] * 20,
        ['"80,02"', '"-1,50"', '"7,00"'] * 20,
        ['"1,234"', "7", '"1,234,567"'] * 20,
        ['"1,234.50"', "7.00", '"-1,234,567.25"'] * 20,
        ["5", "NA", "6"] * 20,
        ["5.5", "null", "6.5"] * 20,
        ["5", "?", "6"] * 20,
        ["x", "N/A", "y"] * 20,
        ["TRUE", "NA", "FALSE"] * 20,
    ],
)
def test_cells_come_back_as_they_were_spelt(cells: list[str], tmp_path: Path) -> None:
    """Of few values, which are learnt one by one, or with decimals that leave nothing open."""
    text = "a,b\n" + "".join(f"{cell},{'xy'[at % 2]}\n" for at, cell in enumerate(cells))
    back = there_and_back(text, tmp_path / "t.csv").decode().splitlines()
    plain = [line.rpartition(",")[0] for line in back[1:]]
    if len(set(cells)) < 20:
        assert plain == cells
    else:
        assert all(len(cell.partition(".")[2]) == 6 for cell in plain)


@pytest.mark.parametrize(
    ("texts", "style", "digits"),
    [
        (["3", "4.5"], "short", 0),
        (["3.0", "4.5"], "", 0),
        (["3.00", "4.50"], "f", 2),
        (["1.1e-12", "2.25"], "g", 3),
        (["0.123456789012345678"], "", 0),
        (["3.0", "4"], "", 0),  # no one wording
    ],
)
def test_the_plainest_wording_that_fits_all(texts: list[str], style: str, digits: int) -> None:
    found = of_numbers(texts, whole=False)
    assert (found.style, found.digits) == (style, digits)


def test_digits_that_only_later_rows_have_are_kept(tmp_path: Path) -> None:
    """Only the first rows are looked at, and all must fit what is found there."""
    (tmp_path / "t.csv").write_text("a\n" + "3.30\n" * 10_001 + "3.456\n")
    assert read(tmp_path / "t.csv").attrs["wordings"]["a"] == Wording()
    (tmp_path / "e.csv").write_text("a\n" + "3.30e+00\n" * 10_001 + "3.4567e+00\n")
    assert read(tmp_path / "e.csv").attrs["wordings"]["a"] == Wording()


@pytest.mark.parametrize("comma", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_separator_and_the_encoding_come_back(comma: str, encoding: str, tmp_path: Path) -> None:
    text = f"näme{comma}n\n" + f"Jürgen{comma}1\nZoë{comma}2\n" * 20
    assert there_and_back(text, tmp_path / "t.csv", encoding).decode(encoding) == text


def test_decimal_commas_come_back_beside_semicolons(tmp_path: Path) -> None:
    text = "a;b;c\n" + "1,50;x;1.234,5\n-2,25;y;7,5\n" * 20
    assert there_and_back(text, tmp_path / "t.csv").decode() == text


def test_what_is_called_tsv_has_tabs_and_what_came_from_one_none(tmp_path: Path) -> None:
    text = "a\tb\n" + "1\tx\n2\ty\n" * 20
    assert there_and_back(text, tmp_path / "t.tsv", out="out.tsv").decode() == text
    assert gzip.decompress(there_and_back(text, tmp_path / "t.tsv", out="out.tsv.gz")).decode() == text
    assert there_and_back(text, tmp_path / "t.tsv").decode() == text.replace("\t", ",")


def test_an_encoding_that_cannot_hold_a_name_is_a_sentence(tmp_path: Path) -> None:
    from sparring.data.tables.wording import Dialect

    with pytest.raises(SparringError, match="cp1252, as the data is in, cannot hold these rows"):
        write([pd.DataFrame({"日本": [1]})], str(tmp_path / "out.csv"), dialect=Dialect(encoding="cp1252"))
    assert not list(tmp_path.iterdir())


def test_words_that_stand_for_missing_values_are_told_and_several_give_empty_cells(tmp_path: Path) -> None:
    text = "a,b,c,d,e\n" + "NA,NA,,NA,NA\nnull,5,NA,6,7\n1,2,3,4,5\n" * 20
    back = there_and_back(text, tmp_path / "t.csv").decode().splitlines()
    assert back[1:4] == [",NA,,NA,NA", ",5,,6,7", "1,2,3,4,5"]
    assert examine(tmp_path / "t.csv").notes == (
        '"NA" counted as missing: in 20 cells of a, 20 cells of b, 20 cells of c, 2 more columns.',
        '"null" counted as missing: in 20 cells of a.',
    )


AMOUNTS = {
    "$3,316.03": lambda value: f"${value * 100:,.2f}",
    "-$3.50": lambda value: f"${value:.2f}" if value > 20 else f"-${value:.2f}",
    "$-3.50": lambda value: f"${value - 20:.2f}",
    "9.0%": lambda value: f"{value:.1f}%",
    "94 days": lambda value: f"{value:.0f} days",
    "€5": lambda value: f"€{value:.0f}",
    "1.234,5 €": lambda value: f"{value * 100:,.1f} €".translate(str.maketrans(",.", ".,")),
    "CHF 12.50": lambda value: f"CHF {value:.2f}",
    "5kg": lambda value: f"{value:.0f}kg",
    "12.5 km/h": lambda value: f"{value:.1f} km/h",
    "30:05:09": lambda value: f"{value:.0f}:05:09",
    "05:05:09.250": lambda value: f"{value + 1:02.0f}:05:09.250",
}


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("source", ["file", "frame"])
def test_amounts_and_durations_are_learnt_as_numbers(name: str, source: str, tmp_path: Path) -> None:
    cells = [AMOUNTS[name](value) for value in drawn()]
    frame = pd.DataFrame({"a": cells, "b": ["x", "y"] * (COUNT // 2)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    got = read(tmp_path / "t.csv" if source == "file" else frame)
    assert got["a"].dtype.kind in "iuf"
    assert any("numbers, which are written as" in note or "durations" in note for note in got.attrs["notes"])
    fields = codec.fit(got, kinds.infer(got))
    assert fields[0].kind in ("continuous", "integer")
    again = [Field.from_dict(asdict(field)) for field in fields]
    assert again == list(fields)
    assert spelt(got["a"], fields[0].wording).tolist() == cells
    rows = types.restore(codec.decode(fields, codec.encode(fields, got)), fields)
    assert rows["a"].dtype == frame["a"].dtype
    inner = rows["a"].str.replace(r"\d+", "", regex=True)
    assert set(inner) <= set(frame["a"].str.replace(r"\d+", "", regex=True))


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        ("$3,316.03", "$1,000.50", 1000.5),
        ("$3,316.03", "1000.5", 1000.5),
        ("-$3.50", "-$2.25", -2.25),
        ("94 days", "30 days", 30),
        ("1.234,5 €", "1.234,5 €", 1234.5),
        ("30:05:09", "30:00:10", 108010),
    ],
)
def test_a_condition_may_be_worded_as_the_data(name: str, word: str, value: float) -> None:
    frame = read(pd.DataFrame({"a": [AMOUNTS[name](value) for value in drawn()]}))
    fields = codec.fit(frame, kinds.infer(frame))
    assert wishes.read(fields, f"a>={word}")[0].number == value


@pytest.mark.parametrize(
    "cells",
    [
        [f"user{at}" for at in range(COUNT)],  # an identifier
        [f"00{at} km" for at in range(COUNT)],  # codes
        [f"{at} {'day' if at == 1 else 'days'}" for at in range(COUNT)],
        [f"{at % 24:02}:{at:02}:00" for at in range(COUNT)],  # times of the day
        [f"{at}:{at}" for at in range(COUNT)],
        ["10%", "20%", "30%"] * (COUNT // 3),  # few, which are learnt as they are
        [f"{at} Feb 2022" for at in range(1, 29)],
        [str(10115 + at) for at in range(COUNT)],  # in a frame text on purpose
    ],
)
def test_what_is_no_amount_stays_text(cells: list[str]) -> None:
    assert read(pd.DataFrame({"a": cells}))["a"].tolist() == cells


def test_a_dash_amid_amounts_is_missing(tmp_path: Path) -> None:
    cells = [f"${value:.2f}" for value in drawn()]
    (tmp_path / "t.csv").write_text("a\n" + "\n".join([*cells, "-"]) + "\n")
    frame = read(tmp_path / "t.csv")
    assert frame["a"].isna().sum() == 1
    assert frame.attrs["wordings"]["a"].lost == "-"
