"""The IO manager: tables of a subject in, tables of a subject out, on whatever storage is set.

Whatever an asset makes goes through here, a subject at a time: locked, written beside its place, put there, digested,
and recorded before the next one comes. A subject that fails takes no other with it.

An asset says by annotation what it wants:

- `SubjectTables`: each subject's table on its own, opened when asked for and read piece by piece. What this project's
  own assets use: memory does not grow with the number of subjects.
- `pyarrow.Table` or `pandas.DataFrame`: one table over the subjects of the run that did not fail before, with
  `subject` as its first column, also where the run has just one subject.

An asset may return `SubjectOutputs`, or either of the last two with a `subject` column; the rows are filed by it.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa
from dagster._core.execution.context.system import StepExecutionContext

from openlib_assets.defs.partitions import asked_for, require_asked_for
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.frames import as_outputs, concatenated, to_pandas
from openlib_assets.defs.steps.outputs import SubjectOutputs, said_in_one_line
from openlib_assets.defs.steps.run_state import Failed, failure, said_in_run
from openlib_assets.defs.steps.step import Step
from openlib_assets.defs.steps.writing import written_each
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import open_current, snapshot_names
from openlib_assets.lake.contract import ALL_TABLES, SNAPSHOT_TABLES, Layer
from openlib_assets.lake.table_files import ANY_VERSION, TableFile, open_table
from openlib_assets.openlibrary.errors import InterruptedFetchError
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    import pandas as pd

_TABLES = {table.name: table for table in ALL_TABLES}
_SNAPSHOTS = {table.name: table for table in SNAPSHOT_TABLES}


class SubjectTables:
    """One table of each subject of the run, opened when asked for."""

    def __init__(self, storage: Storage, table: str, layer: str, subjects: list[str]) -> None:
        self._storage = storage
        self._table = table
        self._layer = layer
        self.subjects = subjects

    def open(self, subject: str) -> AbstractContextManager[TableFile]:
        """Lend the table of a subject; raises TableFileError where there is none or it is unreadable."""
        if bronze := _SNAPSHOTS.get(self._table):
            return open_current(self._storage, subject, bronze)
        path = layout.table_file(self._layer, self._table, subject)
        versions = _TABLES[self._table].readable_versions if self._table in _TABLES else ANY_VERSION
        return open_table(
            self._storage, path, remedy=f"make it with: openlib run {as_argument(subject)}", versions=versions
        )

    def has(self, subject: str) -> bool:
        """Tell whether there is the table of a subject."""
        if bronze := _SNAPSHOTS.get(self._table):
            return bool(snapshot_names(self._storage, subject, bronze))
        return self._storage.exists(layout.table_file(self._layer, self._table, subject))

    def together(self) -> pa.Table:
        """Return all subjects' rows as one table, `subject` first."""
        return concatenated(self.subjects, self.open)


