"""Tables into files, part by part: what is read back is what was written, and a failure leaves the old file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparring.data.tables.write import check, write
from sparring.errors import SparringError


def parts() -> list[pd.DataFrame]:
    whole = pd.DataFrame(
        {
            "n": pd.array([1, None, 3, 4], dtype="Int64"),
            "x": [0.5, np.nan, 1.25, 2.0],
            "t": pd.Series([None, None, "a,b", 'say "c"'], dtype=object),
            "d": pd.to_datetime(["2020-01-01", None, "2020-01-03", "2020-01-04"]),
            "c": pd.Categorical(["a", "b", "a", None], categories=["a", "b", "z"]),
        }
    )
    return [whole.iloc[:2], whole.iloc[2:].reset_index(drop=True)]


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
def test_types_come_back(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'sparring[tables]'")
    path = tmp_path / f"deep/rows{ending}"
    write(parts(), str(path))
    back = pd.read_parquet(path) if ending == ".parquet" else pd.read_feather(path)
    whole = pd.concat(parts(), ignore_index=True)
    assert back.pop("t").tolist()[2:] == whole.pop("t").tolist()[2:]
    pd.testing.assert_frame_equal(back, whole, check_dtype=False)
    assert back.dtypes[["n", "x", "c"]].to_dict() == whole.dtypes[["n", "x", "c"]].to_dict()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_text_has_one_header(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows{ending}"
    write(parts(), str(path))
    back = pd.read_csv(path)
    assert list(back) == ["n", "x", "t", "d", "c"]
    assert back.t.tolist()[2:] == ["a,b", 'say "c"']
    assert back.t.isna().sum() == 2
    assert len(back) == 4


def test_a_dash_prints(capsys: pytest.CaptureFixture[str]) -> None:
    write(parts(), "-")
    assert capsys.readouterr().out.splitlines()[0] == "n,x,t,d,c"


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("old")

    def broken() -> Iterator[pd.DataFrame]:
        yield parts()[0]
        raise SparringError("no more")

    with pytest.raises(SparringError, match="no more"):
        write(broken(), str(path))
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(SparringError, match=r"rows\.xlsx: name it \.csv"):
        check("rows.xlsx")
