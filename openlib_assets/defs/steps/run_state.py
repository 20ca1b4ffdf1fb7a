"""What a run has said so far of its subjects, read from its events: which failed, and which are as they were.

Each step tells it with its output (Dagster's event that an output was handled), so that the steps that follow know of
it in whatever process they are, and so does whoever reads the run later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

_METADATA = "subjects"
_IS_RESUMED = "dagster/is_resume_retry"


@dataclass(frozen=True)
class Failed:
    """Why a subject failed: the asset, the kind of error, and its text."""

    asset: str
    kind: str
    reason: str


@dataclass(frozen=True)
class StepSubjects:
    """What a step says of the subjects of its run.

    `left_out`: something that the asset is made from failed. `unchanged`: the source was asked, and what is made from
    the subject may stay as it is. `tolerated`: what failed keeps nothing else from being made.
    """

    failed: Mapping[str, Failed]
    left_out: frozenset[str]
    unchanged: frozenset[str]
    tolerated: bool = False

    @property
    def unusable(self) -> frozenset[str]:
        """The subjects of which nothing more can be made."""
        return self.left_out if self.tolerated else self.left_out | self.failed.keys()

    @property
    def all_is_well(self) -> bool:
        """Whether the step made what it was to make."""
        return not (self.left_out or self.failed)

    def metadata(self, asset: dg.AssetKey) -> dict[str, Any]:
        """Return it as the metadata of the asset's output."""
        said = {
            "asset": asset.to_user_string(),
            "failed": {subject: vars(why) for subject, why in sorted(self.failed.items())},
            "left_out": sorted(self.left_out),
            "unchanged": sorted(self.unchanged),
            "tolerated": self.tolerated,
        }
        return {_METADATA: dg.MetadataValue.json(said)}


def said_by_steps(events: Iterable[dg.DagsterEvent]) -> dict[str, StepSubjects]:
    """Return what the steps of a run said, by asset, from its events."""
    found: dict[str, StepSubjects] = {}
    for event in events:
        if event.event_type != dg.DagsterEventType.HANDLED_OUTPUT:
            continue
        value = event.event_specific_data.metadata.get(_METADATA)  # type: ignore[union-attr]  # of that type of event
        if value is not None:
            said: Any = value.value
            found[said["asset"]] = StepSubjects(
                {subject: Failed(**why) for subject, why in said["failed"].items()},
                frozenset(said["left_out"]),
                frozenset(said["unchanged"]),
                said.get("tolerated", False),  # a run of an earlier release did not say it
            )
    return found


def said_in_run(instance: dg.DagsterInstance, run_id: str) -> dict[str, StepSubjects]:
    """Return what the steps of a run have said so far, by asset."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.HANDLED_OUTPUT)
    return said_by_steps(entry.get_dagster_event() for entry in entries)


def goes_on_from(instance: dg.DagsterInstance, run: dg.DagsterRun) -> frozenset[str]:
    """Return the runs that a re-execution from failure goes on from, the first one included; none for other runs."""
    runs: set[str] = set()
    while run.tags.get(_IS_RESUMED) == "true" and run.parent_run_id and run.parent_run_id not in runs:
        runs.add(run.parent_run_id)
        parent = instance.get_run_by_id(run.parent_run_id)
        if parent is None:
            break
        run = parent
    return frozenset(runs)


def failure(failed: Mapping[str, Failed]) -> dg.Failure:
    """Return the failure of a step: a line for each subject that failed in it."""
    return dg.Failure("\n".join(f"{subject}: {why.reason}" for subject, why in failed.items()), allow_retries=False)
