"""`openlib run`, interrupted: it ends at once, whoever still owes it an answer, and the same command goes on."""

import os
import signal
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.openlibrary.enumeration import page_offsets
from openlib_assets_tests.conftest import PlaceMaker
from openlib_assets_tests.tools.forked import commands, wait_until
from openlib_assets_tests.tools.trials import PAGE_SIZE, SUBJECT, WORKS, Gate, asked, staged, trial


@pytest.mark.parametrize(("number", "pages"), [(signal.SIGINT, 12), (signal.SIGTERM, 1)])
def test_an_interrupted_run_ends_at_once_leaves_nothing_half_written_and_goes_on(
    number: signal.Signals, pages: int, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("local")
    with trial(place, instance, tmp_path) as here, Gate(here.sandbox, {SUBJECT: pages}) as gate:
        # So patient that it could not end if it waited for what is held back.
        interrupted = here.it.start("run", SUBJECT, OPENLIB_TIMEOUT="3600")
        wait_until(lambda: gate.held == 3 and len(staged(place)) == pages, "the pages are set aside")
        os.kill(interrupted.pid, number)
        assert interrupted.status() == 130
        assert gate.held == 3
        assert interrupted.output.splitlines()[-1].startswith("openlib: interrupted; ")
        assert "Traceback" not in interrupted.output
        assert [path for path in place.states() if not path.startswith(("_staging/", "_locks/"))] == []
        had = staged(place)
        assert len(had) == pages
        gate.open()
        wait_until(lambda: gate.held == 0 and len(here.sandbox.requests) == pages + 3, "the sandbox lets go")
        requests = here.again()
        assert sorted(asked(requests)) == sorted(set(page_offsets(WORKS, PAGE_SIZE)) - set(had))
        assert not list(Path(place.root).rglob(".writing-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_query_ends_at_once_and_says_so(number: signal.Signals, tmp_path: Path) -> None:
    begun = tmp_path / "begun.csv"
    without_end = "SELECT sum(hash(a.range * b.range)) FROM range(10_000_000) AS a, range(100_000) AS b"
    query = f"COPY ({without_end}) TO '{begun}'"
    with commands(tmp_path, "http://127.0.0.1:9") as it:
        asking = it.start("sql", query)
        wait_until(begun.exists, "the query is under way")
        os.kill(asking.pid, number)
        assert asking.status() == 130
    assert asking.output.splitlines()[-1].startswith("openlib: interrupted; ")
    assert "Traceback" not in asking.output
