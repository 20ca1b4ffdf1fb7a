"""The tables of a dump as relations of a DuckDB connection."""

from collections.abc import Mapping

import duckdb

from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.ranges import Range
from openlib_assets.lake.dumps.steps import BEFORE
from openlib_assets.lake.transform import literal_path, quoted
from openlib_assets.storage import Storage


def addresses(storage: Storage, made: Made) -> list[str]:
    """Return where the parts of a table lie, as DuckDB reads them."""
    return [literal_path(storage.uri(path)) for path in made.paths()]


def rows_of(storage: Storage, made: Made, part: int | None = None) -> str:
    """Return the SQL for the rows of a table, in their order, or for those of one part."""
    wanted = slice(part, None if part is None else part + 1)
    files = ", ".join(map(quoted, addresses(storage, made)[wanted]))
    return f"read_parquet([{files}], hive_partitioning = false)"


def give(
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    name: str,
    made: Made,
    *,
    column: str = "",
    piece: Range | None = None,
) -> None:
    """Let a connection know a table by a name; of one that has the `column`, only the rows in a range of it."""
    rows = rows_of(storage, made)
    query = f"SELECT * FROM {rows}"  # noqa: S608 - quoted
    if piece:
        columns = connection.execute(f"DESCRIBE {query}").fetchall()
        if column in (told[0] for told in columns):
            query = f"{query} WHERE {piece.condition(column)}"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")


def give_tables(
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    reads: Mapping[str, Made | None],
    column: str = "",
    piece: Range | None = None,
) -> None:
    """Let a connection know tables by names, as `give` does each; None is one of the dump before, without rows."""
    for name, made in reads.items():
        if made:
            give(connection, storage, name, made, column=column, piece=piece)
        else:
            give_none(connection, name, name.removesuffix(BEFORE))


def give_none(connection: duckdb.DuckDBPyConnection, name: str, like: str) -> None:
    """Let a connection know a table without rows by a name, with the columns of another that it knows."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {like} LIMIT 0")  # noqa: S608 - a table's name
