"""The sensor that follows the storage: events of a real SQS queue or of a folder, in any order, twice, or nonsense."""

import io
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import boto3
import dagster as dg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from openlib_assets.cli.commands.doctor import doctor
from openlib_assets.defs.sensors import storage_events
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import current_snapshot
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import Storage, open_storage
from openlib_assets_tests.conftest import Pipeline, Place, PlaceMaker, environment
from openlib_assets_tests.defs.test_sensor_and_schedule import begin_runs, requested, tick
from openlib_assets_tests.tools.instances import temporary_instance

RAW_WORKS = dg.AssetKey("raw_works")
VISIBILITY_SECONDS = 1
# A tick that a busy machine delays may receive a message twice.
MOST_RECEIVES = 10
# Its folder has a shortened name: only the file says whose it is.
FAR_AWAY = "place:" + "_".join(["далеко"] * 9)


@pytest.fixture(scope="module")
def new_bronze(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Snapshots of two subjects as another host has just made them, by their paths."""
    with Sandbox(SandboxConfig({"love": 7, FAR_AWAY: 5})) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(Place(str(tmp_path_factory.mktemp("made")), {}), instance, sandbox.url)
        assert pipeline.run("love", FAR_AWAY, job="extract").success
        return {path: pipeline.storage.read(path) for path in pipeline.storage.paths("bronze/raw_works")}


@pytest.fixture(scope="module")
def bronze(new_bronze: dict[str, bytes]) -> dict[str, bytes]:
    """The same, made an hour ago, and an hour ahead by a clock that was."""
    (love, france), hour, now = new_bronze.items(), timedelta(hours=1), datetime.now(UTC)
    return dict([made_at(*love, now - hour), made_at(*france, now + hour)])


def made_at(path: str, data: bytes, fetched_at: datetime) -> tuple[str, bytes]:
    """Return the path and the bytes that a snapshot would have, had it been fetched at another time."""
    name = fetched_at.strftime("%Y%m%dT%H%M%SZ")
    file = pq.ParquetFile(io.BytesIO(data))
    says = {name.decode(): value.decode() for name, value in file.metadata.metadata.items() if name != b"ARROW:schema"}
    written = io.BytesIO()
    with pq.ParquetWriter(written, file.schema_arrow.remove_metadata()) as writer:
        writer.write_table(file.read().replace_schema_metadata())
        writer.add_key_value_metadata(says | {"name": name, "fetched_at": fetched_at.isoformat()})
    return layout.snapshot_file(says["openlib_subject"], name), written.getvalue()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with temporary_instance() as instance:
        yield instance


class Queue:
    """A queue with a dead-letter queue, on an SQS server over HTTP, and the bucket's notifications in it."""

    def __init__(self, place: Place, variables: dict[str, str]) -> None:
        self.storage: Storage = place.open()
        self._root = place.root
        self._client = boto3.client("sqs")
        name = uuid.uuid4().hex
        dead = self._client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = self._client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.dead = dead
        self.url = self._client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})[
            "QueueUrl"
        ]
        self._dead_arn = arn
        self.give_up_after(MOST_RECEIVES)
        self.variables = variables

    def give_up_after(self, receives: int) -> None:
        """Let messages go to the dead letters once they were received so often in vain."""
        policy = {"deadLetterTargetArn": self._dead_arn, "maxReceiveCount": receives}
        self._client.set_queue_attributes(QueueUrl=self.url, Attributes={"RedrivePolicy": json.dumps(policy)})

    def tell(self, *paths: str) -> None:
        """Send the notification that S3 sends when objects were put at paths below the root."""
        bucket, _, prefix = self._root.removeprefix("s3://").partition("/")
        records = [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(f"{prefix}/{path}", safe="/")}},
            }
            for path in paths
        ]
        self.send(json.dumps({"Records": records}))

    def send(self, body: str) -> None:
        self._client.send_message(QueueUrl=self.url, MessageBody=body)

    def waiting(self, url: str | None = None) -> int:
        """Count the messages that are in a queue, also those that somebody took and did not delete."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        about = self._client.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=["All"])["Attributes"]
        return sum(int(about[name]) for name in names)


@pytest.fixture
def queue(new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A bucket whose events come by a queue, the environment prepared for both."""
    place = new_place("s3")
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    queue = Queue(place, dict(place.variables))
    monkeypatch.setenv("OPENLIB_STORAGE", place.root)
    monkeypatch.setenv("OPENLIB_EVENTS_QUEUE", queue.url)
    # This server has at once what it has.
    monkeypatch.setattr("openlib_assets.defs.sensors.events_queue._WAIT_SECONDS", 0)
    return queue


def recorded(result: Any) -> dict[str | None, str]:
    """Return the snapshots that a tick reported, by subject."""
    assert isinstance(result, dg.SensorResult)
    return {event.partition: str(event.metadata["snapshot"].value) for event in result.asset_events}


