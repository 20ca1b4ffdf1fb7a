"""Brings PostgreSQL to the current version of the warehouse, in one transaction: readers see all of it or nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from openlib_assets.lake.catalog.querying import prepared
from openlib_assets.lake.catalog.views import WORKS_MERGED
from openlib_assets.lake.contract import SCHEMA_VERSION, WAREHOUSE_TABLES, Table
from openlib_assets.lake.database import rights, schema
from openlib_assets.lake.database.connecting import Session, Target, connected
from openlib_assets.lake.database.differences import all_rows, changed_rows, differences, gone_keys
from openlib_assets.lake.duckdb_storage import interruptibly
from openlib_assets.lake.transform import connected as duckdb_connected
from openlib_assets.lake.transform import quoted
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage

_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.2

_TABLES = [
    f"{table.name} ({schema.typed_columns(schema.POSTGRES, table)}, {schema.primary_key(table)})"
    for table in WAREHOUSE_TABLES
]
_FOREIGN_KEYS = [
    f"ALTER TABLE {table.name} ADD {constraint}"
    for table in WAREHOUSE_TABLES
    for constraint in schema.foreign_keys(table)
]
_INDEXES = [statement for table in WAREHOUSE_TABLES for statement in schema.indexes(schema.POSTGRES, table)]
_LOAD_COLUMNS = (
    "version text NOT NULL, identity text NOT NULL, schema_version bigint NOT NULL, shape text NOT NULL, "
    "around text NOT NULL, loaded_at timestamptz NOT NULL"
)
# What rows lie in, without which none can be kept; and what can be made anew around them.
_SHAPE = schema.fingerprint([*_TABLES, *_FOREIGN_KEYS])
_AROUND = schema.fingerprint([*_INDEXES, schema.merged_view(), *schema.comments()])


@dataclass(frozen=True)
class Loaded:
    """What became of a load: how many rows of each table were sent, and how many were removed.

    `notes`: a line for what was left, since this user may not do it.
    """

    version: Version
    state: Literal["loaded", "changed", "unchanged"]
    sent: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class _Held:
    """What a database holds: of which version, and how it was made."""

    version: str
    identity: str
    schema_version: int
    shape: str
    around: str


def load(storage: Storage, target: Target) -> Loaded:
    """Bring the database to the current version of the warehouse; loads at the same time follow each other.

    Sends the rows that differ from those of the version that it holds; raises DatabaseError, and WarehouseError where
    there is no warehouse yet.
    """
    with connected(target) as session, duckdb_connected({}) as connection:
        _wait_for_turn(session)
        version = versions.existing(storage)
        prepared(connection, storage)

        def bring() -> tuple[Loaded, Sequence[str]]:
            session.execute(f"SET LOCAL lock_timeout = '{_PATIENCE_SECONDS:.0f}s'")
            notes = rights.prepare(session)
            loaded = _bring(session, connection, storage, version)
            rights.grant(session)
            return loaded, notes

        # A statement of the driver's takes Ctrl-C for itself, and keeps other signals waiting until it ends.
        loaded, notes = interruptibly(connection, bring, session.cancel)
    versions.set_loaded(storage, versions.Loaded(version.name, target.address))
    return Loaded(version, loaded.state, loaded.sent, loaded.removed, notes)


def is_loaded(storage: Storage, target: Target) -> bool:
    """Tell, without asking the database, whether the current version was loaded into it."""
    version = versions.current(storage)
    return version is not None and versions.loaded(storage) == versions.Loaded(version.name, target.address)


def held_version(target: Target) -> str | None:
    """Return the name of the version that the database holds, None without one; raises DatabaseError."""
    with connected(target) as session:
        held = _held(session)
    return held.version if held else None


def _wait_for_turn(session: Session) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Asked again and again, since whoever waits within a statement cannot be interrupted.
    while session.row(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('openlib ' || $1, 0))", session.target.schema
    ) != (True,):
        if time.monotonic() > deadline:
            raise session.target.error("another load has been at work for ten minutes; run again when it is done")
        time.sleep(_POLL_SECONDS)


def _bring(session: Session, connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version) -> Loaded:
    held = _held(session)
    if held and held.schema_version > SCHEMA_VERSION:
        raise session.target.error(
            f"loaded by a later release, with schema version {held.schema_version}, and this one has {SCHEMA_VERSION}; "
            "upgrade, or name another schema in OPENLIB_DATABASE_SCHEMA"
        )
    if held is None or held.shape != _SHAPE:
        if held is None:
            _refuse_tables_of_others(session)
        else:
            session.execute(f"DROP VIEW IF EXISTS {WORKS_MERGED}")
            # Another release may not have had all of them.
            session.execute(f"DROP TABLE IF EXISTS {', '.join(schema.TABLE_NAMES)}")
        loaded = _first_load(session, connection, storage, version)
    else:
        if held.around != _AROUND:
            _make_around(session)
        if held.identity == _identity(version):
            if held.around != _AROUND:
                _remember(session, version)
            return Loaded(version, "unchanged")
        before = versions.find(storage, held.version)
        if before and _identity(before) == held.identity and versions.is_whole(storage, before):
            loaded = _change(session, connection, storage, before, version)
        else:
            loaded = _compare_there(session, connection, storage, version)
    _remember(session, version)
    return loaded


def _first_load(session: Session, connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version) -> Loaded:
    """Make tables and fill them; keys and indexes come after the rows, which is faster."""
    session.execute("SET LOCAL maintenance_work_mem = '256MB'")
    sent = {}
    for table in WAREHOUSE_TABLES:
        session.execute(f"CREATE TABLE {table.name} ({schema.typed_columns(schema.POSTGRES, table)})")
        rows = all_rows(connection, storage, table, version)
        sent[table.name] = session.cursor.adbc_ingest(
            table.name, rows, mode="append", db_schema_name=session.target.schema
        )
        session.execute(f"ALTER TABLE {table.name} ADD {schema.primary_key(table)}")
    for statement in _FOREIGN_KEYS:
        session.execute(statement)
    _make_around(session)
    session.execute(f"ANALYZE {', '.join(schema.TABLE_NAMES)}")
    return Loaded(version, "loaded", sent)


def _change(
    session: Session,
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    before: Version,
    version: Version,
) -> Loaded:
    """Send what differs between two versions."""
    found = [differences(connection, storage, table, before, version) for table in WAREHOUSE_TABLES]
    sent = {one.table.name: one.changed for one in found if one.changed}
    removed = {one.table.name: one.gone for one in found if one.gone}
    # What is referred to comes before what refers to it, and goes after it.
    for one in found:
        if one.changed:
            _stage(session, "incoming", one.table, [column.name for column in one.table.columns])
            session.cursor.adbc_ingest(
                f"incoming_{one.table.name}", changed_rows(connection, one.table), mode="append", temporary=True
            )
            session.execute(_merge(one.table))
    for one in reversed(found):
        if one.gone:
            _stage(session, "gone", one.table, one.table.key)
            session.cursor.adbc_ingest(
                f"gone_{one.table.name}", gone_keys(connection, one.table), mode="append", temporary=True
            )
            session.execute(f"ANALYZE gone_{one.table.name}")
            fits = _same_key(one.table, f"gone_{one.table.name}")
            session.execute(f"DELETE FROM {one.table.name} USING gone_{one.table.name} WHERE {fits}")  # noqa: S608
    return Loaded(version, "changed", sent, removed)


def _compare_there(
    session: Session, connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version
) -> Loaded:
    """Send all rows and let the database find what differs, where the files of what it holds are gone."""
    sent, removed = {}, {}
    for table in WAREHOUSE_TABLES:
        _stage(session, "incoming", table, [column.name for column in table.columns])
        rows = all_rows(connection, storage, table, version)
        sent[table.name] = session.cursor.adbc_ingest(f"incoming_{table.name}", rows, mode="append", temporary=True)
        session.execute(f"ANALYZE incoming_{table.name}")
        session.execute(_merge(table))
    for table in reversed(WAREHOUSE_TABLES):
        fits = _same_key(table, f"incoming_{table.name}")
        session.execute(
            f"DELETE FROM {table.name} WHERE NOT EXISTS (SELECT FROM incoming_{table.name} WHERE {fits})"  # noqa: S608
        )
        if session.cursor.rowcount > 0:
            removed[table.name] = session.cursor.rowcount
    return Loaded(version, "changed", sent, removed)


def _stage(session: Session, what: str, table: Table, columns: Sequence[str]) -> None:
    """Create a temporary table that rows of a table, or their keys, are sent into."""
    name, listed = f"{what}_{table.name}", ", ".join(columns)
    session.execute(
        f"CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {listed} FROM {table.name} WITH NO DATA"  # noqa: S608
    )


def _merge(table: Table) -> str:
    """Return the statement that puts staged rows into a table; a row that is as it was is not touched."""
    others = [column.name for column in table.columns if column.name not in table.key]
    listed = ", ".join(column.name for column in table.columns)
    there = ", ".join(f"{table.name}.{name}" for name in others)
    staged = ", ".join(f"excluded.{name}" for name in others)
    replaced = f"UPDATE SET ({', '.join(others)}) = ROW ({staged}) WHERE ({there}) IS DISTINCT FROM ({staged})"
    return (
        f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM incoming_{table.name} "  # noqa: S608 - of the contract
        f"ON CONFLICT ({', '.join(table.key)}) DO {replaced if others else 'NOTHING'}"
    )


def _same_key(table: Table, other: str) -> str:
    return " AND ".join(f"{table.name}.{column} = {other}.{column}" for column in table.key)


def _make_around(session: Session) -> None:
    """Make indexes, view and comments as they are now."""
    for statement in (
        *_INDEXES,
        f"DROP VIEW IF EXISTS {WORKS_MERGED}",
        schema.merged_view(),
        f"CREATE TABLE IF NOT EXISTS {schema.LOAD} ({_LOAD_COLUMNS})",
        *schema.comments(),
    ):
        session.execute(statement)


def _refuse_tables_of_others(session: Session) -> None:
    found = session.rows(
        "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = $1 AND relname = ANY (string_to_array($2, ' ')) ORDER BY relname",
        session.target.schema,
        " ".join(schema.ALL_NAMES),
    )
    if found:
        raise session.target.error(
            f"has tables of others by names of the warehouse ({', '.join(name for (name,) in found)}); "
            "name another schema in OPENLIB_DATABASE_SCHEMA"
        )


def _held(session: Session) -> _Held | None:
    name = f'"{session.target.schema}".{schema.LOAD}'
    if session.row("SELECT to_regclass($1) IS NULL", name) == (True,):
        return None
    rows = session.rows(f"SELECT version, identity, schema_version, shape, around FROM {name}")  # noqa: S608 - a setting
    return _Held(*rows[0]) if rows else None


def _remember(session: Session, version: Version) -> None:
    session.execute(f"DELETE FROM {schema.LOAD}")  # noqa: S608 - of here
    session.execute(
        f"INSERT INTO {schema.LOAD} "  # noqa: S608 - quoted
        f"VALUES ({quoted(version.name)}, '{_identity(version)}', {SCHEMA_VERSION}, '{_SHAPE}', '{_AROUND}', now())"
    )


def _identity(version: Version) -> str:
    return schema.fingerprint([version.name, *(version.digests[table.name] for table in WAREHOUSE_TABLES)])
