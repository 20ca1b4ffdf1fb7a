"""The sensor that follows the storage: the watch list, and snapshots that others put there."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import dagster as dg

from openlib_assets.defs.jobs import ALL
from openlib_assets.defs.partitions import SUBJECTS, SUBJECTS_A_RUN, run_tags, stretches, subjects
from openlib_assets.defs.sensors.arrivals import Arrivals, arrivals_of
from openlib_assets.defs.sensors.cursors import left_by_tick_before
from openlib_assets.defs.sensors.events_folder import changes_since
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.changes import Changes, changes_of
from openlib_assets.lake.contract import BOOKS, RAW_WORKS
from openlib_assets.lake.watch_list import NoWatchListError, read_watch_list
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage, Storage, open_storage
from openlib_assets.storage.errors import OpenlibError

# A tick has 60 seconds; what is left over comes with the next one.
_MOST_NEW_SUBJECTS = 500
_MOST_MESSAGES = 200

# With a queue, the watch list is read this often although no event told of it.
_LOOK_SECONDS = 600

# On disk, a file that cannot be read may still be on its way.
_UNREADABLE_SECONDS = 600


@dataclass
class _Cursor:
    """What a tick leaves to the next one.

    `problems` of the watch list that were told; `listed`, a hash of the subjects on it; `without_data`, those that
    lacked data when it last changed and are still to be run; `looked_at`, when it was read (seconds since 1970); the
    `receipts` of messages that were dealt with; `folder_time`, up to when changes on disk were seen; `again`, the
    folders on disk to look at once more, and since when.
    """

    problems: list[str] = field(default_factory=list)
    listed: str = ""
    without_data: list[str] = field(default_factory=list)
    looked_at: float = 0.0
    receipts: list[str] = field(default_factory=list)
    folder_time: int | None = None
    again: dict[str, float] = field(default_factory=dict)


@dg.sensor(
    name="storage_events",
    job_name=ALL,
    minimum_interval_seconds=15,
    description=(
        "Follows the watch list: a new subject on it becomes a partition and is run. Partitions are never removed. "
        "When the list has changed, subjects on it that are registered and have no data are run, too. "
        "An unusable entry is reported and skipped; a list that cannot be read is an error, not an empty list. "
        "Follows bronze: a snapshot that arrived from elsewhere is recorded, and keep_fresh makes the rest from it. "
        "Learns of both from the queue OPENLIB_EVENTS_QUEUE; without one, polls the list, and bronze on disk."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def storage_events(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Add partitions for new subjects and start their runs; record snapshots that arrived from elsewhere."""
    try:
        settings = Settings.from_env()
        cursor = left_by_tick_before(context, _Cursor, _Cursor())
        storage = open_storage(settings.storage)
        changes, arrivals = _heard(context, settings, storage, cursor)
        due = _is_due(settings, cursor, changes)
        new, said = _wanted(context, settings, storage, cursor, arrivals) if due else ([], "no event of the watch list")
    except OpenlibError as error:
        raise dg.Failure(str(error)) from None
    if not new and not arrivals.events:
        context.update_cursor(json.dumps(asdict(cursor)))
        return dg.SkipReason(said)
    arrived = {event.partition for event in arrivals.events if event.partition}
    registered = context.instance.get_dynamic_partitions(SUBJECTS)
    added = sorted({*new, *arrived} - set(registered))
    return dg.SensorResult(
        dynamic_partitions_requests=[subjects.build_add_request(added)],
        run_requests=[
            dg.RunRequest(tags=dict(run_tags(stretch)))
            for place in (registered, added)  # between the two, somebody else may register others meanwhile
            for stretch in stretches(place, set(new) - arrived, SUBJECTS_A_RUN)
        ],
        asset_events=arrivals.events,
        cursor=json.dumps(asdict(cursor)),
    )


def _heard(
    context: dg.SensorEvaluationContext, settings: Settings, storage: Storage, cursor: _Cursor
) -> tuple[Changes, Arrivals]:
    """Return what events told, and what became of the snapshots among it; the cursor goes on."""
    if settings.events_queue:
        return _heard_from_queue(context, settings.events_queue, settings, storage, cursor)
    if storage.kind != LocalStorage.kind:
        return Changes(), Arrivals()
    changes, cursor.folder_time = changes_since(Path(storage.uri()), cursor.folder_time)
    arrivals = arrivals_of(context, storage, {*changes.folders, *cursor.again})
    now = time.time()
    since = {folder: cursor.again.get(folder, now) for folder in arrivals.unsettled | arrivals.unreadable}
    cursor.again = {
        folder: first
        for folder, first in since.items()
        if folder in arrivals.unsettled or now - first < _UNREADABLE_SECONDS
    }
    return changes, arrivals


