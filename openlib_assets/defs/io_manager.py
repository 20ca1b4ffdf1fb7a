"""The IO manager: tables of a subject in, tables of a subject out, as Parquet on whatever storage is set.

An asset says by annotation what it wants:

- `SubjectTables`: each subject's table on its own, opened when asked for and read piece by piece. What this project's
  own assets use: memory does not grow with the number of subjects.
- `pyarrow.Table` or `pandas.DataFrame`: one table over all subjects of the run, with `subject` as its first column,
  also where the run has just one subject.

An asset may return either of the last two, with a `subject` column; the rows are filed by it.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.run_failures import failed_subjects
from openlib_assets.defs.ui_metadata import table_metadata
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import open_current
from openlib_assets.lake.contract import ALL_TABLES, RAW_WORKS, Layer
from openlib_assets.lake.table_files import open_table, write_table
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

LAYER_METADATA = "layer"

_LAYERS = {table.name: table.layer for table in ALL_TABLES}
_PANDAS_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype()}


class UnusableOutputError(OpenlibError):
    """An asset returned something that cannot be filed by subject."""


class SubjectTables:
    """One table of each subject of the run, opened when asked for."""

    def __init__(self, storage: Storage, table: str, layer: str, subjects: list[str]) -> None:
        self._storage = storage
        self._table = table
        self._layer = layer
        self.subjects = subjects

    def open(self, subject: str) -> AbstractContextManager[ds.Dataset]:
        """Lend the table of a subject; raises TableFileError where there is none or it is unreadable."""
        if self._table == RAW_WORKS.name:
            return open_current(self._storage, subject)
        path = layout.table_file(self._layer, self._table, subject)
        return open_table(self._storage, path, remedy=f"make it with: openlib run {subject!r}")

    def together(self) -> pa.Table:
        """Give all subjects' rows as one table, `subject` first."""
        parts = []
        for subject in self.subjects:
            with self.open(subject) as dataset:
                rows = dataset.to_table()
            column = pa.array([subject], pa.string()).take(pa.array([0] * rows.num_rows, pa.int64()))
            parts.append(rows.add_column(0, "subject", column).replace_schema_metadata())
        return pa.concat_tables(parts)


class ParquetIOManager(dg.ConfigurableIOManager):
    """Reads and writes the tables of subjects below a storage root."""

    storage: dg.ResourceDependency[StorageResource]

    def load_input(self, context: dg.InputContext) -> Any:
        """Give an upstream table of the run's subjects in the shape that the annotation asks for."""
        upstream = context.upstream_output
        if upstream is None:
            raise dg.DagsterInvariantViolationError("only the output of an asset can be loaded")
        name = upstream.asset_key.path[-1]
        layer = _layer(name, upstream.definition_metadata)
        tables = SubjectTables(self.storage.open(), name, layer, sorted(context.asset_partition_keys))
        wanted = context.dagster_type.typing_type
        if wanted is SubjectTables:
            return tables
        _refuse_after_failures(context)
        if wanted in (pa.Table, Any):
            return tables.together()
        if wanted is pd.DataFrame:
            return tables.together().to_pandas(types_mapper=_PANDAS_TYPES.get)
        raise dg.DagsterInvariantViolationError(
            f"annotate {name} as SubjectTables, pyarrow.Table or pandas.DataFrame, not {wanted}"
        )

    def handle_output(self, context: dg.OutputContext, obj: pa.Table | pd.DataFrame) -> None:
        """File a table over the run's subjects, each subject's rows in its own place."""
        name = context.asset_key.path[-1]
        layer = _layer(name, context.definition_metadata)
        storage = self.storage.open()
        for subject, rows in _by_subject(obj, sorted(context.asset_partition_keys), name):
            path = layout.table_file(layer, name, subject)
            with storage.writing(path) as file:
                write_table(file, rows.to_batches(), rows.schema)
            context.step_context.add_asset_metadata(
                table_metadata(rows.num_rows, rows.slice(0, 5), storage.uri(path)), context.asset_key, subject
            )


def _refuse_after_failures(context: dg.InputContext) -> None:
    """Refuse to put tables together where some subject of the run has none, rather than leave it out unsaid."""
    failed = failed_subjects(context.step_context.instance, context.step_context.run_id)
    if failed:
        names = ", ".join(sorted(failed))
        raise dg.Failure(
            f"{context.asset_key.to_user_string()} is wanted for all subjects of the run at once, but these failed: "
            f"{names}; run the others again without them",
            allow_retries=False,
        )


def _layer(name: str, metadata: Mapping[str, Any] | None) -> str:
    return _LAYERS.get(name) or str((metadata or {}).get(LAYER_METADATA, Layer.GOLD))


def _by_subject(obj: pa.Table | pd.DataFrame, subjects: list[str], name: str) -> Iterator[tuple[str, pa.Table]]:
    table = (
        pa.Table.from_pandas(obj, preserve_index=False).replace_schema_metadata()
        if isinstance(obj, pd.DataFrame)
        else obj
    )
    if not isinstance(table, pa.Table) or "subject" not in table.column_names:
        raise UnusableOutputError(f"{name}: return a pyarrow.Table or pandas.DataFrame with a column 'subject'")
    # A column without rows may be of any type.
    names = table["subject"].cast(pa.string())
    strange = set(pc.unique(names).to_pylist()) - set(subjects)
    if strange:
        raise UnusableOutputError(
            f"{name}: holds rows of subjects that are not in the run: {sorted(map(str, strange))[:3]}"
        )
    for subject in subjects:
        yield subject, table.filter(pc.equal(names, subject)).drop_columns("subject")
