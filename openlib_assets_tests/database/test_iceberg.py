"""A catalogue of Iceberg tables in PostgreSQL: registered, read back, told of without passwords, and known to Spark."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.iceberg.catalogue import NAME, IcebergError, Place
from openlib_assets.lake.iceberg.record import registered
from openlib_assets.lake.iceberg.registering import register_warehouse
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import read_table
from openlib_assets_tests.database.conftest import Database
from openlib_assets_tests.database.test_secrets import PLAIN, SECRET
from openlib_assets_tests.docs.markdown import TABLE_FORMATS, blocks
from openlib_assets_tests.lake.iceberg.conftest import Tables
from openlib_assets_tests.tools.ports import free_port
from openlib_assets_tests.tools.warehouses import publish

pytestmark = pytest.mark.database

FIRST = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def tables(database: Database, storage: LocalStorage) -> Tables:
    """A warehouse, and a catalogue whose password is in its URL."""
    database.tell(f"CREATE ROLE loader LOGIN SUPERUSER PASSWORD '{PLAIN}'")
    publish(storage, {"tea": (30, 1)}, FIRST)
    return Tables(storage, Place(database.url("loader", SECRET), "openlib"))


def test_last_month_is_there_and_no_password_is_in_what_is_written_or_said(
    tables: Tables, database: Database, tmp_path: Path
) -> None:
    storage = tables.storage
    last_month = register_warehouse(storage, tables.place).name
    publish(storage, {"tea": (40, 2)}, FIRST + timedelta(days=31))
    current = register_warehouse(storage, tables.place).name
    for name in (last_month, current):
        wanted = read_table(storage, f"warehouse/{name}/works/part-0.parquet")
        assert tables.rows("works", name).to_pylist() == wanted.to_pylist()
    assert len(database.ask("SELECT * FROM iceberg_tables")) == len(WAREHOUSE_TABLES)

    found = registered(storage)
    assert found
    host, port, name = (database.variables[f"PG{part}"] for part in ("HOST", "PORT", "DATABASE"))
    assert found.catalogue == tables.place.address == f"postgresql://{host}:{port}/{name}, namespace openlib"
    for secret in (PLAIN, SECRET):
        assert [file for file in tmp_path.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()] == []
        assert secret not in repr(tables.place)
    with pytest.raises(IcebergError, match='password authentication failed for user "loader"') as refused:
        register_warehouse(storage, Place(database.url("loader", f"{SECRET}x"), "openlib"))
    assert "\n" not in str(refused.value)
    assert PLAIN not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_address_is_read_as_libpq_reads_it(tables: Tables, database: Database) -> None:
    place = f"{database.variables['PGHOST']}:{database.variables['PGPORT']}"
    one_of_two = tables.place.url.replace(place, f"{database.variables['PGHOST']}:{free_port()},{place}")
    register_warehouse(tables.storage, Place(one_of_two, "openlib"))
    assert len(database.ask("SELECT * FROM iceberg_tables")) == len(WAREHOUSE_TABLES)


def test_what_the_docs_tell_spark_is_what_the_catalogue_has(tables: Tables, database: Database) -> None:
    register_warehouse(tables.storage, tables.place)
    (block,) = blocks(TABLE_FORMATS, "properties")
    settings = dict(re.split(r"\s+", line, maxsplit=1) for line in block.text.splitlines())
    (own,) = (name for name, value in settings.items() if value.endswith(".SparkCatalog"))
    catalogue = own.removeprefix("spark.sql.catalog.")
    # Iceberg's JDBC catalogue looks for tables by the name of the Spark catalogue, in these columns.
    # https://github.com/apache/iceberg/blob/main/core/src/main/java/org/apache/iceberg/jdbc/JdbcUtil.java
    assert catalogue == NAME
    assert (settings[f"{own}.type"], settings[f"{own}.jdbc.schema-version"]) == ("jdbc", "V1")
    rows = database.ask(
        "SELECT catalog_name, table_namespace, table_name, metadata_location, iceberg_type FROM iceberg_tables"
    )
    assert {(row[0], row[1], row[4]) for row in rows} == {(catalogue, "openlib", "TABLE")}
    assert {row[2] for row in rows} == {table.name for table in WAREHOUSE_TABLES}
    assert all(Path(row[3]).is_file() for row in rows)
    columns = database.ask(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'iceberg_namespace_properties'"
    )
    assert {name for (name,) in columns} == {"catalog_name", "namespace", "property_key", "property_value"}
