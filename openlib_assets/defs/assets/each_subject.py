"""How an asset goes through the subjects of a run, so that one that fails does not take the others with it.

A run of one subject gives an ordinary result. In a run of several, an asset records each subject on its own, with its
own numbers and its own version of the data, and goes on past those that fail. These are remembered with the run, left
out by the assets that follow, and named with their reasons by the asset that comes last, which fails the run: so all
other subjects are complete, and the run is red.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from openlib_assets.defs.assets.at_once import each_done
from openlib_assets.defs.partitions import still_registered, subjects
from openlib_assets.defs.run_failures import Failed, failed_subjects, remember_failed
from openlib_assets.lake.contract import Table
from openlib_assets.lake.transform import CheckOutcome
from openlib_assets.openlibrary.errors import InterruptedFetchError
from openlib_assets.storage.errors import OpenlibError

FAILED_SUBJECTS = "failed_subjects"

# While one subject is recorded, the next is made: Dagster works in Python, DuckDB beside it.
AT_ONCE = 2

# Metadata of an asset that goes through its subjects as this module says, and so can tell of those that failed.
GOES_SUBJECT_BY_SUBJECT = "goes_subject_by_subject"

# Dagster would record one version of the data for all partitions of an output. This key of an output's metadata tells
# it that the step records its own events (dagster/_core/definitions/source_asset.py, 1.13.27; a test holds us to it).
_OWN_EVENTS = {"__source_asset_observation__": True}


@dataclass(frozen=True)
class Done:
    """What became of one subject: metadata to show, the version of the data, and outcomes of checks."""

    metadata: Mapping[str, Any]
    data_version: str
    outcomes: Sequence[CheckOutcome] = field(default=())


def check_specs(table: Table) -> list[dg.AssetCheckSpec]:
    """Give Dagster's declarations of a table's checks."""
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=table.name,
            description=check.description,
            blocking=check.blocking,
            partitions_def=subjects,
        )
        for check in table.all_checks
    ]


@contextmanager
def said_in_one_line() -> Iterator[None]:
    """Fail the step with the text of a foreseen error that concerns no single subject."""
    try:
        yield
    except OpenlibError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def materialize_each(
    context: dg.AssetExecutionContext,
    do: Callable[[str], AbstractContextManager[Done]],
    *,
    at_once: int = AT_ONCE,
    stop: Callable[[], object] = lambda: None,
) -> Iterator[Any]:
    """Do the work for each subject of the run, so many at once, and give Dagster the events.

    The block in which a subject was done ends after its events were recorded, with an error if they were not. `stop`
    is called when no more work is wanted. Raises dg.Failure in a run of one subject if that failed; in a run of
    several, if this is the last asset of the run and any subject failed on the way.
    """
    try:
        with still_registered():
            keys = sorted(context.partition_keys)
        if len(keys) == 1:
            yield from _materialize_one(context, do, keys[0])
        else:
            yield from _materialize_several(context, do, keys, at_once, stop)
    finally:
        stop()


def _materialize_one(
    context: dg.AssetExecutionContext, do: Callable[[str], AbstractContextManager[Done]], subject: str
) -> Iterator[Any]:
    try:
        with do(subject) as done:
            _log_warnings(context, subject, done.outcomes)
            yield dg.MaterializeResult(
                metadata=done.metadata,
                data_version=dg.DataVersion(done.data_version),
                check_results=[
                    dg.AssetCheckResult(
                        check_name=outcome.check.name,
                        passed=outcome.passed,
                        severity=_severity(outcome),
                        metadata=_numbers(outcome),
                    )
                    for outcome in done.outcomes
                ],
            )
    except OpenlibError as error:
        yield from _evaluations(context, subject, getattr(error, "outcomes", ()))
        raise _failure({subject: _failed(context, error)}) from None


def _materialize_several(
    context: dg.AssetExecutionContext,
    do: Callable[[str], AbstractContextManager[Done]],
    keys: Sequence[str],
    at_once: int,
    stop: Callable[[], object],
) -> Iterator[Any]:
    failed = failed_subjects(context.instance, context.run.run_id)
    before = len(failed)
    parents = _ParentEvents(context, keys)
    for subject, done in each_done([key for key in keys if key not in failed], do, at_once, stop):
        if isinstance(done, InterruptedFetchError):
            raise done
        if isinstance(done, OpenlibError):
            failed[subject] = _failed(context, done)
            context.log.error(f"{subject}: {done}")
            yield from _evaluations(context, subject, getattr(done, "outcomes", ()))
            continue
        _log_warnings(context, subject, done.outcomes)
        yield dg.AssetMaterialization(
            context.asset_key,
            partition=subject,
            metadata=done.metadata,
            tags=_version_tags(context, done) | parents.tags(subject),
        )
        yield from _evaluations(context, subject, done.outcomes)
    if len(failed) > before:
        remember_failed(context.instance, context.run.run_id, failed)
    if failed and _fails_the_run(context, new=len(failed) > before):
        raise _failure(failed)
    for spec in context.assets_def.check_specs:
        yield dg.Output(None, output_name=f"{'__'.join(spec.asset_key.path)}_{spec.name}")
    yield dg.MaterializeResult(metadata=_OWN_EVENTS)


def _fails_the_run(context: dg.AssetExecutionContext, *, new: bool) -> bool:
    """Tell whether failed subjects fail this asset: one that no other of its kind in the run waits for.

    Where there are several of those, the one with the greatest name tells what failed before; each tells what is `new`.
    """
    graph = context.job_def.asset_layer
    selected = context.run.asset_selection or graph.executable_asset_keys
    ours = {key for key in selected if graph.get(key).metadata.get(GOES_SUBJECT_BY_SUBJECT)}

    def is_waited_for(key: dg.AssetKey) -> bool:
        children = set(selected).intersection(graph.get(key).child_keys)
        return any(child in ours or is_waited_for(child) for child in children)

    last = {key for key in ours if not is_waited_for(key)}
    return context.asset_key in last and (new or context.asset_key == max(last))


class _ParentEvents:
    """What an asset's parents last recorded for each subject: what its own record says that it was made from."""

    def __init__(self, context: dg.AssetExecutionContext, keys: Sequence[str]) -> None:
        self._latest = {
            parent: latest_records(context.instance, parent, set(keys))
            for parent in {dep.asset_key for dep in context.assets_def.get_asset_spec(context.asset_key).deps}
        }

    def tags(self, subject: str) -> dict[str, str]:
        """Give the tags by which Dagster tells whether a subject's table is older than what it was made from."""
        tags: dict[str, str] = {}
        for parent, records in self._latest.items():
            if subject in records and (materialization := records[subject].asset_materialization):
                name = parent.to_user_string()
                tags[f"dagster/input_event_pointer/{name}"] = str(records[subject].storage_id)
                version = (materialization.tags or {}).get("dagster/data_version", "")
                tags[f"dagster/input_data_version/{name}"] = version
        return tags


