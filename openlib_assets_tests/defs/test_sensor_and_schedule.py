"""The sensor that follows the watch list, and the monthly refresh."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.instigation_logger import get_instigation_log_records
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.sensor import execute_sensor_iteration

from openlib_assets import definitions
from openlib_assets.defs.partitions import stretches
from openlib_assets.defs.schedules import schedules
from openlib_assets.defs.sensors import overdue_subjects, storage, storage_events
from openlib_assets.lake.watch_list import (
    WatchList,
    WatchListError,
    change_watch_list,
    parse_watch_list,
    read_watch_list,
)
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets_tests.conftest import Place, PlaceMaker
from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS
from openlib_assets_tests.tools.instances import temporary_instance

SHIPPED = yaml.safe_load(files("openlib_assets.defs.instance").joinpath("dagster.yaml").read_bytes())
LIST = """
subjects:
  - Science Fiction
  - place: france
  - "..."
"""


@pytest.fixture(scope="module")
def shared_instance() -> Iterator[dg.DagsterInstance]:
    with temporary_instance() as instance:
        yield instance


@pytest.fixture
def instance(shared_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """A real instance without partitions."""
    # A schedule's context opens it anew.
    monkeypatch.setenv("DAGSTER_HOME", str(shared_instance.root_directory))
    for key in shared_instance.get_dynamic_partitions("subjects"):
        shared_instance.delete_dynamic_partition("subjects", key)
    return shared_instance


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    """Evaluate the sensor, and do with its partitions what the daemon does."""
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        result = storage_events(context)
    if isinstance(result, dg.SensorResult):
        for request in result.dynamic_partitions_requests or ():
            assert isinstance(request, dg.AddDynamicPartitionsRequest)
            instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
    return result


def requested(result: Any, registered: Sequence[str] = ()) -> list[str]:
    """Return the subjects of the runs that a tick asks for, which are new with it, or among those `registered`."""
    assert isinstance(result, dg.SensorResult)
    added = [key for request in result.dynamic_partitions_requests or () for key in request.partition_keys]
    return [key for request in result.run_requests or () for key in covered(request.tags, [*registered, *added])]


def begin_runs(instance: dg.DagsterInstance, result: dg.SensorResult) -> list[str]:
    """Create the runs that a tick asks for, as the daemon does, and leave them under way; return their ids."""
    job = definitions.defs.resolve_job_def("all_assets")
    requests = result.run_requests or ()
    return [
        instance.create_run_for_job(job, tags=dict(one.tags), status=dg.DagsterRunStatus.STARTED).run_id
        for one in requests
    ]


def covered(tags: Mapping[str, str], registered: Sequence[str]) -> list[str]:
    """Return the subjects that a run covers, of those registered."""
    if one := tags.get("dagster/partition"):
        return [one]
    first, last = (tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))
    return list(registered[registered.index(first) : registered.index(last) + 1])


@pytest.mark.parametrize("cursor", ["x", "null", '{"folder_time": "a"}', '{"problems": 3}', '["a"]'])
def test_a_cursor_that_cannot_be_read_is_taken_for_none(
    cursor: str, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path))
    (tmp_path / "subjects.yaml").write_text(LIST)
    assert requested(tick(instance, cursor)) == ["place:france", "science_fiction"]
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        assert isinstance(overdue_subjects(context), dg.SkipReason)


def test_storage_events_become_partitions_and_runs_once_and_nonsense_does_not(
    instance: dg.DagsterInstance, place: Place, storage_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", storage_root)
    place.open().write("subjects.yaml", LIST.encode())
    first = tick(instance)
    assert requested(first) == ["place:france", "science_fiction"]
    begin_runs(instance, first)
    assert instance.get_dynamic_partitions("subjects") == ["place:france", "science_fiction"]

    second = tick(instance, first.cursor)
    assert isinstance(second, dg.SkipReason)
    assert second.skip_message == f"all 2 subjects of {storage_root}/subjects.yaml are known"

    place.open().write("subjects.yaml", (LIST + "  - love\n").encode())
    third = tick(instance, first.cursor)
    assert requested(third) == ["love"]
    assert [tick(instance, third.cursor).skip_message] == [f"all 3 subjects of {storage_root}/subjects.yaml are known"]


def test_a_subject_that_is_registered_and_was_never_fetched_is_run_when_it_comes_on_the_list(
    instance: dg.DagsterInstance, place: Place, storage_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", storage_root)
    files = place.open()
    files.write("bronze/raw_works/subject=had/snapshot=20260101T000000Z/part-0.parquet", b"")
    instance.add_dynamic_partitions("subjects", ["other", "hope", "peace", "had"])
    if place.root.startswith("/"):
        Path(place.root, "bronze/raw_works/subject=hope/snapshot=of-a-killed-run").mkdir(parents=True)
    files.write("subjects.yaml", b"- hope\n- had\n- new\n- peace\n")
    first = tick(instance)
    assert requested(first, ["other", "hope", "peace", "had"]) == ["hope", "peace", "new"]
    (hope_and_peace, _) = begin_runs(instance, first)
    assert isinstance(tick(instance, first.cursor), dg.SkipReason)

    files.write("subjects.yaml", b"- hope\n- peace\n- new\n- more\n")
    second = tick(instance, first.cursor)
    assert requested(second) == ["more"], "the others' runs are under way"
    begin_runs(instance, second)

    # As after `subjects remove --delete-data`: the run has ended, and there is no data.
    run = instance.get_run_by_id(hope_and_peace)
    assert run is not None
    instance.report_run_failed(run)
    files.write("subjects.yaml", b"- more\n- hope\n- new\n")
    assert requested(tick(instance, second.cursor), instance.get_dynamic_partitions("subjects")) == ["hope"]


def test_the_list_may_lie_elsewhere_than_the_data(
    instance: dg.DagsterInstance, place: Place, storage_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path))
    monkeypatch.setenv("OPENLIB_SUBJECTS", f"{storage_root}/lists/mine.yml")
    place.open().write("lists/mine.yml", "- love\n- place:são_paulo\n".encode())
    assert requested(tick(instance)) == ["love", "place:são_paulo"]


def test_a_subject_taken_off_the_list_stays_registered(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path))
    for text in ("[love, hate]", "[love]", "[]"):
        (tmp_path / "subjects.yaml").write_text(text)
        result = tick(instance)
    assert isinstance(result, dg.SkipReason)
    assert set(instance.get_dynamic_partitions("subjects")) == {"love", "hate"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"subjects: [love", "not valid YAML: "),
        (b"\xff\xfe\xfa", "not valid YAML: "),
        (b"", "contains no list of subjects; write 'subjects:', and below it one line '- name' for each"),
        (b"love", "contains no list of subjects; "),
        (b"subjects: love", "contains no list of subjects; "),
        (b"subject: [love]", "contains no list of subjects; "),
        (b"subjects:\n  - *", "not valid YAML: "),
        (b"? [love]\n: war", "not valid YAML: "),
        (b"subjects: [love]\nsubjects: [war]", "line 2: 'subjects' is there twice; put what is below both under one"),
    ],
)
def test_a_list_that_cannot_be_read_is_a_failure_and_not_an_empty_list(
    text: bytes, reason: str, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "list.yaml"
    file.write_bytes(text)
    monkeypatch.setenv("OPENLIB_SUBJECTS", str(file))
    instance.add_dynamic_partitions("subjects", ["love"])
    with pytest.raises(dg.Failure) as caught:
        tick(instance)
    description = str(caught.value.description)
    assert description.startswith(f"{file}: {reason}")
    assert ("YAML" in reason) == description.endswith("; put names with signs in quotes")
    assert len(description.splitlines()) == 1
    assert instance.get_dynamic_partitions("subjects") == ["love"]


def test_s3_that_refuses_is_a_failure(
    instance: dg.DagsterInstance, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", new_place("s3").root)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(dg.Failure, match="no AWS credentials"):
        tick(instance)


def test_before_there_is_a_list_the_sensor_waits_and_says_how_to_make_one(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path))
    result = tick(instance)
    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == (
        f"{tmp_path}/subjects.yaml: there is no watch list yet; create one with: openlib subjects add SUBJECT"
    )


def test_a_setting_that_cannot_be_used_is_a_failure(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_PAGE_SIZE", "many")
    with pytest.raises(dg.Failure, match="OPENLIB_PAGE_SIZE='many': give a whole number"):
        tick(instance)


def test_a_very_long_list_is_taken_up_in_portions(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path))
    monkeypatch.setattr(storage, "_MOST_NEW_SUBJECTS", 5)
    (tmp_path / "subjects.yaml").write_text("".join(f"- subject {number}\n" for number in range(12)))
    sizes = []
    cursor = None
    while isinstance(result := tick(instance, cursor), dg.SensorResult):
        sizes.append(len(requested(result)))
        begin_runs(instance, result)
        cursor = result.cursor
    assert sizes == [5, 5, 2]


def test_of_a_very_long_list_no_subject_whose_run_failed_is_run_again(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path))
    monkeypatch.setattr(storage, "_MOST_NEW_SUBJECTS", 3)
    keys = [f"s{number}" for number in range(10)]
    instance.add_dynamic_partitions("subjects", keys[:8])
    (tmp_path / "subjects.yaml").write_text("".join(f"- {key}\n" for key in keys))
    run: list[str] = []
    cursor = None
    while isinstance(result := tick(instance, cursor), dg.SensorResult):
        run += requested(result, instance.get_dynamic_partitions("subjects"))
        for run_id in begin_runs(instance, result):
            begun = instance.get_run_by_id(run_id)
            assert begun is not None
            instance.report_run_failed(begun)
        cursor = result.cursor
    assert sorted(run) == keys


def test_runs_take_up_to_25_neighbours_each_and_leave_nobody_out() -> None:
    registered = [f"s{number:02}" for number in range(60)]
    wanted = set(registered) - {"s30"}
    runs = list(stretches(registered, wanted, 25))
    assert [len(run) for run in runs] == [25, 5, 25, 4]
    assert [key for run in runs for key in run] == sorted(wanted)
    assert list(stretches(registered, ["elsewhere"], 25)) == []
    assert list(stretches(registered, registered)) == [registered]


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("1984", "1984"),
        ("0", "0"),
        ("007", "007"),
        ("0123", "0123"),
        ("0x1F", "0x1f"),
        ("9:11", "911"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("1.5", "1.5"),
        ("2024-01-01", "2024-01-01"),
        ("null", "null"),
        ("~", "~"),
        ("true", "true"),
        ("No", "no"),
        ("time: 1984", "time:1984"),
        ("!!int '7'", "7"),
        ("place: france", "place:france"),
        ("place:france", "place:france"),
        ("person: Sherlock Holmes", "person:sherlock_holmes"),
        ("time: 20th century", "time:20th_century"),
        ("'Cooking: basics'", "cooking_basics"),
        ("https://openlibrary.org/subjects/science_fiction", "science_fiction"),
        ("Love, ", "love"),
    ],
)
def test_an_entry_means_what_people_mean_by_it(entry: str, key: str) -> None:
    watch_list = parse_watch_list(f"subjects:\n  - {entry}\n".encode(), "list")
    assert watch_list.keys == [key]
    assert watch_list.problems == []


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "[love, hate]",
        "{a: b, c: d}",
        "colour: red",
        "place: [france]",
        "...x",
        "''",
        "place:",
        "!!python/object/apply:os.getcwd []",
    ],
)
def test_an_entry_that_is_no_subject_is_one_clear_line_and_the_others_go_on(entry: str) -> None:
    watch_list = parse_watch_list(f"subjects:\n  - love\n  - {entry}\n  - hate\n".encode(), "list")
    assert watch_list.keys == ["love", "hate"]
    (problem,) = watch_list.problems
    assert problem.startswith("list, entry 2: ")
    assert " is not a " in problem
    assert len(problem.splitlines()) == 1


def test_a_list_without_a_heading_is_a_list_and_doubles_count_once() -> None:
    assert parse_watch_list(b"- Love\n- love\n- hate\n- /subjects/love\n", "list").keys == ["love", "hate"]


def test_what_is_written_is_read_again(storage_root: str) -> None:
    address = f"{storage_root}/lists/subjects.yaml"
    with pytest.raises(WatchListError, match="there is no watch list yet"):
        read_watch_list(address)
    keys = ["1984", "place:são_paulo", "true", "null", "2024-01-01", "a'b", "person:o'brien", "'", "-_x", "~"]
    change_watch_list(address, add=keys)
    assert read_watch_list(address) == WatchList(keys, [])
    change_watch_list(address, add=["love"], remove=["null", "'"])
    assert read_watch_list(address).keys == [key for key in [*keys, "love"] if key not in ("null", "'")]


def test_whoever_changes_a_list_at_the_same_time_loses_nothing(tmp_path: Path) -> None:
    address, names = str(tmp_path / "list.yaml"), [f"subject_{number:02d}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(change_watch_list, address, add=[name]) for name in names]:
            done.result()
    assert sorted(read_watch_list(address).keys) == names
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["list.yaml"]


def test_names_that_a_reader_of_yaml_could_take_for_something_else_are_written_in_quotes(tmp_path: Path) -> None:
    odd = ["007", "1e3", "1_000", "0x1f", "1.5", "2024-01-01", "null", "true", "no", "~", "*", ".5", "-"]
    change_watch_list(str(tmp_path / "list.yaml"), add=[*odd, "love", "place:france", "1984"])
    lines = [*(f"- '{name}'" for name in odd), "- love", "- place:france", "- '1984'"]
    assert (tmp_path / "list.yaml").read_text() == "\n".join(["subjects:", *lines, ""])


(monthly_refresh,) = schedules(Settings())


def evaluate_schedule(instance: dg.DagsterInstance, when: datetime) -> list[Any]:
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=when) as context:
        requests: Any = monthly_refresh(context)
        return list(requests)


def test_once_a_month_every_registered_subject_is_run(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("subjects", ["place:france", "love"])
    november = evaluate_schedule(instance, datetime(2026, 11, 1, 3, tzinfo=UTC))
    december = evaluate_schedule(instance, datetime(2026, 12, 1, 3, tzinfo=UTC))
    for requests in (november, december):
        (request,) = requests
        assert covered(request.tags, ["place:france", "love"]) == ["place:france", "love"]
    assert len({request.run_key for request in november + december}) == 2
    assert evaluate_schedule(instance, datetime(2026, 11, 1, 3, tzinfo=UTC)) == november
    assert monthly_refresh.cron_schedule == "0 3 1 * *"
    assert monthly_refresh.execution_timezone == "UTC"


def test_without_a_registered_subject_the_schedule_says_what_to_do(instance: dg.DagsterInstance) -> None:
    (reason,) = evaluate_schedule(instance, datetime(2026, 11, 1, 3, tzinfo=UTC))
    assert isinstance(reason, dg.SkipReason)
    assert reason.skip_message == "no subject is registered; add one with: openlib subjects add SUBJECT"


def test_the_daemon_adds_partitions_and_runs_them_and_at_the_next_tick_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The definitions as a code location, the daemon's own evaluation, and real runs on a sandbox."""
    root = tmp_path / "data"
    root.mkdir()
    (root / "subjects.yaml").write_text(LIST)
    with Sandbox(SandboxConfig({"science_fiction": 5, "place:france": 6})) as sandbox:
        monkeypatch.setenv("OPENLIB_API_URL", sandbox.url)
        monkeypatch.setenv("OPENLIB_STORAGE", str(root))
        monkeypatch.setenv("OPENLIB_REQUESTS_PER_SECOND", "1000")
        target = ModuleTarget("openlib_assets.definitions", None, str(tmp_path), "openlib_assets")
        with (
            dg.instance_for_test({"storage": SHIPPED["storage"]}, synchronous_run_coordinator=True) as instance,
            create_test_daemon_workspace_context(target, instance) as workspace,
        ):
            first, second, third = daemon_ticks(workspace, instance, 3)
            assert ended_runs(instance) == {
                "place:france": dg.DagsterRunStatus.SUCCESS,
                "science_fiction": dg.DagsterRunStatus.SUCCESS,
            }
            assert instance.get_dynamic_partitions("subjects") == ["place:france", "science_fiction"]
            assert first.status == TickStatus.SUCCESS
            (warning,) = warnings(instance, first)
            assert warning.endswith(
                f"skipped: {root}/subjects.yaml, entry 3: '...' is not a usable subject: it contains '...', which a "
                "partition key must not"
            )
            for later in (second, third):
                assert later.status == TickStatus.SKIPPED
                assert later.skip_reason == f"all 2 subjects of {root}/subjects.yaml are known"
                assert warnings(instance, later) == []
        assert (root / "exports/place%3Afrance/books.csv").exists()
        assert (root / "exports/science_fiction/books.csv").exists()


