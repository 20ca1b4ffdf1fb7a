"""What is old enough to go: bronze snapshots behind the newest, runs that newer ones have replaced."""

import dagster as dg

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.storage import Storage

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def old_snapshots(storage: Storage, keep: int) -> list[str]:
    """Return the paths of all snapshots but the `keep` newest of each subject."""
    old = []
    for folder in storage.folders(layout.SNAPSHOTS):
        if subject := layout.subject_of_folder(folder):
            old += [layout.snapshot_file(subject, name) for name in snapshot_names(storage, subject)[:-keep]]
    return old


def replaced_runs(instance: dg.DagsterInstance) -> list[str]:
    """Return the finished runs, oldest first, that hold no asset's latest materialization of any partition.

    Deleting a run deletes its events, so a run that still says when a table was made must stay.
    """
    latest: set[tuple[dg.AssetKey, str | None]] = set()
    replaced = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_FINISHED)):
        made = {
            (event.dagster_event.asset_key, event.dagster_event.partition)
            for event in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
            if event.dagster_event and event.dagster_event.asset_key
        }
        if made <= latest:
            replaced.append(run.run_id)
        latest |= made
    return replaced[::-1]