def latest_records(instance: dg.DagsterInstance, key: dg.AssetKey, wanted: set[str]) -> dict[str, dg.EventLogRecord]:
    """Give the record of the latest materialization of each subject, of those that have one."""
    latest: dict[str, dg.EventLogRecord] = {}
    cursor: str | None = None
    while wanted - latest.keys():
        records = dg.AssetRecordsFilter(asset_key=key, asset_partitions=sorted(wanted - latest.keys()))
        page = instance.fetch_materializations(records, limit=max(100, len(wanted)), cursor=cursor)
        for record in page.records:
            if record.partition_key:
                latest.setdefault(record.partition_key, record)
        if not page.has_more:
            break
        cursor = page.cursor
    return latest


def _version_tags(context: dg.AssetExecutionContext, done: Done) -> dict[str, str]:
    return {
        "dagster/code_version": str(context.assets_def.get_asset_spec(context.asset_key).code_version),
        "dagster/data_version": done.data_version,
        "dagster/data_version.is_user_provided": "true",
    }


def _evaluations(
    context: dg.AssetExecutionContext, subject: str, outcomes: Sequence[CheckOutcome]
) -> Iterator[dg.AssetCheckEvaluation]:
    """Record the checks of one subject as what they are: of one partition, and already acted upon."""
    for outcome in outcomes:
        yield dg.AssetCheckEvaluation(
            asset_key=context.asset_key,
            check_name=outcome.check.name,
            passed=outcome.passed,
            severity=_severity(outcome),
            metadata=_numbers(outcome),
            partition=subject,
        )


def _failed(context: dg.AssetExecutionContext, error: OpenlibError) -> Failed:
    return Failed(context.asset_key.to_user_string(), type(error).__name__, str(error))


def _failure(failed: Mapping[str, Failed]) -> dg.Failure:
    lines = "\n".join(f"{subject}: {about.reason}" for subject, about in failed.items())
    about = {subject: vars(about) for subject, about in failed.items()}
    return dg.Failure(lines, metadata={FAILED_SUBJECTS: dg.MetadataValue.json(about)}, allow_retries=False)


def _log_warnings(context: dg.AssetExecutionContext, subject: str, outcomes: Sequence[CheckOutcome]) -> None:
    for outcome in outcomes:
        if not outcome.passed:
            context.log.warning(f"{subject}: {outcome.line()} ({outcome.check.description})")


def _severity(outcome: CheckOutcome) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if outcome.check.blocking else dg.AssetCheckSeverity.WARN


def _numbers(outcome: CheckOutcome) -> dict[str, Any]:
    return {name: value for name, value in outcome.numbers.items() if value is not None}