def ended_runs(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRunStatus]:
    """Wait until all runs have ended; give what became of each subject, of which no two runs took the same."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(run.is_finished for run in instance.get_runs()):
        assert time.monotonic() < deadline, "a run does not end"
        time.sleep(0.1)
    runs = instance.get_runs()
    registered = instance.get_dynamic_partitions("subjects")
    by_subject = [(key, run.status) for run in runs for key in covered(run.tags, registered)]
    assert len(dict(by_subject)) == len(by_subject)
    return dict(by_subject)


def daemon_ticks(
    workspace: WorkspaceProcessContext, instance: dg.DagsterInstance, count: int
) -> Sequence[InstigatorTick]:
    """Let the daemon evaluate the sensor, each time more than its interval after the last; give the ticks."""
    start = datetime.now(UTC)
    for number in range(count):
        with freeze_time(start + timedelta(minutes=2 * number)):
            for error in execute_sensor_iteration(workspace, logging.getLogger("daemon"), None, None):
                assert error is None, error
    (state,) = (state for state in instance.all_instigator_state() if state.name == "storage_events")
    return list(reversed(instance.get_ticks(state.instigator_origin_id, state.selector_id)))


def warnings(instance: dg.DagsterInstance, tick: InstigatorTick) -> list[str]:
    """Return what a tick logged as a warning, as the UI shows it."""
    if tick.log_key is None:
        return []
    records = get_instigation_log_records(instance, tick.log_key)
    return [record["msg"] for record in records if record["levelname"] == "WARNING"]
