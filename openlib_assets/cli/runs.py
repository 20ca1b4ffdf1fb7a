"""Runs of subjects in this process, on a Dagster instance: what `openlib run` does.

One run takes many subjects, so that hundreds cost hardly more than one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from openlib_assets.cli.stopped_runs import interrupted, stopped_runs
from openlib_assets.defs.assets import raw_details, raw_works
from openlib_assets.defs.instance.run_launcher import fail_dead_runs, made_by_this_process
from openlib_assets.defs.jobs import ALL
from openlib_assets.defs.partitions import SUBJECTS, run_tags, stretches
from openlib_assets.defs.steps.records import latest_records
from openlib_assets.defs.steps.run_state import Failed, said_by_steps
from openlib_assets.lake import layout
from openlib_assets.lake.contract import SUBJECT_SUMMARY
from openlib_assets.lake.table_files import open_table
from openlib_assets.openlibrary.errors import SubjectNotFoundError
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

_FETCHED = (raw_works, raw_details)

# The console is the command's own; what a run logs goes into the instance.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_REMOVED = "it was removed while it was run, and may not be complete; if that was a mistake, run it again"


class RunDeletedError(OpenlibError):
    """Somebody deleted a run while it was at work."""


@dataclass
class SubjectResult:
    """The result of a subject: its numbers, or the reason why it failed.

    `left_out` is why a part of it failed that the rest does without. `unchanged`: there was nothing new, and nothing
    was made. `resumed`: it continues a run that was stopped.
    """

    subject: str
    error: str | None = None
    left_out: str | None = None
    unchanged: bool = False
    resumed: bool = False
    works: int | None = None
    authors: int | None = None
    dated_share: float | None = None
    pages: int | None = None
    seconds: float | None = None
    files: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the subject is not complete; None if it is."""
        return self.error or self.left_out


def run_subjects(
    instance: dg.DagsterInstance, definitions: dg.Definitions, storage: Storage, keys: Sequence[str], *, force: bool
) -> list[SubjectResult]:
    """Register subjects and materialise every asset for each; a failed one does not stop the others.

    A new subject that Open Library does not know does not stay registered. Raises KeyboardInterrupt when
    interrupted; the same call then continues.
    """
    fail_dead_runs(instance)
    registered = instance.get_dynamic_partitions(SUBJECTS)
    new = sorted(set(keys) - set(registered))
    instance.add_dynamic_partitions(SUBJECTS, new)
    in_order = instance.get_dynamic_partitions(SUBJECTS) if new else registered
    stopped = {} if force else stopped_runs(instance, keys)
    groups: dict[str | None, list[str]] = defaultdict(list)
    for key in keys:
        groups[stopped.get(key)].append(key)
    failed: dict[str, Failed] = {}
    left_out: dict[str, list[str]] = defaultdict(list)
    made: set[str | None] = set()
    job = definitions.resolve_job_def(ALL)
    config = QUIET | {"ops": {asset.op.name: {"config": {"force": force}} for asset in _FETCHED}}
    began = _last_id(instance)
    for parent, group in groups.items():
        for stretch in stretches(in_order, group):
            result = execute(instance, job, config, run_tags(stretch), goes_on_from=parent)
            if interrupted(result):
                raise KeyboardInterrupt
            failed |= _failures(result, stretch)
            for key, reason in _tolerated_failures(result):
                left_out[key].append(reason)
            made |= {
                event.partition
                for event in result.get_asset_materialization_events()
                if event.asset_key not in {asset.key for asset in _FETCHED}
            }
    not_found = {key for key, why in failed.items() if why.kind == SubjectNotFoundError.__name__}
    records = latest_records(instance, raw_works.key, keys)
    # Also one that a run registered which was stopped.
    for key in not_found.intersection({*new, *stopped}).difference(records):
        instance.delete_dynamic_partition(SUBJECTS, key)
    removed = set(keys).difference(not_found, instance.get_dynamic_partitions(SUBJECTS))
    # Those that were removed and added again were left out.
    left_alone = {
        key for key in keys if key not in records or (key not in stopped and records[key].storage_id <= began)
    }
    failed |= dict.fromkeys(removed | left_alone.difference(failed), Failed("", "", _REMOVED))
    return [
        SubjectResult(key, error=failed[key].reason)
        if key in failed
        else _result(
            storage, records[key], left_out.get(key, []), made=key in made, resumed=records[key].storage_id <= began
        )
        for key in keys
    ]


