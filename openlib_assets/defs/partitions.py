"""The partitions: one per subject, keyed by Open Library's own normalised key, and runs of many; one per dump."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.execution.context.system import StepExecutionContext

SUBJECTS = "subjects"

# How many subjects a run takes that Dagster starts: a process and its imports cost more than a small subject, and
# several runs share the cores.
SUBJECTS_A_RUN = 25


class _Subjects(dg.DynamicPartitionsDefinition):
    """The registered subjects."""

    def get_partition_keys_in_range(self, partition_key_range: dg.PartitionKeyRange) -> Sequence[str]:
        """Return the subjects of a stretch; raises dg.Failure, in one line, where the first or the last is gone.

        Dagster asks for them before an asset or the IO manager is called, and says it in several lines.
        """
        try:
            return super().get_partition_keys_in_range(partition_key_range)
        except dg.DagsterInvalidInvocationError:
            ends = dict.fromkeys((partition_key_range.start, partition_key_range.end))
            gone = ", ".join(repr(key) for key in ends if not self.has_partition_key(key))
            raise dg.Failure(
                f"removed since this run was asked for: {gone}, without which Dagster cannot tell the others of the "
                "run; run these with: openlib run SUBJECT...",
                allow_retries=False,
            ) from None


subjects = _Subjects(name=SUBJECTS)

_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# Says which subjects a stretch had when its run was asked for: one that is removed and added again stands elsewhere.
_STRETCH = "openlib/subjects"

# By their dates, such as 2026-08-31.
DUMPS = "dumps"
dumps = dg.DynamicPartitionsDefinition(name=DUMPS)


def stretches(registered: Sequence[str], wanted: Collection[str], longest: int | None = None) -> Iterator[list[str]]:
    """Cut the wanted subjects into stretches without gaps of the order in which they are registered.

    A run over several partitions covers such a stretch, since that is all that Dagster can say of them.
    """
    chosen = set(wanted)
    for is_wanted, group in groupby(registered, chosen.__contains__):
        stretch = list(group) if is_wanted else []
        step = longest or max(1, len(stretch))
        for start in range(0, len(stretch), step):
            yield stretch[start : start + step]


def run_tags(stretch: Sequence[str]) -> Mapping[str, str]:
    """Return the tags by which a run covers a stretch of subjects."""
    if len(stretch) == 1:
        return {"dagster/partition": stretch[0]}
    return {_FIRST: stretch[0], _LAST: stretch[-1], _STRETCH: _digest(stretch)}


def _digest(stretch: Collection[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(stretch)).encode()).hexdigest()[:16]


def asked_for(context: StepExecutionContext, keys: Collection[str]) -> list[str]:
    """Return the subjects that a step is to make, of those in the stretch of its run by now.

    One that was removed since the run was asked for is missing there, which is logged. Raises dg.Failure where others
    stand in the stretch, or none does, as after its last or its first one was removed and added again.
    """
    run = context.dagster_run
    # Of one subject, a run may have the tag from the run of a stretch whose tags somebody copied.
    digest = run.tags.get(_STRETCH, "") if _FIRST in run.tags else ""
    if keys and digest in ("", _digest(keys)):
        return sorted(keys)
    # What Dagster wrote down when the run was made, or the one that it repeats, where that are the same subjects.
    planned = (_planned(context.instance, run_id) for run_id in (run.run_id, run.root_run_id) if run_id)
    asked = next((found for found in planned if _digest(found) == digest), set[str]())
    if not keys or not asked.issuperset(keys):
        raise dg.Failure(
            f"from {run.tags[_FIRST]!r} to {run.tags[_LAST]!r} there are other subjects than when this run was asked "
            "for, as after one was removed and added again; run those that are meant with: openlib run SUBJECT...",
            allow_retries=False,
        )
    gone = ", ".join(sorted(asked.difference(keys)))
    context.log.warning(f"left out, since removed after this run was asked for: {gone}; the others go on")
    return sorted(keys)


def require_asked_for(context: StepExecutionContext) -> None:
    """Raise dg.Failure where a run's stretch holds other subjects than were asked for, before something is read."""
    if {_STRETCH, _FIRST} <= context.dagster_run.tags.keys():
        with partition_loading_context(dynamic_partitions_store=context.instance):
            asked_for(context, subjects.get_partition_keys_in_range(context.partition_key_range))


def _planned(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """Return the subjects of a run when it was made."""
    found: set[str] = set()
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED):
        planned = entry.get_dagster_event().asset_materialization_planned_data
        found |= set(planned.partitions_subset.get_partition_keys() if planned.partitions_subset else ())
        found |= {planned.partition} if planned.partition else set()
    return found
