"""Loads into PostgreSQL: what arrives, what is sent, who waits for whom, and what is there when one dies."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.contract.model import Reference
from openlib_assets.lake.contract.warehouse import WORKS
from openlib_assets.lake.database.connecting import DatabaseError
from openlib_assets.lake.database.loading import held_version, is_loaded, load
from openlib_assets.lake.table_files import write_table
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import read_table
from openlib_assets_tests.database.conftest import Database, assert_same_as_files
from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, running, wait_until
from openlib_assets_tests.tools.postgres import Postgres, connect
from openlib_assets_tests.tools.warehouses import publish

pytestmark = pytest.mark.database

SUBJECTS = {"tea": (300, 1), "coffee": (200, 1), "cocoa": (100, 1)}
JOIN = """
    SELECT (SELECT count(*) FROM openlib.works), count(*), count(works.work_key), count(authors.author_key),
           count(subjects.subject), min(works.want_to_read / 1000), max(works.want_to_read / 1000)
    FROM openlib.work_authors
    LEFT JOIN openlib.works USING (work_key)
    LEFT JOIN openlib.authors USING (author_key)
    LEFT JOIN openlib.subjects ON subjects.subject = works.fetched_for
"""


def told(reference: Reference) -> str:
    """Return how PostgreSQL says what is referred to."""
    key = ", ".join(reference.table.key)
    return f"FOREIGN KEY ({', '.join(reference.columns)}) REFERENCES openlib.{reference.table.name}({key})"


def test_all_rows_arrive_with_types_keys_indexes_and_comments(database: Database, storage: LocalStorage) -> None:
    version = publish(storage, SUBJECTS)
    loaded = load(storage, database.target())
    assert (loaded.state, loaded.sent) == ("loaded", version.rows)
    assert is_loaded(storage, database.target())
    assert_same_as_files(database, storage)
    constraints = database.ask(
        "SELECT contype::text, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'openlib'::regnamespace AND contype <> 'n'"
    )
    assert sorted(constraints) == sorted(
        [("p", f"openlib.{table.name}", f"PRIMARY KEY ({', '.join(table.key)})") for table in WAREHOUSE_TABLES]
        + [
            ("f", f"openlib.{table.name}", told(reference))
            for table in WAREHOUSE_TABLES
            for reference in table.references
        ]
    )
    comments = database.ask(
        "SELECT relname, attname, col_description(attrelid, attnum) FROM pg_attribute JOIN pg_class ON oid = attrelid "
        "WHERE relnamespace = 'openlib'::regnamespace AND relkind = 'r' AND attnum > 0 AND relname <> 'openlib_load'"
    )
    assert sorted(comments) == sorted(
        (table.name, column.name, column.description) for table in WAREHOUSE_TABLES for column in table.columns
    )
    ((plan,),) = database.ask(
        "SET enable_seqscan = off; EXPLAIN (FORMAT JSON) SELECT title FROM openlib.works WHERE isbn13 = '978'"
    )
    assert "works_isbn13_idx" in str(plan)
    assert len(database.ask("SELECT FROM openlib.works_merged")) == version.rows["works"]


def test_what_is_unchanged_is_not_sent(database: Database, storage: LocalStorage) -> None:
    publish(storage, SUBJECTS)
    load(storage, database.target())
    written = database.ask("SELECT xmin::text, ctid::text, loaded_at FROM openlib.openlib_load")
    again = load(storage, database.target())
    assert (again.state, again.sent, again.removed) == ("unchanged", {}, {})
    assert database.ask("SELECT xmin::text, ctid::text, loaded_at FROM openlib.openlib_load") == written


def test_of_a_change_only_the_changed_subject_is_sent(database: Database, storage: LocalStorage) -> None:
    publish(storage, SUBJECTS)
    load(storage, database.target())
    others = "SELECT work_key, ctid::text, xmin::text FROM openlib.works WHERE fetched_for = 'cocoa' ORDER BY work_key"
    untouched = database.ask(others)
    publish(storage, SUBJECTS | {"tea": (310, 2)})
    loaded = load(storage, database.target())
    assert_same_as_files(database, storage)
    # All works of tea have a new number of readers; but one in ten is of all subjects, and of those tea is the latest.
    assert loaded.sent["works"] == 310
    assert loaded.sent["work_subjects"] == 10
    assert loaded.sent["subjects"] == 1
    kept = {row[0] for row in database.ask(others)}
    assert len(kept) == 90
    assert [row for row in untouched if row[0] in kept] == database.ask(others)


def test_of_a_removed_subject_nothing_stays(database: Database, storage: LocalStorage) -> None:
    publish(storage, SUBJECTS)
    load(storage, database.target())
    publish(storage, {"tea": SUBJECTS["tea"], "coffee": SUBJECTS["coffee"]})
    loaded = load(storage, database.target())
    assert_same_as_files(database, storage)
    assert loaded.removed["subjects"] == 1
    assert loaded.removed["work_subjects"] == 100
    publish(storage, {})
    load(storage, database.target())
    assert_same_as_files(database, storage)
    assert database.ask("SELECT count(*) FROM openlib.authors") == [(0,)]


def test_the_version_that_the_database_holds_is_kept_to_compare_with(database: Database, storage: LocalStorage) -> None:
    begun = datetime.now(UTC) - timedelta(days=1)
    first = publish(storage, SUBJECTS, begun)
    load(storage, database.target())
    for hour in range(1, 4):
        publish(storage, SUBJECTS | {"tea": (300, hour)}, begun + timedelta(hours=hour))
    assert first.name in storage.folders("warehouse")
    assert load(storage, database.target()).sent["works"] == 300
    assert_same_as_files(database, storage)


def test_where_that_version_is_gone_the_database_finds_what_differs(database: Database, storage: LocalStorage) -> None:
    first = publish(storage, SUBJECTS)
    load(storage, database.target())
    untouched = "SELECT work_key, ctid::text FROM openlib.works WHERE fetched_for = 'coffee' ORDER BY work_key"
    before = database.ask(untouched)
    second = publish(storage, {"tea": (200, 2), "coffee": (200, 1)})
    storage.clear(f"warehouse/{first.name}")
    loaded = load(storage, database.target())
    assert loaded.sent == second.rows
    assert_same_as_files(database, storage)
    assert {*database.ask(untouched)} <= {*before}, "rows that were right stay as they are"


def test_texts_that_no_database_takes_arrive_all_the_same(database: Database, storage: LocalStorage) -> None:
    version = publish(storage, {"tea": (20, 1)})
    path = version.file("works")
    rows = read_table(storage, path).to_pylist()
    titles = ["a\x00b", "\x00", "\ufffd (a lone surrogate, as tables have it)", "", " \n", "\\N", "Ω \U0001f4d6", None]
    rows = [{**row, "title": title} for row, title in zip(rows, titles, strict=False)] + rows[len(titles) :]
    rows[0]["subjects"] = ["x\x00", None, "", 'NULL "\\', "{a,b}"]
    with storage.writing(path) as file:
        write_table(file, pa.Table.from_pylist(rows, WORKS.schema).to_batches(), WORKS.schema)
    load(storage, database.target())
    found = dict(database.ask("SELECT work_key, title FROM openlib.works"))
    for row, title in zip(rows, titles, strict=False):
        assert found[row["work_key"]] == (title and title.replace("\x00", "\ufffd"))
    ((subjects,),) = database.ask("SELECT subjects FROM openlib.works WHERE title = 'a\ufffdb'")
    assert subjects == ["x\ufffd", None, "", 'NULL "\\', "{a,b}"]


@pytest.mark.parametrize("by", ["variable", "role"])
def test_texts_arrive_whatever_encoding_others_set(
    by: str, database: Database, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "variable":
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    else:
        database.tell(f"ALTER DATABASE {database.variables['PGDATABASE']} SET client_encoding = 'LATIN1'")
    publish(storage, {"français 世": (5, 1)})
    load(storage, database.target())
    assert database.ask("SELECT octet_length(subject), length(subject) FROM openlib.subjects") == [(13, 10)]


def test_a_database_of_another_encoding_is_refused(database: Database, storage: LocalStorage) -> None:
    publish(storage, {"tea": (5, 1)})
    database.tell("CREATE DATABASE books_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    latin = Database({**database.variables, "PGDATABASE": "books_latin"})
    with pytest.raises(DatabaseError, match="has the encoding LATIN1, and must have UTF8; make another one"):
        load(storage, latin.target())


def test_an_interrupt_ends_a_load_that_waits_for_others(database: Database, storage: LocalStorage) -> None:
    publish(storage, {"tea": (5, 1)})
    load(storage, database.target())
    publish(storage, {"tea": (6, 2)})
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    def interrupt() -> None:
        wait_until(lambda: database.ask(waits) == [(1,)], PATIENCE_SECONDS, what="the load to wait")
        os.kill(os.getpid(), signal.SIGINT)

    with closing(connect(database.variables)) as other, other.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("LOCK TABLE openlib.works IN ACCESS EXCLUSIVE MODE")
        under_way = pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            load(storage, database.target())
        under_way.result()
    assert load(storage, database.target()).state == "changed"
    assert_same_as_files(database, storage)


def test_a_load_killed_in_the_middle_leaves_what_was_there(
    database: Database, storage: LocalStorage, tmp_path: Path
) -> None:
    first = publish(storage, SUBJECTS)
    load(storage, database.target())
    publish(storage, {"tea": (3_000, 2), "milk": (2_000, 1)})
    with closing(connect(database.variables)) as holder, holder.cursor() as cursor:
        # The load comes to a stand within its changes, at the last table, which somebody else holds.
        cursor.execute("LOCK TABLE openlib.subject_history IN SHARE MODE")
        with running(_loader(storage, database), os.environ, tmp_path / "log") as process:
            wait_until(lambda: _waits(database), PATIENCE_SECONDS, what="the load at the last table")
            assert database.ask("SELECT count(*) FROM openlib.subjects") == [(3,)]
            process.send_signal(signal.SIGKILL)
            process.wait()
    wait_until(lambda: not _loaders(database), PATIENCE_SECONDS, what="the server's end of the load")
    assert held_version(database.target()) == first.name
    rows = database.ask("SELECT count(*) FROM openlib.works")
    assert rows == [(first.rows["works"],)]
    load(storage, database.target())
    assert_same_as_files(database, storage)


def test_loads_at_the_same_time_follow_each_other(database: Database, storage: LocalStorage) -> None:
    publish(storage, SUBJECTS)
    with ThreadPoolExecutor(4) as threads:
        states = [loaded.state for loaded in threads.map(lambda _: load(storage, database.target()), range(4))]
    assert sorted(states) == ["loaded", "unchanged", "unchanged", "unchanged"]
    assert_same_as_files(database, storage)


def test_after_a_crash_of_the_server_the_next_load_goes_through(
    database: Database, storage: LocalStorage, postgres: Postgres
) -> None:
    publish(storage, SUBJECTS)
    load(storage, database.target())
    publish(storage, SUBJECTS | {"tea": (310, 2)})
    with ThreadPoolExecutor(1) as thread:
        with closing(connect(database.variables)) as holder, holder.cursor() as cursor:
            cursor.execute("LOCK TABLE openlib.subject_history IN SHARE MODE")
            loading = thread.submit(load, storage, database.target())
            wait_until(lambda: _waits(database), PATIENCE_SECONDS, what="the load at the last table")
            postgres.crash()
        with pytest.raises(DatabaseError, match=r"^postgresql://127\S+/books_\d+, schema openlib: .+; .+ run"):
            loading.result()
    with pytest.raises(DatabaseError, match=r"Connection refused .*check that the server runs"):
        load(storage, database.target())
    postgres.start()
    assert database.ask("SELECT works FROM openlib.subjects WHERE subject = 'tea'") == [(300,)]
    assert load(storage, database.target()).state == "changed"
    assert_same_as_files(database, storage)


def test_who_joins_four_tables_while_twenty_refreshes_go_by_never_sees_an_orphan(
    database: Database, storage: LocalStorage
) -> None:
    publish(storage, {"tea": (100, 0), "coffee": (50, 0)})
    load(storage, database.target())
    over, seen = threading.Event(), []

    def read() -> None:
        with closing(connect(database.variables)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not over.is_set():
                cursor.execute(JOIN)
                seen.append(cursor.fetchall()[0])

    with ThreadPoolExecutor(1) as thread:
        reader = thread.submit(read)
        try:
            for refresh in range(1, 21):
                publish(storage, {"tea": (100 + 10 * refresh % 70, refresh), f"coffee_{refresh % 3}": (50, refresh)})
                assert load(storage, database.target()).state == "changed"
        finally:
            over.set()
        reader.result()
    assert len(seen) > 20
    assert [row for row in seen if len({*row[1:5]}) != 1] == []
    # All works are of the same refresh.
    assert [row for row in seen if row[5] != row[6]] == []
    assert len({row[5] for row in seen}) > 5
    assert_same_as_files(database, storage)


def _loader(storage: LocalStorage, database: Database) -> list[str]:
    code = (
        "import sys; from openlib_assets.storage import LocalStorage; "
        "from openlib_assets.lake.database.loading import load; "
        "from openlib_assets.lake.database.connecting import Target; "
        "load(LocalStorage(sys.argv[1]), Target(sys.argv[2], 'openlib'))"
    )
    return [sys.executable, "-c", code, storage.uri(), database.url()]


def _loaders(database: Database) -> list[tuple[str]]:
    return database.ask(
        "SELECT coalesce(wait_event_type, '') FROM pg_stat_activity "
        "WHERE application_name = 'openlib' AND datname = current_database()"
    )


def _waits(database: Database) -> bool:
    return ("Lock",) in _loaders(database)
