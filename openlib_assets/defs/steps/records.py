"""What the instance has recorded of subjects: the latest materialization of each, and the versions that it tells.

Dagster records one version of the data for all partitions of an output; here each subject has its own, in the tags by
which Dagster itself tells what is out of date.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    DEFAULT_DATA_VERSION,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES as COMPLETED,
)

from openlib_assets.defs.instance.event_log import EventLogStorage

# As many as the databases below Dagster take in one query.
_AT_A_TIME = 500


def latest_records(
    instance: dg.DagsterInstance, asset: dg.AssetKey, subjects: Collection[str] | None = None
) -> dict[str, dg.EventLogRecord]:
    """Return the record of the latest materialization of each subject, or of some of them, if it has one."""
    found: dict[str, dg.EventLogRecord] = {}
    ordered = sorted(latest_ids(instance, asset, subjects).values())
    for start in range(0, len(ordered), _AT_A_TIME):
        some = ordered[start : start + _AT_A_TIME]
        page = instance.fetch_materializations(dg.AssetRecordsFilter(asset_key=asset, storage_ids=some), len(some))
        found |= {record.partition_key: record for record in page.records if record.partition_key}
    return found


def latest_record(instance: dg.DagsterInstance, asset: dg.AssetKey, subject: str) -> dg.EventLogRecord | None:
    """Return the record of the latest materialization of a subject, in one query."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[subject])
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def just_recorded(instance: dg.DagsterInstance, asset: dg.AssetKey, subject: str) -> dg.EventLogRecord | None:
    """Return the record of a subject that this process has just stored, without a query where the storage knows it."""
    storage = instance.event_log_storage
    last = storage.last_materialization if isinstance(storage, EventLogStorage) else None
    is_it = last and (last.asset_key, last.partition_key) == (asset, subject)
    return last if is_it else latest_record(instance, asset, subject)


def verified_at(record: dg.EventLogRecord) -> float:
    """Return when the snapshot of a record of `raw_works` was last found to be current, in seconds since 1970.

    One that arrived from elsewhere was fetched before it was recorded; what somebody reported by hand may not tell.
    """
    metadata = record.asset_materialization.metadata if record.asset_materialization else {}
    told = metadata.get("verified_at")
    return told.value if isinstance(told, dg.TimestampMetadataValue) else record.timestamp


def last_evaluations(
    instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey], subject: str
) -> list[dg.AssetCheckEvaluation]:
    """Return the last evaluation of each check of a subject, of those that were ever evaluated."""
    wanted, storage = PartitionKeyFilter(key=subject), instance.event_log_storage
    found = [storage.get_asset_check_execution_history(check, 1, None, COMPLETED, wanted) for check in sorted(checks)]
    return [record.evaluation for records in found for record in records if record.evaluation]


def latest_ids(
    instance: dg.DagsterInstance, asset: dg.AssetKey, subjects: Collection[str] | None = None
) -> dict[str, int]:
    """Return the storage id of the latest materialization of each subject, or of some of them, if it has one."""
    stretches: list[set[str] | None] = [None] if subjects is None else [set(some) for some in _stretches(subjects)]
    return {
        subject: storage_id
        for some in stretches
        for subject, storage_id in instance.get_latest_storage_id_by_partition(
            asset, dg.DagsterEventType.ASSET_MATERIALIZATION, partitions=some
        ).items()
    }


def data_versions(instance: dg.DagsterInstance, asset: dg.AssetKey, subjects: Collection[str]) -> dict[str, str]:
    """Return the version of the data of each subject, as last recorded, of those that have one."""
    return {
        subject: tags[DATA_VERSION_TAG]
        for some in _stretches(subjects)
        for subject, tags in instance.event_log_storage.get_latest_tags_by_partition(
            asset, dg.DagsterEventType.ASSET_MATERIALIZATION, tag_keys=[DATA_VERSION_TAG], asset_partitions=some
        ).items()
    }


def code_versions(instance: dg.DagsterInstance, asset: dg.AssetKey, subjects: Collection[str]) -> dict[str, str]:
    """Return the version of the code that made each subject, as last recorded, of those that have one."""
    return {
        subject: tags[CODE_VERSION_TAG]
        for subject, tags in _latest_tags(instance, asset, subjects)
        if CODE_VERSION_TAG in tags
    }