def kept_tick(instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    """Evaluate the sensor and store what it reports, as the daemon does."""
    result = tick(instance, cursor)
    for event in result.asset_events if isinstance(result, dg.SensorResult) else ():
        instance.report_runless_asset_event(event)
    return result


def put(storage: Storage, files: dict[str, bytes]) -> list[str]:
    for path, data in files.items():
        storage.write(path, data)
    return list(files)


class TestQueue:
    """On S3, events come by a queue."""

    def test_a_changed_watch_list_starts_runs_and_the_message_is_deleted_by_the_tick_after(
        self, queue: Queue, instance: dg.DagsterInstance
    ) -> None:
        queue.storage.write("subjects.yaml", b"- love\n")
        first = tick(instance)  # nobody has looked yet
        begin_runs(instance, first)
        queue.storage.write("subjects.yaml", f"- love\n- {FAR_AWAY}\n".encode())
        queue.tell("subjects.yaml")
        second = tick(instance, first.cursor)
        assert requested(second) == [FAR_AWAY]
        assert queue.waiting() == 1
        third = tick(instance, second.cursor)
        assert isinstance(third, dg.SkipReason)
        assert queue.waiting() == 0

    def test_without_an_event_the_list_is_not_read_at_every_tick_but_now_and_then(
        self, queue: Queue, instance: dg.DagsterInstance
    ) -> None:
        queue.storage.write("subjects.yaml", b"- love\n")
        first = tick(instance)
        begin_runs(instance, first)
        queue.storage.write("subjects.yaml", b"- love\n- hate\n")
        assert tick(instance, first.cursor).skip_message == "no event of the watch list"
        # Another release may have kept more.
        eleven_minutes_ago = json.loads(first.cursor) | {"looked_at": time.time() - 660, "of_another_release": 1}
        assert requested(tick(instance, json.dumps(eleven_minutes_ago))) == ["hate"]

    def test_snapshots_from_elsewhere_are_recorded_with_their_partitions_once(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        queue.tell(*put(queue.storage, bronze))
        first = kept_tick(instance)
        names = {key: current_snapshot(queue.storage, key) for key in ("love", FAR_AWAY)}
        assert recorded(first) == {key: snapshot.name for key, snapshot in names.items() if snapshot}
        assert requested(first) == []
        assert sorted(instance.get_dynamic_partitions("subjects")) == ["love", FAR_AWAY]
        for key, snapshot in names.items():
            (event,) = (event for event in first.asset_events if event.partition == key)
            assert snapshot is not None
            assert event.tags["dagster/data_version"] == snapshot.content_hash
        queue.tell(*bronze)  # S3 may tell twice
        queue.tell(*reversed(bronze))
        assert isinstance(kept_tick(instance, first.cursor), dg.SkipReason)

    def test_a_snapshot_that_a_run_of_ours_has_recorded_is_no_news(
        self, queue: Queue, instance: dg.DagsterInstance
    ) -> None:
        with Sandbox(SandboxConfig({"love": 7})) as sandbox:
            root = str(queue.storage.uri())
            pipeline = Pipeline(Place(root, queue.variables), instance, sandbox.url)
            assert pipeline.run("love", job="extract").success
        queue.tell(*queue.storage.paths("bronze"))
        assert isinstance(kept_tick(instance), dg.SkipReason)

    def test_a_snapshot_of_this_moment_may_be_ours_and_is_told_again_later(
        self,
        queue: Queue,
        instance: dg.DagsterInstance,
        new_bronze: dict[str, bytes],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("openlib_assets.defs.sensors.arrivals._OURS_SECONDS", 3)
        now = datetime.now(UTC)
        (made, *_) = (made_at(path, data, now) for path, data in new_bronze.items())
        queue.tell(*put(queue.storage, dict([made])))
        with monkeypatch.context() as patch:
            # However long the ticks take.
            clock = SimpleNamespace(time=lambda: now.timestamp() + 1, monotonic=time.monotonic)
            patch.setattr("openlib_assets.defs.sensors.arrivals.time", clock)
            cursor = tick_cursor(instance, None)
            cursor = tick_cursor(instance, cursor)
        assert queue.waiting() == 1
        time.sleep(3.5)
        assert recorded(kept_tick(instance, cursor)) == {"love": made[0].split("=")[2][:16]}

    def test_a_record_that_somebody_made_by_hand_is_taken_for_none(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization(RAW_WORKS, partition="love"))
        queue.tell(*put(queue.storage, bronze))
        assert set(recorded(kept_tick(instance))) == {"love", FAR_AWAY}

    def test_what_there_was_no_time_for_comes_with_a_later_tick(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("openlib_assets.defs.sensors.arrivals._OURS_SECONDS", 1)
        queue.tell(*put(queue.storage, bronze))
        with monkeypatch.context() as patch:
            patch.setattr("openlib_assets.defs.sensors.arrivals._JUDGING_SECONDS", -1)
            cursor = tick_cursor(instance, None)
        time.sleep(1.5)
        assert set(recorded(kept_tick(instance, cursor))) == {"love", FAR_AWAY}

    def test_an_older_snapshot_told_of_late_changes_nothing(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        queue.tell(*put(queue.storage, bronze))
        first = kept_tick(instance)
        (current,) = queue.storage.paths(layout.snapshots_folder("love"))
        older = layout.snapshot_file("love", "20200101T000000Z")
        queue.storage.write(older, queue.storage.read(current))
        queue.tell(older)
        assert isinstance(kept_tick(instance, first.cursor), dg.SkipReason)

    def test_what_a_dead_daemon_did_not_store_is_told_again(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        queue.tell(*put(queue.storage, bronze))
        lost = tick(instance)  # neither its events nor its cursor are kept
        time.sleep(VISIBILITY_SECONDS + 0.5)
        assert recorded(kept_tick(instance)) == recorded(lost)

    def test_nonsense_goes_to_the_dead_letters_and_keeps_nothing_else_up(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        queue.give_up_after(2)
        nonsense = ["not JSON", "[" * 100_000, "[]", '{"Records": [{"s3": {}}]}', "null", '{"Records": 5}']
        for body in nonsense:
            queue.send(body)
        queue.tell(*put(queue.storage, bronze))
        first = kept_tick(instance)
        assert set(recorded(first)) == {"love", FAR_AWAY}
        assert first.cursor is not None
        cursor = first.cursor
        for _ in range(2):
            time.sleep(VISIBILITY_SECONDS + 0.3)
            result = kept_tick(instance, cursor)
            assert isinstance(result, dg.SkipReason)
        assert queue.waiting() == 0
        assert queue.waiting(queue.dead) == len(nonsense)

    def test_an_unreadable_snapshot_goes_to_the_dead_letters_too(
        self, queue: Queue, instance: dg.DagsterInstance
    ) -> None:
        queue.give_up_after(2)
        queue.tell(*put(queue.storage, {layout.snapshot_file("love", "20200101T000000Z"): b"no Parquet"}))
        for _ in range(3):
            assert isinstance(kept_tick(instance), dg.SkipReason)
            time.sleep(VISIBILITY_SECONDS + 0.3)
        assert queue.waiting(queue.dead) == 1

    def test_other_files_and_the_test_event_of_s3_mean_nothing(
        self, queue: Queue, instance: dg.DagsterInstance
    ) -> None:
        queue.send(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}))
        queue.tell("silver/books/subject=love/part-0.parquet", "bronze/raw_works/part-0.parquet", "x/subjects.yaml")
        queue.storage.write("subjects.yaml", b"[]")
        tick_cursor(instance, None)
        assert queue.waiting() == 0, "nothing comes of them, so they need not wait for the next tick"

    def test_more_messages_than_one_tick_takes_come_with_the_next(
        self, queue: Queue, instance: dg.DagsterInstance, bronze: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("openlib_assets.defs.sensors.storage._MOST_MESSAGES", 12)
        (path,) = (path for path in put(queue.storage, bronze) if "love" in path)
        for _ in range(25):
            queue.tell(path)
        cursor = kept_tick(instance).cursor
        assert len(json.loads(cursor)["receipts"]) == 12
        assert queue.waiting() == 25
        again = tick_cursor(instance, cursor)
        assert json.loads(again)["receipts"] == [], "the snapshot is recorded by now"
        assert queue.waiting() == 1

    def test_the_doctor_asks_the_queue_and_says_how_many_messages_wait(
        self, queue: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def events_line() -> str:
            said = CliRunner().invoke(doctor, [])
            (line,) = [line for line in said.output.splitlines() if " events: " in line]
            return line

        assert events_line() == f"ok     events: {queue.url}: answers, 0 messages wait"
        queue.tell("subjects.yaml")
        assert events_line() == f"ok     events: {queue.url}: answers, 1 message waits"
        monkeypatch.setenv("OPENLIB_EVENTS_QUEUE", f"{queue.url}x")
        assert events_line().startswith(f"WRONG  events: {queue.url}x: ")
        monkeypatch.delenv("OPENLIB_EVENTS_QUEUE")
        assert events_line().endswith(
            "no queue is set, so on S3 only the watch list is followed; name one with OPENLIB_EVENTS_QUEUE"
        )

    def test_a_queue_that_is_not_there_is_a_failure_of_one_line(
        self, queue: Queue, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENLIB_EVENTS_QUEUE", f"{queue.url}-gone")
        with pytest.raises(dg.Failure, match=r"-gone: .*; check OPENLIB_EVENTS_QUEUE and the rights on it$") as caught:
            tick(instance)
        assert len(str(caught.value.description).splitlines()) == 1


class TestFolder:
    """On disk, folders tell by their times."""

    @pytest.fixture
    def storage(self, monkeypatch: pytest.MonkeyPatch, new_place: PlaceMaker) -> Storage:
        place = new_place("local")
        monkeypatch.setenv("OPENLIB_STORAGE", place.root)
        return place.open()

    def test_snapshots_that_appear_are_recorded_once(
        self, storage: Storage, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        love, france = sorted(bronze)
        baseline = tick_cursor(instance, None)
        put(storage, {love: bronze[love]})
        first = kept_tick(instance, baseline)
        assert set(recorded(first)) == {"love"}
        put(storage, {france: bronze[france]})
        second = kept_tick(instance, first.cursor)
        assert set(recorded(second)) == {FAR_AWAY}
        assert isinstance(kept_tick(instance, second.cursor), dg.SkipReason)

    def test_what_lay_there_before_the_first_tick_is_left_alone(
        self, storage: Storage, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        put(storage, bronze)
        cursor = tick_cursor(instance, None)
        assert isinstance(kept_tick(instance, cursor), dg.SkipReason)
        assert instance.get_dynamic_partitions("subjects") == []

    def test_a_snapshot_of_this_moment_is_looked_at_again(
        self,
        storage: Storage,
        instance: dg.DagsterInstance,
        new_bronze: dict[str, bytes],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        cursor = tick_cursor(instance, None)
        (made, *_) = (made_at(path, data, datetime.now(UTC)) for path, data in new_bronze.items())
        put(storage, dict([made]))
        cursor = tick_cursor(instance, cursor)
        monkeypatch.setattr("openlib_assets.defs.sensors.arrivals._OURS_SECONDS", -1)
        assert set(recorded(kept_tick(instance, cursor))) == {"love"}

    def test_a_folder_that_is_moved_there_with_its_old_times_is_noticed(
        self, storage: Storage, instance: dg.DagsterInstance, bronze: dict[str, bytes], tmp_path: Path
    ) -> None:
        love, france = sorted(bronze)
        elsewhere = open_storage(str(tmp_path))
        put(elsewhere, {love: bronze[love]})
        put(storage, {france: bronze[france]})
        cursor = tick_cursor(instance, None)
        folder = layout.snapshots_folder("love")
        time.sleep(0.05)  # the clock of a file system ticks seldom
        Path(elsewhere.uri(folder)).rename(storage.uri(folder))
        assert set(recorded(kept_tick(instance, cursor))) == {"love"}

    def test_a_file_that_was_half_there_is_looked_at_again(
        self, storage: Storage, instance: dg.DagsterInstance, bronze: dict[str, bytes]
    ) -> None:
        cursor = tick_cursor(instance, None)
        put(storage, {path: data[:100] for path, data in bronze.items()})
        cursor = tick_cursor(instance, cursor)
        for path, data in bronze.items():
            Path(storage.uri(path)).write_bytes(data)  # changes no folder
        assert set(recorded(kept_tick(instance, cursor))) == {"love", FAR_AWAY}

    def test_a_foreign_folder_is_left_alone(self, storage: Storage, instance: dg.DagsterInstance) -> None:
        baseline = tick_cursor(instance, None)
        put(storage, {"bronze/raw_works/subject=Not%20A%20Key/snapshot=20200101T000000Z/part-0.parquet": b"x"})
        put(storage, {"bronze/raw_works/other/part-0.parquet": b"x"})
        put(storage, {layout.snapshot_file("hate", "20200101T000000Z"): b"no Parquet"})
        assert isinstance(kept_tick(instance, baseline), dg.SkipReason)


def tick_cursor(instance: dg.DagsterInstance, cursor: str | None) -> str:
    """Evaluate the sensor where it has nothing to do, and give the cursor that it leaves."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        assert isinstance(storage_events(context), dg.SkipReason)
        assert context.cursor is not None
        return context.cursor


def test_what_a_folder_keeps_fresh_from_a_snapshot_that_arrived(
    tmp_path: Path, bronze: dict[str, bytes], instance: dg.DagsterInstance
) -> None:
    """The rest of the subject is made from the recorded snapshot alone: Open Library is not asked."""
    with Sandbox(SandboxConfig({})) as sandbox:
        pipeline = Pipeline(Place(str(tmp_path), {}), instance, sandbox.url)
        with environment(pipeline.variables):
            baseline = tick_cursor(instance, None)
            put(pipeline.storage, bronze)
            result = kept_tick(instance, baseline)
            assert set(recorded(result)) == {"love", FAR_AWAY}
            assert pipeline.run("love", job="rebuild_from_bronze").success
    assert pipeline.table(layout.table_file("silver", "books", "love")).num_rows == 7
