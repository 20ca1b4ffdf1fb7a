"""Plain SQL on a connection of SQLAlchemy's to SQLite, in the transaction that is under way there."""

import sqlite3
from typing import Any, cast

import sqlalchemy as sa


def ask(database: sa.Connection, statement: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
    """Run a statement by SQLite's own driver; raises its errors, which are those that SQLAlchemy wraps.

    SQLAlchemy describes the columns of each result and keeps a context for each statement, which takes longer than
    SQLite takes for statements as short as those of an event log.
    """
    return cast("sqlite3.Connection", database.connection.driver_connection).execute(statement, parameters)