class ParquetIOManager(dg.ConfigurableIOManager):
    """Reads and writes the tables of subjects below a storage root."""

    storage: dg.ResourceDependency[StorageResource]

    def load_input(self, context: dg.InputContext) -> "SubjectTables | pa.Table | pd.DataFrame":
        """Return an upstream table of the run's subjects in the shape that the annotation asks for."""
        upstream = context.upstream_output
        if upstream is None:
            raise dg.DagsterInvariantViolationError("only the output of an asset can be loaded")
        name = upstream.asset_key.path[-1]
        wanted = context.dagster_type.typing_type
        subjects = sorted(context.asset_partition_keys)
        if wanted is not SubjectTables:
            # Whoever reads them all may put nothing out, which would be looked at there.
            require_asked_for(context.step_context)
            left_out = _left_out(context.step_context, upstream.asset_key)
            subjects = [subject for subject in subjects if subject not in left_out]
        tables = SubjectTables(self._opened(), name, _layer(context.step_context, upstream.asset_key), subjects)
        if not _is_partitioned(context.step_context):
            # It is given all subjects that are registered, also those of which nothing was made yet.
            tables.subjects = [subject for subject in subjects if tables.has(subject)] or subjects
        if wanted is SubjectTables:
            return tables
        if wanted in (pa.Table, Any):
            return tables.together()
        if getattr(wanted, "__name__", "") == "DataFrame":
            return to_pandas(tables.together())
        raise dg.DagsterInvariantViolationError(
            f"annotate {name} as SubjectTables, pyarrow.Table or pandas.DataFrame, not {wanted}"
        )

    def handle_output(  # type: ignore[override]  # a generator, whose events Dagster stores one by one
        self, context: dg.OutputContext, obj: "SubjectOutputs | pa.Table | pd.DataFrame"
    ) -> Iterator[dg.DagsterEvent]:
        """Put each subject's files in their places and record them, subject by subject.

        What failed is told with the output, for the steps that follow; an asset that hands it over by `put_out` then
        fails its step, any other fails here.
        """
        name = context.asset_key.path[-1]
        step, storage = Step.of(context.step_context, context.asset_key), self._opened()
        keys = asked_for(context.step_context, context.asset_partition_keys)
        if isinstance(obj, SubjectOutputs):
            outputs = obj
        else:
            layer = _layer(context.step_context, context.asset_key)
            outputs = as_outputs(obj, storage, layer, name, keys)
        yield from _put_in_place(step, storage, outputs, keys, context.output_metadata)
        said = step.said(outputs).metadata(step.asset)
        if outputs.failed and not outputs.fails_its_step:
            # Dagster does not record an output that fails, and what follows has to know of which subjects it did.
            manager = context.op_def.output_def_named(context.name).io_manager_key
            yield dg.DagsterEvent.handled_output(context.step_context, context.name, manager, metadata=said)
            raise failure(outputs.failed)
        context.add_output_metadata(said)
        # Dagster would now record all subjects of the run, those that failed too, with one version of the data for all
        # (dagster/_core/execution/plan/execute_step.py, 1.13.27). It does not for an output of no asset.
        context._asset_key = None

    def _opened(self) -> Storage:
        with said_in_one_line():
            return self.storage.open()


def _put_in_place(
    step: Step, storage: Storage, outputs: SubjectOutputs, keys: list[str], told: Mapping[str, Any]
) -> Iterator[dg.DagsterEvent]:
    """Put files in their places and record them, with the metadata that the asset told of all of them."""
    usable = [key for key in keys if key not in step.left_out()]
    todo, as_they_were = step.sorted_out(storage, outputs, usable)
    outputs.complete = len(usable) - len(todo)
    yield from as_they_were
    versions = step.versions(todo)
    for subject, done in written_each(storage, outputs, todo):
        if isinstance(done, InterruptedFetchError):
            raise done
        if isinstance(done, OpenlibError):
            outputs.failed[subject] = Failed(step.asset.to_user_string(), type(done).__name__, str(done))
            step.log.error(f"{subject}: {done}")
            yield from step.rejected(subject, getattr(done, "outcomes", ()))
        else:
            outputs.complete += 1
            yield from step.recorded(versions, subject, replace(done, metadata={**told, **done.metadata}))
    if outputs.failed:
        # Dagster would take those that stay as they are for failed, too.
        yield from step.repeated()


def _is_partitioned(context: StepExecutionContext) -> bool:
    assets = context.job_def.asset_layer.get_assets_def_for_node(context.node_handle)
    return assets is not None and assets.partitions_def is not None


def _left_out(context: StepExecutionContext, loaded: dg.AssetKey) -> frozenset[str]:
    """Return the subjects of which nothing is loaded: for an asset all of which it makes nothing, for others, such as a
    check, those of which the loaded table is not made.
    """
    assets = context.job_def.asset_layer.get_assets_def_for_node(context.node_handle)
    makes = assets.keys if assets else ()
    said = said_in_run(context.instance, context.run_id)
    if len(makes) == 1:
        return Step(context, next(iter(makes)), said).left_out()
    return said[name].unusable if (name := loaded.to_user_string()) in said else frozenset()


def _layer(context: StepExecutionContext, asset: dg.AssetKey) -> str:
    """Return the layer in which an asset is filed: its group, if that is one of subjects' tables."""
    group = context.job_def.asset_layer.get(asset).group_name
    # Below the folder of the warehouse lie versions, which go when they are superseded.
    return group if group in list(Layer) and group != Layer.WAREHOUSE else Layer.GOLD
