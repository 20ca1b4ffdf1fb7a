"""DuckDB and S3: the credentials, which all connections of a database share."""

import threading
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from openlib_assets.lake.duckdb_storage import prepare
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
