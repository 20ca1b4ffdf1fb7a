"""The warehouse in databases: how long a load into PostgreSQL takes, against COPY by hand of the same rows as CSV.

By hand, the files are there already, and go into the same tables, whose keys and indexes are made after the rows.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.tools.figures import Baseline, Figure, Target
from openlib_assets.lake.contract import WAREHOUSE_TABLES, Table
from openlib_assets.lake.database import schema
from openlib_assets.lake.database.connecting import Target as Database
from openlib_assets.lake.database.duckdb_file import write_file
from openlib_assets.lake.database.loading import load
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.postgres import Postgres, connect, postgres_server
from openlib_assets_tests.tools.warehouses import publish

# Ten works are about a hundred rows, in all tables together.
_SUBJECTS, _WORKS = 10, 10_000


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure a first load, one of a subject that changed, and the DuckDB file, for subjects of so many works."""
    with tempfile.TemporaryDirectory() as name, postgres_server(safe=True) as server:
        folder = Path(name)
        storage = LocalStorage(folder / "root")
        subjects = {f"subject_{number}": (works, 1) for number in range(_SUBJECTS)}
        version = publish(storage, subjects)
        written = _seconds(lambda: write_file(storage))
        _write_csv(storage, version, folder)
        by_hand = _seconds(lambda: _copy(server, folder))
        variables = server.variables
        place = f"{variables['PGHOST']}:{variables['PGPORT']}/{variables['PGDATABASE']}"
        target = Database(f"postgresql://{variables['PGUSER']}:{variables['PGPASSWORD']}@{place}", "openlib")
        loaded = _seconds(lambda: load(storage, target))
        publish(storage, {**subjects, "subject_0": (works, 2)})
        changed = _seconds(lambda: load(storage, target))
    rows = f"{sum(version.rows.values()):,} rows"
    return [
        Figure(f"{rows} into PostgreSQL, with keys, indexes and comments", loaded, "s", Target("<", 30)),
        Figure(
            f"{rows} into PostgreSQL, against COPY by hand",
            loaded,
            "s",
            Target("<=", 2, of_ratio=True),
            Baseline("COPY of the same rows as CSV, with the same keys and indexes", by_hand),
        ),
        Figure(f"{rows} in PostgreSQL, one of {_SUBJECTS} subjects changed", changed, "s"),
        Figure(f"{rows} into a DuckDB file, with keys, indexes and comments", written, "s"),
    ]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _write_csv(storage: LocalStorage, version: Version, folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in WAREHOUSE_TABLES:
            columns = ", ".join(
                f"{_as_array(column.name)} AS {column.name}" if column.type == pa.list_(pa.string()) else column.name
                for column in table.columns
            )
            rows = f"SELECT {columns} FROM '{storage.uri(version.file(table.name))}'"  # noqa: S608 - of here
            connection.execute(f"COPY ({rows}) TO '{_csv(folder, table)}' (FORMAT csv, HEADER false)")


def _as_array(column: str) -> str:
    """Return the SQL for a list as PostgreSQL writes it in CSV."""
    quoted = """coalesce('"' || replace(replace(item, '\\', '\\\\'), '"', '\\"') || '"', 'NULL')"""
    return f"'{{' || array_to_string(list_transform({column}, lambda item: {quoted}), ',') || '}}'"


def _csv(folder: Path, table: Table) -> Path:
    return folder / f"{table.name}.csv"


def _copy(server: Postgres, folder: Path) -> None:
    """Load the CSV files as somebody would by hand."""
    with _cursor(server) as execute:
        execute("CREATE SCHEMA by_hand")
        execute("SET search_path = by_hand")
        for table in WAREHOUSE_TABLES:
            execute(f"CREATE TABLE {table.name} ({schema.typed_columns(schema.POSTGRES, table)})")
            execute(f"COPY {table.name} FROM STDIN (FORMAT csv)", _csv(folder, table))
            execute(f"ALTER TABLE {table.name} ADD {schema.primary_key(table)}")
        for table in WAREHOUSE_TABLES:
            for constraint in schema.foreign_keys(table):
                execute(f"ALTER TABLE {table.name} ADD {constraint}")
            for statement in schema.indexes(schema.POSTGRES, table):
                execute(statement)
        execute("ANALYZE")


@contextmanager
def _cursor(server: Postgres) -> Iterator[Callable[..., None]]:
    """Lend a function that executes a statement, which may read from a file, in one transaction."""
    with closing(connect(server.variables)) as connection, connection.cursor() as cursor:

        def execute(statement: str, file: Path | None = None) -> None:
            if file:
                with file.open("rb") as opened:
                    cursor.copy_expert(statement, opened, 1 << 20)
            else:
                cursor.execute(statement)

        yield execute
        connection.commit()
