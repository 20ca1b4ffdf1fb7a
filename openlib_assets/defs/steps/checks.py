"""The checks of tables as Dagster shows them: those apart by name, all others of a table as one, `contract_holds`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.partitions import subjects
from openlib_assets.lake.contract import Table
from openlib_assets.lake.transform import CheckOutcome

CONTRACT_HOLDS = "contract_holds"

# In the events of a run, the UI shows neither the partition nor the description of an evaluation, but its metadata in
# the order of the code points of their names, of which this is the first.
SUBJECT = "Subject"


def check_specs(table: Table) -> list[dg.AssetCheckSpec]:
    """Return Dagster's declarations of a table's checks."""
    partitions_def = subjects if table.by_subject else None
    together = [check for check in table.all_checks if not check.apart]
    rules = "\n".join(f"- `{check.name}`: {check.description}" for check in together)
    return [
        dg.AssetCheckSpec(
            CONTRACT_HOLDS,
            asset=asset_key(table),
            description=f"All rules of the table hold:\n\n{rules}",
            blocking=True,
            partitions_def=partitions_def,
        ),
        *(
            dg.AssetCheckSpec(
                check.name,
                asset=asset_key(table),
                description=check.description,
                blocking=check.blocking,
                partitions_def=partitions_def,
            )
            for check in table.all_checks
            if check.apart
        ),
    ]


def evaluations(
    asset: dg.AssetKey, subject: str, outcomes: Sequence[CheckOutcome], target: Target | None
) -> Iterator[dg.AssetCheckEvaluation]:
    """Return the evaluations of one subject's checks: of one partition, which they name, and already acted upon."""
    for shown in _shown(outcomes):
        yield dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=shown.name,
            passed=shown.passed,
            severity=shown.severity,
            description=f"{subject}: {shown.line}",
            metadata={SUBJECT: subject, **shown.metadata},
            target_materialization_data=target,
            partition=subject,
        )


def results(outcomes: Sequence[CheckOutcome], asset: dg.AssetKey | None = None) -> Iterator[dg.AssetCheckResult]:
    """Return the results of the checks of a table that there is once for all subjects, of an asset."""
    for shown in _shown(outcomes):
        yield dg.AssetCheckResult(
            asset_key=asset,
            check_name=shown.name,
            passed=shown.passed,
            severity=shown.severity,
            description=shown.line,
            metadata=shown.metadata,
        )


@dataclass(frozen=True)
class _Shown:
    """What is shown of a check: one that is apart, or all others together."""

    name: str
    passed: bool
    blocking: bool
    line: str
    metadata: Mapping[str, Any]

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.ERROR if self.blocking else dg.AssetCheckSeverity.WARN


def _shown(outcomes: Sequence[CheckOutcome]) -> Iterator[_Shown]:
    together = [outcome for outcome in outcomes if not outcome.check.apart]
    if together:
        failing = [outcome for outcome in together if not outcome.passed]
        failed = "; ".join(outcome.line() for outcome in failing)
        numbers = {
            f"{outcome.check.name}: {name}": value for outcome in together for name, value in _numbers(outcome).items()
        }
        yield _Shown(
            CONTRACT_HOLDS,
            passed=not failed,
            blocking=not failing or any(outcome.check.blocking for outcome in failing),
            line=failed or f"all {len(together)} rules hold",
            metadata={**({"failed": failed} if failed else {}), **numbers},
        )
    for outcome in outcomes:
        if outcome.check.apart:
            yield _Shown(outcome.check.name, outcome.passed, outcome.check.blocking, outcome.line(), _numbers(outcome))


def target_of(latest: dg.EventLogRecord | None) -> Target | None:
    """Return what an evaluation is of: Dagster counts it as long as that is the latest record of its subject."""
    return latest and Target(storage_id=latest.storage_id, run_id=latest.run_id, timestamp=latest.timestamp)


def _numbers(outcome: CheckOutcome) -> dict[str, Any]:
    return {name: value for name, value in outcome.numbers.items() if value is not None}
