"""The instance's storage in PostgreSQL: what connects how often, and what a new start of the server does."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef

from openlib_assets_tests.conftest import environment
from openlib_assets_tests.tools.deployment import wait_until
from openlib_assets_tests.tools.postgres import Postgres, connect, postgres_server

pytestmark = pytest.mark.deployed

KEPT = """
storage:
  custom:
    module: openlib_assets.defs.instance.postgres_storage
    class: PostgresStorage
    config:
      postgres_url: postgresql+psycopg2://
"""
DAGSTERS_OWN = """
storage:
  postgres:
    postgres_url: postgresql+psycopg2://
"""
STATEMENTS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_server() as server, environment(server.variables):
        yield server


@contextmanager
def instance_of(configuration: str, home: Path) -> Iterator[dg.DagsterInstance]:
    """Open an instance as each process of a deployment does."""
    home.mkdir()
    (home / "dagster.yaml").write_text(configuration)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home))) as instance:
        yield instance


def use(instance: dg.DagsterInstance) -> None:
    """Write and read in each of the three parts of the storage."""
    for number in range(STATEMENTS):
        instance.add_dynamic_partitions("letters", [f"letter {number}"])
        assert instance.has_dynamic_partition("letters", f"letter {number}")
        assert instance.get_runs(limit=1) == []
        assert instance.all_instigator_state() == []


def connections(work: Callable[[], None]) -> int:
    """Return how many connections some work makes."""
    made: list[object] = []

    def note(connection: object, _: object) -> None:
        made.append(connection)

    sa.event.listen(sa.Pool, "connect", note)
    try:
        work()
    finally:
        sa.event.remove(sa.Pool, "connect", note)
    return len(made)


@pytest.mark.usefixtures("server")
def test_a_process_connects_once_where_dagsters_own_storage_connects_for_each_statement(tmp_path: Path) -> None:
    with instance_of(KEPT, tmp_path / "kept") as kept:
        assert connections(lambda: use(kept)) == 1
    with instance_of(DAGSTERS_OWN, tmp_path / "own") as own:
        assert connections(lambda: use(own)) >= 4 * STATEMENTS


@pytest.mark.usefixtures("server")
def test_either_storage_reads_what_the_other_wrote(tmp_path: Path) -> None:
    with instance_of(KEPT, tmp_path / "kept") as kept, instance_of(DAGSTERS_OWN, tmp_path / "own") as own:
        kept.add_dynamic_partitions("digits", ["1"])
        own.add_dynamic_partitions("digits", ["2"])
        assert set(kept.get_dynamic_partitions("digits")) == set(own.get_dynamic_partitions("digits")) == {"1", "2"}


def test_after_a_new_start_of_the_server_the_next_statement_works(server: Postgres, tmp_path: Path) -> None:
    with instance_of(KEPT, tmp_path / "kept") as kept:
        kept.add_dynamic_partitions("signs", ["+"])
        server.crash()
        server.start()
        assert kept.get_dynamic_partitions("signs") == ["+"]
        kept.add_dynamic_partitions("signs", ["-"])
        assert set(kept.get_dynamic_partitions("signs")) == {"+", "-"}


def test_a_closed_instance_leaves_no_connection_open(server: Postgres, tmp_path: Path) -> None:
    with closing(connect(server.variables)) as connection, connection.cursor() as cursor:

        def others() -> int:
            cursor.execute("SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'")
            return int(cursor.fetchall()[0][0])

        connection.autocommit = True
        with instance_of(KEPT, tmp_path / "kept") as kept:
            use(kept)
            assert others() == 1
        wait_until(lambda: others() == 0, 60, what="the end of the connection")