def execute(
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    config: dict[str, Any],
    tags: Mapping[str, str] | None = None,
    *,
    goes_on_from: str | None = None,
) -> dg.JobExecutionResult:
    """Run a job to its end in this process, by its own executor; it may go on from a run that was stopped.

    `JobDefinition.execute_in_process` has an executor that does not let others go on where something failed, and
    `dg.execute_job` wants a job that it can import, to which nobody could listen.
    """
    root = instance.get_run_by_id(goes_on_from) if goes_on_from else None
    run = instance.create_run_for_job(
        job,
        run_config=config,
        tags={
            **job.run_tags,
            **(tags or {}),
            **({"dagster/is_resume_retry": "true"} if root else {}),
            **made_by_this_process(),
        },
        parent_run_id=goes_on_from,
        root_run_id=(root.root_run_id or root.run_id) if root else None,
    )
    try:
        return execute_run(InMemoryJob(job), run, instance)
    except Exception as error:
        if instance.has_run(run.run_id):
            raise
        raise RunDeletedError(f"run {run.run_id} was deleted in Dagster while it was at work; run it again") from error


def _last_id(instance: dg.DagsterInstance) -> int:
    return instance.event_log_storage.get_maximum_record_id() or 0


def _failures(result: dg.JobExecutionResult, stretch: Sequence[str]) -> dict[str, Failed]:
    """Return the subjects of a run that failed; a step that does not tell them apart fails all of them."""
    told = said_by_steps(result.all_events)
    failed = {key: why for said in told.values() if not said.tolerated for key, why in said.failed.items()}
    failures = result.get_step_failure_events()
    silent = [
        event for event in failures if event.step_key not in told or not event.step_failure_data.user_failure_data
    ]
    if silent or not (result.success or any(said.failed for said in told.values())):
        reasons = [reason_of(event, result) for event in silent or failures]
        reason = reasons[0] if reasons else f"the run failed; see run {result.run_id}"
        failed = dict.fromkeys(stretch, Failed("", "", reason)) | failed
    return failed


def _tolerated_failures(result: dg.JobExecutionResult) -> Iterator[tuple[str, str]]:
    """Yield the subjects of which something failed that keeps nothing else from being made, and what and why."""
    for said in said_by_steps(result.all_events).values():
        if said.tolerated:
            yield from ((key, f"{why.asset}: {why.reason}") for key, why in said.failed.items())


def reason_of(event: dg.DagsterEvent, result: dg.JobExecutionResult) -> str:
    """Return in one line why a step failed."""
    data = event.step_failure_data
    if data.user_failure_data:
        return data.user_failure_data.description or ""
    root = data.error and (data.error.cause or data.error)
    line = next(iter(root.message.strip().splitlines()), root.cls_name) if root else None
    return f"{(line or '')[:300]} (unexpected error; see run {result.run_id})"


def _result(
    storage: Storage, fetch: dg.EventLogRecord, left_out: Sequence[str], *, made: bool, resumed: bool
) -> SubjectResult:
    """Read a subject's headline numbers from the record of its fetch and from its summary."""
    key = str(fetch.partition_key)
    metadata = fetch.asset_materialization.metadata if fetch.asset_materialization else {}
    numbers: dict[str, Any] = {name: value.value for name, value in metadata.items()}
    path = layout.table_file(SUBJECT_SUMMARY.layer, SUBJECT_SUMMARY.name, key)
    with open_table(storage, path, remedy="run it again") as dataset:
        (summary,) = dataset.to_table(["works", "authors", "works_dated"]).to_pylist()
    return SubjectResult(
        key,
        left_out="; ".join(left_out) or None,
        unchanged=numbers["state"] == "unchanged" and not made,
        resumed=resumed,
        works=summary["works"],
        authors=summary["authors"],
        dated_share=summary["works_dated"] / summary["works"] if summary["works"] else None,
        pages=numbers["pages"],
        seconds=numbers["seconds"],
        files=storage.uri(layout.exports_folder(key)),
    )
