"""The whole pipeline on a real S3 server, alone and with another one that wants the same subject."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import BRONZE, GOLD, SILVER, Pipeline, Place, snapshot_paths
from openlib_assets_tests.defs.test_across_subjects import opened, rows
from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, openlib
from openlib_assets_tests.tools.exactness import assert_exact, assert_nothing_left
from openlib_assets_tests.tools.forked import Commands, Tampering, commands, wait_until
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.trials import PAGE_SIZE, SUBJECT, Gate, Trial, reason, staged, trial

pytestmark = pytest.mark.s3_server

LARGE = "science_fiction"
SIZES = {LARGE: 1001, "place:são_paulo_(brazil)": 40, "1984": 3}
SMALL = {SUBJECT: 61}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with temporary_instance() as instance:
        yield instance


def test_every_table_file_page_and_view_is_exact_and_every_command_works(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with (
        Sandbox(SandboxConfig(SIZES)) as sandbox,
        commands(tmp_path / "commands", sandbox.url, **place.variables, OPENLIB_STORAGE=place.root) as it,
    ):
        pipeline = Pipeline(place, instance, sandbox.url)
        made = openlib("run", *SIZES, env=it.variables, seconds=PATIENCE_SECONDS)
        assert made.status == 0, made.output
        for subject in SIZES:
            assert_exact(pipeline, sandbox, subject)
        assert_nothing_left(place)
        assert_rebuilt_on_disk_alike(pipeline, sandbox, instance, tmp_path / "disk")
        assert_catalog_shows_all(pipeline, tmp_path)

        query = "SELECT subject, count(*) AS works FROM books GROUP BY ALL ORDER BY ALL"
        found = it.run("sql", query, "--format", "csv")
        assert found.output == "".join(
            ["subject,works\n", *(f"{subject},{SIZES[subject]}\n" for subject in sorted(SIZES))]
        )

        (new,) = snapshot_paths(pipeline, LARGE)
        old = f"{new.partition('snapshot=')[0]}snapshot=20200101T000000Z/part-0.parquet"
        pipeline.storage.write(old, pipeline.storage.read(new))
        pruned = it.run("prune", "--keep", "1", "--yes")
        assert pruned.status() == 0, pruned.output
        assert f"{place.root}/{old}" in pruned.output
        assert snapshot_paths(pipeline, LARGE) == [new]

        others = {path: state for path, state in place.states().items() if LARGE not in path}
        removed = it.run("subjects", "remove", LARGE, "--delete-data")
        assert removed.status() == 0, removed.output
        assert place.states() == others


def assert_rebuilt_on_disk_alike(
    pipeline: Pipeline, sandbox: Sandbox, instance: dg.DagsterInstance, folder: Path
) -> None:
    """Make what needs no request again from what was sent, on disk; every file has the same bytes, the report too."""
    local = Pipeline(Place(str(folder), {}), instance, sandbox.url)
    sent = [path for table in BRONZE for path in snapshot_paths(pipeline, "1984", table)]
    orders = [path for path in pipeline.place.states() if "order_list" in path and "1984" in path]
    for path in (*sent, *orders):
        local.storage.write(path, pipeline.storage.read(path))
    assert local.run("1984", job="rebuild_from_bronze").success
    wanted = local.digests("")
    assert "reports/1984/index.html" in wanted
    assert {path: digest for path, digest in pipeline.digests("").items() if "1984" in path} == wanted


def assert_catalog_shows_all(pipeline: Pipeline, folder: Path) -> None:
    """Read the views of the catalog as another program does, and compare them with the tables."""
    with opened(pipeline, folder) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in (*SILVER, *GOLD):
            shown = connection.sql(f"FROM by_subject.{name}").to_arrow_table().to_pylist()
            wanted = [{"subject": subject, **row} for subject in SIZES for row in rows(pipeline, name, subject)]
            assert sorted(map(repr, shown)) == sorted(map(repr, wanted)), name


@contextmanager
def two_machines(place: Place, instance: dg.DagsterInstance, folder: Path) -> Iterator[tuple[Trial, Commands]]:
    """Return a trial, and the command on another machine: only the storage and Open Library are the same."""
    with (
        trial(place, instance, folder / "one", SMALL) as here,
        commands(
            folder / "other",
            here.sandbox.url,
            **place.variables,
            OPENLIB_STORAGE=place.root,
            OPENLIB_PAGE_SIZE=str(PAGE_SIZE),
        ) as other,
    ):
        yield here, other


def test_a_run_elsewhere_ends_with_a_line_while_another_goes_on_and_takes_over_once_that_is_killed(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with two_machines(place, instance, tmp_path) as (here, other), Gate(here.sandbox, {SUBJECT: 3}) as gate:
        first = here.it.start("run", SUBJECT, tampering=Tampering(lease_seconds=20.0))
        wait_until(lambda: gate.held == 3 and len(staged(place)) == 3, "the first fetches")
        lease = place.open().read("_locks/love")
        wait_until(lambda: place.open().read("_locks/love") != lease, "the first renews its lease")
        line = reason(other.run("run", SUBJECT))
        assert f"{SUBJECT!r} is being fetched by another run; wait for it to end, then try again" in line
        assert len(staged(place)) == 3, "the second leaves alone what the first has set aside"
        first.kill()
        gate.open()
        done = other.run("run", SUBJECT, tampering=Tampering(lease_seconds=5.0))
        assert done.status() == 0, done.output
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert_nothing_left(place)


def test_two_runs_at_once_leave_the_tables_of_one_state(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with two_machines(place, instance, tmp_path) as (here, other):
        running = [machine.start("run", SUBJECT) for machine in (here.it, other)]
        statuses = sorted(one.status() for one in running)
        assert statuses in ([0, 0], [0, 1])
        for one in running:
            assert one.status() == 0 or "by another run; wait for it to end, then try again" in reason(one)
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert_nothing_left(place)