def _heard_from_queue(
    context: dg.SensorEvaluationContext, url: str, settings: Settings, storage: Storage, cursor: _Cursor
) -> tuple[Changes, Arrivals]:
    """Drain the queue.

    A message is deleted by the tick after the one that dealt with it, when Dagster has stored what came of it: if the
    daemon dies before, the message comes again, and nothing new comes of it a second time.
    """
    # Loads boto3, which those without a queue should not wait for.
    from openlib_assets.defs.sensors.events_queue import EventsQueue, NotAnEventError, addresses_in  # noqa: PLC0415

    queue = EventsQueue(url)
    queue.delete(cursor.receipts)
    told = {}
    for message in queue.receive(_MOST_MESSAGES):
        try:
            told[message] = changes_of(addresses_in(message), settings.storage, settings.subjects)
        except NotAnEventError as error:
            context.log.warning(f"left in the queue: {error}")
    changes = Changes(
        any(one.watch_list for one in told.values()), frozenset().union(*(one.folders for one in told.values()))
    )
    arrivals = arrivals_of(context, storage, changes.folders)
    queue.put_off((message for message, one in told.items() if one.folders & arrivals.unsettled), arrivals.settles_in)
    left = arrivals.unsettled | arrivals.unreadable
    arrived = {layout.subject_folder(event.partition) for event in arrivals.events if event.partition}
    settled = {message: one for message, one in told.items() if not one.folders & left}
    cursor.receipts = [message.receipt for message, one in settled.items() if one.watch_list or one.folders & arrived]
    # Of these nothing comes, so that nothing can be lost.
    queue.delete([message.receipt for message in settled if message.receipt not in cursor.receipts])
    return changes, arrivals


def _is_due(settings: Settings, cursor: _Cursor, changes: Changes) -> bool:
    """Tell whether to read the watch list: always without a queue, else on an event and now and then."""
    return not settings.events_queue or changes.watch_list or time.time() - cursor.looked_at > _LOOK_SECONDS


def _wanted(
    context: dg.SensorEvaluationContext, settings: Settings, storage: Storage, cursor: _Cursor, arrivals: Arrivals
) -> tuple[list[str], str]:
    """Return the subjects of the watch list to run, and what to say if there are none."""
    try:
        watch_list = read_watch_list(settings.subjects)
    except NoWatchListError as error:
        return [], str(error)
    except OpenlibError as error:
        if not arrivals.events:
            raise
        context.log.warning(str(error))  # at the next tick it fails the tick
        return [], str(error)
    for problem in watch_list.problems:
        if problem not in cursor.problems:
            context.log.warning(f"skipped: {problem}")
    cursor.problems = watch_list.problems
    known = set(context.instance.get_dynamic_partitions(SUBJECTS))
    new = [key for key in watch_list.keys if key not in known]
    listed = hashlib.sha256(json.dumps(watch_list.keys).encode()).hexdigest()
    if listed != cursor.listed:
        # Once for each change: one whose run fails has no data after that, either.
        there = [key for key in watch_list.keys if key in known]
        cursor.without_data = _without_data(context.instance, storage, there)
        cursor.listed = listed
    new += [key for key in cursor.without_data if key in known]
    if len(new) <= _MOST_NEW_SUBJECTS:
        cursor.looked_at = time.time()
    new = new[:_MOST_NEW_SUBJECTS]
    cursor.without_data = [key for key in cursor.without_data if key not in new]
    if new:
        context.log.info(f"{len(new)} new in {settings.subjects}: {', '.join(new)}")
    return new, f"all {len(watch_list.keys)} subjects of {settings.subjects} are known"


def _without_data(instance: dg.DagsterInstance, storage: Storage, keys: Sequence[str]) -> list[str]:
    """Return the subjects, of those registered, that have no snapshot and no run that could be about to write one."""
    raw_works = dg.AssetKey(RAW_WORKS.name)
    folders = set(storage.folders(layout.SNAPSHOTS)) if keys else set()
    made = set(storage.folders(f"{BOOKS.layer}/{BOOKS.name}")) if keys else set()

    def has_snapshot(key: str) -> bool:
        """Tell it also of a folder in which a run was killed before there was a file."""
        folder = layout.subject_folder(key)
        return folder in folders and (folder in made or bool(snapshot_names(storage, key)))

    def is_run(key: str) -> bool:
        planned = instance.get_latest_planned_materialization_info(raw_works, key)
        run = instance.get_run_by_id(planned.run_id) if planned else None
        return run is not None and not run.is_finished

    return [key for key in keys if not has_snapshot(key) and not is_run(key)]
