"""What all tests share: an environment of their own, and settings that fit a sandbox."""

import dataclasses
import hashlib
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import dagster as dg
import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from moto import backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

from openlib_assets.cli.runs import execute
from openlib_assets.defs.partitions import run_tags
from openlib_assets.sandbox import Sandbox
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, open_storage
from openlib_assets_tests.tools import (
    alembic_files,  # noqa: F401 - it need only be imported
    botocore_files,  # noqa: F401 - the same
    reference,
)
from openlib_assets_tests.tools.ceph import Ceph, ceph_s3
from openlib_assets_tests.tools.deployment import DeploymentError, heed_interrupts
from openlib_assets_tests.tools.instances import temporary_instance

BRONZE = ("raw_works", "raw_details")
SILVER = (
    *("rejected_works", "books", "authors", "author_books", "possible_same_authors", "possible_duplicate_books"),
    *("work_isbns", "work_details"),
)
GOLD = ("author_yearly_counts", "author_averages", "subject_summary", "subject_changes", "stocking_list")
SERVING = ("order_list",)
CSV = ("authors", "books", "author_books", "author_yearly_counts", "author_averages")

_FOREIGN_PREFIXES = ("OPENLIB_", "AWS_")
_FOREIGN_NAMES = {"DAGSTER_HOME", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"}

# Examples are drawn alike in every run, and nothing is left in the working folder; sockets keep their own time.
hypothesis.settings.register_profile("tests", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("tests")


# Its tests mostly wait for processes that fail, hang or are killed: beside each other they would leave the cores idle.
_WAITING = "whole"
_BETWEEN_THOSE_THAT_WAIT = 5
# These take longest, so they come first.
_LONG = "defs"


def pytest_configure() -> None:
    """Let tests interrupt themselves: one that waits for a signal that is ignored would wait for ever."""
    heed_interrupts()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first, and what waits between what computes."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path in files if path.parent.name == _WAITING]
    ordered = sorted(files.keys() - waiting, key=lambda path: (path.parent.name != _LONG, path))
    for place, path in enumerate(waiting):
        ordered.insert(place * (_BETWEEN_THOSE_THAT_WAIT + 1), path)
    items[:] = [item for path in ordered for item in files[path]]


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hide the user's settings from the tests and the tests' pace files from the user; give the cache folder."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_PREFIXES) or name.upper() in _FOREIGN_NAMES:
            monkeypatch.delenv(name)
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


def settings_for(sandbox: Sandbox, **changes: Any) -> Settings:
    """Return settings that point at a sandbox, without a ceiling on requests and with short waits."""
    return Settings(**{"api_url": sandbox.url, "requests_per_second": 1e6, "retry_wait": 0.05, **changes})


@dataclasses.dataclass(frozen=True)
class Place:
    """A storage root that nobody else uses, and the variables without which it cannot be opened."""

    root: str
    variables: Mapping[str, str]

    def open(self) -> Storage:
        """Open the storage; it keeps the credentials that it was opened with."""
        with environment(self.variables):
            return open_storage(self.root)

    def states(self) -> dict[str, str]:
        """Tell of each file below the root by something that any write changes, even one of the same bytes."""
        if not self.root.startswith("s3://"):
            root = Path(self.root)
            return {file.relative_to(root).as_posix(): _state(file) for file in root.rglob("*") if file.is_file()}
        # S3 itself tells times to the second only; the server, which runs in this process, knows better.
        name, _, prefix = self.root.removeprefix("s3://").partition("/")
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[name].keys
        return {key.removeprefix(f"{prefix}/"): str(file.last_modified) for key, file in keys.items()}


def _state(file: Path) -> str:
    about = file.stat()
    return f"{about.st_ino} {about.st_mtime_ns}"


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


PlaceMaker = Callable[[str], Place]


@contextmanager
def serving_s3() -> Iterator[str]:
    """Serve S3 over HTTP for the block and give its address."""
    put, one_at_a_time = S3Response._key_response_put, threading.Lock()

    def put_in_one_step(*args: Any, **kwargs: Any) -> Any:
        """Look and write in one step where a put has a condition, as S3 does and moto does not."""
        with one_at_a_time:
            return put(*args, **kwargs)

    # A line for each request would cost as much as some of the answers.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "_key_response_put", put_in_one_step)
        # Asked for each request, Moto looks through its own folders for them.
        modules = frozenset(backends.list_of_moto_modules())
        patch.setattr(backends, "list_of_moto_modules", lambda: modules)
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


def s3_place(url: str) -> Place:
    """Make a bucket on the S3 at an address and give a root in it."""
    variables = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIATESTS",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI-SECRET",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    bucket = f"bucket-{uuid.uuid4().hex}"
    with environment(variables):
        boto3.client("s3").create_bucket(Bucket=bucket)
    return Place(f"s3://{bucket}/pre fix/é", variables)


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """Serve S3 over HTTP and give its address."""
    with serving_s3() as url:
        yield url


@pytest.fixture(scope="session")
def new_place(s3_url: str, tmp_path_factory: pytest.TempPathFactory) -> PlaceMaker:
    """Return a maker of storage roots of a kind, `local` or `s3`."""

    def make(kind: str) -> Place:
        return s3_place(s3_url) if kind == "s3" else Place(str(tmp_path_factory.mktemp("storage") / "root"), {})

    return make


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, new_place: PlaceMaker) -> Place:
    """A storage root, once on the local disk and once on S3."""
    return new_place(request.param)


@pytest.fixture(params=["local", "s3"], scope="module")
def module_place(request: pytest.FixtureRequest, new_place: PlaceMaker) -> Place:
    """The same, one for all tests of a module."""
    return new_place(request.param)


@pytest.fixture
def storage_root(place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    """The root alone, the environment prepared for it."""
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    return place.root


class Pipeline:
    """The project as deployed: its definitions on one storage root, one Dagster instance, one Open Library."""

    def __init__(self, place: Place, instance: dg.DagsterInstance, api_url: str, **variables: str) -> None:
        self.place = place
        self.storage = place.open()
        self.instance = instance
        self.variables = {
            **place.variables,
            "OPENLIB_STORAGE": place.root,
            "OPENLIB_API_URL": api_url,
            "OPENLIB_REQUESTS_PER_SECOND": "1000000",
            "OPENLIB_RETRY_WAIT": "0.02",
            **variables,
        }
        with self.environment():
            # The module reads the environment when it is first imported; by now that is no longer the user's.
            from openlib_assets.definitions import build_defs  # noqa: PLC0415

            self.definitions = build_defs()

    def environment(self) -> AbstractContextManager[None]:
        """Set the variables of the deployment for a block."""
        return environment(self.variables)

    def run(
        self,
        *subjects: str,
        job: str = "all_assets",
        only: Iterable[str] = (),
        force: bool = False,
        root: str | None = None,
    ) -> dg.JobExecutionResult:
        """Run a job over subjects, several of which must be neighbours in the order of their registration.

        What there is once for all subjects is made without any. `only` some assets of the job are made, as where people
        choose them. A `root` is given for this run, as in the launchpad.
        """
        unknown = set(subjects) - set(self.instance.get_dynamic_partitions("subjects"))
        self.instance.add_dynamic_partitions("subjects", [subject for subject in subjects if subject in unknown])
        config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        if force:
            config["ops"] = {name: {"config": {"force": True}} for name in BRONZE}
        if root:
            config["resources"] = {"storage": {"config": {"root": root}}}
        definition = self.definitions.resolve_job_def(job)
        if chosen := {dg.AssetKey(name) for name in only}:
            definition = definition.get_subset(asset_selection=chosen)
        with self.environment():
            return execute(self.instance, definition, config, run_tags(subjects) if subjects else {})

    def table(self, path: str) -> pa.Table:
        """Read a Parquet file below the root, as it is."""
        return read_table(self.storage, path)

    def digests(self, prefix: str) -> dict[str, str]:
        """Return the SHA-256 of each file below a folder."""
        return {path: hashlib.sha256(self.storage.read(path)).hexdigest() for path in self.storage.paths(prefix)}


def read_table(storage: Storage, path: str) -> pa.Table:
    """Read a Parquet file, as it is: one file, no partitions taken from its path."""
    with storage.local_copy(path) as file, pq.ParquetFile(file) as parquet:
        return parquet.read()


def snapshot_paths(pipeline: Pipeline, subject: str, table: str = "raw_works") -> list[str]:
    """Return the paths of a subject's snapshots, the current one last."""
    return list(pipeline.storage.paths(f"bronze/{table}/subject={quote(subject, safe='')}"))


def reference_tables(
    pipeline: Pipeline, subject: str, records: Sequence[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Compute the tables that a subject of these records must have, by other means than the project's."""
    *earlier, current_path = snapshot_paths(pipeline, subject)
    current = pipeline.table(current_path)
    previous: reference.Snapshot | None = None
    with suppress(pa.ArrowInvalid, KeyError, TypeError):  # damaged or foreign, and as good as none
        before = pipeline.table(earlier[-1]) if earlier else None
        previous = before and reference.Snapshot(_records(before), _fetched_at(before), _name_in(earlier[-1]))
    api_url = pipeline.variables["OPENLIB_API_URL"]
    details = snapshot_paths(pipeline, subject, "raw_details")
    return reference.tables(
        records,
        works_reported=len(records),
        fetched_at=_fetched_at(current),
        name=_name_in(current_path),
        source=f"{api_url}/subjects/{quote(subject, safe=':')}.json",
        previous=previous,
        documents=_records(pipeline.table(details[-1])) if details else (),
    )


def _fetched_at(raw_works: pa.Table) -> datetime:
    return datetime.fromisoformat(raw_works.schema.metadata[b"fetched_at"].decode())


def _name_in(path: str) -> str:
    """Return the name of the snapshot at a path."""
    return path.partition("/snapshot=")[2].partition("/")[0]


def _records(bronze: pa.Table) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in bronze["payload"].to_pylist()]


def assert_tables_equal(pipeline: Pipeline, subject: str, wanted: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Compare the silver and gold tables of a subject cell by cell."""
    assert set(wanted) == {*SILVER, *GOLD}
    for name, rows in wanted.items():
        layer = "silver" if name in SILVER else "gold"
        table = pipeline.table(f"{layer}/{name}/subject={quote(subject, safe='')}/part-0.parquet")
        assert_same_rows(table.to_pylist(), rows)


def assert_same_rows(found: Sequence[object], wanted: Sequence[object]) -> None:
    """Compare row by row, so that a difference in a large table shows as one row."""
    for place, (row, want) in enumerate(zip_longest(found, wanted)):
        assert row == want, f"row {place}"


def failure_texts(result: dg.JobExecutionResult) -> dict[str, str]:
    """Return why each of the steps failed that are red, in the order in which they did."""
    texts = {}
    for event in result.get_step_failure_events():
        failure = event.step_failure_data
        assert failure.user_failure_data is not None, failure.error
        texts[str(event.step_key)] = failure.user_failure_data.description or ""
    return texts


def failure_text(result: dg.JobExecutionResult) -> str:
    """Return why the one step failed that made a run red, or why all of them did."""
    (text,) = set(failure_texts(result).values())
    return text


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    """Serve S3; where Ceph is not installed the tests fail, so that nobody takes them for passed."""
    try:
        with ceph_s3(tmp_path_factory.mktemp("ceph")) as server:
            yield server
    except DeploymentError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance on which nothing was done yet."""
    with temporary_instance() as instance:
        yield instance


@pytest.fixture(scope="session")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What subjects fetched twice left, for `fetched_twice`: made by the first process of the tests that needs it."""
    from openlib_assets_tests.tools.fetched_twice import fetch_twice, is_fetched  # noqa: PLC0415 - it imports this module

    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "twice"
    with FileLock(f"{shared}.lock"):
        if not is_fetched(shared):
            shared.mkdir()
            fetch_twice(shared)
    return shared
