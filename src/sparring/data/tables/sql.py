"""A table or a query of a database, by SQLAlchemy: URL#TABLE or URL#SELECT ..."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparring.config import nearest
from sparring.errors import SparringError

if TYPE_CHECKING:
    import pandas as pd

QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
ROWS = 50_000  # fetched at a time


def read(source: str) -> pd.DataFrame:
    """The rows of `sqlite:///shop.db#orders` or `postgresql://me@host/shop#SELECT * FROM orders WHERE paid`.

    What stands after the first # is a table's or a view's name, or a query that begins with SELECT or WITH; it may be
    left out where the database has one table. Nothing is written: no transaction is committed.

    Raises:
        SparringError: without SQLAlchemy or the database's driver, for a database that cannot be reached, and for a
            table that it does not have, which names those it has.
    """
    try:
        import sqlalchemy
    except ImportError:
        raise SparringError("Reading a database needs SQLAlchemy: pip install 'sparring[tables]'.") from None
    import pandas as pd

    address, _, asked = source.partition("#")
    engine, where = _engine(address)
    try:
        return _fetched(engine, asked.strip(), where)
    except (sqlalchemy.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
        cause = error.__cause__ if isinstance(error, pd.errors.DatabaseError) else error
        reason = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        raise SparringError(f"{where} does not answer this: {reason}.") from None
    finally:
        engine.dispose()


def _engine(address: str) -> tuple[Any, str]:
    """What talks to the database, and its address without the password."""
    import sqlalchemy

    where = address
    try:
        url = sqlalchemy.make_url(address)
        where = url.render_as_string(hide_password=True)
        _refuse_missing_file(url)
        return sqlalchemy.create_engine(url), where
    except sqlalchemy.exc.NoSuchModuleError:
        raise SparringError(f"{where} is of no database that SQLAlchemy knows: it begins as sqlite:///.") from None
    except sqlalchemy.exc.ArgumentError:
        raise SparringError(
            "This is no address of a database: give one as sqlite:///shop.db#orders or "
            "postgresql://user@host/shop#orders."
        ) from None
    except ImportError as error:
        raise SparringError(f"{where} needs the database's driver ({error}): install it with pip.") from None


def _refuse_missing_file(url: Any) -> None:
    """SQLite would make an empty database where there is none."""
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        file = url.database
        if not file.startswith("file:") and not Path(file).is_file():
            raise SparringError(f"There is no database {file} here: sqlite:/// is followed by the file's path.")


def _fetched(engine: Any, asked: str, where: str) -> pd.DataFrame:
    import pandas as pd
    import sqlalchemy

    with engine.connect() as connection:
        if QUERY.match(asked):
            query: Any = sqlalchemy.text(asked)
        else:
            query = _all_of(connection, asked, where)
        # With types that bear missing values, so that whole numbers stay whole.
        parts = list(pd.read_sql_query(query, connection, chunksize=ROWS, dtype_backend="numpy_nullable"))
    return pd.concat(parts, ignore_index=True)


def _all_of(connection: Any, asked: str, where: str) -> Any:
    import sqlalchemy

    inspector = sqlalchemy.inspect(connection)
    names = [*inspector.get_table_names(), *inspector.get_view_names()]
    if not names:
        raise SparringError(f"{where} has no tables.")
    if not asked:
        if len(names) > 1:
            raise SparringError(f"{where} has {len(names)} tables: give one as {where}#{names[0]}{nearest('', names)}")
        asked = names[0]
    schema, _, name = asked.rpartition(".")
    if asked in names:
        return sqlalchemy.select(sqlalchemy.Table(asked, sqlalchemy.MetaData(), autoload_with=connection))
    if schema and name in inspector.get_table_names(schema) + inspector.get_view_names(schema):
        table = sqlalchemy.Table(name, sqlalchemy.MetaData(), schema=schema, autoload_with=connection)
        return sqlalchemy.select(table)
    raise SparringError(f"{where} has no table {asked}{nearest(asked, names)}")
