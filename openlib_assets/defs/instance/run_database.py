"""A new run's database, made like the index, which Dagster prepared.

Dagster keeps the same tables in both, and prepares each by reading all its migrations, which takes a twentieth of a
small run. A run that starts before `dagster instance migrate` gets the tables and the version of the index, and is
migrated with it.
"""

import sqlalchemy as sa


def is_prepared(database: sa.Connection) -> bool:
    """Tell whether a database says which version of Dagster's tables it has."""
    return sa.inspect(database).has_table("alembic_version") and bool(_versions(database))


def make_like(index: sa.Connection, database: sa.Connection) -> bool:
    """Make an empty database like the index, at once; tell whether that was possible, else nothing is done.

    It is not where somebody else is at it, or where the index says no version.
    """
    if not is_prepared(index) or _tables_and_indexes(database):
        return False
    try:
        database.exec_driver_sql("PRAGMA journal_mode = WAL")
        database.exec_driver_sql("BEGIN IMMEDIATE")
        for statement in _tables_and_indexes(index):
            database.exec_driver_sql(statement)
        for version in _versions(index):
            database.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (version,))
        database.commit()
    except sa.exc.OperationalError:
        database.rollback()
        return False
    return True


def _tables_and_indexes(database: sa.Connection) -> list[str]:
    """Return the statements that make them; SQLite's own tables, and indexes that are part of a table, have none."""
    made = database.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite^_%' ESCAPE '^' "
        "AND type IN ('table', 'index') ORDER BY type = 'index', rowid"
    )
    return list(made.scalars())


def _versions(database: sa.Connection) -> list[str]:
    return list(database.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())
