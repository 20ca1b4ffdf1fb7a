"""A step under way: which subjects it is to make, and what it records of each.

Each subject is recorded by itself and at once, with its own numbers and its own version of the data, so that nothing
is lost with a run that is killed.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import dagster as dg
from dagster._core.execution.context.system import StepExecutionContext
from dagster._record import replace

from openlib_assets.defs.steps.checks import evaluations, target_of
from openlib_assets.defs.steps.outputs import Done, SubjectOutputs
from openlib_assets.defs.steps.records import Versions, just_recorded, last_evaluations, latest_record, latest_records
from openlib_assets.defs.steps.run_state import StepSubjects, goes_on_from, said_in_run
from openlib_assets.lake.contract import RAW_WORKS
from openlib_assets.lake.transform import CheckOutcome
from openlib_assets.storage import Storage

FORCE = "force"


@dataclass
class Step:
    """A step of a run, the asset it makes, and what the run has said before it of its subjects."""

    context: StepExecutionContext
    asset: dg.AssetKey
    said_before: dict[str, StepSubjects]
    unchanged: set[str] = field(default_factory=set)
    _not_recorded: set[str] = field(default_factory=set)

    @staticmethod
    def of(context: StepExecutionContext, asset: dg.AssetKey) -> "Step":
        """Return the step of Dagster's context, as far as it makes an asset."""
        return Step(context, asset, said_in_run(context.instance, context.run_id))

    @property
    def log(self) -> Any:
        """The log of the run."""
        return self.context.log

    def left_out(self) -> frozenset[str]:
        """Return the subjects of which nothing can be made, since something failed that the asset is made from."""
        parents = self.context.job_def.asset_layer.get(self.asset).parent_keys
        said = [self.said_before.get(parent.to_user_string()) for parent in parents]
        return frozenset().union(*(one.unusable for one in said if one))

    def sorted_out(
        self, storage: Storage, outputs: SubjectOutputs, subjects: Sequence[str]
    ) -> tuple[list[str], Iterator[dg.DagsterEvent]]:
        """Return the subjects to make, and what to record of those that stay as they are.

        A subject stays as it is if its source had nothing new in this run, or if the run goes on from a failed one; if
        all that it is made from and the code are what they were; and if its files are there, as recorded. In a run in
        which something failed, Dagster would take such a subject and its checks for failed too, so what was last
        recorded is repeated there. In one that goes on from a failed one, it would take the checks for skipped.
        """
        untouched = [key for key in subjects if key not in outputs.left and self._may_stay(key)]
        current = self._current(storage, outputs, untouched)
        self.unchanged |= outputs.left | current
        self._not_recorded = current | outputs.left.intersection(subjects)
        events: Iterator[dg.DagsterEvent] = iter(())
        if not all(said.all_is_well for said in self.said_before.values()):
            events = self.repeated()
        elif self._goes_on():
            events = chain.from_iterable(map(self._checked_before, sorted(self.unchanged)))
        return [key for key in subjects if key not in self.unchanged], events

    def repeated(self) -> Iterator[dg.DagsterEvent]:
        """Record again, as they were last recorded, the subjects that stay as they are, unless that is done already."""
        records = latest_records(self.context.instance, self.asset, self._not_recorded)
        self._not_recorded = set()
        made = {subject: record.asset_materialization for subject, record in records.items()}
        return chain.from_iterable(self._repeated(subject, last) for subject, last in made.items() if last)

    def recorded(self, versions: Versions, subject: str, done: Done) -> Iterator[dg.DagsterEvent]:
        """Record what was made of a subject, and the outcomes of its checks."""
        if done.unchanged:
            self.unchanged.add(subject)
        for outcome in done.outcomes:
            if not outcome.passed:
                self.log.warning(f"{subject}: {outcome.line()} ({outcome.check.description})")
        tags = versions.tags(subject, done.data_version)
        yield dg.DagsterEvent.asset_materialization(
            self.context, dg.AssetMaterialization(self.asset, partition=subject, metadata=done.metadata, tags=tags)
        )
        if done.outcomes:
            record = just_recorded(self.context.instance, self.asset, subject)
            yield from self._evaluated(evaluations(self.asset, subject, done.outcomes, target_of(record)))

    def rejected(self, subject: str, outcomes: Sequence[CheckOutcome]) -> Iterator[dg.DagsterEvent]:
        """Record the outcomes of the checks of a subject that failed, which are shown with its last record."""
        if outcomes:
            record = latest_record(self.context.instance, self.asset, subject)
            yield from self._evaluated(evaluations(self.asset, subject, outcomes, target_of(record)))

    def versions(self, subjects: Collection[str]) -> Versions:
        """Return the versions of what the asset is made from, as they are recorded now."""
        return Versions(self.context.instance, self._spec(), subjects)

    def said(self, outputs: SubjectOutputs) -> StepSubjects:
        """Return what this step says of the run's subjects."""
        return StepSubjects(outputs.failed, self.left_out(), frozenset(self.unchanged), outputs.tolerated)

    def _spec(self) -> dg.AssetSpec:
        return self.context.job_def.asset_layer.get(self.asset).to_asset_spec()

    def _repeated(self, subject: str, last: dg.AssetMaterialization) -> Iterator[dg.DagsterEvent]:
        """Record a subject again as it was last recorded, its checks included."""
        again = dg.AssetMaterialization(self.asset, partition=subject, metadata=last.metadata, tags=last.tags)
        checked = self._last_evaluations(subject)
        yield dg.DagsterEvent.asset_materialization(self.context, again)
        target = target_of(just_recorded(self.context.instance, self.asset, subject))
        yield from self._evaluated(replace(evaluation, target_materialization_data=target) for evaluation in checked)

    def _checked_before(self, subject: str) -> Iterator[dg.DagsterEvent]:
        """Record again what the checks of a subject said last."""
        return self._evaluated(self._last_evaluations(subject))

    def _last_evaluations(self, subject: str) -> list[dg.AssetCheckEvaluation]:
        checks = self.context.job_def.asset_layer.get(self.asset).check_keys
        return last_evaluations(self.context.instance, checks, subject)

    def _evaluated(self, some: Iterable[dg.AssetCheckEvaluation]) -> Iterator[dg.DagsterEvent]:
        for evaluation in some:
            yield dg.DagsterEvent.asset_check_evaluation(self.context, evaluation)

    def _may_stay(self, subject: str) -> bool:
        run = self.context.dagster_run
        ops: Any = run.run_config.get("ops", {})
        if any(op.get("config", {}).get(FORCE) for op in ops.values()):
            return False
        # Works that were fetched anew may be the same, and still what is told of their fetch is not.
        works = self.said_before.get(RAW_WORKS.name)
        said = [works] if works else self.said_before.values()
        return any(subject in one.unchanged for one in said) or self._goes_on()

    def _goes_on(self) -> bool:
        return bool(goes_on_from(self.context.instance, self.context.dagster_run))

    def _current(self, storage: Storage, outputs: SubjectOutputs, subjects: Collection[str]) -> set[str]:
        """Return those of some subjects that are as their inputs and the code make them, and whose files are there."""
        if outputs.paths is None or not subjects:
            return set()
        paths = outputs.paths
        return {
            subject
            for subject, version in self.versions(subjects).current().items()
            if outputs.version([storage.digest(path) for path in paths(subject)]) == version
        }
