"""A new run's database is the one that Dagster would have made."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import LAST_KNOWN_STAMPED_SQLITE_ALEMBIC_REVISION

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets.defs.instance.run_database import make_like

LINE = dg.EventLogEntry(None, 20, "a line", "run", 1.0)  # type: ignore[no-untyped-call]  # its __new__ is untyped


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[EventLogStorage]:
    log = EventLogStorage(str(tmp_path / "mine"))
    yield log
    log.dispose()


def contents(file: Path) -> list[str]:
    """Return all that a database holds: how it is kept, and the statements that make it and its rows."""
    with closing(sqlite3.connect(file)) as database:
        kept = [
            f"{name} = {database.execute(f'PRAGMA {name}').fetchone()[0]}"
            for name in ("journal_mode", "page_size", "encoding", "user_version", "auto_vacuum")
        ]
        return kept + sorted(database.iterdump())


def version(file: Path) -> list[Any]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT version_num FROM alembic_version").fetchall()


def test_it_is_the_same_as_dagsters_own(mine: EventLogStorage, tmp_path: Path) -> None:
    dagsters = SqliteEventLogStorage(str(tmp_path / "dagsters"))
    for log in (mine, dagsters):
        log.store_event(LINE)
    found = contents(tmp_path / "mine/run.db")
    assert found == contents(tmp_path / "dagsters/run.db")
    assert found[0] == "journal_mode = wal"
    for part, count in {"CREATE TABLE": 10, 'INTO "event_logs"': 1, 'INTO "alembic_version"': 1}.items():
        assert len([line for line in found if part in line]) == count


def test_it_is_made_without_dagsters_migrations(mine: EventLogStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("all migrations were read")

    monkeypatch.setattr("dagster._core.storage.event_log.sqlite.sqlite_event_log.check_alembic_revision", read)
    mine.store_event(LINE)
    assert [entry.user_message for entry in mine.get_logs_for_run("run")] == ["a line"]


def test_beside_an_index_of_an_earlier_dagster_it_is_migrated_with_it(mine: EventLogStorage, tmp_path: Path) -> None:
    head = version(tmp_path / "mine/index.db")
    with closing(sqlite3.connect(tmp_path / "mine/index.db")) as index, index:
        index.execute("UPDATE alembic_version SET version_num = ?", (LAST_KNOWN_STAMPED_SQLITE_ALEMBIC_REVISION,))
    mine.store_event(LINE)
    assert version(tmp_path / "mine/run.db") == [(LAST_KNOWN_STAMPED_SQLITE_ALEMBIC_REVISION,)]
    mine.upgrade()
    assert version(tmp_path / "mine/run.db") == version(tmp_path / "mine/index.db") == head
    assert [entry.user_message for entry in mine.get_logs_for_run("run")] == ["a line"]


def test_beside_an_index_that_says_no_version_dagster_makes_it(mine: EventLogStorage, tmp_path: Path) -> None:
    head = version(tmp_path / "mine/index.db")
    with closing(sqlite3.connect(tmp_path / "mine/index.db")) as index, index:
        index.execute("DELETE FROM alembic_version")
    mine.store_event(LINE)
    assert version(tmp_path / "mine/run.db") == head


def test_one_that_somebody_else_began_is_finished(mine: EventLogStorage, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mine/run.db")) as begun, begun:
        begun.execute("CREATE TABLE secondary_indexes (id INTEGER)")
    mine.store_event(LINE)
    assert version(tmp_path / "mine/run.db") == version(tmp_path / "mine/index.db")
    assert [entry.user_message for entry in mine.get_logs_for_run("run")] == ["a line"]


def test_one_that_cannot_be_made_like_the_index_is_left_empty_and_dagster_makes_it(
    mine: EventLogStorage, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "mine/index.db")) as index, index:
        index.create_collation("of_this_test", lambda one, other: (one > other) - (one < other))
        index.execute("CREATE TABLE elsewhere (x TEXT COLLATE of_this_test)")
        index.execute("CREATE INDEX impossible_here ON elsewhere (x)")
    with (
        sa.create_engine(f"sqlite:///{tmp_path}/mine/index.db").connect() as like,
        sa.create_engine(f"sqlite:///{tmp_path}/mine/run.db", poolclass=sa.NullPool).connect() as new,
    ):
        assert not make_like(like, new)
    assert not [line for line in contents(tmp_path / "mine/run.db") if "CREATE" in line]
    mine.store_event(LINE)
    assert version(tmp_path / "mine/run.db") == version(tmp_path / "mine/index.db")
    assert [entry.user_message for entry in mine.get_logs_for_run("run")] == ["a line"]
