from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sparring.data.tables import sql
from sparring.data.tables.read import read
from sparring.errors import SparringError

pytest.importorskip("sqlalchemy", reason="pip install 'sparring[tables]'")


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """A database of two tables and a view."""
    base = sqlite3.connect(tmp_path / "shop.db")
    base.execute("CREATE TABLE orders (id INTEGER, amount INTEGER, paid REAL, city TEXT, day DATE)")
    rows = [(at, None if at == 3 else at * 2, at / 4, "NA", "2024-01-02") for at in range(12)]
    base.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)
    base.execute("CREATE TABLE people (name TEXT)")
    base.execute("CREATE VIEW paid AS SELECT id, paid FROM orders WHERE paid > 1")
    base.commit()
    base.close()
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.mark.parametrize("rows", [5, 50_000])
def test_a_table_keeps_its_types(rows: int, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "ROWS", rows)
    frame = read(f"{shop}#orders")
    assert [str(frame[name].dtype) for name in ("id", "amount", "paid")] == ["int64", "Int64", "float64"]
    assert frame["amount"].isna().tolist() == [at == 3 for at in range(12)]
    assert frame["city"].tolist() == ["NA"] * 12  # as text it means what it says
    assert frame["day"].tolist() == ["2024-01-02"] * 12  # pandas makes text of SQLite's dates


def test_views_and_queries(shop: str) -> None:
    assert len(read(f"{shop}#paid")) == 7
    assert read(f"{shop}# select id, city as place from orders where id < 5").shape == (5, 2)


def test_a_database_of_one_table_needs_no_name(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "one.db")
    base.execute("CREATE TABLE t AS SELECT 1 AS a")
    base.commit()
    base.close()
    assert read(f"sqlite:///{tmp_path / 'one.db'}").shape == (1, 1)


def test_mistakes(shop: str, tmp_path: Path) -> None:
    cases = {
        f"{shop}#ordres": "has no table ordres; perhaps you meant orders",
        shop: "has 3 tables: .*; there are orders, people, paid",
        f"{shop}#SELECT nope FROM orders": "does not answer this: no such column: nope",
        f"{shop}#SELECT id FROM orders WHERE id > 99": "no rows below the column names",
        f"sqlite:///{tmp_path}/no.db#t": r"There is no database .*no\.db",
        "base://t": "of no database that SQLAlchemy knows",
    }
    for source, message in cases.items():
        with pytest.raises(SparringError, match=message):
            read(source)
    assert not (tmp_path / "no.db").exists()


def test_a_password_is_never_shown() -> None:
    with pytest.raises(SparringError) as caught:
        read("nosuch://me:secret@host/shop#t")
    assert "secret" not in str(caught.value)
