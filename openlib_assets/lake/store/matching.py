"""The books of the store among works: which work each is, or may be, in DuckDB.

The same SQL serves the works of one subject, for its stocking list, and those of all, for `store_matches`.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.catalog import ask, by_name
from openlib_assets.lake.contract import AUTHOR_BOOKS, AUTHORS, BOOKS, STORE_CATALOGUE, STORE_MATCHES, WORK_ISBNS
from openlib_assets.lake.table_files import TableFile, open_table
from openlib_assets.lake.transform import Built, read_rows, run_checks, sql_text
from openlib_assets.storage import Storage

# What sql/helpers/store_side.sql makes of the store's catalogue, and that itself.
_STORE_SIDE = (STORE_CATALOGUE.name, "store_titles", "store_persons", "store_blocks")
# The tables of the subjects that the store's books are looked for in.
_ASKED = (BOOKS, AUTHORS, AUTHOR_BOOKS, WORK_ISBNS)
_preparing = threading.Lock()
Found = TypeVar("Found")

_OF_A_SUBJECT = """
CREATE OR REPLACE TEMP VIEW match_works AS SELECT work_key, title, edition_count FROM books;
CREATE OR REPLACE TEMP VIEW match_authors AS
SELECT author_books.work_key, authors.author_name FROM author_books JOIN authors USING (author_key);
CREATE OR REPLACE TEMP VIEW match_isbns AS SELECT work_key, isbn13 FROM work_isbns;
"""

_NOTHING_IN_STORE = """
CREATE TEMP TABLE works_in_store (work_key VARCHAR, row BIGINT, decision VARCHAR, units_sold BIGINT)
"""

# A work of several subjects counts once, with what the fetch that saw most editions tells.
_OF_ALL_SUBJECTS = """
CREATE OR REPLACE TEMP VIEW match_works AS
SELECT work_key, title, edition_count
FROM books
QUALIFY row_number() OVER (PARTITION BY work_key ORDER BY edition_count DESC NULLS LAST, subject) = 1;
CREATE OR REPLACE TEMP VIEW match_authors AS
SELECT DISTINCT author_books.work_key, authors.author_name FROM author_books JOIN authors USING (subject, author_key);
CREATE OR REPLACE TEMP VIEW match_isbns AS SELECT DISTINCT work_key, isbn13 FROM work_isbns;
"""


def find_in_store(connection: duckdb.DuckDBPyConnection, catalogue: TableFile | None) -> None:
    """Let a connection that knows the tables of a subject know `works_in_store`.

    The tables are `books`, `authors`, `author_books` and `work_isbns`. One row of `works_in_store` is a work and a row
    of the store that it is, or may be: `work_key`, `row`, `decision` (`yes` or `review`), `units_sold`. It has no rows
    without a catalogue.
    """
    if catalogue is None:
        connection.execute(_NOTHING_IN_STORE)
        return
    connection.execute(_OF_A_SUBJECT)
    _match(connection, catalogue)
    connection.execute(sql_text("helpers/works_in_store"))


def find_in_all_subjects(storage: Storage, use: Callable[[Built], Found]) -> tuple[Found, list[str]]:
    """Return what is made of `store_matches` over the works of all subjects, and a line for each file left out.

    Raises CheckFailedError, CatalogError where a table cannot be read, and TableFileError without a catalogue.
    """
    path = layout.shared_table_file(STORE_CATALOGUE.layer, STORE_CATALOGUE.name)
    remedy = "make it by materializing store_catalogue, or with: openlib run SUBJECT"
    with open_table(storage, path, remedy=remedy) as catalogue:

        def found(connection: duckdb.DuckDBPyConnection) -> Found:
            connection.execute(_OF_ALL_SUBJECTS)
            _match(connection, catalogue)
            ((rows,),) = connection.execute(f"SELECT count(*) FROM {STORE_MATCHES.name}").fetchall()  # noqa: S608
            return use(Built(STORE_MATCHES, run_checks(connection, STORE_MATCHES), rows, connection))

        return ask(storage, by_name(_ASKED), found)


def _match(connection: duckdb.DuckDBPyConnection, catalogue: TableFile) -> None:
    """Let a connection that knows the works to match know `store_matches`, and what that is made from."""
    _know_store(connection, catalogue)
    connection.execute(sql_text("helpers/store_candidates"))
    connection.execute(f"CREATE TEMP TABLE {STORE_MATCHES.name} AS {sql_text(STORE_MATCHES.sql)}")


def _know_store(connection: duckdb.DuckDBPyConnection, catalogue: TableFile) -> None:
    """Let a connection know the store's side, which is made once in each DuckDB of this process for a catalogue."""
    schema = f"store_{catalogue.digest[:16]}"
    with _preparing:
        made = f"SELECT count(*) FROM duckdb_tables() WHERE schema_name = '{schema}'"  # noqa: S608 - of hexadecimal digits
        if connection.execute(made).fetchall() != [(len(_STORE_SIDE),)]:
            _prepare(connection, catalogue, schema)
    for name in _STORE_SIDE:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {schema}.{name}")


def _prepare(connection: duckdb.DuckDBPyConnection, catalogue: TableFile, schema: str) -> None:
    connection.execute(sql_text("helpers/store_keys"))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {STORE_CATALOGUE.name} AS {read_rows(catalogue)}")
    connection.execute(sql_text("helpers/store_side"))
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name in _STORE_SIDE:
        connection.execute(f"CREATE OR REPLACE TABLE {schema}.{name} AS FROM temp.{name}")
    for name in _STORE_SIDE[1:]:
        connection.execute(f"DROP TABLE temp.{name}")
