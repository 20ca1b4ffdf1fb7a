"""What is made across all subjects, in this process, on a Dagster instance: whether it is current, and making it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import dagster as dg

from openlib_assets.cli.runs import QUIET, execute, reason_of
from openlib_assets.cli.stopped_runs import interrupted
from openlib_assets.defs.assets import catalog, comparison, database, store_catalogue, store_matches, warehouse
from openlib_assets.defs.assets.store import is_read
from openlib_assets.defs.jobs import ACROSS, STORE
from openlib_assets.defs.partitions import SUBJECTS
from openlib_assets.defs.ui_metadata import LEFT_OUT, URI_METADATA
from openlib_assets.lake import layout
from openlib_assets.lake.contract import STORE_MATCHES, Layer
from openlib_assets.lake.database.connecting import Target
from openlib_assets.lake.database.loading import is_loaded
from openlib_assets.lake.iceberg.catalogue import Place, is_registered
from openlib_assets.lake.store.catalogue import StoreFile
from openlib_assets.lake.warehouse import versions
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

# What is made across subjects, and what that is made from, lies in these folders and files of a root.
_AT_THE_TOP = {*Layer, layout.REPORTS, layout.CATALOG, layout.WAREHOUSE_DATABASE}
# How many records of an asset are looked through, where the last is of another root.
_LOOKED_AT = 500


class AcrossSubjectsError(OpenlibError):
    """What is made across all subjects could not be made."""


def across_subjects_is_current(
    instance: dg.DagsterInstance,
    storage: Storage,
    store: StoreFile | None,
    target: Target | None = None,
    place: Place | None = None,
) -> bool:
    """Tell whether what is made across all subjects was made after all that it is made from, and is still there.

    Nor may a subject be in it that is no longer registered.

    What a database and a catalogue of Iceberg tables hold is not looked at, but what was last put into them. What was
    made at another root, as a run may be told to, does not count.
    """
    if target and not is_loaded(storage, target):
        return False
    if place and not is_registered(storage, place):
        return False
    version = versions.current(storage)
    if version is None or version.subjects.keys() - instance.get_dynamic_partitions(SUBJECTS):
        return False
    matches = layout.shared_table_file(STORE_MATCHES.layer, STORE_MATCHES.name)
    paths = {
        warehouse: layout.WAREHOUSE_POINTER,
        catalog: layout.CATALOG,
        comparison: layout.COMPARISON,
        database: layout.WAREHOUSE_DATABASE,
        **({store_matches: matches} if store else {}),
    }
    # What a step makes of several tables, it makes at once.
    own = {asset: min(asset.keys) for asset in paths}
    deps = {asset: {dep.asset_key for spec in asset.specs for dep in spec.deps} for asset in paths}
    latest = instance.event_log_storage.get_latest_materialization_events({*own.values(), *chain(*deps.values())})
    records = _Records(instance, storage, {key: event for key, event in latest.items() if event})
    made = {asset: event for asset, key in own.items() if (event := records.made_here(key))}
    if len(made) < len(own):
        return False
    runs = instance.get_run_records(dg.RunsFilter(run_ids=[event.run_id for event in made.values()]))
    began = {record.dagster_run.run_id: record.start_time or 0.0 for record in runs}
    return all(
        storage.exists(paths[asset])
        and all(records.has_seen(event, began.get(event.run_id, 0.0), dep) for dep in deps[asset])
        for asset, event in made.items()
    )


@dataclass(frozen=True)
class _Records:
    """What is recorded of assets: the last of each at any root, and from it on what lies at this one."""

    instance: dg.DagsterInstance
    storage: Storage
    last: Mapping[dg.AssetKey, dg.EventLogEntry]

    def made_here(self, key: dg.AssetKey) -> dg.EventLogEntry | None:
        """Return the last materialization of an asset at this root, if it is not long ago."""
        last = self.last.get(key)
        if last is None or self._is_here(last):
            return last
        return next(filter(self._is_here, self._entries(key)), None)

    def has_seen(self, made: dg.EventLogEntry, began: float, key: dg.AssetKey) -> bool:
        """Tell whether an asset, made in a run that began then, is of what was recorded last of a dep at this root.

        What came while it was made may not be in it.
        """

        def is_older(entry: dg.EventLogEntry) -> bool:
            return entry.timestamp < (made.timestamp if entry.run_id == made.run_id else began)

        last = self.last.get(key)
        if last is None or is_older(last):
            return True
        if self._is_here(last):
            return False
        entries = self._entries(dg.AssetRecordsFilter(asset_key=key, after_timestamp=began))
        # To make the asset again costs less than to look at more of them, and afterwards it is newer than all.
        return len(entries) < _LOOKED_AT and not any(self._is_here(entry) and not is_older(entry) for entry in entries)

    def _entries(self, some: dg.AssetKey | dg.AssetRecordsFilter) -> list[dg.EventLogEntry]:
        """Return the last materializations of an asset, the newest first."""
        return [record.event_log_entry for record in self.instance.fetch_materializations(some, _LOOKED_AT).records]

    def _is_here(self, entry: dg.EventLogEntry) -> bool:
        """Tell whether what was recorded lies at this root; what does not say where it lies may do so."""
        metadata = entry.asset_materialization.metadata if entry.asset_materialization else {}
        if URI_METADATA not in metadata:
            return True
        place, root = str(metadata[URI_METADATA].value), self.storage.uri("_").removesuffix("_")
        # Another root may lie below this one, in a folder of another name.
        return place.startswith(root) and place.removeprefix(root).partition("/")[0] in _AT_THE_TOP


def run_across_subjects(instance: dg.DagsterInstance, definitions: dg.Definitions) -> list[str]:
    """Make all that is made across all subjects again, and return a line for each file that is left out of it.

    Raises AcrossSubjectsError with the reasons.
    """
    told = [metadata.get(LEFT_OUT) for metadata in _run_for_all(instance, definitions, ACROSS)]
    return list(
        dict.fromkeys(line for lines in told if isinstance(lines, dg.JsonMetadataValue) for line in lines.data or ())
    )


def read_store_file(
    instance: dg.DagsterInstance, definitions: dg.Definitions, storage: Storage, store: StoreFile | None
) -> None:
    """Make the store's catalogue, if its file is not the one that it was last made from, or is no longer set.

    Raises AcrossSubjectsError with the reason where the file cannot be read; then the table stays as it was.
    """
    try:
        digest = store.digest() if store else None
    except OpenlibError as error:
        raise AcrossSubjectsError(f"{store_catalogue.key.to_user_string()}: {error}") from error
    if not is_read(instance, storage, digest):
        _run_for_all(instance, definitions, STORE)


def _run_for_all(
    instance: dg.DagsterInstance, definitions: dg.Definitions, job: str
) -> list[Mapping[str, dg.MetadataValue[Any]]]:
    """Run a job of assets that there are once for all subjects, and return what was recorded of each."""
    result = execute(instance, definitions.resolve_job_def(job), QUIET)
    if interrupted(result):
        raise KeyboardInterrupt
    if not result.success:
        failures = [f"{event.step_key}: {reason_of(event, result)}" for event in result.get_step_failure_events()]
        raise AcrossSubjectsError("; ".join(failures) or f"the run failed; see run {result.run_id}")
    return [event.materialization.metadata for event in result.get_asset_materialization_events()]
