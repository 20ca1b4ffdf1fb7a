"""A server for all tests, and a database of its own for each."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.database.connecting import Target
from openlib_assets.lake.warehouse import versions
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets_tests.conftest import read_table
from openlib_assets_tests.tools.postgres import Postgres, connect, postgres_server

_numbers = itertools.count()


@dataclass(frozen=True)
class Database:
    """A database; `variables` are libpq's, of who owns the server."""

    variables: Mapping[str, str]

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """Return its URL, for the owner of the server or somebody else."""
        user, password = user or self.variables["PGUSER"], password or self.variables["PGPASSWORD"]
        place = f"{self.variables['PGHOST']}:{self.variables['PGPORT']}"
        return f"postgresql://{user}:{password}@{place}/{self.variables['PGDATABASE']}"

    def target(self, schema: str = "openlib") -> Target:
        """Return it as what to load into."""
        return Target(self.url(), schema)

    def ask(self, query: str, values: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query, read by another driver than the project's."""
        with closing(connect(self.variables)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def tell(self, *statements: str) -> None:
        """Execute statements, each by itself."""
        with closing(connect(self.variables)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Database:
    """An empty database; roles belong to the server, and those of the project are not there yet."""
    name = f"books_{next(_numbers)}"
    server = Database(postgres.variables)
    for (database,) in server.ask("SELECT datname FROM pg_database WHERE datname LIKE 'books%'"):
        server.tell(f"DROP DATABASE {database} WITH (FORCE)")
    for (role,) in server.ask("SELECT rolname FROM pg_roles WHERE rolname LIKE 'openlib%' OR rolname = 'loader'"):
        server.tell(f"DROP ROLE {role}")
    server.tell(f"CREATE DATABASE {name}")
    return Database({**postgres.variables, "PGDATABASE": name})


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """A storage without a warehouse."""
    return LocalStorage(tmp_path / "root")


def assert_same_as_files(database: Database, storage: Storage, schema: str = "openlib") -> None:
    """Compare each table of the current version, cell by cell, with its Parquet file, read by other means."""
    version = versions.existing(storage)
    for table in WAREHOUSE_TABLES:
        columns = [column.name for column in table.columns]
        wanted = read_table(storage, version.file(table.name)).to_pylist()
        found = database.ask(f"SELECT {', '.join(columns)} FROM {schema}.{table.name}")  # noqa: S608 - of the contract
        assert sorted(map(_text, found)) == sorted(_text(tuple(row[name] for name in columns)) for row in wanted)


def _text(row: tuple[Any, ...]) -> str:
    """Return a row as text, whatever kind of UTC its times are in."""
    return repr([value.timestamp() if isinstance(value, datetime) else value for value in row])
