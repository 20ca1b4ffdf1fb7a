"""How an asset goes through the subjects of a run, so that one that fails does not take the others with it.

A run of one subject gives an ordinary result. In a run of several, each subject that is done is recorded on its own
with its own numbers; those that fail are named, with their reasons, in the one failure at the end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from openlib_assets.errors import OpenlibError
from openlib_assets.openlibrary.errors import BannedError, InterruptedFetchError
from openlib_assets.partitions import subjects
from openlib_assets.tables import Table
from openlib_assets.transform import CheckOutcome

FAILED_SUBJECTS = "failed_subjects"


@dataclass(frozen=True)
class Done:
    """What became of one subject: metadata to show, outcomes of checks, and the version of the data if known."""

    metadata: Mapping[str, Any]
    outcomes: Sequence[CheckOutcome] = field(default=())
    data_version: str | None = None


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


def materialize_each(
    context: dg.AssetExecutionContext, do: Callable[[str], Done], *, own_versions: bool = False
) -> Iterator[Any]:
    """Do the work for each subject of the run and give Dagster the events; raises dg.Failure if any failed.

    `own_versions` is for an asset that says the version of its data itself: in a run of several subjects nothing
    downstream of it runs then, since Dagster has one version for all partitions of an output.
    """
    if len(context.partition_keys) == 1:
        yield from _materialize_one(context, do, context.partition_key)
    else:
        yield from _materialize_several(context, do, own_versions=own_versions)


def _materialize_one(context: dg.AssetExecutionContext, do: Callable[[str], Done], subject: str) -> Iterator[Any]:
    try:
        done = do(subject)
    except OpenlibError as error:
        yield from _evaluations(context, subject, getattr(error, "outcomes", ()))
        raise _failure(context, {subject: str(error)}) from error
    _log_warnings(context, subject, done.outcomes)
    yield dg.MaterializeResult(
        metadata=done.metadata,
        data_version=None if done.data_version is None else dg.DataVersion(done.data_version),
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


def _materialize_several(
    context: dg.AssetExecutionContext, do: Callable[[str], Done], *, own_versions: bool
) -> Iterator[Any]:
    good: dict[str, Done] = {}
    failed: dict[str, str] = {}
    for subject in sorted(context.partition_keys):
        try:
            done = do(subject)
        except InterruptedFetchError:
            raise
        except BannedError as error:
            failed |= dict.fromkeys((s for s in sorted(context.partition_keys) if s >= subject), str(error))
            break
        except OpenlibError as error:
            failed[subject] = str(error)
            yield from _evaluations(context, subject, getattr(error, "outcomes", ()))
            continue
        good[subject] = done
        _log_warnings(context, subject, done.outcomes)
        yield from _evaluations(context, subject, done.outcomes)
        if own_versions:
            yield _materialization(context, subject, done)
    if failed:
        if not own_versions:
            for subject, done in good.items():
                yield _materialization(context, subject, done)
        raise _failure(context, failed)
    yield from _nothing_more_to_check(context)
    if not own_versions:
        for subject, done in good.items():
            context.add_asset_metadata(dict(done.metadata), asset_key=context.asset_key, partition_key=subject)
        yield dg.MaterializeResult()


def _materialization(context: dg.AssetExecutionContext, subject: str, done: Done) -> dg.AssetMaterialization:
    tags: dict[str, str] = {}
    if done.data_version is not None:
        tags = {
            "dagster/data_version": done.data_version,
            "dagster/data_version.is_user_provided": "true",
            "dagster/code_version": str(context.assets_def.get_asset_spec(context.asset_key).code_version),
        }
    return dg.AssetMaterialization(
        context.asset_key,
        partition=subject,
        metadata={**done.metadata, "dagster_run": context.run_id},
        tags=tags,
    )


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


def _nothing_more_to_check(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None]]:
    """Fill the outputs that Dagster makes for check specs; the evaluations themselves are recorded per subject."""
    for spec in context.assets_def.check_specs:
        yield dg.Output(None, output_name=f"{'__'.join(spec.asset_key.path)}_{spec.name}")


def _failure(context: dg.AssetExecutionContext, failed: Mapping[str, str]) -> dg.Failure:
    for subject, reason in failed.items():
        context.log.error(f"{subject}: {reason}")
    lines = "\n".join(f"{subject}: {reason}" for subject, reason in failed.items())
    return dg.Failure(lines, metadata={FAILED_SUBJECTS: dg.MetadataValue.json(dict(failed))}, allow_retries=False)


def _log_warnings(context: dg.AssetExecutionContext, subject: str, outcomes: Sequence[CheckOutcome]) -> None:
    for outcome in outcomes:
        if not outcome.passed:
            context.log.warning(f"{subject}: {outcome.line()} ({outcome.check.description})")


def _severity(outcome: CheckOutcome) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if outcome.check.blocking else dg.AssetCheckSeverity.WARN


def _numbers(outcome: CheckOutcome) -> dict[str, Any]:
    return {name: value for name, value in outcome.numbers.items() if value is not None}
