from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparring.data import source
from sparring.data.tables.read import is_table, name, read
from sparring.errors import SparringError


@pytest.fixture
def frame() -> pd.DataFrame:
    """Every type that files keep."""
    return pd.DataFrame(
        {
            "whole": pd.array([1, None] * 6, dtype="Int64"),
            "small": np.arange(12, dtype="int8"),
            "real": [1.5, None, 2.0] * 4,
            "text": ["NA", "", "x"] * 4,
            "day": pd.to_datetime(["2024-01-02", "2024-01-03", None] * 4),
            "grade": pd.Categorical(["low", "high"] * 6, ["low", "high"], ordered=True),
        }
    )


@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_columnar_files_keep_every_type(ending: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    path = tmp_path / f"t.{ending}"
    getattr(frame, f"to_{ending}")(path)
    pd.testing.assert_frame_equal(read(path), frame)


def test_a_named_index_in_a_file_is_a_column(frame: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    frame.set_index("small").to_parquet(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet")["small"].tolist() == list(range(12))


@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_a_columnar_file_that_is_none(ending: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    (tmp_path / f"t.{ending}").write_bytes(b"PAR1 and nothing behind it")
    with pytest.raises(SparringError, match=rf"t\.{ending} cannot be read as {ending.title()}"):
        read(tmp_path / f"t.{ending}")


def test_packages_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    for package in ("pyarrow", "sqlalchemy"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SparringError, match=r"needs pyarrow: pip install 'sparring\[tables\]'"):
        read(tmp_path / "t.parquet")
    with pytest.raises(SparringError, match=r"needs SQLAlchemy: pip install 'sparring\[tables\]'"):
        read("sqlite:///t.db#t")


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("age,work\n39,State\n", True),
        ("name,label\na,1\n", True),
        ("file,size\nreport.txt,12\n", True),  # called like pictures, without any
        ("name,rooms,price,photo\nA,2,9,a.jpg\n", True),  # pictures beside much else
        ("", True),
        ("path,label\na.png,1\n", False),
        ("Image;label\na.PNG;1\n", False),
        ("path,label\n", False),
        ("name,label\na.png,1\n", False),  # a listing whose heading is mistyped
    ],
)
def test_which_csv_is_a_table(text: str, table: bool, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert is_table(tmp_path / "t.csv") is table
    assert is_table(str(tmp_path / "t.csv")) is table


def test_what_else_is_a_table() -> None:
    assert is_table(pd.DataFrame({"a": [1]}))
    assert is_table("sqlite:///shop.db#orders")
    assert is_table("t.PARQUET")
    assert not any(map(is_table, ["digits", "photos/", "t.npz", "t.csv.zip", np.zeros(3)]))


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("data/my adult (2).csv", "my-adult-2"),
        ("adult.csv.gz", "adult"),
        ("sqlite:///shop.db#orders", "orders"),
        ("sqlite:///data/shop.db#SELECT * FROM orders", "shop"),
        ("postgresql://me:secret@host/shop?a=b", "shop"),
        (pd.DataFrame(), "table"),
    ],
)
def test_names(given: object, called: str) -> None:
    assert name(given) == called


def test_the_front_door_finds_tables(tmp_path: Path) -> None:
    (tmp_path / "adult.csv").write_text("age,work\n39,State\n50,Private\n")
    found = source.find(tmp_path / "adult.csv")
    assert found.name == "adult"
    assert list(found.load()) == ["age", "work"]
    with pytest.raises(SparringError, match=r"did you mean .*adult\.csv"):
        source.find(tmp_path / "adlt.csv")
    with pytest.raises(SparringError, match="This data is a table, not pictures"):
        source.open_data(tmp_path / "adult.csv", size="32")
    with pytest.raises(SparringError, match="only a table's columns have kinds"):
        source.open_data("digits", kinds=["age=integer"])
    with pytest.raises(SparringError, match="Sparring downloads nothing"):
        source.open_data("https://host/adult.csv")


def test_finding_a_table_loads_no_pandas(tmp_path: Path) -> None:
    """So that `sparring train --help` and mistakes answer at once."""
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    code = f"import sys; from sparring.data import source; source.find({str(tmp_path / 't.csv')!r})"
    assert (
        subprocess.run([sys.executable, "-c", f"{code}; sys.exit('pandas' in sys.modules)"], check=False).returncode
        == 0
    )
