"""DuckDB's connections: the credentials for S3, which all of a database share, and their end on a signal."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from openlib_assets.lake.duckdb_storage import interruptibly, prepare
from openlib_assets.storage import open_storage
from openlib_assets_tests.conftest import PlaceMaker

_THREADS, _TIMES = 4, 40


def test_threads_hand_over_credentials_without_disturbing_each_other(
    new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place("s3")
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    storage, together = open_storage(place.root), threading.Barrier(_THREADS)

    def hand_over(_: int) -> None:
        together.wait()
        for _ in range(_TIMES):
            with engine.cursor() as connection:
                prepare(connection, storage)

    with duckdb.connect() as engine, ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(hand_over, range(_THREADS)))
        assert engine.sql("SELECT name FROM duckdb_secrets()").fetchall() == [("openlib_s3",)]


@pytest.mark.parametrize("seconds", [0, 0.2])
def test_a_signal_that_the_thread_of_a_query_receives_ends_it(seconds: float) -> None:
    query = "SELECT sum(hash(a.range * b.range)) FROM range(10_000_000) AS a, range(100_000) AS b"
    with duckdb.connect() as connection:

        def asked() -> None:
            time.sleep(seconds)
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            connection.execute(query)

        with pytest.raises(KeyboardInterrupt):
            interruptibly(connection, asked)
