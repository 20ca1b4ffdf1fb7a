"""What the event log keeps open, and for how long."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets_tests.tools.events import COUNTS, RUN, an_event, change, materialization, of_type, rows


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLogStorage]:
    log = EventLogStorage(str(tmp_path))
    yield log
    log.dispose()


def test_it_opens_nothing_anew_for_an_event(log: EventLogStorage) -> None:
    log.store_event(an_event(materialization("first")))
    opened: list[object] = []

    def note(connection: object, _: object) -> None:
        opened.append(connection)

    sa.event.listen(sa.Pool, "connect", note)
    try:
        for place in range(20):
            log.store_event(an_event(materialization(str(place))))
            log.get_latest_materialization_events([dg.AssetKey("a")])
        assert opened == []
        log.store_event(an_event(run_id="another"))
        assert opened != []
    finally:
        sa.event.remove(sa.Pool, "connect", note)


def open_databases(folder: Path) -> set[str]:
    return {Path(file.path).name for file in psutil.Process().open_files() if Path(file.path).parent == folder}


def test_a_run_that_ended_is_closed_and_its_file_has_everything(log: EventLogStorage, tmp_path: Path) -> None:
    log.store_event(an_event(of_type(dg.DagsterEventType.RUN_START)))
    assert f"{RUN}.db-wal" in open_databases(tmp_path)
    log.store_event(an_event(of_type(dg.DagsterEventType.RUN_SUCCESS)))
    assert not {file for file in open_databases(tmp_path) if file.startswith(RUN)}
    assert not (tmp_path / f"{RUN}.db-wal").exists()
    log.store_event(an_event(text="a word after the end"))
    assert rows(tmp_path / f"{RUN}.db", COUNTS["event_logs"]) == [(3,)]


def test_few_runs_stay_open_and_none_once_the_log_is_closed(log: EventLogStorage, tmp_path: Path) -> None:
    for _ in range(2):
        for number in range(20):
            log.store_event(an_event(run_id=f"run-{number}"))
    assert len({file for file in open_databases(tmp_path) if file.endswith(".db")} - {"index.db"}) <= 8
    log.dispose()
    assert open_databases(tmp_path) == set()
    assert rows(tmp_path / "run-0.db", COUNTS["event_logs"]) == [(2,)]


def test_all_can_be_wiped_while_runs_are_open(log: EventLogStorage, tmp_path: Path) -> None:
    log.store_event(an_event(materialization("before")))
    log.wipe()
    assert sorted(tmp_path.glob("*.db")) == [tmp_path / "index.db"]
    log.store_event(an_event(materialization("after")))
    for file in (f"{RUN}.db", "index.db"):
        assert rows(tmp_path / file, "SELECT partition FROM event_logs") == [("after",)]


def test_a_table_that_comes_later_is_seen(log: EventLogStorage, tmp_path: Path) -> None:
    assert not log.has_table("later")
    change(tmp_path / "index.db", "CREATE TABLE later (x)")
    assert log.has_table("later")