def made_from_another(
    instance: dg.DagsterInstance, asset: dg.AssetKey, parent: dg.AssetKey, subjects: Collection[str]
) -> set[str]:
    """Return the subjects last made from another version of a parent, one for all subjects, than it has now."""
    shared = _shared_record(instance, parent)
    version = _tags(shared).get(DATA_VERSION_TAG) if shared else None
    tag = get_input_data_version_tag(parent)
    return {
        subject
        for subject, tags in (_latest_tags(instance, asset, subjects) if version else ())
        if tags.get(tag, version) != version
    }


class Versions:
    """The versions of an asset and of what it is made from, for some subjects, as they are recorded now."""

    def __init__(self, instance: dg.DagsterInstance, spec: dg.AssetSpec, subjects: Collection[str]) -> None:
        self._instance = instance
        self._spec = spec
        self._subjects = subjects
        self._parents = sorted({dep.asset_key for dep in spec.deps})
        self._data = {parent: data_versions(instance, parent, subjects) for parent in self._parents}
        self._ids = {parent: latest_ids(instance, parent, subjects) for parent in self._parents}
        for parent in self._parents:
            # Made for no subject: nothing was made yet, or it is there once for all of them.
            shared = None if self._ids[parent] else _shared_record(instance, parent)
            if shared:
                self._ids[parent] = dict.fromkeys(subjects, shared.storage_id)
                self._data[parent] = dict.fromkeys(
                    subjects, _tags(shared).get(DATA_VERSION_TAG, DEFAULT_DATA_VERSION.value)
                )

    def tags(self, subject: str, data_version: str) -> dict[str, str]:
        """Return the tags of a new record of a subject."""
        code_version = self._spec.code_version
        return {
            **({} if code_version is None else {CODE_VERSION_TAG: code_version}),
            DATA_VERSION_TAG: data_version,
            DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
            **self._inputs(subject),
            **{
                get_input_event_pointer_tag(parent): str(self._ids[parent].get(subject, NULL_EVENT_POINTER))
                for parent in self._parents
            },
        }

    def current(self) -> dict[str, str]:
        """Return the version of each subject that was made, the last time, from what is there now by the same code."""
        return {
            subject: tags[DATA_VERSION_TAG]
            for subject, tags in _latest_tags(self._instance, self._spec.key, self._subjects)
            if self._spec.code_version is not None
            and tags.get(CODE_VERSION_TAG) == self._spec.code_version
            and self._inputs(subject).items() <= tags.items()
            and DATA_VERSION_TAG in tags
        }

    def _inputs(self, subject: str) -> dict[str, str]:
        missing = DEFAULT_DATA_VERSION.value  # which Dagster takes for no change, as long as there is no data
        return {
            get_input_data_version_tag(parent): self._data[parent].get(subject, missing) for parent in self._parents
        }


def _latest_tags(
    instance: dg.DagsterInstance, asset: dg.AssetKey, subjects: Collection[str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield each subject that was ever made with all tags of its latest record, a few hundred of which are in memory.

    Dagster has an index of some tags only, the version of the code not among them.
    """
    storage = instance.event_log_storage
    for some in _stretches(subjects):
        if isinstance(storage, EventLogStorage):
            yield from storage.all_tags(list(latest_ids(instance, asset, some).values())).items()
        else:
            yield from ((key, _tags(record)) for key, record in latest_records(instance, asset, some).items())


def _shared_record(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dg.EventLogRecord | None:
    """Return the record of the latest materialization of an asset that there is once for all subjects."""
    record = next(iter(instance.fetch_materializations(asset, limit=1).records), None)
    return record if record and record.partition_key is None else None


def _tags(record: dg.EventLogRecord) -> Mapping[str, str]:
    return (record.asset_materialization and record.asset_materialization.tags) or {}


def _stretches(subjects: Iterable[str]) -> list[list[str]]:
    ordered = sorted(subjects)
    return [ordered[start : start + _AT_A_TIME] for start in range(0, len(ordered), _AT_A_TIME)]
