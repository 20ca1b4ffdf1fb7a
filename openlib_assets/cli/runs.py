"""Runs of subjects in this process, on a Dagster instance: what `openlib run` does.

One run takes many subjects, so that hundreds cost hardly more than one. A run over several partitions covers a
stretch without gaps of the partitions' order, since that is all that Dagster can say of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from openlib_assets.cli.stopped_runs import fetched_before, give_up, is_interruption
from openlib_assets.defs.assets.each_subject import FAILED_SUBJECTS
from openlib_assets.defs.instance.run_launcher import fail_dead_runs
from openlib_assets.defs.jobs import ACROSS, ALL, REBUILD
from openlib_assets.defs.partitions import SUBJECTS
from openlib_assets.defs.run_failures import Failed, failed_subjects
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.staging import forget
from openlib_assets.lake.contract import RAW_WORKS, SUBJECT_SUMMARY
from openlib_assets.lake.table_files import open_table
from openlib_assets.openlibrary.errors import SubjectNotFoundError
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
# The console is the command's own; what a run logs goes into the instance.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class SubjectResult:
    """What became of a subject: its numbers, or the reason why it failed."""

    subject: str
    error: str | None = None
    unchanged: bool = False
    resumed: bool = False
    works: int | None = None
    authors: int | None = None
    dated_share: float | None = None
    pages: int | None = None
    seconds: float | None = None
    files: str | None = None


def run_subjects(
    instance: dg.DagsterInstance, definitions: dg.Definitions, storage: Storage, keys: Sequence[str], *, force: bool
) -> list[SubjectResult]:
    """Register subjects and materialise every asset for each; a failed one does not stop the others.

    A subject that was new and that Open Library does not know does not stay registered. Raises KeyboardInterrupt when
    interrupted; the same call then goes on where it was.
    """
    fail_dead_runs(instance)
    new = set(keys) - set(instance.get_dynamic_partitions(SUBJECTS))
    instance.add_dynamic_partitions(SUBJECTS, sorted(new))
    results = {key: SubjectResult(key) for key in keys}
    fetched = {} if force else fetched_before(instance, keys)
    for key, fetch in fetched.items():
        results[key].resumed = True
        _note(results[key], fetch.asset_materialization)
        # Killed before it could: else the next fetch would take these pages for those of an unfinished one.
        forget(storage, key, fetch.timestamp)
    not_found: set[str] = set()
    todo = [(REBUILD, stretch) for stretch in _stretches(instance, fetched)]
    todo += [(ALL, stretch) for stretch in _stretches(instance, set(keys) - set(fetched))]
    for job, stretch in todo:
        result = _run(instance, definitions.resolve_job_def(job), stretch, force=force)
        if _interrupted(result):
            raise KeyboardInterrupt
        for materialization in _materializations(result):
            if materialization.asset_key.path[-1] == RAW_WORKS.name and materialization.partition:
                _note(results[materialization.partition], materialization)
        for key, failed in _failures(instance, result, stretch).items():
            results[key].error = failed.reason
            if key in fetched:
                give_up(instance, fetched[key].run_id, key)
            if failed.kind == SubjectNotFoundError.__name__:
                not_found.add(key)
    for key in not_found & new:
        instance.delete_dynamic_partition(SUBJECTS, key)
    for key, good in results.items():
        if good.error is None:
            _fill_in(good, storage, key)
    return list(results.values())


class AcrossSubjectsError(OpenlibError):
    """What is made across all subjects could not be made."""


def run_across_subjects(instance: dg.DagsterInstance, definitions: dg.Definitions) -> None:
    """Make the catalog and the comparison of all subjects again; raises AcrossSubjectsError with the reasons."""
    job = definitions.resolve_job_def(ACROSS)
    result = job.execute_in_process(instance=instance, run_config=_QUIET, raise_on_error=False)
    if _interrupted(result):
        raise KeyboardInterrupt
    if not result.success:
        failures = result.get_step_failure_events()
        raise AcrossSubjectsError(
            "; ".join(f"{event.step_key}: {_reason(event.step_failure_data, result.run_id)}" for event in failures)
        )


def _run(
    instance: dg.DagsterInstance, job: dg.JobDefinition, stretch: Sequence[str], *, force: bool
) -> dg.ExecuteInProcessResult:
    config: dict[str, Any] = dict(_QUIET)
    if job.name == ALL:
        config["ops"] = {RAW_WORKS.name: {"config": {"force": force}}}
    if len(stretch) == 1:
        return job.execute_in_process(
            instance=instance, run_config=config, raise_on_error=False, partition_key=stretch[0]
        )
    tags = {_RANGE_START: stretch[0], _RANGE_END: stretch[-1]}
    return job.execute_in_process(instance=instance, run_config=config, raise_on_error=False, tags=tags)


def _interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Tell whether a run ended by a signal, which Dagster hands on as a step's failure."""
    return any(is_interruption(event.step_failure_data.error) for event in result.get_step_failure_events())


def _materializations(result: dg.ExecuteInProcessResult) -> Iterator[dg.AssetMaterialization]:
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            yield event.step_materialization_data.materialization


def _note(result: SubjectResult, materialization: dg.AssetMaterialization | None) -> None:
    if materialization is None:
        return
    numbers: dict[str, Any] = {name: value.value for name, value in materialization.metadata.items()}
    result.unchanged = numbers["state"] == "unchanged"
    result.pages = numbers["pages"]
    result.seconds = numbers["seconds"]


def _failures(
    instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, stretch: Sequence[str]
) -> dict[str, Failed]:
    """Give the subjects of a run that failed; an asset that does not tell them apart fails all of them."""
    failed = failed_subjects(instance, result.run_id)
    if result.success:
        return failed
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data and FAILED_SUBJECTS in data.user_failure_data.metadata:
            about: Any = data.user_failure_data.metadata[FAILED_SUBJECTS].value
            failed |= {key: Failed(**why) for key, why in about.items()}
            continue
        reason = _reason(data, result.run_id)
        failed = dict.fromkeys(stretch, Failed(str(event.step_key), "", reason)) | failed
    return failed or dict.fromkeys(stretch, Failed("", "", f"the run failed; see run {result.run_id}"))


def _reason(data: Any, run_id: str) -> str:
    """Say in one line why a step failed."""
    if data.user_failure_data:
        return data.user_failure_data.description or ""
    root = data.error and (data.error.cause or data.error)
    return f"{root.message.strip().splitlines()[0][:300] if root else ''} (a defect; see run {run_id})"


def _stretches(instance: dg.DagsterInstance, keys: Collection[str]) -> Iterator[list[str]]:
    """Cut subjects into stretches without gaps of the partitions' order."""
    wanted = set(keys)
    stretch: list[str] = []
    for key in instance.get_dynamic_partitions(SUBJECTS):
        if key in wanted:
            stretch.append(key)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _fill_in(result: SubjectResult, storage: Storage, key: str) -> None:
    """Read a subject's headline numbers from its summary."""
    path = layout.table_file(SUBJECT_SUMMARY.layer, SUBJECT_SUMMARY.name, key)
    with open_table(storage, path, remedy="run it again") as dataset:
        (summary,) = dataset.to_table().to_pylist()
    result.works = summary["works"]
    result.authors = summary["authors"]
    result.dated_share = summary["works_dated"] / summary["works"] if summary["works"] else None
    result.files = storage.uri(layout.exports_folder(key))
