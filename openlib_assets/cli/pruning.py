"""What `openlib prune` removes: bronze snapshots older than the newest, and runs that newer ones have replaced."""

import dagster as dg

from openlib_assets.defs.steps.records import latest_records
from openlib_assets.defs.steps.run_state import said_in_run
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.contract import SNAPSHOT_TABLES
from openlib_assets.storage import Storage

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def old_snapshots(storage: Storage, keep: int) -> list[str]:
    """Return the paths of all snapshots but the `keep` newest of each subject, of its works and of its details."""
    old = []
    for table in SNAPSHOT_TABLES:
        for folder in storage.folders(f"{table.layer}/{table.name}"):
            if subject := layout.subject_of_folder(folder):
                names = snapshot_names(storage, subject, table)[:-keep]
                old += [layout.snapshot_file(subject, name, table.name) for name in names]
    return old


def replaced_runs(instance: dg.DagsterInstance) -> list[str]:
    """Return the finished runs, oldest first, of which nothing is needed any more.

    Deleting a run deletes its events. So the run that made the current data of an asset and a subject stays, whenever
    it was started, and so does the newest one in which a subject failed, since only that tells why.
    """
    needed = _runs_of_latest_materializations(instance) | _newest_failures(instance)
    finished = instance.get_runs(filters=dg.RunsFilter(statuses=_FINISHED), ascending=True)
    return [run.run_id for run in finished if run.run_id not in needed]


def _runs_of_latest_materializations(instance: dg.DagsterInstance) -> set[str]:
    runs = set()
    for asset in instance.get_asset_keys():
        runs |= {record.run_id for record in latest_records(instance, asset).values()}
        if last := instance.get_latest_materialization_event(asset):  # of an asset without partitions, the only one
            runs.add(last.run_id)
    return runs


def _newest_failures(instance: dg.DagsterInstance) -> set[str]:
    """Return the run of the newest failure of each subject, and of what is made across subjects."""
    records = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    newest: dict[str | None, str] = {}
    for record in sorted(records, key=lambda record: record.end_time or 0.0):
        run_id = record.dagster_run.run_id
        newest |= dict.fromkeys(_failed_in(instance, run_id), run_id)
    return set(newest.values())


def _failed_in(instance: dg.DagsterInstance, run_id: str) -> set[str | None]:
    """Return the subjects that failed in a run; all that it was to make where it did not get to say it."""
    if failed := {subject for said in said_in_run(instance, run_id).values() for subject in said.failed}:
        return {*failed}
    planned = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    return {entry.get_dagster_event().partition for entry in planned}
