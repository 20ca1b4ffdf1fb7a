"""The pace in Postgres: hosts that share nothing but the database keep to one ceiling."""

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from openlib_assets.openlibrary.errors import InterruptedFetchError, SourceError
from openlib_assets.openlibrary.pace.pacing import Pace, open_pace
from openlib_assets.openlibrary.pace.postgres import PostgresSlots
from openlib_assets.openlibrary.pace.slots import spacing
from openlib_assets.sandbox import SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets_tests.openlibrary.test_pacing import LEAST_USED, late, most_within, send_until
from openlib_assets_tests.tools.deployment import (
    PATIENCE_SECONDS,
    environment,
    openlib,
    openlib_command,
    running,
    sandbox_process,
    tail,
)
from openlib_assets_tests.tools.postgres import Postgres, connect

pytestmark = pytest.mark.deployed

API = "an.api_443"


@pytest.fixture(autouse=True)
def database(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point libpq's variables at a database without any pace."""
    for name, value in postgres.variables.items():
        monkeypatch.setenv(name, value)
    execute(postgres, "DROP TABLE IF EXISTS openlib_pace, openlib_pace_rates")


def execute(postgres: Postgres, sql: str) -> None:
    with closing(connect(postgres.variables)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)


def new_pace(rate: float, stop: threading.Event | None = None, patience: float = 60, api: str = API) -> Pace:
    stop = stop or threading.Event()
    return Pace(PostgresSlots(api, rate, stop, patience), stop)


def test_four_runs_that_share_nothing_but_the_database_keep_to_one_pace(postgres: Postgres, tmp_path: Path) -> None:
    """As on Fargate: four processes with homes, caches, storages and Dagster instances of their own."""
    rate, subjects = 10.0, [f"subject_{number}" for number in range(4)]
    with sandbox_process(SandboxConfig(dict.fromkeys(subjects, 180)), tmp_path) as sandbox:
        sandbox.warm()
        before = len(sandbox.requests())
        hosts = []
        for subject in subjects:
            (tmp_path / subject).mkdir()
            env = environment(
                tmp_path / subject,
                sandbox.url,
                **postgres.variables,
                OPENLIB_PACE="postgres",
                OPENLIB_REQUESTS_PER_SECOND=str(rate),
                OPENLIB_PAGE_SIZE="2",
            )
            hosts.append(running(openlib_command("run", subject), env, tmp_path / f"{subject}.log"))
        with hosts[0] as one, hosts[1] as two, hosts[2] as three, hosts[3] as four:
            statuses = [process.wait(PATIENCE_SECONDS) for process in (one, two, three, four)]
        assert statuses == [0] * 4, [tail(tmp_path / f"{subject}.log") for subject in subjects]
        sent = [(0, request.at) for request in sandbox.requests()[before:]]
    assert len(sent) >= 4 * 80
    senders = 4 * Settings().max_in_flight
    for seconds in (1, 2, 5, 10):
        assert most_within(sent, seconds) <= rate * seconds + 1 + late(senders)


def test_one_command_without_postgres_says_what_to_look_after(tmp_path: Path, postgres: Postgres) -> None:
    wrong = {**postgres.variables, "PGPASSWORD": "wrong"}
    env = environment(tmp_path, "http://127.0.0.1:9", **wrong, OPENLIB_PACE="postgres")
    said = openlib("estimate", "love", env=env, seconds=PATIENCE_SECONDS)
    assert said.status == 1
    (line,) = said.output.splitlines()
    assert "the pace of requests cannot be stored in Postgres" in line
    assert "password authentication failed" in line
    assert "check the database that PGHOST, PGDATABASE and PGUSER name" in line


def test_slots_follow_each_other_without_a_gap_whichever_host_reserves_them() -> None:
    hosts = [PostgresSlots(API, 0.5, threading.Event()) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        at = sorted(threads.map(lambda place: hosts[place % 2].reserve().at, range(40)))
    assert [later - earlier for earlier, later in pairwise(at)] == pytest.approx([spacing(0.5)] * 39, abs=1e-3)


def test_threads_of_several_hosts_share_one_rate() -> None:
    paces, seconds = [new_pace(30) for _ in range(3)], 4.0
    with ThreadPoolExecutor(6) as threads:
        end = time.monotonic() + seconds
        senders = threads.map(lambda sender: send_until(paces[sender % 3], sender, end), range(6))
        sent = [one for each in senders for one in each]
    assert most_within(sent, 1.0) <= 30 + 1 + late(6)
    assert len(sent) >= LEAST_USED * 30 * seconds


def test_the_lowest_rate_lately_told_holds_for_all() -> None:
    slow, fast = new_pace(5), new_pace(1000)
    slow.wait_for_slot()
    started = time.monotonic()
    for _ in range(4):
        fast.wait_for_slot()
    assert time.monotonic() - started >= 0.55


def test_a_rate_told_long_ago_holds_no_more(postgres: Postgres) -> None:
    new_pace(0.01).wait_for_slot()
    execute(postgres, "UPDATE openlib_pace_rates SET seen = seen - interval '31 seconds'")
    execute(postgres, "UPDATE openlib_pace SET next_slot = '-infinity'")
    assert waited(new_pace(1000)) < 30, "not at that pace, of which a request takes 100 s"


def test_a_pause_holds_for_every_host_and_for_those_who_wait_already() -> None:
    paces = [new_pace(1), new_pace(1)]
    paces[0].wait_for_slot()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(paces[1].wait_for_slot)
        time.sleep(0.05)
        paused = time.monotonic()
        paces[0].pause(1.5)
        paces[0].pause(0.1)
        waiting.result()
    assert time.monotonic() - paused >= 1.5


def test_apis_have_paces_of_their_own() -> None:
    new_pace(1000).pause(60)
    assert waited(new_pace(1000, api="another.api_443")) < 30, "not as long as the pause of the other"


@pytest.mark.parametrize("column", ["next_slot", "paused_until"])
def test_a_time_implausibly_far_ahead_is_forgotten(postgres: Postgres, column: str) -> None:
    pace = new_pace(10)
    execute(postgres, f"UPDATE openlib_pace SET {column} = now() + interval '25 hours'")  # noqa: S608 - our own names
    assert waited(pace) < 30, "not as long as was reserved"


def test_a_connection_that_breaks_is_opened_again(postgres: Postgres) -> None:
    pace = new_pace(100)
    pace.wait_for_slot()
    execute(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'openlib pace'")
    pace.wait_for_slot()


def test_a_database_that_stays_away_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "9")
    with pytest.raises(SourceError, match=r"^the pace of requests cannot be stored in Postgres \(.*refused") as caught:
        new_pace(10, patience=1)
    assert len(str(caught.value).splitlines()) == 1
    assert "not-a-secret" not in str(caught.value)


def test_the_order_to_stop_ends_a_wait_for_a_turn_and_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    pace = new_pace(10, stop, patience=60)
    pace.pause(600)
    assert_stops(stop, [pace.wait_for_slot])
    monkeypatch.setenv("PGPORT", "9")
    stop = threading.Event()
    assert_stops(stop, [lambda: new_pace(10, stop, patience=60)])


def test_a_database_that_says_nothing_is_given_up_and_stopped_waiting_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PGPORT", str(silent.getsockname()[1]))
        started = time.monotonic()
        with pytest.raises(SourceError, match=r"\(no answer in time\)"):
            new_pace(10, patience=1)
        assert time.monotonic() - started < 120
        stop = threading.Event()
        assert_stops(stop, [lambda: new_pace(10, stop, patience=60)])


def assert_stops(stop: threading.Event, waits: Sequence[object]) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(wait) for wait in waits if callable(wait)]
        time.sleep(0.3)
        stopped = time.monotonic()
        stop.set()
        assert [type(one.exception(timeout=60)) for one in waiting] == [InterruptedFetchError] * len(waits)
        assert time.monotonic() - stopped < 50, "not until their patience ends"


def test_many_can_make_the_tables_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        paces = list(threads.map(lambda _: new_pace(500), range(16)))
        list(threads.map(Pace.wait_for_slot, paces))


def test_the_setting_chooses_postgres(postgres: Postgres) -> None:
    settings = Settings(api_url="https://example.org", requests_per_second=1000, pace="postgres")
    open_pace(settings, threading.Event()).wait_for_slot()
    with closing(connect(postgres.variables)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT api FROM openlib_pace")
        assert cursor.fetchall() == [("example.org_443",)]


def waited(pace: Pace) -> float:
    """Return the seconds that a turn took to come."""
    started = time.monotonic()
    pace.wait_for_slot()
    return time.monotonic() - started
